//! The values that are current on each channel.

use crate::vocabulary::{controller_name, note_name};
use aseqd_abi::{Event, EventType};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Controllers that "reset all controllers" sets back, as MIDI's recommendation RP-015 says: the others stay.
const RESET: [u32; 7] = [1, 11, 64, 65, 66, 67, 68];
const ALL_SOUND_OFF: u32 = 120;
const RESET_CONTROLLERS: u32 = 121;
const ALL_NOTES_OFF: u32 = 123;

/// What was said last on each channel of each port.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// By client, port and channel.
    channels: BTreeMap<(u8, u8, u8), Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    program: Option<i32>,
    bend: Option<i32>,
    pressure: Option<i32>,
    /// Velocities of the notes that sound.
    notes: BTreeMap<u8, u8>,
    controllers: BTreeMap<u32, i32>,
}

impl Live {
    /// Takes an event, and returns whether it has changed a value.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        if event.is_variable() || !super::fields::has_channel(event.event_type) {
            return false;
        }
        let key = (event.source.client, event.source.port, event.data.0[0]);
        let channel = self.channels.entry(key).or_default();
        let (note, control) = (event.data.note(), event.data.control());
        match event.event_type {
            EventType::NOTEON | EventType::NOTE if note.velocity > 0 => {
                channel.notes.insert(note.note, note.velocity);
            }
            EventType::NOTEON | EventType::NOTEOFF => {
                channel.notes.remove(&note.note);
            }
            EventType::PGMCHANGE => channel.program = Some(control.value),
            EventType::CHANPRESS => channel.pressure = Some(control.value),
            EventType::PITCHBEND => channel.bend = Some(control.value),
            EventType::CONTROLLER => match control.param {
                ALL_SOUND_OFF | ALL_NOTES_OFF.. => channel.notes.clear(),
                RESET_CONTROLLERS => {
                    channel.controllers.retain(|param, _| !RESET.contains(param));
                    (channel.bend, channel.pressure) = (None, None);
                }
                param => {
                    channel.controllers.insert(param, control.value);
                }
            },
            _ => return false,
        }
        true
    }

    /// Returns a line for each channel, at most `rows` of them with at most `columns` letters.
    pub(super) fn lines(&self, rows: usize, columns: usize) -> Vec<String> {
        let line = |((client, port, number), channel): (&(u8, u8, u8), &Channel)| {
            let address = format!("{client}:{port}");
            let mut line = format!("{address:<8} {number:>2} ");
            for (name, value) in [
                ("program", channel.program),
                ("bend", channel.bend),
                ("pressure", channel.pressure),
            ] {
                if let Some(value) = value {
                    let _infallible = write!(line, " {name} {value}");
                }
            }
            if !channel.notes.is_empty() {
                let notes: Vec<_> = channel.notes.keys().map(|note| note_name(*note)).collect();
                let _infallible = write!(line, " notes {}", notes.join(" "));
            }
            for (param, value) in &channel.controllers {
                let _infallible = match controller_name(*param) {
                    Some(name) => write!(line, " {name} {value}"),
                    None => write!(line, " cc {param} {value}"),
                };
            }
            line.chars().take(columns).collect::<String>()
        };
        let mut lines: Vec<_> = self.channels.iter().map(line).collect();
        if lines.len() > rows {
            let more = lines.len() + 1 - rows;
            lines.truncate(rows.saturating_sub(1));
            lines.push(format!("and {more} more channels").chars().take(columns).collect());
        }
        lines
    }

    /// Returns an object for each channel.
    pub(super) fn json(&self) -> Vec<Value> {
        let object = |((client, port, number), channel): (&(u8, u8, u8), &Channel)| {
            let named = |(param, value): (&u32, &i32)| (param.to_string(), Value::from(*value));
            let controllers: serde_json::Map<_, _> =
                channel.controllers.iter().map(named).collect();
            json!({
                "source": format!("{client}:{port}"), "channel": number, "program": channel.program,
                "bend": channel.bend, "pressure": channel.pressure,
                "notes": channel.notes.keys().collect::<Vec<_>>(), "controllers": controllers,
            })
        };
        self.channels.iter().map(object).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use aseqd_client::event::{self, EventExt as _};

    fn after(events: &[Event]) -> Live {
        let mut live = Live::default();
        for event in events {
            live.take(&event.sent_from(Address::new(20, 0)));
        }
        live
    }

    fn lines(events: &[Event]) -> Vec<String> {
        after(events).lines(9, 200)
    }

    #[test]
    fn the_last_value_counts_and_notes_end() {
        let events = [
            event::note_on(0, 60, 100),
            event::note_on(0, 64, 100),
            event::note_off(0, 60, 0),
            event::controller(0, 7, 1),
            event::controller(0, 7, 90),
            event::controller(0, 3, 5),
            event::program_change(0, 19),
            event::pitch_bend(9, -100),
            event::channel_pressure(9, 3),
            event::of_type(EventType::CLOCK),
        ];
        assert_eq!(
            lines(&events),
            [
                "20:0      0  program 19 notes E4 cc 3 5 volume 90",
                "20:0      9  bend -100 pressure 3"
            ]
        );
        let silent = [event::note_on(0, 60, 1), event::note_on(0, 60, 0)];
        assert_eq!(lines(&silent), ["20:0      0 "]);
        let clear = [event::note_on(0, 60, 1), event::controller(0, 123, 0)];
        assert_eq!(lines(&clear), ["20:0      0 "]);
        let reset = [
            event::controller(0, 64, 127),
            event::controller(0, 7, 9),
            event::pitch_bend(0, 5),
            event::controller(0, 121, 0),
        ];
        assert_eq!(lines(&reset), ["20:0      0  volume 9"]);
    }

    #[test]
    fn a_small_terminal_is_not_left() {
        let events: Vec<_> = (0..16).map(|channel| event::program_change(channel, 1)).collect();
        let lines = after(&events).lines(4, 16);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3], "and 13 more chan");
        assert!(lines.iter().all(|line| line.len() <= 16));
    }

    #[test]
    fn json_has_every_value_and_the_page_names_it() {
        let page = include_str!("../../../../docs/output.md");
        let live = after(&[event::controller(2, 7, 90), event::note_on(2, 60, 1)]);
        let objects = live.json();
        assert_eq!(objects[0]["controllers"], json!({ "7": 90 }));
        assert_eq!((&objects[0]["notes"], &objects[0]["channel"]), (&json!([60]), &json!(2)));
        for field in objects[0].as_object().expect("an object").keys() {
            assert!(page.contains(&format!("`{field}`")), "{field} is documented");
        }
    }
}
