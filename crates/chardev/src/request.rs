//! Requests: the calls of programs on nodes.

use std::fmt;

/// Names one request that waits for an answer; unique while the device lives.
///
/// The program stays blocked until its token is answered. Tokens may be answered in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub(crate) u64);

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A node, as its position in [`Config::nodes`](crate::Config::nodes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIndex(pub usize);

/// Names the waiting `poll` of one open file; given to
/// [`Device::notify_poll`](crate::Device::notify_poll).
///
/// It is the same for all polls of one open file, and useless after its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PollHandle(pub(crate) u64);

/// The caller, as seen from the namespaces of the process that mounted the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The *thread* id (`gettid`) of the caller; 0 if the mounter's PID namespace does not show it, and in a
    /// release, since the kernel itself closes the file.
    pub pid: u32,
    /// The user id for file access (`fsuid`).
    pub uid: u32,
    /// The group id for file access (`fsgid`).
    pub gid: u32,
}

/// One call of a program on a node. It borrows its bytes from the [`Buffer`](crate::Buffer) it arrived in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Names this request in the answer.
    pub token: Token,
    /// The node; meaningless for [`Operation::Interrupt`].
    pub node: NodeIndex,
    /// The handle that [`Device::reply_open`](crate::Device::reply_open) gave to this open file; 0 for
    /// [`Operation::Open`] and [`Operation::Interrupt`].
    pub handle: u64,
    /// The caller.
    pub caller: Caller,
    /// The call.
    pub operation: Operation<'a>,
}

/// A call on a node. All but [`Release`](Self::Release) and [`Interrupt`](Self::Interrupt) wait for an answer.
///
/// Later versions may add calls, all of which wait for an answer. Answer those that you do not know with an errno,
/// as a driver would.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// `open(2)`: answer with `reply_open` or `reply_error`. The kernel has checked the permissions.
    Open {
        /// The flags of the call: access mode, `O_NONBLOCK` ... without `O_CREAT`, `O_EXCL`, `O_TRUNC`.
        flags: u32,
    },
    /// The last descriptor of an open file was closed; its handle is free. Takes no answer.
    Release,
    /// `read(2)` and its relatives: answer with `reply_data` or `reply_error`.
    Read {
        /// The most bytes that the answer may have. A longer call is cut to about 1 MiB and never arrives in
        /// parts.
        size: u32,
        /// Whether `O_NONBLOCK` was set on the file at the time of this call.
        nonblock: bool,
    },
    /// `write(2)` and its relatives: answer with `reply_written` or `reply_error`.
    ///
    /// A call makes one request of at most [`MAX_WRITE`](crate::MAX_WRITE) bytes, or a page less if the
    /// program's buffer is not aligned. Of a longer call only the head arrives, and the program sees a short
    /// write. The cut may be inside of a record, so answer with the length of the whole records.
    Write {
        /// The bytes; never empty.
        data: &'a [u8],
        /// Whether `O_NONBLOCK` was set on the file at the time of this call.
        nonblock: bool,
    },
    /// `ioctl(2)`: answer with `reply_ioctl` or `reply_error`.
    ///
    /// The kernel copies the bytes that the request code announces (`_IOC_DIR`, `_IOC_SIZE`). The server cannot
    /// reach any other memory of the program.
    Ioctl {
        /// The request code.
        request: u32,
        /// The argument as the program gave it: an integer, or an address in the program.
        argument: u64,
        /// The bytes that the argument points at for codes with `_IOC_WRITE`; otherwise empty.
        data: &'a [u8],
        /// The most bytes that the answer may have for codes with `_IOC_READ`; otherwise 0.
        out_size: u32,
        /// The data model of the caller.
        abi: IoctlAbi,
    },
    /// `poll(2)`, `select(2)`, `epoll(7)`: answer at once with `reply_poll`, never later.
    Poll {
        /// The `POLL*` bits that the program waits for.
        events: u32,
        /// Present if the program will sleep when nothing is ready. Keep it, and call
        /// [`Device::notify_poll`](crate::Device::notify_poll) once when the state changes.
        notify: Option<PollHandle>,
    },
    /// The caller of a request got a signal. Answer the *target* soon, normally with `EINTR`.
    ///
    /// Without that answer the caller cannot even be killed. The target always arrived before; ignore the
    /// interrupt if the target has been answered meanwhile. Takes no answer itself.
    Interrupt {
        /// The request to give up.
        target: Token,
    },
}

/// The data model of the program that made an `ioctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IoctlAbi {
    /// The same as the kernel's.
    Native,
    /// A 32-bit program on a 64-bit kernel: `long`, pointers and `time_t` have 32 bits.
    Compat32,
    /// An x32 program: 32-bit `long` and pointers, 64-bit `time_t`.
    X32,
}
