//! Subscribing and unsubscribing: who may, what prevents it, who gets a notice.

use crate::rig::{ANNOUNCE, OPEN_PORT, Rig, THROUGH, TIMER, TestClient, errno};
use aseqd_abi::event::EventData;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{Connect, PortCaps, PortSubscribe, SubscriptionFlags};
use aseqd_abi::{Address, Errno, EventType};

const PLAIN: SubscriptionFlags = SubscriptionFlags::empty();
const EXCLUSIVE: SubscriptionFlags = SubscriptionFlags::EXCLUSIVE;
const STAMP: SubscriptionFlags = SubscriptionFlags::TIMESTAMP;

/// Returns three clients with an open port each: a sender, a destination, and another.
fn three() -> (Rig, TestClient, TestClient, TestClient) {
    let mut rig = Rig::new();
    let clients = [(); 3].map(|()| rig.client_with_port());
    let [sender, dest, other] = clients;
    (rig, sender, dest, other)
}

fn unsubscribe_with(
    rig: &mut Rig,
    caller: TestClient,
    [sender, dest]: [Address; 2],
    flags: SubscriptionFlags,
    queue: u8,
) -> Result<(), aseqd_engine::Error> {
    let flags = flags.bits();
    let info = PortSubscribe { sender, dest, flags, queue, ..PortSubscribe::default() };
    rig.ioctl(caller, s::UNSUBSCRIBE_PORT, info).map(drop)
}

#[test]
fn a_missing_end_is_einval_to_connect_and_enxio_to_disconnect() {
    let (mut rig, a, b, _) = three();
    let gone = Address::new(200, 0);
    for (sender, dest) in [
        (gone, b.port(0)),
        (a.port(0), gone),
        (a.port(1), b.port(0)),
        (a.port(0), b.port(1)),
        (Address::new(254, 0), b.port(0)),
    ] {
        assert_eq!(errno(rig.subscribe(a, sender, dest)), Errno::EINVAL);
        assert_eq!(errno(rig.unsubscribe(a, sender, dest)), Errno::ENXIO);
    }
}

#[test]
fn a_third_party_needs_every_capability_and_no_no_export() {
    let (mut rig, a, b, other) = three();
    let (from, to) = (a.port(0), b.port(0));
    let mut try_with = |sender: PortCaps, dest: PortCaps| {
        rig.set_port(a, 0, |info| info.capability = sender.bits()).unwrap();
        rig.set_port(b, 0, |info| info.capability = dest.bits()).unwrap();
        let result = rig.subscribe(other, from, to);
        if result.is_ok() {
            rig.unsubscribe(other, from, to).unwrap();
        }
        result.map_err(|error| error.errno)
    };
    assert_eq!(try_with(OPEN_PORT, OPEN_PORT), Ok(()));
    for lost in [PortCaps::READ, PortCaps::SUBS_READ] {
        assert_eq!(try_with(OPEN_PORT - lost, OPEN_PORT), Err(Errno::EPERM));
    }
    for lost in [PortCaps::WRITE, PortCaps::SUBS_WRITE] {
        assert_eq!(try_with(OPEN_PORT, OPEN_PORT - lost), Err(Errno::EPERM));
    }
    let closed = OPEN_PORT | PortCaps::NO_EXPORT;
    assert_eq!(try_with(closed, OPEN_PORT), Err(Errno::EPERM));
    assert_eq!(try_with(OPEN_PORT, closed), Err(Errno::EPERM));
}

#[test]
fn a_participant_needs_the_other_ends_capabilities_only() {
    let (mut rig, a, b, _) = three();
    let closed = PortCaps::NO_EXPORT;
    rig.set_port(a, 0, |info| info.capability = closed.bits()).unwrap();
    rig.set_port(b, 0, |info| info.capability = (OPEN_PORT | closed).bits()).unwrap();
    rig.subscribe(a, a.port(0), b.port(0)).unwrap();
    assert_eq!(errno(rig.subscribe(b, b.port(0), a.port(0))), Errno::EPERM);
    rig.subscribe(a, b.port(0), a.port(0)).unwrap();
    // Within one client no permission is needed.
    rig.subscribe(a, a.port(0), a.port(0)).unwrap();
}

#[test]
fn disconnecting_needs_the_same_permission() {
    let (mut rig, a, b, other) = three();
    rig.subscribe(a, a.port(0), b.port(0)).unwrap();
    rig.set_port(a, 0, |info| info.capability |= PortCaps::NO_EXPORT.bits()).unwrap();
    assert_eq!(errno(rig.unsubscribe(other, a.port(0), b.port(0))), Errno::EPERM);
    assert_eq!(rig.unsubscribe(b, a.port(0), b.port(0)), Ok(()));
}

#[test]
fn announcements_cannot_be_written_to_by_subscription_and_the_timer_neither() {
    let (mut rig, a, ..) = three();
    assert_eq!(errno(rig.subscribe(a, a.port(0), ANNOUNCE)), Errno::EPERM);
    assert_eq!(errno(rig.subscribe(a, a.port(0), TIMER)), Errno::EPERM);
}

