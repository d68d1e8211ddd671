//! Does what lines say, at its time.

use super::output::{Flow, Output, signal};
use super::words::Act;
use aseqd_abi::seq::{RemoveEvents, RemoveMode};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::event::{EventExt as _, note_off, note_on, of_type};
use aseqd_client::ump::Protocol;
use aseqd_client::{Client, Error, Received};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::SignalFd;
use aseqd_midi::Decoder;
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// The velocity of the note off that ends a note.
const OFF_VELOCITY: u8 = 64;
/// The most bytes of a file of SysEx messages: a dump of the largest samplers has less. Without a limit, a wrong name such
/// as `/dev/zero` takes all memory.
const MAX_SYSEX_FILE: u64 = 64 << 20;

/// Sends at once until a time is named; from then on, through a queue that starts there.
#[derive(Debug)]
pub(crate) struct Performer<'a> {
    client: &'a Client,
    port: Address,
    dest: Address,
    /// A port of the client that the queue can write to.
    echo: Address,
    signals: &'a SignalFd,
    output: Output<'a>,
    clock: Option<Clock>,
    /// When the next event is due, from the start of the queue.
    cursor: Duration,
    /// Notes that end later: when, channel and key.
    held: Vec<(Duration, u8, u8)>,
}

#[derive(Debug)]
struct Clock {
    queue: u8,
    started: Instant,
    /// When the last event is due.
    last: Duration,
}

impl<'a> Performer<'a> {
    /// Makes a performer that sends from a port to another one, or to the subscribers of the port. At the end, the queue
    /// writes to the port `echo`. `patience` is how long to wait for a receiver that does not read; `None` is for ever.
    pub(crate) fn new(
        client: &'a Client,
        port: Address,
        dest: Address,
        echo: Address,
        signals: &'a SignalFd,
        patience: Option<Duration>,
    ) -> Self {
        let output = Output::new(client, port, dest, signals, patience);
        let (clock, cursor, held) = (None, Duration::ZERO, Vec::new());
        Self { client, port, dest, echo, signals, output, clock, cursor, held }
    }

