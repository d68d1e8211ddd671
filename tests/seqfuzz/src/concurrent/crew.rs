//! The threads of one process, each of which makes one call on a device file.

use super::{Copied, How, Op, Pointer};
use crate::device::real::{ASKED, polled as readiness};
use crate::device::{Access, Readiness};
use crate::sys::cancel::Cancellable;
use crate::sys::memory::Guarded;
use crate::sys::{self, ARGUMENT_SIZE, Argument, errno};
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::ioctl::timers;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use std::collections::BTreeMap;
use std::fs;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// What came of a call: its number in the stretch, the answer, and the descriptor that it has opened.
pub type Made = (usize, Answer, Option<OwnedFd>);

/// The open files of a process, and its threads.
#[derive(Debug)]
pub struct Crew {
    files: BTreeMap<usize, OwnedFd>,
    threads: BTreeMap<usize, JoinHandle<()>>,
    /// Takes the place of a file that was closed, until nothing uses its number any more: every call on it is `EBADF`.
    closed: OwnedFd,
    /// Files that were closed in this stretch.
    gone: Vec<OwnedFd>,
    /// The epolls of files whose edges somebody waits for.
    edges: BTreeMap<usize, Arc<OwnedFd>>,
    /// Threads that may be cancelled.
    cancellable: BTreeMap<usize, Cancellable>,
    sender: Sender<Made>,
}

impl Crew {
    /// Returns a process without files, whose answers go to `sender`.
    ///
    /// # Errors
    /// The errors of `open(2)` on `/`.
    pub fn new(sender: Sender<Made>) -> rustix::io::Result<Self> {
        sys::let_signals_end_calls();
        let closed = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self {
            files: BTreeMap::new(),
            threads: BTreeMap::new(),
            closed,
            gone: Vec::new(),
            edges: BTreeMap::new(),
            cancellable: BTreeMap::new(),
            sender,
        })
    }

    /// Begins a call in a thread of its own. It is known by `number`.
    pub fn begin(&mut self, number: usize, op: &Op) {
        let sender = self.sender.clone();
        let told = |value: Result<i64, Errno>| Answer { value, told: Vec::new() };
        let file = op.file.map(|file| self.files.get(&file).map(AsRawFd::as_raw_fd));
        let file = match file {
            None => None,
            Some(Some(file)) => Some(file),
            Some(None) => {
                // It cannot fail: the other end lives as long as the campaign.
                let _sent = sender.send((number, told(Err(Errno::EBADF)), None));
                return;
            }
        };
        if let Step::Close(file) = op.step {
            self.edges.remove(&file);
            let closed = self.files.remove(&file).map_or(Err(Errno::EBADF), |mut old| {
                let done = rustix::io::dup2(&self.closed, &mut old).map_err(errno);
                self.gone.push(old);
                done.map(|()| 0)
            });
            let _sent = sender.send((number, told(closed), None));
            return;
        }
        let edges = match (op.how, file) {
            (Some(How::Edge), Some(file)) => match self.edges_of(op.file.unwrap_or(0), file) {
                Ok(Some(edges)) => Some(edges),
                other => {
                    let _sent = sender.send((number, told(other.map(|_| 0)), None));
                    return;
                }
            },
            _ => None,
        };
        if let (Some(_), Some(file), None) = (op.cancel, file, op.pointer)
            && let Some(cancellable) = Cancellable::begin(file, &op.step)
        {
            self.cancellable.insert(number, cancellable);
            return;
        }
        let (op, fail) = (op.clone(), op.fail);
        let thread = std::thread::spawn(move || {
            if let Some(nth) = fail {
                // Only a kernel with fault injection has this file.
                let _without = fs::write("/proc/thread-self/fail-nth", nth.to_string());
            }
            let duplicate = file.and_then(|file| copied(file, op.copy));
            let file = duplicate.as_ref().map(AsRawFd::as_raw_fd).or(file);
            let (answer, opened) = match (edges, file, op.how, op.pointer) {
                (Some(edges), ..) => (wait_for_edge(&edges), None),
                (_, Some(file), Some(how), _) => (wait_to_read(file, how), None),
                (_, Some(file), _, Some(pointer)) => (make_with(&op.step, file, pointer), None),
                (_, Some(file), ..)
                    if op.vector
                        && let Step::Write(_, data) = &op.step =>
                {
                    (write_in_two(file, data), None)
                }
                (_, Some(file), ..)
                    if op.vector
                        && !op.blocks
                        && let Step::Read(_, len) = &op.step =>
                {
                    (read_in_two(file, *len), None)
                }
                _ => make(&op, file),
            };
            if fail.is_some() {
                let _without = fs::write("/proc/thread-self/fail-nth", "0");
            }
            let _sent = sender.send((number, answer, opened));
        });
        self.threads.insert(number, thread);
    }

    /// Notes a file that a call has opened.
    pub fn opened(&mut self, file: usize, descriptor: OwnedFd) {
        self.files.insert(file, descriptor);
    }

    /// Returns the epoll of a file's edges. The first time it makes one, which takes the edges so far, and returns nothing.
    fn edges_of(&mut self, file: usize, descriptor: i32) -> Result<Option<Arc<OwnedFd>>, Errno> {
        if let Some(edges) = self.edges.get(&file) {
            return Ok(Some(edges.clone()));
        }
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        let edges = watch(descriptor, flags)?;
        let mut room = Vec::with_capacity(1);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        epoll::wait(&edges, spare_capacity(&mut room), Some(&now)).map_err(errno)?;
        self.edges.insert(file, Arc::new(edges));
        Ok(None)
    }

    /// Tells of calls of threads that may be cancelled and were not.
    pub fn collect(&mut self) {
        let done = |(number, thread): (&usize, &Cancellable)| thread.is_done().then_some(*number);
        let done: Vec<usize> = self.cancellable.iter().filter_map(done).collect();
        for number in done {
            if let Some(answer) = self.cancellable.remove(&number).and_then(Cancellable::join) {
                let _sent = self.sender.send((number, answer, None));
            }
        }
    }

    /// Cancels the thread of a call. Returns whether it was cancelled in the call; else the answer comes.
    pub fn cancel(&mut self, number: usize) -> bool {
        let Some(thread) = self.cancellable.remove(&number) else { return false };
        thread.cancel();
        match thread.join() {
            Some(answer) => {
                let _sent = self.sender.send((number, answer, None));
                false
            }
            None => true,
        }
    }

    /// Sends a signal to the thread of a call.
    pub fn signal(&self, number: usize) {
        if let Some(thread) = self.cancellable.get(&number) {
            thread.signal();
        }
        if let Some(thread) = self.threads.get(&number).filter(|thread| !thread.is_finished()) {
            sys::signal(thread.as_pthread_t());
        }
    }

    /// Ends a stretch, all of whose calls were answered.
    pub fn settle(&mut self) {
        for (_, thread) in std::mem::take(&mut self.threads) {
            // A thread that panics has printed why.
            let _panicked = thread.join();
        }
        self.gone.clear();
    }

    /// Closes all files.
    pub fn close_all(&mut self) {
        self.settle();
        self.edges.clear();
        self.files.clear();
    }
}

