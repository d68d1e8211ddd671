//! What disappears with a client, a port or a queue.

use crate::rig::{Rig, TestClient, at_tick, errno, key};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::QueueInfo;
use aseqd_abi::{Errno, EventType};

/// Returns an owner of queue 0, a user of it, and a third client.
fn three() -> (Rig, TestClient, TestClient, TestClient) {
    let mut rig = Rig::new();
    let clients = [(); 3].map(|()| rig.client_with_port());
    let [owner, user, third] = clients;
    rig.create_queue(owner).unwrap();
    rig.use_queue(user, 0, true).unwrap();
    (rig, owner, user, third)
}

fn waiting(rig: &mut Rig, caller: TestClient) -> i32 {
    rig.status(caller, 0).unwrap().events
}

#[test]
fn a_queue_goes_with_its_owner_and_everybodys_events_in_it() {
    let (mut rig, owner, user, third) = three();
    rig.send(user, at_tick(key(third.port(0), 1), 0, 10)).unwrap();
    assert_eq!(rig.pool(user).unwrap().output_free, 499);
    rig.close(owner);
    assert_eq!(rig.pool(user).unwrap().output_free, 500);
    assert_eq!(errno(rig.status(user, 0)), Errno::EINVAL);
    assert_eq!(errno(rig.send(user, at_tick(key(third.port(0), 1), 0, 10))), Errno::EINVAL);
}

#[test]
fn a_deleted_queue_gives_its_cells_back_and_wakes_writers() {
    let (mut rig, owner, user, third) = three();
    rig.set_pool(user, 2, 0, 2).unwrap();
    rig.send(user, at_tick(key(third.port(0), 1), 0, 10)).unwrap();
    rig.ready();
    rig.ioctl(owner, s::DELETE_QUEUE, QueueInfo::default()).unwrap();
    assert_eq!(rig.pool(user).unwrap().output_free, 2);
    assert_eq!(rig.ready(), [user.file]);
}

#[test]
fn a_user_leaves_with_the_events_from_and_to_it() {
    let (mut rig, owner, user, third) = three();
    rig.send(user, at_tick(key(third.port(0), 1), 0, 10)).unwrap();
    rig.send(owner, at_tick(key(user.port(0), 2), 0, 10)).unwrap();
    rig.send(owner, at_tick(key(third.port(0), 3), 0, 10)).unwrap();
    rig.close(user);
    assert_eq!(waiting(&mut rig, owner), 1);
    assert_eq!(rig.pool(owner).unwrap().output_free, 499);
    rig.go_to_tick(owner, 0, 10);
    rig.dispatch(owner, 0);
    assert_eq!(rig.heard(third), [(EventType::NOTEON, 3)]);
}

#[test]
fn events_to_a_closed_client_stay_in_queues_it_did_not_use_and_bounce() {
    let (mut rig, owner, _, third) = three();
    rig.want_bounces(owner);
    rig.send(owner, at_tick(key(third.port(0), 1), 0, 10)).unwrap();
    rig.close(third);
    assert_eq!(waiting(&mut rig, owner), 1);
    rig.go_to_tick(owner, 0, 10);
    rig.dispatch(owner, 0);
    assert_eq!(waiting(&mut rig, owner), 0);
    assert!(rig.readable(owner));
}

#[test]
fn a_new_client_of_the_same_number_gets_what_was_sent_to_the_old_one() {
    let (mut rig, owner, _, third) = three();
    rig.send(owner, at_tick(key(third.port(0), 1), 0, 10)).unwrap();
    rig.close(third);
    let heir = rig.client_with_port();
    assert_eq!(heir.number, third.number);
    rig.go_to_tick(owner, 0, 10);
    rig.dispatch(owner, 0);
    assert_eq!(rig.heard(heir), [(EventType::NOTEON, 1)]);
}

#[test]
fn what_was_delivered_outlives_its_sender() {
    let (mut rig, owner, _, third) = three();
    rig.send(owner, key(third.port(0), 1)).unwrap();
    rig.close(owner);
    assert_eq!(rig.heard(third), [(EventType::NOTEON, 1)]);
}

#[test]
fn the_last_user_that_leaves_stops_the_clock_but_not_the_flag() {
    let (mut rig, owner, user, _) = three();
    rig.control(owner, EventType::START, 0, [0, 0]).unwrap();
    rig.use_queue(owner, 0, false).unwrap();
    rig.pass(100_000_000);
    rig.close(user);
    let before = rig.status(owner, 0).unwrap();
    rig.pass(100_000_000);
    let after = rig.status(owner, 0).unwrap();
    assert_eq!((before.tick, after.tick, after.running), (19, 19, 1));
}

#[test]
fn subscriptions_go_with_either_end() {
    let (mut rig, owner, user, third) = three();
    for peer in [user, third] {
        rig.subscribe(owner, owner.port(0), peer.port(0)).unwrap();
        rig.subscribe(owner, peer.port(0), owner.port(0)).unwrap();
    }
    rig.close(third);
    let info = rig.port_info(owner, owner.port(0)).unwrap();
    assert_eq!((info.read_use, info.write_use), (1, 1));
    rig.delete_port(user, 0).unwrap();
    let info = rig.port_info(owner, owner.port(0)).unwrap();
    assert_eq!((info.read_use, info.write_use), (0, 0));
}

#[test]
fn a_port_number_can_be_used_again_and_has_no_subscriptions_then() {
    let (mut rig, owner, user, _) = three();
    rig.subscribe(owner, owner.port(0), user.port(0)).unwrap();
    rig.delete_port(user, 0).unwrap();
    let port = rig.create_port(user, crate::rig::OPEN_PORT).unwrap();
    assert_eq!(port, user.port(0));
    assert_eq!(rig.port_info(user, port).unwrap().write_use, 0);
    rig.receive_all(user);
    rig.send(owner, key(crate::rig::SUBSCRIBERS, 1)).unwrap();
    assert!(!rig.readable(user));
}

#[test]
fn the_midi_through_keeps_nothing_of_a_client_that_is_gone() {
    let (mut rig, owner, ..) = three();
    let before = rig.engine.proc_clients();
    let guest = rig.client_with_port();
    rig.subscribe(guest, guest.port(0), crate::rig::THROUGH).unwrap();
    rig.subscribe(guest, crate::rig::THROUGH, guest.port(0)).unwrap();
    rig.create_queue(guest).unwrap();
    rig.send(guest, at_tick(key(owner.port(0), 1), 1, 10)).unwrap();
    rig.close(guest);
    let after = rig.engine.proc_clients();
    assert_eq!(before.replace("peak clients : 5", "peak clients : 6"), after);
    assert_eq!(errno(rig.status(owner, 1)), Errno::EINVAL);
}
