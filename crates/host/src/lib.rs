//! What the programs of aseqd need of the operating system.
//!
//! * [`process`], [`realtime`], [`seccomp`], [`memory`], [`peer`]: safe wrappers of system calls that have none
//!   elsewhere. The unsafe code of the server and the commands stands here.
//! * [`folder`]: folders that no other user can change.
//! * [`rtkit`]: real-time scheduling over D-Bus.
//! * [`log`]: messages that never block.
//! * [`error`]: errors as sentences.
//!
//! This crate is a part of aseqd, and its interface changes without notice.

pub mod error;
pub mod folder;
pub mod log;
pub mod memory;
pub mod peer;
pub mod process;
pub mod realtime;
pub mod rtkit;
pub mod seccomp;

// Whose types the functions take and return.
pub use {aseqd_client, libc, rustix};
pub mod service;
pub mod statx_flags;
