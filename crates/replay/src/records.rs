//! Cuts what programs write and read into events.

use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Event, EventFlags};
use std::ops::Range;
use zerocopy::FromBytes as _;

/// The bits of a length that count.
const LEN_MASK: u32 = 0x3fff_ffff;

/// Returns where the events of a write are, each with its data. `ump` says whether the client speaks UMP. Bytes that
/// are no whole event come last, as a range of their own.
#[must_use]
pub fn written(data: &[u8], ump: bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while let Ok((event, rest)) = Event::read_from_prefix(&data[start..]) {
        let len = if ump && event.flags.contains(EventFlags::UMP) {
            size_of::<UmpEvent>()
        } else if event.is_variable() {
            let len = event.data.ext_len() & LEN_MASK;
            EVENT_SIZE.saturating_add(usize::try_from(len).unwrap_or(usize::MAX))
        } else {
            EVENT_SIZE
        };
        if len > EVENT_SIZE + rest.len() {
            break;
        }
        ranges.push(start..start + len);
        start += len;
    }
    if start < data.len() {
        ranges.push(start..data.len());
    }
    ranges
}

/// Returns where the events are that a read returned, each with its data. `ump` says whether these are records for a client
/// that speaks UMP. An event that is cut short is left out.
#[must_use]
pub fn read(bytes: &[u8], ump: bool) -> Vec<Range<usize>> {
    let size = if ump { size_of::<UmpEvent>() } else { EVENT_SIZE };
    let mut ranges = Vec::new();
    let mut start = 0;
    while let Ok((event, _)) = Event::read_from_prefix(&bytes[start..]) {
        let data = if event.is_variable() { event.data.ext_len() & LEN_MASK } else { 0 };
        let data = usize::try_from(data).unwrap_or(usize::MAX).checked_next_multiple_of(size);
        let end = data.and_then(|data| start.checked_add(size)?.checked_add(data));
        let Some(end) = end.filter(|end| *end <= bytes.len()) else { break };
        ranges.push(start..end);
        start = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;
    use aseqd_abi::event::EventData;
    use zerocopy::IntoBytes as _;

    #[test]
    fn a_write_is_cut_into_its_events() {
        let note = Event::direct(EventType::NOTEON);
        let mut sysex = Event::direct(EventType::SYSEX);
        sysex.flags = EventFlags::VARIABLE;
        sysex.data = EventData::from_ext_len(3);
        let packet = UmpEvent { flags: EventFlags::UMP, ..aseqd_client::ump::note_on(0, 0, 1, 2) };
        let data = [sysex.as_bytes(), &[0xf0, 1, 0xf7], note.as_bytes(), packet.as_bytes(), &[9]];
        let data = data.concat();
        assert_eq!(written(&data, true), [0..31, 31..59, 59..91, 91..92]);
        assert_eq!(written(&data, false), [0..31, 31..59, 59..87, 87..92]);
        // Data that is cut short belongs to the rest.
        assert_eq!(written(&data[..30], true).first(), Some(&(0..30)));
        assert_eq!(written(&[], true), [0..0; 0]);
    }
}
