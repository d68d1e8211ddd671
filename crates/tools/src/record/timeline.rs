//! Says at which tick of the file something was played.

use super::tempo::MAX_QUEUES;
use super::time_code::TimeCode;
use crate::midi_clock::MidiClock;
use crate::time_signature::TimeSignature;
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::seq::CLIENT_DUMMY;
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::Client;
use aseqd_host::error::Fail;
use std::collections::BTreeMap;

/// The ticks of a quarter note of a queue that is gone, as of most files.
const DEFAULT_PPQ: u32 = 480;
/// The most ticks that a quarter note of a file can have.
const MAX_DIVISION: u32 = 0x7fff;
/// Intervals of a MIDI clock after which its tempo is known well enough for the beginning of a file: a sixteenth note.
const FIRST_TEMPO: usize = 6;
/// A tempo that differs by less than this part of it is the same: it is within the jitter of a good clock.
const SAME_TEMPO: u32 = 200;
/// Within a quarter note, a tempo that differs by less than this part is not a new one yet.
const NEAR_TEMPO: u32 = 40;

/// What the ticks of a file are.
#[derive(Debug)]
pub(super) enum Timeline {
    /// Those of the recorder's own queue, which stamps what arrives.
    Own,
    /// Those of another program's queue.
    Queue(Follower),
    /// Those of the MIDI clock of one of the ports. The recorder's own queue stamps what arrives with its time.
    Clock(Clocked),
    /// Those of the MIDI time code of one of the ports. The recorder's own queue stamps as for a clock.
    TimeCode(Box<TimeCode>),
}

/// A tempo that begins at a tick: microseconds of a quarter note.
pub(super) type TempoAt = (u32, u32);

impl Timeline {
    /// Returns whether the recorder's own queue stamps what arrives with its time, rather than with its tick.
    pub(super) const fn is_stamped_with_time(&self) -> bool {
        matches!(self, Self::Clock(_) | Self::TimeCode(_))
    }

    /// Returns the tick at which an event was played.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(super) fn tick(&mut self, client: &Client, event: &Event) -> Result<u32, Fail> {
        match self {
            Self::Own => Ok(event.time.tick_or_sec),
            Self::Queue(follower) => follower.tick(client, event),
            Self::Clock(clocked) => Ok(clocked.position(nanoseconds(event.time))),
            Self::TimeCode(code) => Ok(code.tick(event)),
        }
    }
}

fn nanoseconds(time: EventTime) -> u64 {
    u64::from(time.tick_or_sec) * 1_000_000_000 + u64::from(time.nsec)
}

/// Follows the queue that another program plays through.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// The queue that was asked for.
    wanted: Option<u8>,
    /// The time signature. A queue that runs already is recorded from the beginning of its bar.
    signature: TimeSignature,
    /// The queue that is followed.
    followed: Option<Followed>,
    /// What is known of the queues until one of them is followed.
    known: BTreeMap<u8, Known>,
    /// Tempos that the file does not have yet.
    tempos: Vec<TempoAt>,
    /// The last tick that was given to an event.
    last: u32,
    /// How many events came while no queue was known.
    pub(super) homeless: u64,
    /// The queue was gone before it could be asked for its ticks of a quarter note.
    pub(super) gone: bool,
}

/// What is known of a queue that may be followed.
#[derive(Debug, Default)]
struct Known {
    /// Its tick when the recording began, or 0 if it has started since.
    from: u32,
    /// It has started during the recording.
    started: bool,
    /// Its ticks of a quarter note; 0 if it was gone before it could be asked.
    ppq: u32,
    /// Tempos since then.
    tempos: Vec<TempoAt>,
}

impl Known {
    /// Asks a queue that runs. A song can be so short that its queue is gone.
    fn ask(client: &Client, queue: u8, from: u32, started: bool) -> Result<Self, Fail> {
        let tempo = client.queue_tempo(queue)?.unwrap_or_default();
        let ppq = u32::try_from(tempo.ppq).unwrap_or(0);
        Ok(Self { from, started, ppq, tempos: vec![(0, tempo.tempo)] })
    }
}

/// The queue that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    queue: u8,
    /// Its ticks of a quarter note, and those of the file.
    ppq: u32,
    division: u32,
    /// The tick of the queue, and that of the file, at which it was started or set last.
    from: u32,
    base: u32,
    /// It has started during the recording.
    started: bool,
}

