//! An echo device, and the test's handle on it.
//!
//! Every open has a queue of its own: a write appends a packet, a read takes one, or waits for it.
//! A write that starts with `hold` waits until the test lets it go.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chardev::{
    Buffer, Caller, Config, Delivery, Device, Inodes, MAX_WRITE, MountOptions, Node, NodeIndex,
    Operation, PollHandle, ReceiveError, Request, Token,
};
use rustix::event::{PollFd, PollFlags};
use skip::skip;

use super::sys;

/// How long a test waits for something that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// How long a test watches that something does *not* happen. Only a false pass depends on it.
pub(crate) const WATCH: Duration = Duration::from_millis(200);

pub(crate) const EAGAIN: i32 = libc::EAGAIN;
pub(crate) const EINTR: i32 = libc::EINTR;

pub(crate) const fn ioc(direction: u32, number: u32, size: u32) -> u32 {
    direction << 30 | size << 16 | (b'x' as u32) << 8 | number
}
/// Returns its argument.
pub(crate) const IOCTL_VALUE: u32 = ioc(0, 0, 0);
/// Stores 8 bytes.
pub(crate) const IOCTL_PUT: u32 = ioc(1, 1, 8);
/// Gives the stored 8 bytes back.
pub(crate) const IOCTL_GET: u32 = ioc(2, 2, 8);
/// Reverses 16 bytes, and returns 5.
pub(crate) const IOCTL_REVERSE: u32 = ioc(3, 3, 16);
/// Fails with the errno in its argument.
pub(crate) const IOCTL_FAIL: u32 = ioc(0, 4, 0);
/// Fills 16 bytes with 0xee and fails with EBUSY.
pub(crate) const IOCTL_FAIL_WITH_DATA: u32 = ioc(2, 5, 16);
/// Answers 3 of 16 bytes.
pub(crate) const IOCTL_SHORT: u32 = ioc(2, 6, 16);
/// The largest size that a code can have.
pub(crate) const IOCTL_LARGEST: u32 = ioc(3, 7, 0x3fff);

/// A request as the test hears it from the server, in order.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) token: Token,
    pub(crate) node: NodeIndex,
    pub(crate) handle: u64,
    pub(crate) caller: Caller,
    pub(crate) operation: Operation<'static>,
}

type Job = Box<dyn FnOnce(&mut Echo) + Send>;

/// The server's half.
pub(crate) struct Echo {
    pub(crate) device: Device,
    pub(crate) files: HashMap<u64, OpenFile>,
    next_handle: u64,
    stored: Vec<u8>,
    held: Vec<(Token, usize)>,
    stopped: bool,
    /// The largest number of files that were open at a time.
    pub(crate) most_files: usize,
    /// Whether interrupts are ignored.
    pub(crate) deaf: bool,
    pub(crate) refuse_open: Option<i32>,
    /// The largest number of bytes that a write takes.
    pub(crate) write_limit: usize,
    /// If set, every call is answered with this many bytes of nonsense.
    pub(crate) nonsense: Option<usize>,
}

#[derive(Default)]
pub(crate) struct OpenFile {
    pub(crate) packets: VecDeque<Vec<u8>>,
    readers: VecDeque<(Token, u32)>,
    poll: Option<PollHandle>,
}

/// The test's half: dropping it unmounts, which fails every call that still waits.
pub(crate) struct Mounted {
    pub(crate) directory: PathBuf,
    _temporary: tempfile::TempDir,
    jobs: Sender<Job>,
    wake: UnixStream,
    pub(crate) seen: Receiver<Seen>,
    server: Option<JoinHandle<()>>,
}

