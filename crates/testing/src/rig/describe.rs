//! Events in words, for messages of tests.

use aseqd_client::{Address, Event, EventType};
use std::fmt;

/// Writes an event with what it says, and with its sender if that is known.
pub(super) fn event(f: &mut fmt::Formatter<'_>, event: &Event, data: &[u8]) -> fmt::Result {
    match event.event_type.name() {
        Some(name) => write!(f, "{name}")?,
        None => write!(f, "event type {}", event.event_type.0)?,
    }
    let (note, control) = (event.data.note(), event.data.control());
    match event.event_type {
        EventType::NOTE | EventType::NOTEON | EventType::NOTEOFF | EventType::KEYPRESS => {
            write!(f, " channel {}, note {}, velocity {}", note.channel, note.note, note.velocity)?
        }
        EventType::CONTROLLER
        | EventType::CONTROL14
        | EventType::NONREGPARAM
        | EventType::REGPARAM => write!(
            f,
            " channel {}, controller {}, value {}",
            control.channel, control.param, control.value
        )?,
        EventType::PGMCHANGE | EventType::CHANPRESS | EventType::PITCHBEND => {
            write!(f, " channel {}, value {}", control.channel, control.value)?;
        }
        EventType::SYSEX => write!(f, " {data:02x?}")?,
        _ if event.data.0 == [0; 12] => {}
        _ => write!(f, " {:02x?}", event.data.0)?,
    }
    if event.source != Address::new(0, 0) {
        write!(f, ", from {}", event.source)?;
    }
    Ok(())
}
