//! Typed descriptions of every request of the ALSA sequencer and timer.
//!
//! A [`Request`] has a code, a struct of [`Field`]s, and what the driver does with it. A field has a [`Kind`], which says
//! how its bytes are read, and a [`Meaning`], which says which values make sense. [`find`] returns the request of a code,
//! [`named`] that of a name. [`text`] writes the bytes of requests and events in words. [`syzlang`] prints everything in
//! syzkaller's description language.
//!
//! Names of fields are short and the same wherever one idea returns, so that a line of a trace, a recording or a fuzzer's
//! program can be read without the header.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

extern crate alloc;

mod event;
mod names;
mod sequencer;
pub mod syzlang;
mod table;
pub mod text;
mod timer;
mod types;

/// The structs that the table describes.
pub use aseqd_abi;
pub use event::{EVENT, data_of};
pub use table::{REQUESTS, find, named};
pub use types::{Caller, Device, Field, Kind, Meaning, Names, Request, Resource};