impl Mounted {
    /// Returns `None`, and says why, where devices cannot be mounted.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(Inodes::Auto)
    }

    pub(crate) fn start_with(inodes: Inodes) -> Option<Self> {
        match Self::try_start(inodes) {
            Ok(mounted) => Some(mounted),
            Err(error) => {
                skip(&format!("this machine cannot mount a FUSE device: {error}"));
                None
            }
        }
    }

    fn try_start(inodes: Inodes) -> io::Result<Self> {
        sys::unshare_mounts()?;
        let temporary = tempfile::tempdir()?;
        let directory = temporary.path().to_path_buf();
        let fuse = chardev::open_fuse()?;
        chardev::mount(fuse.as_fd(), &directory, &MountOptions::new("echo-test"))?;
        let node = |name: &str, mode| Node { name: name.into(), mode, uid: 0, gid: 0 };
        let nodes = vec![node("echo", 0o666), node("private", 0o600)];
        let device = Device::new(fuse, Config { nodes, inodes, ..Config::default() })?;
        let (jobs, inbox) = channel();
        let (wake, woken) = UnixStream::pair()?;
        let (report, seen) = channel();
        let echo = Echo {
            device,
            files: HashMap::new(),
            next_handle: 1,
            stored: vec![0; 8],
            held: Vec::new(),
            stopped: false,
            most_files: 0,
            deaf: false,
            refuse_open: None,
            write_limit: usize::MAX,
            nonsense: None,
        };
        let server = std::thread::spawn(move || echo.serve(&inbox, woken, &report));
        let server = Some(server);
        Ok(Self { directory, _temporary: temporary, jobs, wake, seen, server })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("echo")
    }

    pub(crate) fn open(&self) -> File {
        self.open_with(0)
    }

    pub(crate) fn open_with(&self, flags: i32) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(flags).open(self.path()).unwrap()
    }

    /// Runs `job` in the server and returns what it says.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Echo) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = channel();
        self.jobs.send(Box::new(move |echo| drop(answer.send(job(echo))))).unwrap();
        (&self.wake).write_all(&[0]).unwrap();
        answered.recv_timeout(DEADLINE).expect("the server answers")
    }

    /// Waits until the server has seen such a request.
    pub(crate) fn wait_for(&self, what: &str, like: impl Fn(&Seen) -> bool) -> Seen {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let request = self.seen.recv_timeout(left).unwrap_or_else(|_| panic!("no {what}"));
            if like(&request) {
                return request;
            }
        }
    }

    pub(crate) fn wait_for_read(&self) -> Seen {
        self.wait_for("read", |request| matches!(request.operation, Operation::Read { .. }))
    }

    pub(crate) fn wait_for_write(&self) -> Seen {
        self.wait_for("write", |request| matches!(request.operation, Operation::Write { .. }))
    }

    pub(crate) fn wait_for_release(&self) -> Seen {
        self.wait_for("release", |request| request.operation == Operation::Release)
    }

    pub(crate) fn stop(&mut self) {
        let Some(server) = self.server.take() else { return };
        drop(self.jobs.send(Box::new(|echo| echo.stopped = true)));
        drop((&self.wake).write_all(&[0]));
        drop(server.join());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.stop();
        if let Err(error) = chardev::unmount(&self.directory) {
            eprintln!("unmount: {error}");
        }
    }
}

/// Returns a request without its buffer. Its bytes are leaked: the tests send few.
fn keep(request: &Request<'_>) -> Seen {
    let leak = |data: &[u8]| -> &'static [u8] { data.to_vec().leak() };
    let operation = match request.operation {
        Operation::Write { data, nonblock } => Operation::Write { data: leak(data), nonblock },
        Operation::Ioctl { request, argument, data, out_size, abi } => {
            Operation::Ioctl { request, argument, data: leak(data), out_size, abi }
        }
        Operation::Open { flags } => Operation::Open { flags },
        Operation::Release => Operation::Release,
        Operation::Read { size, nonblock } => Operation::Read { size, nonblock },
        Operation::Poll { events, notify } => Operation::Poll { events, notify },
        Operation::Interrupt { target } => Operation::Interrupt { target },
        ref other => panic!("a call that the tests do not know: {other:?}"),
    };
    let Request { token, node, handle, caller, .. } = *request;
    Seen { token, node, handle, caller, operation }
}

