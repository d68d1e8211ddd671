//! START, STOP, CONTINUE, PAUSE in every state, and when the ticks come.

use crate::rig::{HRTIMER, Rig, SYSTEM, errno, mask};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E};
use aseqd_engine::{Config, FileId, Time};

const MS: u64 = 1_000_000;
const MILLION: u32 = 1_000_000;
const AUTO: ParamsFlags = ParamsFlags::AUTO;
const ONCE: ParamsFlags = ParamsFlags::empty();

/// Returns a file on the high-resolution timer that ticks every millisecond.
fn every_millisecond() -> (Rig, FileId) {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    rig.params(file, AUTO, MILLION, 0).unwrap();
    (rig, file)
}

#[test]
fn quirk_01_start_without_params_is_too_short_on_the_high_resolution_timer() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    assert_eq!(errno(rig.command(file, t::START)), Errno::EINVAL);
    // On the system timer it is one tick, once.
    rig.select(file, SYSTEM).unwrap();
    rig.command(file, t::START).unwrap();
    rig.pass(100 * MS);
    assert_eq!(rig.plain_records(file), [(4_000_000, 1)]);
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn quirk_03_stop_after_stop_is_ebusy() {
    let (mut rig, file) = every_millisecond();
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
    rig.command(file, t::START).unwrap();
    rig.command(file, t::STOP).unwrap();
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
}

#[test]
fn quirk_03_pause_when_idle_or_paused_is_ebusy() {
    let (mut rig, file) = every_millisecond();
    assert_eq!(errno(rig.command(file, t::PAUSE)), Errno::EBUSY);
    rig.command(file, t::START).unwrap();
    rig.command(file, t::PAUSE).unwrap();
    assert_eq!(errno(rig.command(file, t::PAUSE)), Errno::EBUSY);
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
}

#[test]
fn quirk_03_continue_of_what_never_paused_starts() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, AUTO, MILLION, mask(&[E::START, E::STOP, E::CONTINUE])).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    let expected = [(E::START, 1), (E::STOP, 0), (E::START, 1)];
    assert_eq!(rig.timer_events(file), expected);
}

#[test]
fn quirk_03_start_twice_stops_in_between() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, AUTO, MILLION, mask(&[E::START, E::STOP])).unwrap();
    rig.command(file, t::START).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.timer_events(file), [(E::START, 1), (E::STOP, 0), (E::START, 1)]);
}

#[test]
fn quirk_03_a_refused_stop_leaves_the_pause() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, AUTO, MILLION, mask(&[E::PAUSE, E::CONTINUE])).unwrap();
    rig.command(file, t::START).unwrap();
    rig.command(file, t::PAUSE).unwrap();
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
    rig.command(file, t::CONTINUE).unwrap();
    assert_eq!(rig.timer_events(file), [(E::PAUSE, 0), (E::CONTINUE, 1)]);
}

#[test]
fn quirk_03_the_pause_survives_a_start() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, AUTO, MILLION, mask(&[E::START, E::CONTINUE])).unwrap();
    rig.command(file, t::START).unwrap();
    rig.command(file, t::PAUSE).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(errno(rig.command(file, t::CONTINUE)), Errno::EBUSY);
    rig.command(file, t::STOP).unwrap();
    // A stop that finds it running clears the mark, so this is a start again.
    rig.command(file, t::CONTINUE).unwrap();
    assert_eq!(rig.timer_events(file), [(E::START, 1), (E::START, 1), (E::START, 1)]);
}

#[test]
fn the_pause_survives_params() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    let filter = mask(&[E::START, E::CONTINUE]);
    rig.params(file, AUTO, MILLION, filter).unwrap();
    rig.command(file, t::START).unwrap();
    rig.command(file, t::PAUSE).unwrap();
    rig.params(file, AUTO, MILLION, filter).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    assert_eq!(rig.timer_events(file), [(E::CONTINUE, 1)]);
}

#[test]
fn quirk_13_status_tells_when_it_was_started_stopped_continued_paused() {
    let (mut rig, file) = every_millisecond();
    for (at, request) in [(5, t::START), (10, t::PAUSE), (15, t::CONTINUE), (20, t::STOP)] {
        rig.now = Time(at);
        rig.command(file, request).unwrap();
        rig.now = Time(at + 4);
        assert_eq!(rig.timer_status(file).unwrap().tv_nsec, at.cast_signed());
    }
}

