//! The thread that empties the ring.

use super::sink::Sink;
use super::snapshot::Snapshot;
use aseqd_host::log;
use rtrb::Consumer;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long it waits for more once there is something, so that it wakes rarely. A killed server loses about as much of
/// its recording.
const GATHER: Duration = Duration::from_millis(50);

/// After how long what has come is written, while more keeps coming.
const FLUSH: Duration = Duration::from_millis(250);

/// How much memory the thread keeps for what it takes out of the ring, in bytes.
const KEPT: usize = 1 << 20;

/// Why a recording ends if the ring was full.
pub(super) const TOO_SLOW: &str =
    "the recording ends here: its file takes bytes more slowly than they come";

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ending {
    /// The server has ended.
    Normal = 1,
    /// The ring was full.
    Overflow = 2,
    /// The server has panicked.
    Panic = 3,
}

/// What a report is made for.
#[derive(Debug)]
pub(super) enum Request {
    /// For a file in the folder of reports.
    File,
    /// For somebody who waits for its bytes.
    Bytes(Sender<io::Result<Vec<u8>>>),
    /// For nobody any more: these are the bytes. Giving back much memory takes long, so this thread does it.
    Done(Vec<u8>),
}

/// What comes from the serving thread.
#[derive(Debug)]
pub(super) struct Inlets {
    pub(super) records: Consumer<u8>,
    pub(super) snapshots: Receiver<Snapshot>,
    pub(super) requests: Receiver<Request>,
}

/// What the two threads tell each other besides the records.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Whether the thread sleeps until it is woken.
    sleeping: AtomicBool,
    /// Whether it sleeps for [`GATHER`] at most.
    gathering: AtomicBool,
    /// An [`Ending`], or 0.
    ending: AtomicU8,
    /// Whether the thread wants the state of the engine.
    wants_state: AtomicBool,
    /// Whether there is a [`Request`].
    asked: AtomicBool,
}

impl Link {
    /// Says that no records come any more.
    pub(super) fn end(&self, ending: Ending) {
        // The first one counts.
        let _later =
            self.ending.compare_exchange(0, ending as u8, Ordering::Release, Ordering::Relaxed);
    }

    /// Returns whether the thread sleeps, and notes that it is woken.
    pub(super) fn take_sleeping(&self) -> bool {
        self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed)
    }

    /// Returns whether the thread waits for more, and notes that it is woken.
    pub(super) fn take_gathering(&self) -> bool {
        self.gathering.load(Ordering::Relaxed) && self.gathering.swap(false, Ordering::Relaxed)
    }

    /// Returns whether the thread wants the state of the engine.
    pub(super) fn wants_state(&self) -> bool {
        self.wants_state.load(Ordering::Relaxed)
    }

    /// Notes that the state is on its way.
    pub(super) fn sends_state(&self) {
        self.wants_state.store(false, Ordering::Relaxed);
    }

    /// Says that there is a [`Request`].
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// Waits for more.
    fn gather(&self) {
        self.gathering.store(true, Ordering::Relaxed);
        thread::park_timeout(GATHER);
        self.gathering.store(false, Ordering::Relaxed);
    }

    fn ending(&self) -> Option<Ending> {
        match self.ending.load(Ordering::Acquire) {
            1 => Some(Ending::Normal),
            2 => Some(Ending::Overflow),
            3 => Some(Ending::Panic),
            _ => None,
        }
    }
}

/// Starts the thread.
pub(super) fn start(
    inlets: Inlets,
    sink: Box<dyn Sink>,
    link: Arc<Link>,
) -> io::Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name("recorder".into());
    thread.spawn(move || {
        // A limit of file sizes is an error like a full disk.
        let _fatal = aseqd_host::process::SignalSet::of(&[rustix::process::Signal::XFSZ]).block();
        let source = Source { inlets, next: None, taken: 0, bytes: Vec::new() };
        if let Err(error) = run(source, sink, &link) {
            let why = aseqd_host::error::reason(&error);
            log::tell("recording", format_args!("the recording ends here: {why}"));
        }
    })
}

