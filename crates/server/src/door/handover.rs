//! The hand-over: a program that opens a file of ours gets the descriptor of one in a FUSE mount that
//! it does not see. After that the file is as any in a FUSE mount; nothing else of the program is
//! stopped.
//!
//! A thread answers, because an open of the mount waits for the thread that serves it.

use super::stopped::folder::{inode, read_only};
use super::stopped::identity::Identity;
use super::stopped::look::{Met, Places};
use super::stopped::place::Place;
use super::stopped::thread::StoppedThreads;
use super::{NODES, nodes};
use aseqd_client;
use aseqd_engine::Node;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::realtime;
use aseqd_host::seccomp::{Listener, Notification};
use aseqd_wire::asound::Text;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{AtFlags, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;

/// The thread that opens files for programs, and the process for which it is opening one. An open
/// that FUSE brings is of this thread; the engine shall know the program.
static OPENER: AtomicI32 = AtomicI32::new(0);
static BEHALF: AtomicI32 = AtomicI32::new(0);

/// For which process a thread opens files, if that is what it does.
pub fn on_behalf(thread: i32) -> Option<i32> {
    let opens = thread != 0 && OPENER.load(Ordering::Acquire) == thread;
    opens.then(|| BEHALF.load(Ordering::Acquire))
}

/// Answers at this listener from now on, with files of this directory of a mount, until every
/// program behind the filter, which has this range of descriptors, has ended. Once in a process, which
/// cannot fork after it.
///
/// # Errors
/// As a sentence: no thread can be made.
pub fn start(
    listener: OwnedFd,
    directory: OwnedFd,
    range: Range<i32>,
    real_time: bool,
) -> Result<Opener, Fail> {
    let stop = eventfd(0, EventfdFlags::CLOEXEC).context("no eventfd")?;
    let stopped = stop.try_clone().context("no eventfd")?;
    let listener = Listener::new(listener);
    listener.wake_here();
    let places = Places::new(range).context("paths cannot be looked at")?;
    let threads = StoppedThreads::default();
    let work = Work { listener, directory, threads, places, mount: None, stopped };
    let thread = std::thread::Builder::new().name("opener".into());
    let thread = thread
        .spawn(move || {
            // The sooner it takes a call, the less often a signal can come before that.
            let _refused = realtime::schedule(real_time);
            work.run();
        })
        .context("no thread to open files")?;
    Ok(Opener { stop, thread })
}

/// The thread.
#[derive(Debug)]
pub struct Opener {
    stop: OwnedFd,
    thread: JoinHandle<()>,
}

impl Opener {
    /// Waits until it has answered what it has received, and ends it. The mount must be gone: an open
    /// there waits for who serves it.
    pub fn stop(self) {
        let _never_full = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        let _ended = self.thread.join();
    }
}

struct Work {
    listener: Listener,
    directory: OwnedFd,
    threads: StoppedThreads,
    places: Places,
    /// The number of the mount's file system, once it is known.
    mount: Option<u64>,
    stopped: OwnedFd,
}

impl Work {
    fn run(mut self) {
        OPENER.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
        loop {
            let closed = self.places.closed();
            let mut ready = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(&closed, PollFlags::IN),
                PollFd::new(&self.stopped, PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) => {}
                // For want of memory, at most: programs go on opening files.
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
                if let Ok(call) = self.listener.receive() {
                    // One that is gone needs no answer.
                    let _gone = self.answer(&call);
                }
            } else if !found.is_empty() {
                return;
            }
        }
    }

    fn answer(&mut self, call: &Notification) -> Result<(), Errno> {
        let mount = self.mount();
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
        BEHALF.store(self.threads.process(call.thread), Ordering::Release);
        let close_on_exec = flags.contains(OFlags::CLOEXEC);
        let given = self
            .open(place, flags)
            .and_then(|file| self.listener.answer_with(call.id, file.as_fd(), None, close_on_exec));
        given.or_else(|error| self.listener.answer(call.id, Err(error.raw_os_error())))
    }

    /// The number of the mount's file system. Asked for when it is served, and then how its files look.
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

    /// A text as a file of memory.
    fn text(&self, text: Text) -> Result<OwnedFd, Errno> {
        // A timer file, which is no client that the text would list.
        let timer = self.open_device(Node::Timer, OFlags::RDONLY)?;
        let bytes = aseqd_client::proc_text::text(timer.as_fd(), text).map_err(|_| Errno::IO)?;
        read_only(text.name(), bytes.as_bytes())
    }
}
