//! The hand-over: a program that opens a file of ours gets the descriptor of one in a FUSE mount that it does
//! not see. From then on the file is like any other in a FUSE mount, and calls on it are not stopped.
//!
//! Opens are answered by a thread of their own, because an open of the mount waits for the thread that serves
//! the mount.

use super::fuse::Opener;
use super::stopped::folder::{inode, read_only};
use super::stopped::identity::Identity;
use super::stopped::look::{Met, Places};
use super::stopped::path::low;
use super::stopped::place::Place;
use super::stopped::thread::StoppedThreads;
use super::stopped::user_timer;
use super::{NODES, nodes};
use aseqd_abi::ioctl::timers;
use aseqd_client::ioctl::ioctl;
use aseqd_engine::Node;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::realtime;
use aseqd_host::seccomp::{Listener, Notification};
use aseqd_wire::proc_text::ProcText;
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{AtFlags, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Starts a thread that answers at a listener with files of a mount, by a descriptor of the mount's directory.
/// It runs until every program behind the filter, which has this range of descriptors, has ended. The process
/// must not fork afterwards.
///
/// The door of the mount should know the same `opener`, so that the files count as the programs'.
///
/// # Errors
/// If a descriptor or a thread cannot be made.
pub fn start(
    listener: OwnedFd,
    directory: OwnedFd,
    range: Range<i32>,
    opener: Opener,
    real_time: bool,
) -> Result<HandOver, Fail> {
    let stop = eventfd(0, EventfdFlags::CLOEXEC).context("no eventfd")?;
    let stopped = stop.try_clone().context("no eventfd")?;
    let listener = Listener::new(listener);
    listener.wake_here();
    let places = Places::new(range).context("paths cannot be looked at")?;
    let threads = StoppedThreads::default();
    let listener = Arc::new(listener);
    let working = Arc::new(AtomicBool::new(false));
    let activity = Activity { listener: Arc::clone(&listener), working: Arc::clone(&working) };
    let work = Work { listener, working, directory, threads, places, mount: None, opener, stopped };
    let thread = std::thread::Builder::new().name("opener".into());
    let thread = thread
        .spawn(move || {
            // The sooner it takes a call, the less often a signal interrupts the call before that.
            let _refused = realtime::schedule(real_time);
            work.run();
        })
        .context("no thread to open files")?;
    Ok(HandOver { activity, stop, thread })
}

/// Tells whether the thread that answers opens is at work.
#[derive(Clone, Debug)]
pub struct Activity {
    listener: Arc<Listener>,
    working: Arc<AtomicBool>,
}

impl Activity {
    /// Returns whether a call waits for the thread, or is being answered. If not, every call that was stopped before
    /// has been answered.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let mut calls = [PollFd::new(&self.listener, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let _looked = rustix::io::retry_on_intr(|| poll(&mut calls, Some(&now)));
        // In this order: the thread says that it works before it takes a call.
        calls[0].revents().contains(PollFlags::IN) || self.working.load(Ordering::Acquire)
    }
}

/// The thread that answers opens.
#[derive(Debug)]
pub struct HandOver {
    activity: Activity,
    stop: OwnedFd,
    thread: JoinHandle<()>,
}

impl HandOver {
    /// Returns what tells whether the thread is at work.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Ends the thread, after the answer to a call that it has received. The mount must be gone before: an open
    /// there would wait for its server.
    pub fn stop(self) {
        let _never_full = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        let _ended = self.thread.join();
    }
}

struct Work {
    listener: Arc<Listener>,
    /// Whether it has taken a call, or is about to.
    working: Arc<AtomicBool>,
    directory: OwnedFd,
    threads: StoppedThreads,
    places: Places,
    /// The number of the mount's file system, once it is known.
    mount: Option<u64>,
    opener: Opener,
    stopped: OwnedFd,
}