    /// Does one thing.
    ///
    /// # Errors
    /// A message if the sequencer refuses an event, or a file cannot be read.
    pub(crate) fn act(&mut self, act: &Act) -> Result<Flow, Fail> {
        match act {
            Act::Event(event, data) => self.send(event, data.as_deref()),
            Act::Packet(packet) => {
                if self.client.protocol() == Protocol::Legacy {
                    self.client.set_protocol(Protocol::Midi2)?;
                }
                match &self.clock {
                    None => self.output.packet(packet),
                    Some(clock) => self.output.packet(&packet.at_time(clock.queue, self.cursor)),
                }
            }
            Act::Note { channel, key, velocity, duration } => {
                let begun = self.begin()?;
                let on = self.cursor;
                let sent = self.send(&note_on(*channel, *key, *velocity), None)?;
                self.cursor = on.saturating_add(*duration);
                self.held.push((self.cursor, *channel, *key));
                let ended = self.send(&note_off(*channel, *key, OFF_VELOCITY), None)?;
                self.cursor = on;
                Ok(begun.and(sent).and(ended))
            }
            Act::At(time) => {
                let flow = self.begin()?;
                self.cursor = *time;
                Ok(flow)
            }
            Act::Wait(duration) => {
                let flow = self.begin()?;
                self.cursor = self.cursor.saturating_add(*duration);
                Ok(flow)
            }
            Act::SysexFile(file) => {
                let bytes = sysex_bytes(file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                if bytes.first() != Some(&0xf0) || bytes.last() != Some(&0xf7) {
                    let what = "has no whole SysEx messages: these begin with F0 and end with F7";
                    return Err(Fail::new(format!("{} {what}", file.display())));
                }
                for piece in Decoder::default().decode(&bytes).collect::<Vec<_>>() {
                    let flow = self.send(&piece.event, piece.sysex.as_deref())?;
                    if flow != Flow::GoOn {
                        return Ok(flow);
                    }
                }
                Ok(Flow::GoOn)
            }
        }
    }

    /// Writes what was done so far. Call this before waiting for more.
    pub(crate) fn flush(&mut self) -> Result<Flow, Fail> {
        self.output.flush()
    }

    /// Takes lines that come from here on as meant for now at the earliest: somebody types them.
    pub(crate) fn catch_up(&mut self) {
        if let Some(clock) = &self.clock {
            let now = clock.started.elapsed();
            self.cursor = self.cursor.max(now);
            self.held.retain(|(end, _, _)| *end > now);
        }
    }

    fn send(&mut self, event: &Event, data: Option<&[u8]>) -> Result<Flow, Fail> {
        match &mut self.clock {
            None => self.output.event(event, data),
            Some(clock) => {
                clock.last = clock.last.max(self.cursor);
                self.output.event(&event.at_time(clock.queue, self.cursor), data)
            }
        }
    }

    /// Starts the queue, if there is none yet.
    fn begin(&mut self) -> Result<Flow, Fail> {
        if self.clock.is_some() {
            return Ok(Flow::GoOn);
        }
        let flow = self.output.stop_pacing()?;
        let queue = self.client.create_queue("aseqd send")?;
        self.client.start_queue(queue)?;
        self.clock = Some(Clock { queue, started: Instant::now(), last: Duration::ZERO });
        Ok(flow)
    }

    /// Writes what is left, and waits until everything was played. `heard` gets what others send to the client meanwhile, and
    /// `None` when events were lost.
    ///
    /// # Errors
    /// A message if the sequencer refuses an event, or ends.
    pub(crate) fn finish(
        &mut self,
        heard: &mut dyn FnMut(Option<Received>) -> Result<(), Fail>,
    ) -> Result<Flow, Fail> {
        let flow = self.output.flush()?;
        if flow != Flow::GoOn {
            return Ok(flow);
        }
        let Some(clock) = &self.clock else { return Ok(Flow::GoOn) };
        let end = clock.last.max(self.cursor);
        // The queue sends it back at the end.
        let echo = of_type(EventType::ECHO).sent_from(self.port).sent_to(self.echo);
        let echo = echo.at_time(clock.queue, end);
        while let Err(error) = self.client.send(&echo) {
            if !error.would_block() {
                return Err(error.into());
            }
            self.client.wait_for_room(None)?;
        }
        loop {
            let mut ready =
                [PollFd::new(self.client, PollFlags::IN), PollFd::new(self.signals, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut ready, None)).context("cannot wait")?;
            if ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                return Err(Fail::ended());
            }
            if let Some(signal) = signal(self.signals)? {
                return Ok(Flow::Signal(signal));
            }
            loop {
                match self.client.receive() {
                    Ok(None) => break,
                    Ok(Some(Received::Event(event, _)))
                        if event.event_type == EventType::ECHO && event.source == self.port =>
                    {
                        self.output.expect_dest("what was due after that is lost")?;
                        return Ok(Flow::GoOn);
                    }
                    Ok(Some(other)) => heard(Some(other))?,
                    Err(Error::EventsLost) => heard(None)?,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// Takes back what was not played yet, and ends the notes that sound.
    pub(crate) fn stop(&mut self) -> Result<(), Fail> {
        let Some(clock) = &self.clock else { return Ok(()) };
        let remove_mode = RemoveMode::OUTPUT.bits();
        self.client.remove_events(&RemoveEvents { remove_mode, ..RemoveEvents::default() })?;
        let now = clock.started.elapsed();
        for (end, channel, key) in &self.held {
            if *end >= now {
                let off = note_off(*channel, *key, OFF_VELOCITY);
                self.client.send(&off.sent_from(self.port).sent_to(self.dest))?;
            }
        }
        Ok(())
    }
}

fn sysex_bytes(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if File::open(file)?.take(MAX_SYSEX_FILE + 1).read_to_end(&mut bytes)? as u64 > MAX_SYSEX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 MiB"));
    }
    Ok(bytes)
}