impl Followed {
    fn file_tick(&self, tick: u32) -> u32 {
        let since = u64::from(tick.saturating_sub(self.from));
        let ticks = since * u64::from(self.division) / u64::from(self.ppq.max(1));
        self.base.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX))
    }
}

impl Follower {
    /// Looks at the queues that run already.
    ///
    /// # Errors
    /// A message if the queue that was asked for does not exist, or the sequencer has ended.
    pub(super) fn new(
        client: &Client,
        wanted: Option<u8>,
        signature: TimeSignature,
    ) -> Result<Self, Fail> {
        let mut follower = Self { wanted, signature, ..Self::default() };
        for queue in 0..MAX_QUEUES {
            let Some(status) = client.queue_status(queue)? else {
                if wanted == Some(queue) {
                    return Err(Fail::new(format!("there is no queue {queue}")));
                }
                continue;
            };
            if status.running != 0 {
                follower.known.insert(queue, Known::ask(client, queue, status.tick, false)?);
            }
        }
        if let Some(queue) = wanted {
            follower.follow(client, queue)?;
        }
        Ok(follower)
    }

    /// Takes in what was done to a queue.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(super) fn control(&mut self, client: &Client, event: &Event) -> Result<(), Fail> {
        let (queue, tick) = (event.data.queue(), event.time.tick_or_sec);
        if let Some(mut followed) = self.followed {
            if followed.queue == queue {
                match event.event_type {
                    EventType::START => {
                        let now = Known::ask(client, queue, 0, true)?;
                        let ppq = if now.ppq > 0 { now.ppq } else { followed.ppq };
                        followed =
                            Followed { ppq, from: 0, base: self.last, started: true, ..followed };
                        let tempos = now.tempos.into_iter().filter(|(_, tempo)| *tempo > 0);
                        self.tempos.extend(tempos.map(|(_, tempo)| (followed.base, tempo)));
                    }
                    EventType::SETPOS_TICK => {
                        followed.base = self.last;
                        followed.from = event.data.queue_param();
                    }
                    EventType::TEMPO if event.data.queue_param() > 0 => {
                        self.tempos.push((followed.file_tick(tick), event.data.queue_param()));
                    }
                    _ => {}
                }
                self.followed = Some(followed);
            }
            return Ok(());
        }
        match event.event_type {
            EventType::START => {
                self.known.insert(queue, Known::ask(client, queue, 0, true)?);
            }
            EventType::CONTINUE => {
                self.known.insert(queue, Known::ask(client, queue, tick, false)?);
            }
            EventType::TEMPO if event.data.queue_param() > 0 => {
                if let Some(known) = self.known.get_mut(&queue) {
                    known.tempos.push((tick, event.data.queue_param()));
                }
            }
            EventType::STOP => {
                self.known.remove(&queue);
            }
            _ => {}
        }
        Ok(())
    }

    /// Follows a queue from here on.
    fn follow(&mut self, client: &Client, queue: u8) -> Result<(), Fail> {
        let now = Known::ask(client, queue, 0, false)?;
        let known = self.known.remove(&queue).unwrap_or_default();
        let ppq = [known.ppq, now.ppq].into_iter().find(|ppq| *ppq > 0);
        self.gone |= ppq.is_none();
        let ppq = ppq.unwrap_or(DEFAULT_PPQ);
        let division = ppq.min(MAX_DIVISION);
        let bar = self.signature.bar(ppq).max(1);
        let from = if known.started { 0 } else { known.from - known.from % bar };
        let started = known.started;
        let followed = Followed { queue, ppq, division, from, base: 0, started };
        let tempos = known.tempos.iter().filter(|(_, tempo)| *tempo > 0);
        self.tempos.extend(tempos.map(|(tick, tempo)| (followed.file_tick(*tick), *tempo)));
        if self.tempos.is_empty() {
            self.tempos.extend(now.tempos.into_iter().filter(|(_, tempo)| *tempo > 0));
        }
        self.followed = Some(followed);
        self.known.clear();
        Ok(())
    }

    /// Returns the ticks of a quarter note, once the queue is known.
    pub(super) fn division(&self) -> Option<u16> {
        self.followed.and_then(|followed| u16::try_from(followed.division).ok())
    }

    /// Returns the queue that is followed.
    pub(super) fn queue(&self) -> Option<u8> {
        self.followed.map(|followed| followed.queue)
    }

    /// Takes the tempos that the file does not have yet.
    pub(super) fn take_tempos(&mut self) -> Vec<TempoAt> {
        std::mem::take(&mut self.tempos)
    }

    fn tick(&mut self, client: &Client, event: &Event) -> Result<u32, Fail> {
        let named = Some(event.queue).filter(|queue| *queue < MAX_QUEUES);
        if self.followed.is_none() && self.wanted.is_none() {
            let mut running = self.known.keys();
            let only = running.next().copied().filter(|_| running.next().is_none());
            if let Some(queue) = named.or(only) {
                self.follow(client, queue)?;
            }
        }
        let Some(followed) = self.followed else {
            self.homeless += 1;
            return Ok(self.last);
        };
        let scheduled = !event.flags.contains(EventFlags::REAL_TIME)
            && match named {
                Some(queue) => queue == followed.queue,
                // Midi Through takes the queue away, and leaves the time.
                None => event.source.client == CLIENT_DUMMY && event.time != EventTime::default(),
            };
        let tick = if scheduled {
            followed.file_tick(event.time.tick_or_sec)
        } else {
            let status = client.queue_status(followed.queue)?;
            let tick = status.map_or(0, |status| status.tick);
            // Events that come through Midi Through right after the start of the queue, and have no time, were scheduled
            // for tick 0: a player sends its first events together.
            let through = event.source.client == CLIENT_DUMMY && named.is_none();
            let first = through && followed.started && self.last == followed.base;
            let first = first && tick < followed.ppq;
            followed.file_tick(if first { 0 } else { tick })
        };
        self.last = self.last.max(tick);
        Ok(tick)
    }
}

