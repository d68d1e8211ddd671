//! Formats events, as text and as JSON.

use super::fields::{Layout, has_channel, has_second_value, is_client, layout};
use super::lateness::micros;
use super::packet;
use crate::vocabulary::note_name;
use anstyle::{AnsiColor, Style};
use aseqd_abi::event::{EventFlags, EventLength};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Event, EventType};
use aseqd_client::ump;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The heading of the columns that [`line`] prints.
pub(crate) const HEADER: &str = "source   time           event             ch  data";

/// Stands in the columns of group and channel for none, so that each line has as many words before its data.
const NONE: &str = "-";

/// The heading of the columns that [`packet_line`] prints.
pub(super) const PACKET_HEADER: &str =
    "source   time           group  packet               ch  data";

const ADDRESS: Style = AnsiColor::Cyan.on_default();
const LATE: Style = AnsiColor::Green.on_default();

/// Returns an event as one line. `late` is `None` if lateness is not shown, and `Some(None)` if it is not known.
pub(crate) fn line(event: &Event, data: &[u8], late: Option<Option<i64>>) -> String {
    let time = time(event);
    line_at(event, data, &time, late)
}

/// Returns an event as one line, as [`line`] does, with `time` in the column of the time.
pub(crate) fn line_at(event: &Event, data: &[u8], time: &str, late: Option<Option<i64>>) -> String {
    let source = event.source.to_string();
    let words = words(event, data);
    let mut line = format!("{ADDRESS}{source:<8}{ADDRESS:#} {time:<14} {words}");
    match late {
        None => {}
        Some(None) => line.push_str("  -"),
        Some(Some(late)) => {
            let _infallible = write!(line, "  {LATE}{:+} us{LATE:#}", micros(late));
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Returns the columns of what happens in an event: its type, channel and data.
pub(crate) fn words(event: &Event, data: &[u8]) -> String {
    let name = name(event.event_type);
    let channel = has_channel(event.event_type) && !event.is_variable();
    let channel = if channel { event.data.0[0].to_string() } else { String::new() };
    format!("{name:<17} {channel:>2}  {}", describe(event, data))
}

/// Returns a packet as one line: its fields in words, or with `raw` its words in hexadecimal.
pub(crate) fn packet_line(event: &UmpEvent, raw: bool) -> String {
    let packet = packet::describe(event);
    let data = if raw { packet::hex(event) } else { packet.text() };
    let number = |number: Option<u8>| number.map_or_else(|| NONE.to_owned(), |it| it.to_string());
    let (group, channel) = (number(ump::group(event)), number(packet.channel));
    packet_columns(&head_of(event), &group, &packet.name, &channel, &data)
}

/// Returns an ordinary event as a line below the heading of packets. It has no group.
pub(super) fn line_among_packets(event: &Event, data: &[u8]) -> String {
    packet_columns(event, NONE, &name(event.event_type), NONE, &describe(event, data))
}

fn packet_columns(event: &Event, group: &str, name: &str, channel: &str, data: &str) -> String {
    let (source, time) = (event.source.to_string(), time(event));
    let mut line = format!(
        "{ADDRESS}{source:<8}{ADDRESS:#} {time:<14} {group:>5}  {name:<19} {channel:>3}  {data}"
    );
    line.truncate(line.trim_end().len());
    line
}

/// Returns an event with the head of a packet: its time, queue, addresses and flags.
fn head_of(packet: &UmpEvent) -> Event {
    let UmpEvent { event_type, flags, tag, queue, time, source, dest, .. } = *packet;
    Event { flags, tag, queue, time, source, dest, ..Event::direct(event_type) }
}

/// Returns a packet as a JSON object with the fields that it has.
pub(crate) fn json_packet(packet: &UmpEvent) -> Value {
    let mut object = json_head(&head_of(packet));
    packet::into_json(packet, &mut object);
    object
}

/// Returns the kernel's name of a type, or `type N`.
fn name(event_type: EventType) -> String {
    event_type.name().map_or_else(|| format!("type {}", event_type.0), str::to_owned)
}

/// Returns the time field as the sender wrote it, even if it has no meaning.
fn time(event: &Event) -> String {
    if event.flags.contains(EventFlags::REAL_TIME) {
        format!("{}.{:09}", event.time.tick_or_sec, event.time.nsec)
    } else {
        event.time.tick_or_sec.to_string()
    }
}

fn describe(event: &Event, data: &[u8]) -> String {
    if event.is_variable() {
        return format!("{} bytes: {}", data.len(), hex(data));
    }
    let body = &event.data;
    match layout(event.event_type) {
        Layout::Note { velocity, whole } => {
            let note = body.note();
            let name = note_name(note.note);
            let mut text = format!("note {} ({name}), {velocity} {}", note.note, note.velocity);
            if whole {
                let _infallible = write!(
                    text,
                    ", off velocity {}, duration {}",
                    note.off_velocity, note.duration
                );
            }
            text
        }
        Layout::Control => {
            let control = body.control();
            format!("param {}, value {}", control.param, control.value)
        }
        Layout::Value => format!("value {}", body.control().value),
        Layout::Queue => {
            let mut text = format!("control queue {}, value {}", body.queue(), body.queue_param());
            if has_second_value(event.event_type) {
                let _infallible = write!(text, ", value2 {}", body.queue_param2());
            }
            text
        }
        Layout::Address if is_client(event.event_type) => {
            format!("client {}", body.address().client)
        }
        Layout::Address => format!("port {}", body.address()),
        Layout::Block => {
            let about = body.address();
            format!("client {}, block {}", about.client, about.port)
        }
        Layout::Connect => {
            let connect = body.connect();
            format!("{} -> {}", connect.sender, connect.dest)
        }
        Layout::Result => {
            let (event, result) = body.result();
            format!("event {event}, result {result}")
        }
        Layout::Nothing => String::new(),
        Layout::Raw => hex(&body.0),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let _infallible = write!(text, "{byte:02X} ");
    }
    text.truncate(text.trim_end().len());
    text
}

/// Returns a JSON object with the fields that all events have.
fn json_head(event: &Event) -> Value {
    let mut object = json!({
        "type": name(event.event_type),
        "type_number": event.event_type.0,
        "flags": event.flags.bits(),
        "tag": event.tag,
        "queue": event.queue,
        "source": event.source.to_string(),
        "dest": event.dest.to_string(),
    });
    if event.flags.contains(EventFlags::REAL_TIME) {
        object["sec"] = event.time.tick_or_sec.into();
        object["nsec"] = event.time.nsec.into();
    } else {
        object["tick"] = event.time.tick_or_sec.into();
    }
    object
}

/// Returns an event as a JSON object with the fields that its type has.
pub(crate) fn json_event(event: &Event, data: &[u8], late: Option<i64>) -> Value {
    let mut object = json_head(event);
    let body = &event.data;
    let mut set = |key: &str, value: Value| object[key] = value;
    if event.is_variable() {
        set("data", hex(data).into());
    } else if event.flags.length() != EventLength::FIXED {
        set("raw", hex(&body.0).into());
    } else {
        match layout(event.event_type) {
            Layout::Note { velocity, whole } => {
                let note = body.note();
                set("channel", note.channel.into());
                set("note", note.note.into());
                set(velocity, note.velocity.into());
                if whole {
                    set("off_velocity", note.off_velocity.into());
                    set("duration", note.duration.into());
                }
            }
            Layout::Control => {
                let control = body.control();
                set("channel", control.channel.into());
                set("param", control.param.into());
                set("value", control.value.into());
            }
            Layout::Value => {
                let control = body.control();
                if event.event_type.is_channel() {
                    set("channel", control.channel.into());
                }
                set("value", control.value.into());
            }
            Layout::Queue => {
                set("control_queue", body.queue().into());
                set("value", body.queue_param().into());
                set("value2", body.queue_param2().into());
            }
            Layout::Address => {
                set("client", body.address().client.into());
                if !is_client(event.event_type) {
                    set("port", body.address().to_string().into());
                }
            }
            Layout::Block => {
                set("client", body.address().client.into());
                set("block", body.address().port.into());
            }
            Layout::Connect => {
                let connect = body.connect();
                set("sender", connect.sender.to_string().into());
                set("receiver", connect.dest.to_string().into());
            }
            Layout::Result => {
                let (about, result) = body.result();
                set("event", about.into());
                set("result", result.into());
            }
            Layout::Nothing => {}
            Layout::Raw => set("raw", hex(&body.0).into()),
        }
    }
    if let Some(late) = late {
        set("late_ns", late.into());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;
    use aseqd_abi::event::{Control, EventData, EventTime, Note};

    fn plain(event: &Event, data: &[u8], late: Option<Option<i64>>) -> String {
        anstream::adapter::strip_str(&line(event, data, late)).to_string()
    }

    #[test]
    fn a_line_has_source_time_name_channel_data_and_lateness() {
        let mut event = Event::direct(EventType::NOTEON);
        event.source = Address::new(128, 0);
        event.time = EventTime::tick(96);
        event.data =
            EventData::from_note(Note { channel: 9, note: 60, velocity: 100, ..Note::default() });
        assert_eq!(
            plain(&event, &[], Some(Some(12_600))),
            "128:0    96             NOTEON             9  note 60 (C4), velocity 100  +13 us"
        );
        assert!(plain(&event, &[], Some(None)).ends_with("velocity 100  -"));
        assert!(plain(&event, &[], None).ends_with("velocity 100"));
    }

    #[test]
    fn sysex_is_hexadecimal() {
        let mut event = Event::direct(EventType::SYSEX);
        event.flags = EventFlags::VARIABLE;
        event.data = EventData::from_ext_len(3);
        assert!(plain(&event, &[0xf0, 0x7e, 0xf7], None).ends_with("3 bytes: F0 7E F7"));
        assert_eq!(json_event(&event, &[0xf0, 0x7e, 0xf7], None)["data"], "F0 7E F7");
    }

    #[test]
    fn json_has_the_fields_of_the_type() {
        let mut event = Event::direct(EventType::PITCHBEND);
        event.flags = EventFlags::REAL_TIME;
        event.time = EventTime::real(2, 5);
        event.data = EventData::from_control(Control { channel: 3, param: 0, value: -8192 });
        let json = json_event(&event, &[], Some(7));
        assert_eq!(json["channel"], 3);
        assert_eq!(json["value"], -8192);
        assert_eq!(json["sec"], 2);
        assert_eq!(json["late_ns"], 7);
        assert_eq!(json.get("tick"), None);
    }

    #[test]
    fn text_and_json_have_the_same_words() {
        for (event_type, data, words) in [
            (EventType::CONTROLLER, [2, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0], "param 7, value 5"),
            (EventType::TEMPO, [3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], "control queue 3, value 9"),
            (EventType::PORT_START, [128, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "port 128:1"),
            (EventType::UMP_EP_CHANGE, [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "client 128"),
            (
                EventType::UMP_BLOCK_CHANGE,
                [128, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "client 128, block 3",
            ),
            (EventType::CLIENT_START, [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "client 128"),
            (EventType::NOTEON, [0, 61, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0], "note 61 (C#4), velocity 9"),
        ] {
            let event = Event { data: EventData(data), ..Event::direct(event_type) };
            let line = plain(&event, &[], None);
            assert!(line.ends_with(words), "{line}");
            let json = json_event(&event, &[], None);
            for pair in words.split(", ") {
                let pair =
                    pair.split(" (").next().unwrap().replace("control queue", "control_queue");
                let (word, value) = pair.rsplit_once(' ').unwrap();
                assert_eq!(json[word].to_string().trim_matches('"'), value, "{word} in {json}");
            }
        }
        let connect = Event::direct(EventType::PORT_SUBSCRIBED);
        assert_eq!(json_event(&connect, &[], None)["sender"], "0:0");
        assert_eq!(note_name(0), "C-1");
        assert_eq!(note_name(127), "G9");
    }

    #[test]
    fn every_type_can_be_shown() {
        let page = include_str!("../../../../docs/output.md");
        for number in 0..=u8::MAX {
            for flags in [0, 4, 8, 12] {
                let mut event = Event::direct(EventType(number));
                event.flags = EventFlags::from_bits_retain(flags);
                event.data = EventData([0xff; 12]);
                assert!(!plain(&event, &[1], None).is_empty());
                assert_eq!(json_event(&event, &[1], None)["type_number"], number);
                let json = json_event(&event, &[1], Some(1));
                for field in json.as_object().unwrap().keys() {
                    assert!(page.contains(&format!("`{field}`")), "{field} is documented");
                }
            }
        }
    }
}
