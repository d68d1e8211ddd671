//! What aseqd needs of the operating system.
//!
//! Safe wrappers of calls that have none elsewhere (each module with unsafe code says so), folders that no other
//! user can change, the mounts of this machine, a log that never waits, and errors as sentences.

pub mod error;
pub mod folder;
pub mod log;
pub mod memory;
pub mod peer;
pub mod process;
pub mod realtime;
pub mod rtkit;
pub mod seccomp;
pub mod statx_flags;
