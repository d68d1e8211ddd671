//! One client of the protocol: what it wants, what waits for it, and what it has begun.

use crate::limit::Limit;
use crate::monitor::{Filter, Seen};
use crate::outbox::{Full, Outbox};
use aseqd_abi::{Address, Event};
use aseqd_rules::Sounding;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// The most monitors of a client.
const MAX_MONITORS: usize = 16;
/// The most ports to which a client can have sent notes that sound.
const MAX_SOUNDING: usize = 256;

/// A client.
#[derive(Debug)]
pub(crate) struct Session {
    /// Whether its `hello` was accepted.
    pub(crate) greeted: bool,
    pub(crate) outbox: Outbox,
    pub(crate) limit: Limit,
    pub(crate) activity: bool,
    monitors: BTreeMap<u16, Filter>,
    next_monitor: u16,
    /// The notes that it has begun, by the port that it has sent them to.
    sounding: BTreeMap<Option<Address>, Sounding>,
}

impl Session {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            greeted: false,
            outbox: Outbox::default(),
            limit: Limit::new(now),
            activity: true,
            monitors: BTreeMap::new(),
            next_monitor: 1,
            sounding: BTreeMap::new(),
        }
    }

    /// Returns whether it wants to see single events.
    pub(crate) fn has_monitor(&self) -> bool {
        !self.monitors.is_empty()
    }

    /// Opens a monitor, and returns its number.
    ///
    /// # Errors
    /// A sentence if it has too many.
    pub(crate) fn open(&mut self, filter: Filter) -> Result<u16, String> {
        if self.monitors.len() >= MAX_MONITORS {
            return Err(format!("a client has {MAX_MONITORS} monitors at most: close one first"));
        }
        while self.monitors.contains_key(&self.next_monitor) || self.next_monitor == 0 {
            self.next_monitor = self.next_monitor.wrapping_add(1);
        }
        let number = self.next_monitor;
        self.next_monitor = number.wrapping_add(1);
        self.monitors.insert(number, filter);
        Ok(number)
    }

    /// Changes what a monitor shows.
    ///
    /// # Errors
    /// A sentence if there is no such monitor.
    pub(crate) fn change(&mut self, monitor: u16, filter: Filter) -> Result<(), String> {
        let there = self.monitors.get_mut(&monitor).ok_or_else(|| no_monitor(monitor))?;
        *there = filter;
        Ok(())
    }

    /// Closes a monitor.
    ///
    /// # Errors
    /// A sentence if there is no such monitor.
    pub(crate) fn close(&mut self, monitor: u16) -> Result<(), String> {
        self.monitors.remove(&monitor).ok_or_else(|| no_monitor(monitor))?;
        self.outbox.close(monitor);
        Ok(())
    }

    /// Gives an event to the monitors that show it. `record` is the event as it is written, once it was needed.
    pub(crate) fn see(&mut self, seen: &Seen, record: &mut Option<Rc<[u8]>>) {
        for (number, filter) in &self.monitors {
            if filter.passes(seen) {
                let record = record.get_or_insert_with(|| seen.record());
                self.outbox.event(*number, record);
            }
        }
    }

    /// Counts events that were dropped before anybody could look at them.
    pub(crate) fn dropped(&mut self, count: u32) {
        for number in self.monitors.keys() {
            self.outbox.dropped(*number, count);
        }
    }

    /// Notes an event that it has sent.
    pub(crate) fn sent(&mut self, to: Option<Address>, event: &Event) {
        if self.sounding.len() < MAX_SOUNDING || self.sounding.contains_key(&to) {
            self.sounding.entry(to).or_default().sent(event);
        }
    }

    /// Returns the events that end its notes, and forgets them.
    pub(crate) fn end_notes(&mut self) -> Vec<(Option<Address>, Event)> {
        let all = std::mem::take(&mut self.sounding);
        all.into_iter()
            .flat_map(|(to, mut notes)| notes.end().into_iter().map(move |event| (to, event)))
            .collect()
    }

    /// Answers a command.
    ///
    /// # Errors
    /// [`Full`] if it does not read its answers.
    pub(crate) fn answer(&mut self, id: u64, result: Result<Value, String>) -> Result<(), Full> {
        let text = match result {
            Ok(Value::Null) => json!({ "type": "answer", "id": id, "ok": true }),
            Ok(value) => json!({ "type": "answer", "id": id, "ok": true, "value": value }),
            Err(error) => json!({ "type": "answer", "id": id, "ok": false, "error": error }),
        };
        self.outbox.answer(text.to_string())
    }
}

fn no_monitor(number: u16) -> String {
    format!("there is no monitor {number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;
    use aseqd_client::event::{note_off, note_on, of_type};

    #[test]
    fn notes_that_a_client_has_begun_are_ended_where_they_sound() {
        let mut session = Session::new(Instant::now());
        let synth = Some(Address::new(128, 0));
        for (to, event) in [
            (None, note_on(0, 60, 100)),
            (None, note_on(0, 62, 100)),
            (synth, note_on(3, 60, 1)),
            (None, note_off(0, 60, 0)),
        ] {
            session.sent(to, &event);
        }
        let ended: Vec<_> =
            session.end_notes().iter().map(|(to, event)| (*to, event.data.note().note)).collect();
        assert_eq!(ended, [(None, 62), (synth, 60)]);
        assert!(session.end_notes().is_empty());
    }

    #[test]
    fn monitors_have_numbers_and_a_limit() {
        let mut session = Session::new(Instant::now());
        let numbers: Vec<_> = (0..MAX_MONITORS).map(|_| session.open(Filter::default())).collect();
        assert_eq!((numbers[0].clone(), session.has_monitor()), (Ok(1), true));
        assert!(session.open(Filter::default()).is_err());
        assert_eq!(session.close(1), Ok(()));
        assert!(session.close(1).is_err() && session.change(1, Filter::default()).is_err());
        session.next_monitor = u16::MAX;
        assert_eq!(session.open(Filter::default()), Ok(u16::MAX));
        assert_eq!(session.close(u16::MAX), Ok(()));
        assert_eq!(
            session.open(Filter::default()),
            Ok(1),
            "0 is none, and used numbers are left out"
        );
    }

    #[test]
    fn an_event_is_written_once_for_all_who_see_it() {
        let mut session = Session::new(Instant::now());
        let mut record = None;
        let seen = Seen { event: of_type(EventType::CLOCK), data: Vec::new(), at: 0, late: None };
        session.see(&seen, &mut record);
        assert!(record.is_none(), "nobody");
        session.open(Filter::default()).expect("a monitor");
        session.open(Filter::default()).expect("a monitor");
        session.see(&seen, &mut record);
        assert_eq!(record.map(|record| Rc::strong_count(&record)), Some(3));
    }
}
