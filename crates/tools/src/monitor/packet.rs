//! Names UMP packets and their fields, for text and JSON alike.

use crate::vocabulary::note_name;
use aseqd_client::ump::{UmpEvent, group, message_type, words_of};
use serde_json::Value;
use std::fmt::Write as _;

/// A packet in words.
pub(crate) struct Packet {
    /// What it is, as the events of the same meaning are called, or in the words of the MIDI 2.0 specification.
    pub(crate) name: String,
    /// The channel, of messages that have one.
    pub(crate) channel: Option<u8>,
    fields: Vec<Field>,
}

/// A field with its name, and how text shows it.
struct Field(&'static str, Value, Shown);

/// How text shows a value.
enum Shown {
    /// In decimal, or as it is.
    Plain,
    /// In hexadecimal, with this many digits: it is a part of the range, not a number of something.
    Hex(usize),
    /// A note with its name.
    Note,
}

/// Returns a packet in words.
pub(crate) fn describe(event: &UmpEvent) -> Packet {
    let first = event.ump[0].to_be_bytes();
    let channel = first[1] & 15;
    let (name, channel, fields) = match message_type(event) {
        0 => utility(event.ump[0]),
        1 => system(first),
        2 => midi1(first, channel),
        3 => sysex(event, first[1] >> 4, 2..8, first[1] & 15, "SYSEX7", None),
        4 => midi2(first, event.ump[1], channel),
        5 => data128(event, first),
        13 => flex_data(event, first),
        15 => stream(event, first),
        other => (format!("UMP_TYPE_{other}"), None, vec![words(event)]),
    };
    Packet { name, channel, fields }
}

type Named = (String, Option<u8>, Vec<Field>);

impl Packet {
    /// Returns the note, of messages that have one.
    pub(crate) fn note(&self) -> Option<u8> {
        let note = self.fields.iter().find(|Field(name, ..)| *name == "note");
        note.and_then(|Field(_, value, _)| u8::try_from(value.as_u64()?).ok())
    }

    /// Returns the fields as text: `note 60 (C4), velocity 0xc000`.
    pub(crate) fn text(&self) -> String {
        let shown = |Field(name, value, shown): &Field| match shown {
            Shown::Plain => match value {
                Value::String(text) => format!("{name} {}", aseqd_client::printable(text)),
                value => format!("{name} {value}"),
            },
            Shown::Hex(digits) => {
                let value = value.as_u64().unwrap_or(0);
                format!("{name} 0x{value:0digits$x}")
            }
            Shown::Note => {
                let note = value.as_u64().and_then(|note| u8::try_from(note).ok()).unwrap_or(0);
                format!("{name} {note} ({})", note_name(note))
            }
        };
        self.fields.iter().map(shown).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the words of a packet in hexadecimal.
pub(crate) fn hex(event: &UmpEvent) -> String {
    words_of(event).iter().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(" ")
}

/// Adds what a packet is to a JSON object.
pub(crate) fn into_json(event: &UmpEvent, object: &mut Value) {
    let packet = describe(event);
    object["type"] = packet.name.into();
    object["words"] = hex(event).into();
    object["message_type"] = message_type(event).into();
    if let Some(group) = group(event) {
        object["group"] = group.into();
    }
    if let Some(channel) = packet.channel {
        object["channel"] = channel.into();
    }
    for Field(name, value, _) in packet.fields {
        object[name.replace(' ', "_")] = value;
    }
}

fn plain(name: &'static str, value: impl Into<Value>) -> Field {
    Field(name, value.into(), Shown::Plain)
}

fn hex16(name: &'static str, value: u32) -> Field {
    Field(name, (value & 0xffff).into(), Shown::Hex(4))
}

fn hex32(name: &'static str, value: u32) -> Field {
    Field(name, value.into(), Shown::Hex(8))
}

fn note(note: u8) -> Field {
    Field("note", (note & 127).into(), Shown::Note)
}

/// What is left of a packet whose fields are not known.
fn words(event: &UmpEvent) -> Field {
    plain("raw", hex(event))
}

fn utility(word: u32) -> Named {
    let (name, fields) = match word >> 20 & 15 {
        0 => ("NOOP", vec![]),
        1 => ("JR_CLOCK", vec![plain("time", word & 0xffff)]),
        2 => ("JR_TIMESTAMP", vec![plain("time", word & 0xffff)]),
        3 => ("DCTPQ", vec![plain("ticks", word & 0xffff)]),
        4 => ("DELTA_CLOCKSTAMP", vec![plain("ticks", word & 0xf_ffff)]),
        other => return (format!("UTILITY_{other}"), None, vec![]),
    };
    (name.to_owned(), None, fields)
}

fn system([_, status, low, high]: [u8; 4]) -> Named {
    let whole = u32::from(low & 127) | u32::from(high & 127) << 7;
    let (name, fields) = match status {
        0xf1 => ("QFRAME", vec![plain("value", low & 127)]),
        0xf2 => ("SONGPOS", vec![plain("value", whole)]),
        0xf3 => ("SONGSEL", vec![plain("value", low & 127)]),
        0xf6 => ("TUNE_REQUEST", vec![]),
        0xf8 => ("CLOCK", vec![]),
        0xfa => ("START", vec![]),
        0xfb => ("CONTINUE", vec![]),
        0xfc => ("STOP", vec![]),
        0xfe => ("SENSING", vec![]),
        0xff => ("RESET", vec![]),
        other => return (format!("SYSTEM_{other:02X}"), None, vec![]),
    };
    (name.to_owned(), None, fields)
}

fn midi1([_, status, first, second]: [u8; 4], channel: u8) -> Named {
    let (first, second) = (first & 127, second & 127);
    let bend = (i32::from(second) << 7 | i32::from(first)) - 8192;
    let (name, fields) = match status >> 4 {
        8 => ("NOTEOFF", vec![note(first), plain("velocity", second)]),
        9 => ("NOTEON", vec![note(first), plain("velocity", second)]),
        10 => ("KEYPRESS", vec![note(first), plain("pressure", second)]),
        11 => ("CONTROLLER", vec![plain("param", first), plain("value", second)]),
        12 => ("PGMCHANGE", vec![plain("value", first)]),
        13 => ("CHANPRESS", vec![plain("value", first)]),
        14 => ("PITCHBEND", vec![plain("value", bend)]),
        other => return (format!("MIDI1_{other}"), Some(channel), vec![]),
    };
    (name.to_owned(), Some(channel), fields)
}

fn midi2([_, status, third, fourth]: [u8; 4], value: u32, channel: u8) -> Named {
    let velocity = || hex16("velocity", value >> 16);
    let attribute = |mut fields: Vec<Field>| {
        if fourth != 0 {
            fields.extend([plain("attribute type", fourth), hex16("attribute", value)]);
        }
        fields
    };
    let parameter =
        || vec![plain("bank", third & 127), plain("index", fourth & 127), hex32("value", value)];
    let per_note = || vec![note(third), plain("param", fourth), hex32("value", value)];
    let (name, fields) = match status >> 4 {
        0 => ("PER_NOTE_REGISTERED", per_note()),
        1 => ("PER_NOTE_ASSIGNABLE", per_note()),
        2 => ("REGPARAM", parameter()),
        3 => ("NONREGPARAM", parameter()),
        4 => ("REGPARAM_RELATIVE", parameter()),
        5 => ("NONREGPARAM_RELATIVE", parameter()),
        6 => ("PER_NOTE_PITCHBEND", vec![note(third), hex32("value", value)]),
        8 => ("NOTEOFF", attribute(vec![note(third), velocity()])),
        9 => ("NOTEON", attribute(vec![note(third), velocity()])),
        10 => ("KEYPRESS", vec![note(third), hex32("pressure", value)]),
        11 => ("CONTROLLER", vec![plain("param", third & 127), hex32("value", value)]),
        12 => {
            let mut fields = vec![plain("value", value >> 24 & 127)];
            if fourth & 1 != 0 {
                fields.push(plain("bank", (value >> 8 & 127) << 7 | value & 127));
            }
            ("PGMCHANGE", fields)
        }
        13 => ("CHANPRESS", vec![hex32("value", value)]),
        14 => ("PITCHBEND", vec![hex32("value", value)]),
        15 => {
            let flag = |bit: u8| fourth & bit != 0;
            let fields = vec![note(third), plain("detach", flag(2)), plain("reset", flag(1))];
            ("PER_NOTE_MANAGEMENT", fields)
        }
        other => return (format!("MIDI2_{other}"), Some(channel), vec![hex32("value", value)]),
    };
    (name.to_owned(), Some(channel), fields)
}

/// Returns the bytes of a packet, of which it says how many count.
fn bytes(event: &UmpEvent, range: std::ops::Range<usize>, count: u8) -> Vec<u8> {
    let all: Vec<u8> = event.ump.iter().flat_map(|word| word.to_be_bytes()).collect();
    all.get(range).unwrap_or_default().iter().copied().take(count.into()).collect()
}

fn form(number: u8) -> Field {
    plain("form", ["whole", "start", "continue", "end"][usize::from(number & 3)])
}

/// A part of a SysEx.
fn sysex(
    event: &UmpEvent,
    status: u8,
    range: std::ops::Range<usize>,
    count: u8,
    name: &str,
    stream: Option<u8>,
) -> Named {
    if status > 3 {
        return (format!("{name}_{status}"), None, vec![words(event)]);
    }
    let mut text = String::new();
    for byte in bytes(event, range, count) {
        let _infallible = write!(text, "{byte:02X} ");
    }
    let mut fields = vec![form(status)];
    fields.extend(stream.map(|stream| plain("stream", stream)));
    fields.push(plain("data", text.trim_end()));
    (name.to_owned(), None, fields)
}

fn data128(event: &UmpEvent, first: [u8; 4]) -> Named {
    let (status, low) = (first[1] >> 4, first[1] & 15);
    match status {
        // The count includes the byte of the stream.
        0..=3 => sysex(event, status, 3..16, low.saturating_sub(1), "SYSEX8", Some(first[2])),
        8 => ("MIXED_DATA_HEADER".to_owned(), None, vec![plain("id", low), words(event)]),
        9 => ("MIXED_DATA".to_owned(), None, vec![plain("id", low), words(event)]),
        other => (format!("DATA128_{other}"), None, vec![words(event)]),
    }
}

/// The names of texts about a piece, by their number.
const METADATA: [&str; 13] = [
    "TEXT",
    "PROJECT_NAME",
    "COMPOSITION_NAME",
    "CLIP_NAME",
    "COPYRIGHT",
    "COMPOSER",
    "LYRICIST",
    "ARRANGER",
    "PUBLISHER",
    "PRIMARY_PERFORMER",
    "ACCOMPANYING_PERFORMER",
    "RECORDING_DATE",
    "RECORDING_LOCATION",
];

/// The names of texts that belong to a moment of a piece, by their number.
const PERFORMANCE: [&str; 5] = ["EVENT_TEXT", "LYRICS", "LYRICS_LANGUAGE", "RUBY", "RUBY_LANGUAGE"];

fn flex_data(event: &UmpEvent, [_, where_to, bank, status]: [u8; 4]) -> Named {
    // Address 0 is a channel, 1 the whole group.
    let channel = (where_to >> 4 & 3 == 0).then_some(where_to & 15);
    let second = event.ump[1].to_be_bytes();
    let text = |names: &[&str]| {
        let name = names.get(usize::from(status));
        let name = name.map_or_else(|| format!("TEXT_{bank}_{status}"), |name| (*name).to_owned());
        let bytes = bytes(event, 4..16, 12);
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        (name, vec![form(where_to >> 6), plain("text", text)])
    };
    let (name, fields) = match (bank, status) {
        (0, 0) => ("SET_TEMPO".to_owned(), vec![plain("tempo 10ns", event.ump[1])]),
        (0, 1) => {
            let power = u32::from(second[1]);
            let denominator = 1_u32.checked_shl(power).unwrap_or(0);
            let fields = vec![
                plain("numerator", second[0]),
                plain("denominator", denominator),
                plain("32nds", second[2]),
            ];
            ("TIME_SIGNATURE".to_owned(), fields)
        }
        (0, 2) => ("METRONOME".to_owned(), vec![plain("clocks", second[0]), words(event)]),
        (0, 5) => {
            // A number of four bits: flats are negative.
            let sharps = i32::from(second[0] >> 4);
            let sharps = if sharps > 7 { sharps - 16 } else { sharps };
            (
                "KEY_SIGNATURE".to_owned(),
                vec![plain("sharps", sharps), plain("tonic", second[0] & 15)],
            )
        }
        (0, 6) => ("CHORD_NAME".to_owned(), vec![words(event)]),
        (1, _) => text(&METADATA),
        (2, _) => text(&PERFORMANCE),
        _ => (format!("FLEX_DATA_{bank}_{status}"), vec![words(event)]),
    };
    (name, channel, fields)
}

fn stream(event: &UmpEvent, [head, status, third, fourth]: [u8; 4]) -> Named {
    let number = u16::from(head & 3) << 8 | u16::from(status);
    let text = |from: usize| {
        let bytes = bytes(event, from..16, 14);
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        plain("text", String::from_utf8_lossy(&bytes[..end]).into_owned())
    };
    let parts = || form(head >> 2);
    let second = event.ump[1].to_be_bytes();
    let (name, fields) = match number {
        0x00 => ("ENDPOINT_DISCOVERY", vec![words(event)]),
        0x01 => {
            let fields = vec![
                plain("version", format!("{third}.{fourth}")),
                plain("blocks", second[0] & 127),
                plain("static", second[0] & 128 != 0),
                plain("midi1", second[2] & 1 != 0),
                plain("midi2", second[2] & 2 != 0),
            ];
            ("ENDPOINT_INFO", fields)
        }
        0x02 => ("DEVICE_IDENTITY", vec![words(event)]),
        0x03 => ("ENDPOINT_NAME", vec![parts(), text(2)]),
        0x04 => ("PRODUCT_INSTANCE_ID", vec![parts(), text(2)]),
        0x05 => ("STREAM_CONFIGURATION_REQUEST", vec![plain("protocol", third)]),
        0x06 => ("STREAM_CONFIGURATION", vec![plain("protocol", third)]),
        0x10 => ("FUNCTION_BLOCK_DISCOVERY", vec![plain("block", third)]),
        0x11 => {
            let fields = vec![
                plain("block", third & 127),
                plain("active", third & 128 != 0),
                plain("first group", second[0]),
                plain("groups", second[1]),
            ];
            ("FUNCTION_BLOCK_INFO", fields)
        }
        0x12 => ("FUNCTION_BLOCK_NAME", vec![parts(), plain("block", third), text(3)]),
        0x20 => ("START_OF_CLIP", vec![]),
        0x21 => ("END_OF_CLIP", vec![]),
        other => return (format!("STREAM_{other:03X}"), None, vec![words(event)]),
    };
    (name.to_owned(), None, fields)
}

/// Returns the fields of a packet that its event would have: a JSON object with none.
#[cfg(test)]
pub(crate) fn json_of(event: &UmpEvent) -> Value {
    let mut object = Value::Object(serde_json::Map::new());
    into_json(event, &mut object);
    object
}

#[cfg(test)]
mod tests;
