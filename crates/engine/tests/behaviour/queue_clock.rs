//! A queue's position: running, stopped, set; and when events are due.

use crate::rig::{Rig, TestClient, at_tick, at_time, key};
use aseqd_abi::EventType;
use aseqd_abi::event::{EventFlags, EventTime};
use aseqd_engine::Time;

const MS: u64 = 1_000_000;

fn with_queue() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client)
}

fn control(rig: &mut Rig, client: TestClient, event_type: EventType) {
    rig.control(client, event_type, 0, [0, 0]).unwrap();
}

fn position(rig: &mut Rig, client: TestClient) -> (u32, u32, u32) {
    let status = rig.status(client, 0).unwrap();
    (status.tick, status.time.tv_sec, status.time.tv_nsec)
}

#[test]
fn a_stopped_queue_stands_still() {
    let (mut rig, client) = with_queue();
    rig.pass(1000 * MS);
    assert_eq!(position(&mut rig, client), (0, 0, 0));
    control(&mut rig, client, EventType::START);
    rig.pass(250 * MS);
    control(&mut rig, client, EventType::STOP);
    rig.pass(1000 * MS);
    assert_eq!(position(&mut rig, client), (48, 0, 250_000_000));
}

#[test]
fn continue_goes_on_and_start_begins_again() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.pass(250 * MS);
    control(&mut rig, client, EventType::STOP);
    control(&mut rig, client, EventType::CONTINUE);
    rig.pass(250 * MS);
    assert_eq!(position(&mut rig, client), (96, 0, 500_000_000));
    control(&mut rig, client, EventType::START);
    assert_eq!(position(&mut rig, client), (0, 0, 0));
    rig.pass(250 * MS);
    assert_eq!(position(&mut rig, client), (48, 0, 250_000_000));
}

#[test]
fn the_part_of_a_tick_that_has_gone_survives_a_stop() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    for _ in 0..10 {
        rig.pass(5 * MS);
        control(&mut rig, client, EventType::STOP);
        control(&mut rig, client, EventType::CONTINUE);
    }
    assert_eq!(position(&mut rig, client).0, 9);
}

#[test]
fn tick_and_time_are_set_apart() {
    let (mut rig, client) = with_queue();
    rig.control(client, EventType::SETPOS_TICK, 0, [1000, 0]).unwrap();
    rig.control(client, EventType::SETPOS_TIME, 0, [5, 6]).unwrap();
    assert_eq!(position(&mut rig, client), (1000, 5, 6));
    // Nanoseconds are carried, and seconds wrap.
    rig.control(client, EventType::SETPOS_TIME, 0, [7, u32::MAX]).unwrap();
    assert_eq!(position(&mut rig, client), (1000, 11, 294_967_295));
    rig.control(client, EventType::SETPOS_TIME, 0, [u32::MAX, 1_000_000_000]).unwrap();
    assert_eq!(position(&mut rig, client), (1000, 0, 0));
}

#[test]
fn setting_the_tick_forgets_the_part_of_a_tick() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.pass(5 * MS);
    rig.go_to_tick(client, 0, 10);
    rig.pass(5 * MS);
    assert_eq!(position(&mut rig, client).0, 10);
}

#[test]
fn ticks_and_seconds_wrap() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.go_to_tick(client, 0, u32::MAX);
    rig.control(client, EventType::SETPOS_TIME, 0, [u32::MAX, 999_999_999]).unwrap();
    rig.pass(6 * MS);
    assert_eq!(position(&mut rig, client), (0, 0, 5_999_999));
}

#[test]
fn an_event_is_delivered_at_its_tick_exactly() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.send(client, at_tick(key(client.port(0), 1), 0, 96)).unwrap();
    let due = Time(96 * 5_208_333);
    assert_eq!(rig.engine.poll_timeout(), Some(due));
    rig.pass(due.0 - 1);
    assert!(!rig.readable(client));
    rig.pass(1);
    assert!(rig.readable(client));
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn an_event_is_delivered_at_its_time_exactly() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 1, 5)).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(1_000_000_005)));
    rig.pass(1_000_000_004);
    assert!(!rig.readable(client));
    rig.pass(1);
    assert!(rig.readable(client));
}

