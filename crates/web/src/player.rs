//! Players, such as a running `aseqd play`: what they tell of themselves, and the messages that control them.

use aseqd_abi::{Address, Event, EventType};
use aseqd_tools::play::TELLS;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// The most bytes of what a player tells. `aseqd play` has less than half of it.
const MAX_BYTES: usize = 2048;
/// The most players. What others tell is left out.
pub(crate) const MAX_PLAYERS: usize = 64;
/// The most characters of a text.
const MAX_TEXT: usize = 64;
/// The longest time, in seconds, that can be asked for: a day.
const DAY: f64 = 86_399.0;

/// Returns whether this is what a player tells of itself, and no event that is played.
pub(crate) fn tells(event: &Event, data: &[u8]) -> bool {
    event.event_type == EventType::SYSEX && data.starts_with(&TELLS) && data.len() <= MAX_BYTES
}

/// Returns the message for clients, from what a port has told. Any program can tell anything.
pub(crate) fn message(port: Address, data: &[u8]) -> Option<Rc<str>> {
    let told = data.strip_prefix(&TELLS)?.strip_suffix(&[0xf7])?;
    let told: Map<String, Value> = serde_json::from_slice(told).ok()?;
    let state = told.get("state")?.as_str().filter(|one| ["playing", "paused"].contains(one))?;
    let mut out = json!({ "type": "player", "port": port.to_string(), "state": state });
    for key in ["name", "marker"] {
        if let Some(text) = told.get(key).and_then(Value::as_str) {
            out[key] = text.chars().take(MAX_TEXT).collect::<String>().into();
        }
    }
    for key in ["bar", "beat", "song", "songs"] {
        if let Some(number) = told.get(key).and_then(Value::as_u64) {
            out[key] = u32::try_from(number).unwrap_or(u32::MAX).into();
        }
    }
    for key in ["time", "length", "speed"] {
        if let Some(number) = told.get(key).and_then(Value::as_f64).filter(|one| *one >= 0.0) {
            out[key] = number.into();
        }
    }
    Some(out.to_string().into())
}

/// Returns the message of MIDI for a command: MIDI Machine Control, or song select.
///
/// # Errors
/// A sentence if the command is none of these.
pub(crate) fn control(
    action: &str,
    seconds: Option<f64>,
    song: Option<u64>,
) -> Result<Vec<u8>, String> {
    let machine = |command: &[u8]| [&[0xf0, 0x7f, 0x7f, 6], command, &[0xf7]].concat();
    match action {
        "play" => Ok(machine(&[2])),
        "pause" => Ok(machine(&[9])),
        "end" => Ok(machine(&[0x0a])),
        "seek" => {
            let seconds = seconds.filter(|one| (0.0..=DAY).contains(one));
            let seconds = seconds.ok_or("`seconds` is a number from 0 to 86399")?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day")]
            let frames = (seconds * 30.0) as u32;
            let digit = |number: u32, base| u8::try_from(number % base).unwrap_or(0);
            let hours = 3 << 5 | digit(frames / 108_000, 24);
            let (minutes, seconds) = (digit(frames / 1800, 60), digit(frames / 30, 60));
            Ok(machine(&[0x44, 6, 1, hours, minutes, seconds, digit(frames, 30), 0]))
        }
        "song" => {
            let song = song.and_then(|number| u8::try_from(number).ok()).filter(|one| *one < 128);
            Ok(vec![0xf3, song.ok_or("`song` is a number from 0 to 127")?])
        }
        _ => Err("`action` is play, pause, seek, song or end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Option<Value> {
        let data = [&TELLS[..], json.as_bytes(), &[0xf7]].concat();
        let text = message(Address::new(132, 1), &data)?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn what_a_player_tells_is_checked() {
        let value =
            told(r#"{"state":"playing","bar":17,"beat":3,"time":1.5,"name":"a\u00fc","x":1}"#);
        let wanted = json!({ "type": "player", "port": "132:1", "state": "playing", "bar": 17, "beat": 3, "time": 1.5, "name": "aü" });
        assert_eq!(value, Some(wanted));
        for bad in ["", "[]", "{}", r#"{"state":"x"}"#, r#"{"state":1}"#, r#"{"state":"playing"}x"#]
        {
            assert_eq!(told(bad), None, "{bad}");
        }
        let deep = format!(r#"{{"state":"playing","x":{}"#, "[".repeat(1900));
        assert_eq!(told(&deep), None);
        let long = format!(
            r#"{{"state":"paused","name":"{}","bar":1e9,"time":-1,"song":"x"}}"#,
            "n".repeat(500)
        );
        let value = told(&long).expect("a player");
        assert_eq!(
            value,
            json!({ "type": "player", "port": "132:1", "state": "paused", "name": "n".repeat(64) })
        );
    }

    #[test]
    fn commands_are_machine_control() {
        let of = |action| control(action, None, None);
        assert_eq!(of("pause"), Ok(vec![0xf0, 0x7f, 0x7f, 6, 9, 0xf7]));
        let there = control("seek", Some(3723.5), None);
        assert_eq!(there, Ok(vec![0xf0, 0x7f, 0x7f, 6, 0x44, 6, 1, 0x61, 2, 3, 15, 0, 0xf7]));
        assert_eq!(control("song", None, Some(3)), Ok(vec![0xf3, 3]));
        for (action, seconds, song) in [
            ("", None, None),
            ("seek", None, None),
            ("seek", Some(-1.0), None),
            ("seek", Some(f64::NAN), None),
            ("seek", Some(1e9), None),
            ("song", None, None),
            ("song", None, Some(128)),
        ] {
            assert!(control(action, seconds, song).is_err(), "{action} {seconds:?} {song:?}");
        }
    }
}