impl Echo {
    fn serve(mut self, inbox: &Receiver<Job>, mut woken: UnixStream, report: &Sender<Seen>) {
        let mut buffer = Buffer::new();
        loop {
            let mut ready =
                [PollFd::new(&self.device, PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
            rustix::event::poll(&mut ready, None).unwrap();
            let job = ready[1].revents().contains(PollFlags::IN);
            if job {
                woken.read_exact(&mut [0]).unwrap();
                let Ok(job) = inbox.recv() else { return };
                job(&mut self);
                if self.stopped {
                    return;
                }
            }
            loop {
                match self.device.receive(&mut buffer) {
                    Ok(Some(request)) => {
                        let copy = keep(&request);
                        self.handle(request);
                        drop(report.send(copy));
                    }
                    Ok(None) => break,
                    Err(ReceiveError::Disconnected) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    fn handle(&mut self, request: Request<'_>) {
        let Request { token, handle, node, .. } = request;
        let answered =
            !matches!(request.operation, Operation::Release | Operation::Interrupt { .. });
        if let Some(size) = self.nonsense.filter(|_| answered) {
            self.device.reply_data(token, &vec![0x55; size]);
            return;
        }
        match request.operation {
            Operation::Open { .. } => {
                assert!(node.0 < 2);
                if let Some(errno) = self.refuse_open {
                    self.device.reply_error(token, errno);
                    return;
                }
                let handle = self.next_handle;
                self.next_handle += 1;
                if self.device.reply_open(token, handle) == Delivery::Delivered {
                    self.files.insert(handle, OpenFile::default());
                    self.most_files = self.most_files.max(self.files.len());
                }
            }
            Operation::Release => {
                // A nonsensical answer to an open may be a good one.
                let Some(file) = self.files.remove(&handle) else {
                    assert_eq!(handle, 0x5555_5555_5555_5555, "released once");
                    return;
                };
                assert!(file.readers.is_empty(), "no call is on its way at release");
            }
            Operation::Read { size, nonblock } => {
                let file = self.files.get_mut(&handle).unwrap();
                match file.packets.pop_front() {
                    Some(packet) => {
                        let end = packet.len().min(size as usize);
                        self.device.reply_data(token, &packet[..end]);
                    }
                    None if nonblock => _ = self.device.reply_error(token, EAGAIN),
                    None => file.readers.push_back((token, size)),
                }
            }
            Operation::Write { data, nonblock } => {
                if data.starts_with(b"hold") {
                    if nonblock {
                        self.device.reply_error(token, EAGAIN);
                    } else {
                        self.held.push((token, data.len()));
                    }
                    return;
                }
                assert!(data.len() <= MAX_WRITE as usize);
                let count = data.len().min(self.write_limit);
                self.device.reply_written(token, u32::try_from(count).unwrap());
                self.push(handle, data[..count].to_vec());
            }
            Operation::Ioctl { request, argument, data, out_size, abi: _ } => {
                self.ioctl(token, request, argument, data.to_vec(), out_size);
            }
            Operation::Poll { events, notify } => {
                let file = self.files.get_mut(&handle).unwrap();
                file.poll = notify.or(file.poll);
                let mut state = PollFlags::OUT | PollFlags::WRNORM;
                if !file.packets.is_empty() {
                    state |= PollFlags::IN | PollFlags::RDNORM;
                }
                let events = PollFlags::from_bits_retain(i16::try_from(events & 0x7fff).unwrap());
                let found = (state & events).bits().cast_unsigned();
                self.device.reply_poll(token, found.into());
            }
            Operation::Interrupt { target } => {
                if !self.deaf {
                    self.interrupt(target);
                }
            }
            other => panic!("a call that the tests do not know: {other:?}"),
        }
    }

    fn ioctl(&mut self, token: Token, request: u32, argument: u64, data: Vec<u8>, out_size: u32) {
        let device = &mut self.device;
        match request {
            IOCTL_VALUE => device.reply_ioctl(token, i32::try_from(argument).unwrap(), &[]),
            IOCTL_PUT => {
                self.stored = data;
                device.reply_ioctl(token, 0, &[])
            }
            IOCTL_GET => device.reply_ioctl(token, 0, &self.stored),
            IOCTL_REVERSE | IOCTL_LARGEST => {
                assert_eq!(data.len(), out_size as usize);
                let data: Vec<u8> = data.into_iter().rev().collect();
                device.reply_ioctl(token, 5, &data)
            }
            IOCTL_FAIL => device.reply_error(token, i32::try_from(argument).unwrap()),
            IOCTL_FAIL_WITH_DATA => device.reply_ioctl(token, -libc::EBUSY, &[0xee; 16]),
            IOCTL_SHORT => device.reply_ioctl(token, 0, &[1, 2, 3]),
            _ => device.reply_error(token, libc::ENOTTY),
        };
    }

    /// Appends a packet, answers a parked read with it, and wakes pollers.
    pub(crate) fn push(&mut self, handle: u64, packet: Vec<u8>) {
        let file = self.files.get_mut(&handle).expect("an open file");
        if let Some((token, size)) = file.readers.pop_front() {
            let end = packet.len().min(size as usize);
            self.device.reply_data(token, &packet[..end]);
            return;
        }
        file.packets.push_back(packet);
        if let Some(poll) = file.poll.take() {
            self.device.notify_poll(poll);
        }
    }

    /// Lets the held writes go.
    pub(crate) fn let_go(&mut self) -> usize {
        let held = std::mem::take(&mut self.held);
        for &(token, length) in &held {
            self.device.reply_written(token, u32::try_from(length).unwrap());
        }
        held.len()
    }

    /// Forgets parked calls that the test answered by itself.
    pub(crate) fn forget_parked(&mut self) {
        self.held.clear();
        for file in self.files.values_mut() {
            file.readers.clear();
        }
    }

    pub(crate) fn interrupt(&mut self, target: Token) {
        self.held.retain(|&(token, _)| token != target);
        for file in self.files.values_mut() {
            file.readers.retain(|&(token, _)| token != target);
        }
        self.device.reply_error(target, EINTR);
    }
}

/// Runs `call` in a thread of its own, for calls that may block.
pub(crate) struct Calling<T> {
    result: Receiver<T>,
    pub(crate) thread: libc::pid_t,
}

impl<T: Send + 'static> Calling<T> {
    pub(crate) fn start(call: impl FnOnce() -> T + Send + 'static) -> Self {
        let (tell, result) = channel();
        let (tell_thread, thread) = channel();
        std::thread::spawn(move || {
            tell_thread.send(sys::thread_id()).unwrap();
            drop(tell.send(call()));
        });
        Self { result, thread: thread.recv().unwrap() }
    }

    pub(crate) fn result(&self) -> T {
        self.result.recv_timeout(DEADLINE).expect("the call returns in time")
    }

    pub(crate) fn poll(&self) -> Option<T> {
        self.result.try_recv().ok()
    }

    /// Watches for a while that the call does not return.
    pub(crate) fn assert_blocked(&self) {
        assert!(self.result.recv_timeout(WATCH).is_err(), "the call blocks");
    }
}

pub(crate) fn errno<T: std::fmt::Debug>(result: io::Result<T>) -> i32 {
    result.expect_err("an error").raw_os_error().expect("an errno")
}

pub(crate) const ECHO: NodeIndex = NodeIndex(0);
