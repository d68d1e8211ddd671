//! The planted engine behind the interface of the real one, so that the real one's tests run on it as they are.

mod checked;
mod replay;

pub use checked::Engine;
pub use planted_engine::*;
