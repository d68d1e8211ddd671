//! MIDI messages and UMP packets in hexadecimal. `aseqd port` reads the same text.

use aseqd_client::ump::{self, UmpEvent};
use aseqd_host::error::Fail;
use aseqd_midi::{Decoded, Decoder};

/// Returns the packets that a text of hexadecimal bytes has. Spaces and commas may stand between the bytes.
///
/// # Errors
/// A message if the text has something else than bytes, or the last packet has too few.
pub(super) fn packets(text: &str) -> Result<Vec<UmpEvent>, Fail> {
    let mut bytes = Vec::new();
    for word in words(text) {
        bytes.extend(bytes_of(word)?);
    }
    let incomplete = || Fail::new(format!("the last packet is not complete: {}", text.trim()));
    let mut packets = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(first) = rest.first() {
        let len = 4 * ump::words(first >> 4);
        let (packet, after) = rest.split_at_checked(len).ok_or_else(incomplete)?;
        let words: Vec<u32> =
            packet.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        packets.push(ump::packet(&words));
        rest = after;
    }
    Ok(packets)
}

/// Returns the words of a text, which spaces and commas separate.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', ',']).filter(|word| !word.is_empty())
}

/// Returns the messages that a text of hexadecimal bytes has. Spaces and commas may stand between the bytes. Each message
/// has its status byte.
///
/// # Errors
/// A message if the text has something else than bytes, or bytes that are no complete message.
pub(crate) fn parse(text: &str) -> Result<Vec<Decoded>, Fail> {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    let mut complete = true;
    for word in words(text) {
        for byte in bytes_of(word)? {
            let decoded = decoder.handle_byte(byte);
            match byte {
                // A real-time message, which may stand inside of another one.
                0xf8.. if decoded.is_some() => {}
                0xf4 | 0xf5 | 0xf9 | 0xfd => {
                    return Err(Fail::new(format!("{byte:02X} is no MIDI message")));
                }
                0x80..=0xf6 if !complete => {
                    return Err(Fail::new(format!("a message begins within another: {byte:02X}")));
                }
                0x00..=0x7f | 0xf7 if complete => {
                    return Err(Fail::new(format!("{byte:02X} does not begin a MIDI message")));
                }
                _ => complete = decoded.as_ref().is_some_and(ends_message),
            }
            messages.extend(decoded);
        }
    }
    if complete {
        Ok(messages)
    } else {
        Err(Fail::new(format!("the last MIDI message is not complete: {}", text.trim())))
    }
}

/// Returns whether an event is the last one of its message: a long SysEx becomes several events.
fn ends_message(decoded: &Decoded) -> bool {
    decoded.sysex.as_ref().is_none_or(|piece| piece.ends_with(&[0xf7]))
}

/// Returns the bytes of a word: one or more pairs of hexadecimal digits.
pub(super) fn bytes_of(word: &str) -> Result<Vec<u8>, Fail> {
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u8::from_str_radix(digits, 16).ok()
    };
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    let what = || Fail::new(format!("{word:?} is no byte of two hexadecimal digits, such as 3C"));
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::EventType;

    fn types(text: &str) -> Vec<EventType> {
        let messages = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        messages.iter().map(|message| message.event.event_type).collect()
    }

    #[test]
    fn bytes_may_stand_together_or_apart() {
        let wanted = [EventType::NOTEON, EventType::NOTEOFF];
        for text in ["90 3C 64 80 3C 00", "903c64803c00", "0x90,0x3c, 0x64\t80 3C00"] {
            assert_eq!(types(text), wanted, "{text}");
        }
        assert_eq!(types(""), []);
    }

    #[test]
    fn real_time_messages_may_stand_within_others() {
        assert_eq!(types("90 F8 3C 64"), [EventType::CLOCK, EventType::NOTEON]);
        assert_eq!(types("F0 01 FE F7"), [EventType::SENSING, EventType::SYSEX]);
    }

    #[test]
    fn a_long_sysex_goes_in_pieces() {
        let text = format!("F0{}F7", "01".repeat(600));
        let messages = parse(&text).expect("a message");
        let bytes: Vec<u8> =
            messages.iter().flat_map(|message| message.sysex.clone().unwrap_or_default()).collect();
        assert_eq!((messages.len(), bytes.len()), (3, 602));
        assert_eq!(messages.iter().filter(|message| ends_message(message)).count(), 1);
    }

    #[test]
    fn packets_are_words_of_any_shape() {
        let wanted: [&[u32]; 3] =
            [&[0x4090_3c00, 0xc000_0000], &[0x2090_3c64], &[0xd010_0000, 1, 2, 3]];
        let flex = "d0100000 00000001 00000002 00000003";
        for text in [
            format!("40903C00 C0000000 20903C64 {flex}"),
            format!("40 90 3c 00, c0 00 00 00, 20 90 3c 64, {flex}"),
            format!("0x40903c00c000000020903c64{}", flex.replace(' ', "")),
        ] {
            let found = packets(&text).expect("packets");
            let found: Vec<_> = found.iter().map(ump::words_of).collect();
            assert_eq!(found, wanted, "{text}");
        }
        assert_eq!(packets("").expect("none").len(), 0);
        for text in ["4090", "40903c00", "40903c00 c00000", "zz", "2090 3c6"] {
            assert!(packets(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "9",
            "90 3C",
            "3C 64",
            "90 3C 64 3E 64",
            "zz",
            "90 3C 6",
            "0x",
            "+9 3C",
            "F0 01",
            "F7",
            "F4",
            "90 80",
            "90 3C 64 F0 90",
            "é",
            "F5",
            "FD",
            "F0 FD F7",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
