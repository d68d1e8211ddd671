//! Events that were received, and those that were expected.

use super::describe;
use aseqd_client::{Address, Event, EventFlags, EventType};
use aseqd_midi::Encoder;
use std::fmt;
use std::time::Duration;

/// The longest message that is not a SysEx: a 14-bit NRPN.
const LONGEST_MESSAGE: usize = 16;

/// An event that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// When it arrived, on the rig's clock. If its port was not made by the methods of
    /// [`TestClient`](super::TestClient), it has no stamp, and this is when it was read.
    pub at: Duration,
    /// The event.
    pub event: Event,
    /// The bytes of a SysEx or of another event with data.
    pub data: Vec<u8>,
}

impl Received {
    /// Returns the event as MIDI bytes, with a status byte. An event that is no MIDI message has none.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let running_status = false;
        let mut encoder = Encoder::new(running_status, LONGEST_MESSAGE);
        let _what = encoder.encode(&self.event, &self.data, &mut bytes);
        bytes
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}  ", self.at)?;
        describe::event(f, &self.event, &self.data)
    }
}

/// An event that should arrive. Its type and its data must be the same as those of the event that has arrived.
///
/// Made by [`at`] with a time, by [`whenever`] or from an [`Event`] without one.
#[derive(Clone, Debug)]
pub struct Expected {
    at: Option<Duration>,
    source: Option<Address>,
    event: Event,
    data: Vec<u8>,
}

/// Returns an event that should arrive at this time of the rig's clock.
#[must_use]
pub fn at(time: Duration, event: Event) -> Expected {
    Expected { at: Some(time), ..whenever(event) }
}

/// Returns an event that should arrive, at any time.
#[must_use]
pub const fn whenever(event: Event) -> Expected {
    Expected { at: None, source: None, event, data: Vec::new() }
}

impl From<Event> for Expected {
    fn from(event: Event) -> Self {
        whenever(event)
    }
}

impl Expected {
    /// Returns a SysEx message that should arrive, from `F0` to `F7`.
    #[must_use]
    pub fn sysex(data: &[u8]) -> Self {
        Self { data: data.to_vec(), ..whenever(Event::direct(EventType::SYSEX)) }
    }

    /// Returns the event, if it should arrive at this time.
    #[must_use]
    pub fn at(self, time: Duration) -> Self {
        Self { at: Some(time), ..self }
    }

    /// Returns the event, if it should come from this port.
    #[must_use]
    pub fn from_port(self, port: Address) -> Self {
        Self { source: Some(port), ..self }
    }

    /// Returns whether this is the event that was received.
    pub(super) fn is(&self, received: &Received) -> bool {
        let event = &received.event;
        let data = match event.flags.contains(EventFlags::VARIABLE) {
            true => self.data == received.data,
            false => self.data.is_empty() && self.event.data == event.data,
        };
        data && self.event.event_type == event.event_type
            && self.at.is_none_or(|at| at == received.at)
            && self.source.is_none_or(|source| source == event.source)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{at:?}  ")?,
            None => write!(f, "at any time  ")?,
        }
        let event = Event { source: self.source.unwrap_or(Address::new(0, 0)), ..self.event };
        describe::event(f, &event, &self.data)
    }
}
