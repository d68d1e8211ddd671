//! `GET_CLIENT_INFO`, `SET_CLIENT_INFO` and the event filter.

use crate::rig::{OPEN_PORT, Rig, THROUGH, direct, errno, key};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{ClientFilter, ClientInfo, KERNEL_CLIENT, USER_CLIENT};
use aseqd_abi::{Errno, EventType};

fn text(name: &[u8; 64]) -> &str {
    let len = name.iter().position(|byte| *byte == 0).unwrap();
    std::str::from_utf8(&name[..len]).unwrap()
}

#[test]
fn a_new_client_has_these_properties() {
    let mut rig = Rig::new();
    let client = rig.client();
    let info = rig.info(client, 128).unwrap();
    assert_eq!(text(&info.name), "Client-128");
    let mut expected =
        ClientInfo { client: 128, client_type: USER_CLIENT, ..ClientInfo::default() };
    (expected.name, expected.card, expected.pid) = (info.name, -1, 1000);
    assert_eq!(info, expected);
}

#[test]
fn the_kernels_clients_have_neither_card_nor_process() {
    let mut rig = Rig::new();
    let client = rig.client();
    for (number, name, ports) in [(0, "System", 2), (14, "Midi Through", 1)] {
        let info = rig.info(client, number).unwrap();
        assert_eq!(text(&info.name), name);
        assert_eq!(info.client_type, KERNEL_CLIENT);
        assert_eq!((info.num_ports, info.card, info.pid, info.filter), (ports, -1, -1, 0));
    }
}

#[test]
fn an_unknown_client_is_enoent() {
    let mut rig = Rig::new();
    let client = rig.client();
    for number in [-1, 1, 15, 129, 192, 253, 254, 255, 256 + 128, i32::MAX, i32::MIN] {
        assert_eq!(errno(rig.info(client, number)), Errno::ENOENT, "{number}");
    }
}

#[test]
fn the_multicast_filter_stays_as_it_was_passed_and_the_rest_is_written() {
    let mut rig = Rig::new();
    let client = rig.client();
    let mut asked: ClientInfo = zerocopy::FromBytes::read_from_bytes(&[0x5a; 188]).unwrap();
    asked.client = 128;
    let info = rig.ioctl(client, s::GET_CLIENT_INFO, asked).unwrap();
    let mut expected = rig.info(client, 128).unwrap();
    expected.multicast_filter = [0x5a; 8];
    // The name is written as a string.
    expected.name["Client-128\0".len()..].fill(0x5a);
    assert_eq!(info, expected);
}

#[test]
fn another_client_cannot_be_set() {
    let mut rig = Rig::new();
    let client = rig.client();
    let other = rig.client();
    let info = rig.info(client, other.number.into()).unwrap();
    assert_eq!(errno(rig.ioctl(client, s::SET_CLIENT_INFO, info)), Errno::EPERM);
}

#[test]
fn the_type_cannot_change() {
    let mut rig = Rig::new();
    let client = rig.client();
    for client_type in [0, KERNEL_CLIENT, 3, -1] {
        let result = rig.set_info(client, |info| info.client_type = client_type);
        assert_eq!(errno(result), Errno::EINVAL);
    }
}

#[test]
fn what_a_program_may_set_comes_back() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.set_info(client, |info| {
        info.name[..3].copy_from_slice(b"abc");
        info.name[3] = 0;
        info.filter = 0x5555_5555;
        info.event_filter = [0xa5; 32];
        info.event_lost = -7;
        info.group_filter = u32::MAX;
        (info.num_ports, info.card, info.pid) = (9, 9, 9);
    })
    .unwrap();
    let info = rig.info(client, 128).unwrap();
    assert_eq!(text(&info.name), "abc");
    assert_eq!((info.filter, info.event_filter), (0x5555_5555, [0xa5; 32]));
    assert_eq!((info.event_lost, info.group_filter), (-7, 0x1_ffff));
    assert_eq!((info.num_ports, info.card, info.pid), (0, -1, 1000));
}

#[test]
fn an_empty_name_keeps_the_old_one_and_a_full_one_is_cut() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.set_info(client, |info| info.name = [0; 64]).unwrap();
    assert_eq!(text(&rig.info(client, 128).unwrap().name), "Client-128");
    rig.set_info(client, |info| info.name = [b'x'; 64]).unwrap();
    let mut cut = [b'x'; 64];
    cut[63] = 0;
    assert_eq!(rig.info(client, 128).unwrap().name, cut);
}

#[test]
fn midi_version_is_ignored_below_1_0_3_and_refused_from_there() {
    let mut rig = Rig::new();
    let client = rig.client();
    for version in [1, 2, 3] {
        rig.set_info(client, |info| info.midi_version = version).unwrap();
        assert_eq!(rig.info(client, 128).unwrap().midi_version, 0);
    }
    // The declared version is unsigned.
    for declared in [0x01_00_03, 0x01_00_04, -1] {
        rig.ioctl(client, s::USER_PVERSION, declared).unwrap();
        for version in [1, 2, 3] {
            let result = rig.set_info(client, |info| info.midi_version = version);
            assert_eq!(errno(result), Errno::EINVAL);
        }
        rig.set_info(client, |info| info.midi_version = 0).unwrap();
    }
}

#[test]
fn a_refused_change_changes_nothing() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.ioctl(client, s::USER_PVERSION, 0x01_00_03).unwrap();
    let before = rig.info(client, 128).unwrap();
    let result = rig.set_info(client, |info| (info.midi_version, info.filter) = (1, 4));
    assert!(result.is_err());
    assert_eq!(rig.info(client, 128).unwrap(), before);
}

#[test]
fn the_event_filter_lets_in_the_types_whose_bit_is_set() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.set_info(reader, |info| {
        info.filter = ClientFilter::USE_EVENT.bits();
        info.event_filter[0] = 1 << 6;
        info.event_filter[6] = 1 << 2;
    })
    .unwrap();
    let to = reader.port(0);
    assert_eq!(rig.send(client, key(to, 1)), Ok(28));
    assert_eq!(rig.send(client, direct(EventType::ECHO, to)), Ok(28));
    for refused in [EventType::NOTEOFF, EventType::OSS, EventType(69), EventType(0)] {
        assert_eq!(errno(rig.send(client, direct(refused, to))), Errno::ENOENT);
    }
    assert_eq!(rig.heard(reader).len(), 2);
}

#[test]
fn without_its_bit_in_the_filter_the_event_filter_does_nothing() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.set_info(client, |info| info.filter = !ClientFilter::USE_EVENT.bits()).unwrap();
    assert_eq!(rig.send(client, key(client.port(0), 1)), Ok(28));
}

#[test]
fn num_ports_counts_ports() {
    let mut rig = Rig::new();
    let client = rig.client();
    for ports in 1..4 {
        rig.create_port(client, OPEN_PORT).unwrap();
        assert_eq!(rig.info(client, 128).unwrap().num_ports, ports);
    }
    rig.delete_port(client, 1).unwrap();
    assert_eq!(rig.info(client, 128).unwrap().num_ports, 2);
}

#[test]
fn the_event_filter_does_not_ask_about_events_that_pass_through() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.set_info(reader, |info| info.filter = ClientFilter::USE_EVENT.bits()).unwrap();
    rig.subscribe(reader, THROUGH, reader.port(0)).unwrap();
    // Forwarding fails at the reader, and the sender gets that error.
    assert_eq!(errno(rig.send(client, key(THROUGH, 1))), Errno::ENOENT);
}
