//! What the operating system offers and no safe wrapper has. The unsafe code of the program is here.

pub(crate) mod ioctl;
pub(crate) mod memory;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod realtime;
pub(crate) mod rtkit;
pub(crate) mod seccomp;
