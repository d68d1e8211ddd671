//! Makes events: what happens, from where to where, and when.
//!
//! ```
//! use aseqd_client::event::{EventExt as _, note_on};
//! use aseqd_client::{Address, EventType};
//! use std::time::Duration;
//!
//! let (port, synth, queue) = (Address::new(128, 0), Address::new(129, 0), 1);
//! let now = note_on(0, 60, 100).sent_from(port).sent_to_subscribers();
//! let later = now.sent_to(synth).at_time(queue, Duration::from_millis(1500));
//! assert_eq!((later.event_type, later.time.tick_or_sec), (EventType::NOTEON, 1));
//! ```
//!
//! [`aseqd-midi`](https://docs.rs/aseqd-midi) makes events of MIDI bytes.

use aseqd_abi::event::{
    ADDRESS_SUBSCRIBERS, ADDRESS_UNKNOWN, Control, EventData, EventTime, Note, QUEUE_DIRECT,
};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Event, EventFlags, EventType};
use std::time::Duration;

/// Returns an event of a type with everything else zero. For SysEx and other events with data, which
/// [`Client::send_with_data`](crate::Client::send_with_data) adds.
#[must_use]
pub const fn of_type(event_type: EventType) -> Event {
    Event::direct(event_type)
}

/// Returns a note on: channel 0 to 15, key and velocity 0 to 127.
#[must_use]
pub fn note_on(channel: u8, key: u8, velocity: u8) -> Event {
    of_note(EventType::NOTEON, Note { channel, note: key, velocity, ..Note::default() })
}

/// Returns a note off.
#[must_use]
pub fn note_off(channel: u8, key: u8, velocity: u8) -> Event {
    of_note(EventType::NOTEOFF, Note { channel, note: key, velocity, ..Note::default() })
}

/// Returns a note with its duration, in ticks, or in ms for an event in real time. The queue that it must go through
/// makes a note on and a note off of it.
#[must_use]
pub fn note(channel: u8, key: u8, velocity: u8, duration: u32) -> Event {
    let off_velocity = 0;
    of_note(EventType::NOTE, Note { channel, note: key, velocity, off_velocity, duration })
}

/// Returns a polyphonic aftertouch.
#[must_use]
pub fn key_pressure(channel: u8, key: u8, pressure: u8) -> Event {
    of_note(EventType::KEYPRESS, Note { channel, note: key, velocity: pressure, ..Note::default() })
}

/// Returns a control change.
#[must_use]
pub fn controller(channel: u8, controller: u8, value: u8) -> Event {
    of_control(EventType::CONTROLLER, channel, controller.into(), value.into())
}

/// Returns a program change.
#[must_use]
pub fn program_change(channel: u8, program: u8) -> Event {
    of_control(EventType::PGMCHANGE, channel, 0, program.into())
}

/// Returns a channel aftertouch.
#[must_use]
pub fn channel_pressure(channel: u8, pressure: u8) -> Event {
    of_control(EventType::CHANPRESS, channel, 0, pressure.into())
}

/// Returns a pitch bend, -8192 to 8191; 0 is none.
#[must_use]
pub fn pitch_bend(channel: u8, bend: i16) -> Event {
    of_control(EventType::PITCHBEND, channel, 0, bend.into())
}

fn of_note(event_type: EventType, note: Note) -> Event {
    Event { data: EventData::from_note(note), ..Event::direct(event_type) }
}

fn of_control(event_type: EventType, channel: u8, param: u32, value: i32) -> Event {
    let data = EventData::from_control(Control { channel, param, value });
    Event { data, ..Event::direct(event_type) }
}

/// Addresses and times of an event or a UMP packet.
pub trait EventExt: sealed::Sealed + Sized {
    /// Returns the event with the port of this client that it comes from. The sequencer fills in the client.
    #[must_use]
    fn sent_from(self, port: Address) -> Self;

    /// Returns the event for one port.
    #[must_use]
    fn sent_to(self, port: Address) -> Self;

    /// Returns the event for every port that the port of [`EventExt::sent_from`] is connected to.
    #[must_use]
    fn sent_to_subscribers(self) -> Self;

    /// Returns the event for a tick of a queue.
    #[must_use]
    fn at_tick(self, queue: u8, tick: u32) -> Self;

    /// Returns the event for a time of a queue, counted from its start.
    #[must_use]
    fn at_time(self, queue: u8, time: Duration) -> Self;

    /// Returns the event with a time that counts from where the queue is when the event is sent.
    #[must_use]
    fn relative(self) -> Self;

    /// Returns the event without a queue: it is delivered when it is sent.
    #[must_use]
    fn at_once(self) -> Self;
}

/// Implements the trait for a record, ordinary or UMP: both have the same head.
macro_rules! with_head {
    ($($record:ty),*) => { $(
        impl EventExt for $record {
            fn sent_from(self, port: Address) -> Self {
                Self { source: port, ..self }
            }

            fn sent_to(self, port: Address) -> Self {
                Self { dest: port, ..self }
            }

            fn sent_to_subscribers(self) -> Self {
                self.sent_to(Address::new(ADDRESS_SUBSCRIBERS, ADDRESS_UNKNOWN))
            }

            fn at_tick(mut self, queue: u8, tick: u32) -> Self {
                self.flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
                Self { queue, time: EventTime::tick(tick), ..self }
            }

            fn at_time(mut self, queue: u8, time: Duration) -> Self {
                self.flags.remove(EventFlags::RELATIVE);
                self.flags.insert(EventFlags::REAL_TIME);
                // The interface has 32 bits for the seconds: 136 years.
                let sec = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
                Self { queue, time: EventTime::real(sec, time.subsec_nanos()), ..self }
            }

            fn relative(mut self) -> Self {
                self.flags.insert(EventFlags::RELATIVE);
                self
            }

            fn at_once(mut self) -> Self {
                self.flags.remove(EventFlags::REAL_TIME | EventFlags::RELATIVE);
                Self { queue: QUEUE_DIRECT, time: EventTime::default(), ..self }
            }
        }
    )* };
}

with_head!(Event, UmpEvent);

mod sealed {
    pub trait Sealed {}
    impl Sealed for aseqd_abi::Event {}
    impl Sealed for aseqd_abi::ump::UmpEvent {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_data_of_their_type() {
        let note = note(3, 60, 100, 48);
        assert_eq!(note.data.note().duration, 48);
        assert_eq!((note.data.note().channel, note.data.note().note), (3, 60));
        assert_eq!(pitch_bend(1, -8192).data.control().value, -8192);
        assert_eq!(program_change(2, 5).data.control(), Control { channel: 2, param: 0, value: 5 });
        assert_eq!(controller(2, 7, 9).data.control(), Control { channel: 2, param: 7, value: 9 });
        assert_eq!(key_pressure(0, 1, 2).data.note().velocity, 2);
        assert_eq!(channel_pressure(0, 7).data.control().value, 7);
    }

    #[test]
    fn the_last_time_counts() {
        let event = note_on(0, 60, 1).at_time(2, Duration::new(7, 8)).relative();
        assert_eq!(event.flags, EventFlags::REAL_TIME | EventFlags::RELATIVE);
        assert_eq!((event.queue, event.time), (2, EventTime::real(7, 8)));
        let event = event.at_tick(1, 5);
        assert_eq!((event.queue, event.flags), (1, EventFlags::empty()));
        assert_eq!(event.at_once(), note_on(0, 60, 1));
    }
}