/// Makes a copy of a descriptor. Returns it if calls are to be made on it.
fn copied(file: i32, copy: Option<Copied>) -> Option<OwnedFd> {
    match copy? {
        Copied::Duplicate => rustix::io::fcntl_dupfd_cloexec(sys::borrow(file), 0).ok(),
        Copied::InChild => {
            sys::close_in_child(file);
            None
        }
    }
}

/// Returns an epoll of one file.
fn watch(file: i32, flags: epoll::EventFlags) -> Result<OwnedFd, Errno> {
    let made = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(errno)?;
    let data = epoll::EventData::new_u64(0);
    match epoll::add(&made, sys::borrow(file), data, flags) {
        Ok(()) => Ok(made),
        // What other calls say of a file that was closed while they began.
        Err(rustix::io::Errno::PERM) => Err(Errno::EBADF),
        Err(error) => Err(errno(error)),
    }
}

/// Waits for an edge.
fn wait_for_edge(edges: &OwnedFd) -> Answer {
    let mut room = Vec::with_capacity(1);
    let waited = epoll::wait(edges, spare_capacity(&mut room), None).map_err(errno);
    Answer { value: waited.map(|_| 1), told: Vec::new() }
}

/// Waits until there is something to read.
fn wait_to_read(file: i32, how: How) -> Answer {
    let value = if how == How::Poll {
        let descriptor = sys::borrow(file);
        let mut fds = [PollFd::new(&descriptor, PollFlags::IN)];
        let polled = poll(&mut fds, None).map_err(errno);
        let bits = fds[0].revents();
        match polled {
            Ok(_) if bits.contains(PollFlags::NVAL) => Err(Errno::EBADF),
            other => other.map(|_| i64::from(bits.contains(PollFlags::IN))),
        }
    } else {
        watch(file, epoll::EventFlags::IN).and_then(|made| {
            let mut room: Vec<epoll::Event> = Vec::with_capacity(1);
            epoll::wait(&made, spare_capacity(&mut room), None).map_err(errno)?;
            // The struct is packed.
            let flags = room.first().map_or(epoll::EventFlags::empty(), |event| event.flags);
            Ok(i64::from(flags.contains(epoll::EventFlags::IN)))
        })
    };
    Answer { value, told: Vec::new() }
}