#[test]
fn quirk_13_a_pause_forgets_the_part_of_an_interval_that_has_gone() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    rig.params(file, ONCE, 200 * MILLION, 0).unwrap();
    rig.command(file, t::START).unwrap();
    rig.pass(150 * MS);
    rig.command(file, t::PAUSE).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    rig.pass(199 * MS);
    assert_eq!(rig.plain_records(file), []);
    rig.pass(MS);
    assert_eq!(rig.plain_records(file), [(1, 200 * MILLION)]);
}

#[test]
fn quirk_13_a_pause_keeps_the_ticks_that_are_left() {
    let mut rig = Rig::new();
    let (short, long) = (rig.bound(1, HRTIMER), rig.bound(2, HRTIMER));
    rig.params(short, AUTO, MILLION, 0).unwrap();
    rig.params(long, ONCE, 10 * MILLION, 0).unwrap();
    rig.command(short, t::START).unwrap();
    rig.command(long, t::START).unwrap();
    // Pending to 1 ms, then four interrupts of the short one.
    rig.pass(5 * MS);
    rig.command(long, t::PAUSE).unwrap();
    rig.pass(50 * MS);
    rig.command(long, t::CONTINUE).unwrap();
    rig.pass(6 * MS);
    assert!(!rig.timer_readable(long));
    rig.pass(MS);
    assert_eq!(rig.plain_records(long), [(1, 6 * MILLION)]);
}

#[test]
fn continue_leaves_the_timer_programmed_as_it_was_last() {
    for (other, fires_after) in [(1, 7), (15, 15)] {
        let mut rig = Rig::new();
        let (short, long) = (rig.bound(1, HRTIMER), rig.bound(2, HRTIMER));
        rig.params(short, AUTO, MILLION, 0).unwrap();
        rig.params(long, ONCE, 10 * MILLION, 0).unwrap();
        rig.command(short, t::START).unwrap();
        rig.command(long, t::START).unwrap();
        // Pending to 1 ms, then three interrupts: 7 ms are left.
        rig.pass(4 * MS);
        rig.command(long, t::PAUSE).unwrap();
        rig.command(short, t::STOP).unwrap();
        rig.params(short, AUTO, other * MILLION, 0).unwrap();
        rig.command(short, t::START).unwrap();
        rig.command(short, t::STOP).unwrap();
        rig.command(long, t::CONTINUE).unwrap();
        rig.pass(fires_after * MS - 1);
        assert!(!rig.timer_readable(long));
        rig.pass(1);
        let ticks = u32::try_from(fires_after * MS).unwrap();
        assert_eq!(rig.plain_records(long), [(1, ticks)]);
    }
}

#[test]
fn a_periodic_instance_ticks_on_the_grid_of_its_start() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    rig.params(file, AUTO, 2 * MILLION, mask(&[E::TICK])).unwrap();
    rig.now = Time(123);
    rig.command(file, t::START).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        rig.now = rig.engine.poll_timeout().unwrap();
        rig.timeout();
        seen.extend(rig.timed_records(file));
    }
    let tick = |n: u64| (E::TICK, 123 + 2 * n * MS, 2 * MILLION);
    assert_eq!(seen, [tick(1), tick(2), tick(3)]);
}

#[test]
fn a_one_shot_fires_once() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    rig.params(file, ONCE, 5 * MILLION, 0).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(5 * MS)));
    rig.pass(100 * MS);
    assert_eq!(rig.plain_records(file), [(1, 5 * MILLION)]);
    assert_eq!(rig.engine.poll_timeout(), None);
    assert!(rig.engine.proc_timers().contains("application 1 : stopped"));
}

#[test]
fn the_first_period_of_the_system_timer_can_be_short() {
    let mut rig = Rig::new();
    rig.now = Time(3 * MS);
    let file = rig.bound_tread(1, SYSTEM);
    rig.params(file, AUTO, 1, mask(&[E::TICK])).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(4 * MS)));
    rig.pass(MS);
    assert_eq!(rig.engine.poll_timeout(), Some(Time(8 * MS)));
    assert_eq!(rig.timed_records(file), [(E::TICK, 4 * MS, 1)]);
}

