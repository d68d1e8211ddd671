//! The last events.

use crate::monitor::words;
use aseqd_abi::{Address, Event};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

/// How many events are kept.
pub(super) const KEPT: usize = 1000;
/// How many bytes of a SysEx are kept: more than the widest screen shows.
const DATA: usize = 96;

/// An event that has arrived.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// When it arrived.
    pub(super) at: Duration,
    pub(super) event: Event,
    /// The beginning of its data.
    data: Box<[u8]>,
    /// How many bytes of data it has.
    len: usize,
    /// How late it was, in nanoseconds, if that is known.
    pub(super) late: Option<i64>,
}

impl Entry {
    pub(super) fn new(at: Duration, event: Event, data: &[u8], late: Option<i64>) -> Self {
        let kept = data.get(..DATA).unwrap_or(data);
        Self { at, event, data: kept.into(), len: data.len(), late }
    }

    /// Returns the port that the event came from.
    pub(super) const fn source(&self) -> Address {
        self.event.source
    }

    /// Returns type, channel and data in the columns of `aseqd monitor`.
    pub(super) fn text(&self) -> String {
        if self.event.is_variable() {
            let name = self.event.event_type.name().unwrap_or("variable");
            let mut text = format!("{name:<17}     {} bytes:", self.len);
            for byte in &self.data {
                let _infallible = write!(text, " {byte:02X}");
            }
            text.push_str(if self.len > self.data.len() { " ..." } else { "" });
            return text;
        }
        words(&self.event, &self.data)
    }
}

/// The last events, the newest at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) entries: VecDeque<Entry>,
    /// How many events have arrived.
    pub(super) total: u64,
    /// How many times events were lost.
    pub(super) lost: u64,
}

impl Log {
    /// Adds an event.
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// Returns the events that `only` names, or all, from the newest to the oldest.
    pub(super) fn newest(&self, only: Option<Address>) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .rev()
            .filter(move |entry| only.is_none_or(|port| port == entry.source()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;
    use aseqd_client::event::{EventExt as _, note_on, of_type};

    #[test]
    fn an_event_is_told_as_by_the_monitor() {
        let source = Address::new(255, 255);
        let event = note_on(9, 60, 100).sent_from(source).at_tick(3, 4_000_000_000);
        let entry = Entry::new(Duration::ZERO, event, &[], None);
        assert_eq!(entry.text(), "NOTEON             9  note 60 (C4), velocity 100");
        assert_eq!(entry.source(), source);
    }

    #[test]
    fn a_long_sysex_is_kept_in_part() {
        let mut event = of_type(EventType::SYSEX);
        event.flags = aseqd_abi::EventFlags::VARIABLE;
        let entry = |data: &[u8]| Entry::new(Duration::ZERO, event, data, None);
        assert_eq!(entry(&[0xf0, 1, 0xf7]).text(), "SYSEX                 3 bytes: F0 01 F7");
        let long = entry(&[0x11; 65_536]);
        assert_eq!(long.data.len(), DATA);
        assert!(long.text().starts_with("SYSEX                 65536 bytes: 11 11"));
        assert!(long.text().ends_with(" 11 ..."));
    }

    #[test]
    fn the_oldest_events_go() {
        let mut log = Log::default();
        for number in 0..KEPT as u64 + 5 {
            let entry = Entry::new(Duration::from_secs(number), note_on(0, 1, 2), &[], None);
            log.add(entry);
        }
        assert_eq!(log.entries.len(), KEPT);
        assert_eq!(log.entries[0].at, Duration::from_secs(5));
        assert_eq!(log.newest(Some(Address::new(1, 1))).count(), 0);
    }
}
