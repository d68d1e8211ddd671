//! `GET_PORT_INFO`, `SET_PORT_INFO` and `QUERY_NEXT_PORT`.

use crate::case::cases;
use crate::client::{ANNOUNCE, Client, OPEN_PORT, THROUGH, TIMER, name, patterned, text};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo};
use aseqd_abi::{Address, Errno};

fn set(client: &Client, port: u8, change: impl FnOnce(&mut PortInfo)) -> Result<(), Errno> {
    let mut info = client.port_info(client.port(port)).unwrap_or_default();
    info.addr = client.port(port);
    change(&mut info);
    client.query(s::SET_PORT_INFO, info).map(drop)
}

fn own(client: &Client) -> PortInfo {
    client.port_info(client.port(0)).expect("GET_PORT_INFO")
}

fn next(client: &Client, addr: Address, capability: u32) -> Result<PortInfo, Errno> {
    client.query(s::QUERY_NEXT_PORT, PortInfo { addr, capability, ..PortInfo::default() })
}

cases! {
    /// GET_PORT_INFO of a client that does not exist is ENXIO.
    fn get_of_a_missing_client_is_enxio() {
        let client = Client::open();
        for number in [192, 250, 253, 254, 255] {
            assert_eq!(client.port_info(Address::new(number, 0)), Err(Errno::ENXIO));
        }
    }

    /// GET_PORT_INFO of a port that does not exist is ENOENT.
    fn get_of_a_missing_port_is_enoent() {
        let client = Client::with_port();
        for port in [1, 100, 253, 254, 255] {
            assert_eq!(client.port_info(client.port(port)), Err(Errno::ENOENT));
        }
    }

    /// GET_PORT_INFO leaves kernel and reserved as they were passed in.
    fn get_leaves_kernel_and_reserved() {
        let client = Client::with_port();
        let info = PortInfo { addr: client.port(0), ..patterned() };
        let info = client.query(s::GET_PORT_INFO, info).unwrap();
        assert_eq!(
            (info.kernel, info.reserved[8..].to_vec()),
            (0xa5a5_a5a5_a5a5_a5a5, vec![0xa5; 49])
        );
    }

    /// GET_PORT_INFO writes time_queue only for a port that stamps.
    fn get_writes_time_queue_only_for_a_stamping_port() {
        let client = Client::with_port();
        let info = PortInfo { addr: client.port(0), ..patterned() };
        assert_eq!(client.query(s::GET_PORT_INFO, info).unwrap().time_queue, 0xa5);
        set(&client, 0, |info| {
            info.flags = PortFlags::TIMESTAMP.bits();
            info.time_queue = 9;
        })
        .unwrap();
        assert_eq!(client.query(s::GET_PORT_INFO, info).unwrap().time_queue, 9);
    }

    /// The bytes behind the end of the name are left as they were passed in.
    fn get_leaves_the_bytes_behind_the_name() {
        let client = Client::with_port();
        set(&client, 0, |info| info.name = name("described")).unwrap();
        for (code, port) in [(s::GET_PORT_INFO, 0), (s::QUERY_NEXT_PORT, 255)] {
            let info = PortInfo { addr: client.port(port), ..patterned() };
            let info = client.query(code, info).unwrap();
            assert_eq!((info.name[9], info.name[10..].to_vec()), (0, vec![0xa5; 54]));
        }
    }

    /// A GET_PORT_INFO that fails leaves the struct as it was.
    fn get_that_fails_changes_nothing() {
        let client = Client::open();
        let before = PortInfo { addr: client.port(4), ..patterned() };
        let mut info = before;
        assert_eq!(client.ioctl(s::GET_PORT_INFO, &mut info), Err(Errno::ENOENT));
        assert_eq!(info, before);
    }

    /// The two ports of the system client have their names and capabilities.
    fn get_of_the_system_ports() {
        let client = Client::open();
        let (timer, announce) =
            (client.port_info(TIMER).unwrap(), client.port_info(ANNOUNCE).unwrap());
        assert_eq!((text(&timer.name), timer.capability), ("Timer".into(), 0x23));
        assert_eq!((text(&announce.name), announce.capability), ("Announce".into(), 0x21));
        assert_eq!((timer.port_type, timer.midi_channels), (0, 0));
    }

    /// Midi Through's port has its name, capabilities and type.
    fn get_of_midi_through() {
        let info = Client::open().port_info(THROUGH).unwrap();
        assert_eq!((text(&info.name), info.capability), ("Midi Through Port-0".into(), 0x63));
        assert_eq!((info.port_type, info.midi_channels), (0x000a_0002, 0));
    }

    /// read_use counts what leaves a port, write_use what arrives.
    fn use_counts_count_subscriptions() {
        let (client, other) = (Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        client.subscribe(client.port(0), client.port(0)).unwrap();
        assert_eq!((own(&client).read_use, own(&client).write_use), (2, 1));
        let info = client.port_info(other.port(0)).unwrap();
        assert_eq!((info.read_use, info.write_use), (0, 1));
    }

    /// SET_PORT_INFO changes every attribute.
    fn set_changes_every_attribute() {
        let client = Client::with_port();
        set(&client, 0, |info| {
            info.name = name("changed");
            (info.capability, info.port_type) = (0x63, 0x0010_0000);
            (info.midi_channels, info.midi_voices, info.synth_voices) = (1, 2, 3);
        })
        .unwrap();
        let info = own(&client);
        assert_eq!((text(&info.name), info.capability), ("changed".into(), 0x63));
        assert_eq!((info.port_type, info.midi_channels), (0x0010_0000, 1));
        assert_eq!((info.midi_voices, info.synth_voices), (2, 3));
    }

    /// SET_PORT_INFO checks none of capability, type and counts.
    fn set_takes_any_values() {
        let client = Client::with_port();
        set(&client, 0, |info| {
            (info.capability, info.port_type) = (0xffff_f000, u32::MAX);
            (info.midi_channels, info.midi_voices, info.synth_voices) = (-1, i32::MAX, i32::MIN);
        })
        .unwrap();
        let info = own(&client);
        assert_eq!((info.capability, info.port_type), (0xffff_f000, u32::MAX));
        assert_eq!((info.midi_channels, info.midi_voices), (-1, i32::MAX));
        assert_eq!(info.synth_voices, i32::MIN);
    }

    /// An empty name leaves the port's name.
    fn set_with_an_empty_name_keeps_the_name() {
        let client = Client::with_port();
        set(&client, 0, |info| info.name = name("kept")).unwrap();
        set(&client, 0, |info| info.name = [0; 64]).unwrap();
        assert_eq!(text(&own(&client).name), "kept");
    }

    /// A port's name of 64 bytes is cut to 63.
    fn set_cuts_a_name_to_63_bytes() {
        let client = Client::with_port();
        set(&client, 0, |info| info.name = [b'y'; 64]).unwrap();
        assert_eq!(text(&own(&client).name), "y".repeat(63));
    }

    /// SET_PORT_INFO of an own port that does not exist succeeds and does nothing.
    fn set_of_a_missing_port_succeeds() {
        let client = Client::with_port();
        for port in [1, 252, 255] {
            assert_eq!(set(&client, port, |info| info.name = name("none")), Ok(()));
            assert_eq!(client.port_info(client.port(port)), Err(Errno::ENOENT));
        }
        assert_eq!(client.info().num_ports, 1);
    }

    /// SET_PORT_INFO of another client's port is EPERM.
    fn set_of_another_clients_port_is_eperm() {
        let (client, other) = (Client::with_port(), Client::with_port());
        for addr in [other.port(0), THROUGH, Address::new(250, 0)] {
            assert_eq!(set(&client, 0, |info| info.addr = addr), Err(Errno::EPERM));
        }
    }

    /// The use counts cannot be set.
    fn set_ignores_the_use_counts() {
        let client = Client::with_port();
        set(&client, 0, |info| (info.read_use, info.write_use) = (5, 6)).unwrap();
        assert_eq!((own(&client).read_use, own(&client).write_use), (0, 0));
    }

    /// A port reports TIMESTAMP, and TIME_REAL only together with it.
    fn stamp_flags_come_back_together() {
        let client = Client::with_port();
        let both = PortFlags::TIMESTAMP | PortFlags::TIME_REAL;
        for (given, reported) in [
            (PortFlags::TIMESTAMP, PortFlags::TIMESTAMP),
            (both, both),
            (PortFlags::TIME_REAL, PortFlags::empty()),
            (PortFlags::GIVEN_PORT, PortFlags::empty()),
        ] {
            set(&client, 0, |info| info.flags = given.bits()).unwrap();
            assert_eq!(own(&client).flags, reported.bits());
        }
    }

    /// time_queue takes any number, of a queue or not.
    fn time_queue_takes_any_number() {
        let client = Client::with_port();
        for queue in [0, 31, 32, 253, 255] {
            set(&client, 0, |info| {
                info.flags = PortFlags::TIMESTAMP.bits();
                info.time_queue = queue;
            })
            .unwrap();
            assert_eq!(own(&client).time_queue, queue);
        }
    }

    /// A port without a direction gets one by its capabilities.
    since "6.12" fn direction_follows_the_capabilities() {
        for (caps, direction) in [
            (PortCaps::READ, 1),
            (PortCaps::WRITE, 2),
            (PortCaps::READ | PortCaps::WRITE, 3),
            (PortCaps::SUBS_READ | PortCaps::DUPLEX, 0),
        ] {
            let client = Client::open();
            let port = client.create_port(caps).unwrap();
            assert_eq!(client.port_info(port).unwrap().direction, direction);
        }
    }

    /// A direction that is given is kept, any.
    since "6.12" fn direction_that_is_given_is_kept() {
        let client = Client::with_port();
        for direction in [1, 2, 7, 255] {
            set(&client, 0, |info| info.direction = direction).unwrap();
            assert_eq!(own(&client).direction, direction);
        }
    }

    /// A UMP group up to 16 is kept; a larger one becomes 0.
    since "6.12" fn ump_group_above_16_becomes_0() {
        let client = Client::with_port();
        for (given, kept) in [(1, 1), (16, 16), (17, 0), (255, 0)] {
            set(&client, 0, |info| info.ump_group = given).unwrap();
            assert_eq!(own(&client).ump_group, kept);
        }
    }

    /// The mark of a MIDI 1.0 port comes back.
    since "6.12" fn is_midi1_comes_back() {
        let client = Client::with_port();
        set(&client, 0, |info| info.flags = PortFlags::IS_MIDI1.bits()).unwrap();
        assert_eq!(own(&client).flags, PortFlags::IS_MIDI1.bits());
    }

    /// The places of direction and UMP group are reserved: they are left as passed in.
    until "6.12" fn direction_and_group_are_reserved() {
        let client = Client::with_port();
        let info = PortInfo { addr: client.port(0), ..patterned() };
        let info = client.query(s::GET_PORT_INFO, info).unwrap();
        assert_eq!((info.direction, info.ump_group), (0xa5, 0xa5));
    }

    /// QUERY_NEXT_PORT goes through the ports in ascending order, then says ENOENT.
    fn next_port_ascends() {
        let client = Client::open();
        for port in [7, 0, 3] {
            client
                .create_port_with(|info| {
                    info.addr.port = port;
                    info.flags = PortFlags::GIVEN_PORT.bits();
                })
                .unwrap();
        }
        let mut found = Vec::new();
        let mut at = client.port(255);
        let end = loop {
            match next(&client, at, 0) {
                Ok(info) => at = info.addr,
                Err(errno) => break errno,
            }
            found.push(at.port);
        };
        assert_eq!((found, end), (vec![0, 3, 7], Errno::ENOENT));
    }

    /// QUERY_NEXT_PORT after port 255 starts at 0.
    fn next_port_after_255_is_0() {
        let client = Client::with_port();
        assert_eq!(next(&client, client.port(255), 0).unwrap().addr, client.port(0));
    }

    /// QUERY_NEXT_PORT after the last number there can be says ENOENT.
    fn next_port_after_254_is_enoent() {
        let client = Client::with_port();
        assert_eq!(next(&client, client.port(254), 0), Err(Errno::ENOENT));
    }

    /// QUERY_NEXT_PORT of a client that does not exist is ENXIO.
    fn next_port_of_a_missing_client_is_enxio() {
        assert_eq!(next(&Client::open(), Address::new(250, 255), 0), Err(Errno::ENXIO));
    }

    /// QUERY_NEXT_PORT fills in what GET_PORT_INFO does.
    fn next_port_describes_the_port() {
        let client = Client::open();
        let (found, info) =
            (next(&client, Address::new(14, 255), 0).unwrap(), client.port_info(THROUGH).unwrap());
        assert_eq!(found, info);
    }

    /// A QUERY_NEXT_PORT that finds none leaves the struct as it was.
    fn next_port_that_fails_changes_nothing() {
        let client = Client::open();
        let before = PortInfo { addr: client.port(9), ..patterned() };
        let mut info = before;
        assert_eq!(client.ioctl(s::QUERY_NEXT_PORT, &mut info), Err(Errno::ENOENT));
        assert_eq!(info, before);
    }

    /// QUERY_NEXT_PORT skips an inactive port unless it is asked for, GET_PORT_INFO does not.
    since "6.12" fn next_port_skips_inactive_ports() {
        let client = Client::open();
        let port = client.create_port(OPEN_PORT | PortCaps::INACTIVE).unwrap();
        assert_eq!(next(&client, client.port(255), 0), Err(Errno::ENOENT));
        let asked = next(&client, client.port(255), PortCaps::INACTIVE.bits()).unwrap();
        assert_eq!((asked.addr, client.port_info(port).is_ok()), (port, true));
    }

    /// The capability bit of inactive ports has no meaning.
    until "6.12" fn next_port_finds_inactive_ports() {
        let client = Client::open();
        let port = client.create_port(OPEN_PORT | PortCaps::INACTIVE).unwrap();
        assert_eq!(next(&client, client.port(255), 0).unwrap().addr, port);
    }
}
