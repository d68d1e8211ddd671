//! How a program becomes a UMP client: USER_PVERSION and midi_version.

use crate::case::{cases, skip};
use crate::client::{Client, LEGACY, MIDI1, MIDI2, Mode};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;

/// Returns a client that has declared a protocol version. Skips the case if there is no UMP.
fn declared(version: i32) -> Client {
    Client::midi(LEGACY);
    let client = Client::open();
    client.declare_version(version);
    client
}

cases! {
    /// A client begins as a legacy one, whatever version it declares.
    fn a_client_begins_as_legacy() {
        for version in [0, 0x01_00_02, 0x01_00_03, 0x01_00_05] {
            let client = declared(version);
            assert_eq!(client.info().midi_version, LEGACY, "{version:#x}");
        }
    }

    /// Version 1.0.3 and later can set each of the three MIDI versions. The number has no sign, so negative ones do too.
    fn midi_version_is_set_from_1_0_3_on() {
        for version in [0x01_00_03, 0x01_00_04, 0x01_00_05, 0x02_00_00, i32::MAX, i32::MIN, -1] {
            let client = declared(version);
            for midi in [MIDI1, MIDI2, LEGACY] {
                assert_eq!(client.set_midi(midi), Ok(()), "{version:#x}");
                assert_eq!(client.info().midi_version, midi, "{version:#x}");
            }
        }
    }

    /// Below 1.0.3 the field is ignored, with values that do not exist too.
    fn midi_version_is_ignored_before_1_0_3() {
        for version in [0, 1, 0x01_00_02] {
            let client = declared(version);
            for midi in [MIDI1, MIDI2, 3, u32::MAX] {
                assert_eq!(client.set_midi(midi), Ok(()), "{version:#x}");
                assert_eq!(client.info().midi_version, LEGACY, "{version:#x}");
            }
        }
    }

    /// A MIDI version above 2 is EINVAL, and nothing of the request is done.
    fn midi_version_3_is_einval() {
        let client = declared(0x01_00_03);
        for midi in [3, 4, 0x100, 0x8000_0000, u32::MAX] {
            let set = client.set_info(|info| {
                info.midi_version = midi;
                info.filter = 4;
                info.group_filter = 2;
            });
            assert_eq!(set, Err(Errno::EINVAL), "{midi:#x}");
        }
        let info = client.info();
        assert_eq!((info.midi_version, info.filter, info.group_filter), (LEGACY, 0, 0));
    }

    /// A UMP client that declares an older version stays a UMP client, and SET_CLIENT_INFO leaves it.
    fn an_older_version_keeps_the_midi_version() {
        let client = declared(0x01_00_03);
        assert_eq!(client.set_midi(MIDI2), Ok(()));
        client.declare_version(0x01_00_02);
        assert_eq!(client.info().midi_version, MIDI2);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(client.info().midi_version, MIDI2);
    }

    /// The MIDI version can be set by every access mode.
    fn every_access_mode_can_become_ump() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            declared(0x01_00_03);
            let client = Client::open_as(mode);
            client.declare_version(0x01_00_03);
            assert_eq!(client.set_midi(MIDI2), Ok(()), "{mode:?}");
            assert_eq!(client.info().midi_version, MIDI2, "{mode:?}");
        }
    }

    /// Other clients see the MIDI version, by GET_CLIENT_INFO and QUERY_NEXT_CLIENT.
    fn others_see_the_midi_version() {
        let (client, other) = (Client::midi(MIDI2), Client::open());
        assert_eq!(other.client_info(client.id.into()).unwrap().midi_version, MIDI2);
        let mut before = other.client_info(client.id.into()).unwrap();
        before.client -= 1;
        before.midi_version = 77;
        assert_eq!(other.query(s::QUERY_NEXT_CLIENT, before).unwrap().midi_version, MIDI2);
    }

    /// The system client and Midi Through are legacy clients.
    fn built_in_clients_are_legacy() {
        let client = Client::midi(MIDI2);
        for number in [0, 14] {
            match client.client_info(number) {
                Ok(info) => assert_eq!(info.midi_version, LEGACY, "client {number}"),
                Err(_) => skip("there is no Midi Through"),
            }
        }
    }

    /// Midi Through has the filter NO_CONVERT, so that packets come out of it as they are.
    fn midi_through_does_not_convert() {
        let client = Client::midi(MIDI2);
        match client.client_info(14) {
            Ok(info) => assert_eq!(info.filter, 1 << 30),
            Err(_) => skip("there is no Midi Through"),
        }
    }

    /// A change of the MIDI version leaves ports, subscriptions, pools and event_lost.
    fn a_change_leaves_the_rest() {
        let (client, other) = (Client::midi_with_ports(LEGACY, 2), Client::with_port());
        assert_eq!(client.subscribe(client.port(1), other.port(0)), Ok(()));
        client.set_info(|info| info.event_lost = 7).unwrap();
        let pool = client.pool();
        assert_eq!(client.set_midi(MIDI2), Ok(()));
        assert_eq!((client.info().num_ports, client.info().event_lost), (2, 7));
        assert_eq!(client.port_info(client.port(1)).unwrap().read_use, 1);
        assert_eq!((client.pool().input_pool, client.pool().output_pool), (pool.input_pool, pool.output_pool));
    }

    /// The sequencer's version is the same for UMP clients and others.
    fn pversion_is_the_same_for_ump_clients() {
        assert_eq!(Client::midi(MIDI2).pversion(), Client::open().pversion());
    }
}
