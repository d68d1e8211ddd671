//! `LD_PRELOAD=libaseqd_preload.so ASEQD_SOCKET=SOCKET PROGRAM` gives a program the sequencer of the
//! server at that socket.
//!
//! The library stands in front of the C library's calls on files. Those on `/dev/snd/seq`,
//! `/dev/snd/timer` and the texts of `/proc/asound` it carries to the server; all others go on to the
//! next library, at the price of a look into a table (`hints`). An open file is a socket, which the
//! kernel polls, copies, hands on and closes as it does with every descriptor; the wire is described in
//! `aseqd_wire::preload`.
//!
//! It is loaded into strangers: nothing here allocates, locks or panics, so that every call can be made
//! in a signal handler and after a fork; `errno` is touched by failures alone.
//!
//! What cannot be caught: system calls that a program makes without the C library (Go, static
//! programs), and descriptors that the C library uses under the hood (`fdopen` of a device).
//!
//! Where it does not unwind, as `build.rs` builds it, it is without the standard library: it then
//! needs nothing but the C library.
#![cfg_attr(panic = "abort", no_std)]

mod asound;
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
mod sys;

/// What nothing comes to: the linker would find it missing.
#[cfg(panic = "abort")]
#[panic_handler]
fn panicked(_why: &core::panic::PanicInfo<'_>) -> ! {
    sys::abort()
}
