//! How hard to compress, by how much there is to compress.

use aseqd_recording::Compression;
use std::time::{Duration, Instant};

/// Above this rate, in bytes a second, records are not deflated: that would cost more than everything else together.
/// It is about 25,000 events a second.
const FLOOD: u128 = 1 << 20;

/// Minimum time over which the rate is measured.
const WINDOW: Duration = Duration::from_millis(100);

/// Measures the rate at which records come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    since: Instant,
    bytes: usize,
    compression: Compression,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), bytes: 0, compression: Compression::Quick }
    }

    /// Returns how hard to compress, now that this many more bytes have come.
    pub(super) fn compression(&mut self, bytes: usize) -> Compression {
        self.bytes += bytes;
        let elapsed = self.since.elapsed();
        if elapsed >= WINDOW {
            let is_flood = self.bytes as u128 * 1000 > FLOOD * elapsed.as_millis();
            let compression = if is_flood { Compression::None } else { Compression::Quick };
            *self = Self { since: Instant::now(), bytes: 0, compression };
        }
        self.compression
    }
}
