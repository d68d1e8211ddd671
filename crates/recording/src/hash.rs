//! The running hash of everything that left the engine.

use aseqd_engine::{Output, Reply};
use crc32c::crc32c_append;

/// The running hash of all answers: of replies, of the bytes that go back to programs, and of the outputs that were
/// taken. It begins at 0 where a recording begins.
///
/// It is a CRC-32C, for which processors have an instruction. It is over, for each answer, the kind of the reply (0 done,
/// 1 wait, 2 more, 3 failed), its value or errno as 8 bytes, and the output buffer; for each output that was taken, the
/// byte 4 and the file as 4 bytes; for an attempt to take one that was not there, the byte 5. All numbers are
/// little-endian. The clause of an error does not count, so that it can be reworded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerHash(u32);

impl AnswerHash {
    /// Returns the hash with this value: that of a [`State`](crate::State).
    #[must_use]
    pub const fn with_value(value: u32) -> Self {
        Self(value)
    }

    /// Returns the hash before the first answer.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds the answer to an input: the reply, and the engine's output buffer after the call.
    pub fn answer(&mut self, reply: Reply, out: &[u8]) {
        let (kind, value) = match reply {
            Reply::Done(value) => (0, value as u64),
            Reply::Wait(value) => (1, value as u64),
            Reply::More(value) => (2, value as u64),
            Reply::Failed(error) => (3, u64::from(error.errno.0)),
        };
        let mut head = [kind; 9];
        head[1..].copy_from_slice(&value.to_le_bytes());
        self.0 = crc32c_append(crc32c_append(self.0, &head), out);
    }

    /// Adds what [`Engine::poll_output`](aseqd_engine::Engine::poll_output) returned, where the recording says that
    /// there was an output.
    pub fn output(&mut self, output: Option<Output>) {
        self.0 = match output {
            Some(Output::Ready(file)) => {
                let [a, b, c, d] = file.0.to_le_bytes();
                crc32c_append(self.0, &[4, a, b, c, d])
            }
            None => crc32c_append(self.0, &[5]),
        };
    }

    /// Returns the hash.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Returns the part of the hash that stands in each record: its lowest 8 bits.
    #[must_use]
    pub const fn check(self) -> u8 {
        self.0.to_le_bytes()[0]
    }
}
