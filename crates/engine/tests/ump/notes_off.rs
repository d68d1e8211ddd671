//! Notes that packets have begun, and that end with their sender.

use crate::packets::{note1, packet};
use crate::rig::{Rig, key, summary};
use aseqd_abi::EventType;
use aseqd_engine::Config;

#[test]
fn what_packets_have_begun_ends_in_its_group() {
    let mut rig = Rig::with_config(Config { ump: true, notes_off: true, ..Config::default() });
    let sender = rig.ump_client(2);
    let (legacy, midi1, midi2) =
        (rig.client_with_port(), rig.ump_client_with_port(1), rig.ump_client_with_port(2));
    for reader in [legacy, midi1, midi2] {
        let dest = reader.port(0);
        for words in [
            [note1(2), 0],
            [note1(5), 0],
            // The same note, ended in one group only.
            [0x2580_3c00, 0],
            // Of MIDI 2.0, on channel 3, and a pedal.
            [0x4793_4000, 0x8000_0000],
            [0x47b3_4000, 0xffff_ffff],
        ] {
            rig.send_packet(sender, packet(dest, &words)).unwrap();
        }
        rig.send(sender, key(dest, 61)).unwrap();
    }
    rig.receive_all(legacy);
    rig.receive_all_wide(midi1);
    rig.receive_all_wide(midi2);
    rig.close(sender);
    let ends: Vec<_> = rig.receive_all(legacy).iter().map(summary).collect();
    let offs = [60, 64, 61].map(|key| (EventType::NOTEOFF, key));
    let ended = |end: &(EventType, u8)| offs.contains(end);
    assert_eq!((ends.len(), ends.iter().filter(|end| ended(end)).count()), (4, 3));
    let mut words: Vec<_> = rig.words(midi1).iter().map(|words| words[0]).collect();
    words.sort_unstable();
    assert_eq!(words, [0x2080_3d40, 0x2280_3c40, 0x2783_4040, 0x27b3_4000]);
    let mut words: Vec<_> = rig.words(midi2).iter().map(|words| words[0]).collect();
    words.sort_unstable();
    assert_eq!(words, [0x4080_3d00, 0x4280_3c00, 0x4783_4000, 0x47b3_4000]);
}

#[test]
fn a_note_that_had_no_room_is_not_ended() {
    let mut rig = Rig::with_config(Config { ump: true, notes_off: true, ..Config::default() });
    let sender = rig.client_with_port();
    let reader = rig.ump_client_with_port(2);
    rig.set_pool(reader, 0, 1, 0).unwrap();
    rig.send(sender, key(reader.port(0), 60)).unwrap();
    rig.send(sender, key(reader.port(0), 61)).unwrap_err();
    // The read that tells of the loss drops what was there, and makes room.
    assert!(rig.read_bytes(reader, 1024).is_err());
    rig.set_pool(reader, 0, 9, 0).unwrap();
    rig.close(sender);
    let words: Vec<_> = rig.words(reader).iter().map(|words| words[0]).collect();
    assert_eq!(words, [0x4080_3c00]);
}
