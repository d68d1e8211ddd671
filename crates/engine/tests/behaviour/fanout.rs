//! Delivery to subscribers.

use crate::rig::{Rig, SUBSCRIBERS, TestClient, at_tick, errno, key};
use aseqd_abi::seq::{PortCaps, SubscriptionFlags};
use aseqd_abi::{Errno, Event, EventType};

/// Returns a sender and three subscribed readers.
fn fan() -> (Rig, TestClient, [TestClient; 3]) {
    let mut rig = Rig::new();
    let sender = rig.client_with_port();
    let readers = [(); 3].map(|()| rig.client_with_port());
    for reader in readers {
        rig.subscribe(reader, sender.port(0), reader.port(0)).unwrap();
    }
    rig.receive_all(sender);
    (rig, sender, readers)
}

fn close_port(rig: &mut Rig, client: TestClient) {
    rig.set_port(client, 0, |info| info.capability = PortCaps::empty().bits()).unwrap();
}

#[test]
fn every_subscriber_gets_the_event_addressed_to_it() {
    let (mut rig, sender, readers) = fan();
    let event = Event { tag: 7, ..key(SUBSCRIBERS, 1) };
    rig.send(sender, event).unwrap();
    for reader in readers {
        let expected = Event { source: sender.port(0), dest: reader.port(0), ..event };
        assert_eq!(rig.receive_all(reader), [expected]);
    }
}

#[test]
fn queue_254_fans_out_wherever_the_event_was_addressed_to() {
    let (mut rig, sender, readers) = fan();
    rig.send(sender, Event { queue: 254, ..key(sender.port(0), 1) }).unwrap();
    for reader in readers {
        assert_eq!(rig.receive(reader).unwrap().queue, 253);
    }
    assert!(!rig.readable(sender));
}

#[test]
fn a_failure_does_not_stop_the_loop_and_the_first_error_is_returned() {
    let (mut rig, sender, readers) = fan();
    close_port(&mut rig, readers[0]);
    rig.delete_port(readers[1], 0).unwrap();
    rig.set_pool(readers[2], 0, 1, 0).unwrap();
    assert_eq!(errno(rig.send(sender, key(SUBSCRIBERS, 1))), Errno::EPERM);
    assert_eq!(rig.heard(readers[2]), [(EventType::NOTEON, 1)]);
}

#[test]
fn the_first_error_in_order_of_subscription_counts() {
    let (mut rig, sender, readers) = fan();
    rig.set_pool(readers[0], 0, 1, 0).unwrap();
    rig.send(sender, key(SUBSCRIBERS, 1)).unwrap();
    close_port(&mut rig, readers[1]);
    assert_eq!(errno(rig.send(sender, key(SUBSCRIBERS, 2))), Errno::EAGAIN);
    assert_eq!(rig.heard(readers[2]).len(), 2);
}

#[test]
fn without_subscribers_the_write_succeeds() {
    let mut rig = Rig::new();
    let sender = rig.client_with_port();
    assert_eq!(rig.send(sender, key(SUBSCRIBERS, 1)), Ok(28));
}

#[test]
fn the_subscribers_of_a_queued_event_are_those_at_its_time() {
    let (mut rig, sender, readers) = fan();
    rig.create_queue(sender).unwrap();
    rig.send(sender, at_tick(key(SUBSCRIBERS, 1), 0, 5)).unwrap();
    rig.unsubscribe(sender, sender.port(0), readers[0].port(0)).unwrap();
    rig.receive_all(readers[0]);
    rig.go_to_tick(sender, 0, 5);
    rig.dispatch(sender, 0);
    let counts = readers.map(|reader| rig.heard(reader).len());
    assert_eq!(counts, [0, 1, 1]);
}

#[test]
fn a_second_connection_with_flags_brings_the_event_twice() {
    let (mut rig, sender, readers) = fan();
    let pair = [sender.port(0), readers[0].port(0)];
    rig.subscribe_with(readers[0], pair, SubscriptionFlags::TIMESTAMP, 9).unwrap();
    rig.send(sender, key(SUBSCRIBERS, 1)).unwrap();
    assert_eq!(rig.heard(readers[0]).len(), 2);
}

#[test]
fn two_ports_of_one_client_get_one_each() {
    let (mut rig, sender, readers) = fan();
    let second = rig.create_port(readers[0], crate::rig::OPEN_PORT).unwrap();
    rig.subscribe(readers[0], sender.port(0), second).unwrap();
    rig.send(sender, key(SUBSCRIBERS, 1)).unwrap();
    let dests: Vec<_> = rig.receive_all(readers[0]).iter().map(|event| event.dest.port).collect();
    assert_eq!(dests, [0, 1]);
}

#[test]
fn broadcast_is_not_supported() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let mut to = |client_number, port, queue| {
        let event = Event { queue, ..key(aseqd_abi::Address::new(client_number, port), 1) };
        errno(rig.send(client, event))
    };
    assert_eq!(to(255, 0, 253), Errno::ENOENT);
    assert_eq!(to(128, 255, 253), Errno::ENOENT);
    assert_eq!(to(128, 0, 255), Errno::EINVAL);
}

#[test]
fn a_closed_subscriber_is_forgotten() {
    let (mut rig, sender, readers) = fan();
    rig.close(readers[1]);
    assert_eq!(rig.send(sender, key(SUBSCRIBERS, 1)), Ok(28));
    assert_eq!(rig.heard(readers[0]).len() + rig.heard(readers[2]).len(), 2);
    assert_eq!(rig.port_info(sender, sender.port(0)).unwrap().read_use, 2);
}
