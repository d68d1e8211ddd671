//! Where the events begin in what a read of the sequencer gives.

use aseqd_abi::Event;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::ump::UmpEvent;
use zerocopy::FromBytes as _;

/// Returns how many of the first `moved` bytes are whole events. `data` is all that a read gives.
pub(super) fn whole_events(data: &[u8], moved: usize) -> usize {
    let ends = ends(data);
    ends.into_iter().take_while(|end| *end <= moved).last().unwrap_or(0)
}

/// Returns where each event ends. A client's MIDI version decides whether its records have 28 or 32 bytes; here it
/// shows in a packet at the beginning, or else in the size that leads to the end of the data.
fn ends(data: &[u8]) -> Vec<usize> {
    let is_packet =
        Event::read_from_prefix(data).is_ok_and(|(event, _)| event.flags.contains(EventFlags::UMP));
    let narrow = if is_packet { None } else { walk(data, EVENT_SIZE) };
    narrow.or_else(|| walk(data, size_of::<UmpEvent>())).unwrap_or_default()
}

/// Returns where each event ends if records have this size, and the last one ends with the data.
fn walk(data: &[u8], size: usize) -> Option<Vec<usize>> {
    let (mut end, mut ends) = (0, Vec::new());
    while end < data.len() {
        let (event, _) = Event::read_from_prefix(&data[end..]).ok()?;
        let len = if event.is_variable() { event.data.ext_len() as usize } else { 0 };
        end = len.checked_next_multiple_of(size)?.checked_add(end + size)?;
        ends.push(end);
    }
    (end == data.len()).then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;
    use aseqd_abi::event::EventData;
    use zerocopy::IntoBytes as _;

    fn note() -> Event {
        Event::direct(EventType::NOTEON)
    }

    /// Returns a SysEx record with data of this length, in records of this size.
    fn sysex(len: u32, size: usize) -> Vec<u8> {
        let mut event = Event::direct(EventType::SYSEX);
        event.flags = EventFlags::VARIABLE;
        event.data = EventData::from_ext_len(len);
        let mut bytes = event.as_bytes().to_vec();
        bytes.resize(size + (len as usize).next_multiple_of(size), 0);
        bytes
    }

    #[test]
    fn legacy_events_end_with_their_data() {
        let data = [note().as_bytes(), &sysex(30, 28), note().as_bytes()].concat();
        assert_eq!(data.len(), 140);
        let whole = [0, 27, 28, 56, 111, 112, 139, 140].map(|moved| whole_events(&data, moved));
        assert_eq!(whole, [0, 0, 28, 28, 28, 112, 112, 140]);
    }

    #[test]
    fn records_of_a_ump_client_have_32_bytes() {
        let mut packet = [note().as_bytes(), &[0; 4]].concat();
        let legacy = packet.repeat(2);
        assert_eq!([28, 31, 32, 63].map(|moved| whole_events(&legacy, moved)), [0, 0, 32, 32]);
        packet[1] |= EventFlags::UMP.bits();
        // As many bytes as eight legacy records.
        assert_eq!([28, 32, 95].map(|moved| whole_events(&packet.repeat(7), moved)), [0, 32, 64]);
        let mixed = [sysex(3, 32), packet].concat();
        assert_eq!([32, 63, 64, 96].map(|moved| whole_events(&mixed, moved)), [0, 0, 64, 96]);
    }

    #[test]
    fn nonsense_is_no_event() {
        assert_eq!(whole_events(&[0; 27], 27), 0);
        assert_eq!(whole_events(&sysex(u32::MAX, 28)[..28], 28), 0);
        assert_eq!(whole_events(&[], 0), 0);
    }
}
