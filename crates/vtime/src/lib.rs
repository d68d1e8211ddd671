//! Virtual time for unmodified programs.
//!
//! A [`Tracer`] runs a process and everything that it starts under a clock that is not the machine's. System calls that
//! read clocks or wait with a timeout are stopped by a seccomp filter and answered, or carried out without their
//! timeout. When every thread sleeps, the clock jumps to the earliest deadline, and that one wait ends as Linux would
//! end it. A [`World`] is what else the programs may wait for, such as a device that the same process serves.
//!
//! ```no_run
//! use vtime::{NoWorld, Options, Tracer, start};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options::default();
//! let mut tracer = Tracer::new(&options)?;
//! let command = ["sleep".into(), "300".into()];
//! let child = start::spawn(&options, &command)?;
//! tracer.seize(child.process())?;
//! child.go()?;
//! let ended = tracer.run(&mut NoWorld)?;
//! assert_eq!(ended.status, 0);
//! # Ok(()) }
//! ```
//!
//! A caller that makes its own child process does the same in three steps: it seizes the child while that waits, then
//! the child calls [`start::prepare`] and executes the command.

mod arch;
mod calls;
#[cfg(feature = "program")]
pub mod cli;
mod clock;
mod clocks;
mod error;
mod filter;
mod limits;
mod memory;
mod options;
pub mod parse;
#[cfg(feature = "program")]
pub mod program;
mod quiet;
mod random;
mod rows;
mod scheduling;
mod sequence;
pub mod start;
mod state;
mod stuck;
mod sys;
mod timers;
mod timetable;
mod tracer;
mod uring;
mod waits;
mod world;

pub use clock::START;
pub use error::Error;
pub use options::{Cpus, Options, Order, Pace, Time};
pub use tracer::{Ended, Reason, Stats, Tracer};
pub use world::{Control, NoWorld, World};