#[test]
fn the_system_timer_ticks_at_the_frequency_of_the_settings() {
    let mut rig = Rig::with_config(Config { hz: 1000, ..Config::default() });
    let file = rig.bound(1, SYSTEM);
    rig.params(file, AUTO, 3, 0).unwrap();
    rig.command(file, t::START).unwrap();
    rig.pass(30 * MS);
    assert_eq!(rig.plain_records(file), [(1_000_000, 30)]);
}

#[test]
fn who_starts_on_a_running_timer_is_pending_until_its_next_interrupt() {
    let mut rig = Rig::new();
    let (first, second) = (rig.bound(1, HRTIMER), rig.bound_tread(2, HRTIMER));
    rig.params(first, AUTO, 10 * MILLION, 0).unwrap();
    rig.params(second, AUTO, 10 * MILLION, mask(&[E::START, E::TICK])).unwrap();
    rig.command(first, t::START).unwrap();
    rig.pass(3 * MS);
    rig.command(second, t::START).unwrap();
    assert!(rig.engine.proc_timers().contains("application 2 : running"));
    rig.pass(16 * MS);
    // The record of the start has the time of the call.
    assert_eq!(rig.timed_records(second), [(E::START, 3 * MS, 1)]);
    rig.pass(MS);
    assert_eq!(rig.timed_records(second), [(E::TICK, 20 * MS, 10 * MILLION)]);
}

#[test]
fn who_is_pending_runs_at_once_when_the_others_stop() {
    let mut rig = Rig::new();
    let (first, second) = (rig.bound(1, HRTIMER), rig.bound(2, HRTIMER));
    rig.params(first, AUTO, 100 * MILLION, 0).unwrap();
    rig.params(second, ONCE, 5 * MILLION, 0).unwrap();
    rig.command(first, t::START).unwrap();
    rig.command(second, t::START).unwrap();
    rig.pass(7 * MS);
    rig.command(first, t::STOP).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(12 * MS)));
    rig.pass(5 * MS);
    assert_eq!(rig.plain_records(second), [(1, 5 * MILLION)]);
}

#[test]
fn who_is_pending_can_be_stopped_and_paused_once() {
    for (request, event) in [(t::STOP, E::STOP), (t::PAUSE, E::PAUSE)] {
        let mut rig = Rig::new();
        let (first, second) = (rig.bound(1, HRTIMER), rig.bound_tread(2, HRTIMER));
        rig.params(first, AUTO, 10 * MILLION, 0).unwrap();
        rig.params(second, AUTO, MILLION, mask(&[E::TICK, E::STOP, E::PAUSE])).unwrap();
        rig.command(first, t::START).unwrap();
        rig.command(second, t::START).unwrap();
        rig.command(second, request).unwrap();
        assert_eq!(errno(rig.command(second, request)), Errno::EBUSY);
        rig.pass(30 * MS);
        assert_eq!(rig.timer_events(second), [(event, 0)]);
        assert_eq!(rig.plain_records(first), [(1, 30 * MILLION)]);
    }
}

#[test]
fn a_timer_is_programmed_for_the_first_to_expire_and_others_overshoot() {
    let mut rig = Rig::new();
    let (first, second) = (rig.bound(1, HRTIMER), rig.bound_tread(2, HRTIMER));
    rig.params(first, AUTO, 2 * MILLION, 0).unwrap();
    rig.params(second, AUTO, 3 * MILLION, mask(&[E::TICK])).unwrap();
    rig.command(first, t::START).unwrap();
    rig.command(second, t::START).unwrap();
    let mut seen = Vec::new();
    for _ in 0..8 {
        rig.now = rig.engine.poll_timeout().unwrap();
        rig.timeout();
        seen.extend(rig.timed_records(second));
    }
    // After its start at 2 ms: interrupts at 4 and 5 ms, then at 6, 7, 8, always the nearer one.
    let times: Vec<u64> = seen.iter().map(|(_, at, _)| at / MS).collect();
    assert_eq!(times, [5, 8, 11]);
    assert_eq!(rig.plain_records(first)[0].1 % MILLION, 0);
}

