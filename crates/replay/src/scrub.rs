//! Takes out of a recording what says something about its user: names, and the data of System Exclusive messages and
//! other texts.
//!
//! Lengths stay, and equal names stay equal, so that programs find the same things by name. The music stays too.

use crate::step::Action;
use aseqd_abi::event::{Event, EventFlags, EventType};
use aseqd_describe::{Caller, Kind};
use aseqd_recording::events;
use std::collections::BTreeMap;

/// The letters of new names.
const LETTERS: [u8; 26] = *b"abcdefghijklmnopqrstuvwxyz";

/// Replaces what is private, the same in all records of a recording.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    /// The new name of each name that was seen.
    names: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Scrubber {
    /// Returns one that has seen no name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces what is private in an input.
    pub fn scrub(&mut self, action: &mut Action) {
        match action {
            Action::OpenKernel { name, .. } => {
                let new = self.name(name.as_bytes());
                *name = String::from_utf8_lossy(&new).into_owned();
            }
            Action::Ioctl { request, compat, arg, .. } => {
                let caller = if *compat { Caller::Narrow } else { Caller::Wide };
                self.request(*request, caller, arg);
            }
            Action::Write { data, .. } => write(data),
            _ => {}
        }
    }

    /// Returns a name of the same length that says nothing. A name that was seen before gets the same one.
    fn name(&mut self, name: &[u8]) -> Vec<u8> {
        if let Some(new) = self.names.get(name) {
            return new.clone();
        }
        // As many names as there are: the number in letters, behind as many x as are left. Very short names may meet.
        let mut number = self.names.len();
        let mut new = vec![b'x'; name.len()];
        for letter in new.iter_mut().rev() {
            *letter = LETTERS[number % LETTERS.len()];
            number /= LETTERS.len();
            if number == 0 {
                break;
            }
        }
        self.names.insert(name.to_vec(), new.clone());
        new
    }

    /// Replaces the names in the struct of a request.
    fn request(&mut self, code: u32, caller: Caller, arg: &mut [u8]) {
        let Some(request) = aseqd_describe::find(code, caller) else { return };
        for field in request.fields {
            let Kind::Name(size) = field.kind else { continue };
            let end = (field.offset + size).min(arg.len());
            let Some(bytes) = arg.get_mut(field.offset..end) else { continue };
            let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            let (name, rest) = bytes.split_at_mut(len);
            if !name.is_empty() {
                let new = self.name(name);
                name.copy_from_slice(&new);
            }
            // What the program had in its memory.
            rest.fill(0);
        }
    }
}

/// Blanks the data of variable events, and UMP packets that carry texts or System Exclusive data.
fn write(data: &mut [u8]) {
    let all: Vec<_> = events(data).collect();
    for (event, carried) in all {
        if event.flags.contains(EventFlags::UMP) {
            packet(&mut data[carried]);
        } else if event.is_variable() {
            variable(&event, &mut data[carried]);
        }
    }
}

/// Blanks the data that follows an event. The begin and the end of a message stay.
fn variable(event: &Event, data: &mut [u8]) {
    let keeps = |byte: u8| event.event_type == EventType::SYSEX && matches!(byte, 0xf0 | 0xf7);
    for byte in data {
        if !keeps(*byte) {
            *byte = 0;
        }
    }
}

