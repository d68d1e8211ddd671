//! Events that were read ahead: a read returns as many as there are, and a program asks for one at a time.

use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Event, EventFlags};
use std::collections::VecDeque;
use zerocopy::FromBytes as _;

/// Cells of an input pool of default size. An event needs one cell, its data one more for every 28 bytes.
const DEFAULT_CELLS: usize = 200;

/// The size of a record that a client of UMP reads, in bytes: a packet, or an ordinary event and 4 bytes of zero.
const UMP_SIZE: usize = size_of::<UmpEvent>();

/// Something that a client has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event with its data.
    Event(Event, Vec<u8>),
    /// A UMP packet. Only clients that speak UMP receive packets.
    Packet(UmpEvent),
}

impl Received {
    /// Cuts what a read returned into events with their data, and packets. `ump` says whether these are records for a
    /// client that speaks UMP: they are longer.
    #[must_use]
    pub fn of_read(bytes: &[u8], ump: bool) -> Vec<Self> {
        split(bytes, ump)
    }
}

/// Events in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Unread {
    events: VecDeque<Received>,
    /// Room for one read: as much as a full input pool, so that the longest event fits.
    buffer: Vec<u8>,
}

impl Default for Unread {
    fn default() -> Self {
        Self { events: VecDeque::new(), buffer: vec![0; DEFAULT_CELLS * UMP_SIZE] }
    }
}

impl Unread {
    /// Returns whether there is no event.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes and returns what comes next.
    pub(crate) fn next(&mut self) -> Option<Received> {
        self.events.pop_front()
    }

    /// Returns whether a packet comes next.
    pub(crate) fn is_packet(&self) -> bool {
        matches!(self.events.front(), Some(Received::Packet(_)))
    }

    /// Forgets all events.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// Makes room for all events of an input pool of this many cells.
    pub(crate) fn fit(&mut self, cells: usize) {
        self.buffer.resize(cells.max(DEFAULT_CELLS) * UMP_SIZE, 0);
    }

    /// Calls `read` with the buffer, and adds the events that it reads. It returns how many bytes it has filled. `ump`
    /// says whether they are records for a client of UMP.
    ///
    /// # Errors
    /// The errors of `read`.
    pub(crate) fn fill<E>(
        &mut self,
        ump: bool,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let len = read(&mut self.buffer)?;
        self.events.extend(split(&self.buffer[..len], ump));
        Ok(())
    }
}

/// Cuts what a read returned into events with their data, and packets.
fn split(bytes: &[u8], ump: bool) -> Vec<Received> {
    let size = if ump { UMP_SIZE } else { EVENT_SIZE };
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Ok((event, _)) = Event::read_from_prefix(rest) {
        if ump && event.flags.contains(EventFlags::UMP) {
            let Ok((packet, after)) = UmpEvent::read_from_prefix(rest) else { break };
            events.push(Received::Packet(packet));
            rest = after;
            continue;
        }
        rest = rest.get(size..).unwrap_or_default();
        let mut data = Vec::new();
        if event.is_variable() {
            let len = (event.data.ext_len() as usize).min(rest.len());
            data.extend_from_slice(&rest[..len]);
            rest = &rest[len.next_multiple_of(size).min(rest.len())..];
        }
        events.push(Received::Event(event, data));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::event::EventData;
    use aseqd_abi::{EventFlags, EventType};
    use zerocopy::IntoBytes as _;

    #[test]
    fn a_read_is_cut_into_events_and_their_data() {
        let mut event = Event::direct(EventType::SYSEX);
        event.flags = EventFlags::VARIABLE;
        event.data = EventData::from_ext_len(3);
        let mut bytes = event.as_bytes().to_vec();
        bytes.extend([0xf0, 1, 0xf7]);
        bytes.resize(2 * EVENT_SIZE, 0);
        bytes.extend(Event::direct(EventType::NOTEON).as_bytes());
        let mut unread = Unread::default();
        let read = |buffer: &mut [u8]| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok::<_, ()>(bytes.len())
        };
        unread.fill(false, read).unwrap();
        assert_eq!(unread.next(), Some(Received::Event(event, vec![0xf0, 1, 0xf7])));
        let note = Event::direct(EventType::NOTEON);
        assert_eq!(unread.next(), Some(Received::Event(note, Vec::new())));
        assert!(unread.is_empty());
    }

    #[test]
    fn records_of_a_ump_client_have_32_bytes() {
        let mut event = Event::direct(EventType::SYSEX);
        event.flags = EventFlags::VARIABLE;
        event.data = EventData::from_ext_len(33);
        let packet = crate::ump::note_on(1, 2, 3, 4);
        let mut bytes = event.as_bytes().to_vec();
        bytes.resize(UMP_SIZE, 0);
        bytes.extend([7; 33]);
        bytes.resize(3 * UMP_SIZE, 0);
        bytes.extend(packet.as_bytes());
        bytes.extend(Event::direct(EventType::NOTEON).as_bytes());
        // The last one is cut short, as no sequencer does.
        let wanted = [
            Received::Event(event, vec![7; 33]),
            Received::Packet(packet),
            Received::Event(Event::direct(EventType::NOTEON), Vec::new()),
        ];
        assert_eq!(split(&bytes, true), wanted);
        assert_eq!(split(&bytes[..100], true).len(), 1);
    }

    #[test]
    fn the_buffer_grows_with_the_pool_and_never_below_the_default() {
        let mut unread = Unread::default();
        for (cells, size) in [(2000, 64_000), (1, 6400)] {
            unread.fit(cells);
            unread
                .fill(false, |buffer| {
                    assert_eq!(buffer.len(), size);
                    Ok::<_, ()>(0)
                })
                .unwrap();
        }
    }
}
