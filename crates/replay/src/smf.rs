//! Writes what was played in a recording as a MIDI file: a track for each port that has sent, and for each that has received.
//!
//! Ticks are those of the first queue that starts, with its tempo changes. Events for a later time of a queue stand there;
//! all others stand where they were sent or read.

use crate::clients::Clients;
use crate::records;
use crate::replayer::Played;
use crate::step::Action;
use aseqd_abi::event::{EventFlags, Note, QUEUE_DIRECT};
use aseqd_abi::ioctl::sequencer::{GET_QUEUE_STATUS, GET_QUEUE_TEMPO};
use aseqd_abi::seq::{CLIENT_SYSTEM, QueueStatus, QueueTempo};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::Received;
use aseqd_engine::{Call, Engine, FileId, Input, Reply, Time};
use aseqd_midi::{Encoded, Encoder, ump};
use aseqd_smf::{Division, EventKind, Format, Meta, TrackWriter};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Ticks of a quarter note in a file without a queue.
const DEFAULT_PPQ: u16 = 480;
/// Nanoseconds of a quarter note without a queue: 120 a minute.
const DEFAULT_QUARTER: u64 = 500_000_000;
/// Numbers of queues are below this.
const MAX_QUEUES: i32 = 32;

/// Which way an event went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Sent,
    Received,
}

/// A change of the tempo, or its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tempo {
    at: u64,
    /// Nanoseconds of a quarter note.
    quarter: u64,
}

/// Where a queue is, and how fast it moves.
#[derive(Clone, Copy, Debug)]
struct Clock {
    queue: i32,
    running: bool,
    tick: u32,
    /// Its position in nanoseconds.
    time: u64,
    quarter: u64,
    ppq: u32,
}

/// Collects what is played in a recording.
#[derive(Debug)]
pub struct Smf {
    engine: Engine,
    clients: Clients,
    tracks: BTreeMap<(Way, Address), Vec<(u64, EventKind)>>,
    /// The queue that gives the tempo: its number, when it began, and its ticks of a quarter note.
    leader: Option<(i32, u64, u32)>,
    tempos: Vec<Tempo>,
    began: Option<Time>,
    out: Vec<u8>,
}

impl Smf {
    /// Begins with the engine that a recording begins with.
    #[must_use]
    pub fn new(start: Engine) -> Self {
        Self {
            engine: start,
            clients: Clients::default(),
            tracks: BTreeMap::new(),
            leader: None,
            tempos: Vec::new(),
            began: None,
            out: Vec::new(),
        }
    }

    /// Adds a record.
    pub fn push(&mut self, played: &Played<'_>) {
        let Played { at, action, .. } = *played;
        let began = *self.began.get_or_insert(at);
        let now = at - began;
        let input = action.input();
        let mut out = std::mem::take(&mut self.out);
        let client = match action {
            Action::Read { file, .. } | Action::Write { file, .. } | Action::Ioctl { file, .. } => {
                self.clients.of(&mut self.engine, at, *file)
            }
            _ => None,
        };
        let reply = self.engine.handle(at, input, &mut out);
        while self.engine.poll_output().is_some() {}
        self.clients.saw(input);
        if let (Some(client), Some(file)) = (client, action.file()) {
            match (action, reply) {
                (Action::Read { .. }, Reply::Done(_)) => {
                    for received in Received::of_read(&out, client.ump) {
                        self.received(now, client.number, &received);
                    }
                }
                (
                    Action::Write { data, .. },
                    Reply::Done(taken) | Reply::More(taken) | Reply::Wait(taken),
                ) => {
                    let taken = &data[..taken.min(data.len())];
                    for range in records::written(taken, client.ump) {
                        self.sent((at, now), file, client.number, &taken[range]);
                    }
                }
                _ => {}
            }
            // Reads change no queue.
            if !matches!(action, Action::Read { .. }) {
                self.follow(at, now, file);
            }
        }
        self.out = out;
    }

    /// Returns where a queue is.
    fn clock(&mut self, at: Time, file: FileId, queue: i32) -> Option<Clock> {
        let status = QueueStatus { queue, ..QueueStatus::default() };
        let tempo = QueueTempo { queue, ..QueueTempo::default() };
        let status = self.ask(at, file, GET_QUEUE_STATUS, status.as_bytes())?;
        let tempo = self.ask(at, file, GET_QUEUE_TEMPO, tempo.as_bytes())?;
        let status = QueueStatus::read_from_bytes(&status).ok()?;
        let tempo = QueueTempo::read_from_bytes(&tempo).ok()?;
        let base = if tempo.tempo_base == 0 { 1000 } else { u64::from(tempo.tempo_base) };
        let skew = u64::from(tempo.skew_value.max(1));
        let quarter = u64::from(tempo.tempo) * base * u64::from(tempo.skew_base.max(1)) / skew;
        Some(Clock {
            queue,
            running: status.running != 0,
            tick: status.tick,
            time: u64::from(status.time.tv_sec) * 1_000_000_000 + u64::from(status.time.tv_nsec),
            quarter: quarter.max(1),
            ppq: u32::try_from(tempo.ppq).ok().filter(|ppq| *ppq > 0)?,
        })
    }

