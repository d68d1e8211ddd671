//! Stamps of ports and of subscriptions.

use crate::rig::{Rig, SUBSCRIBERS, TestClient, at_tick, errno, key};
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_abi::seq::{PortCaps, PortFlags, SubscriptionFlags};
use aseqd_abi::{Errno, Event, EventType};

const TICK: PortFlags = PortFlags::TIMESTAMP;
const REAL: PortFlags = PortFlags::TIMESTAMP.union(PortFlags::TIME_REAL);
const SUB_TICK: SubscriptionFlags = SubscriptionFlags::TIMESTAMP;
const SUB_REAL: SubscriptionFlags =
    SubscriptionFlags::TIMESTAMP.union(SubscriptionFlags::TIME_REAL);

/// Returns two clients, with queue 0 at tick 11 and 3.000000004 s, and queue 1 at tick 22 and
/// 33.000000044 s.
fn two() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let reader = rig.client_with_port();
    for (queue, tick, time) in [(0, 11, [3, 4]), (1, 22, [33, 44])] {
        assert_eq!(rig.create_queue(client), Ok(queue));
        rig.go_to_tick(client, queue, tick);
        rig.control(client, EventType::SETPOS_TIME, queue, time).unwrap();
    }
    (rig, client, reader)
}

fn stamp_at_port(rig: &mut Rig, reader: TestClient, flags: PortFlags, queue: u8) {
    rig.set_port(reader, 0, |info| (info.flags, info.time_queue) = (flags.bits(), queue)).unwrap();
}

/// Returns flags, queue and time of the next event.
fn stamp(rig: &mut Rig, reader: TestClient) -> (u8, u8, EventTime) {
    let event = rig.receive(reader).unwrap();
    (event.flags.bits(), event.queue, event.time)
}

/// Returns a relative high-priority event with a meaningless real time.
fn event(dest: aseqd_abi::Address) -> Event {
    let flags = EventFlags::from_bits_retain(0x13);
    Event { flags, time: EventTime::real(9, 8), ..key(dest, 1) }
}

#[test]
fn without_stamps_the_time_stays_as_sent() {
    let (mut rig, client, reader) = two();
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader), (0x13, 253, EventTime::real(9, 8)));
}

#[test]
fn a_port_stamps_with_its_queue_and_leaves_the_relative_bit() {
    let (mut rig, client, reader) = two();
    stamp_at_port(&mut rig, reader, TICK, 1);
    rig.send(client, event(reader.port(0))).unwrap();
    // A tick stamp writes only the tick.
    assert_eq!(stamp(&mut rig, reader), (0x12, 1, EventTime::real(22, 8)));
    stamp_at_port(&mut rig, reader, REAL, 0);
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader), (0x13, 0, EventTime::real(3, 4)));
}

#[test]
fn a_real_stamp_needs_the_timestamp_flag() {
    let (mut rig, client, reader) = two();
    stamp_at_port(&mut rig, reader, PortFlags::TIME_REAL, 0);
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader).1, 253);
}

#[test]
fn a_subscription_stamps_and_the_port_stamps_over_it() {
    let (mut rig, client, reader) = two();
    let pair = [client.port(0), reader.port(0)];
    for (flags, expected) in [
        (SUB_TICK, (0x12, 1, EventTime::real(22, 8))),
        (SUB_REAL, (0x13, 1, EventTime::real(33, 44))),
    ] {
        rig.subscribe_with(client, pair, flags, 1).unwrap();
        rig.receive_all(reader);
        rig.send(client, event(SUBSCRIBERS)).unwrap();
        assert_eq!(stamp(&mut rig, reader), expected);
        stamp_at_port(&mut rig, reader, TICK, 0);
        rig.send(client, event(SUBSCRIBERS)).unwrap();
        // The nanoseconds are those of the subscription's real stamp.
        assert_eq!(stamp(&mut rig, reader), (0x12, 0, EventTime::real(11, expected.2.nsec)));
        stamp_at_port(&mut rig, reader, PortFlags::empty(), 0);
        rig.unsubscribe(client, pair[0], pair[1]).unwrap();
        rig.receive_all(reader);
    }
}

#[test]
fn a_stamping_subscription_does_not_stamp_what_is_sent_past_it() {
    let (mut rig, client, reader) = two();
    rig.subscribe_with(client, [client.port(0), reader.port(0)], SUB_TICK, 1).unwrap();
    rig.receive_all(reader);
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader).1, 253);
}

