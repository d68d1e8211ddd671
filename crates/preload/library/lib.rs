//! `LD_PRELOAD=libaseqd_preload.so ASEQD_SOCKET=SOCKET PROGRAM` gives a program the sequencer of the
//! server at that socket.
//!
//! The library wraps the C library's calls on files. It carries calls on `/dev/snd/seq`, `/dev/snd/timer`
//! and the texts of `/proc/asound` to the server. All other calls go on to the next library, at the cost
//! of a look into a table (`hints`). An open file is a socket, which the kernel polls, copies, passes on and
//! closes like any other descriptor. `aseqd_wire::preload` describes the messages.
//!
//! Any program may load the library, so it never allocates, locks or panics: every call can be made in a
//! signal handler and after a fork. It changes `errno` only when a call fails.
//!
//! It cannot catch system calls that a program makes without the C library (Go, static programs), nor those
//! that the C library makes itself (`fdopen` of a device).
//!
//! Where it does not unwind, as `build.rs` builds it, it is without the standard library: it then
//! needs nothing but the C library. That is glibc or musl: the library imports only functions that both
//! have, and `next` looks up the others.
#![cfg_attr(panic = "abort", no_std)]

mod connection;
mod environment;
mod exchange;
mod exports;
mod file;
mod hints;
mod ioctl;
mod next;
mod opening;
mod page;
mod paths;
mod pool;
mod proc_text;
mod sys;

/// Is never called, since nothing here panics. The linker wants it.
#[cfg(panic = "abort")]
#[panic_handler]
fn panicked(_why: &core::panic::PanicInfo<'_>) -> ! {
    sys::abort()
}
