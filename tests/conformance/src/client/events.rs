//! Events: made for a test, and taken out of what was read.

use super::TIMER;
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime, Note};
use aseqd_abi::{Address, Event, EventType};
use std::time::Duration;
use zerocopy::{FromBytes, IntoBytes};

/// An event that was read, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// The record.
    pub event: Event,
    /// The data of a variable event, without padding.
    pub data: Vec<u8>,
}

/// Cuts what a read returned into events.
pub(crate) fn split(bytes: &[u8]) -> Vec<Received> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (event, after) = Event::read_from_prefix(rest).expect("a whole record");
        rest = after;
        let mut data = Vec::new();
        if event.is_variable() {
            let len = event.data.ext_len() as usize;
            let padded = len.next_multiple_of(EVENT_SIZE);
            assert!(rest.len() >= padded, "the data is all there");
            data.extend_from_slice(&rest[..len]);
            rest = &rest[padded..];
        }
        all.push(Received { event, data });
    }
    all
}

/// Returns a note-on that goes directly from port 0 to an address.
pub(crate) fn note_on(dest: Address, note: u8) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = dest;
    event.data = EventData::from_note(Note { note, velocity: 100, ..Note::default() });
    event
}

/// Returns the event, due at a tick of a queue.
pub(crate) fn at_tick(mut event: Event, queue: u8, tick: u32) -> Event {
    event.queue = queue;
    event.flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
    event.time = EventTime::tick(tick);
    event
}

/// Returns the event, due at a time of a queue.
pub(crate) fn at_time(mut event: Event, queue: u8, time: Duration) -> Event {
    event.queue = queue;
    event.flags.insert(EventFlags::REAL_TIME);
    event.flags.remove(EventFlags::RELATIVE);
    let sec = u32::try_from(time.as_secs()).expect("seconds");
    event.time = EventTime::real(sec, time.subsec_nanos());
    event
}

/// Returns a control event for a queue that goes directly to the timer port.
pub(crate) fn control(queue: u8, event_type: EventType, value: u32, value2: u32) -> Event {
    let mut event = Event::direct(event_type);
    event.dest = TIMER;
    event.data = EventData::from_queue(queue, value, value2);
    event
}

/// Returns a direct event of a type, with data of variable length.
pub(crate) fn variable(event_type: EventType, dest: Address, len: usize) -> Event {
    let mut event = Event::direct(event_type);
    event.flags = EventFlags::VARIABLE;
    event.dest = dest;
    event.data = EventData::from_ext_len(u32::try_from(len).expect("a length"));
    event
}

/// Returns the number of a note event.
pub(crate) fn note_of(event: &Event) -> u8 {
    event.data.note().note
}

/// Returns several events as one buffer.
pub(crate) fn batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    events.into_iter().flat_map(Event::as_bytes).copied().collect()
}
