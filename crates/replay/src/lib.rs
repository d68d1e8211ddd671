//! Runs recordings of the aseqd sequencer again.
//!
//! A recording has everything that entered the engine, and a hash of what left it. The engine is pure, so a
//! [`Replayer`](replayer::Replayer) gets the same answers, or finds the first that differs. A [`Step`](step::Step) is one
//! record in memory; [`rewrite`] makes recordings of steps.
//!
//! ```
//! use aseqd_engine::{Access, Config, Node, Time};
//! use aseqd_recording::Header;
//! use aseqd_replay::replayer::Replayer;
//! use aseqd_replay::rewrite;
//! use aseqd_replay::step::{Action, Step};
//!
//! let open = Action::Open { node: Node::Sequencer, access: Access::ReadWrite, pid: 1 };
//! let steps = [Step { at: Time(0), action: open }];
//! let file = rewrite::record(Vec::new(), &Header::new(Config::default()), &steps)?;
//!
//! let mut replayer = Replayer::new(&file[..])?;
//! while let Some(played) = replayer.step()? {
//!     println!("{:?} is answered with {:?}", played.action, played.reply);
//! }
//! assert_eq!(replayer.difference(), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod against;
pub mod c_program;
pub mod caught;
pub mod clients;
pub mod comparable;
pub mod look;
pub mod minimise;
pub mod places;
pub mod records;
pub mod replayer;
pub mod rewrite;
pub mod rust_test;
pub mod script;
pub mod scrub;
pub mod smf;
pub mod step;
pub mod trial;
pub mod words;
pub mod world;
