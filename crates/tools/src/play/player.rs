//! Sends a song through a queue of its own, as fast as the sequencer takes the events.

mod hearing;

use super::keys::Key;
use super::output::{BATCH, Output, SYSEX_AT_ONCE};
use super::passage::Passage;
use super::remote::{self, Remote};
use super::song::{Timed, What};
use super::tempo::QueueTiming;
use super::terminal::Terminal;
use aseqd_abi::event::{Control, EventData, EventTime};
use aseqd_abi::seq::{PortCaps, PortType, QueueTempo, RemoveEvents, RemoveMode};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Errno, Event, EventFlags, EventType};
use aseqd_client::event::EventExt as _;
use aseqd_client::ump::{self, Protocol};
use aseqd_client::{Client, Error, SYSTEM_TIMER as TIMER};
use aseqd_host::error::{Context, Fail, reason};
use aseqd_midi::ump::{Packet, events_of};
use hearing::Heard;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::time::Duration;
use zerocopy::IntoBytes;

/// The speed of a queue at which its tempo is what is heard. The kernel takes no other base.
const SKEW_BASE: u32 = 0x1_0000;
/// The slowest and the fastest speed.
pub(crate) const SPEEDS: RangeInclusive<f64> = 0.1..=10.0;
/// The factor by which a key changes the speed.
const SPEED_STEP: f64 = 1.05;

/// How a song ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The last event is due.
    Played,
    /// This signal came first.
    Interrupted(i32),
    /// This key was pressed at a tick of the song.
    Key(Key, u32),
}

