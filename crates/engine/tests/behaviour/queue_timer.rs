//! `SET_QUEUE_TIMER`, use marks, and what they do to a queue's clock.

use crate::rig::{Rig, TestClient, at_tick, at_time, errno, key};
use aseqd_abi::EventType;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueInfo, QueueTimer};
use aseqd_abi::timer::TimerId;

const HIGH_RES: TimerId =
    TimerId { dev_class: 1, dev_sclass: 2, card: -1, device: 3, subdevice: 0 };

fn set(rig: &mut Rig, client: TestClient, id: TimerId, resolution: u32) {
    let info = QueueTimer { id, resolution, ..QueueTimer::default() };
    rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
}

fn asked_for(rig: &mut Rig, client: TestClient) -> (TimerId, u32) {
    let garbage = QueueTimer { timer_type: 5, reserved: [7; 64], ..QueueTimer::default() };
    let info = rig.ioctl(client, s::GET_QUEUE_TIMER, garbage).unwrap();
    assert_eq!((info.timer_type, info.reserved), (0, [0; 64]));
    (info.id, info.resolution)
}

fn control(rig: &mut Rig, client: TestClient, event_type: EventType) {
    rig.control(client, event_type, 0, [0, 0]).unwrap();
}

fn with_queue() -> (Rig, TestClient) {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client)
}

#[test]
fn a_new_queue_asks_for_the_high_resolution_timer() {
    let (mut rig, client) = with_queue();
    assert_eq!(asked_for(&mut rig, client), (HIGH_RES, 0));
}

#[test]
fn other_kinds_of_timer_are_refused_before_anything_else_is_looked_at() {
    let (mut rig, client) = with_queue();
    for (timer_type, queue) in [(1, 0), (2, 0), (-1, 0), (1, 99)] {
        let info = QueueTimer { queue, timer_type, ..QueueTimer::default() };
        let result = rig.ioctl(client, s::SET_QUEUE_TIMER, info);
        assert_eq!(errno(result), aseqd_abi::Errno::EINVAL);
    }
}

#[test]
fn the_id_comes_back_as_asked_but_for_the_slave_class() {
    let (mut rig, client) = with_queue();
    let odd = TimerId { dev_class: 2, dev_sclass: 77, card: 5, device: 9, subdevice: 3 };
    set(&mut rig, client, odd, 123);
    assert_eq!(asked_for(&mut rig, client), (TimerId { dev_sclass: 2, ..odd }, 123));
}

#[test]
fn a_slave_timer_keeps_its_class_and_cannot_be_started() {
    let (mut rig, client) = with_queue();
    rig.set_tempo(client, 0, 300_000, 96).unwrap();
    for dev_sclass in [1, 2, 3] {
        let slave = TimerId { dev_class: 0, dev_sclass, ..HIGH_RES };
        set(&mut rig, client, slave, 0);
        assert_eq!(asked_for(&mut rig, client), (slave, 0));
        assert_eq!(rig.tempo(client, 0).unwrap().tempo, 300_000);
        control(&mut rig, client, EventType::START);
        assert_eq!(rig.status(client, 0).unwrap().running, 0);
    }
}

#[test]
fn an_impossible_slave_class_resets_everything() {
    let (mut rig, client) = with_queue();
    for dev_sclass in [-1, 0, 4] {
        rig.set_tempo(client, 0, 300_000, 48).unwrap();
        set(&mut rig, client, TimerId { dev_class: 0, dev_sclass, ..HIGH_RES }, 7);
        assert_eq!(asked_for(&mut rig, client), (HIGH_RES, 0));
        let tempo = rig.tempo(client, 0).unwrap();
        assert_eq!((tempo.tempo, tempo.ppq), (500_000, 96));
    }
}

#[test]
fn the_sole_user_who_marks_itself_again_resets_tempo_timer_and_running_flag() {
    let (mut rig, client) = with_queue();
    set(&mut rig, client, TimerId { device: 0, ..HIGH_RES }, 50);
    rig.set_tempo(client, 0, 300_000, 48).unwrap();
    rig.control(client, EventType::QUEUE_SKEW, 0, [5, 0x10000]).unwrap();
    control(&mut rig, client, EventType::START);
    rig.go_to_tick(client, 0, 77);
    rig.use_queue(client, 0, true).unwrap();
    let tempo = rig.tempo(client, 0).unwrap();
    assert_eq!((tempo.tempo, tempo.ppq, tempo.skew_value), (500_000, 96, 0x10000));
    // The slave class is set when a timer is opened, and this one was open already.
    assert_eq!(asked_for(&mut rig, client), (TimerId { dev_sclass: 0, ..HIGH_RES }, 0));
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.tick), (0, 77));
}

#[test]
fn locking_by_the_sole_user_resets_too() {
    let (mut rig, client) = with_queue();
    rig.set_tempo(client, 0, 300_000, 48).unwrap();
    let info = QueueInfo { owner: 128, locked: 1, ..QueueInfo::default() };
    rig.ioctl(client, s::SET_QUEUE_INFO, info).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo, 500_000);
}

#[test]
fn with_a_second_user_nothing_is_reset() {
    let (mut rig, client) = with_queue();
    let other = rig.client();
    rig.set_tempo(client, 0, 300_000, 48).unwrap();
    rig.use_queue(other, 0, true).unwrap();
    rig.use_queue(client, 0, true).unwrap();
    let info = QueueInfo { owner: 128, locked: 1, ..QueueInfo::default() };
    rig.ioctl(client, s::SET_QUEUE_INFO, info).unwrap();
    assert_eq!(rig.tempo(client, 0).unwrap().tempo, 300_000);
}

