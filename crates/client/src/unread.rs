//! Events that were read ahead: a read returns as many as there are, and a program asks for one at a time.

use aseqd_abi::Event;
use aseqd_abi::event::EVENT_SIZE;
use std::collections::VecDeque;
use zerocopy::FromBytes as _;

/// Cells of an input pool of default size. An event needs one cell, its data one more for every 28 bytes.
const DEFAULT_CELLS: usize = 200;

/// Events in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Unread {
    events: VecDeque<(Event, Vec<u8>)>,
    /// Room for one read: as much as a full input pool, so that the longest event fits.
    buffer: Vec<u8>,
}

impl Default for Unread {
    fn default() -> Self {
        Self { events: VecDeque::new(), buffer: vec![0; DEFAULT_CELLS * EVENT_SIZE] }
    }
}

impl Unread {
    /// Returns whether there is no event.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Takes and returns the next event.
    pub(crate) fn next(&mut self) -> Option<(Event, Vec<u8>)> {
        self.events.pop_front()
    }

    /// Forgets all events.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// Makes room for all events of an input pool of this many cells.
    pub(crate) fn fit(&mut self, cells: usize) {
        self.buffer.resize(cells.max(DEFAULT_CELLS) * EVENT_SIZE, 0);
    }

    /// Calls `read` with the buffer, and adds the events that it reads. It returns how many bytes it has filled.
    ///
    /// # Errors
    /// The errors of `read`.
    pub(crate) fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let len = read(&mut self.buffer)?;
        self.events.extend(split(&self.buffer[..len]));
        Ok(())
    }
}

/// Cuts what a read returned into events with their data.
fn split(bytes: &[u8]) -> Vec<(Event, Vec<u8>)> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Ok((event, after)) = Event::read_from_prefix(rest) {
        rest = after;
        let mut data = Vec::new();
        if event.is_variable() {
            let len = (event.data.ext_len() as usize).min(rest.len());
            data.extend_from_slice(&rest[..len]);
            rest = &rest[len.next_multiple_of(EVENT_SIZE).min(rest.len())..];
        }
        events.push((event, data));
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
        unread.fill(read).unwrap();
        assert_eq!(unread.next().unwrap().1, [0xf0, 1, 0xf7]);
        assert_eq!(unread.next().unwrap().0.event_type, EventType::NOTEON);
        assert!(unread.is_empty());
    }

    #[test]
    fn the_buffer_grows_with_the_pool_and_never_below_the_default() {
        let mut unread = Unread::default();
        for (cells, size) in [(2000, 56_000), (1, 5600)] {
            unread.fit(cells);
            unread
                .fill(|buffer| {
                    assert_eq!(buffer.len(), size);
                    Ok::<_, ()>(0)
                })
                .unwrap();
        }
    }
}
