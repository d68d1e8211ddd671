//! Hostile programs of another user of the machine: the server survives, and serves the others.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod logs;
mod memory;
mod place;
