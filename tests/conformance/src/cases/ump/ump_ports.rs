//! The fields of a port that belong to UMP: direction, group, kind, as a UMP client sets them.

use crate::case::{cases, skip};
use crate::client::{Client, LEGACY, MIDI1, MIDI2, NOTE1, NOTE2, OPEN_PORT, Watcher, note_on};
use aseqd_abi::EventType;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortType};

/// Skips the case if the sequencer has no UMP.
fn need_ump() {
    drop(Client::midi(MIDI1));
}

cases! {
    /// CREATE_PORT keeps group, direction and the mark of MIDI 1.0.
    fn create_port_keeps_the_fields() {
        let client = Client::midi(MIDI2);
        let made = client.create_port_with(|info| {
            info.capability = OPEN_PORT.bits();
            info.ump_group = 7;
            info.direction = 2;
            info.flags = PortFlags::IS_MIDI1.bits();
        });
        let info = client.port_info(made.unwrap()).unwrap();
        assert_eq!((info.ump_group, info.direction, info.flags), (7, 2, PortFlags::IS_MIDI1.bits()));
    }

    /// A group above 16 becomes none, in CREATE_PORT too.
    fn create_port_with_a_group_above_16() {
        let client = Client::midi(MIDI2);
        for (group, kept) in [(0, 0), (1, 1), (16, 16), (17, 0), (255, 0)] {
            let made = client.create_port_with(|info| info.ump_group = group).unwrap();
            assert_eq!(client.port_info(made).unwrap().ump_group, kept, "group {group}");
        }
    }

    /// Without a direction a port gets one by READ and WRITE.
    fn create_port_without_a_direction() {
        let client = Client::midi(MIDI1);
        for (caps, direction) in [
            (PortCaps::empty(), 0),
            (PortCaps::READ, 1),
            (PortCaps::WRITE, 2),
            (PortCaps::READ | PortCaps::WRITE, 3),
            (PortCaps::SUBS_READ | PortCaps::SUBS_WRITE, 0),
        ] {
            let made = client.create_port(caps).unwrap();
            assert_eq!(client.port_info(made).unwrap().direction, direction, "{caps:?}");
        }
    }

    /// Two ports may have the same group.
    fn two_ports_may_have_one_group() {
        let client = Client::midi_with_ports(MIDI1, 2);
        client.set_group(0, 4);
        client.set_group(1, 4);
        let groups = [0, 1].map(|port| client.port_info(client.port(port)).unwrap().ump_group);
        assert_eq!(groups, [4, 4]);
    }

    /// An endpoint may have a group, and keeps the capability bit.
    fn an_endpoint_may_have_a_group() {
        let client = Client::midi(MIDI1);
        let made = client.create_port_with(|info| {
            info.capability = (OPEN_PORT | PortCaps::UMP_ENDPOINT).bits();
            info.ump_group = 2;
        });
        let info = client.port_info(made.unwrap()).unwrap();
        assert_eq!(info.ump_group, 2);
        assert!(PortCaps::from_bits_retain(info.capability).contains(PortCaps::UMP_ENDPOINT));
    }

    /// The port type MIDI_UMP is kept, and changes nothing.
    fn the_type_of_a_port_changes_nothing() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(LEGACY));
        reader.set_port(0, |info| info.port_type = PortType::MIDI_UMP.bits());
        assert_eq!(reader.port_info(reader.port(0)).unwrap().port_type, PortType::MIDI_UMP.bits());
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.types(), [EventType::NOTEON]);
    }

    /// The direction changes nothing: a port for input takes events.
    fn the_direction_changes_nothing() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        for direction in [1, 2, 3, 255] {
            reader.set_port(0, |info| info.direction = direction);
            sender.must_send_packet(reader.port(0), &NOTE1);
            assert_eq!(reader.packets(), [NOTE1], "direction {direction}");
        }
    }

    /// An inactive port takes and sends events as others do.
    fn an_inactive_port_takes_events() {
        let (sender, reader) = (Client::midi(MIDI1), Client::midi(MIDI1));
        reader.set_port(0, |info| info.capability |= PortCaps::INACTIVE.bits());
        sender.must_send_packet(reader.port(0), &NOTE1);
        assert_eq!(reader.packets(), [NOTE1]);
    }

    /// QUERY_NEXT_PORT fills in the fields of UMP.
    fn query_next_port_has_the_fields() {
        let client = Client::midi(MIDI2);
        client.set_port(0, |info| {
            info.ump_group = 9;
            info.direction = 1;
            info.flags = PortFlags::IS_MIDI1.bits();
        });
        let mut before = PortInfo { addr: client.port(0), ..PortInfo::default() };
        before.addr.port = 255;
        let info = client.query(s::QUERY_NEXT_PORT, before).unwrap();
        assert_eq!((info.ump_group, info.direction, info.flags), (9, 1, PortFlags::IS_MIDI1.bits()));
    }

    /// Legacy clients keep group and mark of their ports, which count when the client becomes UMP.
    fn fields_of_a_legacy_clients_port_are_kept() {
        let (sender, reader) = (Client::midi(MIDI2), Client::midi(LEGACY));
        reader.set_group(0, 6);
        reader.set_port(0, |info| info.flags = PortFlags::IS_MIDI1.bits());
        assert_eq!(reader.set_midi(MIDI2), Ok(()));
        sender.must_send(&note_on(reader.port(0), 60));
        sender.must_send_packet(reader.port(0), &NOTE2);
        assert_eq!(reader.packets(), [[0x2590_3c64], [0x2090_3c64]]);
    }

    /// A port's flags TIMESTAMP and IS_MIDI1 go together.
    fn stamping_and_midi_1_go_together() {
        let client = Client::midi(MIDI2);
        let flags = (PortFlags::TIMESTAMP | PortFlags::IS_MIDI1).bits();
        client.set_port(0, |info| info.flags = flags);
        assert_eq!(client.port_info(client.port(0)).unwrap().flags, flags);
    }

    /// GIVEN_PORT with the mark of MIDI 1.0 makes a port of that number.
    fn given_port_and_midi_1_go_together() {
        let client = Client::midi(MIDI2);
        let made = client.create_port_with(|info| {
            info.addr.port = 17;
            info.flags = (PortFlags::GIVEN_PORT | PortFlags::IS_MIDI1).bits();
        });
        assert_eq!(made, Ok(client.port(17)));
        assert_eq!(client.port_info(client.port(17)).unwrap().flags, PortFlags::IS_MIDI1.bits());
    }

    /// The ports of the built-in clients have no group.
    fn built_in_ports_have_no_group() {
        need_ump();
        let client = Client::open();
        for (number, port, direction) in [(0, 0, 3), (0, 1, 1), (14, 0, 3)] {
            let Ok(info) = client.port_info(aseqd_abi::Address::new(number, port)) else {
                skip("there is no Midi Through")
            };
            assert_eq!((info.ump_group, info.direction), (0, direction), "{number}:{port}");
        }
    }

    /// A change of the MIDI version is announced as a change of the client.
    since "6.12.90" fn a_new_midi_version_is_announced() {
        need_ump();
        let (watcher, client) = (Watcher::new(), Client::open());
        client.declare_version(0x01_00_03);
        watcher.0.discard();
        assert_eq!(client.set_midi(MIDI2), Ok(()));
        assert_eq!(watcher.told(&[client.id]), [(EventType::CLIENT_CHANGE, [client.id, 0, 0, 0])]);
    }

    /// A change of a port's group is announced as a change of the port.
    since "6.12.90" fn a_new_group_is_announced() {
        need_ump();
        let (watcher, client) = (Watcher::new(), Client::with_port());
        watcher.0.discard();
        client.set_group(0, 5);
        assert_eq!(watcher.told(&[client.id]), [(EventType::PORT_CHANGE, [client.id, 0, 0, 0])]);
    }
}
