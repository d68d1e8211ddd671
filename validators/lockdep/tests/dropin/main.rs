//! The modules that stand in the place of `std` and `parking_lot`, in crates that know nothing of them.
//!
//! Each test makes a package in a scratch folder, with a line in its `Cargo.toml` that exchanges the crate.

#[path = "../common/scratch.rs"]
mod scratch;

mod cpal;
mod crates;
mod parking_lot_tests;
mod std_examples;
