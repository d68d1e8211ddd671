//! Events that are prepared for the sequencer, and texts for people.

use super::tempo::QueueTiming;
use std::collections::VecDeque;

/// Bytes that are prepared for one write: about 290 events. Fewer would mean more writes, more would delay signals.
pub(super) const BATCH: usize = 8192;
/// A longer SysEx is cut into pieces of this many bytes, which fit into the memory pool of every receiver.
pub(super) const SYSEX_AT_ONCE: usize = 1024;
/// A SysEx of more packets, of 6 bytes each, is sent in pieces of this many.
const SYSEX_PACKETS_AT_ONCE: u64 = 64;
/// The rate at which the pieces of a long SysEx follow one another: that of a MIDI cable, 31250 bits a second with 10
/// bits a byte.
const CABLE_BYTES_PER_SECOND: u64 = 3125;
/// The most texts that wait until they are shown. A malicious file can consist of nothing else.
const MAX_TEXTS: usize = 10_000;

/// Events that are prepared, and what is known of the song so far.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    /// The echo is in it, so nothing follows.
    pub(super) complete: bool,
    /// By how many ticks long SysEx have delayed the rest of the song.
    pub(super) late: u32,
    /// The last SysEx goes on in the next one.
    pub(super) split: bool,
    /// How many packets of the present SysEx were sent.
    sysex_packets: u64,
    ppq: u64,
    pub(super) tempo_us: u32,
    /// How fast the queue runs: its skew.
    skew: u64,
    /// Texts that are not due yet; `None` if nobody sees them.
    texts: Option<VecDeque<(u32, u8, Vec<u8>)>>,
}

impl Output {
    pub(super) fn new(timing: QueueTiming, skew: u32, shows_texts: bool) -> Self {
        Self {
            bytes: Vec::with_capacity(BATCH * 2),
            complete: false,
            late: 0,
            split: false,
            sysex_packets: 0,
            ppq: timing.ppq.unsigned_abs().into(),
            tempo_us: timing.tempo_us,
            skew: skew.into(),
            texts: shows_texts.then(VecDeque::new),
        }
    }

    pub(super) fn tick(&self, tick: u32) -> u32 {
        tick.saturating_add(self.late)
    }

    /// Counts a packet of a SysEx, of which one with this status is a part, and delays what follows once there are as many
    /// as a receiver's memory pool should have at once.
    pub(super) fn count_sysex(&mut self, status: u8) {
        // 0 is a whole message, 1 the first part of one.
        self.sysex_packets = if status < 2 { 0 } else { self.sysex_packets + 1 };
        if self.sysex_packets > 0 && self.sysex_packets.is_multiple_of(SYSEX_PACKETS_AT_ONCE) {
            self.give_way(SYSEX_PACKETS_AT_ONCE * 6);
        }
    }

    /// Delays everything that follows by the time that this many bytes take on a MIDI cable.
    pub(super) fn give_way(&mut self, bytes: u64) {
        let microseconds = bytes * 1_000_000 / CABLE_BYTES_PER_SECOND;
        // A queue that runs faster has more ticks in this time.
        let ticks = (microseconds * self.ppq).div_ceil(self.tempo_us.into());
        let ticks = (ticks * self.skew).div_ceil(0x1_0000);
        self.late = self.late.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX));
    }

    /// Takes a text that is shown at a tick.
    pub(super) fn show(&mut self, tick: u32, kind: u8, text: Vec<u8>) {
        if let Some(texts) = self.texts.as_mut().filter(|texts| texts.len() < MAX_TEXTS) {
            texts.push_back((tick, kind, text));
        }
    }

    /// Takes the texts that are due.
    pub(super) fn texts_until(&mut self, tick: u32) -> Vec<(u8, Vec<u8>)> {
        let Some(texts) = &mut self.texts else { return Vec::new() };
        let due = texts.iter().take_while(|(at, ..)| *at <= tick).count();
        texts.drain(..due).map(|(_, kind, text)| (kind, text)).collect()
    }
}