/// Makes a read, a write or a request with a pointer at which not all of the buffer is.
fn make_with(step: &Step, file: i32, pointer: Pointer) -> Answer {
    match step {
        Step::Write(_, data) => {
            let value = Guarded::new(data, pointer).and_then(|memory| memory.write(file));
            Answer { value, told: Vec::new() }
        }
        Step::Read(_, len) => match Guarded::new(&vec![0; *len], pointer) {
            Ok(memory) => {
                let value = memory.read(file);
                let read = value.map_or(0, |read| usize::try_from(read).unwrap_or(0));
                Answer { value, told: memory.bytes(read) }
            }
            Err(error) => Answer { value: Err(error), told: Vec::new() },
        },
        Step::Ioctl { code, argument, .. } => match Guarded::new(argument, pointer) {
            Ok(memory) => {
                let value = memory.ioctl(file, *code);
                Answer { value, told: memory.bytes(argument.len()) }
            }
            Err(error) => Answer { value: Err(error), told: Vec::new() },
        },
        _ => Answer { value: Err(Errno::EBADF), told: Vec::new() },
    }
}

/// Writes by `writev`. Each part is a write of its own on Linux, and FUSE joins them, so they are cut where that makes no difference
/// to a call that is made alone.
fn write_in_two(file: i32, data: &[u8]) -> Answer {
    let (first, second) = data.split_at(end_of_first_part(data));
    let parts = [IoSlice::new(first), IoSlice::new(second)];
    let parts = if second.is_empty() { &parts[..1] } else { &parts };
    let written = rustix::io::writev(sys::borrow(file), parts);
    let count = |done: usize| i64::try_from(done).unwrap_or(i64::MAX);
    Answer { value: written.map(count).map_err(errno), told: Vec::new() }
}

/// Reads by `readv`. Each part is a read of its own on Linux, and FUSE joins them.
fn read_in_two(file: i32, len: usize) -> Answer {
    let mut buffer = vec![0; len];
    let (first, second) = buffer.split_at_mut(end_of_first_read(len));
    let mut parts = [IoSliceMut::new(first), IoSliceMut::new(second)];
    let count = if parts[1].is_empty() { 1 } else { 2 };
    let read = rustix::io::readv(sys::borrow(file), &mut parts[..count]).map_err(errno);
    buffer.truncate(read.unwrap_or(0));
    Answer { value: read.map(|read| i64::try_from(read).unwrap_or(i64::MAX)), told: buffer }
}

/// Returns where a read is cut: behind the legacy record in its middle, if there are two.
pub(crate) const fn end_of_first_read(len: usize) -> usize {
    let records = len / EVENT_SIZE;
    if records < 2 { len } else { records / 2 * EVENT_SIZE }
}

/// Returns where a write is cut: behind the event in its middle. All of it is one part if an event has data or is a packet.
pub(crate) fn end_of_first_part(data: &[u8]) -> usize {
    let long = EventFlags::VARIABLE | EventFlags::UMP;
    let is_long = |flags: &u8| EventFlags::from_bits_retain(*flags).intersects(long);
    let events = data.len() / EVENT_SIZE;
    if events < 2 || data.iter().skip(1).step_by(EVENT_SIZE).any(is_long) {
        return data.len();
    }
    events.div_ceil(2) * EVENT_SIZE
}

/// Changes `O_NONBLOCK` of a file that is open.
fn change_flag(file: &OwnedFd) -> rustix::io::Result<()> {
    fcntl_setfl(file, fcntl_getfl(file)? ^ OFlags::NONBLOCK)
}

