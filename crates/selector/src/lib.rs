//! Which ports of the ALSA sequencer a text means.
//!
//! [`Selector`] is a text such as `nano`, `'FLUID Synth':1`, `.hw.in` or `re:/^VMPK/`; [`Port`] is a port with everything by
//! which people name it. Everything here is a pure function: it knows no sequencer and no file.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod alias;
mod error;
mod fit;
mod nearest;
mod parse;
mod port;
mod selector;

pub use alias::{Aliases, resolve_all};
pub use aseqd_abi;
pub use error::{Ambiguous, BadSelector};
pub use nearest::{nearest, nearest_name};
pub use port::{Device, Port, printable};
pub use selector::{Condition, End, PortPart, Selector};
