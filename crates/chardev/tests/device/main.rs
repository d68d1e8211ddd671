//! The device against the kernel it runs on: an echo server in a thread, ordinary programs as its
//! clients. Needs a `/dev/fuse` that opens and the right to mount; says so and passes without.

mod calls;
mod echo;
mod files;
mod locks;
mod mounts;
mod poll;
mod signals;
mod sys;
