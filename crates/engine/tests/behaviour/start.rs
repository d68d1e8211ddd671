//! What START does to the events of its queue.

use crate::rig::{Rig, TIMER, TestClient, at_tick, at_time, direct, key};
use aseqd_abi::{Address, Event, EventType};

/// Returns an owner, another user and a destination; queue 0 is frozen.
fn three() -> (Rig, TestClient, TestClient, TestClient) {
    let mut rig = Rig::new();
    let clients = [(); 3].map(|()| rig.client_with_port());
    let [owner, user, dest] = clients;
    rig.create_queue(owner).unwrap();
    rig.use_queue(user, 0, true).unwrap();
    rig.control(owner, EventType::QUEUE_SKEW, 0, [0, 0x10000]).unwrap();
    (rig, owner, user, dest)
}

fn start(rig: &mut Rig, client: TestClient) {
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
}

fn waiting(rig: &mut Rig, client: TestClient) -> i32 {
    rig.status(client, 0).unwrap().events
}

#[test]
fn every_event_with_a_time_other_than_zero_goes_whoever_sent_it() {
    let (mut rig, owner, user, dest) = three();
    for sender in [owner, user] {
        rig.send(sender, at_tick(key(dest.port(0), 1), 0, 10)).unwrap();
        rig.send(sender, at_time(key(dest.port(0), 2), 0, 10, 0)).unwrap();
        rig.send(sender, at_time(key(dest.port(0), 3), 0, 0, 10)).unwrap();
    }
    start(&mut rig, owner);
    assert_eq!(waiting(&mut rig, owner), 0);
    for sender in [owner, user] {
        assert_eq!(rig.pool(sender).unwrap().output_free, 500);
    }
    rig.go_to_tick(owner, 0, 1000);
    rig.dispatch(owner, 0);
    assert!(!rig.readable(dest));
}

#[test]
fn continue_and_stop_take_nothing_away() {
    let (mut rig, owner, _, dest) = three();
    rig.send(owner, at_tick(key(dest.port(0), 1), 0, 10)).unwrap();
    for event_type in [EventType::CONTINUE, EventType::STOP] {
        rig.control(owner, event_type, 0, [0, 0]).unwrap();
        assert_eq!(waiting(&mut rig, owner), 1);
    }
}

#[test]
fn the_queue_starts_from_zero_again_while_it_runs() {
    let (mut rig, owner, ..) = three();
    rig.control(owner, EventType::QUEUE_SKEW, 0, [0x10000, 0x10000]).unwrap();
    start(&mut rig, owner);
    rig.pass(500_000_000);
    start(&mut rig, owner);
    let status = rig.status(owner, 0).unwrap();
    assert_eq!((status.running, status.tick, status.time.tv_nsec), (1, 0, 0));
}

#[test]
fn another_queues_events_stay() {
    let (mut rig, owner, _, dest) = three();
    rig.create_queue(owner).unwrap();
    rig.send(owner, at_tick(key(dest.port(0), 1), 1, 10)).unwrap();
    start(&mut rig, owner);
    assert_eq!(rig.status(owner, 1).unwrap().events, 1);
}

#[test]
fn a_start_from_the_queue_itself_takes_effect_when_it_is_due() {
    let (mut rig, owner, user, dest) = three();
    let begin = Event {
        data: aseqd_abi::event::EventData::from_queue(0, 0, 0),
        ..direct(EventType::START, TIMER)
    };
    rig.send(owner, at_tick(begin, 0, 5)).unwrap();
    rig.send(user, at_tick(key(dest.port(0), 1), 0, 6)).unwrap();
    rig.go_to_tick(owner, 0, 5);
    assert_eq!(waiting(&mut rig, owner), 2);
    rig.dispatch(owner, 0);
    assert_eq!(waiting(&mut rig, owner), 0);
    let status = rig.status(owner, 0).unwrap();
    assert_eq!((status.running, status.tick), (1, 0));
}

#[test]
fn the_starters_note_off_is_lost_with_its_other_events() {
    let (mut rig, owner, _, dest) = three();
    let mut note = at_tick(key(dest.port(0), 60), 0, 0);
    note.event_type = EventType::NOTE;
    note.data.0[4] = 10;
    rig.send(owner, note).unwrap();
    assert_eq!(waiting(&mut rig, owner), 1);
    start(&mut rig, owner);
    assert_eq!(waiting(&mut rig, owner), 0);
    assert_eq!(rig.heard(dest), [(EventType::NOTEON, 60)]);
}

#[test]
fn control_of_a_missing_queue_is_einval_and_of_ports_beside_the_timer_an_error() {
    let (mut rig, owner, ..) = three();
    let try_at = |rig: &mut Rig, dest, queue| {
        let data = aseqd_abi::event::EventData::from_queue(queue, 0, 0);
        let event = Event { data, ..direct(EventType::STOP, dest) };
        rig.send(owner, event).map_err(|error| error.errno)
    };
    assert_eq!(try_at(&mut rig, TIMER, 0), Ok(28));
    for missing in [1, 31, 32, 253, 255] {
        assert_eq!(try_at(&mut rig, TIMER, missing), Err(aseqd_abi::Errno::EINVAL));
    }
    assert_eq!(try_at(&mut rig, Address::new(0, 1), 0), Err(aseqd_abi::Errno::EPERM));
    assert_eq!(try_at(&mut rig, Address::new(0, 2), 0), Err(aseqd_abi::Errno::ENOENT));
}