/// Empties the ring until the recording ends. An error ends it as well: the ring is closed then.
fn run(mut source: Source, mut sink: Box<dyn Sink>, link: &Link) -> io::Result<()> {
    let mut flushed = Instant::now();
    loop {
        // First: what was recorded before the end is there then.
        let ending = link.ending();
        let taken = source.take();
        if let Err(error) = source.hand_to(&mut *sink) {
            let _same = sink.end(Some(&aseqd_host::error::reason(&error)));
            return Err(error);
        }
        if link.asked.swap(false, Ordering::Acquire) {
            source.attend(&mut *sink);
        }
        if let Some(ending) = ending {
            let reason = match ending {
                Ending::Normal => None,
                Ending::Overflow => Some(TOO_SLOW),
                Ending::Panic => Some("the server panicked"),
            };
            return sink.end(reason);
        }
        if taken && flushed.elapsed() < FLUSH {
            link.gather();
            continue;
        }
        if let Err(error) = sink.flush() {
            let _same = sink.end(Some(&aseqd_host::error::reason(&error)));
            return Err(error);
        }
        flushed = Instant::now();
        if sink.wants_state() && !source.has_snapshot() {
            link.wants_state.store(true, Ordering::Relaxed);
        }
        if !taken {
            link.sleeping.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let nothing = source.inlets.records.is_empty() && !link.asked.load(Ordering::Acquire);
            if nothing && link.ending().is_none() {
                thread::park();
            }
            link.sleeping.store(false, Ordering::Relaxed);
            flushed = Instant::now();
            continue;
        }
        link.gather();
    }
}

/// What comes from the serving thread, in order.
struct Source {
    inlets: Inlets,
    /// A snapshot that comes after records that are not taken yet.
    next: Option<Snapshot>,
    /// How many bytes were handed on.
    taken: u64,
    /// Bytes that were taken out of the ring.
    bytes: Vec<u8>,
}

impl Source {
    /// Takes everything out of the ring. Returns whether that is anything.
    fn take(&mut self) -> bool {
        self.bytes.clear();
        // What a flood has needed is not kept.
        self.bytes.shrink_to(KEPT);
        if let Ok(chunk) = self.inlets.records.read_chunk(self.inlets.records.slots()) {
            let (first, second) = chunk.as_slices();
            self.bytes.extend_from_slice(first);
            self.bytes.extend_from_slice(second);
            chunk.commit_all();
        }
        !self.bytes.is_empty()
    }

    /// Hands on what was taken, and each snapshot at its place.
    fn hand_to(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let all = std::mem::take(&mut self.bytes);
        let mut bytes = &all[..];
        while self.has_snapshot() {
            let Some(next) = self.next.take() else { break };
            let before = usize::try_from(next.at.saturating_sub(self.taken)).unwrap_or(usize::MAX);
            let Some((first, rest)) = bytes.split_at_checked(before) else {
                self.next = Some(next);
                break;
            };
            sink.records(first)?;
            sink.state(next)?;
            self.taken += first.len() as u64;
            bytes = rest;
        }
        sink.records(bytes)?;
        self.taken += bytes.len() as u64;
        self.bytes = all;
        Ok(())
    }

    /// Makes the reports that are asked for.
    fn attend(&self, sink: &mut dyn Sink) {
        while let Ok(request) = self.inlets.requests.try_recv() {
            match request {
                Request::File => sink.report(),
                Request::Bytes(to) => {
                    let _gone = to.send(sink.copy());
                }
                Request::Done(bytes) => drop(bytes),
            }
        }
    }

    /// Returns whether a snapshot has come.
    fn has_snapshot(&mut self) -> bool {
        self.next = self.next.take().or_else(|| self.inlets.snapshots.try_recv().ok());
        self.next.is_some()
    }
}
