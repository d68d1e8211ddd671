//! The program `aseqd`.
pub mod cli;
pub mod door;
pub mod error;
pub mod run;
pub mod serve;
pub mod server;
mod sys;