    fn ask(&mut self, at: Time, file: FileId, request: u32, arg: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let call = Call::Ioctl { request, compat: false, arg };
        match self.engine.handle(at, Input::Call { file, call }, &mut out) {
            Reply::Done(_) => Some(out),
            _ => None,
        }
    }

    /// Takes note of the tempo of the first queue that starts.
    fn follow(&mut self, at: Time, now: u64, file: FileId) {
        let clock = match self.leader {
            Some((queue, ..)) => self.clock(at, file, queue),
            None => {
                let started = (0..MAX_QUEUES).find_map(|queue| {
                    // Most numbers are of no queue: the first answer says so.
                    self.clock(at, file, queue).filter(|clock| clock.running)
                });
                if let Some(clock) = started {
                    self.leader = Some((clock.queue, now.saturating_sub(clock.time), clock.ppq));
                }
                started
            }
        };
        let Some(clock) = clock else { return };
        if self.tempos.last().is_none_or(|last| last.quarter != clock.quarter) {
            self.tempos.push(Tempo { at: now, quarter: clock.quarter });
        }
    }

    fn received(&mut self, now: u64, client: u8, received: &Received) {
        match received {
            Received::Event(event, data) => {
                let port = Address::new(client, event.dest.port);
                self.add(Way::Received, port, now, event, data, 0);
            }
            Received::Packet(packet) => {
                let port = Address::new(client, packet.dest.port);
                let _infallible = ump::events_of(&ump::Packet(packet.ump), |event, data| {
                    self.add(Way::Received, port, now, &event, data, 0);
                    Ok::<(), Infallible>(())
                });
            }
        }
    }

    fn sent(&mut self, (at, now): (Time, u64), file: FileId, client: u8, record: &[u8]) {
        let Ok((event, data)) = Event::read_from_prefix(record) else { return };
        // What controls a queue is not played.
        if event.dest.client == CLIENT_SYSTEM {
            return;
        }
        let port = Address::new(client, event.source.port);
        let clock = match event.queue {
            QUEUE_DIRECT => None,
            queue => self.clock(at, file, queue.into()),
        };
        let due = clock.map_or(now, |clock| due(&clock, &event, now));
        let tick = clock.map_or(0, |clock| clock.quarter / u64::from(clock.ppq));
        if event.flags.contains(EventFlags::UMP) {
            let Ok(packet) = aseqd_abi::ump::UmpEvent::read_from_bytes(record) else { return };
            let _infallible = ump::events_of(&ump::Packet(packet.ump), |event, data| {
                self.add(Way::Sent, port, due, &event, data, tick);
                Ok::<(), Infallible>(())
            });
            return;
        }
        self.add(Way::Sent, port, due, &event, data, tick);
    }

    /// Adds an event to its track. `tick` is the length of a tick of its queue, in nanoseconds.
    fn add(&mut self, way: Way, port: Address, at: u64, event: &Event, data: &[u8], tick: u64) {
        if event.event_type == EventType::NOTE {
            // A queue makes two events of it.
            let note = event.data.note();
            let unit = if event.flags.contains(EventFlags::REAL_TIME) { 1_000_000 } else { tick };
            let end = at.saturating_add(u64::from(note.duration).saturating_mul(unit));
            for (event_type, at, velocity) in [
                (EventType::NOTEON, at, note.velocity),
                (EventType::NOTEOFF, end, note.off_velocity),
            ] {
                let note = Note { velocity, ..note };
                let data = aseqd_abi::event::EventData::from_note(note);
                let one = Event { event_type, data, ..*event };
                self.add(way, port, at, &one, &[], tick);
            }
            return;
        }
        let mut bytes = Vec::new();
        // A parameter has four controllers of three bytes each.
        let mut encoder = Encoder::new(false, usize::MAX);
        if encoder.encode(event, data, &mut bytes) != Encoded::Bytes {
            return;
        }
        let track = self.tracks.entry((way, port)).or_default();
        track.extend(EventKind::of_messages(&bytes).into_iter().map(|kind| (at, kind)));
    }

