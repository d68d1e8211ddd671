//! One track, parsed as it is read.

use crate::event::{ChannelMessage, EventKind, Meta, SysEx, TrackEvent, data_len};
use crate::finding::{Findings, Oddity};
use crate::scan::Extent;
use crate::source::{Source, Window};

/// The most bytes of a number. The standard allows four; some writers pad with `80`.
const MAX_NUMBER_LEN: usize = 16;
/// How many bytes must be read before an event is parsed: two numbers, a status, a type, and two to spare.
const HEAD: usize = 2 * MAX_NUMBER_LEN + 4;
/// The most bytes of a SysEx in one event, and the most of a text that are kept. Larger ones would let a small
/// file take much memory.
const MAX_DATA: usize = 64 * 1024;
/// How many bytes are searched for the `F7` of a SysEx without a length.
const MAX_RAW_SYSEX: usize = 4096;

/// An iterator over the events of one track. It goes on after damage as long as later bytes make sense.
#[derive(Clone, Debug)]
pub struct Track {
    number: usize,
    window: Window,
    /// Where the chunk says that the track ends.
    stated_end: u64,
    /// The latest position at which the track can end.
    end: u64,
    file_end: u64,
    tick: u32,
    /// The status of the last channel message.
    status: Option<u8>,
    /// Whether a meta event or a SysEx came since, which by the standard ends running status.
    status_ended: bool,
    in_sysex: bool,
    /// How many bytes are left of a SysEx that is longer than an event.
    rest: u64,
    /// The delta time of the next event, if it was already read, after skipped bytes.
    delta: Option<u32>,
    over: bool,
    findings: Findings,
}

/// A variable-length number at the start of some bytes.
enum Number {
    /// Its value, cut to 32 bits, and how long it is.
    Is(u32, usize),
    /// The bytes end before it does.
    Cut,
    /// It is too long for a number.
    Endless,
}

#[inline]
fn number(bytes: &[u8]) -> Number {
    if let Some(byte @ 0..=0x7f) = bytes.first() {
        return Number::Is(u32::from(*byte), 1);
    }
    let mut value = 0_u32;
    for (at, byte) in bytes.iter().take(MAX_NUMBER_LEN).enumerate() {
        value = match value.leading_zeros() {
            7.. => value << 7 | u32::from(byte & 0x7f),
            _ => u32::MAX,
        };
        if byte & 0x80 == 0 {
            return Number::Is(value, at + 1);
        }
    }
    if bytes.len() < MAX_NUMBER_LEN { Number::Cut } else { Number::Endless }
}

impl Track {
    pub(crate) fn new(source: &Source, number: usize, extent: &Extent) -> Self {
        Self {
            number,
            window: Window::new(source, extent.start..extent.end),
            stated_end: extent.stated_end,
            end: extent.end,
            file_end: extent.file_end,
            tick: 0,
            status: None,
            status_ended: false,
            in_sysex: false,
            rest: 0,
            delta: None,
            over: false,
            findings: Findings::default(),
        }
    }

