//! Reads the lines that `aseqd monitor` prints as text.

use super::fields::{Layout, has_channel, has_second_value, is_client, layout};
use super::format::{HEADER, PACKET_HEADER};
use aseqd_abi::event::{Control, EventData, Note};
use aseqd_abi::seq::Connect;
use aseqd_abi::{Address, Event, EventFlags, EventType};
use aseqd_client::ump::{self, UmpEvent};
use std::str::FromStr;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// An event with its data. Source, time and queue are not read.
    Event(Event, Option<Vec<u8>>),
    /// A UMP packet, of `--ump --raw`.
    Packet(UmpEvent),
    /// A heading.
    Heading,
}

/// Reads a line of the text that `aseqd monitor` prints. Returns `None` for a line that is no such line.
///
/// # Errors
/// A sentence that says what is wrong, for a line that begins like an event.
pub(crate) fn parse(line: &str) -> Option<Result<Line, String>> {
    let line = line.trim_end();
    let heading = line.strip_prefix("port ").is_some_and(|rest| rest.ends_with("; Ctrl-C ends"));
    if heading || line == HEADER || line == PACKET_HEADER {
        return Some(Ok(Line::Heading));
    }
    let mut words = Words(line);
    address(words.next()?)?;
    let incomplete = || Err("this is no whole line of aseqd monitor".to_owned());
    Some(event(words).unwrap_or_else(incomplete))
}

/// The words of a line, which any number of spaces separates.
#[derive(Clone, Copy)]
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        let (word, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }
}

fn address(text: &str) -> Option<Address> {
    let (client, port) = text.split_once(':')?;
    Some(Address::new(client.parse().ok()?, port.parse().ok()?))
}

/// Reads what follows the address. Returns `None` if something is missing.
fn event(mut words: Words<'_>) -> Option<Result<Line, String>> {
    let _time = words.next()?;
    let first = words.next()?;
    let among_packets = first == "-" || first.parse::<u8>().is_ok();
    let name = if among_packets { words.next()? } else { first };
    let mut event = Event::direct(match name {
        "type" => EventType(words.next()?.parse().ok()?),
        name => match EventType::ALL.iter().find(|(known, _)| *known == name) {
            Some((_, event_type)) => *event_type,
            // Packets have names of their own.
            None if among_packets => EventType::NONE,
            None => return Some(Err(format!("there is no event {name}"))),
        },
    });
    let channel = if among_packets { Some(words.next()?) } else { None };
    let rest = words.0.trim();
    if among_packets && let Some(packet) = packet(rest) {
        return Some(Ok(Line::Packet(packet)));
    }
    if among_packets && (first != "-" || channel != Some("-")) {
        let what =
            "fields of a packet cannot be sent; `aseqd monitor --ump --raw` prints its words";
        return Some(Err(what.to_owned()));
    }
    if let Some((length, bytes)) = rest.split_once(" bytes:") {
        let bytes = hex(bytes)?;
        event.flags = EventFlags::VARIABLE;
        event.data = EventData::from_ext_len(u32::try_from(bytes.len()).ok()?);
        let whole = length.parse() == Ok(bytes.len());
        return whole.then_some(Ok(Line::Event(event, Some(bytes))));
    }
    let mut channel = 0;
    let mut rest = rest;
    // Among packets, only events without a channel are shown as events.
    if has_channel(event.event_type) && !among_packets {
        channel = words.next()?.parse().ok()?;
        rest = words.0.trim();
    }
    event.data = fields(event.event_type, channel, rest)?;
    Some(Ok(Line::Event(event, None)))
}

fn packet(text: &str) -> Option<UmpEvent> {
    let word = |word: &str| {
        let digits = word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u32::from_str_radix(word, 16).ok()).flatten()
    };
    let words: Vec<u32> = text.split(' ').map(word).collect::<Option<_>>()?;
    let first = words.first()?.to_be_bytes()[0];
    (words.len() == ump::words(first >> 4)).then(|| ump::packet(&words))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let byte = |word: &str| {
        let digits = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(word, 16).ok()).flatten()
    };
    text.split_ascii_whitespace().map(byte).collect()
}

/// Reads the fields, such as `note 60 (C4), velocity 100`. Returns `None` if one is missing, or too much is there.
fn fields(event_type: EventType, channel: u8, text: &str) -> Option<EventData> {
    let layout = layout(event_type);
    if layout == Layout::Raw {
        return hex(text)?.try_into().ok().map(EventData);
    }
    let mut parts: Vec<&str> = text.split(", ").filter(|part| !part.is_empty()).collect();
    parts.reverse();
    let mut next = |name: &str| parts.pop()?.strip_prefix(name)?.strip_prefix(' ');
    let data = match layout {
        Layout::Note { velocity, whole } => {
            let (note, _name) = next("note")?.split_once(' ')?;
            let mut note = Note {
                channel,
                note: note.parse().ok()?,
                velocity: number(next(velocity))?,
                ..Note::default()
            };
            if whole {
                note.off_velocity = number(next("off velocity"))?;
                note.duration = number(next("duration"))?;
            }
            EventData::from_note(note)
        }
        Layout::Control => EventData::from_control(Control {
            channel,
            param: number(next("param"))?,
            value: number(next("value"))?,
        }),
        Layout::Value => {
            EventData::from_control(Control { channel, param: 0, value: number(next("value"))? })
        }
        Layout::Queue => {
            let (queue, value) = (number(next("control queue"))?, number(next("value"))?);
            let second = if has_second_value(event_type) { number(next("value2"))? } else { 0 };
            EventData::from_queue(queue, value, second)
        }
        Layout::Address if is_client(event_type) => {
            EventData::from_address(Address::new(number(next("client"))?, 0))
        }
        Layout::Address => EventData::from_address(address(next("port")?)?),
        Layout::Block => {
            EventData::from_address(Address::new(number(next("client"))?, number(next("block"))?))
        }
        Layout::Connect => {
            let (sender, dest) = parts.pop()?.split_once(" -> ")?;
            let (sender, dest) = (address(sender)?, address(dest)?);
            EventData::from_connect(Connect { sender, dest })
        }
        Layout::Result => {
            let (event, result): (i32, i32) = (number(next("event"))?, number(next("result"))?);
            let mut data = [0; 12];
            data[..4].copy_from_slice(&event.to_ne_bytes());
            data[4..8].copy_from_slice(&result.to_ne_bytes());
            EventData(data)
        }
        Layout::Nothing | Layout::Raw => EventData::default(),
    };
    parts.is_empty().then_some(data)
}

