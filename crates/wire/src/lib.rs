//! What aseqd's server, its preloaded library and its own programs say to each other, as data.
//!
//! [`preload`] has the messages between the preloaded library and the server. [`proc_text`] has the ioctl
//! request by which programs of ours read the texts that Linux shows below `/proc/asound`, and [`user_timer`] the one
//! by which they make a user-driven timer. [`report`] has the one that gets what a flight recorder has.
//!
//! [`record`] says whether a write's first record is all there.
//!
//! The protocol is private: both ends are always of the same version, and every version may change it.
//! The crate depends on no other crate of aseqd, so that the library can be built from it alone.
#![no_std]
#![forbid(unsafe_code)]

pub mod preload;
pub mod proc_text;
pub mod record;
pub mod report;
pub mod user_timer;

/// The folder of this package, from which the preloaded library's build takes the sources.
#[doc(hidden)]
pub const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
