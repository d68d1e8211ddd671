//! Programs that mean harm, of another user of the machine: the server lives, and serves the others.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod logs;
mod memory;
mod place;