#[test]
fn the_same_connection_twice_is_busy_and_with_flags_it_is_another() {
    let (mut rig, a, b, _) = three();
    let pair = [a.port(0), b.port(0)];
    rig.subscribe_with(a, pair, PLAIN, 0).unwrap();
    assert_eq!(errno(rig.subscribe_with(a, pair, PLAIN, 3)), Errno::EBUSY);
    rig.subscribe_with(a, pair, STAMP, 0).unwrap();
    assert_eq!(errno(rig.subscribe_with(a, pair, STAMP, 0)), Errno::EBUSY);
    rig.subscribe_with(a, pair, STAMP, 1).unwrap();
}

#[test]
fn a_plain_connection_after_one_with_flags_is_busy() {
    let (mut rig, a, b, _) = three();
    let pair = [a.port(0), b.port(0)];
    rig.subscribe_with(a, pair, STAMP, 0).unwrap();
    assert_eq!(errno(rig.subscribe_with(a, pair, PLAIN, 0)), Errno::EBUSY);
}

#[test]
fn an_exclusive_connection_needs_both_lists_empty() {
    let (mut rig, a, b, other) = three();
    rig.subscribe(a, a.port(0), other.port(0)).unwrap();
    let result = rig.subscribe_with(a, [a.port(0), b.port(0)], EXCLUSIVE, 0);
    assert_eq!(errno(result), Errno::EBUSY);
    let result = rig.subscribe_with(a, [b.port(0), other.port(0)], EXCLUSIVE, 0);
    assert_eq!(errno(result), Errno::EBUSY);
    // Other lists of the same ports do not matter.
    rig.subscribe_with(a, [b.port(0), a.port(0)], EXCLUSIVE, 0).unwrap();
}

#[test]
fn an_exclusive_connection_blocks_its_sender_and_its_destination() {
    let (mut rig, a, b, other) = three();
    let pair = [a.port(0), b.port(0)];
    rig.subscribe_with(a, pair, EXCLUSIVE, 0).unwrap();
    assert_eq!(errno(rig.subscribe(a, a.port(0), other.port(0))), Errno::EBUSY);
    assert_eq!(errno(rig.subscribe(b, other.port(0), b.port(0))), Errno::EBUSY);
    assert_eq!(errno(rig.subscribe_with(a, pair, EXCLUSIVE, 0)), Errno::EBUSY);
    rig.unsubscribe(a, pair[0], pair[1]).unwrap();
    rig.subscribe(a, a.port(0), other.port(0)).unwrap();
    rig.subscribe(b, other.port(0), b.port(0)).unwrap();
}

#[test]
fn disconnecting_without_flags_removes_the_first_match() {
    let (mut rig, a, b, _) = three();
    let pair = [a.port(0), b.port(0)];
    rig.subscribe_with(a, pair, PLAIN, 0).unwrap();
    rig.subscribe_with(a, pair, STAMP, 1).unwrap();
    rig.subscribe_with(a, pair, STAMP, 2).unwrap();
    assert_eq!(errno(unsubscribe_with(&mut rig, a, pair, STAMP, 3)), Errno::ENOENT);
    assert_eq!(errno(unsubscribe_with(&mut rig, a, pair, EXCLUSIVE, 1)), Errno::ENOENT);
    unsubscribe_with(&mut rig, a, pair, STAMP, 2).unwrap();
    unsubscribe_with(&mut rig, a, pair, PLAIN, 77).unwrap();
    let asked = PortSubscribe { sender: pair[0], dest: pair[1], ..PortSubscribe::default() };
    let left = rig.ioctl(a, s::GET_SUBSCRIPTION, asked).unwrap();
    assert_eq!((left.flags, left.queue), (STAMP.bits(), 1));
    unsubscribe_with(&mut rig, a, pair, PLAIN, 0).unwrap();
    assert_eq!(errno(unsubscribe_with(&mut rig, a, pair, PLAIN, 0)), Errno::ENOENT);
}

/// Returns type, destination and data of all notices that a client has.
fn notices(rig: &mut Rig, client: TestClient) -> Vec<(EventType, Address, Connect)> {
    let events = rig.receive_all(client);
    for event in &events {
        assert_eq!((event.source, event.queue), (ANNOUNCE, 253));
        assert_eq!((event.flags.bits(), event.tag, event.time), (0, 0, Default::default()));
        assert_eq!(event.data, EventData::from_connect(event.data.connect()));
    }
    events.iter().map(|event| (event.event_type, event.dest, event.data.connect())).collect()
}

#[test]
fn both_ends_are_told_of_what_a_third_party_does() {
    let (mut rig, a, b, other) = three();
    let connect = Connect { sender: a.port(0), dest: b.port(0) };
    rig.subscribe(other, connect.sender, connect.dest).unwrap();
    rig.unsubscribe(other, connect.sender, connect.dest).unwrap();
    for end in [a, b] {
        let expected = [EventType::PORT_SUBSCRIBED, EventType::PORT_UNSUBSCRIBED]
            .map(|event_type| (event_type, end.port(0), connect));
        assert_eq!(notices(&mut rig, end), expected);
    }
    assert_eq!(notices(&mut rig, other), []);
}

