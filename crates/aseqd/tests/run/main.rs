//! `aseqd run` itself: statuses, signals, terminals, what it leaves, where it works.

#[path = "../common/mod.rs"]
mod common;
mod dev;
mod doors;
mod endings;
mod join;
mod known_bugs;
mod machines;
mod sequencer;
mod surroundings;
mod time;
