//! A character device served from user space, without a kernel module.
//!
//! Programs see a directory with a fixed set of files, the *nodes*. Every call on a node - `open`,
//! `read`, `write`, `ioctl`, `poll`, the last `close` - becomes a [`Request`] that the server answers
//! when it likes: at once, or never before another program did something. The calling program
//! sees the errno, the short counts, the blocking and the signals that a driver would give it.
//!
//! The nodes are regular files of a FUSE mount, without a page cache and without a position. This crate speaks
//! the protocol of `/dev/fuse` itself, because a driver needs what libraries for file systems leave out: one
//! descriptor for the caller's own `epoll`, answers in any order, interrupts, and no lock between two
//! programs that write.
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
//!     // A server with more to do waits for `device.as_fd()` in its own epoll instead.
//!     device.wait()?;
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
//!             Operation::Poll { .. } => _ = device.reply_poll(token, 0x5 /* POLLIN|POLLOUT */),
//!             Operation::Release | Operation::Interrupt { .. } => {}
//!             // An ioctl, or a call that a later version of this crate adds.
//!             _ => _ = device.reply_error(token, 25 /* ENOTTY */),
//!         }
//!     }
//! }
//! # #[expect(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What differs from a driver's node
//!
//! * `stat` shows a regular file of 2 GiB. `O_ASYNC` has no effect: no `SIGIO` is sent.
//! * A read or write of 0 bytes is answered by the kernel and never arrives.
//! * A call that a signal interrupts fails with `EINTR`, also under `SA_RESTART`.
//! * A blocked write holds the lock of its inode shared. Writes with `O_APPEND`, `chmod`, `utimes`, `truncate`
//!   and `fsync` wait for that lock, and later writes to the same inode wait for them.
//!   [`Inodes::PerOpen`] avoids this. `RLIMIT_FSIZE` applies.
//! * `ioctl` copies only the bytes that the request code announces, and cannot return a new descriptor. The
//!   kernel answers the codes for regular files (`FIONREAD`, `FIGETBSZ` ...) by itself.
//! * `mmap` with `MAP_SHARED` fails with `ENODEV`. A private mapping succeeds, and touching it raises `SIGBUS`.
//!
//! # Device files by `/dev/cuse`
//!
//! [`Device::character`] makes a real character device in `/dev`, with a device number. Only root of the machine
//! may do this, and the kernel needs its module `cuse`. The calls are the same. `stat` shows a character device,
//! and open files share no lock. Of the list above these remain: no `SIGIO`, calls of 0 bytes, `EINTR`, and what
//! `ioctl` copies. One call moves at most 128 KiB.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

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