#[test]
fn nanoseconds_beyond_a_second_are_reached_with_the_next_second() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 1, 1_500_000_000)).unwrap();
    rig.pass(2_000 * MS - 1);
    assert!(!rig.readable(client));
    rig.pass(1);
    assert!(rig.readable(client));
}

#[test]
fn an_event_due_now_is_delivered_within_the_write_even_on_a_stopped_queue() {
    let (mut rig, client) = with_queue();
    rig.send(client, at_tick(key(client.port(0), 1), 0, 0)).unwrap();
    rig.send(client, at_time(key(client.port(0), 2), 0, 0, 0)).unwrap();
    rig.send(client, at_tick(key(client.port(0), 3), 0, 1)).unwrap();
    assert_eq!(rig.heard(client), [(EventType::NOTEON, 1), (EventType::NOTEON, 2)]);
    assert_eq!(rig.engine.poll_timeout(), None, "a stopped queue waits for nothing");
}

#[test]
fn setting_the_position_of_a_stopped_queue_delivers_nothing_until_something_is_queued() {
    let (mut rig, client) = with_queue();
    rig.send(client, at_tick(key(client.port(0), 1), 0, 50)).unwrap();
    rig.go_to_tick(client, 0, 60);
    rig.pass(1000 * MS);
    assert!(!rig.readable(client));
    rig.dispatch(client, 0);
    assert_eq!(rig.heard(client), [(EventType::NOTEON, 1)]);
}

#[test]
fn setting_the_position_of_a_running_queue_delivers_at_once() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.send(client, at_tick(key(client.port(0), 1), 0, 50)).unwrap();
    rig.go_to_tick(client, 0, 60);
    rig.pass(1);
    assert!(rig.readable(client));
}

#[test]
fn relative_times_count_from_the_position_and_arrive_absolute() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.pass(100 * MS);
    let relative = |mut event: aseqd_abi::Event| {
        event.flags.insert(EventFlags::RELATIVE);
        event
    };
    rig.send(client, relative(at_tick(key(client.port(0), 1), 0, 5))).unwrap();
    rig.send(client, relative(at_time(key(client.port(0), 2), 0, 0, 950_000_000))).unwrap();
    rig.pass(1000 * MS);
    let events = rig.receive_all(client);
    assert_eq!(events[0].time, EventTime::tick(19 + 5));
    assert_eq!(events[1].time, EventTime::real(1, 50_000_000));
    assert!(events.iter().all(|event| !event.flags.contains(EventFlags::RELATIVE)));
}

#[test]
fn sums_of_ticks_and_seconds_wrap() {
    let (mut rig, client) = with_queue();
    rig.go_to_tick(client, 0, 100);
    rig.control(client, EventType::SETPOS_TIME, 0, [100, 0]).unwrap();
    let mut event = at_tick(key(client.port(0), 1), 0, u32::MAX);
    event.flags.insert(EventFlags::RELATIVE);
    rig.send(client, event).unwrap();
    let mut event = at_time(key(client.port(0), 2), 0, u32::MAX, u32::MAX);
    event.flags.insert(EventFlags::RELATIVE);
    rig.send(client, event).unwrap();
    let times: Vec<_> = rig.receive_all(client).iter().map(|event| event.time).collect();
    assert_eq!(times[0], EventTime::tick(99));
    assert_eq!(times.len(), 1, "103.294967295 is yet to come");
    rig.control(client, EventType::SETPOS_TIME, 0, [103, 294_967_295]).unwrap();
    rig.dispatch(client, 0);
    let events = rig.receive_all(client);
    assert_eq!(events[0].time, EventTime::real(103, 294_967_295));
}

