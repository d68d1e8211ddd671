//! The keys of a rule that make its connection a link.

use super::table::{Entry, Table, integer};
use crate::transform::{Transform, Velocity};
use toml::de::{DeTable, DeValue};

/// The keys that make a link.
pub(super) const KEYS: &[&str] =
    &["channels", "controllers", "mute", "to_channel", "transpose", "velocity"];

/// Reads what a link does, if the rule says something of that.
pub(super) fn transform(table: &mut Table<'_>, rule: &DeTable<'_>) -> Option<Transform> {
    if !KEYS.iter().any(|key| rule.contains_key(*key)) {
        return None;
    }
    let mut transform = Transform::default();
    for (key, value) in rule {
        let entry = Entry::new(key, value);
        match entry.key {
            "channels" => transform.channels = channels(table, &entry).unwrap_or(u16::MAX),
            "to_channel" => {
                let number: Option<u8> = table.number(&entry, 1..=16);
                transform.to_channel = number.map(|number| number - 1);
            }
            "transpose" => {
                transform.transpose = table.number(&entry, -127..=127).unwrap_or_default();
            }
            "mute" => transform.mute = table.boolean(&entry).unwrap_or_default(),
            "velocity" => transform.velocity = velocity(table, &entry).unwrap_or_default(),
            "controllers" => controllers(table, &entry, &mut transform),
            _ => {}
        }
    }
    Some(transform)
}

/// Reads a channel, 1 to 16, or a list of them.
fn channels(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<u16> {
    let mut all = 0;
    let values = match entry.value.get_ref() {
        DeValue::Array(values) => values.iter().collect(),
        _ => vec![entry.value],
    };
    for value in values {
        let one: u8 = table.number(&Entry { key: entry.key, value }, 1..=16)?;
        all |= 1 << (one - 1);
    }
    Some(all)
}

/// Reads a velocity that all notes get, or a table.
fn velocity(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<Velocity> {
    if entry.value.get_ref().is_integer() {
        let fixed = table.number(entry, 1..=127)?;
        return Some(Velocity { min: fixed, max: fixed, ..Velocity::default() });
    }
    let entries = table.table(entry)?;
    table.check_keys(entries, &["add", "max", "min", "scale"], "a velocity");
    let mut velocity = Velocity::default();
    for (key, value) in entries {
        let one = Entry::new(key, value);
        match one.key {
            "scale" => velocity.scale = table.float(&one, 0.0..=16.0)?,
            "add" => velocity.add = table.number(&one, -127..=127)?,
            "min" => velocity.min = table.number(&one, 1..=127)?,
            "max" => velocity.max = table.number(&one, 1..=127)?,
            _ => {}
        }
    }
    if velocity.min > velocity.max {
        table.wrong(entry.value.span(), "the least velocity is above the largest");
    }
    Some(velocity)
}

/// Reads a table from controllers to controllers; `false` stops one.
fn controllers(table: &mut Table<'_>, entry: &Entry<'_>, transform: &mut Transform) {
    let Some(entries) = table.table(entry) else { return };
    for (key, value) in entries {
        let number = |number: i64| u8::try_from(number).ok().filter(|number| *number <= 127);
        let from = key.get_ref().parse().ok().and_then(number);
        let to = match value.get_ref() {
            DeValue::Boolean(false) => Some(None),
            _ => integer(value).and_then(number).map(Some),
        };
        match (from, to) {
            (Some(from), Some(to)) => {
                transform.controllers.insert(from, to);
            }
            (None, _) => table.wrong(key.span(), "a controller is a number, 0 to 127"),
            (_, None) => table.wrong(
                value.span(),
                "a controller becomes another one, 0 to 127, or false, which stops it",
            ),
        }
    }
}
