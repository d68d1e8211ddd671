//! What a server is asked: one call of a program on a node.

use std::fmt;

/// The name of one request that waits for an answer; unique while the device lives.
///
/// A token may be kept for as long as the program is to be blocked, and answered in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub(crate) u64);

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Which node of [`Config::nodes`](crate::Config::nodes) is meant: its position in that list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIndex(pub usize);

/// Names the waiting `poll` of one open file; given to
/// [`Device::notify_poll`](crate::Device::notify_poll).
///
/// It stays the same for all polls of one open file, and is worth nothing after its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PollHandle(pub(crate) u64);

/// Who made the call, as seen from the namespaces of the process that mounted the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The *thread* id (`gettid`) of the caller; 0 when it is not visible from the mounter's PID
    /// namespace. In a release: 0, since the kernel itself closes the file.
    pub pid: u32,
    /// The user, for the purpose of file access (`fsuid`).
    pub uid: u32,
    /// The group, for the purpose of file access (`fsgid`).
    pub gid: u32,
}

/// One call of a program on one node. Its bytes are in the [`Buffer`](crate::Buffer) it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What to answer to.
    pub token: Token,
    /// The node that is called; without meaning for [`Operation::Interrupt`].
    pub node: NodeIndex,
    /// What [`Device::reply_open`](crate::Device::reply_open) gave to this open file; 0 for
    /// [`Operation::Open`] and [`Operation::Interrupt`].
    pub handle: u64,
    /// Who calls.
    pub caller: Caller,
    /// The call.
    pub operation: Operation<'a>,
}

/// The calls on a node. All wait for an answer but [`Release`](Self::Release) and
/// [`Interrupt`](Self::Interrupt).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// `open(2)`: answer with `reply_open` or `reply_error`. Permissions were checked.
    Open {
        /// The flags of the call: access mode, `O_NONBLOCK` ... without `O_CREAT`, `O_EXCL`, `O_TRUNC`.
        flags: u32,
    },
    /// The last descriptor of an open file was closed, the handle is free. Takes no answer.
    Release,
    /// `read(2)` and its relatives: answer with `reply_data` or `reply_error`.
    Read {
        /// How many bytes may be answered. A longer call is cut to about 1 MiB, and never arrives in
        /// parts.
        size: u32,
        /// `O_NONBLOCK` was set on the file at the time of this call.
        nonblock: bool,
    },
    /// `write(2)` and its relatives: answer with `reply_written` or `reply_error`.
    ///
    /// One call makes one request of at most [`MAX_WRITE`](crate::MAX_WRITE) bytes (less one page
    /// if the program's buffer is not aligned): of a longer one only the head arrives, and the
    /// program sees a short write. So the tail of a long write may be cut inside a record: answer
    /// the length of the whole records.
    Write {
        /// The bytes; never empty.
        data: &'a [u8],
        /// `O_NONBLOCK` was set on the file at the time of this call.
        nonblock: bool,
    },
    /// `ioctl(2)`: answer with `reply_ioctl` or `reply_error`.
    ///
    /// The kernel moves the bytes by what the request code says (`_IOC_DIR`, `_IOC_SIZE`), the
    /// server cannot reach any other memory of the program.
    Ioctl {
        /// The request code.
        request: u32,
        /// The argument as the program gave it: an integer, or an address in the program.
        argument: u64,
        /// What the argument points at, for codes with `_IOC_WRITE`; else empty.
        data: &'a [u8],
        /// How many bytes may be answered, for codes with `_IOC_READ`; else 0.
        out_size: u32,
        /// The data model of the caller, when it is not the server's own.
        abi: IoctlAbi,
    },
    /// `poll(2)`, `select(2)`, `epoll(7)`: answer at once with `reply_poll`; never park this one.
    Poll {
        /// The `POLL*` bits that the program waits for.
        events: u32,
        /// Present when the program goes to sleep if nothing is ready: keep it, and call
        /// [`Device::notify_poll`](crate::Device::notify_poll) once when the state changes.
        notify: Option<PollHandle>,
    },
    /// The caller of a request got a signal: answer the *target* soon, normally with `EINTR`.
    ///
    /// Without that answer the caller cannot even be killed. A target that was answered in the
    /// meantime is to be ignored. The target always arrived before its interrupt. Takes no answer.
    Interrupt {
        /// The request to give up.
        target: Token,
    },
}

/// The data model of the program that made an `ioctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoctlAbi {
    /// The same as the kernel's.
    Native,
    /// A 32-bit program on a 64-bit kernel: `long`, pointers and `time_t` have 32 bits.
    Compat32,
    /// An x32 program: 32-bit `long` and pointers, 64-bit `time_t`.
    X32,
}
