//! Creating, describing and deleting ports.

use crate::rig::{OPEN_PORT, Rig, TestClient, errno};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo};
use aseqd_abi::{Address, Errno};

fn wanted(client: TestClient, port: u8) -> PortInfo {
    PortInfo { addr: client.port(port), capability: OPEN_PORT.bits(), ..PortInfo::default() }
}

fn given(client: TestClient, port: u8) -> PortInfo {
    PortInfo { flags: PortFlags::GIVEN_PORT.bits(), ..wanted(client, port) }
}

#[test]
fn ports_get_the_lowest_free_number() {
    let mut rig = Rig::new();
    let client = rig.client();
    for number in 0..4 {
        // A number without the flag is ignored.
        let info = rig.ioctl(client, s::CREATE_PORT, wanted(client, 77)).unwrap();
        assert_eq!(info.addr, client.port(number));
    }
    rig.delete_port(client, 1).unwrap();
    let info = rig.ioctl(client, s::CREATE_PORT, wanted(client, 0)).unwrap();
    assert_eq!(info.addr, client.port(1));
}

#[test]
fn nothing_but_the_address_comes_back_from_creating() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.create_port(client, OPEN_PORT).unwrap();
    let mut asked = wanted(client, 200);
    (asked.read_use, asked.direction, asked.reserved) = (5, 0, [0x5a; 57]);
    let info = rig.ioctl(client, s::CREATE_PORT, asked).unwrap();
    assert_eq!(info, PortInfo { addr: client.port(1), ..asked });
}

#[test]
fn a_given_number_is_taken_or_refused() {
    let mut rig = Rig::new();
    let client = rig.client();
    assert!(rig.ioctl(client, s::CREATE_PORT, given(client, 252)).is_ok());
    assert!(rig.ioctl(client, s::CREATE_PORT, given(client, 7)).is_ok());
    assert_eq!(errno(rig.ioctl(client, s::CREATE_PORT, given(client, 7))), Errno::EBUSY);
    for number in [253, 254, 255] {
        let result = rig.ioctl(client, s::CREATE_PORT, given(client, number));
        assert_eq!(errno(result), Errno::EINVAL, "{number}");
    }
}

#[test]
fn ports_are_created_for_oneself_without_callbacks() {
    let mut rig = Rig::new();
    let client = rig.client();
    let other = rig.client();
    assert_eq!(errno(rig.ioctl(client, s::CREATE_PORT, wanted(other, 0))), Errno::EPERM);
    let kernel = PortInfo { kernel: 1, ..wanted(client, 0) };
    assert_eq!(errno(rig.ioctl(client, s::CREATE_PORT, kernel)), Errno::EINVAL);
}

#[test]
fn a_client_has_one_endpoint_port() {
    let mut rig = Rig::new();
    let client = rig.client();
    let endpoint = OPEN_PORT | PortCaps::UMP_ENDPOINT;
    let port = rig.create_port(client, endpoint).unwrap();
    assert_eq!(errno(rig.create_port(client, endpoint)), Errno::EBUSY);
    rig.delete_port(client, port.port).unwrap();
    assert!(rig.create_port(client, endpoint).is_ok());
}

#[test]
fn the_default_name_is_the_number() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.ioctl(client, s::CREATE_PORT, given(client, 42)).unwrap();
    let info = rig.port_info(client, client.port(42)).unwrap();
    assert_eq!(&info.name[..8], b"port-42\0");
}

#[test]
fn what_describes_a_port_comes_back_without_validation() {
    let mut rig = Rig::new();
    let client = rig.client();
    let asked = PortInfo {
        name: [b'x'; 64],
        capability: 0xffff_fcff,
        port_type: 0x1234_5678,
        midi_channels: -1,
        midi_voices: 64,
        synth_voices: i32::MAX,
        direction: 9,
        ump_group: 16,
        ..wanted(client, 0)
    };
    rig.ioctl(client, s::CREATE_PORT, asked).unwrap();
    let mut expected = PortInfo { read_use: 0, ..asked };
    expected.name[63] = 0;
    assert_eq!(rig.port_info(client, client.port(0)).unwrap(), expected);
}

#[test]
fn the_direction_follows_the_capabilities_unless_it_is_given() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.create_port(client, OPEN_PORT).unwrap();
    let (r, w) = (PortCaps::READ, PortCaps::WRITE);
    for (caps, direction) in [(PortCaps::empty(), 0), (r, 1), (w, 2), (r | w, 3)] {
        rig.set_port(client, 0, |info| (info.capability, info.direction) = (caps.bits(), 0))
            .unwrap();
        assert_eq!(rig.port_info(client, client.port(0)).unwrap().direction, direction);
    }
    rig.set_port(client, 0, |info| info.direction = 1).unwrap();
    assert_eq!(rig.port_info(client, client.port(0)).unwrap().direction, 1);
}