#[test]
fn a_long_sleep_delivers_each_event_at_its_own_instant() {
    let (mut rig, client) = with_queue();
    let stamper = rig.client();
    let port = rig.create_stamping_port(stamper, 0, false).unwrap();
    control(&mut rig, client, EventType::START);
    // A queued STOP takes effect at its own time, not when the engine is called.
    rig.send(client, at_tick(key(port, 1), 0, 10)).unwrap();
    let stop = aseqd_abi::Event {
        data: aseqd_abi::event::EventData::from_queue(0, 0, 0),
        ..crate::rig::direct(EventType::STOP, crate::rig::TIMER)
    };
    rig.send(client, at_tick(stop, 0, 50)).unwrap();
    rig.send(client, at_tick(key(port, 2), 0, 51)).unwrap();
    rig.now = Time(3_600_000 * MS);
    rig.timeout();
    assert_eq!(position(&mut rig, client).0, 50);
    assert_eq!(rig.heard(stamper), [(EventType::NOTEON, 1)]);
}

#[test]
fn time_that_goes_back_counts_as_standing_still() {
    let (mut rig, client) = with_queue();
    rig.now = Time(1000 * MS);
    control(&mut rig, client, EventType::START);
    rig.pass(100 * MS);
    rig.now = Time(0);
    rig.timeout();
    assert_eq!(position(&mut rig, client).0, 19);
}

/// On Linux the position of now decides, not one from before the ticks or seconds began again at 0.
#[test]
fn an_event_that_is_queued_after_a_wrap_waits_for_its_time() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.control(client, EventType::SETPOS_TICK, 0, [0xffff_fff0, 0]).unwrap();
    rig.pass(100 * MS);
    assert_eq!(position(&mut rig, client).0, 3);
    rig.send(client, at_tick(key(client.port(0), 60), 0, 20)).unwrap();
    rig.pass(50 * MS);
    assert!(rig.receive(client).is_none());
    rig.pass(50 * MS);
    assert!(rig.receive(client).is_some());

    rig.control(client, EventType::SETPOS_TIME, 0, [u32::MAX, 0]).unwrap();
    rig.pass(2000 * MS);
    assert_eq!(position(&mut rig, client).1, 1);
    rig.send(client, at_time(key(client.port(0), 61), 0, 2, 0)).unwrap();
    rig.pass(900 * MS);
    assert!(rig.receive(client).is_none());
    rig.pass(200 * MS);
    assert!(rig.receive(client).is_some());
}

/// A queue may go through thousands of ticks in a nanosecond. An event near the end of the ticks that it has jumped over waits until
/// they come again, as on Linux where a queue goes in steps; the engine must not ask to be called for it at once for ever.
#[test]
fn a_queue_that_jumps_over_an_event_and_wraps_asks_for_a_later_time() {
    for (event_type, place) in [
        (EventType::SETPOS_TICK, [u32::MAX - 3, 0]),
        (EventType::SETPOS_TIME, [u32::MAX, 999_999_000]),
    ] {
        let (mut rig, client) = with_queue();
        rig.control(client, EventType::TEMPO, 0, [1, 0]).unwrap();
        rig.control(client, EventType::QUEUE_SKEW, 0, [u32::MAX, 0x10000]).unwrap();
        control(&mut rig, client, EventType::START);
        rig.control(client, event_type, 0, place).unwrap();
        let event = key(client.port(0), 60);
        if event_type == EventType::SETPOS_TICK {
            rig.send(client, at_tick(event, 0, u32::MAX)).unwrap();
        } else {
            rig.send(client, at_time(event, 0, u32::MAX, 999_999_500)).unwrap();
        }
        rig.pass(1);
        let due = rig.engine.poll_timeout().expect("the event still waits");
        assert!(due > rig.now, "{due:?} is not after {:?}", rig.now);
        assert!(rig.receive(client).is_none());
    }
}
