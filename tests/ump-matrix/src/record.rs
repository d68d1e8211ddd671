//! Records to send, and records that were read.

use crate::rng::Rng;
use crate::scene::Scene;
use aseqd_abi::event::{ADDRESS_SUBSCRIBERS, EventData, EventLength, EventTime, QUEUE_DIRECT};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Event, EventFlags, EventType};
use zerocopy::IntoBytes as _;

/// One record to send.
#[derive(Clone, Debug)]
pub enum Record {
    /// A packet.
    Ump(UmpEvent),
    /// A legacy event, and the data that follows it.
    Legacy(Event, Vec<u8>),
}

/// The queue of a scene: the first that there is.
pub(crate) const QUEUE: u8 = 0;

/// Every record goes to the subscribers of a port.
const TO: Address = Address::new(ADDRESS_SUBSCRIBERS, 0);

impl Record {
    /// Returns the record of a packet.
    pub(crate) fn packet(ump: [u32; 4]) -> Self {
        Self::Ump(UmpEvent {
            event_type: EventType(0),
            flags: EventFlags::UMP,
            tag: 0,
            queue: QUEUE_DIRECT,
            time: EventTime::default(),
            source: Address::new(0, 0),
            dest: TO,
            ump,
        })
    }

    /// Returns the record of an event without data behind it.
    pub(crate) fn event(event_type: EventType, data: EventData) -> Self {
        Self::Legacy(Event { data, dest: TO, ..Event::direct(event_type) }, Vec::new())
    }

    /// Returns the record of an event with data behind it.
    pub(crate) fn variable(event_type: EventType, bytes: Vec<u8>) -> Self {
        let len = u32::try_from(bytes.len()).expect("a short event");
        let event = Event {
            flags: EventFlags::VARIABLE,
            data: EventData::from_ext_len(len),
            dest: TO,
            ..Event::direct(event_type)
        };
        Self::Legacy(event, bytes)
    }

    /// Returns the record with random flags, tag and time. The bits of the flags that say what follows stay.
    pub(crate) fn with_random_head(mut self, rng: &mut Rng) -> Self {
        let fixed = EventFlags::VARIABLE | EventFlags::VARUSR | EventFlags::UMP;
        let random = EventFlags::from_bits_retain(rng.byte()).difference(fixed);
        let (flags, tag, time) = match &mut self {
            Self::Ump(event) => (&mut event.flags, &mut event.tag, &mut event.time),
            Self::Legacy(event, _) => (&mut event.flags, &mut event.tag, &mut event.time),
        };
        flags.insert(random);
        *tag = rng.byte();
        *time = EventTime { tick_or_sec: rng.word(), nsec: rng.word() };
        self
    }

    /// Returns the record as the sender of a scene sends it, or `None` if what comes of it would depend on the time.
    pub(crate) fn of_scene(mut self, scene: &Scene) -> Option<Self> {
        let (event_type, flags, queue, time, source) = match &mut self {
            Self::Ump(event) => (
                // Packets may have any type. It means nothing.
                EventType::NONE,
                &mut event.flags,
                &mut event.queue,
                &mut event.time,
                &mut event.source,
            ),
            Self::Legacy(event, _) => (
                event.event_type,
                &mut event.flags,
                &mut event.queue,
                &mut event.time,
                &mut event.source,
            ),
        };
        source.port = scene.from;
        if scene.is_queued {
            *queue = QUEUE;
            *time = EventTime::default();
            flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
            // The note-off of a note comes later.
            return (event_type != EventType::NOTE).then_some(self);
        }
        Some(self)
    }

    /// Appends the bytes to write.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ump(event) => out.extend_from_slice(event.as_bytes()),
            Self::Legacy(event, data) => {
                out.extend_from_slice(event.as_bytes());
                out.extend_from_slice(data);
            }
        }
    }
}

/// Size of a record as a client of this form reads it.
pub(crate) const fn stride(is_ump_client: bool) -> usize {
    if is_ump_client { size_of::<UmpEvent>() } else { size_of::<Event>() }
}

/// Cuts the bytes that a client has read into records with their data, and takes the client numbers out, which say
/// nothing about the event.
pub(crate) fn split(bytes: &mut [u8], is_ump_client: bool, mut each: impl FnMut(&[u8])) {
    let stride = stride(is_ump_client);
    let mut rest = bytes;
    while !rest.is_empty() {
        let flags = EventFlags::from_bits_retain(rest[1]);
        let is_variable =
            flags.length() == EventLength::VARIABLE && !flags.contains(EventFlags::UMP);
        let data = if is_variable {
            let len = u32::from_ne_bytes([rest[16], rest[17], rest[18], rest[19]]) as usize;
            len.next_multiple_of(stride)
        } else {
            0
        };
        let (record, after) = rest.split_at_mut(stride + data);
        record[12] = 0;
        record[14] = 0;
        each(record);
        rest = after;
    }
}
