//! The port requests of 32-bit processes.

use crate::rig::{OPEN_PORT, Rig, TestClient, errno};
use aseqd_abi::ioctl::{sequencer as s, sequencer32 as s32};
use aseqd_abi::seq::{PortFlags, PortInfo, PortInfo32};
use aseqd_abi::{Errno, seq::PortCaps};
use aseqd_engine::{Call, Error, Input};
use zerocopy::{FromBytes, IntoBytes};

fn ioctl32<T: IntoBytes + FromBytes + zerocopy::Immutable>(
    rig: &mut Rig,
    client: TestClient,
    request: u32,
    arg: T,
) -> Result<T, Error> {
    let mut out = Vec::new();
    let input = Input::Call {
        file: client.file,
        call: Call::Ioctl { request, compat: true, arg: arg.as_bytes() },
    };
    rig.engine.handle(rig.now, input, &mut out).finish()?;
    Ok(if out.is_empty() { arg } else { T::read_from_bytes(&out).unwrap() })
}

fn wanted(client: TestClient) -> PortInfo32 {
    PortInfo32 {
        addr: client.port(7),
        capability: OPEN_PORT.bits(),
        midi_channels: 16,
        kernel: 0xdead_beef,
        flags: (PortFlags::GIVEN_PORT | PortFlags::TIMESTAMP).bits(),
        time_queue: 3,
        direction: 1,
        ump_group: 5,
        ..PortInfo32::default()
    }
}

#[test]
fn the_structs_are_four_bytes_apart() {
    assert_eq!((size_of::<PortInfo>(), size_of::<PortInfo32>()), (168, 164));
}

#[test]
fn each_world_has_its_own_port_requests() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    for code in
        [s::CREATE_PORT, s::DELETE_PORT, s::GET_PORT_INFO, s::SET_PORT_INFO, s::QUERY_NEXT_PORT]
    {
        let info = PortInfo { addr: client.port(0), ..PortInfo::default() };
        assert_eq!(errno(ioctl32(&mut rig, client, code, info)), Errno::ENOTTY);
    }
    for (_, code) in s32::ALL {
        let info = PortInfo32 { addr: client.port(0), ..PortInfo32::default() };
        assert_eq!(errno(rig.ioctl(client, *code, info)), Errno::ENOTTY);
    }
    // Everything else is the same for both.
    assert_eq!(ioctl32(&mut rig, client, s::PVERSION, 0_i32), Ok(0x01_00_05));
}

#[test]
fn the_kernel_pointer_is_ignored_and_comes_back_as_zero() {
    let mut rig = Rig::new();
    let client = rig.client();
    let made = ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    assert_eq!((made.addr, made.kernel), (client.port(7), 0));
}

#[test]
fn a_port_made_by_one_world_is_the_same_in_the_other() {
    let mut rig = Rig::new();
    let client = rig.client();
    ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    let wide = rig.port_info(client, client.port(7)).unwrap();
    assert_eq!((wide.capability, wide.midi_channels), (OPEN_PORT.bits(), 16));
    assert_eq!((wide.flags, wide.time_queue), (PortFlags::TIMESTAMP.bits(), 3));
    assert_eq!((wide.direction, wide.ump_group), (1, 5));
    let asked = PortInfo32 { addr: client.port(7), ..PortInfo32::default() };
    let narrow = ioctl32(&mut rig, client, s32::GET_PORT_INFO, asked).unwrap();
    assert_eq!((narrow.capability, narrow.name), (wide.capability, wide.name));
    assert_eq!((narrow.flags, narrow.time_queue, narrow.time_queue_again), (wide.flags, 3, 3));
    assert_eq!((narrow.direction, narrow.ump_group), (1, 5));
}

#[test]
fn direction_and_group_are_at_bytes_109_and_110_and_the_queue_again_at_108() {
    let mut rig = Rig::new();
    let client = rig.client();
    ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    let asked = PortInfo32 { addr: client.port(7), ..PortInfo32::default() };
    let bytes = ioctl32(&mut rig, client, s32::GET_PORT_INFO, asked).unwrap();
    let bytes = bytes.as_bytes();
    assert_eq!(bytes[104..111], [3, 0, 0, 0, 3, 1, 5]);
}

