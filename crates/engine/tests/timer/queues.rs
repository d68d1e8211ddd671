//! Queues of the sequencer as users of timers, and programs that follow queues.

use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::seq::{QueueInfo, QueueTimer};
use aseqd_abi::timer::{
    ParamsFlags, SCLASS_APPLICATION, SCLASS_SEQUENCER, TimerEvent as E, TimerId, TimerInfo,
};
use aseqd_abi::{Errno, EventType as T};
use aseqd_engine::testing::{
    HRTIMER, Rig, SYSTEM, TestClient, at_tick, at_time, errno, follower, key, mask, user_driven,
};
use aseqd_engine::{Config, FileId, Time};

const MS: u64 = 1_000_000;
const MILLION: u32 = 1_000_000;
const MASTER_EVENTS: [E; 4] = [E::MSTART, E::MSTOP, E::MCONTINUE, E::MPAUSE];

fn with_queue() -> (Rig, TestClient) {
    with_queue_and(Config::default())
}

fn with_queue_and(config: Config) -> (Rig, TestClient) {
    let mut rig = Rig::with_config(config);
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    (rig, client)
}

fn choose(
    rig: &mut Rig,
    client: TestClient,
    id: TimerId,
    hz: u32,
) -> Result<(), aseqd_engine::Error> {
    let info = QueueTimer { id, resolution: hz, ..QueueTimer::default() };
    rig.ioctl(client, s::SET_QUEUE_TIMER, info).map(drop)
}

fn control(rig: &mut Rig, client: TestClient, event: T) {
    rig.control(client, event, 0, [0, 0]).unwrap();
}

/// When each of these comes, in microseconds, with the key that tells them apart.
fn arrivals(rig: &mut Rig, client: TestClient, until: u64) -> Vec<(u8, u64)> {
    let mut seen = Vec::new();
    while let Some(deadline) = rig.engine.poll_timeout().filter(|at| at.0 <= until) {
        rig.now = rig.now.max(deadline);
        rig.timeout();
        let now = rig.now.0 / 1000;
        seen.extend(rig.receive_all(client).iter().map(|event| (event.data.0[1], now)));
    }
    rig.now = rig.now.max(Time(until));
    rig.timeout();
    seen
}

/// A slave of the queue that runs and hears these.
fn listener(rig: &mut Rig, number: i32, events: &[E]) -> FileId {
    let file = rig.bound_tread(50, follower(SCLASS_SEQUENCER, number));
    rig.params(file, ParamsFlags::AUTO, MILLION, mask(events)).unwrap();
    rig.command(file, t::START).unwrap();
    file
}

fn timer_text(rig: &Rig) -> String {
    rig.engine.proc_timer()
}

#[test]
fn a_queue_is_an_instance_of_the_high_resolution_timer_called_minus_one() {
    let (mut rig, client) = with_queue();
    let file = rig.timer_file(1);
    assert_eq!(rig.timer_clients(file, HRTIMER), 1);
    assert!(rig.engine.proc_timers().contains("  Client sequencer queue -1 : stopped\n"));
    control(&mut rig, client, T::START);
    assert!(rig.engine.proc_timers().contains("  Client sequencer queue -1 : running\n"));
    // Opened again it has its number.
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    assert!(rig.engine.proc_timers().contains("  Client sequencer queue 0 : stopped\n"));
    rig.use_queue(client, 0, false).unwrap();
    assert_eq!(rig.timer_clients(file, HRTIMER), 0);
    rig.use_queue(client, 0, true).unwrap();
    assert_eq!(rig.timer_clients(file, HRTIMER), 1);
    rig.close(client);
    assert_eq!(rig.timer_clients(file, HRTIMER), 0);
}

#[test]
fn a_queue_that_nobody_chose_a_timer_for_is_exact_and_tickless() {
    let (mut rig, client) = with_queue();
    control(&mut rig, client, T::START);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 5_300_007)).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(5_300_007)));
    assert_eq!(arrivals(&mut rig, client, 10 * MS), [(1, 5_300)]);
}

#[test]
fn with_quantise_every_queue_steps() {
    let (mut rig, client) = with_queue_and(Config { quantise: true, ..Config::default() });
    control(&mut rig, client, T::START);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 5_300_007)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 10 * MS), [(1, 6_000)]);
}

#[test]
fn a_chosen_timer_delivers_at_the_first_callback_at_or_after_an_events_time() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    rig.now = Time(300);
    control(&mut rig, client, T::START);
    let port = client.port(0);
    for (note, at) in [(1, 1), (2, 999_999), (3, 1_000_000), (4, 1_000_001), (5, 7_000_000)] {
        rig.send(client, at_time(key(port, note), 0, 0, at)).unwrap();
    }
    // A tick of 5.208333 ms.
    rig.send(client, at_tick(key(port, 6), 0, 1)).unwrap();
    let expected = [(1, 1_000), (2, 1_000), (3, 1_000), (4, 2_000), (6, 6_000), (5, 7_000)];
    assert_eq!(arrivals(&mut rig, client, 100 * MS), expected);
}

