//! What the sequencer announces about clients.

use super::{ANNOUNCE, Client};
use aseqd_abi::{Event, EventType};

/// A client whose port 0 gets the announcements, and which picks those about some clients.
#[derive(Debug)]
pub(crate) struct Watcher(pub Client);

impl Watcher {
    /// Begins to watch.
    pub(crate) fn new() -> Self {
        let client = Client::with_port();
        assert_eq!(client.subscribe(ANNOUNCE, client.port(0)), Ok(()));
        client.discard();
        Self(client)
    }

    /// Returns the announcements up to now that are about one of some clients.
    pub(crate) fn announced(&self, about: &[u8]) -> Vec<Event> {
        let mut events = self.0.events();
        events.retain(|event| is_about(event, about));
        events
    }

    /// Returns type and data of the announcements up to now that are about one of some clients.
    pub(crate) fn told(&self, about: &[u8]) -> Vec<(EventType, [u8; 4])> {
        self.announced(about).iter().map(told).collect()
    }

    /// Waits until a client's end is announced. Returns what was announced about it up to then.
    #[track_caller]
    pub(crate) fn told_until_exit(&self, client: u8) -> Vec<(EventType, [u8; 4])> {
        let mut all = Vec::new();
        loop {
            let event = self.0.wait_event();
            if is_about(&event, &[client]) {
                all.push(told(&event));
                if event.event_type == EventType::CLIENT_EXIT {
                    return all;
                }
            }
        }
    }
}

/// Returns type and data of an announcement.
pub(crate) fn told(event: &Event) -> (EventType, [u8; 4]) {
    let [a, b, c, d, ..] = event.data.0;
    (event.event_type, [a, b, c, d])
}

/// Returns whether an announcement is about one of some clients.
fn is_about(event: &Event, clients: &[u8]) -> bool {
    let connects = [EventType::PORT_SUBSCRIBED, EventType::PORT_UNSUBSCRIBED];
    clients.contains(&event.data.0[0])
        || connects.contains(&event.event_type) && clients.contains(&event.data.0[2])
}
