//! A sequencer that steps are made on: an engine, or something else that answers.

use aseqd_engine::{Engine, FileId, Input, Output, Reply, Time};

/// A sequencer that steps are made on.
pub trait World {
    /// Handles an input. `out` gets the bytes that go back to the program.
    fn handle(&mut self, at: Time, input: Input<'_>, out: &mut Vec<u8>) -> Reply;

    /// Returns the files that have become ready, until there is none.
    fn ready(&mut self) -> Option<FileId>;
}

impl World for Engine {
    fn handle(&mut self, at: Time, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        Self::handle(self, at, input, out)
    }

    fn ready(&mut self) -> Option<FileId> {
        let Output::Ready(file) = self.poll_output()?;
        Some(file)
    }
}
