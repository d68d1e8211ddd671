//! MIDI 1.0 packets at MIDI 2.0 clients, and the reverse.

use crate::case::cases;
use crate::client::{Client, MIDI1, MIDI2, NO_PACKETS, packet};
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::seq::PortFlags;
use aseqd_abi::{Address, EventType};

/// Returns what a client of a version gets of packets.
fn all(version: u32, packets: &[&[u32]]) -> Vec<Vec<u32>> {
    let (sender, reader) = (Client::midi(MIDI1), Client::midi(version));
    for words in packets {
        sender.must_send_packet(reader.port(0), words);
    }
    reader.packets()
}

/// Returns what a MIDI 2.0 client gets of a packet.
fn up(words: &[u32]) -> Vec<Vec<u32>> {
    all(MIDI2, &[words])
}

/// Returns what a MIDI 1.0 client gets of a packet.
fn down(words: &[u32]) -> Vec<Vec<u32>> {
    all(MIDI1, &[words])
}

cases! {
    /// Notes of MIDI 1.0 at a MIDI 2.0 client: a velocity of 0 stays, and does not become a note-off.
    fn notes_to_midi_2_0() {
        assert_eq!(up(&[0x2391_3c64]), [[0x4391_3c00, 0xc924_0000]]);
        assert_eq!(up(&[0x2381_3c7f]), [[0x4381_3c00, 0xffff_0000]]);
        assert_eq!(up(&[0x2391_3c00]), [[0x4391_3c00, 0]]);
    }

    /// Pressures to MIDI 2.0.
    fn pressures_to_midi_2_0() {
        assert_eq!(up(&[0x20a1_3c7f]), [[0x40a1_3c00, 0xffff_ffff]]);
        assert_eq!(up(&[0x20a1_3c00]), [[0x40a1_3c00, 0]]);
        assert_eq!(up(&[0x20d1_4000]), [[0x40d1_0000, 0x8000_0000]]);
    }

    /// Ordinary controllers to MIDI 2.0.
    fn controllers_to_midi_2_0() {
        assert_eq!(up(&[0x20b1_0740]), [[0x40b1_0700, 0x8000_0000]]);
        assert_eq!(up(&[0x20b1_7f7f]), [[0x40b1_7f00, 0xffff_ffff]]);
    }

    /// Pitch bend to MIDI 2.0.
    fn pitch_bend_to_midi_2_0() {
        assert_eq!(up(&[0x20e1_0040]), [[0x40e1_0000, 0x8000_0000]]);
        assert_eq!(up(&[0x20e1_7f7f]), [[0x40e1_0000, 0xffff_ffff]]);
        assert_eq!(up(&[0x20e1_0000]), [[0x40e1_0000, 0]]);
    }

    /// A program to MIDI 2.0, without a bank select before.
    fn program_to_midi_2_0() {
        assert_eq!(up(&[0x20c1_2a00]), [[0x40c1_0000, 0x2a00_0000]]);
    }

    /// Other statuses of MIDI 1.0 vanish at a MIDI 2.0 client.
    fn other_statuses_to_midi_2_0() {
        for status in [0x00, 0x10, 0x70, 0xf0_u32] {
            assert_eq!(up(&[0x2000_3c64 | status << 16]), NO_PACKETS, "status {status:#x}");
        }
    }

    /// Notes to MIDI 1.0: the velocity may become 0, and the attribute is left out.
    fn notes_to_midi_1_0() {
        assert_eq!(down(&[0x4391_3c00, 0xc924_0000]), [[0x2391_3c64]]);
        assert_eq!(down(&[0x4391_3c03, 0xffff_1234]), [[0x2391_3c7f]]);
        assert_eq!(down(&[0x4391_3c00, 0x01ff_0000]), [[0x2391_3c00]]);
        assert_eq!(down(&[0x4381_3c00, 0x8000_0000]), [[0x2381_3c40]]);
    }

    /// Pressures to MIDI 1.0.
    fn pressures_to_midi_1_0() {
        assert_eq!(down(&[0x40a1_3c00, 0xffff_ffff]), [[0x20a1_3c7f]]);
        assert_eq!(down(&[0x40d1_0000, 0x8000_0000]), [[0x20d1_4000]]);
    }

    /// Controllers to MIDI 1.0, also the special ones.
    fn controllers_to_midi_1_0() {
        for param in [0, 6, 7, 32, 38, 98, 101, 127_u32] {
            assert_eq!(down(&[0x40b1_0000 | param << 8, 0xfe00_0000]), [[0x20b1_007f | param << 8]]);
        }
    }

    /// A program to MIDI 1.0, with the bank as controllers before it. The program's last byte, unused, is then the lower half
    /// of the bank.
    fn program_to_midi_1_0() {
        assert_eq!(down(&[0x40c1_0000, 0x2a00_0305]), [[0x20c1_2a00]]);
        assert_eq!(down(&[0x43c1_0001, 0x2a00_0305]), [[0x23b1_0003], [0x23b1_2005], [0x23c1_2a05]]);
    }

    /// Pitch bend to MIDI 1.0.
    fn pitch_bend_to_midi_1_0() {
        assert_eq!(down(&[0x40e1_0000, 0x8000_0000]), [[0x20e1_0040]]);
        assert_eq!(down(&[0x40e1_0000, 0x8004_0000]), [[0x20e1_0140]]);
        assert_eq!(down(&[0x40e1_0000, 0xffff_ffff]), [[0x20e1_7f7f]]);
    }

    /// What MIDI 1.0 does not have vanishes, registered and assignable controllers too.
    fn what_midi_1_0_lacks_vanishes() {
        for status in [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xf0_u32] {
            assert_eq!(down(&[0x4000_3c01 | status << 16, 0x8000_0000]), NO_PACKETS, "status {status:#x}");
        }
    }

    /// Packets of the client's own protocol arrive as they are, bits out of range too.
    fn packets_of_the_own_protocol_are_left() {
        assert_eq!(down(&[0x2ff1_ffff]), [[0x2ff1_ffff]]);
        assert_eq!(up(&[0x4fff_ffff, 0x1234_5678]), [[0x4fff_ffff, 0x1234_5678]]);
    }

    /// Other message types arrive as they are in both versions.
    fn other_message_types_are_left() {
        for version in [MIDI1, MIDI2] {
            for kind in [0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15_u32] {
                let words = [kind << 28 | 0x0316_0102, 0x0304_0506, 7, 8];
                let got = all(version, &[&words]);
                assert_eq!(got, [&words[..got[0].len()]], "type {kind}");
            }
        }
    }

    /// A converted packet keeps its header: tag, time, flags, type of the record.
    fn header_of_a_packet_between_protocols() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        let mut event = packet(reader.port(0), &[0x2090_3c64]);
        event.tag = 77;
        event.time = EventTime::real(5, 6);
        event.flags |= EventFlags::REAL_TIME | EventFlags::PRIORITY;
        event.event_type = EventType(200);
        sender.must_send_ump(&event);
        let got = reader.ump_received()[0].event;
        assert_eq!((got.tag, got.queue, got.time, got.flags), (77, 253, event.time, event.flags));
        assert_eq!((got.source, got.dest), (sender.port(0), Address::new(reader.id, 0)));
        assert_eq!(got.event_type, EventType(200));
    }

    /// The words behind a converted packet are zero, whatever was there.
    fn words_behind_a_converted_packet() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI2));
        sender.must_send_packet(reader.port(0), &[0x2090_3c64, 1, 2, 3]);
        assert_eq!(reader.ump_received()[0].event.ump, [0x4090_3c00, 0xc924_0000, 0, 0]);
        assert_eq!(reader.set_midi(MIDI1), Ok(()));
        sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000, 2, 3]);
        assert_eq!(reader.ump_received()[0].event.ump, [0x2090_3c64, 0, 0, 0]);
    }

    /// A port with IS_MIDI1 of a MIDI 2.0 client gets MIDI 1.0.
    fn a_midi_1_port_gets_midi_1_0() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI2));
        reader.set_port(0, |info| info.flags = PortFlags::IS_MIDI1.bits());
        sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000]);
        sender.must_send_packet(reader.port(0), &[0x2090_3c64]);
        sender.must_send(&crate::client::note_on(reader.port(0), 60));
        assert_eq!(reader.packets(), [[0x2090_3c64], [0x2090_3c64], [0x2090_3c64]]);
    }

    /// The flag counts for the port only, and is taken off again.
    fn a_midi_1_port_is_one_port() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi_with_ports(MIDI2, 2));
        reader.set_port(0, |info| info.flags = PortFlags::IS_MIDI1.bits());
        sender.must_send_packet(reader.port(1), &[0x4090_3c00, 0xc924_0000]);
        reader.set_port(0, |info| info.flags = 0);
        sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000]);
        assert_eq!(reader.packets(), [[0x4090_3c00, 0xc924_0000]; 2]);
    }

    /// The flag means nothing at a MIDI 1.0 client and a legacy one.
    fn a_midi_1_port_is_nothing_new_elsewhere() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(MIDI1));
        reader.set_port(0, |info| info.flags = PortFlags::IS_MIDI1.bits());
        sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000]);
        assert_eq!(reader.packets(), [[0x2090_3c64]]);
        assert_eq!(reader.set_midi(0), Ok(()));
        sender.must_send_packet(reader.port(0), &[0x4090_3c00, 0xc924_0000]);
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// GET_PORT_INFO returns the flag IS_MIDI1.
    fn is_midi1_is_returned() {
        let client = Client::midi(MIDI2);
        client.set_port(0, |info| info.flags = PortFlags::IS_MIDI1.bits());
        assert_eq!(client.port_info(client.port(0)).unwrap().flags, PortFlags::IS_MIDI1.bits());
        client.set_port(0, |info| info.flags = 0);
        assert_eq!(client.port_info(client.port(0)).unwrap().flags, 0);
    }

    /// There and back again: every value of 7 bits survives.
    fn seven_bits_survive_both_ways() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi_with_ports(MIDI2, 2));
        reader.set_port(1, |info| info.flags = PortFlags::IS_MIDI1.bits());
        for value in 0..128 {
            for status in [0x80, 0x90, 0xa0, 0xb0_u32] {
                let word = 0x2000_0700 | status << 16 | value;
                sender.must_send_packet(reader.port(0), &[word]);
                let up = reader.packets().remove(0);
                sender.must_send_packet(reader.port(1), &up);
                assert_eq!(reader.packets(), [[word]]);
            }
        }
    }
}
