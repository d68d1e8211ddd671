//! UMP (MIDI 2.0): clients that exchange packets, and what becomes of events between them and legacy
//! clients. Without [`Config::ump`](crate::Config::ump) nothing of it can be reached.
//!
//! A packet is a [`Message`](super::fifo::Message) with the flag `UMP`; `message.rs` says how.

mod convert;
pub(crate) mod endpoint;
mod file;
pub(crate) mod message;
mod route;

use super::Seq;
use crate::limits::MAX_QUEUES;
use aseqd_abi::Event;
use aseqd_abi::event::EventFlags;

impl Seq {
    /// Returns whether an event is a packet. Without UMP the flag means nothing.
    pub(crate) const fn is_packet(&self, event: &Event) -> bool {
        self.ump && event.flags.contains(EventFlags::UMP)
    }

    /// Sets the form in which a client exchanges events: legacy, or packets of MIDI 1.0 or 2.0. What it
    /// has not read yet, and what waits in queues, stays as it is.
    pub(crate) fn set_midi_version(&mut self, number: u8, version: u32) {
        let Some(client) = self.client_mut(number) else { return };
        let used_ump = client.uses_ump();
        client.midi_version = version;
        if used_ump || !client.uses_ump() {
            return;
        }
        client.widen();
        // From now on the events that it has in queues may go further than those of a legacy client.
        let mut marked = 0;
        for queue in 0..MAX_QUEUES {
            marked += self.queue_mut(queue.into()).map_or(0, |queue| queue.mark_sent_by(number));
        }
        self.expect_data(marked);
    }
}
