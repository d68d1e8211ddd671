//! Tests the device with the kernel that runs here: an echo server in a thread, and ordinary programs as its
//! clients. Skipped without a `/dev/fuse` that opens and the right to mount.

mod calls;
mod echo;
mod files;
mod locks;
mod mounts;
mod poll;
mod signals;
mod sys;
