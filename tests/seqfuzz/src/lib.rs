//! Whole client programs of the ALSA sequencer from a seed, and what a sequencer answers to them.
//!
//! A [`Program`] is a list of calls over symbolic handles: opens, every ioctl with values near its
//! edges, writes, reads, polls, closes. [`generate()`] makes one from a seed, always the same.
//! [`transcript()`] runs one on a [`Device`], which is `/dev/snd/seq` ([`RealDevice`]) or the
//! engine in this process on a virtual clock ([`EngineDevice`]), and writes down what came back in a
//! canonical text: ids by handle, process ids masked, times only where they are exact. The same
//! program on Linux and on aseqd must give the same text.

pub mod bytes;
pub mod concurrent;
pub mod cover;
mod device;
pub mod diff;
mod field;
pub mod fuzz;
mod generate;
mod import;
pub mod memory;
pub mod minimise;
pub mod oracle;
mod program;
pub mod recording;
pub mod repro;
mod rng;
mod sys;
pub mod syz;
mod tape;
mod tasks;
mod text;
mod transcript;
pub mod versions;

pub use device::{Access, Device, EngineDevice, Inside, Readiness, RealDevice};
pub use generate::{Kind, Profile, common, generate, generate_timer, generate_ump, legacy};
pub use import::program_of;
pub use program::{Arguments, Call, Mode, Operation, Program, Settings, Value};
pub use rng::Rng;
pub use tape::{Answer, Step, Tape, play, tape_of};
pub use text::{parse, parse_all};
pub use transcript::{Transcript, hash, transcript, transcript_rude};
