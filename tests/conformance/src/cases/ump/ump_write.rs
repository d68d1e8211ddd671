//! Writing records of 32 bytes.

use crate::case::cases;
use crate::client::{
    Client, LEGACY, MIDI1, MIDI2, NO_PACKETS, NOBODY, NOTE1, NOTE2, UMP_SIZE, note_on, packet,
    variable,
};
use crate::sys::Edge;
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime};
use aseqd_abi::seq::PortCaps;
use aseqd_abi::{Address, Errno, EventType};
use zerocopy::IntoBytes as _;

cases! {
    /// A packet is a record of 32 bytes, which arrives.
    fn a_packet_is_32_bytes() {
        let client = Client::midi(MIDI1);
        assert_eq!(client.send_ump(&packet(client.port(0), &NOTE1)), Ok(32));
        assert_eq!(client.packets(), [NOTE1]);
    }

    /// A legacy client that sets the UMP flag gets EINVAL.
    fn a_packet_from_a_legacy_client_is_einval() {
        let client = Client::midi(LEGACY);
        assert_eq!(client.send_ump(&packet(client.port(0), &NOTE1)), Err(Errno::EINVAL));
        let mut event = note_on(client.port(0), 1);
        event.flags = EventFlags::UMP;
        assert_eq!(client.send(&event), Err(Errno::EINVAL));
        assert_eq!(client.types(), []);
    }

    /// A buffer shorter than a packet is EINVAL, from 28 bytes too.
    fn a_short_packet_is_einval() {
        let client = Client::midi(MIDI1);
        let event = packet(client.port(0), &NOTE1);
        for len in [1, 27, 28, 29, 31] {
            assert_eq!(client.write(&event.as_bytes()[..len]), Err(Errno::EINVAL), "{len} bytes");
        }
        assert_eq!(client.packets(), NO_PACKETS);
    }

    /// A short packet behind a whole one ends the write, which returns the whole one.
    fn a_short_packet_behind_another_is_left() {
        let client = Client::midi(MIDI1);
        let event = packet(client.port(0), &NOTE1);
        let two = [event.as_bytes(), event.as_bytes()].concat();
        for len in [33, 59, 60, 63] {
            assert_eq!(client.write(&two[..len]), Ok(UMP_SIZE), "{len} bytes");
        }
        assert_eq!(client.packets(), [NOTE1; 4]);
    }

    /// Packets and legacy events mix in one write, each with its own size.
    fn packets_and_legacy_events_mix() {
        let (client, reader) = (Client::midi(MIDI1), Client::with_port());
        let dest = reader.port(0);
        let bytes = [
            packet(dest, &NOTE1).as_bytes(),
            note_on(dest, 1).as_bytes(),
            variable(EventType::SYSEX, dest, 3).as_bytes(),
            b"\xf0\x01\xf7",
            packet(dest, &NOTE1).as_bytes(),
        ]
        .concat();
        assert_eq!(client.write(&bytes), Ok(2 * UMP_SIZE + 2 * EVENT_SIZE + 3));
        assert_eq!(
            reader.types(),
            [EventType::NOTEON, EventType::NOTEON, EventType::SYSEX, EventType::NOTEON]
        );
    }

    /// The write ends at a record that is refused, and returns what was taken before.
    fn write_ends_at_a_refused_packet() {
        let client = Client::midi(MIDI1);
        let good = packet(client.port(0), &NOTE1);
        let mut bad = good;
        bad.flags.insert(EventFlags::VARIABLE);
        let bytes = [good.as_bytes(), bad.as_bytes(), good.as_bytes()].concat();
        assert_eq!(client.write(&bytes), Ok(UMP_SIZE));
        assert_eq!(client.packets(), [NOTE1]);
    }

    /// A packet of variable length is EINVAL, also if its type is one that has data.
    fn a_packet_of_variable_length_is_einval() {
        let client = Client::midi(MIDI1);
        for number in [0, 130] {
            let mut event = packet(client.port(0), &NOTE1);
            event.event_type = EventType(number);
            event.flags |= EventFlags::VARIABLE;
            assert_eq!(client.send_ump(&event), Err(Errno::EINVAL), "type {number}");
        }
    }

    /// The other length bits of a packet are kept.
    fn other_length_bits_of_a_packet_arrive() {
        let client = Client::midi(MIDI1);
        for flags in [EventFlags::VARUSR, EventFlags::VARUSR | EventFlags::VARIABLE] {
            let mut event = packet(client.port(0), &NOTE1);
            event.flags |= flags;
            client.must_send_ump(&event);
            assert_eq!(client.ump_received()[0].event.flags, event.flags);
        }
    }

    /// A packet with the length bits of a pointer is EINVAL if it goes through a queue.
    fn length_bits_of_a_pointer_in_a_queue_are_einval() {
        let client = Client::midi(MIDI1);
        let queue = client.create_queue();
        let mut event = packet(client.port(0), &NOTE1);
        event.flags |= EventFlags::VARUSR;
        event.queue = queue;
        assert_eq!(client.send_ump(&event), Err(Errno::EINVAL));
    }

    /// A type that has data is EINVAL for a packet, which has none.
    fn a_packet_of_a_type_with_data_is_einval() {
        let client = Client::midi(MIDI1);
        for number in 130..140 {
            let mut event = packet(client.port(0), &NOTE1);
            event.event_type = EventType(number);
            assert_eq!(client.send_ump(&event), Err(Errno::EINVAL), "type {number}");
        }
    }

    /// The type of a packet's record counts for nothing else: reserved ones, NONE and NOTE do too.
    fn type_of_a_packet_is_ignored() {
        let client = Client::midi(MIDI1);
        for number in [5, 6, 50, 66, 100, 145, 150, 160, 254, 255] {
            let mut event = packet(client.port(0), &NOTE1);
            event.event_type = EventType(number);
            assert_eq!(client.send_ump(&event), Ok(UMP_SIZE), "type {number}");
            let received = client.ump_received();
            assert_eq!(received.len(), 1, "type {number}");
            assert_eq!(received[0].event.event_type, EventType(number), "it arrives as it was");
        }
    }

    /// All fields of the record arrive as they were written, but for the source, which is the writer's.
    fn fields_of_a_packet_arrive() {
        let (client, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        let mut event = packet(reader.port(0), &NOTE1);
        event.tag = 77;
        event.source = Address::new(99, 3);
        event.time = EventTime::real(0x1234_5678, 0x9abc_def0);
        client.must_send_ump(&event);
        event.source = Address::new(client.id, 3);
        assert_eq!(reader.ump_received()[0].event, event);
    }

    /// All four words of a packet arrive, also those that its message type does not have.
    fn all_words_arrive() {
        let client = Client::midi(MIDI2);
        for first in [0x0010_1234, 0x10f8_0000, 0x3016_0102, 0x4090_3c00, 0x5000_0000, 0xd010_0000, 0xf000_0101] {
            let event = packet(client.port(0), &[first, 0x1111_1111, 0x2222_2222, 0x3333_3333]);
            client.must_send_ump(&event);
            assert_eq!(client.ump_received()[0].event.ump, event.ump, "{first:#x}");
        }
    }

    /// A packet to a missing client or port is ENOENT, and to a port without WRITE EPERM.
    fn errors_of_a_direct_packet() {
        let client = Client::midi(MIDI1);
        let reader = client.create_port(PortCaps::READ).unwrap();
        assert_eq!(client.send_ump(&packet(NOBODY, &NOTE1)), Err(Errno::ENOENT));
        assert_eq!(client.send_ump(&packet(client.port(9), &NOTE1)), Err(Errno::ENOENT));
        assert_eq!(client.send_ump(&packet(reader, &NOTE1)), Err(Errno::EPERM));
    }

    /// A UMP client can write legacy events, of every kind.
    fn a_ump_client_writes_legacy_events() {
        let (client, reader) = (Client::midi(MIDI2), Client::with_port());
        client.must_send(&note_on(reader.port(0), 60));
        let sysex = variable(EventType::SYSEX, reader.port(0), 3);
        assert_eq!(client.send_variable(&sysex, &[0xf0, 1, 0xf7]), Ok(EVENT_SIZE + 3));
        assert_eq!(reader.types(), [EventType::NOTEON, EventType::SYSEX]);
    }

    /// A packet that reaches into memory that cannot be read is EFAULT.
    fn a_packet_beyond_the_edge_is_efault() {
        let client = Client::midi(MIDI1);
        let event = packet(client.port(0), &NOTE1);
        for len in [28, 30, 31] {
            let written = Edge::new().write(&client, &event.as_bytes()[..len], UMP_SIZE - len);
            assert_eq!(written, Err(Errno::EFAULT), "{len} bytes");
        }
    }

    /// A client that has become legacy again may no longer write packets.
    fn a_former_ump_client_writes_none() {
        let client = Client::midi(MIDI1);
        client.must_send_packet(client.port(0), &NOTE1);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(client.send_ump(&packet(client.port(0), &NOTE1)), Err(Errno::EINVAL));
    }

    /// Clients of MIDI 1.0 and MIDI 2.0 may write every message type: nothing is checked.
    fn every_message_type_may_be_written() {
        for version in [MIDI1, MIDI2] {
            let client = Client::midi(version);
            for kind in 0..16_u32 {
                let event = packet(client.port(0), &[kind << 28 | 0x0090_3c64, 1, 2, 3]);
                assert_eq!(client.send_ump(&event), Ok(UMP_SIZE), "type {kind}");
            }
        }
    }

    /// A packet cannot control a queue, whatever its type byte says.
    fn a_packet_at_the_timer_port_controls_nothing() {
        let client = Client::midi(MIDI1);
        let queue = client.create_queue();
        for word in [0x10fa_0000, 0x10fb_0000, 0x10fc_0000] {
            let mut event = packet(Address::new(0, 0), &[word, 0, 0, 0]);
            event.event_type = EventType::START;
            event.ump[0] |= u32::from(queue);
            let _answer = client.send_ump(&event);
        }
        assert_eq!(client.status(queue).running, 0);
    }

    /// A note with a length is not taken apart if it is a packet of that type.
    fn a_packet_of_type_note_is_not_expanded() {
        let (client, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        let queue = client.create_queue();
        let mut event = packet(reader.port(0), &NOTE1);
        event.event_type = EventType::NOTE;
        event.queue = queue;
        client.must_send_ump(&event);
        client.dispatch(queue);
        assert_eq!(client.status(queue).events, 0);
        assert_eq!(reader.packets(), [NOTE1]);
    }

    /// A legacy note with a length becomes a note-on and a note-off in packets.
    fn a_legacy_note_becomes_two_packets() {
        let (client, reader) = (Client::with_port(), Client::midi(MIDI1));
        let queue = client.create_queue();
        let mut event = note_on(reader.port(0), 60);
        event.event_type = EventType::NOTE;
        event.queue = queue;
        event.data = EventData::from_note(aseqd_abi::event::Note { note: 60, velocity: 100, off_velocity: 7, duration: 10, channel: 2 });
        client.must_send(&event);
        client.move_to_tick(queue, 10);
        assert_eq!(reader.packets(), [[0x2092_3c64], [0x2082_3c07]]);
    }

    /// A packet for the UNKNOWN client and the broadcast address is ENOENT.
    fn a_packet_to_nobody_is_enoent() {
        let client = Client::midi(MIDI2);
        for address in [Address::new(253, 0), Address::new(255, 0), Address::new(191, 3)] {
            assert_eq!(client.send_ump(&packet(address, &NOTE2)), Err(Errno::ENOENT), "{address:?}");
        }
    }
}
