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

mod config;
mod connection;
mod cuse;
mod device;
mod error;
mod fs;
mod greeting;
mod message;
mod metadata;
mod mount;
mod private;
mod request;
#[doc(hidden)]
pub mod wire;

pub use config::{CharacterConfig, Config, Inodes, Node};
pub use connection::{Buffer, Delivery, MAX_WRITE, Refused};
pub use cuse::open_cuse;
pub use device::Device;
pub use error::{Malformed, ReceiveError};
pub use mount::{MountOptions, mount, mount_with_fusermount, open_fuse, unmount};
pub use request::{Caller, IoctlAbi, NodeIndex, Operation, PollHandle, Request, Token};
