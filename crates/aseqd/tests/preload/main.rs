//! The preload door: its library in programs, its files in the hands of the kernel.

mod attack;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod door;
mod fuzz;
mod memory;
mod programs;
mod server;
