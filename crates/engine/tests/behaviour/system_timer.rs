//! Port 0:0: which control of queues is echoed, and how.

use crate::rig::{Rig, TIMER, TestClient, at_tick, direct};
use aseqd_abi::event::{EventData, EventFlags, EventTime};
use aseqd_abi::{Address, Event, EventType};

fn listening() -> (Rig, TestClient, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let listener = rig.client_with_port();
    rig.create_queue(client).unwrap();
    rig.subscribe(listener, TIMER, listener.port(0)).unwrap();
    (rig, client, listener)
}

#[test]
fn an_echo_keeps_type_tag_and_data_and_the_nanoseconds() {
    let (mut rig, client, listener) = listening();
    let sent = Event {
        flags: EventFlags::from_bits_retain(0x71),
        tag: 77,
        time: EventTime::real(12, 0xdead_beef),
        source: Address::new(0, 9),
        data: EventData([0, 1, 2, 3, 5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ..direct(EventType::SETPOS_TICK, TIMER)
    };
    rig.send(client, sent).unwrap();
    let expected = Event {
        flags: EventFlags::empty(),
        time: EventTime::real(5, 0xdead_beef),
        source: TIMER,
        dest: listener.port(0),
        ..sent
    };
    assert_eq!(rig.receive_all(listener), [expected]);
}

#[test]
fn what_is_echoed() {
    let (mut rig, client, listener) = listening();
    let mut echoed = |event_type, params| {
        assert_eq!(rig.control(client, event_type, 0, params), Ok(28));
        rig.receive_all(listener).len()
    };
    // Always echoed: even STOP of a stopped queue, and a tempo that is not allowed.
    for event_type in [EventType::STOP, EventType::SETPOS_TICK, EventType::SETPOS_TIME] {
        assert_eq!(echoed(event_type, [0, 0]), 1);
    }
    for value in [1, 0, 0x8000_0000] {
        assert_eq!(echoed(EventType::TEMPO, [value, 0]), 1);
    }
    // Echoed if it had an effect.
    assert_eq!(echoed(EventType::QUEUE_SKEW, [5, 0x10000]), 1);
    assert_eq!(echoed(EventType::QUEUE_SKEW, [5, 0x1000]), 0);
    assert_eq!(echoed(EventType::CONTINUE, [0, 0]), 1);
    assert_eq!(echoed(EventType::CONTINUE, [0, 0]), 0);
    assert_eq!(echoed(EventType::START, [0, 0]), 1);
    assert_eq!(echoed(EventType::START, [0, 0]), 1);
    // Never echoed.
    for ignored in [EventType::CLOCK, EventType::TICK, EventType(39), EventType::NOTEON] {
        assert_eq!(echoed(ignored, [0, 0]), 0);
    }
}

#[test]
fn without_a_timer_start_and_continue_are_not_echoed_and_stop_is() {
    let (mut rig, client, listener) = listening();
    rig.use_queue(client, 0, false).unwrap();
    let mut echoed = |event_type| {
        assert_eq!(rig.control(client, event_type, 0, [0, 0]), Ok(28));
        rig.receive_all(listener).len()
    };
    assert_eq!(echoed(EventType::START), 0);
    assert_eq!(echoed(EventType::CONTINUE), 0);
    assert_eq!(echoed(EventType::STOP), 1);
}

#[test]
fn the_time_is_the_tick_after_the_operation() {
    let (mut rig, client, listener) = listening();
    let mut tick = |event_type, param| {
        rig.control(client, event_type, 0, [param, 0]).unwrap();
        rig.receive(listener).unwrap().time.tick_or_sec
    };
    assert_eq!(tick(EventType::SETPOS_TICK, 1234), 1234);
    assert_eq!(tick(EventType::STOP, 0), 1234);
    assert_eq!(tick(EventType::START, 0), 0);
}

#[test]
fn an_echo_comes_direct_with_the_queue_in_its_data_only() {
    let (mut rig, client, listener) = listening();
    rig.create_queue(client).unwrap();
    rig.control(client, EventType::STOP, 1, [0, 0]).unwrap();
    let echo = rig.receive(listener).unwrap();
    assert_eq!((echo.queue, echo.data.queue()), (253, 1));
}

#[test]
fn queued_control_takes_effect_when_it_is_due() {
    let (mut rig, client, listener) = listening();
    let data = EventData::from_queue(0, 500, 0);
    rig.send(client, at_tick(Event { data, ..direct(EventType::SETPOS_TICK, TIMER) }, 0, 10))
        .unwrap();
    assert!(!rig.readable(listener));
    rig.go_to_tick(client, 0, 10);
    rig.receive_all(listener);
    rig.dispatch(client, 0);
    assert_eq!(rig.receive(listener).unwrap().time.tick_or_sec, 500);
    assert_eq!(rig.status(client, 0).unwrap().tick, 500);
}

#[test]
fn a_queued_tempo_changes_the_speed_at_its_tick() {
    let (mut rig, client, _) = listening();
    let data = EventData::from_queue(0, 250_000, 0);
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    rig.send(client, at_tick(Event { data, ..direct(EventType::TEMPO, TIMER) }, 0, 96)).unwrap();
    rig.pass(1_000_000_000);
    // 96 ticks of 5208333 ns and the rest at 2604166 ns.
    assert_eq!(rig.status(client, 0).unwrap().tick, 96 + (1_000_000_000 - 499_999_968) / 2_604_166);
}

#[test]
fn control_is_allowed_by_the_source_client_not_by_the_queue_it_waits_in() {
    let (mut rig, client, listener) = listening();
    let other = rig.client_with_port();
    let own = rig.create_queue(other).unwrap();
    let lock =
        aseqd_abi::seq::QueueInfo { owner: 128, locked: 1, ..aseqd_abi::seq::QueueInfo::default() };
    rig.ioctl(client, aseqd_abi::ioctl::sequencer::SET_QUEUE_INFO, lock).unwrap();
    rig.want_bounces(other);
    let data = EventData::from_queue(0, 500, 0);
    let event = Event { data, ..direct(EventType::SETPOS_TICK, TIMER) };
    rig.send(other, at_tick(event, own, 0)).unwrap();
    assert!(rig.readable(other), "it bounces");
    assert!(!rig.readable(listener));
    assert_eq!(rig.status(client, 0).unwrap().tick, 0);
}

#[test]
fn who_controls_hears_the_echo_too_if_subscribed() {
    let (mut rig, client, _) = listening();
    rig.subscribe(client, TIMER, client.port(0)).unwrap();
    rig.control(client, EventType::STOP, 0, [0, 0]).unwrap();
    assert_eq!(rig.receive_all(client).len(), 1);
}
