//! An engine in the middle of its life, as bytes.

use aseqd_engine::Engine;

/// Returns the state of an engine, for [`State::engine`](crate::State::engine). Only the same version can read it.
///
/// It is postcard's form of what the engine's feature `serde` shows.
///
/// # Panics
/// Never: what an engine has can be stored.
#[must_use]
pub fn store(engine: &Engine) -> Vec<u8> {
    postcard::to_allocvec(engine).expect("an engine can be stored")
}

/// Returns the engine with a state. `None` if the bytes are no state of this version.
///
/// Bytes that nobody has stored may make an engine that panics when it is used.
#[must_use]
pub fn restore(bytes: &[u8]) -> Option<Engine> {
    let (engine, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(engine)
}
