//! Sends a song through a queue of its own, as fast as the sequencer takes the events.

use super::song::{Song, Timed, What};
use super::tempo::QueueTiming;
use super::terminal::Terminal;
use aseqd_abi::event::{Control, EventData, EventTime};
use aseqd_abi::seq::{PortCaps, PortType, QueueTempo, RemoveEvents, RemoveMode};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventFlags, EventType};
use aseqd_client::event::EventExt as _;
use aseqd_client::ump::{self, Protocol};
use aseqd_client::{Client, Error, Received, SYSTEM_TIMER as TIMER};
use aseqd_host::error::{Context, Fail, reason};
use aseqd_midi::ump::{Packet, events_of};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::convert::Infallible;
use std::os::fd::AsFd;
use std::time::Duration;
use zerocopy::IntoBytes;

/// Bytes that are prepared for one write: about 290 events. Fewer would mean more writes, more would delay signals.
const BATCH: usize = 8192;
/// A longer SysEx is cut into pieces of this many bytes, which fit into the memory pool of every receiver.
const SYSEX_AT_ONCE: usize = 1024;
/// A SysEx of more packets, of 6 bytes each, is sent in pieces of this many.
const SYSEX_PACKETS_AT_ONCE: u64 = 64;
/// The rate at which the pieces of a long SysEx follow one another: that of a MIDI cable, 31250 bits a second with 10
/// bits a byte.
const CABLE_BYTES_PER_SECOND: u64 = 3125;

/// How a song ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The last event is due.
    Played,
    /// This signal came first.
    Interrupted(i32),
}

/// A client with a port and a queue that plays songs.
#[derive(Debug)]
pub(crate) struct Player {
    client: Client,
    port: Address,
    queue: u8,
    targets: Vec<Target>,
}

/// A port that is played to.
#[derive(Debug)]
struct Target {
    address: Address,
    /// For each UMP group, a bit for each channel that something was sent on. Events have group 0.
    used: [u16; 16],
    /// It was disconnected, or does not exist any more.
    gone: bool,
}

impl Player {
    /// Makes the port and the queue.
    pub(crate) fn new(client: Client) -> Result<Self, Fail> {
        // No program can subscribe to this port. It sends, and receives the echo of the last event.
        let port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("output", PortCaps::WRITE, port_type)?;
        let queue = client.create_queue("aseqd play")?;
        Ok(Self { client, port, queue, targets: Vec::new() })
    }

    /// Returns the port that sends the events.
    pub(crate) fn port(&self) -> Address {
        self.port
    }

    /// Returns the queue that the events go through.
    pub(crate) fn queue(&self) -> u8 {
        self.queue
    }

    /// Adds ports to play to. Each is subscribed to the player's port, because hardware is opened only for
    /// subscriptions.
    pub(crate) fn connect(&mut self, targets: &[Address]) -> Result<(), Fail> {
        for &dest in targets {
            match self.client.connect(self.port, dest) {
                Ok(()) => {}
                Err(error)
                    if error.errno() == Some(Errno::EBUSY)
                        && self.targets.iter().any(|target| target.address == dest) => {}
                Err(error) => return Err(Fail::new(format!("{dest}: {}", refusal(&error)))),
            }
            self.targets.push(Target { address: dest, used: [0; 16], gone: false });
        }
        Ok(())
    }

    /// Disconnects all ports. They are told after the last event.
    pub(crate) fn disconnect(&mut self) {
        for target in self.targets.drain(..) {
            // It fails if the port does not exist any more.
            let _gone = self.client.disconnect(self.port, target.address);
        }
    }

    /// Plays a song until its last event is due or a signal comes.
    pub(crate) fn play(
        &mut self,
        song: &mut Song,
        mut terminal: Option<&mut Terminal>,
    ) -> Result<Ended, Fail> {
        if song.is_clip() {
            match self.client.set_protocol(Protocol::Midi2) {
                // Then its packets are converted here, as a sequencer with UMP would do it.
                Err(Error::Unsupported { .. }) => {}
                set => set?,
            }
        }
        let mut output = Output::new(song.timing());
        // The first events are prepared before the clock starts.
        self.fill(&mut output, song);
        self.start(song.timing())?;
        loop {
            while self.flush(&mut output)? && !output.complete {
                self.fill(&mut output, song);
            }
            if self.is_over()? {
                return Ok(Ended::Played);
            }
            if let Some(terminal) = &mut terminal {
                if let Some(signal) = terminal.signal().context("signals cannot be received")? {
                    return Ok(Ended::Interrupted(signal));
                }
                if terminal.shows_progress() {
                    terminal.progress(self.position()?);
                }
            }
            self.wait(!output.bytes.is_empty(), terminal.as_deref())?;
        }
    }