#[test]
fn ticks_of_a_callback_come_before_its_times() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    let port = client.port(0);
    rig.send(client, at_time(key(port, 1), 0, 0, 1)).unwrap();
    rig.send(client, at_tick(key(port, 2), 0, 1)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(2, 10_000), (1, 10_000)]);
}

#[test]
fn the_system_timer_steps_a_queue_by_whole_jiffies() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, SYSTEM, 0).unwrap();
    rig.now = Time(3 * MS);
    control(&mut rig, client, T::START);
    assert!(
        timer_text(&rig)
            .contains("Timer for queue 0 : system timer\n  Period time : 0.004000000\n")
    );
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 3_000_000)).unwrap();
    rig.send(client, at_time(key(client.port(0), 2), 0, 0, 4_000_001)).unwrap();
    // The first period is short, and counts in full.
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 4_000), (2, 8_000)]);
}

#[test]
fn the_period_follows_the_frequency_within_its_bounds() {
    let periods = [(0, 1_000_000), (1000, 1_000_000), (5, 100_000_000), (20, 50_000_000)];
    for (hz, period) in periods.into_iter().chain([(6250, 160_000), (99_999, 160_000)]) {
        let (mut rig, client) = with_queue();
        choose(&mut rig, client, HRTIMER, hz).unwrap();
        control(&mut rig, client, T::START);
        rig.send(client, at_time(key(client.port(0), 1), 0, 0, 1)).unwrap();
        assert_eq!(rig.engine.poll_timeout(), Some(Time(period)));
        let text = format!("  Period time : 0.{period:09}\n");
        assert!(timer_text(&rig).contains(&text), "{hz} {}", timer_text(&rig));
    }
}

#[test]
fn the_tick_stands_between_callbacks_and_the_time_goes_on() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    rig.pass(19 * MS);
    let status = rig.status(client, 0).unwrap();
    // One callback at 10 ms: a tick is 5.2 ms.
    assert_eq!((status.tick, status.time.tv_nsec), (1, 19_000_000));
    rig.pass(MS);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.tick, status.time.tv_nsec), (3, 20_000_000));
    rig.pass(7 * MS);
    control(&mut rig, client, T::STOP);
    // What had gone of a period is lost.
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.time.tv_nsec), (0, 20_000_000));
    control(&mut rig, client, T::CONTINUE);
    rig.pass(9 * MS);
    assert_eq!(rig.status(client, 0).unwrap().tick, 3);
    rig.pass(MS);
    assert_eq!(rig.status(client, 0).unwrap().time.tv_nsec, 30_000_000);
}

#[test]
fn relative_times_count_from_the_last_callback() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    rig.pass(19 * MS);
    let mut event = at_time(key(client.port(0), 1), 0, 0, 5_000_000);
    event.flags |= aseqd_abi::EventFlags::RELATIVE;
    rig.send(client, event).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 20_000)]);
}

#[test]
fn skew_scales_every_step() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    rig.control(client, T::QUEUE_SKEW, 0, [0x8000, 0x10000]).unwrap();
    control(&mut rig, client, T::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 10_000_000)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 20_000)]);
    rig.control(client, T::QUEUE_SKEW, 0, [0, 0x10000]).unwrap();
    rig.send(client, at_time(key(client.port(0), 2), 0, 9, 0)).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn a_stepped_queue_without_events_wants_no_wake_up_and_keeps_its_time() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    control(&mut rig, client, T::START);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.now = Time(3 * 3_600_000 * MS + 400_000);
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.time.tv_sec, status.time.tv_nsec), (10_800, 400_000));
    rig.send(client, at_time(key(client.port(0), 1), 0, 10_800, 700_000)).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(3 * 3_600_000 * MS + MS)));
}

#[test]
fn two_queues_of_different_periods_on_one_timer_keep_their_time_when_idle() {
    let (mut rig, client) = with_queue();
    rig.create_queue(client).unwrap();
    choose(&mut rig, client, HRTIMER, 0).unwrap();
    let info = QueueTimer { queue: 1, id: HRTIMER, resolution: 99, ..QueueTimer::default() };
    rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
    control(&mut rig, client, T::START);
    rig.control(client, T::START, 1, [0, 0]).unwrap();
    let end = 600_000 * MS;
    let mut calls = 0;
    while let Some(deadline) = rig.engine.poll_timeout().filter(|at| at.0 <= end) {
        rig.now = rig.now.max(deadline);
        rig.timeout();
        calls += 1;
    }
    assert!(calls < 600_000 / 400, "{calls}");
    rig.now = Time(end);
    let first = rig.status(client, 0).unwrap().time;
    assert!((599..=600).contains(&first.tv_sec), "{first:?}");
    let second = rig.status(client, 1).unwrap().time;
    assert!((599..=600).contains(&second.tv_sec), "{second:?}");
}

