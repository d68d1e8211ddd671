//! Messages as notes, for links that carry only MIDI bytes. The two data bytes of a note are the message's number.

/// How many numbers fit into two data bytes. Larger ones wrap.
const NUMBERS: u32 = 1 << 14;
/// Status byte of a note on, channel 1.
const NOTE_ON: u8 = 0x90;

/// Returns the note for a number, which wraps at [`NUMBERS`].
pub(super) fn note(number: u32) -> [u8; 3] {
    let [low, high, ..] = ((number % NUMBERS) << 1).to_le_bytes();
    [NOTE_ON, high, low >> 1]
}

/// Decoder of numbers in a stream of notes, with running status.
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
            (self.first, self.is_note) = (None, byte == NOTE_ON);
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
        for number in [0, 1, 127, 128, 255, 256, 9999, NUMBERS - 1] {
            let read: Vec<_> = note(number).into_iter().filter_map(|b| notes.push(b)).collect();
            assert_eq!(read, [number]);
        }
        assert_eq!(note(NUMBERS + 5), note(5));
    }

    #[test]
    fn running_status_and_realtime_bytes_are_understood() {
        let mut notes = Notes::default();
        let bytes = [NOTE_ON, 0, 1, 0, 0xfe, 2, 1, 0];
        let read: Vec<_> = bytes.into_iter().filter_map(|byte| notes.push(byte)).collect();
        assert_eq!(read, [1, 2, 128]);
    }
}
