//! The control port of a player: what others ask of it, by standard messages, and what it tells those that listen.

use super::keys::{Key, Spot};
use aseqd_abi::event::{Control, EventData, EventFlags};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::Client;
use aseqd_client::event::EventExt as _;
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Time between two messages about the position while it plays.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);
/// The most requests that wait. A flood of them means the last ones no more than the first.
const MAX_ASKED: usize = 64;
/// The beginning of a SysEx for all devices in real time (MIDI 1.0), of a command of MIDI Machine Control.
const REAL_TIME: [u8; 2] = [0xf0, 0x7f];
const MACHINE_COMMAND: u8 = 6;
/// The beginning of what a player tells: a SysEx of the number that is nobody's, and `aq`. JSON in ASCII follows.
pub const TELLS: [u8; 4] = [0xf0, 0x7d, b'a', b'q'];

/// The port.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) port: Address,
    /// How many ports are connected to it, and hear what it tells.
    listeners: usize,
    asked: VecDeque<Key>,
    told: Option<Instant>,
}

impl Remote {
    pub(super) fn new(port: Address) -> Self {
        Self { port, listeners: 0, asked: VecDeque::new(), told: None }
    }

    /// Takes an event that has come to the port.
    pub(super) fn take(&mut self, event: &Event, data: &[u8]) {
        let ends = event.data.connect();
        let value = event.data.control().value;
        let key = match event.event_type {
            EventType::PORT_SUBSCRIBED if ends.sender == self.port => {
                self.listeners += 1;
                self.told = None;
                return;
            }
            EventType::PORT_UNSUBSCRIBED if ends.sender == self.port => {
                self.listeners = self.listeners.saturating_sub(1);
                return;
            }
            EventType::START => Key::Start,
            EventType::CONTINUE => Key::Go,
            EventType::STOP => Key::Stop,
            EventType::SONGPOS => match u32::try_from(value) {
                Ok(sixteenths) => Key::Seek(Spot::Sixteenths(sixteenths)),
                Err(_) => return,
            },
            EventType::SONGSEL => match u8::try_from(value) {
                Ok(number) => Key::Song(number),
                Err(_) => return,
            },
            EventType::SYSEX => return self.ask(machine_control(data)),
            _ => return,
        };
        self.ask([key]);
    }

    fn ask(&mut self, keys: impl IntoIterator<Item = Key>) {
        let room = MAX_ASKED.saturating_sub(self.asked.len());
        self.asked.extend(keys.into_iter().take(room));
    }

    /// Takes how many ports are connected to it: events that tell of changes were lost.
    pub(super) const fn set_listeners(&mut self, count: usize) {
        self.listeners = count;
        self.told = None;
    }

    /// Returns what was asked for next.
    pub(super) fn next(&mut self) -> Option<Key> {
        self.asked.pop_front()
    }

    pub(super) const fn has_listeners(&self) -> bool {
        self.listeners > 0
    }

    /// Returns whether it is time to tell the position.
    pub(super) fn is_due(&self) -> bool {
        self.has_listeners() && self.told.is_none_or(|told| told.elapsed() >= INTERVAL)
    }

    /// Tells where the player is.
    pub(super) fn tell(&mut self, client: &Client, value: &Value) {
        self.told = Some(Instant::now());
        let data = [&TELLS[..], ascii(value).as_bytes(), &[0xf7]].concat();
        let event = Event { flags: EventFlags::VARIABLE, ..Event::direct(EventType::SYSEX) };
        let event = event.sent_from(self.port).sent_to_subscribers();
        // Who does not read misses something that comes again.
        let _full = client.send_with_data(&event, &data);
    }

    /// Tells others that play the same that it begins at a sixteenth note, or stops.
    pub(super) fn transport(&self, client: &Client, starts_at: Option<u32>) {
        if !self.has_listeners() {
            return;
        }
        let send = |event_type, value| {
            let data = EventData::from_control(Control { value, ..Control::default() });
            let event = Event { data, ..Event::direct(event_type) };
            let _full = client.send(&event.sent_from(self.port).sent_to_subscribers());
        };
        match starts_at {
            None => send(EventType::STOP, 0),
            Some(0) => send(EventType::START, 0),
            Some(sixteenths) => {
                // 14 bits.
                send(EventType::SONGPOS, i32::try_from(sixteenths.min(0x3fff)).unwrap_or(0));
                send(EventType::CONTINUE, 0);
            }
        }
    }
}

