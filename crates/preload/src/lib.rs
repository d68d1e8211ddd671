//! The library that `aseqd run --via preload` loads into programs, as bytes.
//!
//! Its sources are in the folder `library` of this package. The build script builds them for glibc, also
//! where the program that carries the bytes is linked statically or uses musl. Programs of musl load the
//! same library: it imports only what both C libraries have. The environment
//! variable `ASEQD_PRELOAD_LIBRARY` of the build names a library to take instead of building one.
//!
//! This crate is private to aseqd: library and server must be of the same version.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The shared object, to be written to a file that programs find in `LD_PRELOAD`.
///
/// It is empty in a build for docs.rs.
pub static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libaseqd_preload.so"));