#[test]
fn the_callers_own_port_is_not_told() {
    let (mut rig, a, b, _) = three();
    let connect = Connect { sender: a.port(0), dest: b.port(0) };
    rig.subscribe(a, connect.sender, connect.dest).unwrap();
    assert_eq!(notices(&mut rig, a), []);
    let told = notices(&mut rig, b);
    assert_eq!(told, [(EventType::PORT_SUBSCRIBED, b.port(0), connect)]);
    rig.unsubscribe(b, connect.sender, connect.dest).unwrap();
    assert_eq!(notices(&mut rig, b), []);
    assert_eq!(notices(&mut rig, a), [(EventType::PORT_UNSUBSCRIBED, a.port(0), connect)]);
}

#[test]
fn a_port_connected_to_itself_by_others_is_told_twice() {
    let (mut rig, a, _, other) = three();
    let connect = Connect { sender: a.port(0), dest: a.port(0) };
    rig.subscribe(other, connect.sender, connect.dest).unwrap();
    let told = (EventType::PORT_SUBSCRIBED, a.port(0), connect);
    assert_eq!(notices(&mut rig, a), [told, told]);
}

#[test]
fn notices_come_sender_first_to_connect_and_destination_first_to_disconnect() {
    let mut rig = Rig::new();
    let other = rig.client_with_port();
    let both = rig.client_with_port();
    rig.create_port(both, OPEN_PORT).unwrap();
    rig.subscribe(other, both.port(0), both.port(1)).unwrap();
    rig.unsubscribe(other, both.port(0), both.port(1)).unwrap();
    let told: Vec<_> = notices(&mut rig, both).iter().map(|notice| notice.1.port).collect();
    assert_eq!(told, [0, 1, 1, 0]);
}

#[test]
fn a_connection_that_fails_at_its_destination_is_undone_and_the_sender_told_of_both() {
    let (mut rig, a, b, other) = three();
    rig.subscribe(b, other.port(0), b.port(0)).unwrap();
    rig.receive_all(other);
    let result = rig.subscribe_with(other, [a.port(0), b.port(0)], EXCLUSIVE, 0);
    assert_eq!(errno(result), Errno::EBUSY);
    let types: Vec<_> = notices(&mut rig, a).iter().map(|notice| notice.0).collect();
    assert_eq!(types, [EventType::PORT_SUBSCRIBED, EventType::PORT_UNSUBSCRIBED]);
    assert_eq!(notices(&mut rig, b), []);
    // Nothing is left of it.
    rig.subscribe_with(a, [a.port(0), other.port(0)], EXCLUSIVE, 0).unwrap();
}

#[test]
fn a_notice_that_the_port_cannot_take_is_lost() {
    let (mut rig, a, b, other) = three();
    rig.subscribe(b, a.port(0), b.port(0)).unwrap();
    rig.receive_all(a);
    rig.set_port(a, 0, |info| info.capability = (PortCaps::READ | PortCaps::SUBS_READ).bits())
        .unwrap();
    assert_eq!(rig.unsubscribe(other, a.port(0), b.port(0)), Ok(()));
    assert_eq!(notices(&mut rig, a), []);
    assert_eq!(notices(&mut rig, b).len(), 1);
}

#[test]
fn deleting_a_port_tells_the_peers_only() {
    let (mut rig, a, b, other) = three();
    rig.subscribe(a, a.port(0), b.port(0)).unwrap();
    rig.subscribe(a, other.port(0), a.port(0)).unwrap();
    rig.subscribe(a, a.port(0), THROUGH).unwrap();
    for client in [a, b, other] {
        rig.receive_all(client);
    }
    rig.delete_port(a, 0).unwrap();
    let gone = EventType::PORT_UNSUBSCRIBED;
    let sent = Connect { sender: a.port(0), dest: b.port(0) };
    let received = Connect { sender: other.port(0), dest: a.port(0) };
    assert_eq!(notices(&mut rig, a), []);
    assert_eq!(notices(&mut rig, b), [(gone, b.port(0), sent)]);
    assert_eq!(notices(&mut rig, other), [(gone, other.port(0), received)]);
}

#[test]
fn deleting_a_port_tells_other_ports_of_the_same_client() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_port(client, OPEN_PORT).unwrap();
    let (kept, deleted) = (client.port(1), client.port(0));
    rig.subscribe(client, deleted, deleted).unwrap();
    rig.subscribe(client, deleted, kept).unwrap();
    rig.subscribe(client, kept, deleted).unwrap();
    rig.delete_port(client, 0).unwrap();
    let told = notices(&mut rig, client);
    let gone = EventType::PORT_UNSUBSCRIBED;
    let there = Connect { sender: deleted, dest: kept };
    let back = Connect { sender: kept, dest: deleted };
    assert_eq!(told, [(gone, kept, there), (gone, kept, back)]);
    let info = rig.port_info(client, kept).unwrap();
    assert_eq!((info.read_use, info.write_use), (0, 0));
}
