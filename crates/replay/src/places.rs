//! Where the numbers of clients and queues stand in what programs pass and get.
//!
//! A step that is left out, or another sequencer, changes the numbers that the others get. So they are looked up, rather
//! than repeated.

use crate::records;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Event, EventType};
use aseqd_describe::{Caller, Field, find};
use std::mem::offset_of;
use zerocopy::FromBytes as _;

/// What a number names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A client.
    Client,
    /// A queue.
    Queue,
}

/// Where a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub at: usize,
    /// How many bytes it has: 1 or 4.
    pub size: usize,
    /// What it names.
    pub kind: Kind,
}

impl Place {
    const fn byte(at: usize, kind: Kind) -> Self {
        Self { at, size: 1, kind }
    }

    fn of(field: &Field) -> Option<Self> {
        let at = field.offset;
        match field.kind {
            aseqd_describe::Kind::Client(size) => Some(Self { at, size, kind: Kind::Client }),
            aseqd_describe::Kind::Queue(size) => Some(Self { at, size, kind: Kind::Queue }),
            _ => None,
        }
    }
}

/// Returns where the numbers are in the struct of a request.
pub fn of_request(request: u32, compat: bool) -> impl Iterator<Item = Place> {
    let caller = if compat { Caller::Narrow } else { Caller::Wide };
    let fields = find(request, caller).map_or(&[][..], |request| request.fields);
    fields.iter().filter_map(Place::of)
}

/// Where the data of an event begins.
const DATA: usize = offset_of!(Event, data);
const HEAD: [Place; 3] = [
    Place::byte(offset_of!(Event, queue), Kind::Queue),
    Place::byte(offset_of!(Event, source), Kind::Client),
    Place::byte(offset_of!(Event, dest), Kind::Client),
];
const OF_QUEUE: &[Place] = &[HEAD[0], HEAD[1], HEAD[2], Place::byte(DATA, Kind::Queue)];
const OF_CLIENT: &[Place] = &[HEAD[0], HEAD[1], HEAD[2], Place::byte(DATA, Kind::Client)];
const OF_CONNECTION: &[Place] = &[
    HEAD[0],
    HEAD[1],
    HEAD[2],
    Place::byte(DATA, Kind::Client),
    Place::byte(DATA + 2, Kind::Client),
];

/// Returns where the numbers are in an event record.
#[must_use]
pub const fn of_event(event: &Event) -> &'static [Place] {
    match event.event_type {
        EventType(30..=38) => OF_QUEUE,
        EventType(60..=65 | 68..=69) => OF_CLIENT,
        EventType::PORT_SUBSCRIBED | EventType::PORT_UNSUBSCRIBED => OF_CONNECTION,
        _ => &HEAD,
    }
}

/// Replaces each number at these places by what `map` makes of it.
pub fn replace(
    bytes: &mut [u8],
    places: impl IntoIterator<Item = Place>,
    mut map: impl FnMut(Kind, u8) -> u8,
) {
    for place in places {
        let Some(number) = bytes.get_mut(place.at..place.at + place.size) else { continue };
        // Numbers beyond a byte name nothing.
        if number[1..].iter().all(|byte| *byte == 0) {
            number[0] = map(place.kind, number[0]);
        }
    }
}

/// Replaces each number in the events of a write.
pub fn replace_written(data: &mut [u8], ump: bool, mut map: impl FnMut(Kind, u8) -> u8) {
    for range in records::written(data, ump) {
        let record = &mut data[range];
        if let Ok((event, _)) = Event::read_from_prefix(record) {
            replace(record, of_event(&event).iter().copied(), &mut map);
        }
    }
}

/// Replaces each number in the events that a read returned. `ump` says whether they are records of a client that
/// speaks UMP.
pub fn replace_read(bytes: &mut [u8], ump: bool, mut map: impl FnMut(Kind, u8) -> u8) {
    let size = if ump { size_of::<UmpEvent>() } else { EVENT_SIZE };
    let mut rest = bytes;
    while let Ok((event, _)) = Event::read_from_prefix(rest) {
        replace(rest, of_event(&event).iter().copied(), &mut map);
        let data = if event.is_variable() { event.data.ext_len() } else { 0 };
        let data = usize::try_from(data).unwrap_or(usize::MAX);
        let data = data.checked_next_multiple_of(size).unwrap_or(usize::MAX);
        rest = rest.get_mut(size.saturating_add(data)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::ioctl::sequencer as s;
    use aseqd_abi::seq::{PortSubscribe, QuerySubs};
    use aseqd_abi::{Address, seq::QueueClient};
    use zerocopy::IntoBytes as _;

    /// Adds 1 to clients and 2 to queues.
    fn shifted(kind: Kind, number: u8) -> u8 {
        number + if kind == Kind::Client { 1 } else { 2 }
    }

    #[test]
    fn numbers_of_requests_are_found() {
        let mut info = PortSubscribe {
            sender: Address::new(128, 3),
            dest: Address::new(129, 4),
            queue: 5,
            ..PortSubscribe::default()
        };
        replace(info.as_mut_bytes(), of_request(s::SUBSCRIBE_PORT, false), shifted);
        assert_eq!((info.sender, info.dest), (Address::new(129, 3), Address::new(130, 4)));
        assert_eq!(info.queue, 7);
        let mut info = QueueClient { queue: 5, client: 128, used: 1, ..QueueClient::default() };
        replace(info.as_mut_bytes(), of_request(s::SET_QUEUE_CLIENT, false), shifted);
        assert_eq!((info.queue, info.client, info.used), (7, 129, 1));
        // -1 and the like name nothing.
        info.client = -1;
        replace(info.as_mut_bytes(), of_request(s::SET_QUEUE_CLIENT, false), shifted);
        assert_eq!(info.client, -1);
        let mut subs = QuerySubs { root: Address::new(1, 1), queue: 1, ..QuerySubs::default() };
        replace(subs.as_mut_bytes(), of_request(s::QUERY_SUBS, false), shifted);
        assert_eq!((subs.root, subs.queue, subs.addr.client), (Address::new(2, 1), 3, 1));
        assert_eq!(of_request(1, false).count(), 0);
    }

    #[test]
    fn numbers_of_events_are_found() {
        let mut event = Event { queue: 1, ..Event::direct(EventType::PORT_SUBSCRIBED) };
        event.data.0 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let mut bytes = [event.as_bytes(), event.as_bytes()].concat();
        replace_written(&mut bytes, false, shifted);
        for record in bytes.chunks(EVENT_SIZE) {
            let changed = Event::read_from_bytes(record).expect("a record");
            assert_eq!(changed.data.0, [2, 2, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
            assert_eq!((changed.queue, changed.source.client, changed.dest.client), (3, 1, 1));
        }
        let mut again = bytes.clone();
        replace_read(&mut again, false, shifted);
        assert_eq!((again[3], again[31], again[16], again[44]), (5, 5, 3, 3));
    }
}
