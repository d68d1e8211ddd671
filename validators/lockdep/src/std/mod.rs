//! The standard library, with checked locks in its module [`sync`].
//!
//! `use lockdep::std::sync::Mutex;` in the place of `use std::sync::Mutex;` is all that a file needs. For a whole crate,
//! the package `lockdep-std` does it with one line in `Cargo.toml`. Without the feature `validate`, this is `std` itself.

#[doc(no_inline)]
pub use ::std::*;

pub mod sync;
