//! MIDI versions, and what clients say about their endpoints.

use crate::packets::ump_rig;
use crate::rig::{ANNOUNCE, Rig, TestClient, errno};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortFlags};
use aseqd_abi::ump::{ClientUmpInfo, UmpBlockInfo, UmpEndpointInfo};
use aseqd_abi::{Address, Errno, EventType};
use aseqd_engine::Error;
use zerocopy::{FromZeros, IntoBytes};

fn get(
    rig: &mut Rig,
    caller: TestClient,
    client: i32,
    info_type: i32,
) -> Result<ClientUmpInfo, Error> {
    let info = ClientUmpInfo { client, info_type, info: [0xee; 512] };
    rig.ioctl(caller, s::GET_CLIENT_UMP_INFO, info)
}

fn describe(
    rig: &mut Rig,
    caller: TestClient,
    info_type: i32,
    bytes: &[u8],
) -> Result<ClientUmpInfo, Error> {
    let mut info = ClientUmpInfo { client: caller.number.into(), info_type, info: [0xdd; 512] };
    info.info[..bytes.len()].copy_from_slice(bytes);
    rig.ioctl(caller, s::SET_CLIENT_UMP_INFO, info)
}

fn named(name: &[u8]) -> [u8; 128] {
    let mut bytes = [0; 128];
    bytes[..name.len()].copy_from_slice(name);
    bytes
}

/// Returns the description of a block of these groups.
fn block(name: &[u8], active: u8, first_group: u8, num_groups: u8) -> UmpBlockInfo {
    let name = named(name);
    UmpBlockInfo { active, first_group, num_groups, name, ..UmpBlockInfo::new_zeroed() }
}

#[test]
fn without_ump_the_requests_do_not_exist_and_versions_are_refused() {
    let mut rig = Rig::new();
    let client = rig.knowing_client();
    let set = rig.set_info(client, |info| info.midi_version = 1);
    assert_eq!(errno(set), Errno::EINVAL);
    assert_eq!(errno(get(&mut rig, client, 128, 0)), Errno::ENOTTY);
    assert_eq!(errno(describe(&mut rig, client, 0, &[])), Errno::ENOTTY);
}

#[test]
fn versions_up_to_2_can_be_set_by_programs_that_know_ump() {
    let mut rig = ump_rig();
    let ignorant = rig.client();
    for version in 0..4 {
        rig.set_info(ignorant, |info| info.midi_version = version).unwrap();
        assert_eq!(rig.info(ignorant, 128).unwrap().midi_version, 0);
    }
    let client = rig.knowing_client();
    for version in [1, 2, 0, 2] {
        rig.set_info(client, |info| info.midi_version = version).unwrap();
        assert_eq!(rig.info(ignorant, 129).unwrap().midi_version, version);
    }
    assert_eq!(errno(rig.set_info(client, |info| info.midi_version = 3)), Errno::EINVAL);
    assert_eq!(rig.info(client, 129).unwrap().midi_version, 2);
}

#[test]
fn midi_through_does_not_convert() {
    let mut rig = ump_rig();
    let client = rig.client();
    assert_eq!(rig.info(client, 14).unwrap().filter, 1 << 30);
    let mut rig = Rig::new();
    let client = rig.client();
    assert_eq!(rig.info(client, 14).unwrap().filter, 0);
}

#[test]
fn errors_of_the_requests() {
    let mut rig = ump_rig();
    let (legacy, ump) = (rig.knowing_client(), rig.ump_client(2));
    for info_type in [-1, i32::MIN, 33, 100] {
        assert_eq!(errno(get(&mut rig, ump, 128, info_type)), Errno::EINVAL);
        assert_eq!(errno(get(&mut rig, ump, 180, info_type)), Errno::EINVAL);
        assert_eq!(errno(describe(&mut rig, ump, info_type, &[])), Errno::EINVAL);
    }
    for info_type in [0, 1, 32] {
        assert_eq!(errno(get(&mut rig, ump, 128, info_type)), Errno::EBADFD);
        assert_eq!(errno(get(&mut rig, ump, 0, info_type)), Errno::EBADFD);
        assert_eq!(errno(get(&mut rig, ump, 180, info_type)), Errno::ENOENT);
        assert_eq!(errno(get(&mut rig, ump, -1, info_type)), Errno::ENOENT);
        assert_eq!(errno(get(&mut rig, legacy, 129, info_type)), Errno::ENODEV);
        assert_eq!(errno(describe(&mut rig, legacy, info_type, &[])), Errno::EBADFD);
    }
    // Another client's comes before a bad type.
    let info = ClientUmpInfo { client: 129, info_type: -1, info: [0; 512] };
    assert_eq!(errno(rig.ioctl(legacy, s::SET_CLIENT_UMP_INFO, info)), Errno::EPERM);
}