#[test]
fn a_queue_that_does_not_exist_changes_nothing() {
    let (mut rig, client, reader) = two();
    for queue in [2, 31, 32, 253, 255] {
        stamp_at_port(&mut rig, reader, REAL, queue);
        rig.send(client, event(reader.port(0))).unwrap();
        assert_eq!(stamp(&mut rig, reader), (0x13, 253, EventTime::real(9, 8)));
    }
}

#[test]
fn real_stamps_are_of_now_and_tick_stamps_of_the_tick() {
    let (mut rig, client, reader) = two();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    stamp_at_port(&mut rig, reader, REAL, 0);
    rig.pass(1_234_567);
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader).2, EventTime::real(0, 1_234_567));
    stamp_at_port(&mut rig, reader, TICK, 0);
    rig.pass(5_000_000);
    rig.send(client, event(reader.port(0))).unwrap();
    assert_eq!(stamp(&mut rig, reader).2.tick_or_sec, 1);
}

#[test]
fn one_subscribers_stamp_is_not_seen_by_the_next() {
    let (mut rig, client, first) = two();
    let second = rig.client_with_port();
    rig.subscribe_with(client, [client.port(0), first.port(0)], SUB_TICK, 1).unwrap();
    stamp_at_port(&mut rig, first, REAL, 0);
    rig.subscribe(client, client.port(0), second.port(0)).unwrap();
    rig.receive_all(second);
    rig.send(client, event(SUBSCRIBERS)).unwrap();
    assert_eq!(stamp(&mut rig, second), (0x13, 253, EventTime::real(9, 8)));
}

/// Returns a full reader, subscribed before another one.
fn full_then_empty(flags: SubscriptionFlags) -> (Rig, TestClient, TestClient, TestClient) {
    let (mut rig, client, full) = two();
    let next = rig.client_with_port();
    rig.set_pool(full, 0, 1, 0).unwrap();
    rig.send(client, key(full.port(0), 1)).unwrap();
    rig.subscribe_with(client, [client.port(0), full.port(0)], flags, 1).unwrap();
    rig.subscribe(client, client.port(0), next.port(0)).unwrap();
    rig.receive_all(next);
    (rig, client, full, next)
}

#[test]
fn after_a_full_stamping_port_the_next_subscriber_gets_the_event_as_it_was_sent() {
    let (mut rig, client, full, next) = full_then_empty(SubscriptionFlags::empty());
    stamp_at_port(&mut rig, full, REAL, 0);
    assert_eq!(errno(rig.send(client, event(SUBSCRIBERS))), Errno::EAGAIN);
    assert_eq!(stamp(&mut rig, next), (0x13, 253, EventTime::real(9, 8)));
}

#[test]
fn after_a_full_reader_behind_a_stamping_subscription_nothing_leaks_and_no_error_is_told() {
    let (mut rig, client, full, next) = full_then_empty(SUB_REAL);
    stamp_at_port(&mut rig, full, TICK, 0);
    assert_eq!(rig.send(client, event(SUBSCRIBERS)), Ok(28));
    assert_eq!(stamp(&mut rig, next), (0x13, 253, EventTime::real(9, 8)));
}

#[test]
fn after_a_failure_that_cannot_be_bounced_the_next_subscriber_gets_the_stamp() {
    let (mut rig, client, _, next) = full_then_empty(SUB_REAL);
    rig.want_bounces(client);
    rig.set_port(client, 0, |info| info.capability = PortCaps::SUBS_READ.bits()).unwrap();
    assert_eq!(errno(rig.send(client, event(SUBSCRIBERS))), Errno::EPERM);
    let (_, queue, time) = stamp(&mut rig, next);
    assert_eq!((queue, time), (1, EventTime::real(33, 44)));
}

#[test]
fn queued_events_are_stamped_when_they_are_delivered() {
    let (mut rig, client, reader) = two();
    stamp_at_port(&mut rig, reader, TICK, 1);
    rig.send(client, at_tick(key(reader.port(0), 1), 0, 15)).unwrap();
    rig.go_to_tick(client, 1, 77);
    rig.go_to_tick(client, 0, 20);
    rig.dispatch(client, 0);
    assert_eq!(stamp(&mut rig, reader), (0, 1, EventTime::tick(77)));
}
