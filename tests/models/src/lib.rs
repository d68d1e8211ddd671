//! The catalogue of the kernel's bugs, and what shows that a checker reports each of them.
//!
//! A *plant* is a bug of the catalogue that is put back on purpose. Bugs that code with one thread can have are
//! planted in a copy of the engine ([`planted`]). Races and lock bugs are planted in *models*: small programs that
//! have the structure of the kernel's code and none of its text. The explorer runs a model under many schedules, each
//! from a seed, until a checker reports something. The program `known-bugs` runs all plants and prints
//! `docs/known-bugs.md`.
//!
//! What runs models needs the feature `run`.

pub mod catalogue;
#[cfg(feature = "run")]
pub mod explore;
#[cfg(feature = "run")]
pub mod models;
pub mod planted;
pub mod report;