    /// Removes the events that are not due yet, and ends the notes that sound.
    pub(crate) fn silence(&mut self) -> Result<(), Fail> {
        let remove_mode = RemoveMode::OUTPUT.bits();
        self.client.remove_events(&RemoveEvents { remove_mode, ..RemoveEvents::default() })?;
        // Pedal up, notes off, sound off, controllers back.
        for target in &self.targets {
            for (group, used) in (0_u8..).zip(target.used) {
                for channel in (0..16).filter(|channel| used & (1 << channel) != 0) {
                    for param in [64, 123, 120, 121] {
                        // It fails if the port does not exist any more, or is full.
                        let _full = self.control_channel(target.address, group, channel, param);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets a controller to 0, at once.
    fn control_channel(
        &self,
        dest: Address,
        group: u8,
        channel: u8,
        param: u8,
    ) -> Result<(), Error> {
        if self.client.protocol() != Protocol::Legacy {
            let packet = ump::controller(group, channel, param, 0);
            return self.client.send_packet(&packet.sent_from(self.port).sent_to(dest));
        }
        let data = EventData::from_control(Control { channel, param: param.into(), value: 0 });
        let event = Event { data, ..Event::direct(EventType::CONTROLLER) };
        self.client.send(&event.sent_from(self.port).sent_to(dest))
    }

    /// Sets the queue's tempo and starts it. It must run before anything is queued: what is queued before a start is
    /// lost.
    fn start(&self, timing: QueueTiming) -> Result<(), Fail> {
        self.control(EventType::STOP)?;
        self.client.set_queue_tempo(&QueueTempo {
            queue: self.queue.into(),
            tempo: timing.tempo_us,
            ppq: timing.ppq,
            ..QueueTempo::default()
        })?;
        self.control(EventType::START)
    }

    fn control(&self, event_type: EventType) -> Result<(), Fail> {
        let data = EventData::from_queue(self.queue, 0, 0);
        let event = Event { source: self.port, dest: TIMER, data, ..Event::direct(event_type) };
        self.client.send(&event).context("the queue cannot be controlled")
    }

    /// Writes as much as the sequencer takes now. Returns whether that was all.
    fn flush(&self, output: &mut Output) -> Result<bool, Fail> {
        while !output.bytes.is_empty() {
            match self.client.write(&output.bytes) {
                Ok(written) => drop(output.bytes.drain(..written)),
                Err(error) if error.would_block() => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Prepares the next events. After the last one of the song comes an echo to the player's own port.
    fn fill(&mut self, output: &mut Output, song: &mut Song) {
        while output.bytes.len() < BATCH {
            let Some(timed) = song.next() else {
                output.complete = true;
                let end = output.tick(song.end());
                self.push(output, end, self.port, Event::direct(EventType::ECHO), &[]);
                return;
            };
            self.send(output, timed);
        }
    }

    fn send(&mut self, output: &mut Output, Timed { tick, output: number, what }: Timed) {
        let count = self.targets.len().max(1);
        let Some(target) = self.targets.get_mut(usize::from(number) % count) else { return };
        let dest = target.address;
        match what {
            What::Event(event) => {
                if event.event_type.is_channel() {
                    target.used[0] |= 1 << (event.data.0[0] & 0x0f);
                }
                self.push(output, output.tick(tick), dest, event, &[]);
            }
            What::Packet(words) => {
                let [kind, status, ..] = words[0].to_be_bytes();
                match kind >> 4 {
                    2 | 4 => target.used[usize::from(kind & 15)] |= 1 << (status & 15),
                    3 => output.count_sysex(status >> 4),
                    _ => {}
                }
                if self.client.protocol() == Protocol::Legacy {
                    let tick = output.tick(tick);
                    let converted = events_of(&Packet(words), |event, ext| {
                        self.push(output, tick, dest, event, ext);
                        Ok::<(), Infallible>(())
                    });
                    let Ok(()) = converted;
                    return;
                }
                let packet = UmpEvent {
                    queue: self.queue,
                    time: EventTime::tick(output.tick(tick)),
                    source: self.port,
                    dest,
                    ..ump::packet(&words)
                };
                output.bytes.extend_from_slice(packet.as_bytes());
            }
            What::Tempo(tempo_us) => {
                output.tempo_us = tempo_us;
                let data = EventData::from_queue(self.queue, tempo_us, 0);
                let event = Event { data, ..Event::direct(EventType::TEMPO) };
                self.push(output, output.tick(tick), TIMER, event, &[]);
            }
            What::Sysex { start, data, split } => {
                let first: &[u8] = if start { &[0xf0] } else { &[] };
                let bytes = [first, &data].concat();
                let follows = std::mem::replace(&mut output.split, split);
                for (number, piece) in bytes.chunks(SYSEX_AT_ONCE).enumerate() {
                    if number > 0 || follows {
                        output.give_way(SYSEX_AT_ONCE as u64);
                    }
                    let len = u32::try_from(piece.len()).unwrap_or(0);
                    let event = Event {
                        flags: EventFlags::VARIABLE,
                        data: EventData::from_ext_len(len),
                        ..Event::direct(EventType::SYSEX)
                    };
                    self.push(output, output.tick(tick), dest, event, piece);
                }
            }
        }
    }

    fn push(&self, output: &mut Output, tick: u32, dest: Address, event: Event, ext: &[u8]) {
        let queue = self.queue;
        let event = Event { queue, time: EventTime::tick(tick), source: self.port, dest, ..event };
        output.bytes.extend_from_slice(event.as_bytes());
        output.bytes.extend_from_slice(ext);
    }

    /// Returns whether the echo has come back, and with it the end of the song.
    ///
    /// # Errors
    /// A message if no port is left to play to, or the sequencer cannot be read.
    fn is_over(&mut self) -> Result<bool, Fail> {
        let mut over = false;
        while let Some(received) = self.client.receive()? {
            // Only the echo comes, and announcements about this port: neither is a packet.
            let Received::Event(event, _data) = received else { continue };
            match event.event_type {
                EventType::ECHO if event.source == self.port => over = true,
                EventType::PORT_UNSUBSCRIBED if event.data.connect().sender == self.port => {
                    let dest = event.data.connect().dest;
                    let targets = self.targets.iter_mut();
                    targets.filter(|target| target.address == dest).for_each(|it| it.gone = true);
                }
                _ => {}
            }
        }
        match self.targets.last() {
            Some(last) if !over && self.targets.iter().all(|target| target.gone) => {
                let port = last.address;
                Err(Fail::new(format!("port {port} was disconnected, or does not exist any more")))
            }
            _ => Ok(over),
        }
    }

    /// Returns the time since the queue was started.
    fn position(&self) -> Result<Duration, Fail> {
        let status = self.client.queue_status(self.queue)?.unwrap_or_default();
        Ok(Duration::new(status.time.tv_sec.into(), status.time.tv_nsec))
    }

    fn wait(&self, to_write: bool, terminal: Option<&Terminal>) -> Result<(), Fail> {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, to_write);
        let mut fds = vec![PollFd::new(&self.client, wanted)];
        let mut timeout = None;
        if let Some(terminal) = terminal {
            fds.push(PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN));
            timeout = terminal.interval().and_then(|interval| Timespec::try_from(interval).ok());
        }
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(errno).context("cannot wait for events"),
        }
    }
}

/// Returns in words why a port cannot be played to.
fn refusal(error: &Error) -> String {
    match error.errno() {
        Some(Errno::EPERM) => "it does not allow subscriptions".to_owned(),
        Some(Errno::EBUSY) => "another program has it exclusively".to_owned(),
        Some(Errno::EINVAL) => "there is no such port".to_owned(),
        _ => format!("it cannot be connected: {}", reason(error)),
    }
}

/// Events that are prepared, and what is known of the song so far.
#[derive(Debug)]
struct Output {
    bytes: Vec<u8>,
    /// The echo is in it, so nothing follows.
    complete: bool,
    /// By how many ticks long SysEx have delayed the rest of the song.
    late: u32,
    /// The last SysEx goes on in the next one.
    split: bool,
    /// How many packets of the present SysEx were sent.
    sysex_packets: u64,
    ppq: u64,
    tempo_us: u32,
}

impl Output {
    fn new(timing: QueueTiming) -> Self {
        Self {
            bytes: Vec::with_capacity(BATCH * 2),
            complete: false,
            late: 0,
            split: false,
            sysex_packets: 0,
            ppq: timing.ppq.unsigned_abs().into(),
            tempo_us: timing.tempo_us,
        }
    }

    fn tick(&self, tick: u32) -> u32 {
        tick.saturating_add(self.late)
    }

    /// Counts a packet of a SysEx, of which one with this status is a part, and delays what follows once there are as many
    /// as a receiver's memory pool should have at once.
    fn count_sysex(&mut self, status: u8) {
        // 0 is a whole message, 1 the first part of one.
        self.sysex_packets = if status < 2 { 0 } else { self.sysex_packets + 1 };
        if self.sysex_packets > 0 && self.sysex_packets.is_multiple_of(SYSEX_PACKETS_AT_ONCE) {
            self.give_way(SYSEX_PACKETS_AT_ONCE * 6);
        }
    }

    /// Delays everything that follows by the time that this many bytes take on a MIDI cable.
    fn give_way(&mut self, bytes: u64) {
        let microseconds = bytes * 1_000_000 / CABLE_BYTES_PER_SECOND;
        let ticks = (microseconds * self.ppq).div_ceil(self.tempo_us.into());
        self.late = self.late.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX));
    }
}