impl Work {
    fn run(mut self) {
        self.opener.is_this_thread();
        loop {
            let closed = self.places.closed();
            let mut ready = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(&closed, PollFlags::IN),
                PollFd::new(&self.stopped, PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) => {}
                // At most for lack of memory. Programs go on opening files, so it has to go on.
                Err(_) => continue,
            }
            let [found, closed, stopped] = [0, 1, 2].map(|at: usize| ready[at].revents());
            if !stopped.is_empty() {
                return;
            }
            if !closed.is_empty() {
                self.places.sweep();
            }
            if found.contains(PollFlags::IN) {
                self.working.store(true, Ordering::Release);
                if let Ok(call) = self.listener.receive() {
                    // A call whose thread is gone needs no answer.
                    let _gone = self.answer(&call);
                }
                self.working.store(false, Ordering::Release);
            } else if !found.is_empty() {
                return;
            }
        }
    }

    fn answer(&mut self, call: &Notification) -> Result<(), Errno> {
        let mount = self.mount();
        if user_timer::creates(call)
            && let Some(created) = self.create_user_timer(call, mount)
        {
            let result = created.map(|()| 0).map_err(Errno::raw_os_error);
            return self.listener.answer(call.id, result);
        }
        let device = |identity: Identity| {
            let node = |node| inode(Place::Device(node)) == identity.inode();
            let own = identity.device() == mount;
            nodes().iter().map(|(_, node)| *node).find(|own_node| own && node(*own_node))
        };
        let (place, flags) =
            match self.places.meet(&self.listener, call, &mut self.threads, &device) {
                Met::Other | Met::Native => return self.listener.let_through(call.id),
                Met::Answer(result) => {
                    return self.listener.answer(call.id, result.map_err(Errno::raw_os_error));
                }
                Met::Done => return Ok(()),
                Met::Open { place, flags } => (place, flags),
            };
        self.opener.opens_for(self.threads.process(call.thread));
        let close_on_exec = flags.contains(OFlags::CLOEXEC);
        let given = self
            .open(place, flags)
            .and_then(|file| self.listener.answer_with(call.id, file.as_fd(), None, close_on_exec));
        given.or_else(|error| self.listener.answer(call.id, Err(error.raw_os_error())))
    }

    /// Creates a user-driven timer, if the call is on an open timer device of the mount. FUSE cannot give the program a
    /// descriptor, but a timer file that is opened here can become the timer.
    fn create_user_timer(&mut self, call: &Notification, mount: u64) -> Option<Result<(), Errno>> {
        let (thread, number) = (call.thread, low(call.args[0]));
        let is_timer =
            |identity| identity == Identity::new(mount, inode(Place::Device(Node::Timer)));
        if !self.threads.identity(thread, number).is_ok_and(is_timer) {
            return None;
        }
        let found = self.threads.find(thread, number).ok().filter(|it| is_timer(it.identity))?;
        // A user-driven timer is also a file of that device, but knows no version. It refuses the call itself.
        let mut version = 0_i32;
        let is_device = |file: &OwnedFd| {
            ioctl(file.as_fd(), timers::PVERSION, &mut version) != Err(aseqd_abi::Errno::ENOTTY)
        };
        if !found.copy.as_ref().is_none_or(is_device) {
            return None;
        }
        Some(self.user_timer(call))
    }

    fn user_timer(&mut self, call: &Notification) -> Result<(), Errno> {
        let mut info = user_timer::asked(call)?;
        self.opener.opens_for(self.threads.process(call.thread));
        let file = self.open_device(Node::Timer, OFlags::RDWR)?;
        ioctl(file.as_fd(), BECOME_USER_TIMER, &mut info)
            .map_err(|errno| Errno::from_raw_os_error(errno.0.into()))?;
        user_timer::give(&self.listener, call, file.as_fd(), None, info)
    }

    /// Returns the number of the mount's file system. The first call, when the mount is served, also looks at the
    /// permissions and the owner of its files.
    fn mount(&mut self) -> u64 {
        if let Some(mount) = self.mount {
            return mount;
        }
        let mount = fstat(&self.directory).map_or(u64::MAX, |stat| stat.st_dev);
        let [(name, _), ..] = NODES;
        if let Ok(file) = statat(&self.directory, name, AtFlags::empty()) {
            self.places.look_like(&file);
        }
        self.mount = Some(mount);
        mount
    }

    fn open(&self, place: Place, flags: OFlags) -> Result<OwnedFd, Errno> {
        match place {
            Place::Device(node) => self.open_device(node, flags),
            Place::Folder(_) => Err(Errno::ISDIR),
            Place::Text(_) if flags & OFlags::ACCMODE != OFlags::RDONLY => Err(Errno::ACCESS),
            Place::Text(text) => self.text(text),
        }
    }

    fn open_device(&self, node: Node, flags: OFlags) -> Result<OwnedFd, Errno> {
        let name = nodes().iter().find(|(_, own)| *own == node).map_or("", |(name, _)| name);
        let flags = flags | OFlags::CLOEXEC;
        openat(&self.directory, name, flags, Mode::empty())
    }

    /// Returns a text as a file in memory.
    fn text(&self, text: ProcText) -> Result<OwnedFd, Errno> {
        // Through a timer file: a sequencer file would be a client that the text lists.
        let timer = self.open_device(Node::Timer, OFlags::RDONLY)?;
        let bytes = aseqd_client::proc_text::text(timer.as_fd(), text).map_err(|_| Errno::IO)?;
        read_only(text.name(), bytes.as_bytes())
    }
}
