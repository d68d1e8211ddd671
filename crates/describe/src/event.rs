//! The event record.

use crate::names as n;
use crate::types::short::{C8, Q8, U8, U32, U64};
use crate::types::{Field, Kind, Meaning};
use aseqd_abi::EventType;

const fn field(name: &'static str, offset: usize, kind: Kind, meaning: Meaning) -> Field {
    Field { name, offset, kind, meaning }
}

use Meaning::{Any, Port, Range};

/// An event record. The names from `data` on are views of the same bytes; [`data_of`] says which a type has.
pub const EVENT: &[Field] = &[
    field("type", 0, U8, n::EVENT_TYPE),
    field("flags", 1, U8, n::EVENT_FLAGS),
    field("tag", 2, U8, Any),
    field("queue", 3, Q8, Any),
    field("tick", 4, U32, Any),
    field("nsec", 8, U32, Any),
    field("source", 12, C8, Any),
    field("source_port", 13, U8, Port),
    field("dest", 14, C8, Any),
    field("dest_port", 15, U8, Port),
    field("data", 16, Kind::Bytes(12), Any),
    field("len", 16, U32, Meaning::Length),
    field("pointer", 20, U64, Any),
    field("channel", 16, U8, Range(0, 15)),
    field("note", 17, U8, Range(0, 127)),
    field("velocity", 18, U8, Range(0, 127)),
    field("off_velocity", 19, U8, Range(0, 127)),
    field("duration", 20, U32, Range(0, 10)),
    field("control", 16, Q8, Any),
    field("value", 20, U32, Any),
    field("value2", 24, U32, Any),
    field("about", 16, C8, Any),
    field("about_port", 17, U8, Port),
    field("peer", 18, C8, Any),
    field("peer_port", 19, U8, Port),
    // The words of a UMP packet. A record that has the first one is 32 bytes.
    field("w0", 16, U32, Any),
    field("w1", 20, U32, Any),
    field("w2", 24, U32, Any),
    field("w3", 28, U32, Any),
];

/// Returns the names of the views of [`EVENT`] that say what an event of a type is about.
#[must_use]
pub const fn data_of(
    event_type: EventType,
    packet: bool,
    variable: bool,
) -> &'static [&'static str] {
    if packet {
        return &["w0", "w1", "w2", "w3"];
    }
    if variable {
        return &["len", "pointer"];
    }
    match event_type.0 {
        5 => &["channel", "note", "velocity", "off_velocity", "duration"],
        6..=8 => &["channel", "note", "velocity"],
        10..=19 | 20..=24 | 36 | 37 | 40..=42 => &["channel", "value", "value2"],
        30..=35 | 38 => &["control", "value", "value2"],
        60..=65 | 68 | 69 => &["about", "about_port"],
        66 | 67 => &["about", "about_port", "peer", "peer_port"],
        130..=139 => &["len", "pointer"],
        _ => &["data"],
    }
}
