//! The file of a recording: events wait here for at most half a second, then they are in the file.

use aseqd_smf::{ClipAppender, ClipWriter, Division, EventKind, Meta, TrackAppender};
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// How long an event waits before it is written. A recorder that is killed loses what came within this time. Twice as
/// often would mean twice as many wake-ups while music is played.
const COMMIT_AFTER: Duration = Duration::from_millis(500);
/// So many events are written at once, however short they have waited: about 1 MiB of memory.
const MAX_PENDING: usize = 16_384;
/// The number of the last port that a Standard MIDI File can name.
const MAX_PORT: usize = 127;

/// What is recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// For a Standard MIDI File.
    Event(EventKind),
    /// For a clip file.
    Packet([u32; 4]),
}

/// The file while it grows.
#[derive(Debug)]
enum Out {
    Track(TrackAppender<File>),
    Clip(ClipAppender<File>),
}

/// Something that is not yet in the file.
#[derive(Debug)]
struct Pending {
    tick: u32,
    /// The number of the port that it came from; none for what belongs to no port, such as the tempo.
    source: Option<usize>,
    item: Item,
}

/// A recording while it is made. Its file is one track, in which port and name stand before what a port has sent: that
/// is how `tracks` finds them again.
#[derive(Debug)]
pub(super) struct Take {
    out: Out,
    pending: Vec<Pending>,
    /// When the oldest of these came.
    since: Option<Instant>,
    /// The tick of the last event that is in the file.
    written: u32,
    /// The last tick so far.
    last: u32,
    /// The names of the ports.
    names: Vec<String>,
    /// The port of the last event in the file.
    source: Option<usize>,
    /// The last tempo.
    tempo_us: Option<u32>,
    /// Whether the file names each of the ports.
    named: Vec<bool>,
}

impl Take {
    /// Makes a Standard MIDI File.
    pub(super) fn track(file: File, division: Division) -> io::Result<Self> {
        Ok(Self::new(Out::Track(TrackAppender::create(file, division)?)))
    }

    /// Makes a clip file.
    pub(super) fn clip(file: File, clip: ClipWriter) -> io::Result<Self> {
        Ok(Self::new(Out::Clip(ClipAppender::create(file, clip)?)))
    }

    fn new(out: Out) -> Self {
        Self {
            out,
            pending: Vec::new(),
            since: None,
            written: 0,
            last: 0,
            names: Vec::new(),
            source: None,
            tempo_us: None,
            named: Vec::new(),
        }
    }

    /// Returns whether this is a clip file.
    pub(super) fn is_clip(&self) -> bool {
        matches!(self.out, Out::Clip(_))
    }

    /// Changes how many ticks a quarter note has, for the whole file.
    pub(super) fn set_ticks_per_quarter(&mut self, ticks: u16) -> io::Result<()> {
        match &mut self.out {
            Out::Track(track) => track.set_division(Division::Quarter(ticks)),
            Out::Clip(clip) => clip.set_ticks_per_quarter(ticks),
        }
    }

    /// Adds a port, and returns its number.
    pub(super) fn add_source(&mut self, name: String) -> usize {
        self.names.push(name);
        self.named.push(false);
        self.names.len() - 1
    }

    /// Takes something that was played at a tick. It is in the file within half a second.
    pub(super) fn push(&mut self, tick: u32, source: Option<usize>, item: Item) -> io::Result<()> {
        self.since.get_or_insert_with(Instant::now);
        self.last = self.last.max(tick);
        self.pending.push(Pending { tick, source, item });
        if self.pending.len() >= MAX_PENDING { self.commit() } else { Ok(()) }
    }

    /// Takes a tempo, in microseconds a quarter note, if it is not the same as before.
    pub(super) fn tempo(&mut self, tick: u32, tempo_us: u32) -> io::Result<()> {
        // 24 bits are what a file has for it.
        let tempo_us = tempo_us.clamp(1, 0xff_ffff);
        if self.tempo_us.replace(tempo_us) == Some(tempo_us) {
            return Ok(());
        }
        let item = match self.out {
            Out::Track(_) => Item::Event(EventKind::Meta(Meta::Tempo(tempo_us))),
            Out::Clip(_) => Item::Packet([0xd010_0000, tempo_us * 100, 0, 0]),
        };
        self.push(tick, None, item)
    }

    /// Takes a marker.
    pub(super) fn marker(&mut self, tick: u32, text: &str) -> io::Result<()> {
        match self.out {
            Out::Track(_) => {
                let meta = Meta::Text { kind: 6, text: text.as_bytes().to_vec() };
                self.push(tick, None, Item::Event(EventKind::Meta(meta)))
            }
            // A clip has no markers.
            Out::Clip(_) => Ok(()),
        }
    }

    /// Returns the last tick so far.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// Returns when the next commit is due, if anything waits for it.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + COMMIT_AFTER)
    }

    /// Writes everything that waits.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        self.since = None;
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_by_key(|event| event.tick);
        for Pending { tick, source, item } in pending {
            let tick = tick.max(self.written);
            self.written = tick;
            match (&mut self.out, item) {
                (Out::Track(track), Item::Event(event)) => {
                    if source.is_some() && source != self.source {
                        self.source = source;
                        let source = source.unwrap_or_default();
                        for meta in port_metas(source, &self.names, &mut self.named) {
                            track.push(tick, &EventKind::Meta(meta))?;
                        }
                    }
                    track.push(tick, &event)?;
                }
                (Out::Clip(clip), Item::Packet(words)) => {
                    let len = aseqd_client::ump::words(words[0].to_be_bytes()[0] >> 4);
                    clip.push(tick, &words[..len])?;
                }
                // The recorder makes items for its own kind of file.
                _ => {}
            }
        }
        match &mut self.out {
            Out::Track(track) => track.commit(),
            Out::Clip(clip) => clip.commit(),
        }
    }
}

/// Returns what stands before the events of a port: its number, and its name the first time.
fn port_metas(source: usize, names: &[String], named: &mut [bool]) -> Vec<Meta> {
    // All ports beyond the last number share it, and its name.
    let number = source.min(MAX_PORT);
    let mut metas = vec![Meta::Port(u8::try_from(number).unwrap_or(0))];
    if let (Some(named @ false), Some(name)) = (named.get_mut(number), names.get(number)) {
        *named = true;
        metas.push(Meta::Text { kind: DEVICE_NAME, text: name.as_bytes().to_vec() });
    }
    metas
}

/// The type of the event that names the device of a port (RP-019).
pub(super) const DEVICE_NAME: u8 = 9;
