//! Tables of lines, and of what they do.

use super::*;
use aseqd_abi::Address;
use aseqd_client::ump;

/// Returns what a line does, in short: the bytes of messages, times, packets.
fn acts(line: &str) -> Vec<String> {
    let mut acts = Vec::new();
    let mut reader = Reader::default();
    reader.line(line, &mut acts).unwrap_or_else(|wrong| panic!("{line}: {wrong:?}"));
    let mut encoder = aseqd_midi::Encoder::new(false, 16);
    let mut shown = |act: &Act| match act {
        Act::Event(event, data) => {
            let mut bytes = Vec::new();
            let mut event = *event;
            if let Some(data) = data {
                event.flags = aseqd_abi::EventFlags::VARIABLE;
                event.data = EventData::from_ext_len(u32::try_from(data.len()).expect("a length"));
            }
            encoder.encode(&event, data.as_deref().unwrap_or_default(), &mut bytes);
            let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            pairs.join(" ")
        }
        Act::Packet(packet) => format!("{:x?}", ump::words_of(packet)),
        Act::Note { channel, key, velocity, duration } => {
            format!("note {channel} {key} {velocity} {duration:?}")
        }
        Act::At(time) => format!("at {time:?}"),
        Act::Wait(time) => format!("wait {time:?}"),
        Act::SysexFile(file) => format!("file {}", file.display()),
    };
    acts.iter().map(&mut shown).collect()
}

#[track_caller]
fn wrong(line: &str) -> (usize, String) {
    let wrong = Reader::default().line(line, &mut Vec::new()).expect_err(line);
    (wrong.column, wrong.what)
}

#[test]
fn words_become_messages() {
    for (line, wanted) in [
        ("", &[][..]),
        ("   # a comment", &[]),
        ("on C4", &["90 3C 64"]),
        ("on c#4 1 off 61", &["90 3D 01", "80 3D 40"]),
        ("channel 9 on 36 127; off 36 0", &["99 24 7F", "89 24 00"]),
        ("note C4", &["note 0 60 100 500ms"]),
        ("note C4 90 2", &["note 0 60 90 2s"]),
        ("note C4 250ms note E4 0.5", &["note 0 60 100 250ms", "note 0 64 100 500ms"]),
        ("cc volume 90", &["B0 07 5A"]),
        ("cc 7 90 # loud", &["B0 07 5A"]),
        ("control sustain 127 program 5", &["B0 40 7F", "C0 05"]),
        ("cc14 1 300", &["B0 01 02 B0 21 2C"]),
        ("rpn 0 256", &["B0 65 00 B0 64 00 B0 06 02 B0 26 00"]),
        ("nrpn 300 1", &["B0 63 02 B0 62 2C B0 06 00 B0 26 01"]),
        ("bend -8192 bend 0 pb 8191", &["E0 00 00", "E0 00 40", "E0 7F 7F"]),
        ("pressure 3 poly C4 5", &["D0 03", "A0 3C 05"]),
        ("sysex 7E 7F 09 01", &["F0 7E 7F 09 01 F7"]),
        ("sysex F07E7F0901F7 cc 10 20", &["F0 7E 7F 09 01 F7", "B0 0A 14"]),
        ("syx 7e cc 10 20", &["F0 7E F7", "B0 0A 14"]),
        ("clock start continue stop sensing reset", &["F8", "FA", "FB", "FC", "FE", "FF"]),
        ("tune spp 300 ss 3 mtc 3 9", &["F6", "F2 2C 02", "F3 03", "F1 39"]),
        ("at 1.5 on 60 wait 200ms off 60", &["at 1.5s", "90 3C 64", "wait 200ms", "80 3C 40"]),
        ("syf patch.syx", &["file patch.syx"]),
        ("hex 90 3c 64 on 60", &["90 3C 64", "90 3C 64"]),
        ("ump 40903c00 c0000000", &["[40903c00, c0000000]"]),
    ] {
        assert_eq!(acts(line), wanted, "{line}");
    }
}

