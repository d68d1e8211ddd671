//! sndiod: the MIDI thru box of OpenBSD's sound server, as packaged for Linux. MIDI bytes only, so a
//! message is a note whose two data bytes are its number.

use super::{Receiver, SMALL, Sender};
use crate::device::{READ_SIZE, now_ns};
use crate::peer::SNDIO_PORT;
use crate::peers::Sndio;
use aseqd_host::error::Fail;

/// Note on, first channel.
const STATUS: u8 = 0x90;

pub(super) struct Writer(Sndio);

impl Writer {
    pub(super) fn new() -> Result<Self, Fail> {
        Sndio::open(SNDIO_PORT, true).map(Self).map_err(Fail::new)
    }
}

impl Sender for Writer {
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail> {
        let bytes: Vec<u8> = (first..first + count).flat_map(note).collect();
        self.0.write(&bytes).map_err(Fail::new)
    }
}

pub(super) struct Reader {
    port: Sndio,
    notes: Notes,
}

impl Reader {
    pub(super) fn new() -> Result<Self, Fail> {
        let port = Sndio::open(SNDIO_PORT, false).map_err(Fail::new)?;
        Ok(Self { port, notes: Notes::default() })
    }
}

impl Receiver for Reader {
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail> {
        let mut buffer = [0; READ_SIZE];
        let read = self.port.read(&mut buffer).map_err(Fail::new)?;
        let at = now_ns();
        let numbers = buffer[..read].iter().filter_map(|byte| self.notes.push(*byte));
        into.extend(numbers.map(|number| (number, at)));
        Ok(())
    }
}

/// A number as a note; it wraps at [`SMALL`].
pub(super) fn note(number: u32) -> [u8; 3] {
    let [low, high, ..] = ((number % SMALL) << 1).to_le_bytes();
    [STATUS, high, low >> 1]
}

/// Numbers out of a stream of notes, running status included.
#[derive(Debug, Default)]
pub(super) struct Notes {
    first: Option<u8>,
    is_note: bool,
}

impl Notes {
    pub(super) fn push(&mut self, byte: u8) -> Option<u32> {
        if byte >= 0xf8 {
            return None;
        }
        if byte >= 0x80 {
            (self.first, self.is_note) = (None, byte == STATUS);
            return None;
        }
        match self.first.take() {
            Some(high) if self.is_note => Some(u32::from(high) << 7 | u32::from(byte)),
            _ => {
                self.first = Some(byte);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_as_notes() {
        let mut notes = Notes::default();
        for number in [0, 1, 127, 128, 255, 256, 9999, SMALL - 1] {
            let read: Vec<_> = note(number).into_iter().filter_map(|b| notes.push(b)).collect();
            assert_eq!(read, [number]);
        }
        assert_eq!(note(SMALL + 5), note(5));
    }

    #[test]
    fn running_status_and_realtime_bytes_are_understood() {
        let mut notes = Notes::default();
        let bytes = [STATUS, 0, 1, 0, 0xfe, 2, 1, 0];
        let read: Vec<_> = bytes.into_iter().filter_map(|byte| notes.push(byte)).collect();
        assert_eq!(read, [1, 2, 128]);
    }
}
