//! Writes MIDI clip files.

use crate::clip::{HEADER, word_count};
use std::io;

/// The largest number of ticks that one Delta Clockstamp holds: 20 bits.
const MAX_DELTA: u32 = 0xf_ffff;
const DELTA: u32 = 0x0040_0000;
const RESOLUTION: u32 = 0x0030_0000;
const SET_TEMPO: u32 = 0xd010_0000;
const TIME_SIGNATURE: u32 = 0xd010_0001;
const START: [u32; 4] = [0xf020_0000, 0, 0, 0];
const END: [u32; END_WORDS] = [0xf021_0000, 0, 0, 0];
/// The words of an End of Clip message.
pub(crate) const END_WORDS: usize = 4;

/// Encodes the packets of a clip.
#[derive(Clone, Debug)]
pub struct ClipWriter {
    bytes: Vec<u8>,
    tick: u32,
    started: bool,
}

impl ClipWriter {
    /// Makes a clip without packets, whose quarter notes have this many ticks; 0 counts as 1.
    #[must_use]
    pub fn new(ticks_per_quarter: u16) -> Self {
        let mut writer = Self { bytes: HEADER.to_vec(), tick: 0, started: false };
        writer.put(0, &[Self::resolution(ticks_per_quarter)]);
        writer
    }

    /// Returns the word that says how many ticks a quarter note has.
    pub(crate) fn resolution(ticks_per_quarter: u16) -> u32 {
        RESOLUTION | u32::from(ticks_per_quarter.max(1))
    }

    /// Appends a packet that configures the receiver before the clip starts, such as the name of the piece.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the clip has started, or it is not one packet.
    pub fn configure(&mut self, packet: &[u32]) -> io::Result<()> {
        if self.started {
            return invalid("a clip is configured before it starts");
        }
        whole(packet)?;
        self.put(0, packet);
        Ok(())
    }

    /// Appends a packet that is due at a tick from the start of the clip.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the tick is before that of the last packet, if it is not one packet, or if it
    /// is one of those that the writer adds: Delta Clockstamp, its ticks per quarter note, Start and End of Clip.
    pub fn push(&mut self, tick: u32, packet: &[u32]) -> io::Result<()> {
        whole(packet)?;
        let Some(delta) = tick.checked_sub(self.tick) else {
            return invalid("a packet before the last packet of its clip");
        };
        self.start();
        let mut left = delta;
        while left > MAX_DELTA {
            self.word(DELTA | MAX_DELTA);
            left -= MAX_DELTA;
        }
        self.put(left, packet);
        self.tick = tick;
        Ok(())
    }

    /// Appends a tempo, in units of 10 ns a quarter note: 50,000,000 is 120 quarter notes a minute.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn tempo(&mut self, tick: u32, tempo_10ns: u32) -> io::Result<()> {
        self.push(tick, &[SET_TEMPO, tempo_10ns, 0, 0])
    }

    /// Appends a time signature: the denominator as a power of two, 2 for quarter notes.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn time_signature(&mut self, tick: u32, numerator: u8, power: u8) -> io::Result<()> {
        let values = u32::from_be_bytes([numerator, power, 8, 0]);
        self.push(tick, &[TIME_SIGNATURE, values, 0, 0])
    }

    /// Returns the file's bytes, with the End of Clip.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.take()
    }

    /// Returns whether nothing was pushed since [`take`](Self::take).
    pub(crate) fn is_taken(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the bytes so far, with an End of Clip. Those that follow take its place.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.start();
        self.put(0, &END);
        std::mem::take(&mut self.bytes)
    }

    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.put(0, &START);
        }
    }

    fn put(&mut self, delta: u32, packet: &[u32]) {
        self.word(DELTA | delta);
        packet.iter().for_each(|word| self.word(*word));
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend(word.to_be_bytes());
    }
}

/// Checks that words are one packet, which is none of the writer's own.
fn whole(packet: &[u32]) -> io::Result<()> {
    let Some(first) = packet.first().filter(|first| packet.len() == word_count(**first)) else {
        return invalid("not one whole packet");
    };
    match (first >> 28, first >> 16 & 0xfff) {
        (0, _) | (15, 0x020 | 0x021) => invalid("a packet that a clip has for itself"),
        _ => Ok(()),
    }
}

fn invalid(why: &'static str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