#[test]
fn bytes_105_to_107_come_back_as_zero_and_the_rest_as_passed() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let asked = PortInfo32 {
        addr: client.port(0),
        pad: [1, 2],
        time_queue: 77,
        reserved: [9; 3],
        time_queue_again: 9,
        reserved2: [9; 53],
        ..PortInfo32::default()
    };
    let info = ioctl32(&mut rig, client, s32::GET_PORT_INFO, asked).unwrap();
    assert_eq!((info.reserved, info.reserved2, info.pad), ([0; 3], [9; 53], [1, 2]));
    assert_eq!((info.time_queue, info.time_queue_again), (77, 77));
}

#[test]
fn setting_and_deleting_give_the_struct_back() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let asked = PortInfo32 { addr: client.port(0), kernel: 7, ..PortInfo32::default() };
    for code in [s32::SET_PORT_INFO, s32::DELETE_PORT] {
        let back = ioctl32(&mut rig, client, code, asked).unwrap();
        assert_eq!(back, PortInfo32 { kernel: 0, ..asked });
    }
}

#[test]
fn ports_are_set_found_and_deleted() {
    let mut rig = Rig::new();
    let client = rig.client();
    ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    let changed = PortInfo32 { capability: PortCaps::READ.bits(), ..wanted(client) };
    ioctl32(&mut rig, client, s32::SET_PORT_INFO, changed).unwrap();
    let asked = PortInfo32 { addr: client.port(255), ..PortInfo32::default() };
    let found = ioctl32(&mut rig, client, s32::QUERY_NEXT_PORT, asked).unwrap();
    assert_eq!((found.addr, found.capability), (client.port(7), PortCaps::READ.bits()));
    ioctl32(&mut rig, client, s32::DELETE_PORT, wanted(client)).unwrap();
    assert_eq!(errno(ioctl32(&mut rig, client, s32::QUERY_NEXT_PORT, asked)), Errno::ENOENT);
}

#[test]
fn errors_are_those_of_the_64_bit_requests() {
    let mut rig = Rig::new();
    let client = rig.client();
    let other = rig.client();
    let theirs = PortInfo32 { addr: other.port(0), ..wanted(client) };
    assert_eq!(errno(ioctl32(&mut rig, client, s32::CREATE_PORT, theirs)), Errno::EPERM);
    assert_eq!(errno(ioctl32(&mut rig, client, s32::GET_PORT_INFO, theirs)), Errno::ENOENT);
    let gone = PortInfo32 { addr: aseqd_abi::Address::new(200, 0), ..wanted(client) };
    assert_eq!(errno(ioctl32(&mut rig, client, s32::GET_PORT_INFO, gone)), Errno::ENXIO);
}

#[test]
fn known_k125_direction_and_group_are_the_same_in_both_forms() {
    let mut rig = Rig::new();
    let client = rig.client();
    let made = ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    let wide = rig.port_info(client, client.port(7)).unwrap();
    assert_eq!((wide.direction, wide.ump_group), (1, 5));
    assert_eq!((made.direction, made.ump_group), (1, 5));
}

#[test]
fn known_k34_both_forms_of_set_port_info_change_the_same_port() {
    let mut rig = Rig::new();
    let client = rig.client();
    ioctl32(&mut rig, client, s32::CREATE_PORT, wanted(client)).unwrap();
    for voices in 1..10 {
        let narrow = PortInfo32 { midi_voices: voices, ..wanted(client) };
        ioctl32(&mut rig, client, s32::SET_PORT_INFO, narrow).unwrap();
        assert_eq!(rig.port_info(client, client.port(7)).unwrap().midi_voices, voices);
        rig.set_port(client, 7, |info| info.midi_voices = -voices).unwrap();
        let asked = PortInfo32 { addr: client.port(7), ..PortInfo32::default() };
        let narrow = ioctl32(&mut rig, client, s32::GET_PORT_INFO, asked).unwrap();
        assert_eq!(narrow.midi_voices, -voices);
    }
}
