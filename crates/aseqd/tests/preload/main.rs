//! The preload door: its library in programs, its files in the hands of the kernel.

#[path = "../common/mod.rs"]
mod common;
mod programs;
mod server;