    /// Returns the track's number in the file, from 0.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the tick of the last event.
    #[must_use]
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// Returns what was wrong with the part that has been read.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    pub(crate) fn note(&mut self, oddity: Oddity, offset: u64) {
        self.findings.note(oddity, Some(self.number), offset);
    }

    /// Ends the track: its rest is left out.
    fn give_up(&mut self, oddity: Oddity, offset: u64) {
        self.over = true;
        let truncated = self.stated_end > self.end && self.end >= self.file_end;
        let oddity = match oddity {
            _ if self.window.failed() => Oddity::ReadError,
            Oddity::CutEvent | Oddity::MissingEnd if truncated => Oddity::Truncated,
            oddity => oddity,
        };
        self.note(oddity, offset);
        if !truncated && self.stated_end != self.end {
            self.note(Oddity::ChunkLength, offset);
        }
    }

    /// Ends the track where its bytes end within an event. If only an End of Track can be cut, nothing is
    /// lost.
    fn ends_early(&mut self, offset: u64, delta_len: usize) {
        let bytes = self.window.bytes();
        let cut_end = b"\xff\x2f\x00".starts_with(bytes.get(delta_len..).unwrap_or_default());
        let oddity = if cut_end { Oddity::MissingEnd } else { Oddity::CutEvent };
        self.give_up(oddity, offset);
    }

    /// Returns what the bytes after this track's chunk are.
    fn padding(&self) -> Oddity {
        match self.end >= self.file_end {
            true => Oddity::TrailingBytes,
            false => Oddity::BytesBetweenChunks,
        }
    }

    /// Ends the track at its End of Track.
    fn end_of_track(&mut self) {
        self.over = true;
        let here = self.window.position();
        let behind = self.padding();
        let oddity = match here {
            _ if here == self.end && here == self.stated_end => return,
            _ if here == self.stated_end => behind,
            _ if here < self.stated_end && self.stated_end <= self.end => Oddity::BytesAfterEnd,
            _ => Oddity::ChunkLength,
        };
        self.note(oddity, here);
    }

    fn event(&self, offset: u64, kind: EventKind) -> TrackEvent {
        TrackEvent { tick: self.tick, offset, kind }
    }

    /// Returns a packet of bytes to send, in events of a bounded size.
    fn packet(&mut self, offset: u64, start: bool, len: u64) -> TrackEvent {
        let now = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_DATA);
        let data = self.window.take(now);
        self.rest = len - now as u64;
        if data.len() < now {
            // The file became shorter.
            self.rest = 0;
            self.note(Oddity::ReadError, offset);
        }
        let ends = data.last() == Some(&0xf7) && self.rest == 0;
        if start {
            if self.in_sysex {
                self.note(Oddity::UnendedSysEx, offset);
            }
            self.in_sysex = true;
        }
        let kind = if self.in_sysex {
            EventKind::SysEx(SysEx { start, data, split: self.rest > 0 })
        } else {
            EventKind::Escape(data)
        };
        self.in_sysex &= !ends;
        self.event(offset, kind)
    }

    fn meta(&mut self, offset: u64, kind: u8, len: u64) -> TrackEvent {
        let kept = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_DATA);
        let mut data = self.window.take(kept);
        if len > kept as u64 {
            self.window.skip(len - kept as u64);
            self.note(Oddity::LongText, offset);
        }
        if let Some(standard) = Meta::standard_len(kind)
            && data.len() != standard
        {
            let short_tempo = kind == 0x51 && data.len() < standard;
            self.note(if short_tempo { Oddity::TempoShort } else { Oddity::MetaLength }, offset);
            if data.len() > standard {
                data.truncate(standard);
            }
        }
        let full = Meta::standard_len(kind).is_none_or(|standard| data.len() == standard);
        let meta = Meta::from_data(kind, data);
        match meta {
            Meta::Tempo(0) => self.note(Oddity::TempoZero, offset),
            Meta::Other { kind, .. } if full && Meta::standard_len(kind).is_some() => {
                self.note(Oddity::MetaValue, offset);
            }
            _ => {}
        }
        self.event(offset, EventKind::Meta(meta))
    }

    /// Moves on in time. Returns false if the ticks do not suffice, which ends the track.
    #[inline]
    fn advance(&mut self, delta: u32, offset: u64) -> bool {
        match self.tick.checked_add(delta) {
            Some(tick) if delta < u32::MAX => {
                self.tick = tick;
                true
            }
            _ => {
                self.give_up(Oddity::TooLate, offset);
                false
            }
        }
    }

    /// Skips data bytes without a status byte. The last of them is the delta time of the status that follows.
    fn skip_stray(&mut self, offset: u64) {
        self.note(Oddity::StrayData, offset);
        let last = self.window.skip_while(|byte| byte < 0x80);
        self.delta = Some(last.map_or(0, u32::from));
    }

    /// Parses an event of status `FF`, `F0` or `F7` at the start of the window. Returns `None` if it is cut.
    fn long_event(&mut self, offset: u64, head: usize, status: u8) -> Option<TrackEvent> {
        let bytes = self.window.bytes();
        let at = head + usize::from(status == 0xff);
        let kind = bytes.get(head).copied().unwrap_or_default();
        let (len, len_of_len) = match number(bytes.get(at..).unwrap_or_default()) {
            Number::Is(len, len_of_len) => (len, len_of_len),
            // Treated like a length that is too long.
            Number::Cut | Number::Endless => (u32::MAX, 0),
        };
        let body = at + len_of_len;
        let left = self.window.unread().saturating_sub(body as u64);
        let mut len = u64::from(len);
        if len_of_len > 4 {
            self.note(Oddity::LongNumber, offset);
        }
        if status == 0xff {
            self.status_ended = true;
            let fits = |standard: &usize| *standard as u64 <= left && len_of_len > 0;
            if kind == 0x2f && len_of_len > 0 {
                if len != 0 {
                    self.note(Oddity::MetaLength, offset);
                }
                self.window.consume(body);
                self.window.skip(len.min(if len <= left { left } else { 0 }));
                if self.in_sysex {
                    self.note(Oddity::UnendedSysEx, offset);
                }
                self.end_of_track();
                return Some(self.event(offset, EventKind::Meta(Meta::EndOfTrack)));
            }
            if len > left {
                len = Meta::standard_len(kind).filter(fits)? as u64;
                self.note(Oddity::MetaLength, offset);
            }
            self.window.consume(body);
            return Some(self.meta(offset, kind, len));
        }
        if len > left {
            // Some writers store the message as it is sent, without a length.
            let wanted = at + MAX_RAW_SYSEX;
            let raw = self.window.fill(wanted).get(at..).unwrap_or_default();
            let end = raw.iter().take(MAX_RAW_SYSEX).position(|byte| *byte >= 0x80);
            let end = end.filter(|end| status == 0xf0 && raw[*end] == 0xf7)?;
            self.note(Oddity::SysExWithoutLength, offset);
            self.status_ended = true;
            self.window.consume(at);
            return Some(self.packet(offset, true, end as u64 + 1));
        }
        self.status_ended = true;
        self.window.consume(body);
        Some(self.packet(offset, status == 0xf0, len))
    }

    /// Skips a system message, which a file cannot have.
    fn skip_system(&mut self, offset: u64, head: usize, status: u8) {
        self.note(Oddity::SystemMessage, offset);
        let data = match status {
            0xf1 | 0xf3 => 1,
            0xf2 => 2,
            _ => 0,
        };
        let bytes = self.window.bytes().get(head..).unwrap_or_default();
        let data = bytes.iter().take(data).take_while(|byte| **byte < 0x80).count();
        self.window.consume(head + data);
    }

    /// Parses the next event that is not skipped.
    fn parse(&mut self) -> Option<TrackEvent> {
        loop {
            let offset = self.window.position();
            let bytes = self.window.fill(HEAD);
            if bytes.is_empty() {
                self.give_up(Oddity::MissingEnd, offset);
                return None;
            }
            if offset == self.stated_end && bytes.iter().take(HEAD).all(|byte| *byte == 0) {
                // The chunk's length is right, and the file is padded.
                self.over = true;
                self.note(Oddity::MissingEnd, offset);
                self.note(self.padding(), offset);
                return None;
            }
            let (delta, delta_len) = match (self.delta.take(), number(bytes)) {
                (Some(delta), _) => (delta, 0),
                (None, Number::Is(delta, len)) => (delta, len),
                (None, Number::Cut) => {
                    self.give_up(Oddity::CutEvent, offset);
                    return None;
                }
                (None, Number::Endless) => {
                    self.note(Oddity::NoNumber, offset);
                    self.window.skip_while(|byte| byte >= 0x80);
                    continue;
                }
            };
            let Some(&first) = bytes.get(delta_len) else {
                self.ends_early(offset, delta_len);
                return None;
            };
            let head = delta_len + usize::from(first >= 0x80);
            let running = first < 0x80;
            let status = if running { self.status } else { Some(first) };
            let data = [bytes.get(head).copied(), bytes.get(head + 1).copied()];
            if delta_len > 4 {
                self.note(Oddity::LongNumber, offset);
            }
            if !self.advance(delta, offset) {
                return None;
            }
            match status {
                Some(status @ 0x80..=0xef) => {
                    let count = data_len(status);
                    let (Some(one), two) = (data[0], data[1]) else {
                        self.give_up(Oddity::CutEvent, offset);
                        return None;
                    };
                    let two = if count == 2 { two } else { Some(0) };
                    let Some(two) = two else {
                        self.give_up(Oddity::CutEvent, offset);
                        return None;
                    };
                    for (at, byte) in [one, two].into_iter().enumerate() {
                        if byte >= 0x80 {
                            self.note(Oddity::HighData, offset + (head + at) as u64);
                        }
                    }
                    if running && self.status_ended {
                        self.note(Oddity::RunningStatus, offset);
                    }
                    if self.in_sysex {
                        self.in_sysex = false;
                        self.note(Oddity::UnendedSysEx, offset);
                    }
                    (self.status, self.status_ended) = (Some(status), false);
                    self.window.consume(head + count);
                    let message = ChannelMessage::from_bytes(status, [one, two])?;
                    return Some(self.event(offset, EventKind::Channel(message)));
                }
                Some(status @ (0xf0 | 0xf7 | 0xff)) => {
                    let event = self.long_event(offset, head, status);
                    if event.is_none() {
                        self.ends_early(offset, delta_len);
                    }
                    return event;
                }
                Some(status) => self.skip_system(offset, head, status),
                None => {
                    self.window.consume(delta_len);
                    self.skip_stray(offset);
                }
            }
        }
    }
}

impl Iterator for Track {
    type Item = TrackEvent;

    #[inline]
    fn next(&mut self) -> Option<TrackEvent> {
        if self.rest > 0 {
            let offset = self.window.position();
            return Some(self.packet(offset, false, self.rest));
        }
        if self.over { None } else { self.parse() }
    }
}
