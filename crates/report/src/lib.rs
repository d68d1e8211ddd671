//! Reports in the form of the Linux kernel's validators.
//!
//! * [`print`] is for validators: data in, text out. Every type is plain data with a `Display`.

#![forbid(unsafe_code)]

pub mod print;
