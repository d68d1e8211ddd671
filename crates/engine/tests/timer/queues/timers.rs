//! Tests of which timer a queue gets.

use super::*;

#[test]
fn a_missing_timer_is_replaced_by_the_system_timer_which_steps() {
    let (mut rig, client) = with_queue();
    let missing = TimerId { dev_class: 2, card: 4, ..HRTIMER };
    choose(&mut rig, client, missing, 0).unwrap();
    control(&mut rig, client, T::START);
    assert!(rig.engine.proc_timers().starts_with(
        "G0: system timer : 4000.000us (10000000 ticks)\n  Client sequencer queue 0 : running\n"
    ));
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 1)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 4_000)]);
}

#[test]
fn where_nothing_can_be_had_the_defaults_come_back_and_the_queue_is_exact() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, follower(9, 0), 0).unwrap();
    control(&mut rig, client, T::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 1_500_000)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 1_500)]);
}

#[test]
fn a_timer_that_somebody_has_alone_is_not_for_queues() {
    let mut rig = Rig::new();
    let owner = rig.bound(1, HRTIMER);
    rig.params(owner, ParamsFlags::EXCLUSIVE, MILLION, 0).unwrap();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    assert!(timer_text(&rig).contains("Timer for queue 0 : system timer"));
    // With both taken there is no timer: the queue does not start, and choosing fails.
    let other = rig.timer_file(2);
    rig.close(client);
    rig.select(other, SYSTEM).unwrap();
    rig.params(other, ParamsFlags::EXCLUSIVE, 1, 0).unwrap();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    assert_eq!(timer_text(&rig), "");
    control(&mut rig, client, T::START);
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
    assert_eq!(errno(choose(&mut rig, client, SYSTEM, 0)), Errno::EBUSY);
    rig.close_file(owner);
    choose(&mut rig, client, SYSTEM, 0).unwrap();
    assert!(timer_text(&rig).contains("Timer for queue 0 : HR timer"));
}

#[test]
fn a_full_timer_is_replaced_too() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.bound(1, HRTIMER);
    }
    let client = rig.client();
    rig.create_queue(client).unwrap();
    assert!(timer_text(&rig).contains("Timer for queue 0 : system timer"));
}

#[test]
fn a_queue_bars_gparams_and_fills_its_timer() {
    let (mut rig, client) = with_queue();
    for _ in 0..99 {
        rig.bound(1, HRTIMER);
    }
    let file = rig.timer_file(1);
    assert_eq!(errno(rig.select(file, HRTIMER)), Errno::EBUSY);
    rig.close(client);
    rig.select(file, HRTIMER).unwrap();
}