#[test]
fn late_calls_deliver_what_punctual_calls_deliver() {
    let run = |punctual: bool| {
        let (mut rig, client) = with_queue();
        let stamper = rig.client();
        choose(&mut rig, client, HRTIMER, 300).unwrap();
        let port = rig.create_stamping_port(stamper, 0, true).unwrap();
        let listener = listener(&mut rig, 0, &[E::TICK]);
        control(&mut rig, client, T::START);
        for note in 0..100 {
            let at = u32::from(note) * 7_777_777;
            rig.send(client, at_time(key(port, note), 0, 0, at)).unwrap();
        }
        if punctual {
            rig.pass(2_000 * MS);
        } else {
            rig.now = rig.now + 2_000 * MS;
            rig.timeout();
        }
        (rig.receive_all(stamper), rig.timed_records(listener))
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn an_event_stops_a_queue_on_another_timer_at_its_instant_however_late_the_call() {
    for (first, second) in [(HRTIMER, SYSTEM), (SYSTEM, HRTIMER)] {
        let (mut rig, client) = with_queue();
        rig.create_queue(client).unwrap();
        choose(&mut rig, client, first, 0).unwrap();
        let info = QueueTimer { queue: 1, id: second, ..QueueTimer::default() };
        rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
        control(&mut rig, client, T::START);
        rig.control(client, T::START, 1, [0, 0]).unwrap();
        let mut stop = aseqd_engine::testing::direct(T::STOP, aseqd_engine::testing::TIMER);
        stop.data = aseqd_abi::event::EventData::from_queue(1, 0, 0);
        rig.send(client, at_time(stop, 0, 0, 500_000_000)).unwrap();
        rig.now = Time(1_000 * MS);
        rig.timeout();
        let status = rig.status(client, 1).unwrap();
        assert_eq!(status.running, 0);
        assert!((496 * MS..=500 * MS).contains(&status.time.tv_nsec.into()), "{status:?}");
    }
}

#[test]
fn an_event_that_stops_its_queue_does_it_in_the_callback() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    let stop = aseqd_engine::testing::direct(T::STOP, aseqd_engine::testing::TIMER);
    rig.send(client, at_time(stop, 0, 0, 15_000_000)).unwrap();
    rig.now = Time(500 * MS);
    rig.timeout();
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.time.tv_nsec), (0, 20_000_000));
    assert!(rig.engine.proc_timers().contains("sequencer queue 0 : stopped"));
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn an_event_that_starts_its_queue_again_keeps_the_period() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    let start = aseqd_engine::testing::direct(T::START, aseqd_engine::testing::TIMER);
    rig.send(client, at_time(start, 0, 0, 15_000_000)).unwrap();
    rig.now = Time(45 * MS);
    rig.timeout();
    // Started at 20 ms: callbacks at 30 and 40.
    let status = rig.status(client, 0).unwrap();
    assert_eq!((status.running, status.time.tv_nsec), (1, 25_000_000));
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 25_000_000)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 50_000)]);
}

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
    // On the grid of the queue's start.
    assert_eq!(rig.engine.poll_timeout(), Some(Time(MS)));
    rig.pass(5 * MS);
    assert_eq!(rig.timed_records(file), [(E::TICK, 5 * MS, 5 * MILLION)]);
    rig.command(file, t::STOP).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.pass(3 * MS);
    rig.command(file, t::START).unwrap();
    // What went by while nobody listened is gone.
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
    // Slaves are not shown, and do not count.
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
    // The timer goes: the queue stands, and says that it runs.
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

#[test]
fn the_sole_user_who_marks_itself_again_leaves_the_instance_running() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    rig.use_queue(client, 0, true).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
    assert!(rig.engine.proc_timers().contains("sequencer queue 0 : running"));
    rig.pass(35 * MS);
    // START finds it running, and takes its period as it is.
    control(&mut rig, client, T::START);
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 1)).unwrap();
    assert_eq!(arrivals(&mut rig, client, 100 * MS), [(1, 40_000)]);
}

#[test]
fn more_than_a_thousand_due_events_wait_for_the_next_callback() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    let pool = aseqd_abi::seq::ClientPool {
        client: client.number.into(),
        output_pool: 2000,
        input_pool: 2000,
        output_room: 1,
        ..aseqd_abi::seq::ClientPool::default()
    };
    rig.ioctl(client, s::SET_CLIENT_POOL, pool).unwrap();
    for _ in 0..1500 {
        rig.send(client, at_time(key(client.port(0), 1), 0, 0, 5)).unwrap();
    }
    rig.pass(10 * MS);
    assert_eq!(rig.status(client, 0).unwrap().events, 500);
    assert_eq!(rig.engine.poll_timeout(), Some(Time(20 * MS)));
    rig.pass(10 * MS);
    assert_eq!(rig.status(client, 0).unwrap().events, 0);
}
