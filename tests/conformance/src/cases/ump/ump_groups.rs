//! Groups: the filter of a client, the group of a port, and what is rewritten.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, NO_PACKETS, NOTE1, Watcher, legacy, note_on, variable,
};
use aseqd_abi::EventType;
use aseqd_abi::event::{EVENT_SIZE, EventData};
use aseqd_abi::seq::ClientFilter;

/// Messages of group `g`, counted from 0: a note of each protocol, a clock and SysEx.
fn of_group(g: u32) -> [[u32; 4]; 4] {
    [
        [0x2090_3c64 | g << 24, 0, 0, 0],
        [0x4090_3c00 | g << 24, 0xc924_0000, 0, 0],
        [0x10f8_0000 | g << 24, 0, 0, 0],
        [0x3001_7700 | g << 24, 0, 0, 0],
    ]
}

/// Returns the types and groups of packets.
fn heads(packets: &[Vec<u32>]) -> Vec<u32> {
    packets.iter().map(|words| words[0] >> 24).collect()
}

cases! {
    /// Only bits 0 to 16 of the filter are kept.
    fn seventeen_bits_of_the_filter_are_kept() {
        let client = Client::midi(MIDI1);
        client.drop_groups(u32::MAX);
        assert_eq!(client.info().group_filter, 0x1_ffff);
    }

    /// The filter drops packets of its groups, and the write succeeds.
    fn the_filter_drops_packets_of_a_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI1));
        for g in 0..16 {
            reader.drop_groups(1 << (g + 1));
            for other in 0..16 {
                sender.must_send_packet(reader.port(0), &[0x2090_3c64 | other << 24]);
            }
            let expected: Vec<u32> = (0..16).filter(|other| *other != g).map(|other| 0x20 | other).collect();
            assert_eq!(heads(&reader.packets()), expected, "group {g}");
        }
    }

    /// It drops every kind of message that has a group.
    fn the_filter_drops_every_kind_with_a_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.drop_groups(1 << 3);
        for words in of_group(2) {
            sender.must_send_packet(reader.port(0), &words);
        }
        assert_eq!(reader.packets(), NO_PACKETS);
        for words in of_group(1) {
            sender.must_send_packet(reader.port(0), &words);
        }
        assert_eq!(reader.packets().len(), 4);
    }

    /// Bit 0 drops the messages without a group, utility and stream, whatever their bits for a group.
    fn bit_0_drops_messages_without_a_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        for filter in [0, 1, 0x1_fffe] {
            reader.drop_groups(filter);
            for words in [[0x0010_0001, 0, 0, 0], [0x0310_0001, 0, 0, 0], [0xf000_0101, 0, 0, 0], [0xf400_0101, 0, 0, 0]] {
                sender.must_send_packet(reader.port(0), &words);
            }
            let got = reader.packets().len();
            assert_eq!(got, if filter == 1 { 0 } else { 4 }, "filter {filter:#x}");
        }
    }

    /// The filter of a legacy client drops packets too.
    fn a_legacy_clients_filter_drops_packets() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(LEGACY));
        reader.drop_groups(1 << 1);
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.types(), []);
        sender.must_send_packet(reader.port(0), &[0x2190_3c64]);
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// The filter of a legacy client drops no legacy events.
    fn a_legacy_clients_filter_drops_no_legacy_events() {
        let (sender, reader) = (Client::with_port(), Client::midi(LEGACY));
        reader.drop_groups(0x1_ffff);
        sender.must_send(&note_on(reader.port(0), 60));
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// Legacy events are dropped by the group of the port at which they arrive; without one by bit 0.
    fn legacy_events_are_dropped_by_the_ports_group() {
        let (sender, reader) = (Client::with_port(), Client::midi_with_ports(MIDI1, 2));
        reader.set_group(1, 5);
        for (filter, expected) in [(0, vec![0x20, 0x24]), (1, vec![0x24]), (1 << 5, vec![0x20]), (1 << 1, vec![0x20, 0x24])] {
            reader.drop_groups(filter);
            sender.must_send(&note_on(reader.port(0), 60));
            sender.must_send(&note_on(reader.port(1), 60));
            assert_eq!(heads(&reader.packets()), expected, "filter {filter:#x}");
        }
    }

    /// Events that stay legacy ones are dropped too.
    fn events_without_a_packet_are_dropped_too() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        reader.drop_groups(1);
        sender.must_send(&legacy(reader.port(0), EventType::ECHO, EventData([1; 12])));
        assert_eq!(sender.send_variable(&variable(EventType::BOUNCE, reader.port(0), 3), b"abc"), Ok(EVENT_SIZE + 3));
        assert_eq!(reader.ump_received(), []);
    }

    /// Announcements are legacy events: bit 0 drops them.
    fn announcements_are_dropped_by_bit_0() {
        let watcher = Watcher::new().0;
        watcher.need_ump();
        assert_eq!(watcher.set_midi(MIDI1), Ok(()));
        watcher.drop_groups(1);
        watcher.discard();
        drop(Client::with_port());
        assert_eq!(watcher.ump_received(), []);
        watcher.drop_groups(0);
        let client = Client::with_port();
        assert!(!watcher.ump_received().is_empty());
        drop(client);
    }

    /// The filter NO_CONVERT takes the filter of groups out of force.
    fn no_convert_ignores_the_group_filter() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        reader.drop_groups(0x1_ffff);
        reader.set_info(|info| info.filter = ClientFilter::NO_CONVERT.bits()).unwrap();
        sender.must_send_packet(reader.port(0), &NOTE1);
        sender.must_send(&note_on(reader.port(0), 60));
        assert_eq!(reader.ump_received().len(), 2);
    }

    /// A legacy event gets the group of the port at which it arrives, or 0.
    fn a_legacy_event_gets_the_ports_group() {
        for version in [MIDI1, MIDI2] {
            let (sender, reader) = (Client::with_port(), Client::midi(version));
            for group in 0..=16 {
                reader.set_group(0, group);
                sender.must_send(&note_on(reader.port(0), 60));
                sender.must_send(&legacy(reader.port(0), EventType::CLOCK, EventData::default()));
                let g = u32::from(group.saturating_sub(1));
                let note = if version == MIDI1 { 0x20 } else { 0x40 };
                assert_eq!(heads(&reader.packets()), [note | g, 0x10 | g], "group {group}");
            }
        }
    }

    /// A packet of another group gets that of the port, if it need not be converted.
    fn a_packet_gets_the_ports_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI1));
        reader.set_group(0, 3);
        for words in [of_group(0)[0], of_group(5)[2], of_group(2)[3]] {
            sender.must_send_packet(reader.port(0), &words);
        }
        assert_eq!(heads(&reader.packets()), [0x22, 0x12, 0x32]);
    }

    /// A packet that is converted between the protocols keeps its group.
    fn a_converted_packet_keeps_its_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi_with_ports(MIDI1, 1));
        reader.set_group(0, 3);
        sender.must_send_packet(reader.port(0), &of_group(5)[1]);
        assert_eq!(heads(&reader.packets()), [0x25]);
        assert_eq!(reader.set_midi(MIDI2), Ok(()));
        sender.must_send_packet(reader.port(0), &of_group(5)[0]);
        assert_eq!(heads(&reader.packets()), [0x45]);
    }

    /// A port without a group leaves the group of a packet.
    fn a_port_without_a_group_leaves_it() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        for g in 0..16 {
            sender.must_send_packet(reader.port(0), &of_group(g)[1]);
            assert_eq!(heads(&reader.packets()), [0x40 | g]);
        }
    }

    /// Messages without a group are left as they are.
    fn messages_without_a_group_are_left() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.set_group(0, 3);
        for first in [0x0010_0001, 0x0510_0001, 0xf000_0101, 0xf500_0101] {
            sender.must_send_packet(reader.port(0), &[first, 1, 2, 3]);
            assert_eq!(reader.packets()[0][0], first);
        }
    }

    /// The other words and the header of a packet whose group is rewritten stay.
    fn a_rewritten_packet_keeps_the_rest() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.set_group(0, 16);
        let mut event = crate::client::packet(reader.port(0), &[0xd012_3456, 0x1111_1111, 0x2222_2222, 0x3333_3333]);
        event.tag = 5;
        event.event_type = EventType(77);
        sender.must_send_ump(&event);
        event.source.client = sender.id;
        event.ump[0] = 0xdf12_3456;
        assert_eq!(reader.ump_received()[0].event, event);
    }

    /// The filter looks at the group before it is rewritten.
    fn the_filter_looks_before_the_rewrite() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.set_group(0, 3);
        reader.drop_groups(1 << 3);
        sender.must_send_packet(reader.port(0), &of_group(0)[1]);
        assert_eq!(heads(&reader.packets()), [0x42]);
        reader.drop_groups(1 << 1);
        sender.must_send_packet(reader.port(0), &of_group(0)[1]);
        assert_eq!(reader.packets(), NO_PACKETS);
    }

    /// NO_CONVERT leaves the group too.
    fn no_convert_leaves_the_group() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.set_group(0, 3);
        reader.set_info(|info| info.filter = ClientFilter::NO_CONVERT.bits()).unwrap();
        sender.must_send_packet(reader.port(0), &of_group(5)[1]);
        assert_eq!(heads(&reader.packets()), [0x45]);
    }

    /// SysEx gets the group of the port in every packet.
    fn sysex_gets_the_ports_group() {
        let (sender, reader) = (Client::with_port(), Client::midi(MIDI1));
        reader.set_group(0, 9);
        let event = variable(EventType::SYSEX, reader.port(0), 10);
        assert_eq!(sender.send_variable(&event, b"\xf0\x01\x02\x03\x04\x05\x06\x07\x08\xf7"), Ok(EVENT_SIZE + 10));
        assert_eq!(heads(&reader.packets()), [0x38, 0x38]);
    }

    /// The sender's port has no part in it: its group is not given to what it sends.
    fn the_senders_group_has_no_part() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        sender.set_group(0, 7);
        sender.must_send_packet(reader.port(0), &NOTE1);
        sender.must_send(&note_on(reader.port(0), 60));
        assert_eq!(reader.packets(), [NOTE1, NOTE1]);
    }
}
