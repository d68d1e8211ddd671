//! Runs a command under lockdep, and prints what is found in all its processes.
//!
//! * [`cli`]: the command line, from which help and the manual page are printed.
//! * [`run`](mod@run): starts the command, forwards signals, waits.
//! * [`findings`]: reads the session that the processes write, and joins what is the same.
//! * [`names`]: what became of the names of `--threads` and `--functions`.
//! * [`rules`]: files of suppressions, and baselines.
//! * [`summary`], [`forms`]: what is printed, for people and for programs.

#![forbid(unsafe_code)]

pub mod cli;
pub mod findings;
pub mod forms;
pub mod names;
pub mod rules;
pub mod run;
pub mod summary;