/// Returns what the commands of MIDI Machine Control in a SysEx ask for. Others are left out.
fn machine_control(data: &[u8]) -> Vec<Key> {
    let (head, Some(inside)) = (data.get(..2), data.get(3..data.len().saturating_sub(1))) else {
        return Vec::new();
    };
    if head != Some(&REAL_TIME[..]) || data.last() != Some(&0xf7) {
        return Vec::new();
    }
    let Some((&MACHINE_COMMAND, mut rest)) = inside.split_first() else { return Vec::new() };
    let mut keys = Vec::new();
    while let Some((&command, after)) = rest.split_first() {
        rest = after;
        match command {
            // Stop and pause; play and deferred play.
            1 | 9 => keys.push(Key::Stop),
            2 | 3 => keys.push(Key::Go),
            4 => keys.push(Key::Forward),
            5 => keys.push(Key::Back),
            // Eject.
            0x0a => keys.push(Key::Quit),
            // From here on, a command has data, and says how many bytes.
            0x40..=0x77 => {
                let Some((&len, after)) = rest.split_first() else { break };
                let Some((data, after)) = after.split_at_checked(len.into()) else { break };
                rest = after;
                if let (0x44, [1, hours, minutes, seconds, frames, ..]) = (command, data) {
                    let rate = [24.0, 25.0, 29.97, 30.0][usize::from(hours >> 5 & 3)];
                    let whole = u64::from(hours & 31) * 3600
                        + u64::from(minutes & 63) * 60
                        + u64::from(seconds & 63);
                    let part = Duration::from_secs_f64(f64::from(frames & 31) / rate);
                    keys.push(Key::Seek(Spot::Time(Duration::from_secs(whole) + part)));
                }
            }
            _ => {}
        }
    }
    keys
}

/// Returns JSON whose bytes are below 128, as those of SysEx must be.
fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && c != '\x7f' {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn machine_control_is_understood_in_all_its_lengths() {
        let asked = |text: &[u8]| machine_control(text);
        assert_eq!(asked(&[0xf0, 0x7f, 0x7f, 6, 1, 0xf7]), [Key::Stop]);
        assert_eq!(asked(&[0xf0, 0x7f, 3, 6, 9, 2, 0xf7]), [Key::Stop, Key::Go]);
        let locate = [0xf0, 0x7f, 0x7f, 6, 0x44, 6, 1, 0x61, 2, 3, 15, 0, 2, 0xf7];
        let there = Duration::from_millis(3_723_500);
        assert_eq!(asked(&locate), [Key::Seek(Spot::Time(there)), Key::Go]);
        // With its end behind it, all but the last byte is the whole.
        for end in 0..locate.len() - 1 {
            let mut cut = locate[..end].to_vec();
            assert!(asked(&cut).is_empty(), "{end}");
            cut.push(0xf7);
            assert!(asked(&cut).len() <= 1, "{end}");
        }
        for other in [&[0xf0, 0x7e, 0x7f, 6, 1, 0xf7][..], &[0xf0, 0x7f, 0x7f, 7, 1, 0xf7], &[]] {
            assert_eq!(asked(other), [], "{other:?}");
        }
    }

    #[test]
    fn requests_have_a_limit() {
        let mut remote = Remote::new(Address::new(128, 1));
        (0..1000).for_each(|_| remote.take(&Event::direct(EventType::START), &[]));
        assert_eq!(std::iter::from_fn(|| remote.next()).count(), MAX_ASKED);
        let negative = EventData::from_control(Control { value: -1, ..Control::default() });
        for event_type in [EventType::SONGPOS, EventType::SONGSEL] {
            remote.take(&Event { data: negative, ..Event::direct(event_type) }, &[]);
        }
        assert_eq!(remote.next(), None);
    }

    #[test]
    fn what_it_tells_is_ascii() {
        let value = json!({ "name": "Ün\u{1d11e}\u{7f}\"" });
        let text = ascii(&value);
        assert!(text.bytes().all(|byte| (32..127).contains(&byte)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }
}
