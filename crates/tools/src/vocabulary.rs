//! The words for what MIDI has: notes, controllers, kinds of events. `send` and `monitor` use the same.

use aseqd_abi::EventType;
use aseqd_client::nearest_name;

const NOTES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// The controllers of MIDI 1.0 with their numbers. Of several names of one, the first is shown.
const CONTROLLERS: &[(&str, u8)] = &[
    ("bank", 0),
    ("modulation", 1),
    ("mod", 1),
    ("breath", 2),
    ("foot", 4),
    ("portamento-time", 5),
    ("data", 6),
    ("volume", 7),
    ("balance", 8),
    ("pan", 10),
    ("expression", 11),
    ("effect-1", 12),
    ("effect-2", 13),
    ("general-1", 16),
    ("general-2", 17),
    ("general-3", 18),
    ("general-4", 19),
    ("bank-lsb", 32),
    ("data-lsb", 38),
    ("sustain", 64),
    ("hold", 64),
    ("damper", 64),
    ("portamento", 65),
    ("sostenuto", 66),
    ("soft", 67),
    ("legato", 68),
    ("hold-2", 69),
    ("variation", 70),
    ("timbre", 71),
    ("resonance", 71),
    ("release", 72),
    ("attack", 73),
    ("brightness", 74),
    ("cutoff", 74),
    ("decay", 75),
    ("vibrato-rate", 76),
    ("vibrato-depth", 77),
    ("vibrato-delay", 78),
    ("general-5", 80),
    ("general-6", 81),
    ("general-7", 82),
    ("general-8", 83),
    ("portamento-control", 84),
    ("velocity-lsb", 88),
    ("reverb", 91),
    ("tremolo", 92),
    ("chorus", 93),
    ("detune", 94),
    ("phaser", 95),
    ("data-increment", 96),
    ("data-decrement", 97),
    ("nrpn-lsb", 98),
    ("nrpn-msb", 99),
    ("rpn-lsb", 100),
    ("rpn-msb", 101),
    ("all-sound-off", 120),
    ("reset-controllers", 121),
    ("local", 122),
    ("all-notes-off", 123),
    ("omni-off", 124),
    ("omni-on", 125),
    ("mono", 126),
    ("poly", 127),
];

/// Kinds of events, by a word of their own.
const KINDS: &[(&str, &[EventType])] = &[
    ("note", &[EventType::NOTE, EventType::NOTEON, EventType::NOTEOFF]),
    ("poly", &[EventType::KEYPRESS]),
    (
        "control",
        &[EventType::CONTROLLER, EventType::CONTROL14, EventType::NONREGPARAM, EventType::REGPARAM],
    ),
    ("program", &[EventType::PGMCHANGE]),
    ("pressure", &[EventType::CHANPRESS]),
    ("bend", &[EventType::PITCHBEND]),
    ("sysex", &[EventType::SYSEX]),
    (
        "realtime",
        &[
            EventType::CLOCK,
            EventType::TICK,
            EventType::START,
            EventType::CONTINUE,
            EventType::STOP,
            EventType::SENSING,
            EventType::RESET,
        ],
    ),
    ("song", &[EventType::SONGPOS, EventType::SONGSEL, EventType::QFRAME]),
    (
        "announcement",
        &[
            EventType::CLIENT_START,
            EventType::CLIENT_EXIT,
            EventType::CLIENT_CHANGE,
            EventType::PORT_START,
            EventType::PORT_EXIT,
            EventType::PORT_CHANGE,
            EventType::PORT_SUBSCRIBED,
            EventType::PORT_UNSUBSCRIBED,
            EventType::UMP_EP_CHANGE,
            EventType::UMP_BLOCK_CHANGE,
        ],
    ),
];

/// Returns the name of a note. 60, the middle C, is C4.
pub(crate) fn note_name(note: u8) -> String {
    format!("{}{}", NOTES[usize::from(note) % NOTES.len()], i32::from(note / 12) - 1)
}

/// Parses a note: a number, or a name such as `C4`, `f#3` or `Bb-1`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn note(text: &str) -> Result<u8, String> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return byte(text);
    }
    let wrong = || format!("{text} is no note; notes are 0 to 127, or C-1 to G9 with # or b: F#3");
    let mut rest = text.chars();
    let letter = rest.next().ok_or_else(wrong)?.to_ascii_uppercase();
    let place = NOTES.iter().position(|name| name.chars().eq([letter])).ok_or_else(wrong)?;
    let mut rest = rest.as_str();
    let mut semitone = i32::try_from(place).map_err(|_| wrong())?;
    for (sign, step) in [("#", 1), ("\u{266f}", 1), ("b", -1), ("B", -1), ("\u{266d}", -1)] {
        if let Some(after) = rest.strip_prefix(sign) {
            semitone += step;
            rest = after;
            break;
        }
    }
    let octave: i32 = rest.parse().map_err(|_| wrong())?;
    let note = octave.checked_add(1).and_then(|octave| octave.checked_mul(12)).ok_or_else(wrong)?;
    let note = u8::try_from(note.saturating_add(semitone)).ok().filter(|note| *note < 128);
    note.ok_or_else(|| format!("{text} is outside of MIDI's notes, C-1 to G9"))
}