/// Blanks the data of a packet, but not what says what it is.
fn packet(bytes: &mut [u8]) {
    let (words, _) = bytes.as_chunks_mut::<4>();
    let Some(first) = words.first().map(|word| u32::from_ne_bytes(*word)) else { return };
    // The bits of the first word that stay, for the types of messages that carry data or text.
    let kept = match (first >> 28, first >> 16 & 0x3ff, first >> 8 & 0xff) {
        // System Exclusive of 7 and 8 bits, and data sets: status, length, stream.
        (3, ..) => 0xffff_0000,
        (5, ..) => 0xffff_ff00,
        // Texts: of a flexible message, and the names of endpoint, product and function block.
        (0xd, _, bank) if bank != 0 => 0xffff_ffff,
        (0xf, 0x03 | 0x04, _) => 0xffff_0000,
        (0xf, 0x12, _) => 0xffff_ff00,
        _ => return,
    };
    let mut words = words.iter_mut();
    if let Some(word) = words.next() {
        *word = (first & kept).to_ne_bytes();
    }
    words.for_each(|word| *word = [0; 4]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::ioctl::sequencer as request;
    use aseqd_abi::seq::QueueInfo;
    use aseqd_engine::FileId;
    use zerocopy::{FromBytes as _, IntoBytes as _};

    fn queue(scrubber: &mut Scrubber, name: &str) -> String {
        let mut info = QueueInfo { queue: 7, ..QueueInfo::default() };
        info.name[..name.len()].copy_from_slice(name.as_bytes());
        // What was in memory before.
        info.name[60] = b'!';
        let arg = info.as_bytes().to_vec();
        let file = FileId(0);
        let request = request::GET_NAMED_QUEUE;
        let mut action = Action::Ioctl { file, request, compat: false, arg };
        scrubber.scrub(&mut action);
        let Action::Ioctl { arg, .. } = action else { panic!("{action:?}") };
        let info = QueueInfo::read_from_bytes(&arg).unwrap();
        assert_eq!((info.queue, info.name[60]), (7, 0));
        String::from_utf8_lossy(&info.name).trim_end_matches('\0').to_owned()
    }

    #[test]
    fn names_keep_their_length_and_equal_ones_stay_equal() {
        let mut scrubber = Scrubber::new();
        let names = ["Ludwig's queue", "Clara's queue", "Ludwig's queue", "Klara's queue", ""];
        let new = names.map(|name| queue(&mut scrubber, name));
        assert_eq!(new, ["xxxxxxxxxxxxxa", "xxxxxxxxxxxxb", "xxxxxxxxxxxxxa", "xxxxxxxxxxxxc", ""]);
        for number in 0..2000 {
            queue(&mut scrubber, &format!("number {number}"));
        }
        let all: std::collections::BTreeSet<_> = scrubber.names.values().collect();
        assert_eq!(all.len(), scrubber.names.len());
    }

    #[test]
    fn data_of_variable_events_is_blanked_and_notes_stay() {
        let note = Event::direct(EventType::NOTEON);
        let mut sysex = Event::direct(EventType::SYSEX);
        sysex.flags = EventFlags::VARIABLE;
        sysex.data.0[..4].copy_from_slice(&6_u32.to_ne_bytes());
        let mut data = note.as_bytes().to_vec();
        data.extend_from_slice(sysex.as_bytes());
        data.extend_from_slice(&[0xf0, 0x43, 0x10, 0x4c, 0x7f, 0xf7]);
        data.extend_from_slice(note.as_bytes());
        let mut expected = data.clone();
        let begin = 2 * size_of::<Event>() + 1;
        expected[begin..begin + 4].fill(0);
        write(&mut data);
        assert_eq!(data, expected);
    }

    #[test]
    fn packets_with_texts_are_blanked_and_music_stays() {
        let scrubbed = |words: [u32; 4]| {
            let mut event = Event::direct(EventType::NOTEON);
            event.flags = EventFlags::UMP;
            let mut data = event.as_bytes()[..16].to_vec();
            data.extend_from_slice(words.map(u32::to_ne_bytes).as_flattened());
            write(&mut data);
            let (words, _) = data[16..].as_chunks::<4>();
            words.iter().map(|word| u32::from_ne_bytes(*word)).collect::<Vec<_>>()
        };
        let text = u32::from_be_bytes(*b"Anna");
        for (packet, expected) in [
            ([0x4090_3c00, 0x8000_0000, 0, 0], [0x4090_3c00, 0x8000_0000, 0, 0]),
            ([0x3016_4310, text, 0, 0], [0x3016_0000, 0, 0, 0]),
            ([0x500e_0743, text, text, text], [0x500e_0700, 0, 0, 0]),
            ([0xf003_416e, text, text, text], [0xf003_0000, 0, 0, 0]),
            ([0xf012_016e, text, text, text], [0xf012_0100, 0, 0, 0]),
            ([0xd010_0100, text, text, text], [0xd010_0100, 0, 0, 0]),
            ([0xd010_0000, text, 0, 0], [0xd010_0000, text, 0, 0]),
        ] {
            assert_eq!(scrubbed(packet), expected, "{packet:x?}");
        }
    }
}
