//! Bugs that UMP had in Linux, by their number in the catalogue of known bugs.

use crate::packets::{NOTE1, NOTE2, note1, packet, ump_rig, widened};
use crate::rig::{OPEN_PORT, direct, errno, key};
use aseqd_abi::seq::ClientFilter;
use aseqd_abi::{Address, Errno, Event, EventType};

#[test]
fn known_k79_a_legacy_event_in_a_wide_record_has_zeros_behind_it() {
    let mut rig = ump_rig();
    let (legacy, reader) = (rig.client(), rig.ump_client_with_port(2));
    rig.set_info(reader, |info| info.filter = ClientFilter::NO_CONVERT.bits()).unwrap();
    // Packets have used the memory before.
    for _ in 0..3 {
        rig.send_packet(reader, packet(reader.port(0), &[0x5000_0000, 1, 2, u32::MAX])).unwrap();
    }
    assert_eq!(rig.words(reader).len(), 3);
    let event = key(reader.port(0), 60);
    rig.send(legacy, event).unwrap();
    let source = Address::new(legacy.number, 0);
    assert_eq!(rig.receive_all_wide(reader), [widened(Event { source, ..event })]);
}

#[test]
fn known_k117_filters_and_sizes_follow_the_form_of_the_client() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    // A filter without any type lets packets in, which have no type.
    rig.set_info(reader, |info| info.filter = ClientFilter::USE_EVENT.bits()).unwrap();
    assert_eq!(rig.send_packet(sender, packet(reader.port(0), &[NOTE1])), Ok(32));
    assert_eq!(errno(rig.send(sender, key(reader.port(0), 60))), Errno::ENOENT);
    assert_eq!(rig.read_bytes(reader, 31).unwrap(), []);
    assert_eq!(rig.read_bytes(reader, 63).unwrap().len(), 32);
    assert_eq!(errno(rig.read_bytes(reader, 32)), Errno::EAGAIN);
}

#[test]
fn known_k124_the_last_group_is_filtered_as_the_others_are() {
    let mut rig = ump_rig();
    let (sender, reader) = (rig.ump_client(1), rig.ump_client_with_port(1));
    for filtered in 0..16_u8 {
        rig.set_info(reader, |info| info.group_filter = 2 << filtered).unwrap();
        for group in 0..16 {
            rig.send_packet(sender, packet(reader.port(0), &[note1(group)])).unwrap();
        }
        let arrived =
            rig.words(reader).iter().map(|[word, ..]| word >> 24 & 15).collect::<Vec<_>>();
        let expected: Vec<u32> = (0..16).filter(|group| *group != u32::from(filtered)).collect();
        assert_eq!(arrived, expected);
    }
    rig.set_info(reader, |info| info.group_filter = 1).unwrap();
    rig.send_packet(sender, packet(reader.port(0), &[0xf500_0000])).unwrap();
    assert!(!rig.readable(reader));
}

#[test]
fn known_k126_words_that_a_conversion_does_not_write_are_zero() {
    let mut rig = ump_rig();
    let (legacy, sender) = (rig.client(), rig.ump_client(2));
    let readers = [rig.ump_client_with_port(1), rig.ump_client_with_port(2)];
    for reader in readers {
        rig.send(legacy, key(reader.port(0), 60)).unwrap();
        rig.send(legacy, direct(EventType::SENSING, reader.port(0))).unwrap();
        rig.send_packet(sender, packet(reader.port(0), &[NOTE1])).unwrap();
        rig.send_packet(sender, packet(reader.port(0), &NOTE2)).unwrap();
        let words = rig.words(reader);
        assert_eq!(words.len(), 4);
        assert!(words.iter().all(|words| words[2..] == [0, 0]), "{words:x?}");
    }
}

#[test]
fn known_k127_a_client_that_does_not_become_a_ump_client_is_as_before() {
    let mut rig = ump_rig();
    let client = rig.knowing_client();
    rig.create_port(client, OPEN_PORT).unwrap();
    for version in [3, 4, u32::MAX] {
        assert!(rig.set_info(client, |info| info.midi_version = version).is_err());
        assert_eq!(rig.info(client, client.number.into()).unwrap().midi_version, 0);
        rig.send(client, key(client.port(0), 1)).unwrap();
        assert_eq!(rig.heard(client), [(EventType::NOTEON, 1)]);
    }
    rig.close(client);
    assert_eq!(rig.ump_client(2).number, client.number);
}
