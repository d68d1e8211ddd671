//! Values of the protocol that stand for things of rules: addresses, stamps, filters.

use aseqd_abi::Address;
use aseqd_rules::{Stamp, Transform, Velocity};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The channels of MIDI, as bits.
const ALL_CHANNELS: u16 = u16::MAX;

/// Returns the port that a string means.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (client, port) = text.split_once(':')?;
    Some(Address::new(number(client)?, number(port)?))
}

/// Returns a number in decimal, without a sign.
fn number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Returns a stamp as rules write it.
pub(crate) fn stamp_text(stamp: Stamp) -> String {
    format!("{}:{}", if stamp.real { "real" } else { "tick" }, stamp.queue)
}

/// Returns the stamp that a string means.
pub(crate) fn stamp(text: &str) -> Option<Stamp> {
    let (time, queue) = text.split_once(':')?;
    let real = match time {
        "real" => true,
        "tick" => false,
        _ => return None,
    };
    Some(Stamp { real, queue: number(queue)? })
}

/// Returns what a link does, without what it leaves as it is.
pub(crate) fn filter_value(transform: &Transform) -> Value {
    let mut out = Map::new();
    let mut add = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    if transform.channels != ALL_CHANNELS {
        let channels = (0..16).filter(|bit| transform.channels >> bit & 1 == 1).map(|bit| bit + 1);
        add("channels", channels.collect());
    }
    if let Some(channel) = transform.to_channel {
        add("to_channel", json!(channel + 1));
    }
    if transform.transpose != 0 {
        add("transpose", json!(transform.transpose));
    }
    if transform.velocity != Velocity::default() {
        let Velocity { scale, add: plus, min, max } = transform.velocity;
        // As short as it was written: 0.8 and not 0.800000011920929.
        let scale: f64 = scale.to_string().parse().unwrap_or(1.0);
        add("velocity", json!({ "scale": scale, "add": plus, "min": min, "max": max }));
    }
    if !transform.controllers.is_empty() {
        let one = |(from, to): (&u8, &Option<u8>)| {
            (from.to_string(), to.map_or(json!(false), |to| json!(to)))
        };
        add("controllers", Value::Object(transform.controllers.iter().map(one).collect()));
    }
    if transform.mute {
        add("mute", json!(true));
    }
    Value::Object(out)
}

/// Returns a filter as lines of a rule. What the numbers may be is checked when the rule is read.
///
/// # Errors
/// A sentence if a key is unknown or its value is of another kind.
pub(crate) fn filter_lines(filter: &Map<String, Value>) -> Result<String, String> {
    let mut out = String::new();
    for (key, value) in filter {
        let written = match key.as_str() {
            "channels" if value.is_u64() => value.to_string(),
            "channels" => {
                let all = value
                    .as_array()
                    .map(|all| all.iter().map(Value::as_u64).collect::<Option<Vec<_>>>());
                let all = all.flatten().ok_or("the channels of a filter are a list of numbers")?;
                format!("{all:?}")
            }
            "to_channel" | "transpose" => value
                .as_i64()
                .ok_or_else(|| format!("{key} of a filter is a whole number"))?
                .to_string(),
            "mute" => value.as_bool().ok_or("mute of a filter is true or false")?.to_string(),
            "velocity" if value.is_u64() => value.to_string(),
            "velocity" => {
                let parts = value
                    .as_object()
                    .ok_or("the velocity of a filter is a number, or an object")?;
                let mut inside = Vec::new();
                for (part, value) in parts {
                    let known = ["scale", "add", "min", "max"].contains(&part.as_str());
                    let number = value.as_number().filter(|_| known);
                    let number = number.ok_or(
                        "the velocity of a filter has the numbers scale, add, min and max",
                    )?;
                    inside.push(format!("{part} = {number}"));
                }
                format!("{{ {} }}", inside.join(", "))
            }
            "controllers" => {
                let pairs = value.as_object().ok_or("the controllers of a filter are an object")?;
                let mut inside = Vec::new();
                for (from, to) in pairs {
                    let from = number(from).ok_or("a controller of a filter is a number")?;
                    let to = match to {
                        Value::Bool(false) => "false".to_owned(),
                        to => to
                            .as_u64()
                            .ok_or("a controller becomes a number, or false")?
                            .to_string(),
                    };
                    inside.push(format!("{from} = {to}"));
                }
                format!("{{ {} }}", inside.join(", "))
            }
            _ => {
                return Err(
                    "a filter has channels, to_channel, transpose, velocity, controllers and mute"
                        .to_owned(),
                );
            }
        };
        let _infallible = writeln!(out, "{key} = {written}");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_rules::Rules;

    #[test]
    fn addresses_are_two_numbers() {
        assert_eq!(address("128:0"), Some(Address::new(128, 0)));
        for wrong in ["", ":", "1:", ":1", "256:0", "1:2:3", "-1:0", "+1:0", " 1:0", "a:b"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn stamps_are_written_as_in_rules() {
        for text in ["real:0", "tick:31"] {
            assert_eq!(stamp(text).map(stamp_text).as_deref(), Some(text));
        }
        for wrong in ["", "real", "real:", "x:0", "real:256"] {
            assert_eq!(stamp(wrong), None, "{wrong}");
        }
    }

    fn there_and_back(filter: &Value) -> Value {
        let lines = filter_lines(filter.as_object().expect("an object")).expect("a filter");
        let (rules, problems) =
            Rules::read("r", &format!("[[rule]]\nfrom = 'a'\nto = 'b'\n{lines}"));
        assert_eq!(problems, [], "{lines}");
        filter_value(rules.rules[0].transform.as_ref().expect("a link"))
    }

    #[test]
    fn filters_become_rules_and_filters_again() {
        for filter in [
            json!({ "mute": true }),
            json!({ "channels": [1, 16], "to_channel": 3 }),
            json!({ "transpose": -12, "velocity": { "scale": 0.8, "add": -5, "min": 20, "max": 110 } }),
            json!({ "controllers": { "1": 11, "64": false } }),
        ] {
            assert_eq!(there_and_back(&filter), filter);
        }
        assert_eq!(there_and_back(&json!({ "channels": 10 })), json!({ "channels": [10] }));
        assert_eq!(there_and_back(&json!({ "velocity": 100 }))["velocity"]["min"], 100);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for filter in [
            json!({ "x": 1 }),
            json!({ "channels": "1]\nwhen = 'always'" }),
            json!({ "channels": [1.5] }),
            json!({ "to_channel": "1" }),
            json!({ "mute": 1 }),
            json!({ "velocity": { "scale": "1", } }),
            json!({ "velocity": { "x = 1 }\nname": 1 } }),
            json!({ "controllers": { "1 = 2 }\nmute": false } }),
            json!({ "controllers": { "1": true } }),
        ] {
            assert!(filter_lines(filter.as_object().expect("an object")).is_err(), "{filter}");
        }
    }
}
