//! The ALSA sequencer and timers as a pure state machine.
//!
//! The engine does what the kernel does behind `/dev/snd/seq` and `/dev/snd/timer`, and nothing else:
//! it performs no I/O, knows no clock, thread, lock or file descriptor, and contains no unsafe code.
//! Everything enters through one door, [`Engine::handle`], as an [`Input`] with the time at which it
//! happened; everything leaves as that call's [`Reply`], its output bytes, or through
//! [`Engine::poll_output`]. The same inputs at the same times give the same outputs, on every machine.
//!
//! The driver's part of the contract:
//!
//! 1. Time never goes back. [`Engine::handle`] first does what fell due up to `now`.
//! 2. After every input, or every batch of inputs, drain [`Engine::poll_output`] and arm a timer for
//!    [`Engine::poll_timeout`]; when it fires, call [`Engine::handle`] with [`Input::Timeout`].
//!    There is no periodic tick: with nothing due there is no deadline.
//! 3. [`Reply::Wait`] means that a call sleeps. Retry it when [`Output::Ready`] names its file.
//!
//! The enums of the contract are exhaustive on purpose: a driver must handle every [`Reply`] and every
//! [`Output`], so one that does not know a new kind should not compile.
//!
//! ```
//! use aseqd_engine::{Access, Call, Engine, Identity, Input, Reply, Time};
//! let mut engine = Engine::new();
//! let mut out = Vec::new();
//! let file = engine.open(Time(0), Access::ReadWrite, Identity::User { pid: 1 }).unwrap();
//! let request = aseqd_abi::ioctl::sequencer::CLIENT_ID;
//! let call = Call::Ioctl { request, compat: false, arg: &[] };
//! let reply = engine.handle(Time(0), Input::Call { file, call }, &mut out);
//! assert_eq!(reply, Reply::Done(0));
//! assert_eq!(out, 128_i32.to_ne_bytes());
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

extern crate alloc;
#[cfg(test)]
extern crate std;

mod catalogue;
mod config;
mod contract;
mod control;
mod engine;
mod error;
pub mod limits;
mod name;
mod request;
mod seq;
#[cfg(feature = "serde")]
mod state;
mod time;
mod timer;

/// The structs and numbers that calls carry.
pub use aseqd_abi as abi;

pub use catalogue::{copies_back, request, requests};
pub use config::{Config, REFERENCE_KERNEL};
pub use contract::{
    Access, Call, FileId, Identity, Input, Node, OpenClient, Output, READABLE, Reply, WRITABLE,
    WRITE_BATCH,
};
pub use engine::Engine;
pub use error::Error;
pub use request::{Callers, Request, Support};
/// The order of a queue's events, for a benchmark of the bench. No part of the stable interface.
#[doc(hidden)]
pub use seq::prioq;
pub use time::Time;