/// Follows the MIDI clock of one of the ports.
#[derive(Debug)]
pub(super) struct Clocked {
    clock: MidiClock,
    division: u32,
    /// The tick of the file at which the clock was started last.
    base: u32,
    /// The clock does not run.
    stopped: bool,
    /// The port whose clock is followed: the first that sends one.
    source: Option<Address>,
    /// The tempo that the file has.
    tempo: Option<u32>,
    /// Tempos that the file does not have yet.
    tempos: Vec<TempoAt>,
}

impl Clocked {
    /// Begins with a clock of which nothing has come.
    pub(super) fn new(division: u16) -> Self {
        Self {
            clock: MidiClock::default(),
            division: division.into(),
            base: 0,
            stopped: false,
            source: None,
            tempo: None,
            tempos: Vec::new(),
        }
    }

    /// Returns whether a real-time message is of the clock that is followed.
    pub(super) fn follows(&mut self, source: Address, event_type: EventType) -> bool {
        let is_clock = matches!(
            event_type,
            EventType::CLOCK | EventType::START | EventType::CONTINUE | EventType::STOP
        );
        is_clock && *self.source.get_or_insert(source) == source
    }

    /// Returns how many clock messages have come since the start.
    pub(super) fn count(&self) -> u64 {
        self.clock.count()
    }

    /// Takes in a real-time message. `empty` says whether the file has no events yet.
    pub(super) fn handle(&mut self, event_type: EventType, time: EventTime, empty: bool) {
        let at = nanoseconds(time);
        match event_type {
            EventType::CLOCK if !self.stopped => {
                self.clock.clock(at);
                self.measure(at);
            }
            EventType::START => {
                self.base = if empty { 0 } else { self.position(at) };
                self.clock.start();
                self.stopped = false;
            }
            EventType::CONTINUE => self.stopped = false,
            EventType::STOP => self.stopped = true,
            _ => {}
        }
    }

    /// Adds a tempo where it has changed.
    fn measure(&mut self, at: u64) {
        let Some(tempo) = self.clock.tempo_us(FIRST_TEMPO) else { return };
        let same = self.tempo.is_some_and(|last| {
            let part = if self.clock.is_on_beat() { SAME_TEMPO } else { NEAR_TEMPO };
            last.abs_diff(tempo) <= last / part
        });
        if !same {
            let tick = if self.tempo.is_none() { 0 } else { self.position(at) };
            self.tempo = Some(tempo);
            self.tempos.push((tick, tempo));
        }
    }

    fn position(&self, at: u64) -> u32 {
        let ticks = self.clock.position(at, self.division.into());
        self.base.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// Takes the tempos that the file does not have yet.
    pub(super) fn take_tempos(&mut self) -> Vec<TempoAt> {
        std::mem::take(&mut self.tempos)
    }

    /// Returns whether a clock message has come.
    pub(super) fn has_clock(&self) -> bool {
        self.clock.count() > 0 || self.base > 0
    }
}
