//! Requests and events in words.

use crate::types::{Field, Kind, Meaning, Names, Request};
use crate::{EVENT, data_of};
use alloc::string::String;
use aseqd_abi::event::{EVENT_SIZE, EventFlags};
use aseqd_abi::zerocopy::FromBytes;
use aseqd_abi::{Event, EventType};
use core::fmt::Write as _;

/// Maximum number of bytes of a field that are written out.
const BYTES_IN_FULL: usize = 32;

/// Writes a request and the fields of its struct that are not zero. Missing bytes count as zero.
#[must_use]
pub fn request(request: &Request, bytes: &[u8]) -> String {
    let mut text = String::from(request.c_name);
    fields(&mut text, request.fields.iter(), bytes);
    text
}

/// Writes an event record of 28 or 32 bytes: its type, then the fields that are not zero. Returns an empty text if the
/// record is shorter.
#[must_use]
pub fn event(bytes: &[u8]) -> String {
    let mut text = String::new();
    let Some(head) = bytes.get(..EVENT_SIZE) else { return text };
    let event_type = EventType(head[0]);
    let flags = EventFlags::from_bits_retain(head[1]);
    let packet = flags.contains(EventFlags::UMP) && bytes.len() > EVENT_SIZE;
    match event_type.name() {
        _ if packet => text += "UMP",
        Some(name) => text += name,
        None => put(&mut text, format_args!("type={}", head[0])),
    }
    let length = flags.length().0;
    let data =
        data_of(event_type, packet, length != 0 && length != EventFlags::VARIABLE.bits() * 3);
    let shown =
        EVENT.iter().skip(1).filter(|field| field.offset < 16 || data.contains(&field.name));
    fields(&mut text, shown, bytes);
    text
}

/// Writes the events of a write or read, each in brackets. Data of an event is written as its length; `wide` says that
/// records have 32 bytes.
#[must_use]
pub fn events(mut bytes: &[u8], wide: bool) -> String {
    let size = if wide { EVENT_SIZE + 4 } else { EVENT_SIZE };
    let mut text = String::new();
    while let Some((record, rest)) = bytes.split_at_checked(size) {
        let parsed = Event::read_from_prefix(record).ok().map(|(event, _)| event);
        if !text.is_empty() {
            text.push(' ');
        }
        put(&mut text, format_args!("[{}]", event(record)));
        let data = match parsed {
            Some(event) if event.is_variable() => (event.data.ext_len() & 0x0fff_ffff) as usize,
            _ => 0,
        };
        bytes = rest.get(data.next_multiple_of(size).min(data + size)..).unwrap_or_default();
    }
    if !bytes.is_empty() {
        put(&mut text, format_args!(" +{} bytes", bytes.len()));
    }
    text
}

fn put(text: &mut String, arguments: core::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(arguments);
}

fn fields<'a>(text: &mut String, fields: impl Iterator<Item = &'a Field>, bytes: &[u8]) {
    for field in fields {
        let end = (field.offset + field.kind.size()).min(bytes.len());
        let Some(given) = bytes.get(field.offset..end) else { continue };
        if given.iter().any(|byte| *byte != 0) {
            put(text, format_args!(" {}=", field.name));
            value(text, field, given);
        }
    }
}

/// Returns the number that a field of at most 8 bytes has.
#[must_use]
pub fn number(kind: Kind, bytes: &[u8]) -> i64 {
    let mut word = [0; 8];
    let len = bytes.len().min(8);
    word[..len].copy_from_slice(&bytes[..len]);
    match (kind, len) {
        (Kind::Unsigned(_), _) => i64::from_le_bytes(word),
        (_, 4) => i32::from_le_bytes([word[0], word[1], word[2], word[3]]).into(),
        _ => i64::from_le_bytes(word),
    }
}

fn value(text: &mut String, field: &Field, bytes: &[u8]) {
    match field.kind {
        Kind::Name(_) => {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            put(text, format_args!("{:?}", String::from_utf8_lossy(&bytes[..end])));
        }
        Kind::Bytes(_) | Kind::Stamp(_) => {
            text.push_str("hex:");
            let shown = &bytes[..bytes.len().min(BYTES_IN_FULL)];
            shown.iter().for_each(|byte| put(text, format_args!("{byte:02x}")));
        }
        _ => named(text, field, number(field.kind, bytes)),
    }
}

fn named(text: &mut String, field: &Field, number: i64) {
    match field.meaning {
        Meaning::One(names) => match names.iter().find(|(_, value)| *value == number) {
            Some((name, _)) => text.push_str(name),
            None => put(text, format_args!("{number}")),
        },
        Meaning::Bits(names) => bits(text, names, number),
        _ => put(text, format_args!("{number}")),
    }
}

fn bits(text: &mut String, names: Names, number: i64) {
    let mut left = number;
    let mut first = true;
    for (name, bit) in names {
        if number & bit == *bit {
            put(text, format_args!("{}{name}", if first { "" } else { "|" }));
            left &= !bit;
            first = false;
        }
    }
    if left != 0 || first {
        put(text, format_args!("{}{left:#x}", if first { "" } else { "|" }));
    }
}
