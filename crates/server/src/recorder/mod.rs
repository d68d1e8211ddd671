//! Records everything that enters the engine, while it runs.
//!
//! The serving thread copies each input into a ring of fixed size, which another thread empties into a file. On the way
//! of an event nothing is allocated and no system call is made. If that thread cannot keep up, because the disk is slow
//! or full, the recording ends there, and says so: no event is lost or late because of it.

mod file;
mod flight;
mod rate;
mod sink;
mod snapshot;
mod thread;

pub use file::{CreateError, Recording};

use aseqd_engine::{Call, Config, Engine, FileId, Input, Output, Reply, Time};
use aseqd_host::log;
use aseqd_recording::{AnswerHash, CHECKPOINT_INTERVAL, Header, Record, encode};
use file::Place;
use flight::FlightSink;
use rtrb::{Producer, RingBuffer};
use sink::{FileSink, Sink};
use snapshot::Snapshot;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use thread::{Ending, Inlets, Link, Request};

/// Size of the ring, in bytes: what 100,000 events a second need in a second. A disk may stall for that long. It also
/// has room for the longest write, four times.
const RING: usize = 4 << 20;

/// How full the ring may become before the other thread stops to wait for more, in bytes.
const MUCH: usize = RING / 8;

/// How long the end of a server waits for the last records to be written. The disk may hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long nothing may be due for the engine to be copied, in ns. That takes tens of microseconds, and longer with many
/// unread events.
const QUIET_NS: u64 = 1_000_000;

/// Maximum number of cells of pools with which the engine is copied: this takes less than [`QUIET_NS`].
const MOST_COPIED: usize = 10_000;

/// Identifies a write that was recorded. The default is that of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Its number, from 1.
    number: u64,
    /// How many bytes of the call were taken before the record, which does not have them.
    before: usize,
}

/// A recording that is being made: the side of the serving thread.
#[derive(Debug)]
pub struct Recorder {
    ring: Producer<u8>,
    /// The engine, where the other thread has asked for it.
    snapshots: Sender<Snapshot>,
    requests: Sender<Request>,
    /// Whether the latest part is kept in memory.
    is_flight: bool,
    /// How many bytes went into the ring.
    pushed: u64,
    stage: Stage,
    link: Arc<Link>,
    hash: AnswerHash,
    /// The time of the last record.
    now: Time,
    /// Outputs that were taken since the last record.
    outputs: u32,
    /// Inputs so far.
    inputs: u64,
    /// Writes so far.
    writes: u64,
    /// The number of the last write of each file; 0 for none.
    last_write: Vec<u64>,
    /// Whether the other thread has not been told of the last records.
    news: bool,
    /// Whether the other thread should look at once: it names the program that has opened a file, which may end soon.
    urgent: bool,
    /// Whether the ring was full, so that nothing is recorded any more.
    overflown: bool,
}

/// How far a recording has come.
#[derive(Debug)]
enum Stage {
    /// Everything stays in the ring, and nothing is written.
    Held(Box<Held>),
    Running(JoinHandle<()>),
    Ended,
}

/// What the other thread gets.
#[derive(Debug)]
struct Held {
    inlets: Inlets,
    header: Header,
    recording: Recording,
}

impl Recorder {
    /// Prepares a recording of an engine with these settings, which must be fresh. Nothing is written before the
    /// recording [begins](Recording::begin).
    #[must_use]
    pub fn new(recording: Recording, config: Config) -> Self {
        let (mut ring, mut records) = RingBuffer::new(RING);
        // The kernel gives memory when it is first touched. In the way of an event, that would cost more than all the
        // rest.
        if let Ok(all) = ring.write_chunk(RING) {
            all.commit_all();
        }
        if let Ok(all) = records.read_chunk(RING) {
            all.commit_all();
        }
        let mut header = Header::new(config);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        header.began = since_1970.ok().map(|since| since.as_secs());
        let (snapshots, taken_snapshots) = channel();
        let (requests, taken_requests) = channel();
        let inlets = Inlets { records, snapshots: taken_snapshots, requests: taken_requests };
        let is_flight = matches!(recording.place(), Place::Memory { .. });
        let held = Held { inlets, header, recording };
        Self {
            ring,
            snapshots,
            requests,
            is_flight,
            pushed: 0,
            stage: Stage::Held(Box::new(held)),
            link: Arc::default(),
            hash: AnswerHash::new(),
            now: Time(0),
            outputs: 0,
            inputs: 0,
            writes: 0,
            last_write: Vec::new(),
            news: false,
            urgent: false,
            overflown: false,
        }
    }