    /// Writes the file, and returns how many events it has.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(self, out: impl Write) -> io::Result<usize> {
        let (ppq, start) = match self.leader {
            Some((_, start, ppq)) => (ppq, start),
            None => (DEFAULT_PPQ.into(), 0),
        };
        let quarter = self.tempos.first().map_or(DEFAULT_QUARTER, |tempo| tempo.quarter);
        let scale = Scale::new(&self.tempos, ppq, quarter, start);
        let division = u16::try_from(ppq).unwrap_or(DEFAULT_PPQ).min(0x7fff);
        let mut conductor = TrackWriter::new();
        for (tempo, tick) in &scale.parts {
            let micros = u32::try_from((tempo.quarter + 500) / 1000).unwrap_or(u32::MAX);
            let micros = micros.clamp(1, 0xff_ffff);
            let tick = u32::try_from(*tick).unwrap_or(u32::MAX);
            conductor.push(tick, &EventKind::Meta(Meta::Tempo(micros)))?;
        }
        let mut tracks = vec![conductor];
        let mut count = 0;
        for ((way, port), mut events) in self.tracks {
            events.sort_by_key(|(at, _)| *at);
            let mut track = TrackWriter::new();
            let way = if way == Way::Sent { "sent by" } else { "received by" };
            let text = format!("{way} {port}").into_bytes();
            track.push(0, &EventKind::Meta(Meta::Text { kind: 3, text }))?;
            for (at, kind) in &events {
                track.push(scale.tick(*at), kind)?;
            }
            count += events.len();
            tracks.push(track);
        }
        aseqd_smf::write(out, Format::Parallel, Division::Quarter(division), &tracks)?;
        Ok(count)
    }
}

/// Returns how long this many ticks of a queue take, in nanoseconds.
fn length_of(clock: &Clock, ticks: u32) -> u64 {
    let length = u128::from(ticks) * u128::from(clock.quarter) / u128::from(clock.ppq);
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Returns when an event of a queue is due.
fn due(clock: &Clock, event: &Event, now: u64) -> u64 {
    let real = event.flags.contains(EventFlags::REAL_TIME);
    let relative = event.flags.contains(EventFlags::RELATIVE);
    let time = match real {
        true => u64::from(event.time.tick_or_sec) * 1_000_000_000 + u64::from(event.time.nsec),
        false => length_of(clock, event.time.tick_or_sec),
    };
    // The position in the same unit. For ticks, the exact time is between two of them: that of the queue's clock
    // holds as long as its tempo has not changed.
    let ticks = length_of(clock, clock.tick);
    let length = clock.quarter / u64::from(clock.ppq);
    let position = match real || (ticks..=ticks + length).contains(&clock.time) {
        true => clock.time,
        false => ticks,
    };
    now.saturating_add(if relative { time } else { time.saturating_sub(position) })
}

/// Nanoseconds as ticks of the file.
struct Scale {
    ppq: u64,
    /// The tempos, with shifted times, and the tick at which each begins.
    parts: Vec<(Tempo, u64)>,
    /// What is added to times, so that the queue begins on a whole quarter note.
    shift: u64,
}

impl Scale {
    fn new(tempos: &[Tempo], ppq: u32, first: u64, start: u64) -> Self {
        let shift = (first - start % first) % first;
        let ppq = u64::from(ppq);
        let mut parts = vec![(Tempo { at: 0, quarter: first }, 0)];
        for tempo in tempos {
            let at = tempo.at.saturating_add(shift);
            let tick = tick_in(&parts, ppq, at);
            // The tempo of the beginning holds before it, too.
            if parts.last().is_none_or(|(last, _)| last.quarter != tempo.quarter) {
                parts.push((Tempo { at, quarter: tempo.quarter }, tick));
            }
        }
        Self { ppq, parts, shift }
    }

    fn tick(&self, at: u64) -> u32 {
        u32::try_from(tick_in(&self.parts, self.ppq, at.saturating_add(self.shift)))
            .unwrap_or(u32::MAX)
    }
}

fn tick_in(parts: &[(Tempo, u64)], ppq: u64, at: u64) -> u64 {
    let part = parts.iter().rev().find(|(tempo, _)| tempo.at <= at).or_else(|| parts.first());
    let Some((tempo, tick)) = part else { return 0 };
    let elapsed = u128::from(at.saturating_sub(tempo.at));
    let quarter = u128::from(tempo.quarter);
    let ticks = (elapsed * u128::from(ppq) + quarter / 2) / quarter;
    tick.saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX))
}
