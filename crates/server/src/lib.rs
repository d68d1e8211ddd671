//! An ALSA sequencer in user space, to embed in a test or a program, or to serve as device files.
//!
//! [`embedded`] is for tests and programs: a sequencer in their own process, in real or virtual time, without any
//! device file. Clients of it are those of [`aseqd_client`].
//!
//! ```
//! use aseqd_client::event::{EventExt as _, note_on};
//! use aseqd_client::{PortCaps, PortType};
//! use aseqd_server::embedded::Sequencer;
//!
//! let sequencer = Sequencer::in_virtual_time();
//! let (player, synth) = (sequencer.client("player")?, sequencer.client("synth")?);
//! let from = player.create_port("out", PortCaps::READ, PortType::MIDI_GENERIC)?;
//! let to = synth.create_port("in", PortCaps::WRITE, PortType::MIDI_GENERIC)?;
//! player.send(&note_on(0, 60, 100).sent_from(from).sent_to(to))?;
//! let (event, _) = synth.read_event()?.expect("it is there at once");
//! assert_eq!(event.source, from);
//! # Ok::<(), aseqd_client::Error>(())
//! ```
//!
//! The other modules are what the program `aseqd` is made of, and change with it:
//!
//! * [`session`] hands the calls of programs to the engine and its answers back;
//! * [`door`] has the ways in which programs that know nothing of this reach a sequencer;
//! * [`turn`] is what a server does between two sleeps, over any clock, door and thread: [`clock`];
//! * [`event_loop`] sleeps around it, for device files;
//! * [`stepped`] is a sequencer whose clock somebody else moves;
//! * [`recorder`] records what enters the engine.

pub use aseqd_client;
pub use aseqd_engine;

pub mod budget;
pub mod clock;
mod dispatch_log;
pub mod door;
pub mod embedded;
pub mod event_loop;
pub mod mounts;
mod pace;
mod placement;
pub mod recorder;
mod scheduling;
pub mod sequencer;
pub mod session;
pub mod stepped;
pub mod timing;
pub mod turn;

/// The program's allocator under the validators, so that the unit tests are checked too.
#[cfg(all(test, feature = "validate"))]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
