//! The locks of `parking_lot`, checked by `lockdep`.
//!
//! Nobody uses this crate by its name. A line in `Cargo.toml` gives it the name `parking_lot`:
//!
//! ```toml
//! [dependencies]
//! parking_lot = { package = "lockdep-parking_lot", version = "0.1", features = ["validate"] }
//! ```
//!
//! Without the feature `validate`, everything here is `parking_lot`'s own.

#[doc(no_inline)]
pub use lockdep::parking_lot::*;