#[test]
fn descriptions_come_back_with_a_nul_at_the_end_of_the_name() {
    let mut rig = ump_rig();
    let (asker, client) = (rig.client(), rig.ump_client(2));
    for (info_type, len, end_of_name) in [(0, 328, 167), (1, 180, 147), (32, 180, 147)] {
        // What comes back from SET is what was passed.
        let set = describe(&mut rig, client, info_type, &[]).unwrap();
        assert_eq!(set.info, [0xdd; 512]);
        let got = get(&mut rig, asker, 129, info_type).unwrap().info;
        let expected = |at: usize| match at {
            at if at == end_of_name => 0,
            at if at < len => 0xdd,
            _ => 0xee,
        };
        assert_eq!(got, std::array::from_fn(expected), "{info_type}");
    }
    // As a legacy client it has none, but they are kept.
    rig.set_info(client, |info| info.midi_version = 0).unwrap();
    assert_eq!(errno(get(&mut rig, asker, 129, 0)), Errno::EBADFD);
    rig.set_info(client, |info| info.midi_version = 1).unwrap();
    assert!(get(&mut rig, asker, 129, 32).is_ok());
    assert_eq!(errno(get(&mut rig, asker, 129, 2)), Errno::ENODEV);
}

#[test]
fn descriptions_are_announced() {
    let mut rig = ump_rig();
    let (listener, client) = (rig.client_with_port(), rig.ump_client(1));
    rig.subscribe(listener, ANNOUNCE, listener.port(0)).unwrap();
    rig.receive_all(listener);
    for info_type in [0, 3, 32] {
        describe(&mut rig, client, info_type, &[]).unwrap();
    }
    let events = rig.receive_all(listener);
    let told: Vec<_> = events.iter().map(|event| (event.event_type, event.data)).collect();
    let about = |block| EventData::from_address(Address::new(client.number, block));
    let expected = [
        (EventType::UMP_EP_CHANGE, about(0)),
        (EventType::UMP_BLOCK_CHANGE, about(2)),
        (EventType::UMP_BLOCK_CHANGE, about(31)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn proc_names_the_endpoint_and_its_blocks() {
    let mut rig = ump_rig();
    let client = rig.ump_client(2);
    let info = UmpEndpointInfo { name: named(b"End point"), ..UmpEndpointInfo::new_zeroed() };
    describe(&mut rig, client, 0, info.as_bytes()).unwrap();
    let blocks = [
        (1, block(b"first", 1, 0, 1)),
        (2, block(b"second", 0, 1, 15)),
        (3, block(b"", 1, 3, 1)),
        (5, block(b"wild", 2, 200, 100)),
    ];
    for (info_type, block) in blocks {
        describe(&mut rig, client, info_type, block.as_bytes()).unwrap();
    }
    rig.port_with(client, |info| info.flags = PortFlags::IS_MIDI1.bits());
    rig.port_with(client, |info| info.capability |= PortCaps::UMP_ENDPOINT.bits());
    let lines = |rig: &Rig| {
        let text = rig.engine.proc_clients();
        let own = text.split_once("Client 128").expect("the client").1;
        own.split_once("  Input pool").expect("its pool").0.to_owned()
    };
    assert_eq!(
        lines(&rig),
        " : \"Client-128\" [User UMP MIDI2]\n\
        \x20 UMP Endpoint: \"End point\"\n\
        \x20 UMP Block 0: \"first\" [Active]\n\
        \x20   Groups: 1-1\n\
        \x20 UMP Block 1: \"second\" [Inactive]\n\
        \x20   Groups: 2-16\n\
        \x20 UMP Block 4: \"wild\" [Active]\n\
        \x20   Groups: 201-300\n\
        \x20 Port   0 : \"port-0\" (RWe-) [In/Out] [MIDI1]\n\
        \x20 Port   1 : \"port-1\" (RWe-) [In/Out]\n"
    );
    rig.set_info(client, |info| info.midi_version = 0).unwrap();
    let legacy = lines(&rig);
    assert!(legacy.contains("[User Legacy]\n  UMP Endpoint") && !legacy.contains("MIDI1"));
}
