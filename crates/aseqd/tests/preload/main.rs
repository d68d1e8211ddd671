//! The preload door: its library in programs, its files, attacks on both.

mod attack;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod door;
mod fuzz;
mod memory;
mod programs;
mod server;
