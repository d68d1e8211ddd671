//! Queues of the sequencer as users of timers, and programs that follow queues.

mod followers;
mod timers;

use crate::rig::{
    HRTIMER, Rig, SYSTEM, TestClient, at_tick, at_time, errno, follower, key, mask, user_driven,
};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::seq::{QueueInfo, QueueTimer};
use aseqd_abi::timer::{
    ParamsFlags, SCLASS_APPLICATION, SCLASS_SEQUENCER, TimerEvent as E, TimerId, TimerInfo,
};
use aseqd_abi::{Errno, EventType as T};
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

/// Returns when each event arrives, in microseconds, with its key.
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

/// Returns a running slave of the queue that hears these events.
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
    // Opened again, it has its number.
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
    // The elapsed part of a period is lost.
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
        let mut stop = crate::rig::direct(T::STOP, crate::rig::TIMER);
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
    let stop = crate::rig::direct(T::STOP, crate::rig::TIMER);
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
    let start = crate::rig::direct(T::START, crate::rig::TIMER);
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
fn the_sole_user_who_marks_itself_again_leaves_the_instance_running() {
    let (mut rig, client) = with_queue();
    choose(&mut rig, client, HRTIMER, 100).unwrap();
    control(&mut rig, client, T::START);
    rig.use_queue(client, 0, true).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().running, 0);
    assert!(rig.engine.proc_timers().contains("sequencer queue 0 : running"));
    rig.pass(35 * MS);
    // START finds it running and keeps its period.
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
