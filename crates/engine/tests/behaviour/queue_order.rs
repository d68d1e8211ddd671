//! The order in which queued events are delivered.

use crate::rig::{Rig, TestClient, at_tick, at_time, key};
use aseqd_abi::event::EventFlags;
use aseqd_abi::{Event, EventType};

fn with_queue() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client, reader)
}

fn high(mut event: Event) -> Event {
    event.flags.insert(EventFlags::PRIORITY);
    event
}

/// Returns the keys in the order in which a pass at tick 100 and second 100 delivers them.
fn keys(rig: &mut Rig, client: TestClient, reader: TestClient) -> Vec<u8> {
    rig.go_to_tick(client, 0, 100);
    rig.control(client, EventType::SETPOS_TIME, 0, [100, 0]).unwrap();
    rig.dispatch(client, 0);
    rig.heard(reader).iter().map(|heard| heard.1).collect()
}

#[test]
fn earlier_events_come_first_and_equal_ones_in_order_of_arrival() {
    let (mut rig, client, reader) = with_queue();
    for (note, tick) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 30), (6, 20)] {
        rig.send(client, at_tick(key(reader.port(0), note), 0, tick)).unwrap();
    }
    assert_eq!(keys(&mut rig, client, reader), [2, 4, 3, 6, 1, 5]);
}

#[test]
fn high_priority_goes_before_events_of_its_time_last_in_first_out() {
    let (mut rig, client, reader) = with_queue();
    let to = reader.port(0);
    for event in [
        at_tick(key(to, 1), 0, 50),
        high(at_tick(key(to, 2), 0, 50)),
        at_tick(key(to, 3), 0, 50),
        high(at_tick(key(to, 4), 0, 50)),
        high(at_tick(key(to, 5), 0, 51)),
        at_tick(key(to, 6), 0, 49),
    ] {
        rig.send(client, event).unwrap();
    }
    assert_eq!(keys(&mut rig, client, reader), [6, 4, 2, 1, 3, 5]);
}

#[test]
fn real_times_compare_seconds_first() {
    let (mut rig, client, reader) = with_queue();
    let to = reader.port(0);
    for (note, sec, nsec) in [(1, 2, 0), (2, 1, 2_500_000_000), (3, 1, 999_999_999), (4, 1, 0)] {
        rig.send(client, at_time(key(to, note), 0, sec, nsec)).unwrap();
    }
    let high_time = high(at_time(key(to, 5), 0, 1, 0));
    rig.send(client, high_time).unwrap();
    assert_eq!(keys(&mut rig, client, reader), [5, 4, 3, 2, 1]);
}

#[test]
fn in_one_pass_ticks_come_before_real_times() {
    let (mut rig, client, reader) = with_queue();
    let to = reader.port(0);
    rig.send(client, at_time(key(to, 1), 0, 1, 0)).unwrap();
    rig.send(client, at_tick(key(to, 2), 0, 90)).unwrap();
    rig.send(client, at_time(key(to, 3), 0, 2, 0)).unwrap();
    rig.send(client, at_tick(key(to, 4), 0, 80)).unwrap();
    assert_eq!(keys(&mut rig, client, reader), [4, 2, 1, 3]);
}

#[test]
fn events_of_several_clients_share_one_order() {
    let (mut rig, client, reader) = with_queue();
    let other = rig.client();
    rig.use_queue(other, 0, true).unwrap();
    for (sender, note, tick) in [(client, 1, 20), (other, 2, 10), (client, 3, 10), (other, 4, 20)] {
        rig.send(sender, at_tick(key(reader.port(0), note), 0, tick)).unwrap();
    }
    assert_eq!(keys(&mut rig, client, reader), [2, 3, 1, 4]);
}

#[test]
fn more_than_1000_due_events_need_a_second_pass() {
    let (mut rig, client, reader) = with_queue();
    rig.set_pool(client, 2000, 0, 0).unwrap();
    rig.set_pool(reader, 0, 2000, 0).unwrap();
    for _ in 0..1500 {
        rig.send(client, at_tick(key(reader.port(0), 1), 0, 5)).unwrap();
    }
    rig.go_to_tick(client, 0, 5);
    let counts = |rig: &mut Rig| {
        let waiting = rig.status(client, 0).unwrap().events;
        (waiting, 2000 - rig.pool(reader).unwrap().input_free)
    };
    assert_eq!(counts(&mut rig), (1500, 0));
    rig.send(client, at_tick(key(reader.port(0), 2), 0, 5)).unwrap();
    assert_eq!(counts(&mut rig), (501, 1000));
    rig.send(client, at_tick(key(reader.port(0), 3), 0, 9)).unwrap();
    assert_eq!(counts(&mut rig), (1, 1501));
}

#[test]
fn a_running_queue_gets_to_the_rest_by_itself() {
    let (mut rig, client, reader) = with_queue();
    rig.set_pool(client, 2000, 0, 0).unwrap();
    rig.set_pool(reader, 0, 2000, 0).unwrap();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    for _ in 0..1500 {
        rig.send(client, at_tick(key(reader.port(0), 1), 0, 5)).unwrap();
    }
    rig.now = aseqd_engine::Time::from_millis(100);
    rig.timeout();
    assert_eq!(2000 - rig.pool(reader).unwrap().input_free, 1500);
    rig.pass(0);
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
}