/// Parses a number within limits.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn number(text: &str, least: i32, most: i32) -> Result<i32, String> {
    let value = text.parse().map_err(|_| format!("{text} is no number from {least} to {most}"))?;
    match value {
        value if (least..=most).contains(&value) => Ok(value),
        value => Err(format!("{value} is not within {least} to {most}")),
    }
}

/// Parses a number of MIDI's data bytes, 0 to 127.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn byte(text: &str) -> Result<u8, String> {
    number(text, 0, 127).map(|value| u8::try_from(value).unwrap_or(127))
}

/// Parses a controller: a number, or a name such as `volume`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn controller(text: &str) -> Result<u8, String> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return byte(text);
    }
    let same = |name: &str| name.eq_ignore_ascii_case(&text.replace('_', "-"));
    let found = CONTROLLERS.iter().find(|(name, _)| same(name));
    let names = CONTROLLERS.iter().map(|(name, _)| *name);
    found.map(|(_, number)| *number).ok_or_else(|| unknown(text, "controller", names))
}

/// Returns the name of a controller, if it has one.
pub(crate) fn controller_name(controller: u32) -> Option<&'static str> {
    let found = CONTROLLERS.iter().find(|(_, number)| u32::from(*number) == controller);
    found.map(|(name, _)| *name)
}

/// Parses a kind of events, such as `note`, or the name of one type in the kernel's words, in any case.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn kind(text: &str) -> Result<Vec<EventType>, String> {
    if let Some((_, types)) = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(types.to_vec());
    }
    let mut all = EventType::ALL.iter();
    if let Some((_, one)) = all.find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(vec![*one]);
    }
    let names = KINDS.iter().map(|(name, _)| *name);
    Err(unknown(text, "type of events", names.chain(EventType::ALL.iter().map(|(name, _)| *name))))
}

/// Returns the sentence for a word that is not known, with the one that was probably meant.
pub(crate) fn unknown<'a>(
    text: &str,
    what: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> String {
    match nearest_name(text, names) {
        Some(near) => format!("there is no {what} {text}; did you mean {near}?"),
        None => format!("there is no {what} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_names_or_numbers() {
        for (text, wanted) in [
            ("60", 60),
            ("C4", 60),
            ("c4", 60),
            ("C#4", 61),
            ("Db4", 61),
            ("bb3", 58),
            ("B3", 59),
            ("Cb4", 59),
            ("B#3", 60),
            ("C-1", 0),
            ("G9", 127),
            ("f\u{266f}3", 54),
        ] {
            assert_eq!(note(text), Ok(wanted), "{text}");
        }
        for text in ["", "H4", "C", "C4x", "C99999999999", "128", "-1", "4C", "##", "C##4"] {
            assert!(note(text).is_err(), "{text}");
        }
        assert!(note("G#9").unwrap_err().contains("outside"));
        assert!(note("Cb-1").unwrap_err().contains("outside"));
        for number in 0..128 {
            assert_eq!(note(&note_name(number)), Ok(number));
        }
        assert_eq!((note_name(0), note_name(127)), ("C-1".to_owned(), "G9".to_owned()));
    }

    #[test]
    fn controllers_and_kinds_have_names_and_near_ones_are_proposed() {
        assert_eq!(controller("volume"), Ok(7));
        assert_eq!(controller("Mod"), Ok(1));
        assert_eq!(controller("all_notes_off"), Ok(123));
        assert_eq!(controller("99"), Ok(99));
        assert_eq!(
            controller("vollume").unwrap_err(),
            "there is no controller vollume; did you mean volume?"
        );
        assert_eq!(controller("128").unwrap_err(), "128 is not within 0 to 127");
        assert_eq!(controller_name(64), Some("sustain"));
        assert_eq!(controller_name(3), None);
        assert_eq!(kind("NOTEON"), Ok(vec![EventType::NOTEON]));
        assert_eq!(kind("note").map(|types| types.len()), Ok(3));
        assert!(kind("programm").unwrap_err().ends_with("did you mean program?"));
        for (name, types) in KINDS {
            assert!(!types.is_empty() && kind(name).is_ok(), "{name}");
        }
    }
}
