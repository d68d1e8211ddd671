//! Names of notes.

const NOTES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// Returns the name of a note. 60, the middle C, is C4.
pub(crate) fn note_name(note: u8) -> String {
    format!("{}{}", NOTES[usize::from(note) % NOTES.len()], i32::from(note / 12) - 1)
}
