use super::*;
use aseqd_client::ump::{self, packet};

/// Packets, and how they are shown.
const CASES: [(&[u32], &str, Option<u8>, &str); 37] = [
    (&[0x0000_0000], "NOOP", None, ""),
    (&[0x0010_1234], "JR_CLOCK", None, "time 4660"),
    (&[0x0030_0180], "DCTPQ", None, "ticks 384"),
    (&[0x004f_ffff], "DELTA_CLOCKSTAMP", None, "ticks 1048575"),
    (&[0x0070_0000], "UTILITY_7", None, ""),
    (&[0x13f2_0102], "SONGPOS", None, "value 257"),
    (&[0x10f8_0000], "CLOCK", None, ""),
    (&[0x10f4_0000], "SYSTEM_F4", None, ""),
    (&[0x2593_3c64], "NOTEON", Some(3), "note 60 (C4), velocity 100"),
    (&[0x20e1_0000], "PITCHBEND", Some(1), "value -8192"),
    (&[0x20b1_0740], "CONTROLLER", Some(1), "param 7, value 64"),
    (&[0x2010_0000], "MIDI1_1", Some(0), ""),
    (&[0x3016_0102, 0x0304_0506], "SYSEX7", None, "form start, data 01 02 03 04 05 06"),
    (&[0x3002_7e7f, 0], "SYSEX7", None, "form whole, data 7E 7F"),
    (&[0x3060_0000, 0], "SYSEX7_6", None, "raw 30600000 00000000"),
    (&[0x4093_3c00, 0xc000_0000], "NOTEON", Some(3), "note 60 (C4), velocity 0xc000"),
    (
        &[0x4083_3c03, 0x8000_1234],
        "NOTEOFF",
        Some(3),
        "note 60 (C4), velocity 0x8000, attribute type 3, attribute 0x1234",
    ),
    (&[0x40b0_0700, 0x8000_0001], "CONTROLLER", Some(0), "param 7, value 0x80000001"),
    (&[0x4000_3c4a, 5], "PER_NOTE_REGISTERED", Some(0), "note 60 (C4), param 74, value 0x00000005"),
    (&[0x4060_3c00, 9], "PER_NOTE_PITCHBEND", Some(0), "note 60 (C4), value 0x00000009"),
    (&[0x40f0_3c03, 0], "PER_NOTE_MANAGEMENT", Some(0), "note 60 (C4), detach true, reset true"),
    (&[0x4020_0005, 7], "REGPARAM", Some(0), "bank 0, index 5, value 0x00000007"),
    (&[0x4040_0005, 7], "REGPARAM_RELATIVE", Some(0), "bank 0, index 5, value 0x00000007"),
    (&[0x40c4_0001, 0x0500_0102], "PGMCHANGE", Some(4), "value 5, bank 130"),
    (&[0x40c4_0000, 0x0500_0102], "PGMCHANGE", Some(4), "value 5"),
    (&[0x5004_0901, 0x0203_0000, 0, 0], "SYSEX8", None, "form whole, stream 9, data 01 02 03"),
    (&[0x5000_0000, 0, 0, 0], "SYSEX8", None, "form whole, stream 0, data "),
    (&[0xd010_0000, 50_000_000, 0, 0], "SET_TEMPO", None, "tempo 10ns 50000000"),
    (
        &[0xd010_0001, 0x0603_0800, 0, 0],
        "TIME_SIGNATURE",
        None,
        "numerator 6, denominator 8, 32nds 8",
    ),
    (&[0xd010_0005, 0xe300_0000, 0, 0], "KEY_SIGNATURE", None, "sharps -2, tonic 3"),
    (&[0xd050_0102, 0x416e_0a00, 0, 0], "COMPOSITION_NAME", None, "form start, text An?"),
    (&[0xd005_0201, 0x6c61_0000, 0, 0], "LYRICS", Some(5), "form whole, text la"),
    (&[0xd010_0999, 0, 0, 1], "FLEX_DATA_9_153", None, "raw d0100999 00000000 00000000 00000001"),
    (
        &[0xf001_0101, 0x8300_0300, 0, 0],
        "ENDPOINT_INFO",
        None,
        "version 1.1, blocks 3, static true, midi1 true, midi2 true",
    ),
    (&[0xf403_6142, 0, 0, 0], "ENDPOINT_NAME", None, "form start, text aB"),
    (&[0xf021_0000, 0, 0, 0], "END_OF_CLIP", None, ""),
    (&[0xb000_0001, 2, 3], "UMP_TYPE_11", None, "raw b0000001 00000002 00000003"),
];

#[test]
fn packets_have_names_and_fields() {
    for (words, name, channel, text) in CASES {
        let found = describe(&packet(words));
        assert_eq!(
            (found.name.as_str(), found.channel, found.text().as_str()),
            (name, channel, text),
            "{words:08x?}"
        );
    }
}

#[test]
fn json_has_the_group_and_the_numbers() {
    let json = json_of(&ump::note_on(5, 3, 60, 0xc000));
    let wanted = serde_json::json!({
        "type": "NOTEON", "words": "45933c00 c0000000", "message_type": 4, "group": 5, "channel": 3,
        "note": 60, "velocity": 0xc000,
    });
    assert_eq!(json, wanted);
    let json = json_of(&packet(&[0xd010_0000, 50_000_000]));
    assert_eq!((&json["tempo_10ns"], &json["group"]), (&50_000_000.into(), &0.into()));
    assert_eq!(json_of(&packet(&[0xf021_0000])).get("group"), None);
}

#[test]
fn every_packet_can_be_shown_and_each_field_is_documented() {
    let page = include_str!("../../../../../docs/output.md");
    for high in 0..=0xffff_u32 {
        for low in [0, 0xffff, 0x0102, 0x0201] {
            let event = packet(&[high << 16 | low, u32::MAX, 0x0102_0304, 0]);
            let found = describe(&event);
            assert!(!found.name.is_empty() && !found.text().contains('\n'));
            if high % 16 == 0 {
                for field in json_of(&event).as_object().expect("an object").keys() {
                    assert!(page.contains(&format!("`{field}`")), "{field} is documented");
                }
            }
        }
    }
}
