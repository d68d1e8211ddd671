//! The standard library, whose locks in `std::sync` are checked by `lockdep`.
//!
//! Nobody uses this crate by its name. A line in `Cargo.toml` gives it the name `std`:
//!
//! ```toml
//! [dependencies]
//! std = { package = "lockdep-std", version = "0.1", features = ["validate"] }
//! ```
//!
//! Without the feature `validate`, everything here is the standard library's own.

#[doc(no_inline)]
pub use lockdep::std::*;
