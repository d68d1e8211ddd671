//! What waits to be sent to one client. It is bounded, whatever the client does or does not read.

use aseqd_abi::Address;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// The most bytes of deltas that wait. A client that is slower gets a snapshot once it has read them: it is shorter than
/// what has happened.
const MAX_DELTAS: usize = 512 << 10;
/// The most bytes of answers and notices that wait. A client that sends commands and reads no answer is broken.
const MAX_ANSWERS: usize = 4 << 20;
/// The most bytes of events that wait, for all monitors of a client: five seconds of 5,000 notes a second.
pub(crate) const MAX_EVENTS: usize = 1 << 20;
/// The most bytes of events in one message.
const MAX_FRAME: usize = 32 << 10;

/// The kind of a binary message with events.
const EVENTS: u8 = 1;

/// A message to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(Rc<str>),
    Binary(Vec<u8>),
}

#[derive(Debug)]
enum Item {
    Answer(Rc<str>),
    /// A snapshot or a delta.
    Change(Rc<str>),
}

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    items: VecDeque<Item>,
    changes: usize,
    answers: usize,
    /// Whether deltas were left out, so that a snapshot must come.
    behind: bool,
    activity: BTreeMap<Address, u32>,
    /// The last message about each player.
    players: BTreeMap<Address, Rc<str>>,
    /// How often the server has lost events, to be told with the activity.
    lost: u64,
    /// By the number of the monitor.
    events: BTreeMap<u16, Events>,
    event_bytes: usize,
    /// The monitor whose events were sent last.
    turn: u16,
}

/// The events of one monitor.
#[derive(Debug, Default)]
struct Events {
    records: VecDeque<Rc<[u8]>>,
    dropped: u32,
}