/// A client with a port and a queue that plays songs.
#[derive(Debug)]
pub(crate) struct Player {
    client: Client,
    port: Address,
    queue: u8,
    targets: Vec<Target>,
    /// How fast the queue runs: parts of [`SKEW_BASE`].
    skew: u32,
    remote: Option<Remote>,
    heard: Heard,
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
        Ok(Self {
            client,
            port,
            queue,
            targets: Vec::new(),
            skew: SKEW_BASE,
            remote: None,
            heard: Heard::default(),
        })
    }

    /// Makes a port at which others can control what is played, and hear about it.
    pub(super) fn open_remote(&mut self) -> Result<(), Fail> {
        let caps = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = self.client.create_port("control", caps, port_type)?;
        self.remote = Some(Remote::new(port));
        Ok(())
    }

    /// Returns what was asked for at the control port next.
    pub(super) fn asked(&mut self) -> Option<Key> {
        self.remote.as_mut()?.next()
    }

    /// Tells those that listen where it is: at a tick of the song.
    pub(super) fn tell(&mut self, terminal: &mut Terminal, state: &str, tick: u32) {
        let speed = self.speed();
        if let Some(remote) = self.remote.as_mut().filter(|remote| remote.has_listeners()) {
            remote.tell(&self.client, &terminal.described(state, tick, speed));
        }
    }

    /// Returns whether somebody listens that was told nothing yet, or not for a while.
    pub(super) fn must_tell(&self) -> bool {
        self.remote.as_ref().is_some_and(Remote::is_due)
    }

    /// Tells those that listen that it begins at a sixteenth note, or stops.
    pub(super) fn tell_transport(&self, starts_at: Option<u32>) {
        if let Some(remote) = &self.remote {
            remote.transport(&self.client, starts_at);
        }
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

    /// Sets how fast songs are played: 2 is twice as fast. Their tempos stay what they are: the clock of the queue runs at
    /// another speed, at once.
    pub(crate) fn set_speed(&mut self, speed: f64) -> Result<(), Fail> {
        let speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 6553 to 655360"
        )]
        let skew = (speed * f64::from(SKEW_BASE)).round() as u32;
        self.skew = skew;
        let data = EventData::from_queue(self.queue, skew, SKEW_BASE);
        let event = Event { data, ..Event::direct(EventType::QUEUE_SKEW) };
        let event = Event { source: self.port, dest: TIMER, ..event };
        self.client.send(&event).context("the speed cannot be changed")
    }

    /// Returns how fast songs are played.
    fn speed(&self) -> f64 {
        f64::from(self.skew) / f64::from(SKEW_BASE)
    }

    /// Returns what the progress line says of the speed.
    pub(crate) fn state(&self) -> String {
        if self.skew == SKEW_BASE { String::new() } else { format!("x{:.2}", self.speed()) }
    }

    /// Plays a passage until its last event is due, a signal comes or a key is pressed.
    pub(crate) fn play(
        &mut self,
        song: &mut Passage,
        mut terminal: Option<&mut Terminal>,
    ) -> Result<Ended, Fail> {
        if song.is_clip() {
            match self.client.set_protocol(Protocol::Midi2) {
                // Then its packets are converted here, as a sequencer with UMP would do it.
                Err(Error::Unsupported { .. }) => {}
                set => set?,
            }
        }
        // What has come of the last song, such as its end.
        self.is_over()?;
        self.heard.lost = false;
        let mut output = Output::new(song.timing(), self.skew, terminal.is_some());
        // The first events are prepared before the clock starts.
        self.fill(&mut output, song);
        self.start(song.timing())?;
        self.tell_transport(Some(song.sixteenths(song.place(0))));
        loop {
            while self.flush(&mut output)? && !output.complete {
                self.fill(&mut output, song);
            }
            if self.is_over()? || self.has_ended_unheard(&output)? {
                return Ok(Ended::Played);
            }
            if let Some(terminal) = &mut terminal {
                if let Some(signal) = terminal.signal().context("signals cannot be received")? {
                    return Ok(Ended::Interrupted(signal));
                }
                match self.asked().or_else(|| terminal.key()) {
                    None | Some(Key::Go) => {}
                    Some(key @ (Key::Faster | Key::Slower)) => {
                        let step = if key == Key::Faster { SPEED_STEP } else { 1.0 / SPEED_STEP };
                        self.set_speed(self.speed() * step)?;
                        terminal.hurry();
                    }
                    Some(key) => {
                        let (tick, _) = self.position()?;
                        return Ok(Ended::Key(key, song.place(tick.saturating_sub(output.late))));
                    }
                }
                let tells = self.remote.as_ref().is_some_and(Remote::is_due);
                let shows = terminal.shows_progress();
                if shows || tells {
                    let (tick, time) = self.position()?;
                    let tick = tick.saturating_sub(output.late);
                    for (kind, text) in output.texts_until(tick) {
                        terminal.words(kind, &text);
                    }
                    if shows {
                        terminal.progress(song.place(tick), time, &self.state());
                    }
                    if tells {
                        self.tell(terminal, "playing", song.place(tick));
                    }
                }
            }
            self.wait(!output.bytes.is_empty(), terminal.as_deref())?;
        }
    }

    /// Returns the client that plays.
    pub(super) const fn client(&self) -> &Client {
        &self.client
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
            skew_value: self.skew,
            skew_base: SKEW_BASE,
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
    fn fill(&mut self, output: &mut Output, song: &mut Passage) {
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
            What::TimeSignature(_) => {}
            What::Text { kind, text } => output.show(tick, kind, text),
            What::ToAll(event_type) => {
                self.push_to_all(output, tick, Event::direct(event_type));
            }
            What::Start { sixteenths: 0 } => {
                self.push_to_all(output, tick, Event::direct(EventType::START));
            }
            What::Start { sixteenths } => {
                // 14 bits.
                let value = i32::try_from(sixteenths.min(0x3fff)).unwrap_or(0);
                let data = EventData::from_control(Control { value, ..Control::default() });
                let position = Event { data, ..Event::direct(EventType::SONGPOS) };
                self.push_to_all(output, tick, position);
                self.push_to_all(output, tick, Event::direct(EventType::CONTINUE));
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

    fn push_to_all(&self, output: &mut Output, tick: u32, event: Event) {
        for target in &self.targets {
            self.push(output, output.tick(tick), target.address, event, &[]);
        }
    }

    /// Returns the ticks and the time since the queue was started.
    fn position(&self) -> Result<(u32, Duration), Fail> {
        let status = self.client.queue_status(self.queue)?.unwrap_or_default();
        Ok((status.tick, Duration::new(status.time.tv_sec.into(), status.time.tv_nsec)))
    }

    fn wait(&self, to_write: bool, terminal: Option<&Terminal>) -> Result<(), Fail> {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, to_write);
        let mut fds = vec![PollFd::new(&self.client, wanted)];
        let mut timeout = None;
        if let Some(terminal) = terminal {
            fds.push(PollFd::from_borrowed_fd(terminal.as_fd(), PollFlags::IN));
            if terminal.has_keys() {
                fds.push(PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN));
            }
            let tells = self.remote.as_ref().is_some_and(Remote::has_listeners);
            let interval = terminal.interval().or_else(|| tells.then_some(remote::INTERVAL));
            timeout = interval.and_then(|interval| Timespec::try_from(interval).ok());
        }
        let timeout = self.heard.at_most(timeout);
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
