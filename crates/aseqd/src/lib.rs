//! The program `aseqd`, as a library for its own tests.

pub mod asound;
pub mod cli;
pub mod client;
pub mod command;
pub mod door;
pub mod error;
pub mod run;
pub mod serve;
pub mod server;
mod sys;