#[test]
fn hexadecimal_is_what_it_was_and_wins_where_it_is_whole_messages() {
    for (line, wanted) in [
        ("90 3C 64 80 3C 00", &["90 3C 64", "80 3C 00"][..]),
        ("903c64", &["90 3C 64"]),
        ("cc 07", &["CC 07"]),
        ("cc 10 20", &["B0 0A 14"]),
        ("F0 7E F7", &["F0 7E F7"]),
    ] {
        assert_eq!(acts(line), wanted, "{line}");
    }
    let mut packets = Vec::new();
    let mut reader = Reader::new(true);
    reader.line("20903c64 40903c00c0000000", &mut packets).expect("packets");
    assert_eq!(packets.len(), 2);
}

#[test]
fn lines_of_monitor_are_sent_again() {
    let line = "128:0    96             NOTEON             9  note 60 (C4), velocity 100";
    assert_eq!(acts(line), ["99 3C 64"]);
    assert_eq!(acts("20:0  0  SYSEX   3 bytes: F0 7E F7"), ["F0 7E F7"]);
    assert_eq!(acts("port 128:0: listening; Ctrl-C ends"), [""; 0]);
    assert_eq!(wrong("128:0 0 NOTEON").0, 1);
    let mut found = Vec::new();
    let queue = "0:0  0  TEMPO   control queue 3, value 9";
    Reader::default().line(queue, &mut found).expect("an event");
    let Some(Act::Event(event, None)) = found.first() else { panic!("{found:?}") };
    assert_eq!((event.data.queue_param(), event.source), (9, Address::default()));
}

#[test]
fn the_channel_holds_for_later_lines() {
    let (mut reader, mut found) = (Reader::default(), Vec::new());
    for line in ["channel 3", "on C4", "ch 0 off C4"] {
        reader.line(line, &mut found).expect(line);
    }
    let channels: Vec<_> = found
        .iter()
        .map(|act| match act {
            Act::Event(event, _) => event.data.0[0],
            _ => panic!("{act:?}"),
        })
        .collect();
    assert_eq!(channels, [3, 0]);
}

#[test]
fn panic_ends_every_note_on_every_channel() {
    let found = acts("panic");
    assert_eq!(found.len(), 16 * (4 + 128));
    for message in ["B0 78 00", "BF 7B 00", "85 3C 40"] {
        assert!(found.iter().any(|act| act == message), "{message}");
    }
}

#[test]
fn mistakes_have_a_column_and_a_nearer_word() {
    for (line, column, what) in [
        ("nite C4", 1, "there is no word nite; did you mean note?"),
        ("on C4  cc vollume 3", 11, "there is no controller vollume; did you mean volume?"),
        ("note", 5, "note needs a note"),
        ("on H4", 4, "H4 is no note; notes are 0 to 127, or C-1 to G9 with # or b: F#3"),
        ("on C4 200", 7, "200 is not within 0 to 127"),
        ("bend 9000", 6, "9000 is not within -8192 to 8191"),
        ("channel 16", 9, "16 is not within 0 to 15"),
        ("sysex", 6, "sysex needs bytes from 00 to 7F"),
        (
            "on \u{e9}\u{e9} 3",
            4,
            "\u{e9}\u{e9} is no note; notes are 0 to 127, or C-1 to G9 with # or b: F#3",
        ),
        ("90 3C", 1, "the last MIDI message is not complete: 90 3C"),
        ("hex 90", 5, "the last MIDI message is not complete: 90"),
        ("ump 4090", 5, "the last packet is not complete: 4090"),
        ("cc14 64 3", 6, "64 is not within 0 to 31"),
        (
            "at soon",
            4,
            "a duration is a number of seconds, or a number with a unit: ns, us, ms, s, min, h",
        ),
    ] {
        assert_eq!(wrong(line), (column, what.to_owned()), "{line}");
    }
}
