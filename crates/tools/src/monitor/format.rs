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
use aseqd_console::on_stdout;
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
    let mut line = String::new();
    write_line(&mut line, event, data, late);
    line
}

/// Returns an event as one line, as [`line`] does, with `time` in the column of the time.
pub(crate) fn line_at(event: &Event, data: &[u8], time: &str, late: Option<Option<i64>>) -> String {
    let mut line = String::new();
    write_source(&mut line, event);
    let _infallible = write!(line, "{time:<14} ");
    write_rest(&mut line, event, data, late);
    line
}

/// Appends what [`line`] returns.
pub(crate) fn write_line(out: &mut String, event: &Event, data: &[u8], late: Option<Option<i64>>) {
    write_source(out, event);
    write_time(out, event);
    out.push(' ');
    write_rest(out, event, data, late);
}

/// Appends the columns behind the time.
fn write_rest(out: &mut String, event: &Event, data: &[u8], late: Option<Option<i64>>) {
    write_words(out, event, data);
    match late {
        None => {}
        Some(None) => out.push_str("  -"),
        Some(Some(late)) => {
            let style = on_stdout(LATE);
            let _infallible = write!(out, "  {style}{:+} us{style:#}", micros(late));
        }
    }
    out.truncate(out.trim_end().len());
}

/// Appends the column of the source.
fn write_source(out: &mut String, event: &Event) {
    let style = on_stdout(ADDRESS);
    let _infallible = write!(out, "{style}");
    let begin = out.len();
    let _infallible = write!(out, "{}:{}", event.source.client, event.source.port);
    pad(out, begin, 8);
    let _infallible = write!(out, "{style:#} ");
}

/// Appends spaces until what begins at `begin` has a width. This costs less than formatting a text that was formatted
/// before.
fn pad(out: &mut String, begin: usize, width: usize) {
    for _ in out.len() - begin..width {
        out.push(' ');
    }
}

/// Returns the columns of what happens in an event: its type, channel and data.
#[cfg(feature = "top")]
pub(crate) fn words(event: &Event, data: &[u8]) -> String {
    let mut words = String::new();
    write_words(&mut words, event, data);
    words
}

fn write_words(out: &mut String, event: &Event, data: &[u8]) {
    let begin = out.len();
    match event.event_type.name() {
        Some(name) => out.push_str(name),
        None => out.push_str(&name(event.event_type)),
    }
    pad(out, begin, 17);
    if has_channel(event.event_type) && !event.is_variable() {
        let _infallible = write!(out, " {:>2}  ", event.data.0[0]);
    } else {
        out.push_str("     ");
    }
    describe(out, event, data);
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
    let mut fields = String::new();
    describe(&mut fields, event, data);
    packet_columns(event, NONE, &name(event.event_type), NONE, &fields)
}

fn packet_columns(event: &Event, group: &str, name: &str, channel: &str, data: &str) -> String {
    let mut line = String::new();
    write_source(&mut line, event);
    write_time(&mut line, event);
    let _infallible = write!(line, " {group:>5}  {name:<19} {channel:>3}  {data}");
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

/// Appends the column of the time, as the sender wrote it, even if it has no meaning.
fn write_time(out: &mut String, event: &Event) {
    let begin = out.len();
    let _infallible = if event.flags.contains(EventFlags::REAL_TIME) {
        write!(out, "{}.{:09}", event.time.tick_or_sec, event.time.nsec)
    } else {
        write!(out, "{}", event.time.tick_or_sec)
    };
    pad(out, begin, 14);
}

/// Appends the fields of an event.
fn describe(out: &mut String, event: &Event, data: &[u8]) {
    let _infallible = write_fields(out, event, data);
}

fn write_fields(out: &mut String, event: &Event, data: &[u8]) -> std::fmt::Result {
    if event.is_variable() {
        write!(out, "{} bytes: ", data.len())?;
        write_hex(out, data);
        return Ok(());
    }
    let body = &event.data;
    match layout(event.event_type) {
        Layout::Note { velocity, whole } => {
            let note = body.note();
            let name = note_name(note.note);
            write!(out, "note {} ({name}), {velocity} {}", note.note, note.velocity)?;
            if whole {
                write!(out, ", off velocity {}, duration {}", note.off_velocity, note.duration)?;
            }
        }
        Layout::Control => {
            let control = body.control();
            write!(out, "param {}, value {}", control.param, control.value)?;
        }
        Layout::Value => write!(out, "value {}", body.control().value)?,
        Layout::Queue => {
            write!(out, "control queue {}, value {}", body.queue(), body.queue_param())?;
            if has_second_value(event.event_type) {
                write!(out, ", value2 {}", body.queue_param2())?;
            }
        }
        Layout::Address if is_client(event.event_type) => {
            write!(out, "client {}", body.address().client)?;
        }
        Layout::Address => write!(out, "port {}", body.address())?,
        Layout::Block => {
            let about = body.address();
            write!(out, "client {}, block {}", about.client, about.port)?;
        }
        Layout::Connect => {
            let connect = body.connect();
            write!(out, "{} -> {}", connect.sender, connect.dest)?;
        }
        Layout::Result => {
            let (event, result) = body.result();
            write!(out, "event {event}, result {result}")?;
        }
        Layout::Nothing => {}
        Layout::Raw => write_hex(out, &body.0),
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    write_hex(&mut text, bytes);
    text
}

/// Appends bytes in hexadecimal, with spaces between them.
pub(crate) fn write_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    out.reserve(3 * bytes.len());
    for (number, byte) in bytes.iter().enumerate() {
        if number > 0 {
            out.push(' ');
        }
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
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
