//! A character device served from user space, without a kernel module.
//!
//! Programs see a directory with a fixed set of files, the *nodes*. Every call on a node - `open`,
//! `read`, `write`, `ioctl`, `poll`, the last `close` - becomes a [`Request`] that the server answers
//! when it likes: at once, or never before another program did something. The calling program
//! sees the errno, the short counts, the blocking and the signals that a driver would give it.
//!
//! Below is `/dev/fuse`: the nodes are regular files of a FUSE mount that have no page cache and no
//! position. The protocol is spoken here and not by a library (`docs/decisions/0001-own-fuse-protocol.md`)
//! because a driver needs what file systems do not: one descriptor for the caller's own `epoll`,
//! answers in any order, interrupts, and no lock between two programs that write.
//!
//! ```no_run
//! use std::os::fd::AsFd;
//! use chardev::{Buffer, Config, Device, MountOptions, Node, Operation};
//!
//! let fuse = chardev::open_fuse()?;
//! let target = std::path::Path::new("/run/echo");
//! chardev::mount(fuse.as_fd(), target, &MountOptions::new("echo"))?;
//! let nodes = vec![Node { name: "echo".into(), mode: 0o666, uid: 0, gid: 0 }];
//! let mut device = Device::new(fuse, Config { nodes, ..Config::default() })?;
//! let (mut buffer, mut last) = (Buffer::new(), Vec::new());
//! loop {
//!     // Wait until `device.as_fd()` is readable: epoll, together with all else; then
//!     while let Some(request) = device.receive(&mut buffer)? {
//!         let token = request.token;
//!         match request.operation {
//!             Operation::Open { .. } => _ = device.reply_open(token, 7),
//!             Operation::Write { data, .. } => {
//!                 device.reply_written(token, data.len() as u32);
//!                 last = data.to_vec();
//!             }
//!             Operation::Read { size, .. } => {
//!                 let end = last.len().min(size as usize);
//!                 device.reply_data(token, &last[..end]);
//!             }
//!             Operation::Ioctl { .. } => _ = device.reply_error(token, 25 /* ENOTTY */),
//!             Operation::Poll { .. } => _ = device.reply_poll(token, 0x5 /* POLLIN|POLLOUT */),
//!             Operation::Release | Operation::Interrupt { .. } => {}
//!         }
//!     }
//! }
//! # #[expect(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What differs from a driver's node
//!
//! * `stat` says: a regular file of 2 GiB. No `SIGIO`; `O_ASYNC` has no effect.
//! * A read or write of 0 bytes is answered by the kernel and never arrives.
//! * A call that was interrupted by a signal ends in `EINTR` even under `SA_RESTART`.
//! * `O_APPEND`, `chmod`, `utimes`, `truncate`, `fsync` take the lock that a blocked write holds
//!   shared: they wait for it, and later writes to the same inode wait for them
//!   ([`Inodes::PerOpen`] avoids it). `RLIMIT_FSIZE` applies.
//! * `ioctl` moves what the request code says and cannot return a new descriptor; the codes that the
//!   kernel answers for any regular file (`FIONREAD`, `FIGETBSZ` ...) do not arrive.
//! * `mmap` with `MAP_SHARED` is `ENODEV`; a private one is made, and touching it is `SIGBUS`.
//!
//! # The other way in: `/dev/cuse`
//!
//! [`Device::character`] makes one device file of the machine, with a number, for root of the machine
//! alone. The calls on it are the same; `stat` says what it is, several open files share no lock, and of
//! the list above remain: no `SIGIO`, calls of 0 bytes, `EINTR`, and what `ioctl` moves. One call moves
//! at most 128 KiB.

mod cuse;
mod device;
mod error;
mod fs;
mod mount;
mod private;
mod request;
#[doc(hidden)]
pub mod wire;

pub use cuse::{CharacterConfig, open_cuse};
pub use device::{Buffer, Delivery, Device, MAX_WRITE, Refused};
pub use error::{Malformed, ReceiveError};
pub use mount::{MountOptions, mount, mount_with_fusermount, open_fuse, unmount};
pub use request::{Caller, IoctlAbi, NodeIndex, Operation, PollHandle, Request, Token};

/// One device file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The file name in the mounted directory.
    pub name: String,
    /// The permission bits.
    pub mode: u32,
    /// The owner, as an id in the user namespace of the mount.
    pub uid: u32,
    /// The group, as an id in the user namespace of the mount.
    pub gid: u32,
}

/// What the mounted directory looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The device files, at most 254.
    pub nodes: Vec<Node>,
    /// The permission bits of the directory.
    pub directory_mode: u32,
    /// The owner of the directory.
    pub directory_uid: u32,
    /// The group of the directory.
    pub directory_gid: u32,
    /// How opens of one node share an inode.
    pub inodes: Inodes,
}

impl Default for Config {
    /// No nodes yet; a directory of root that all may read.
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            directory_mode: 0o755,
            directory_uid: 0,
            directory_gid: 0,
            inodes: Inodes::Auto,
        }
    }
}

/// Whether opens of one node share an inode of the kernel, and with it the inode's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inodes {
    /// [`Shared`](Self::Shared) if the kernel can write in parallel to one inode (Linux 6.2), else
    /// [`PerOpen`](Self::PerOpen).
    Auto,
    /// One inode for a node. Any bind mount of the file works. Before Linux 6.2 a write that
    /// blocks stops the writes of all programs.
    Shared,
    /// Every path lookup finds a new inode, so that two opens never share a lock. Programs must
    /// reach the node through the mounted *directory*: a bind mount of the file itself pins one inode.
    /// `/proc/PID/fd` shows the file as deleted once somebody looked up its name again.
    PerOpen,
}
