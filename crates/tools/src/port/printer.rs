//! Prints what arrives at a port.

use crate::monitor;
use aseqd_abi::{Event, EventType};
use aseqd_client::{Client, Error};
use aseqd_console::{print, say};
use aseqd_host::error::Fail;
use aseqd_midi::Encoder;

/// The most bytes of an event that is no SysEx: the four controllers of a parameter.
const LONGEST: usize = 12;
/// The bytes of a controller, the longest message that is no SysEx.
const CONTROLLER: usize = 3;
/// The most bytes of a SysEx that wait for its end: a dump of the largest samplers has less. A sender that never ends one must
/// not take all memory; then it is printed in parts.
const MAX_SYSEX: usize = 16 << 20;

/// Prints messages that arrive, one a line.
#[derive(Debug)]
pub(super) struct Printer {
    words: bool,
    encoder: Encoder,
    /// The pieces of a SysEx that is not complete.
    sysex: Vec<u8>,
}

impl Printer {
    /// Makes a printer of bytes in hexadecimal, or of the words of `aseqd monitor`.
    pub(super) const fn new(words: bool) -> Self {
        Self { words, encoder: Encoder::new(false, LONGEST), sysex: Vec::new() }
    }

    /// Prints everything that has arrived. Events that one read returns are printed by one write.
    pub(super) fn print_all(&mut self, client: &Client) -> Result<(), Fail> {
        let mut text = String::new();
        loop {
            match client.read_event() {
                Ok(Some((event, data))) => self.append(&event, &data, &mut text),
                Ok(None) => return Ok(()),
                Err(Error::EventsLost) => self.lose(),
                Err(error) => return Err(error.into()),
            }
            if !client.has_event() && !text.is_empty() {
                print(&text)?;
                text.clear();
            }
        }
    }

    /// Says that events were lost.
    pub(super) fn lose(&mut self) {
        // The rest of a SysEx whose beginning is lost is no message.
        self.sysex.clear();
        say(&"events were lost: they arrived faster than this command read them");
    }

    /// Prints an event.
    pub(super) fn print(&mut self, event: &Event, data: &[u8]) -> Result<(), Fail> {
        let mut text = String::new();
        self.append(event, data, &mut text);
        if text.is_empty() { Ok(()) } else { print(&text) }
    }

    /// Appends the lines of an event: none if it has no bytes, or if it is a part of a SysEx.
    fn append(&mut self, event: &Event, data: &[u8], text: &mut String) {
        if self.words {
            monitor::write_line(text, event, data, None);
            text.push('\n');
            return;
        }
        let mut bytes = Vec::new();
        self.encoder.encode(event, data, &mut bytes);
        if event.event_type == EventType::SYSEX {
            self.sysex.append(&mut bytes);
            if self.sysex.last() == Some(&0xf7) || self.sysex.len() >= MAX_SYSEX {
                line(text, &std::mem::take(&mut self.sysex));
            }
            return;
        }
        // An event that has more bytes stands for several controllers.
        for message in bytes.chunks(CONTROLLER) {
            line(text, message);
        }
    }
}

/// Appends a line of hexadecimal bytes.
fn line(text: &mut String, bytes: &[u8]) {
    monitor::write_hex(text, bytes);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::event::{Control, EventData};

    fn control(event_type: EventType, param: u32, value: i32) -> Event {
        let data = EventData::from_control(Control { channel: 2, param, value });
        Event { data, ..Event::direct(event_type) }
    }

    #[test]
    fn parameters_are_printed_as_their_controllers() {
        let mut printer = Printer::new(false);
        let mut lines = |event: &Event| {
            let mut text = String::new();
            printer.append(event, &[], &mut text);
            text
        };
        for (event_type, param, value, wanted) in [
            (EventType::REGPARAM, 2, 0x2040, "B2 65 00\nB2 64 02\nB2 06 40\nB2 26 40\n"),
            (EventType::NONREGPARAM, 0x81, 1, "B2 63 01\nB2 62 01\nB2 06 00\nB2 26 01\n"),
            (EventType::CONTROL14, 7, 0x81, "B2 07 01\nB2 27 01\n"),
            (EventType::CONTROLLER, 7, 9, "B2 07 09\n"),
            (EventType::PGMCHANGE, 0, 9, "C2 09\n"),
            (EventType::TEMPO, 0, 9, ""),
        ] {
            assert_eq!(lines(&control(event_type, param, value)), wanted);
        }
    }

    #[test]
    fn a_sysex_is_one_line_however_long_and_one_without_end_comes_in_parts() {
        let mut printer = Printer::new(false);
        let mut event = Event::direct(EventType::SYSEX);
        event.flags = aseqd_abi::EventFlags::VARIABLE;
        let mut text = String::new();
        printer.append(&event, &[0xf0; 1], &mut text);
        for _ in 0..1000 {
            printer.append(&event, &[1; 200], &mut text);
            assert_eq!(text, "");
        }
        printer.append(&event, &[2, 0xf7], &mut text);
        assert_eq!(text.len(), 3 * 200_003);
        let mut printed = 0;
        for _ in 0..=2 * MAX_SYSEX / 65536 {
            text.clear();
            printer.append(&event, &[1; 65536], &mut text);
            printed += text.len();
            assert!(printer.sysex.len() <= MAX_SYSEX);
        }
        assert!(printed >= 3 * MAX_SYSEX);
    }
}