    /// Writes the beginning of the file, and starts the thread that writes the rest.
    fn start(&mut self) -> io::Result<()> {
        let Stage::Held(held) = std::mem::replace(&mut self.stage, Stage::Ended) else {
            return Ok(());
        };
        let Held { inlets, header, recording } = *held;
        let sink: Box<dyn Sink> = match recording.place() {
            Place::File(file) => Box::new(FileSink::new(Arc::clone(file), &header)?),
            Place::Memory { size, folder } => {
                Box::new(FlightSink::new(header, *size, folder.clone())?)
            }
        };
        let thread = thread::start(inlets, sink, Arc::clone(&self.link))?;
        self.stage = Stage::Running(thread);
        Ok(())
    }

    /// Records an input, before the engine gets it.
    pub(crate) fn input(&mut self, now: Time, input: &Input<'_>) {
        if let Input::Call { file, call: Call::Write { .. } } = input {
            self.writes += 1;
            if let Some(last) = self.last_write.get_mut(file.0 as usize) {
                *last = self.writes;
            }
        }
        self.put(now, &Record::Input(*input));
    }

    /// Records a write, before the engine gets what it has not taken of it: the bytes after the first `done`. If the
    /// record of the attempt before is still the file's last write, the bytes are not repeated.
    pub(crate) fn write(
        &mut self,
        now: Time,
        file: FileId,
        (data, done): (&[u8], usize),
        nonblock: bool,
        recorded: &mut Recorded,
    ) {
        let last = self.last_write.get(file.0 as usize).copied().unwrap_or(0);
        if recorded.number != 0 && recorded.number == last {
            let record = Record::Rest { file, done: done - recorded.before, nonblock };
            return self.put(now, &record);
        }
        let call = Call::Write { data: &data[done..], nonblock };
        self.input(now, &Input::Call { file, call });
        *recorded = Recorded { number: self.writes, before: done };
    }

    fn put(&mut self, now: Time, record: &Record<'_>) {
        let _section = section();
        if self.inputs.is_multiple_of(CHECKPOINT_INTERVAL) && self.inputs > 0 {
            self.push(now, &Record::Checkpoint(self.hash.value()));
        }
        self.push(now, record);
        self.inputs += 1;
    }

    /// Adds the engine's answer to the hash.
    pub(crate) fn answer(&mut self, input: &Input<'_>, reply: Reply, out: &[u8]) {
        {
            let _section = section();
            self.hash.answer(reply, out);
        }
        if let (Input::Open { .. }, Reply::Done(file)) = (input, reply) {
            // An open may allocate; a write may not.
            if self.last_write.len() <= file {
                self.last_write.resize(file + 1, 0);
            }
            self.last_write[file] = 0;
            self.urgent = true;
        }
    }

    /// Adds an output of the engine to the hash.
    pub(crate) fn output(&mut self, output: Output) {
        let _section = section();
        self.hash.output(Some(output));
        self.outputs += 1;
    }

    fn push(&mut self, now: Time, record: &Record<'_>) {
        if self.overflown {
            return;
        }
        let (head, carried) = encode(now - self.now, self.outputs, self.hash.check(), record);
        let head = head.as_bytes();
        let Ok(mut room) = self.ring.write_chunk(head.len() + carried.len()) else {
            self.overflown = true;
            self.news = true;
            return;
        };
        let (first, second) = room.as_mut_slices();
        copy(head, 0, first, second);
        copy(carried, head.len(), first, second);
        // The other thread sees whole records only.
        room.commit_all();
        self.pushed += (head.len() + carried.len()) as u64;
        self.now = self.now.max(now);
        self.outputs = 0;
        self.news = true;
    }

    /// Wakes the other thread if it sleeps and there is something new. Called when nobody waits for an answer.
    pub(crate) fn wake(&mut self) {
        if !std::mem::take(&mut self.news) {
            return;
        }
        self.start_if_begun();
        if self.ring.is_abandoned() {
            // The other thread has said why. What would fill the ring is not recorded.
            self.overflown = true;
            return;
        }
        if self.overflown {
            self.link.end(Ending::Overflow);
            log::tell("recording", format_args!("{}", thread::TOO_SLOW));
        }
        // Either this thread sees that the other one sleeps, or the other one sees the record.
        fence(Ordering::SeqCst);
        if let Stage::Running(thread) = &self.stage {
            let is_much = self.ring.cached_slots() < RING - MUCH && self.ring.slots() < RING - MUCH;
            let is_urgent = std::mem::take(&mut self.urgent) || is_much;
            if self.link.take_sleeping() || is_urgent && self.link.take_gathering() {
                thread.thread().unpark();
            }
        }
    }

