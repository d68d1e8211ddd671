//! Clients of kernel type that live in the server: bridges, hardware.

use crate::rig::{OPEN_PORT, Rig, TestClient, errno, key};
use aseqd_abi::ioctl::sequencer::{SET_CLIENT_INFO, USER_PVERSION};
use aseqd_abi::seq::VERSION_1_0_3;
use aseqd_abi::{Address, Errno, EventType};
use aseqd_engine::{Access, Config, Identity};

fn kernel(rig: &mut Rig, number: Option<u8>) -> Result<TestClient, aseqd_engine::Error> {
    let identity = Identity::Kernel { number, card: 2, name: "Bridge" };
    let file = rig.engine.open(rig.now, Access::ReadWrite, identity)?;
    let id: i32 = rig.query(file, aseqd_abi::ioctl::sequencer::CLIENT_ID, 0)?;
    Ok(TestClient { file, number: u8::try_from(id).unwrap() })
}

#[test]
fn it_takes_a_number_below_128_or_the_lowest_free_user_number() {
    let mut rig = Rig::new();
    assert_eq!(kernel(&mut rig, Some(24)).unwrap().number, 24);
    assert_eq!(errno(kernel(&mut rig, Some(24))), Errno::EBUSY);
    assert_eq!(errno(kernel(&mut rig, Some(14))), Errno::EBUSY);
    assert_eq!(errno(kernel(&mut rig, Some(128))), Errno::EINVAL);
    assert_eq!(kernel(&mut rig, None).unwrap().number, 128);
}

#[test]
fn it_describes_itself_as_the_kernels() {
    let mut rig = Rig::new();
    let bridge = kernel(&mut rig, Some(24)).unwrap();
    let info = rig.info(bridge, 24).unwrap();
    assert_eq!((info.client_type, info.card, info.pid), (2, 2, -1));
    assert_eq!(&info.name[..7], b"Bridge\0");
    assert!(rig.engine.proc_clients().contains("Client  24 : \"Bridge\" [Kernel Legacy]\n"));
    let pool = rig.pool(bridge).unwrap();
    assert_eq!((pool.output_pool, pool.input_pool), (0, 0));
}

#[test]
fn it_sends_receives_and_is_announced_like_others() {
    let mut rig = Rig::new();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, crate::rig::ANNOUNCE, watcher.port(0)).unwrap();
    rig.receive_all(watcher);
    let bridge = kernel(&mut rig, Some(24)).unwrap();
    let port = rig.create_port(bridge, OPEN_PORT).unwrap();
    assert_eq!(port, Address::new(24, 0));
    rig.send(bridge, key(watcher.port(0), 1)).unwrap();
    rig.send(watcher, key(port, 2)).unwrap();
    assert_eq!(rig.heard(bridge), [(EventType::NOTEON, 2)]);
    rig.close(bridge);
    let types: Vec<_> = rig.announced(watcher).iter().map(|announced| announced.0).collect();
    assert_eq!(
        types,
        [
            EventType::CLIENT_START,
            EventType::PORT_START,
            EventType::NOTEON,
            EventType::PORT_EXIT,
            EventType::CLIENT_EXIT
        ]
    );
}

#[test]
fn connections_to_it_are_not_told_to_it() {
    let mut rig = Rig::new();
    let bridge = kernel(&mut rig, Some(24)).unwrap();
    let port = rig.create_port(bridge, OPEN_PORT).unwrap();
    let client = rig.client_with_port();
    rig.subscribe(client, client.port(0), port).unwrap();
    assert_eq!(rig.receive_all(bridge), []);
}

#[test]
fn it_can_use_ump() {
    let mut rig = Rig::with_config(Config { ump: true, ..Config::default() });
    let (bridge, sender) = (kernel(&mut rig, Some(24)).unwrap(), rig.client());
    let port = rig.create_port(bridge, OPEN_PORT).unwrap();
    rig.query(bridge.file, USER_PVERSION, VERSION_1_0_3).unwrap();
    let mut info = rig.info(bridge, 24).unwrap();
    info.midi_version = 2;
    rig.query(bridge.file, SET_CLIENT_INFO, info).unwrap();
    assert!(rig.engine.proc_clients().contains("Client  24 : \"Bridge\" [Kernel UMP MIDI2]\n"));
    rig.send(sender, key(port, 60)).unwrap();
    let read = rig.read_bytes(bridge, 4096).unwrap();
    assert_eq!(read.len(), 32);
    assert_eq!(read[16..20], 0x4090_3c00_u32.to_ne_bytes());
}
