//! The trap: the kernel stops every call on a file of ours, and the server answers it. The kernel itself only
//! runs poll, select, epoll, close, and requests that are the same for every kind of file.

mod answer;
mod asound_text;
mod begin;
mod line;
mod receive;
mod records;
mod waiting;

pub use self::waiting::TrapToken;

use self::asound_text::Fetch;
use self::line::Line;
use self::waiting::{Own, Waiting};
use crate::door::stopped::identity::Identity;
use crate::door::stopped::look::Places;
use crate::door::stopped::thread::StoppedThreads;
use aseqd_engine::{Access, FileId, Node};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::seccomp::{Listener, can_wait_killable};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::os::fd::OwnedFd;

/// How often the threads of sleeping calls are checked for signals. Nothing announces those, so this is how long
/// a signal may wait.
const SIGNAL_CHECK_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 15_000_000 };
const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The data of events in the epoll: file numbers, and these for everything else.
const LISTENER: u64 = 1 << 32;
const TIMER: u64 = LISTENER + 1;
const NUDGE: u64 = LISTENER + 2;
const FOLDERS: u64 = LISTENER + 3;

/// Holds the bytes of a call.
#[derive(Debug, Default)]
pub struct TrapBuffer(Vec<u8>);

/// A door whose programs were started behind a filter of [`install`](super::stopped::install).
#[derive(Debug)]
pub struct Trap {
    listener: Listener,
    /// Whether signals do not end stopped calls (Linux 5.19): the server then ends them itself, exactly as Linux
    /// would.
    killable: bool,
    /// The range of descriptors on which calls are stopped.
    descriptors: Range<i32>,
    files: BTreeMap<FileId, File>,
    by_identity: HashMap<Identity, FileId>,
    places: Box<Places>,
    /// Calls that wait for the session, by the kernel's numbers for them.
    waiting: BTreeMap<u64, Waiting>,
    /// Opens that wait for a text, by the kernel's numbers for them.
    fetching: BTreeMap<u64, Fetch>,
    /// Files that programs have closed, which the session does not know yet.
    closed: VecDeque<FileId>,
    /// Calls of the door itself, to be made next.
    own: VecDeque<Own>,
    threads: StoppedThreads,
    epoll: OwnedFd,
    /// Rings every [`SIGNAL_CHECK_INTERVAL`] while `armed`.
    timer: OwnedFd,
    armed: bool,
    /// Readable while `own` has something.
    nudge: OwnedFd,
}

/// An open file.
#[derive(Debug)]
struct File {
    line: Line,
    identity: Identity,
    /// The device; `None` for a user-driven timer.
    node: Option<Node>,
    access: Access,
    /// Bytes of reads whose threads were gone when the answer came. The next read gets them.
    held: VecDeque<u8>,
}

impl Trap {
    /// Returns a door at a listener, for programs whose filter has this range of descriptors.
    ///
    /// # Errors
    /// If a descriptor cannot be made.
    pub fn new(listener: OwnedFd, descriptors: Range<i32>) -> Result<Self, Fail> {
        let listener = Listener::new(listener);
        listener.wake_here();
        let new = || -> Result<_, Errno> {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let nudge = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
            epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
            epoll::add(&epoll, &nudge, EventData::new_u64(NUDGE), EventFlags::IN)?;
            let places = Places::new(descriptors.clone())?;
            epoll::add(&epoll, places.closed(), EventData::new_u64(FOLDERS), EventFlags::IN)?;
            Ok((epoll, timer, nudge, places))
        };
        let (epoll, timer, nudge, places) = new().context("the trap cannot be served")?;
        Ok(Self {
            listener,
            killable: can_wait_killable(),
            descriptors,
            files: BTreeMap::new(),
            by_identity: HashMap::new(),
            places: Box::new(places),
            waiting: BTreeMap::new(),
            fetching: BTreeMap::new(),
            closed: VecDeque::new(),
            own: VecDeque::new(),
            threads: StoppedThreads::default(),
            epoll,
            timer,
            armed: false,
            nudge,
        })
    }

    /// Queues a call of the door itself, and makes the door's descriptor readable.
    fn ask(&mut self, own: Own) {
        self.own.push_back(own);
        let _never_full = rustix::io::write(&self.nudge, &1_u64.to_ne_bytes());
    }

    /// Starts or stops the timer.
    fn arm(&mut self, on: bool) {
        if self.armed != on {
            let value = if on { SIGNAL_CHECK_INTERVAL } else { NEVER };
            let time = Itimerspec { it_interval: value, it_value: value };
            let set = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time);
            self.armed = on && set.is_ok();
        }
    }

    /// Forgets a file that is closed.
    fn forget(&mut self, file: FileId) {
        if let Some(File { line, identity, .. }) = self.files.remove(&file) {
            let _closed = epoll::delete(&self.epoll, &line);
            self.by_identity.remove(&identity);
        }
    }

    /// Answers a call that waits, if its thread is still there.
    fn finish(&mut self, token: TrapToken, result: Result<i64, i32>) {
        if let TrapToken::Waiting(id) = token {
            self.waiting.remove(&id);
            // A call whose thread is gone needs no answer.
            let _gone = self.listener.answer(id, result);
        }
    }
}

/// Returns the error of a descriptor that cannot be given. `EBADF` means that the program has lowered its limit
/// below the range since: it has no descriptor left.
fn above_limit(error: Errno) -> Errno {
    if error == Errno::BADF { Errno::MFILE } else { error }
}

impl Drop for Trap {
    /// Fails the calls that wait, as if the device were unplugged: nobody else can answer them.
    fn drop(&mut self) {
        for id in self.waiting.keys().chain(self.fetching.keys()) {
            let _gone = self.listener.answer(*id, Err(Errno::NODEV.raw_os_error()));
        }
    }
}