fn number<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::format::{line, line_among_packets, packet_line};
    use super::*;

    fn read(line: &str) -> Line {
        let plain = anstream::adapter::strip_str(line).to_string();
        let parsed = parse(&plain).unwrap_or_else(|| panic!("no line: {plain}"));
        parsed.unwrap_or_else(|error| panic!("{plain}: {error}"))
    }

    /// Returns the data with the bytes that mean something in an event of this type. Programs often leave the others as
    /// their memory was.
    fn meaning(event: &Event) -> EventData {
        let mut data = event.data;
        let unused: &[(usize, usize)] = match event.event_type {
            EventType::NOTEON | EventType::NOTEOFF | EventType::KEYPRESS => &[(3, 12)],
            EventType::NOTE => &[(8, 12)],
            EventType(10 | 14..=16) => &[(1, 4)],
            EventType(11..=13) => &[(1, 8)],
            EventType(20..=24) => &[(0, 8)],
            EventType::SETPOS_TIME | EventType::QUEUE_SKEW => &[(1, 4)],
            EventType(30..=38) => &[(1, 4), (8, 12)],
            EventType(60..=62) | EventType::UMP_EP_CHANGE => &[(1, 12)],
            EventType(63..=65) | EventType::UMP_BLOCK_CHANGE => &[(2, 12)],
            EventType(66 | 67) => &[(4, 12)],
            EventType(0 | 1) => &[(8, 12)],
            EventType(40..=42) => &[(0, 12)],
            _ => &[],
        };
        for (from, to) in unused {
            data.0[*from..*to].fill(0);
        }
        data
    }

    /// Whatever arrives can be sent again.
    #[test]
    fn every_event_is_read_back_as_it_was() {
        for number in 0..=u8::MAX {
            for data in [[0; 12], [0xff; 12], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]] {
                let mut event = Event::direct(EventType(number));
                event.source = Address::new(128, 3);
                event.data = EventData(data);
                let source = Address::default();
                let wanted = Line::Event(Event { source, data: meaning(&event), ..event }, None);
                assert_eq!(read(&line(&event, &[], None)), wanted, "{}", line(&event, &[], None));
                if !has_channel(event.event_type) {
                    assert_eq!(read(&line_among_packets(&event, &[])), wanted);
                }
            }
            let mut event = Event::direct(EventType(number));
            event.flags = EventFlags::VARIABLE;
            for data in [&[][..], &[0xf0, 0x7e, 0xf7], &[0; 256]] {
                let length = u32::try_from(data.len()).expect("a length");
                event.data = EventData::from_ext_len(length);
                assert_eq!(
                    read(&line(&event, data, None)),
                    Line::Event(event, Some(data.to_vec()))
                );
            }
        }
    }

    #[test]
    fn packets_are_read_back_by_their_words() {
        for packet in [
            ump::note_on(3, 4, 60, 0xc000),
            ump::packet(&[0xd010_0000, 1, 2, 3]),
            ump::packet(&[0x10f8_0000]),
            ump::packet(&[0]),
        ] {
            assert_eq!(read(&packet_line(&packet, true)), Line::Packet(packet));
            let fields = anstream::adapter::strip_str(&packet_line(&packet, false)).to_string();
            assert!(!matches!(parse(&fields), Some(Ok(_))), "{fields}");
        }
    }

    #[test]
    fn headings_are_known_and_other_lines_are_refused() {
        for heading in ["port 128:0: listening; Ctrl-C ends", HEADER, PACKET_HEADER] {
            assert_eq!(read(heading), Line::Heading);
        }
        for other in ["note C4", "", "port 128:0", "12 events, none lost", "128: x"] {
            assert_eq!(parse(other), None, "{other}");
        }
        for cut in [
            "128:0",
            "128:0    0  NOTEON",
            "128:0    0  NOTEON   9  note 60 (C4), velo",
            "128:0    0  NOTEON   9  note 60 (C4), velocity 100  +13 us",
            "128:0    0  SYSEX   4 bytes: F0 01 F7",
            "128:0    0  NOTEOM   9  note 60 (C4), velocity 100",
            "128:0    0  CLOCK",
        ] {
            assert!(matches!(parse(cut), Some(Err(_))), "{cut}");
        }
    }
}
