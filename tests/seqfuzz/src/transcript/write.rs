//! The bytes of a write.

use super::{Run, UMP_SIZE};
use crate::field::EVENT;
use crate::program::{self, Call, Value};
use aseqd_abi::event::EVENT_SIZE;

/// Maximum number of copies of a write's events: more than the engine takes at once, which is 1000 events, and than fit into
/// a request of FUSE, which has 1 MiB.
const MAX_COPIES: i64 = 40_000;

impl Run<'_> {
    /// Returns the bytes that a call writes.
    pub(super) fn written(&self, call: &Call) -> Vec<u8> {
        let mut bytes = Vec::new();
        for event in &call.events {
            let start = bytes.len();
            let wide = ["w0", "w3"].iter().any(|word| program::find(event, word).is_some());
            let size = if wide { UMP_SIZE } else { EVENT_SIZE };
            bytes.resize(start + size, 0);
            program::build(EVENT, event, self, &mut bytes[start..]);
            if let Some(Value::Bytes(data)) = program::find(event, "bytes") {
                bytes.extend(data);
            }
            let body = program::number(event, "body").unwrap_or(0).clamp(0, 1 << 20);
            bytes.extend((0..body).map(|index| index.wrapping_mul(31).to_le_bytes()[0] ^ 0x55));
        }
        bytes = bytes.repeat(copies(call));
        let cut = call.number("cut").unwrap_or(0).clamp(-512, 512);
        let len = i64::try_from(bytes.len()).unwrap_or(0).saturating_sub(cut).max(0);
        bytes.resize(usize::try_from(len).unwrap_or(0), 0xaa);
        bytes
    }
}

/// Returns how often a write has its events: more than once only in a write that is not repeated itself.
fn copies(call: &Call) -> usize {
    let repeated = call.number("times").is_some_and(|times| times > 1);
    let copies = call.number("copies").filter(|_| !repeated).unwrap_or(1).clamp(1, MAX_COPIES);
    usize::try_from(copies).unwrap_or(1)
}