#[test]
fn once_somebody_joined_the_timer_is_programmed_for_a_second_at_most() {
    let mut rig = Rig::new();
    let (first, second) = (rig.bound(1, HRTIMER), rig.bound(2, HRTIMER));
    for file in [first, second] {
        rig.params(file, AUTO, 3_500 * MILLION, 0).unwrap();
        rig.command(file, t::START).unwrap();
    }
    let mut wake_ups = Vec::new();
    while rig.now.0 < 7_000 * MS {
        rig.now = rig.engine.poll_timeout().unwrap();
        wake_ups.push(rig.now.0 / MS);
        rig.timeout();
    }
    assert_eq!(wake_ups, [3_500, 4_500, 5_500, 6_500, 7_000]);
    assert_eq!(rig.plain_records(second), [(1, 3_500 * MILLION)]);
}

#[test]
fn a_stopped_timer_wants_no_wake_up() {
    let (mut rig, file) = every_millisecond();
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.engine.poll_timeout(), Some(Time(MS)));
    for stop in [t::PAUSE, t::STOP] {
        rig.command(file, t::START).unwrap();
        rig.command(file, stop).unwrap();
        assert_eq!(rig.engine.poll_timeout(), None);
    }
    rig.command(file, t::START).unwrap();
    rig.close_file(file);
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn a_late_call_finds_the_records_of_punctual_ones() {
    for (id, ticks) in [(HRTIMER, MILLION), (HRTIMER, 7 * MILLION), (SYSTEM, 1), (SYSTEM, 3)] {
        for flags in [AUTO, ONCE] {
            for timed in [false, true] {
                let run = |punctual: bool| {
                    let mut rig = Rig::new();
                    rig.now = Time(1_234_567);
                    let file = if timed { rig.bound_tread(1, id) } else { rig.bound(1, id) };
                    rig.params(file, flags, ticks, mask(&[E::RESOLUTION, E::TICK])).unwrap();
                    rig.command(file, t::START).unwrap();
                    if punctual {
                        rig.pass(1_000 * MS);
                    } else {
                        rig.now = rig.now + 1_000 * MS;
                        rig.timeout();
                    }
                    let next = rig.engine.poll_timeout();
                    (rig.read_timer(file, 1000, true), next)
                };
                assert_eq!(run(true), run(false), "{id:?} {ticks} {flags:?} {timed}");
            }
        }
    }
}

#[test]
fn hours_that_were_missed_are_counted_at_once() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, HRTIMER);
    let filter = mask(&[E::RESOLUTION, E::TICK]);
    rig.params(file, AUTO, MILLION, filter).unwrap();
    rig.command(file, t::START).unwrap();
    let hours = 5 * 3_600_000 * MS;
    rig.now = rig.now + hours + 500_000;
    let began = std::time::Instant::now();
    rig.timeout();
    // Handled one by one, they would take hours.
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
    #[expect(clippy::cast_possible_truncation, reason = "the record's ticks wrap")]
    let ticks = hours as u32;
    assert_eq!(rig.timed_records(file), [(E::RESOLUTION, MS, 1), (E::TICK, hours, ticks)]);
    assert_eq!(rig.engine.poll_timeout(), Some(Time(hours + MS)));
}

#[test]
fn two_who_do_not_fit_catch_up_in_bounded_steps() {
    let mut rig = Rig::new();
    let (first, second) = (rig.bound(1, HRTIMER), rig.bound(2, HRTIMER));
    rig.params(first, AUTO, 1_000_003, 0).unwrap();
    rig.params(second, AUTO, 1_700_001, 0).unwrap();
    rig.command(first, t::START).unwrap();
    rig.command(second, t::START).unwrap();
    rig.now = rig.now + 3_000 * MS;
    let mut calls = 0;
    while rig.engine.poll_timeout().unwrap() <= rig.now {
        rig.timeout();
        calls += 1;
    }
    assert!((2..1000).contains(&calls), "{calls}");
    let total = rig.plain_records(first)[0].1;
    assert_eq!(total / MILLION, 2_999);
}
