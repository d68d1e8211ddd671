//! Announcements at 0:1.

use crate::rig::{ANNOUNCE, OPEN_PORT, Rig, TestClient};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortFlags, PortInfo};
use aseqd_abi::{Event, EventType};

/// Returns a client that gets announcements. That of its own subscription is read already.
fn watching() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, ANNOUNCE, watcher.port(0)).unwrap();
    rig.receive_all(watcher);
    (rig, watcher)
}

#[test]
fn a_new_subscriber_of_the_announcements_hears_of_its_own_subscription() {
    let mut rig = Rig::new();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, ANNOUNCE, watcher.port(0)).unwrap();
    let announced = rig.announced(watcher);
    assert_eq!(announced, [(EventType::PORT_SUBSCRIBED, [0, 1, 128, 0])]);
    rig.unsubscribe(watcher, ANNOUNCE, watcher.port(0)).unwrap();
    assert_eq!(rig.announced(watcher), []);
}

#[test]
fn an_announcement_has_nothing_but_type_addresses_and_data() {
    let (mut rig, watcher) = watching();
    rig.client();
    let mut expected = Event::direct(EventType::CLIENT_START);
    (expected.source, expected.dest) = (ANNOUNCE, watcher.port(0));
    expected.data.0[0] = 129;
    assert_eq!(rig.receive_all(watcher), [expected]);
}

#[test]
fn the_life_of_a_client_is_announced_step_by_step() {
    let (mut rig, watcher) = watching();
    let client = rig.client();
    rig.set_info(client, |info| info.name[0] = b'x').unwrap();
    let flags = PortFlags::GIVEN_PORT.bits();
    let capability = OPEN_PORT.bits();
    let port = PortInfo { addr: client.port(9), flags, capability, ..PortInfo::default() };
    rig.ioctl(client, s::CREATE_PORT, port).unwrap();
    rig.ioctl(client, s::SET_PORT_INFO, port).unwrap();
    rig.subscribe(client, client.port(9), crate::rig::THROUGH).unwrap();
    rig.unsubscribe(client, client.port(9), crate::rig::THROUGH).unwrap();
    rig.delete_port(client, 9).unwrap();
    rig.close(client);
    assert_eq!(
        rig.announced(watcher),
        [
            (EventType::CLIENT_START, [129, 0, 0, 0]),
            (EventType::CLIENT_CHANGE, [129, 0, 0, 0]),
            (EventType::PORT_START, [129, 9, 0, 0]),
            (EventType::PORT_CHANGE, [129, 9, 0, 0]),
            (EventType::PORT_SUBSCRIBED, [129, 9, 14, 0]),
            (EventType::PORT_UNSUBSCRIBED, [129, 9, 14, 0]),
            (EventType::PORT_EXIT, [129, 9, 0, 0]),
            (EventType::CLIENT_EXIT, [129, 0, 0, 0]),
        ]
    );
}

#[test]
fn changes_are_announced_even_if_nothing_changes_and_failures_are_not() {
    let (mut rig, watcher) = watching();
    let client = rig.client_with_port();
    rig.receive_all(watcher);
    rig.set_info(client, |_| ()).unwrap();
    rig.set_port(client, 0, |_| ()).unwrap();
    assert_eq!(rig.announced(watcher).len(), 2);
    rig.set_info(client, |info| info.client_type = 2).unwrap_err();
    let missing = PortInfo { addr: client.port(5), ..PortInfo::default() };
    rig.ioctl(client, s::SET_PORT_INFO, missing).unwrap();
    rig.subscribe(client, client.port(5), client.port(0)).unwrap_err();
    rig.delete_port(client, 5).unwrap_err();
    assert_eq!(rig.announced(watcher), []);
}

#[test]
fn queues_are_not_announced() {
    let (mut rig, watcher) = watching();
    let client = rig.client();
    rig.receive_all(watcher);
    rig.create_queue(client).unwrap();
    rig.ioctl(client, s::DELETE_QUEUE, aseqd_abi::seq::QueueInfo::default()).unwrap();
    assert_eq!(rig.announced(watcher), []);
}

#[test]
fn closing_announces_ports_ascending_and_no_cut() {
    let (mut rig, watcher) = watching();
    let client = rig.client();
    for port in [7, 2, 5] {
        let flags = PortFlags::GIVEN_PORT.bits();
        let capability = OPEN_PORT.bits();
        let info = PortInfo { addr: client.port(port), flags, capability, ..PortInfo::default() };
        rig.ioctl(client, s::CREATE_PORT, info).unwrap();
        rig.subscribe(client, client.port(port), crate::rig::THROUGH).unwrap();
    }
    rig.receive_all(watcher);
    rig.close(client);
    assert_eq!(
        rig.announced(watcher),
        [
            (EventType::PORT_EXIT, [129, 2, 0, 0]),
            (EventType::PORT_EXIT, [129, 5, 0, 0]),
            (EventType::PORT_EXIT, [129, 7, 0, 0]),
            (EventType::CLIENT_EXIT, [129, 0, 0, 0]),
        ]
    );
}

#[test]
fn closing_tells_a_peer_after_the_exit_of_the_port_and_deleting_before() {
    let (mut rig, watcher) = watching();
    let mut order = |by_close: bool| {
        let client = rig.client_with_port();
        rig.subscribe(client, client.port(0), watcher.port(0)).unwrap();
        rig.receive_all(watcher);
        if by_close {
            rig.close(client);
        } else {
            rig.delete_port(client, 0).unwrap();
        }
        let types: Vec<_> = rig.announced(watcher).iter().map(|announced| announced.0).collect();
        types
    };
    let (exit, cut) = (EventType::PORT_EXIT, EventType::PORT_UNSUBSCRIBED);
    assert_eq!(order(false), [cut, exit]);
    assert_eq!(order(true), [exit, cut, EventType::CLIENT_EXIT]);
}

#[test]
fn third_parties_connections_tell_the_ends_before_everybody() {
    let (mut rig, watcher) = watching();
    let client = rig.client_with_port();
    rig.receive_all(watcher);
    // The watcher is the destination: it gets a notice as such, and an announcement.
    rig.subscribe(client, client.port(0), watcher.port(0)).unwrap();
    let events = rig.receive_all(watcher);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1], "both are addressed to its port");
}

#[test]
fn a_full_subscriber_loses_announcements_and_others_do_not() {
    let (mut rig, full) = watching();
    let watcher = rig.client_with_port();
    rig.subscribe(watcher, ANNOUNCE, watcher.port(0)).unwrap();
    rig.receive_all(full);
    rig.receive_all(watcher);
    rig.set_pool(full, 0, 1, 0).unwrap();
    rig.client();
    rig.client();
    assert_eq!(crate::rig::errno(rig.read_bytes(full, 28)), aseqd_abi::Errno::ENOSPC);
    assert_eq!(rig.announced(watcher).len(), 2);
}

#[test]
fn the_announcements_can_be_forged_but_not_their_source() {
    let (mut rig, watcher) = watching();
    let client = rig.client();
    rig.receive_all(watcher);
    let mut forged = crate::rig::direct(EventType::CLIENT_EXIT, watcher.port(0));
    forged.source = ANNOUNCE;
    rig.send(client, forged).unwrap();
    assert_eq!(rig.receive(watcher).unwrap().source, client.port(1));
}