/// Makes a call on a descriptor.
fn make(op: &Op, file: Option<i32>) -> (Answer, Option<OwnedFd>) {
    let Op { step, blocks, changes, append, .. } = op;
    let told = |value: Result<i64, Errno>, told| Answer { value, told };
    let count = |done: usize| i64::try_from(done).unwrap_or(i64::MAX);
    let opens = |path: &str, access: &Access| {
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let nonblock = if blocks == changes { OFlags::NONBLOCK } else { OFlags::empty() };
        let append = if *append { OFlags::APPEND } else { OFlags::empty() };
        match open(path, flags | nonblock | append | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => {
                let changed = if *changes { change_flag(&file) } else { Ok(()) };
                (told(changed.map(|()| 0).map_err(errno), Vec::new()), Some(file))
            }
            Err(error) => (told(Err(errno(error)), Vec::new()), None),
        }
    };
    match step {
        Step::Open(access) => return opens("/dev/snd/seq", access),
        Step::OpenTimer(access) => return opens("/dev/snd/timer", access),
        Step::Wait(time) => {
            std::thread::sleep(*time);
            return (told(Ok(0), Vec::new()), None);
        }
        _ => {}
    }
    let Some(file) = file else { return (told(Err(Errno::EBADF), Vec::new()), None) };
    let file = sys::borrow(file);
    let request = |code: u32, argument: &[u8]| {
        let mut buffer = Argument([0; ARGUMENT_SIZE]);
        buffer.0[..argument.len()].copy_from_slice(argument);
        let value = sys::ioctl(file.as_fd(), code, &mut buffer);
        (value, buffer.0[..argument.len()].to_vec())
    };
    let answer = match step {
        Step::CreateTimer(_, argument) => {
            let (value, bytes) = request(timers::CREATE, argument);
            let opened = value.is_ok().then(|| {
                sys::adopt(i32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]))
            });
            return (told(value.map(i64::from), bytes), opened);
        }
        Step::Ioctl { code, argument, .. } => {
            let (value, bytes) = request(*code, argument);
            told(value.map(i64::from), bytes)
        }
        Step::Write(_, data) => {
            told(rustix::io::write(file, data).map(count).map_err(errno), Vec::new())
        }
        Step::Read(_, len) => {
            let mut buffer = vec![0; *len];
            let read = rustix::io::read(file, &mut buffer).map_err(errno);
            buffer.truncate(read.unwrap_or(0));
            told(read.map(count), buffer)
        }
        _ => {
            let mut fds = [PollFd::new(&file, ASKED)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let mut polled = poll(&mut fds, Some(&now)).map_err(errno);
            let bits = fds[0].revents();
            if bits.contains(PollFlags::NVAL) {
                // What other calls say of a file that was closed while they began.
                polled = Err(Errno::EBADF);
            }
            let Readiness { readable, writable, other } = readiness(bits);
            let differs = PollFlags::RDNORM | PollFlags::WRNORM;
            let differs = other & differs.bits().cast_unsigned() != 0;
            // The engine never says 4: its bits have no second name.
            let bits = i64::from(readable) | i64::from(writable) << 1 | i64::from(differs) << 2;
            told(polled.map(|_| bits), Vec::new())
        }
    };
    (answer, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_cut_behind_an_event() {
        let events = |count: usize, last_flags: u8| {
            let mut data = vec![0; count * EVENT_SIZE];
            data[(count - 1) * EVENT_SIZE + 1] = last_flags;
            data
        };
        for (count, first) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
            assert_eq!(end_of_first_part(&events(count, 1)), first * EVENT_SIZE);
        }
        for with_data_or_packet in [4, 32] {
            assert_eq!(end_of_first_part(&events(3, with_data_or_packet)), 3 * EVENT_SIZE);
        }
        assert_eq!(end_of_first_part(&[]), 0);
        assert_eq!(end_of_first_part(&[0; 27]), 27);
    }
    use std::sync::mpsc::channel;

    /// The thread of a call may begin after the file was closed.
    #[test]
    fn every_call_on_a_file_that_was_closed_is_ebadf() {
        let (sender, _made) = channel();
        let crew = Crew::new(sender).expect("a descriptor");
        let closed = Some(crew.closed.as_raw_fd());
        let code = aseqd_abi::ioctl::sequencer::CLIENT_ID;
        let steps = [
            Step::Poll(0),
            Step::Read(0, 28),
            Step::Write(0, vec![0; 28]),
            Step::Ioctl { file: 0, code, compat: false, argument: vec![0; 4] },
        ];
        for step in steps {
            let op = Op { step, ..Op::close(0, 0) };
            assert_eq!(make(&op, closed).0.value, Err(Errno::EBADF), "{:?}", op.step);
        }
    }
}
