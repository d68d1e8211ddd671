//! `aseqd record`: what is played, in a file.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../smf/tests/kinds/mod.rs"]
mod kinds;

mod clocks;
mod corpus;
mod following;
mod playing;
mod recorder;
mod takes;