#[test]
fn a_group_above_16_is_none() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    for (asked, group) in [(16, 16), (17, 0), (1, 1), (255, 0)] {
        rig.set_port(client, 0, |info| info.ump_group = asked).unwrap();
        assert_eq!(rig.port_info(client, client.port(0)).unwrap().ump_group, group);
    }
}

#[test]
fn an_empty_name_keeps_the_old_one() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.set_port(client, 0, |info| info.name = [0; 64]).unwrap();
    assert_eq!(&rig.port_info(client, client.port(0)).unwrap().name[..7], b"port-0\0");
}

#[test]
fn setting_a_port_that_does_not_exist_succeeds() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let other = rig.client_with_port();
    assert!(rig.ioctl(client, s::SET_PORT_INFO, wanted(client, 9)).is_ok());
    assert_eq!(errno(rig.port_info(client, client.port(9))), Errno::ENOENT);
    assert_eq!(errno(rig.ioctl(client, s::SET_PORT_INFO, wanted(other, 0))), Errno::EPERM);
}

#[test]
fn timestamping_is_reported_as_a_whole_or_not_at_all() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let mut ask = |flags: PortFlags| {
        let info = PortInfo { flags: flags.bits(), time_queue: 3, ..wanted(client, 0) };
        rig.ioctl(client, s::SET_PORT_INFO, info).unwrap();
        let asked = PortInfo { time_queue: 99, flags: 0xffff, ..wanted(client, 0) };
        let info = rig.ioctl(client, s::GET_PORT_INFO, asked).unwrap();
        (PortFlags::from_bits_retain(info.flags), info.time_queue)
    };
    let (stamp, real, midi1) = (PortFlags::TIMESTAMP, PortFlags::TIME_REAL, PortFlags::IS_MIDI1);
    // The queue is left as it was passed unless the port stamps.
    assert_eq!(ask(PortFlags::empty()), (PortFlags::empty(), 99));
    assert_eq!(ask(real), (PortFlags::empty(), 99));
    assert_eq!(ask(real | midi1), (midi1, 99));
    assert_eq!(ask(stamp), (stamp, 3));
    assert_eq!(ask(stamp | real | midi1), (stamp | real | midi1, 3));
}

#[test]
fn asking_leaves_kernel_and_reserved_alone() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let asked = PortInfo { kernel: 77, reserved: [0x5a; 57], pad: [1, 2], ..wanted(client, 0) };
    let info = rig.ioctl(client, s::GET_PORT_INFO, asked).unwrap();
    assert_eq!((info.kernel, info.reserved, info.pad), (77, [0x5a; 57], [1, 2]));
    assert_eq!(info.addr, client.port(0));
}

#[test]
fn missing_clients_and_ports_are_told_apart() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    assert_eq!(errno(rig.port_info(client, Address::new(200, 0))), Errno::ENXIO);
    assert_eq!(errno(rig.port_info(client, client.port(1))), Errno::ENOENT);
    assert!(rig.port_info(client, Address::new(14, 0)).is_ok());
}

#[test]
fn deleting_needs_an_own_port() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let other = rig.client_with_port();
    let theirs = PortInfo { addr: other.port(0), ..PortInfo::default() };
    assert_eq!(errno(rig.ioctl(client, s::DELETE_PORT, theirs)), Errno::EPERM);
    assert_eq!(errno(rig.delete_port(client, 1)), Errno::ENOENT);
    assert_eq!(rig.delete_port(client, 0), Ok(()));
    assert_eq!(errno(rig.delete_port(client, 0)), Errno::ENOENT);
}

#[test]
fn use_counts_are_those_of_the_subscriptions() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let other = rig.client_with_port();
    let uses = |rig: &mut Rig, at| {
        let info = rig.port_info(client, at).unwrap();
        (info.read_use, info.write_use)
    };
    rig.subscribe(client, client.port(0), other.port(0)).unwrap();
    rig.subscribe(client, client.port(0), client.port(0)).unwrap();
    assert_eq!(uses(&mut rig, client.port(0)), (2, 1));
    assert_eq!(uses(&mut rig, other.port(0)), (0, 1));
    rig.close(other);
    assert_eq!(uses(&mut rig, client.port(0)), (1, 1));
}