#[test]
fn without_users_the_running_flag_stays_and_the_position_stands() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.pass(100_000_000);
    rig.use_queue(client, 0, false).unwrap();
    let before = rig.status(client, 0).unwrap();
    rig.pass(100_000_000);
    let after = rig.status(client, 0).unwrap();
    assert_eq!((after.running, after.tick, before.tick), (1, 19, 19));
    // Without a timer, STOP leaves the flag, and START and CONTINUE do nothing.
    control(&mut rig, client, EventType::STOP);
    control(&mut rig, client, EventType::START);
    control(&mut rig, client, EventType::CONTINUE);
    assert_eq!(rig.status(client, 0).unwrap().running, 1);
    assert_eq!(rig.status(client, 0).unwrap().tick, 19);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.use_queue(client, 0, true).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
}

#[test]
fn start_on_a_stopped_queue_without_timer_does_nothing() {
    let (mut rig, client) = with_queue();
    rig.go_to_tick(client, 0, 5);
    rig.use_queue(client, 0, false).unwrap();
    control(&mut rig, client, EventType::START);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.tick), (0, 5));
}

#[test]
fn a_new_timer_under_a_running_queue_freezes_it_until_it_is_started_again() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    rig.pass(100_000_000);
    set(&mut rig, client, HIGH_RES, 0);
    rig.pass(100_000_000);
    let status = rig.status(client, 0).unwrap();
    // The tick stands still; the reported time goes on.
    assert_eq!((status.running, status.tick, status.time.tv_nsec), (1, 19, 200_000_000));
    control(&mut rig, client, EventType::CONTINUE);
    rig.pass(100_000_000);
    assert_eq!(rig.status(client, 0).unwrap().tick, 19);
    control(&mut rig, client, EventType::STOP);
    assert_eq!(rig.status(client, 0).unwrap().time.tv_nsec, 100_000_000);
    control(&mut rig, client, EventType::CONTINUE);
    rig.pass(100_000_000);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.tick, status.time.tv_nsec), (38, 200_000_000));
}

#[test]
fn start_revives_a_frozen_queue() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, EventType::START);
    set(&mut rig, client, HIGH_RES, 0);
    control(&mut rig, client, EventType::START);
    rig.pass(1_000_000_000);
    assert_eq!(rig.status(client, 0).unwrap().tick, 192);
}

#[test]
fn the_first_continue_starts_from_zero_and_later_ones_go_on() {
    let (mut rig, client) = with_queue();
    rig.go_to_tick(client, 0, 100);
    control(&mut rig, client, EventType::CONTINUE);
    assert_eq!(rig.status(client, 0).unwrap().tick, 0);
    control(&mut rig, client, EventType::STOP);
    // Neither a new timer, nor a reset, nor a reopened timer makes it the first again.
    let mut survives = |change: &mut dyn FnMut(&mut Rig)| {
        change(&mut rig);
        rig.go_to_tick(client, 0, 200);
        control(&mut rig, client, EventType::CONTINUE);
        let status = rig.status(client, 0).unwrap();
        control(&mut rig, client, EventType::STOP);
        assert_eq!((status.running, status.tick), (1, 200));
    };
    survives(&mut |_| ());
    survives(&mut |rig| set(rig, client, HIGH_RES, 0));
    survives(&mut |rig| rig.use_queue(client, 0, true).unwrap());
    survives(&mut |rig| {
        rig.use_queue(client, 0, false).unwrap();
        rig.use_queue(client, 0, true).unwrap();
    });
}

#[test]
fn clearing_the_use_mark_leaves_queued_events_in_place() {
    let (mut rig, client) = with_queue();
    let event = key(client.port(0), 1);
    rig.send(client, at_tick(event, 0, 10)).unwrap();
    rig.use_queue(client, 0, false).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().events, 1);
    assert_eq!(rig.pool(client).unwrap().output_free, 499);
}

/// A queue that steps passes over the ticks between its steps. What waits for one of them waits until it comes again if the ticks have
/// begun at 0 meanwhile, as on Linux 6.12.
#[test]
fn a_queue_that_steps_over_an_event_and_wraps_keeps_the_event() {
    for (event_type, place) in [
        (EventType::SETPOS_TICK, [u32::MAX - 95, 0]),
        (EventType::SETPOS_TIME, [u32::MAX, 999_500_000]),
    ] {
        let (mut rig, client) = with_queue();
        set(&mut rig, client, HIGH_RES, 0);
        // A tick lasts a microsecond, and a step a millisecond.
        rig.set_tempo(client, 0, 1000, 1000).unwrap();
        control(&mut rig, client, EventType::START);
        rig.control(client, event_type, 0, place).unwrap();
        let event = key(client.port(0), 60);
        if event_type == EventType::SETPOS_TICK {
            rig.send(client, at_tick(event, 0, u32::MAX)).unwrap();
        } else {
            rig.send(client, at_time(event, 0, u32::MAX, 999_999_999)).unwrap();
        }
        rig.pass(30 * 1_000_000);
        let status = rig.status(client, 0).unwrap();
        assert!(status.tick < 40_000 && status.time.tv_sec == 0, "{status:?}");
        assert_eq!(status.events, 1);
        assert!(rig.receive(client).is_none());
    }
}
