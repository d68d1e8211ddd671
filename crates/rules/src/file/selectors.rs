//! Selectors in a file: strings, and tables of properties.

use super::table::{Entry, Table, integer};
use aseqd_selector::{BadSelector, Condition, Device, PortPart, Selector};
use toml::Spanned;
use toml::de::DeValue;

/// The keys of a selector that is a table.
const KEYS: &[&str] = &["client", "client_part", "path", "port", "port_part", "serial", "usb"];

/// Reads a selector.
pub(super) fn selector(
    table: &mut Table<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Option<Selector> {
    match value.get_ref() {
        DeValue::String(text) => match text.parse() {
            Ok(selector) => Some(selector),
            Err(BadSelector { why, .. }) => {
                table.wrong(value.span(), &why);
                None
            }
        },
        DeValue::Table(_) => properties(table, value),
        _ => {
            table.wrong(value.span(), &format!("`{key}` is a string or a table"));
            None
        }
    }
}

fn properties(table: &mut Table<'_>, value: &Spanned<DeValue<'_>>) -> Option<Selector> {
    let entries = value.get_ref().as_table()?;
    table.check_keys(entries, KEYS, "a selector");
    let mut conditions = Vec::new();
    let mut device = Device::default();
    let mut port = PortPart::First;
    let mut words = Vec::new();
    for (key, one) in entries {
        let entry = Entry::new(key, one);
        if let Some(number) = integer(one) {
            words.push(format!("{} {number}", entry.key));
        } else if let Some(text) = one.get_ref().as_str() {
            words.push(format!("{} '{text}'", entry.key));
        }
        match entry.key {
            "client" if one.get_ref().is_integer() => {
                conditions.push(Condition::Client(table.number(&entry, 0..=255)?));
            }
            "client" => conditions.push(Condition::Name(table.string(&entry)?.to_owned())),
            "client_part" => conditions.push(match table.string(&entry)? {
                "" => Condition::Any,
                part => Condition::Part(part.to_owned()),
            }),
            "port" if one.get_ref().is_integer() => {
                port = PortPart::Number(table.number(&entry, 0..=255)?);
            }
            "port" => port = PortPart::Name(table.string(&entry)?.to_owned()),
            "port_part" => port = PortPart::Part(table.string(&entry)?.to_owned()),
            "usb" => device.usb = Some(usb(table, &entry)?),
            "serial" => device.serial = Some(table.string(&entry)?.to_owned()),
            "path" => device.path = Some(table.string(&entry)?.to_owned()),
            _ => {}
        }
    }
    if device != Device::default() {
        conditions.push(Condition::Device(device));
    }
    if conditions.is_empty() {
        table.wrong(value.span(), "a selector needs client, client_part, usb, serial or path");
        return None;
    }
    Some(Selector::of(words.join(", "), conditions, port))
}

/// Reads vendor and product: four hexadecimal digits each.
fn usb(table: &mut Table<'_>, entry: &Entry<'_>) -> Option<String> {
    let text = table.string(entry)?.to_lowercase();
    let is_id = |id: &str| id.len() == 4 && id.chars().all(|c| c.is_ascii_hexdigit());
    if !text.split_once(':').is_some_and(|(vendor, product)| is_id(vendor) && is_id(product)) {
        table
            .wrong(entry.value.span(), "`usb` is VENDOR:PRODUCT in hexadecimal, such as 0582:012a");
        return None;
    }
    Some(text)
}
