//! A client that receives what is recorded.

use super::convert::{is_real_time, items, packets, real_time};
use super::metronome::Metronome;
use super::setup;
use super::summary::Summary;
use super::take::{Item, Take};
use super::timeline::Timeline;
use super::{DEFAULT_DIVISION, Kind, RecordArgs};
use crate::complete::RECEIVER;
use crate::play::QueueTiming;
use crate::ready::announce;
use crate::select;
use aseqd_abi::seq::CLIENT_SYSTEM;
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::ump::Protocol;
use aseqd_client::{Announcement, Client, Error, Port, Received};
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use aseqd_midi::ump::Memory;
use aseqd_smf::{Division, EventKind};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// What fails if the file cannot be written.
const WRITE: &str = "the file cannot be written";
/// The cells of the input pool: the most that a client can have. A recorder that waits for its disk loses nothing as
/// long as fewer events arrive meanwhile.
const INPUT_CELLS: u32 = 2000;
/// Events that are taken in before signals and times are looked at again. That takes a millisecond.
const EVENTS_AT_ONCE: usize = 4096;

/// What comes after the events that have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The recorder waits for more.
    No,
    /// More have arrived already.
    More,
    /// Nothing is connected any more, and that ends the recording.
    Disconnected,
}

/// A port that has sent something.
#[derive(Debug)]
struct Sender {
    address: Address,
    memory: Box<Memory>,
}

/// A recording.
#[derive(Debug)]
pub(super) struct Recorder {
    client: Client,
    port: Address,
    /// The port that receives what is done to queues.
    control: Option<Address>,
    timeline: Timeline,
    metronome: Option<Metronome>,
    take: Take,
    senders: Vec<Sender>,
    /// The ports of the command line.
    wanted: Vec<Port>,
    real_time: bool,
    until_disconnected: bool,
    quiet: bool,
    first: Option<Instant>,
    last: Option<Instant>,
    summary: Summary,
}

impl Recorder {
    /// Makes the port, the file, and the connections, in this order. Nothing is overwritten if a port cannot be found.
    ///
    /// # Errors
    /// A message if one of them cannot be made.
    pub(super) fn new(
        client: Client,
        args: &RecordArgs,
        create: impl FnOnce() -> io::Result<File>,
    ) -> Result<Self, Fail> {
        let wanted = setup::find(&client, &args.ports)?;
        let metronome = args.metronome.as_ref();
        let metronome = metronome.map(|port| select::port(&client, port, RECEIVER)).transpose()?;
        let clip = setup::kind(&client, args, &wanted)? == Kind::Clip;
        if clip && args.mtc {
            let why = "a clip file cannot say at which code it begins; --format smf can";
            return Err(Fail::new(format!("--mtc: {why}")));
        }
        if clip {
            match client.set_protocol(Protocol::Midi2) {
                // Then events are converted here.
                Err(Error::Unsupported { .. }) => {}
                set => set?,
            }
        }
        client.set_pools(0, INPUT_CELLS, 0)?;
        let division = args.division.unwrap_or(DEFAULT_DIVISION);
        let signature = args.time_signature;
        let made = create().and_then(|file| setup::take(file, clip, division, signature, &wanted));
        let mut take = made.with_context(|| args.file.display().to_string())?;
        let (timeline, queue) = setup::timeline(&client, args, division, &mut take)?;
        take.commit().with_context(|| format!("{} cannot be written", args.file.display()))?;
        let port = setup::port(&client, queue, timeline.is_stamped_with_time())?;
        let control = match timeline {
            Timeline::Queue(_) => Some(setup::control(&client)?),
            _ => None,
        };
        let metronome =
            metronome.map(|dest| Metronome::new(&client, dest, signature)).transpose()?;
        let summary = Summary { clip, ..Summary::default() };
        let mut recorder = Self {
            client,
            port,
            control,
            timeline,
            metronome,
            take,
            senders: Vec::new(),
            wanted,
            real_time: args.real_time,
            until_disconnected: args.until_disconnected,
            quiet: args.quiet,
            first: None,
            last: None,
            summary,
        };
        recorder.connect()?;
        if let Some(queue) = queue {
            // What is in a queue before it starts is lost.
            recorder.client.start_queue(queue)?;
            if let (Timeline::Own, Some(metronome)) = (&recorder.timeline, &mut recorder.metronome)
            {
                let ppq = u32::try_from(QueueTiming::of(division).ppq).unwrap_or(1);
                metronome.follow(&recorder.client, queue, ppq, 0)?;
            }
        }
        recorder.settle_queue()?;
        announce(&recorder.client, "aseqd record")?;
        Ok(recorder)
    }

    /// Connects the ports of the command line.
    fn connect(&self) -> Result<(), Fail> {
        for Port { address, .. } in &self.wanted {
            self.client.connect(*address, self.port).map_err(|error| {
                let why = select::refusal(&error);
                Fail::new(format!("{address} cannot be recorded: {why}"))
            })?;
        }
        Ok(())
    }

