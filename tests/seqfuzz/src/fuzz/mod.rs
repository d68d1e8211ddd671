//! Looks for crashes, hangs, leaks and wrong answers by itself.
//!
//! A *campaign* has a folder: the corpus (`corpus/`, one program a file), the findings (`findings/`, one folder each), and
//! what each of its processes says about itself (`jobs/`). A process takes a program of the corpus, changes it
//! (`mutate`), runs it (`execute`), and keeps it if it reached an edge of the engine or an answer that no other has
//! reached. Whatever is wrong becomes a report in the kernel's form with a title by syzkaller's rules (`finding`), is
//! shrunk and stored once per title.

mod beside;
mod campaign;
mod console;
mod corpus;
mod distil;
pub mod errnos;
mod execute;
pub mod finding;
mod guest;
mod history;
mod html;
mod idioms;
mod inside;
mod kmsg;
mod locate;
mod machine;
pub mod model;
mod modules;
mod mutate;
mod options;
mod process;
mod reach;
mod reboot;
mod report;
mod server;
mod shrink;
mod starved;
mod stats;
mod transcripts;
mod values;
mod watch;
mod worker;

pub use campaign::{campaign, folder};
pub use distil::distil;
pub use execute::{Checks, Ran, Wrong, engine as execute, session as execute_session};
pub use guest::guest;
pub use html::page;
pub use locate::Place;
pub(crate) use machine::TOLD;
pub use machine::{Boot, Machine, is_static};
pub use options::{Options, Side};
pub use reach::{Count, Reach, Suite};
pub(crate) use report::{check as check_report, hang};
pub use stats::{Status, baseline, status};
pub use transcripts::{Transcripts, transcripts};
pub use worker::{Target, WorkerOptions, work};

use crate::program::Program;
use crate::rng::Rng;

/// What is said where a build does not count edges.
const NO_EDGES: &str = "this build counts no edges: scripts/seqfuzz makes one that does";

/// Returns a program made by `rng` from others: see the module.
#[must_use]
pub fn mutate(rng: &mut Rng, from: Option<&Program>, other: Option<&Program>) -> Program {
    mutate::mutate(rng, from, other)
}