    /// Sends the state of the engine, if the other thread waits for it, nothing is due soon, and it is quickly copied.
    /// All outputs must be taken. What comes now can be replayed without what came before.
    pub(crate) fn send_state_if_quiet(
        &mut self,
        engine: &Engine,
        now: Time,
        deadline: Option<Time>,
    ) {
        let is_quiet = || deadline.is_none_or(|due| due > now + QUIET_NS);
        if !self.link.wants_state() || !is_quiet() || engine.cells_in_use() > MOST_COPIED {
            return;
        }
        self.link.sends_state();
        // It counts the outputs since the last input, which belong to what came before.
        self.push(self.now, &Record::Checkpoint(self.hash.value()));
        if self.overflown {
            return;
        }
        self.last_write.fill(0);
        let _ended = self.snapshots.send(Snapshot {
            at: self.pushed,
            index: self.inputs,
            now: self.now,
            hash: self.hash.value(),
            engine: Box::new(engine.clone()),
        });
        self.wake();
    }

    /// Lets a flight recorder write what it has to a file. The other thread does it. Returns whether this is a flight
    /// recorder.
    pub(crate) fn report(&mut self) -> bool {
        if self.is_flight {
            self.request(Request::File);
        }
        self.is_flight
    }

    /// Lets a flight recorder send what it has. Nothing comes if the recording has ended. Returns `None` if this is no
    /// flight recorder.
    pub(crate) fn report_bytes(&mut self) -> Option<Receiver<io::Result<Vec<u8>>>> {
        let (sender, receiver) = channel();
        self.is_flight.then(|| self.request(Request::Bytes(sender)))?;
        Some(receiver)
    }

    /// Takes back the bytes of a report.
    pub(crate) fn report_done(&mut self, bytes: Vec<u8>) {
        self.request(Request::Done(bytes));
    }

    fn request(&mut self, request: Request) {
        self.start_if_begun();
        // Without the other thread there is nobody to hear it, and nothing to report.
        let _ended = self.requests.send(request);
        self.link.ask();
        if let Stage::Running(thread) = &self.stage {
            thread.thread().unpark();
        }
    }

    fn start_if_begun(&mut self) {
        if matches!(&self.stage, Stage::Held(held) if held.recording.has_begun())
            && let Err(error) = self.start()
        {
            let why = aseqd_host::error::reason(&error);
            log::tell("recording", format_args!("nothing is recorded: {why}"));
        }
    }

    /// Writes what is left, and ends the recording.
    fn finish(&mut self) {
        self.start_if_begun();
        let Stage::Running(thread) = std::mem::replace(&mut self.stage, Stage::Ended) else {
            return;
        };
        self.push(self.now, &Record::Checkpoint(self.hash.value()));
        self.link.end(match (self.overflown, std::thread::panicking()) {
            (true, _) => Ending::Overflow,
            (false, true) => Ending::Panic,
            (false, false) => Ending::Normal,
        });
        thread.thread().unpark();
        let end = Instant::now() + PATIENCE;
        while !thread.is_finished() {
            if Instant::now() > end {
                log::tell(
                    "recording",
                    format_args!("the end of the recording is lost: its file takes no more bytes"),
                );
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _panicked = thread.join();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Enters a section in which nothing may allocate, wait, or call the operating system, whatever the call is that is
/// recorded. The validators check it.
fn section() -> lockdep::Section {
    lockdep::hardirq_enter("recorder").no_syscalls()
}

/// Copies bytes into the two halves of a room in the ring, from this place on.
fn copy(bytes: &[u8], at: usize, first: &mut [u8], second: &mut [u8]) {
    let split = first.len().saturating_sub(at).min(bytes.len());
    let (before, after) = bytes.split_at(split);
    if !before.is_empty() {
        first[at..at + split].copy_from_slice(before);
    }
    if !after.is_empty() {
        let at = (at + split) - first.len();
        second[at..at + after.len()].copy_from_slice(after);
    }
}

#[cfg(test)]
mod tests;