    /// Returns the client, to wait for events.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns when the last event that was recorded came.
    pub(super) fn last_event(&self) -> Option<Instant> {
        self.last
    }

    /// Returns a sentence that says what is recorded.
    pub(super) fn announcement(&self, file: &Path) -> String {
        let what = match self.wanted.as_slice() {
            [] => format!("what is connected to port {}", self.port),
            ports => ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", "),
        };
        format!("{}: recording {what}; Ctrl-C ends", file.display())
    }

    /// Takes in what has arrived.
    ///
    /// # Errors
    /// A message if the sequencer cannot be read, or the file cannot be written.
    pub(super) fn receive(&mut self) -> Result<Stop, Fail> {
        for _ in 0..EVENTS_AT_ONCE {
            let stop = match self.client.receive() {
                Ok(Some(Received::Event(event, data))) => self.event(&event, &data)?,
                Ok(Some(Received::Packet(packet))) => {
                    let head = Event {
                        flags: packet.flags,
                        queue: packet.queue,
                        time: packet.time,
                        source: packet.source,
                        dest: packet.dest,
                        ..Event::direct(EventType(0))
                    };
                    self.packet(&head, packet.ump)?;
                    false
                }
                Ok(None) => return Ok(Stop::No),
                Err(Error::EventsLost) => {
                    self.lose()?;
                    false
                }
                // The run has ended; the poll that follows says so.
                Err(Error::Ended { .. }) => return Ok(Stop::No),
                Err(error) => return Err(error.into()),
            };
            if stop {
                return Ok(Stop::Disconnected);
            }
        }
        Ok(Stop::More)
    }

    /// Takes in an event. Returns whether it ends the recording.
    fn event(&mut self, event: &Event, data: &[u8]) -> Result<bool, Fail> {
        if Some(event.dest) == self.control {
            self.control(event)?;
            return Ok(false);
        }
        if self.metronome.as_ref().is_some_and(|metronome| metronome.port() == event.source) {
            if let Some(metronome) =
                self.metronome.as_mut().filter(|_| event.event_type == EventType::ECHO)
            {
                metronome.bar(&self.client)?;
            }
            return Ok(false);
        }
        if event.source.client == CLIENT_SYSTEM
            && let Some(announcement) = Announcement::of(event)
            && event.dest == self.port
        {
            return self.announced(announcement);
        }
        if let Timeline::TimeCode(code) = &mut self.timeline
            && code.take(event, data)
            && event.event_type == EventType::SYSEX
            && !self.real_time
        {
            // It names a place, as quarter frames do.
            self.summary.real_time += 1;
            return Ok(false);
        }
        if is_real_time(event.event_type) && !self.beats(event.event_type, event) {
            return Ok(false);
        }
        let sender = self.sender(event.source)?;
        let found = self.convert(event, data, sender);
        if found.is_empty() {
            self.summary.other += 1;
        } else {
            self.record(event, sender, found)?;
        }
        Ok(false)
    }

    /// Returns an event as the file has it.
    fn convert(&mut self, event: &Event, data: &[u8], sender: usize) -> Vec<Item> {
        match self.take.is_clip() {
            true => packets(event, data, &mut self.senders[sender].memory),
            false => items(event, data),
        }
    }

    fn packet(&mut self, head: &Event, words: [u32; 4]) -> Result<(), Fail> {
        if let Some(event_type) = real_time(words)
            && !self.beats(event_type, head)
        {
            return Ok(());
        }
        // Utility and stream messages belong to the connection, not to the music.
        if matches!(words[0] >> 28, 0 | 15) {
            self.summary.other += 1;
            return Ok(());
        }
        let sender = self.sender(head.source)?;
        self.record(head, sender, vec![Item::Packet(words)])
    }

    /// Handles a real-time message: a clock that is followed. Returns whether it is recorded.
    fn beats(&mut self, event_type: EventType, head: &Event) -> bool {
        if let Timeline::Clock(clocked) = &mut self.timeline {
            let empty = self.summary.events == 0;
            if clocked.follows(head.source, event_type) {
                clocked.handle(event_type, head.time, empty);
                if event_type == EventType::CLOCK
                    && let Some(metronome) = &mut self.metronome
                {
                    metronome.clock(&self.client, clocked.count());
                }
            }
        }
        if !self.real_time {
            self.summary.real_time += 1;
        }
        self.real_time
    }

    /// Puts an event into the file.
    fn record(&mut self, head: &Event, sender: usize, found: Vec<Item>) -> Result<(), Fail> {
        let tick = self.timeline.tick(&self.client, head)?;
        self.settle_queue()?;
        self.settle_tempo()?;
        if let Timeline::TimeCode(code) = &mut self.timeline {
            for (tick, meta) in code.take_notes() {
                self.take.push(tick, None, Item::Event(EventKind::Meta(meta))).context(WRITE)?;
            }
        }
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.summary.events += 1;
        for item in found {
            self.take.push(tick, Some(sender), item).context(WRITE)?;
        }
        Ok(())
    }

    /// Takes over the ticks of the queue that is followed, once it is known.
    fn settle_queue(&mut self) -> Result<(), Fail> {
        let Timeline::Queue(follower) = &self.timeline else { return Ok(()) };
        let (Some(ticks), Some(queue)) = (follower.division(), follower.queue()) else {
            return Ok(());
        };
        if self.summary.division != Some(Division::Quarter(ticks)) {
            self.summary.division = Some(Division::Quarter(ticks));
            self.take.set_ticks_per_quarter(ticks).context(WRITE)?;
        }
        if let Some(metronome) = self.metronome.as_mut().filter(|metronome| !metronome.is_started())
        {
            let status = self.client.queue_status(queue)?.unwrap_or_default();
            self.client.use_queue(queue, true)?;
            metronome.follow(&self.client, queue, ticks.into(), status.tick)?;
        }
        self.settle_tempo()
    }

    /// Writes tempos that have changed.
    fn settle_tempo(&mut self) -> Result<(), Fail> {
        let tempos = match &mut self.timeline {
            Timeline::Own | Timeline::TimeCode(_) => return Ok(()),
            Timeline::Queue(follower) => follower.take_tempos(),
            Timeline::Clock(clocked) => clocked.take_tempos(),
        };
        for (tick, tempo_us) in tempos {
            self.take.tempo(tick, tempo_us).context(WRITE)?;
        }
        Ok(())
    }

    /// Takes in what was done to a queue.
    fn control(&mut self, event: &Event) -> Result<(), Fail> {
        if let Timeline::Queue(follower) = &mut self.timeline {
            follower.control(&self.client, event)?;
        }
        Ok(())
    }

    /// Takes in that ports were connected to the recorder's port, or disconnected from it. Returns whether that ends the
    /// recording.
    fn announced(&mut self, announcement: Announcement) -> Result<bool, Fail> {
        let Announcement::Disconnected(connect) = announcement else { return Ok(false) };
        if connect.dest != self.port {
            return Ok(false);
        }
        let wanted = self.wanted.iter().find(|port| port.address == connect.sender);
        if let Some(port) = wanted.filter(|_| !self.quiet) {
            say(&format_args!("{port} was disconnected, or does not exist any more"));
        }
        Ok(self.until_disconnected && self.client.incoming(self.port)?.is_empty())
    }

    /// Returns the number of a port that has sent something.
    fn sender(&mut self, address: Address) -> Result<usize, Fail> {
        if let Some(number) = self.senders.iter().position(|sender| sender.address == address) {
            return Ok(number);
        }
        let known = self.wanted.iter().find(|port| port.address == address).cloned();
        let port = match known {
            Some(port) => Some(port),
            None => self.client.ports()?.into_iter().find(|port| port.address == address),
        };
        self.senders.push(Sender { address, memory: Box::default() });
        Ok(self
            .take
            .add_source(port.map_or_else(|| address.to_string(), |port| setup::name(&port))))
    }

    /// Counts a loss, tells it, and marks it in the file.
    fn lose(&mut self) -> Result<(), Fail> {
        self.summary.losses += 1;
        say(&"events were lost: they arrived faster than this command read them");
        let tick = self.take.last();
        self.take.marker(tick, "events were lost here").context(WRITE)
    }

    /// Writes what has waited long enough. Returns when that is due next.
    ///
    /// # Errors
    /// A message if the file cannot be written.
    pub(super) fn commit(&mut self) -> Result<Option<Instant>, Fail> {
        if self.take.due().is_some_and(|due| due <= Instant::now()) {
            self.take.commit().context(WRITE)?;
        }
        Ok(self.take.due())
    }

    /// Ends the recording: everything is in the file.
    ///
    /// # Errors
    /// The errors of the file.
    pub(super) fn finish(mut self) -> io::Result<Summary> {
        if let Some(metronome) = &self.metronome {
            metronome.silence(&self.client);
        }
        // A tempo that came after the last event does not matter.
        self.take.commit()?;
        self.summary.ticks = self.take.last();
        self.summary.length =
            self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first);
        match &self.timeline {
            Timeline::Queue(follower) => {
                self.summary.homeless = follower.homeless;
                self.summary.queue_gone = follower.gone;
            }
            Timeline::TimeCode(code) => {
                self.summary.homeless = code.homeless();
                self.summary.time_code = code.begin();
            }
            Timeline::Clock(clocked) if !clocked.has_clock() => {
                self.summary.homeless = self.summary.events;
            }
            _ => {}
        }
        Ok(self.summary)
    }
}
