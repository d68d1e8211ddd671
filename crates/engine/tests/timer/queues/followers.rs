//! Slaves of queues, and queues that are slaves.

use super::*;

#[test]
fn a_slave_of_a_new_queue_finds_it_under_minus_one() {
    let (mut rig, client) = with_queue();
    let by_number = rig.bound(50, follower(SCLASS_SEQUENCER, 0));
    assert_eq!(errno(rig.query(by_number, t::INFO, TimerInfo::default())), Errno::EBADFD);
    let by_none = rig.bound(50, follower(SCLASS_SEQUENCER, -1));
    rig.query(by_none, t::INFO, TimerInfo::default()).unwrap();
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    rig.query(by_number, t::INFO, TimerInfo::default()).unwrap();
    assert_eq!(errno(rig.query(by_none, t::INFO, TimerInfo::default())), Errno::EBADFD);
}

#[test]
fn a_slave_sees_the_queue_start_and_pause() {
    for explicit in [false, true] {
        let (mut rig, client) = with_queue();
        if explicit {
            choose(&mut rig, client, HRTIMER, 0).unwrap();
        }
        let number = if explicit { 0 } else { -1 };
        let file = listener(&mut rig, number, &MASTER_EVENTS);
        control(&mut rig, client, T::START);
        control(&mut rig, client, T::STOP);
        control(&mut rig, client, T::CONTINUE);
        // A START of a queue that runs pauses it first.
        control(&mut rig, client, T::START);
        let expected = [E::MSTART, E::MPAUSE, E::MSTART, E::MPAUSE, E::MSTART];
        let seen: Vec<E> = rig.timer_events(file).iter().map(|(event, _)| *event).collect();
        assert_eq!(seen, expected);
        rig.ioctl(client, s::DELETE_QUEUE, QueueInfo::default()).unwrap();
        assert_eq!(rig.timer_events(file), [(E::MPAUSE, 0)]);
        assert_eq!(errno(rig.query(file, t::INFO, TimerInfo::default())), Errno::EBADFD);
    }
}

#[test]
fn a_new_timer_under_a_running_queue_is_a_stop_for_its_slaves() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    let file = listener(&mut rig, 0, &[E::MSTART, E::MSTOP, E::MPAUSE, E::TICK]);
    control(&mut rig, client, T::START);
    rig.pass(2 * MS);
    choose(&mut rig, client, SYSTEM, 0).unwrap();
    rig.pass(20 * MS);
    let expected = [(E::MSTART, 1), (E::TICK, 2 * MILLION), (E::MSTOP, 0)];
    assert_eq!(rig.timer_events(file), expected);
    // It follows the new instance, which does not run yet.
    assert_eq!(rig.timer_status(file).unwrap().resolution, 4_000_000);
    control(&mut rig, client, T::START);
    rig.pass(8 * MS);
    let seen = rig.timer_events(file);
    assert_eq!(seen[0], (E::MSTART, 4_000_000));
    assert_eq!(seen[1].0, E::TICK);
}

#[test]
fn the_slaves_of_an_exact_queue_get_its_milliseconds_while_somebody_listens() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, T::START);
    rig.pass(500_000);
    assert_eq!(rig.engine.poll_timeout(), None);
    let file = listener(&mut rig, -1, &[E::TICK]);
    // The deadline is on the grid of the queue's start.
    assert_eq!(rig.engine.poll_timeout(), Some(Time(MS)));
    rig.pass(5 * MS);
    assert_eq!(rig.timed_records(file), [(E::TICK, 5 * MS, 5 * MILLION)]);
    rig.command(file, t::STOP).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.pass(3 * MS);
    rig.command(file, t::START).unwrap();
    // Ticks that passed while nobody listened are gone.
    rig.pass(MS);
    assert_eq!(rig.timed_records(file), [(E::TICK, 9 * MS, MILLION)]);
    rig.now = rig.now + 3_599_999 * MS;
    rig.timeout();
    assert_eq!(rig.timer_status(file).unwrap().queue, 1);
    assert_eq!(rig.engine.poll_timeout(), Some(Time(3_600_009 * MS)));
    control(&mut rig, client, T::STOP);
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn an_exact_queue_does_not_hold_up_others_on_its_timer() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, T::START);
    rig.now = Time(300_000);
    let file = rig.bound(1, HRTIMER);
    rig.params(file, ParamsFlags::AUTO, MILLION, 0).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(1_300_000)));
}

#[test]
fn a_stepped_queue_makes_later_starts_wait_for_its_callback() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    rig.pass(3 * MS);
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, ParamsFlags::AUTO, 2 * MILLION, mask(&[E::TICK])).unwrap();
    rig.command(file, t::START).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        rig.now = rig.engine.poll_timeout().unwrap();
        rig.timeout();
        seen.extend(rig.timed_records(file).iter().map(|(_, at, _)| at / MS));
    }
    assert_eq!(seen, [12, 14]);
    assert_eq!(rig.status(client, 0).unwrap().time.tv_nsec, 14_000_000);
}

#[test]
fn a_queue_of_the_slave_class_steps_with_a_programs_instance() {
    let (mut rig, client) = with_queue();
    let master = rig.bound(7, HRTIMER);
    rig.params(master, ParamsFlags::AUTO, 10 * MILLION, 0).unwrap();
    choose(&mut rig, client, follower(SCLASS_APPLICATION, 7), 0).unwrap();
    assert!(timer_text(&rig).contains("Timer for queue 0 : HR timer"));
    control(&mut rig, client, T::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 15_000_000)).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.pass(100 * MS);
    rig.command(master, t::START).unwrap();
    assert_eq!(arrivals(&mut rig, client, 200 * MS), [(1, 120_000)]);
    // Slaves are not listed, and do not count.
    assert!(!rig.engine.proc_timers().contains("sequencer"));
    assert_eq!(rig.timer_clients(master, HRTIMER), 1);
    rig.close_file(master);
    assert!(timer_text(&rig).contains("Timer for queue 0 : (efault)"));
}

#[test]
fn a_queue_that_follows_nobody_does_not_start() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, follower(SCLASS_APPLICATION, 7), 0).unwrap();
    control(&mut rig, client, T::START);
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
    let master = rig.bound(7, SYSTEM);
    control(&mut rig, client, T::START);
    assert_eq!(rig.status(client, 0).unwrap().running, 1);
    rig.close_file(master);
}

#[test]
fn a_queue_steps_with_the_triggers_of_a_user_driven_timer() {
    let (mut rig, client) = with_queue_and(Config { user_timers: true, ..Config::default() });
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, 10 * MS).unwrap();
    choose(&mut rig, client, user_driven(number), 0).unwrap();
    control(&mut rig, client, T::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 20_000_000)).unwrap();
    rig.pass(1_000 * MS);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.command(timer, t::TRIGGER).unwrap();
    assert!(rig.receive(client).is_none());
    rig.command(timer, t::TRIGGER).unwrap();
    assert!(rig.receive(client).is_some());
    // The timer goes. The queue stands still, and says that it runs.
    rig.close_file(timer);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.tick), (1, 3));
    assert!(timer_text(&rig).contains("Timer for queue 0 : (efault)\n  Period time : 0.000000000"));
    control(&mut rig, client, T::START);
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
    choose(&mut rig, client, SYSTEM, 0).unwrap();
    control(&mut rig, client, T::START);
    assert_eq!(rig.status(client, 0).unwrap().running, 1);
}