/// The client has too many answers to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    /// Adds an answer or a notice.
    ///
    /// # Errors
    /// [`Full`] if the client does not read.
    pub(crate) fn answer(&mut self, text: impl Into<Rc<str>>) -> Result<(), Full> {
        let text = text.into();
        if self.answers > 0 && self.answers + text.len() > MAX_ANSWERS {
            return Err(Full);
        }
        self.answers += text.len();
        self.items.push_back(Item::Answer(text));
        Ok(())
    }

    /// Adds a delta, or leaves all deltas out if the client is too slow for them.
    pub(crate) fn delta(&mut self, text: &Rc<str>) {
        if self.behind {
            return;
        }
        if self.changes + text.len() > MAX_DELTAS {
            self.forget_changes();
            self.behind = true;
            return;
        }
        self.push_change(Rc::clone(text));
    }

    /// Adds a snapshot, in the place of all changes that wait.
    pub(crate) fn snapshot(&mut self, text: &Rc<str>) {
        self.forget_changes();
        self.behind = false;
        self.push_change(Rc::clone(text));
    }

    fn push_change(&mut self, text: Rc<str>) {
        self.changes += text.len();
        self.items.push_back(Item::Change(text));
    }

    fn forget_changes(&mut self) {
        self.items.retain(|item| matches!(item, Item::Answer(_)));
        self.changes = 0;
    }

    /// Returns whether the client has read everything, and must get a snapshot now.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.behind && self.items.is_empty()
    }

    /// Adds up the activity of ports until the client has room for it.
    pub(crate) fn activity(&mut self, counts: &BTreeMap<Address, u32>, lost: u64) {
        for (port, count) in counts {
            let sum = self.activity.entry(*port).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.lost = lost;
    }

    /// Tells of a player, in the place of what was told before.
    pub(crate) fn player(&mut self, port: Address, text: &Rc<str>) {
        self.players.insert(port, Rc::clone(text));
    }

    /// Forgets the activity, which the client does not want any more.
    pub(crate) fn forget_activity(&mut self) {
        self.activity.clear();
    }

    /// Adds an event of a monitor. The oldest ones are dropped, and counted, when there are too many.
    pub(crate) fn event(&mut self, monitor: u16, record: &Rc<[u8]>) {
        self.event_bytes += record.len();
        self.events.entry(monitor).or_default().records.push_back(Rc::clone(record));
        while self.event_bytes > MAX_EVENTS {
            // The monitor with the most waits the longest.
            let most = self.events.values_mut().max_by_key(|events| events.records.len());
            let Some(events) = most else { break };
            let Some(oldest) = events.records.pop_front() else { break };
            self.event_bytes -= oldest.len();
            events.dropped = events.dropped.saturating_add(1);
        }
    }

    /// Counts events of a monitor that were dropped before.
    pub(crate) fn dropped(&mut self, monitor: u16, count: u32) {
        let events = self.events.entry(monitor).or_default();
        events.dropped = events.dropped.saturating_add(count);
    }

    /// Forgets the events of a monitor that is closed.
    pub(crate) fn close(&mut self, monitor: u16) {
        if let Some(events) = self.events.remove(&monitor) {
            self.event_bytes -= events.records.iter().map(|record| record.len()).sum::<usize>();
        }
    }

    /// Takes the next message. `now` is the wall clock in microseconds since 1970.
    pub(crate) fn take(&mut self, now: u64) -> Option<Message> {
        match self.items.pop_front() {
            Some(Item::Answer(text)) => {
                self.answers -= text.len();
                return Some(Message::Text(text));
            }
            Some(Item::Change(text)) => {
                self.changes -= text.len();
                return Some(Message::Text(text));
            }
            None => {}
        }
        if let Some((_, text)) = self.players.pop_first() {
            return Some(Message::Text(text));
        }
        if !self.activity.is_empty() {
            let counts = std::mem::take(&mut self.activity);
            let ports: serde_json::Map<_, _> =
                counts.iter().map(|(port, count)| (port.to_string(), json!(count))).collect();
            let text = json!({ "type": "activity", "ports": ports, "lost": self.lost });
            return Some(Message::Text(text.to_string().into()));
        }
        let waits = |events: &Events| !events.records.is_empty() || events.dropped > 0;
        let waiting = |monitor: &&u16| waits(&self.events[*monitor]);
        let next = self.events.keys().filter(|monitor| **monitor > self.turn).find(waiting);
        let monitor = *next.or_else(|| self.events.keys().find(waiting))?;
        self.turn = monitor;
        let events = self.events.get_mut(&monitor)?;
        let mut frame = vec![EVENTS, 0];
        frame.extend(monitor.to_le_bytes());
        frame.extend(std::mem::take(&mut events.dropped).to_le_bytes());
        frame.extend(now.to_le_bytes());
        while let Some(record) = events.records.front() {
            if frame.len() + record.len() > MAX_FRAME {
                break;
            }
            frame.extend_from_slice(record);
            self.event_bytes -= record.len();
            events.records.pop_front();
        }
        Some(Message::Binary(frame))
    }

    /// Returns whether nothing waits.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        let no_events = || self.events.values().all(|it| it.records.is_empty() && it.dropped == 0);
        self.items.is_empty() && self.activity.is_empty() && no_events()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: Option<Message>) -> String {
        match message {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_and_changes_keep_their_order() {
        let mut out = Outbox::default();
        out.snapshot(&"s".into());
        out.answer("a").expect("room");
        out.delta(&"d".into());
        let said: Vec<_> = (0..3).map(|_| text(out.take(0))).collect();
        assert_eq!(said, ["s", "a", "d"]);
        assert!(out.is_empty() && out.take(0).is_none());
    }

    #[test]
    fn a_slow_client_gets_a_snapshot_instead_of_many_deltas() {
        let mut out = Outbox::default();
        let delta: Rc<str> = "x".repeat(1000).into();
        out.answer("a").expect("room");
        for _ in 0..10_000 {
            out.delta(&delta);
            assert!(out.changes <= MAX_DELTAS);
        }
        assert!(!out.wants_snapshot(), "there is something to read first");
        assert_eq!(text(out.take(0)), "a");
        assert!(out.wants_snapshot());
        out.snapshot(&"s".into());
        out.delta(&"d".into());
        assert_eq!((text(out.take(0)), text(out.take(0))), ("s".into(), "d".into()));
        assert!(!out.wants_snapshot());
    }

    #[test]
    fn a_client_that_reads_no_answers_is_told_off() {
        let mut out = Outbox::default();
        let long: Rc<str> = "x".repeat(MAX_ANSWERS + 1).into();
        assert_eq!(out.answer(long), Ok(()), "one may have any length");
        assert_eq!(out.answer("x"), Err(Full));
        assert!(out.take(0).is_some());
        assert_eq!(out.answer("x"), Ok(()));
    }

    #[test]
    fn activity_adds_up() {
        let mut out = Outbox::default();
        let port = Address::new(20, 1);
        for _ in 0..3 {
            out.activity(&BTreeMap::from([(port, 5)]), 2);
        }
        let said: serde_json::Value = serde_json::from_str(&text(out.take(0))).expect("JSON");
        assert_eq!(said, json!({ "type": "activity", "ports": { "20:1": 15 }, "lost": 2 }));
        assert!(out.is_empty());
        out.activity(&BTreeMap::from([(port, u32::MAX)]), 2);
        out.activity(&BTreeMap::from([(port, 1)]), 2);
        assert!(text(out.take(0)).contains("4294967295"));
    }

    #[test]
    fn only_the_last_message_of_a_player_waits() {
        let mut out = Outbox::default();
        for number in 0..1000 {
            out.player(Address::new(20, 1), &number.to_string().into());
        }
        out.player(Address::new(20, 0), &"other".into());
        assert_eq!([text(out.take(0)), text(out.take(0))], ["other", "999"]);
        assert!(out.take(0).is_none());
    }

    #[test]
    fn the_oldest_events_are_dropped_and_counted() {
        let mut out = Outbox::default();
        let count = u32::try_from(2 * MAX_EVENTS / 32).expect("small");
        for number in 0..count {
            let record: Vec<u8> = number.to_le_bytes().into_iter().cycle().take(32).collect();
            out.event(7, &record.into());
            assert!(out.event_bytes <= MAX_EVENTS);
        }
        let (mut dropped, mut seen, mut last) = (0, 0, None);
        while let Some(Message::Binary(frame)) = out.take(0x1_0000_0002) {
            assert!(frame.len() <= MAX_FRAME && frame[..4] == [EVENTS, 0, 7, 0]);
            assert_eq!(frame[8..16], 0x1_0000_0002_u64.to_le_bytes());
            let word =
                |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
            dropped += word(4);
            for at in (16..frame.len()).step_by(32) {
                assert!(last.is_none_or(|last| word(at) == last + 1), "in order, without a gap");
                last = Some(word(at));
                seen += 1;
            }
        }
        assert_eq!((dropped + seen, last), (count, Some(count - 1)));
        assert_eq!((out.event_bytes, out.is_empty()), (0, true));
    }

    #[test]
    fn monitors_take_turns_and_end() {
        let mut out = Outbox::default();
        let record: Rc<[u8]> = vec![0; 32].into();
        for _ in 0..40_000 {
            out.event(1, &record);
        }
        out.event(2, &record);
        assert_eq!(out.events[&2].dropped, 0, "the one with few loses none");
        out.close(1);
        assert_eq!(out.event_bytes, 32);
        out.dropped(2, 3);
        let Some(Message::Binary(frame)) = out.take(0) else { panic!("events") };
        assert_eq!((frame.len(), frame[4]), (48, 3));
        let turns = |out: &mut Outbox| match out.take(0) {
            Some(Message::Binary(frame)) => frame[2],
            other => panic!("{other:?}"),
        };
        for monitor in [3, 4] {
            (0..3000).for_each(|_| out.event(monitor, &record));
        }
        assert_eq!([turns(&mut out), turns(&mut out), turns(&mut out)], [3, 4, 3]);
    }
}
