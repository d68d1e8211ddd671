//! Records and how they are read.

use crate::rig::{HRTIMER, Rig, SYSTEM, errno, mask};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E, TimerParams};
use aseqd_engine::{FileId, Reply};

const MS: u64 = 1_000_000;
const MILLION: u32 = 1_000_000;

fn ticking(rig: &mut Rig, timed: bool, filter: &[E]) -> FileId {
    let file = if timed { rig.bound_tread(1, HRTIMER) } else { rig.bound(1, HRTIMER) };
    rig.params(file, ParamsFlags::AUTO, MILLION, mask(filter)).unwrap();
    rig.command(file, t::START).unwrap();
    file
}

#[test]
fn quirk_04_a_buffer_below_one_record_reads_nothing_at_once() {
    let mut rig = Rig::new();
    for (format, unit) in [(None, 8), (Some(t::TREAD64), 32), (Some(t::TREAD_OLD), 32)] {
        let file = rig.timer_file(1);
        if let Some(request) = format {
            rig.query(file, request, 1_i32).unwrap();
        }
        for len in [0, 1, unit - 1] {
            for nonblock in [false, true] {
                assert_eq!(rig.read_timer(file, len, nonblock).0, Reply::Done(0));
            }
        }
        assert_eq!(errno(rig.read_timer(file, unit, true).0.finish()), Errno::EAGAIN);
    }
}

#[test]
fn quirk_04_a_blocking_read_sleeps_also_when_nothing_is_selected() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    assert_eq!(rig.read_timer(file, 8, false).0, Reply::Wait(0));
    rig.select(file, SYSTEM).unwrap();
    assert_eq!(rig.read_timer(file, 8, false).0, Reply::Wait(0));
    assert!(!rig.timer_readable(file));
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.ready_files(), []);
    rig.pass(4 * MS);
    assert_eq!(rig.ready_files(), [file]);
    assert_eq!(rig.read_timer(file, 100, false).0, Reply::Done(8));
    assert_eq!(rig.read_timer(file, 100, false).0, Reply::Wait(0));
}

#[test]
fn quirk_09_plain_records_merge_and_their_ticks_add_up() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, false, &[]);
    rig.pass(10 * MS);
    assert_eq!(rig.timer_status(file).unwrap().queue, 1);
    assert_eq!(rig.plain_records(file), [(1, 10 * MILLION)]);
    assert_eq!(rig.plain_records(file), []);
    rig.pass(MS);
    assert_eq!(rig.plain_records(file), [(1, MILLION)]);
}

#[test]
fn plain_records_do_not_look_at_the_filter_and_tell_no_events() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, false, &[E::START, E::STOP]);
    rig.command(file, t::STOP).unwrap();
    assert_eq!(rig.plain_records(file), []);
    rig.command(file, t::START).unwrap();
    rig.pass(MS);
    assert_eq!(rig.plain_records(file), [(1, MILLION)]);
}

#[test]
fn plain_records_stand_beside_the_early_one() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    let flags = ParamsFlags::AUTO | ParamsFlags::EARLY_EVENT;
    rig.params(file, flags, MILLION, 0).unwrap();
    rig.command(file, t::START).unwrap();
    rig.pass(3 * MS);
    assert_eq!(rig.plain_records(file), [(0, 0), (1, 3 * MILLION)]);
}

#[test]
fn quirk_10_without_a_filter_nothing_is_told() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[]);
    rig.pass(10 * MS);
    rig.command(file, t::STOP).unwrap();
    assert_eq!(rig.timed_records(file), []);
    assert_eq!(rig.ready_files(), []);
}

#[test]
fn quirk_10_the_resolution_comes_before_the_first_tick_after_each_start() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[E::RESOLUTION, E::TICK]);
    rig.pass(2 * MS);
    let expected = [(E::RESOLUTION, MS, 1), (E::TICK, 2 * MS, 2 * MILLION)];
    assert_eq!(rig.timed_records(file), expected);
    rig.pass(MS);
    assert_eq!(rig.timer_events(file), [(E::TICK, MILLION)]);
    rig.command(file, t::START).unwrap();
    rig.pass(MS);
    assert_eq!(rig.timer_events(file), [(E::RESOLUTION, 1), (E::TICK, MILLION)]);
    // CONTINUE keeps everything.
    rig.command(file, t::PAUSE).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    rig.pass(MS);
    assert_eq!(rig.timer_events(file), [(E::TICK, MILLION)]);
}

#[test]
fn a_filter_of_the_resolution_alone_tells_that() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[E::RESOLUTION]);
    rig.pass(5 * MS);
    assert_eq!(rig.timed_records(file), [(E::RESOLUTION, MS, 1)]);
}

#[test]
fn ticks_merge_into_the_newest_record_only_if_that_is_ticks() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[E::TICK, E::PAUSE]);
    rig.pass(2 * MS);
    rig.command(file, t::PAUSE).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    rig.pass(3 * MS);
    let expected =
        [(E::TICK, 2 * MS, 2 * MILLION), (E::PAUSE, 2 * MS, 0), (E::TICK, 5 * MS, 3 * MILLION)];
    assert_eq!(rig.timed_records(file), expected);
}

#[test]
fn a_read_takes_whole_records_as_many_as_fit() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[E::START, E::STOP]);
    rig.command(file, t::STOP).unwrap();
    rig.command(file, t::START).unwrap();
    let (reply, bytes) = rig.read_timer(file, 95, false);
    assert_eq!((reply, bytes.len()), (Reply::Done(64), 64));
    assert_eq!(rig.timer_events(file), [(E::START, 1)]);
}

#[test]
fn another_format_empties_the_queue_and_the_same_does_not() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.params(file, ParamsFlags::EARLY_EVENT, 1, 0).unwrap();
    // A SELECT that fails keeps the records, and the format can change.
    assert_eq!(errno(rig.select(file, aseqd_abi::timer::TimerId::default())), Errno::EINVAL);
    assert!(rig.timer_readable(file));
    rig.query(file, t::TREAD_OLD, 0_i32).unwrap();
    assert!(rig.timer_readable(file));
    rig.query(file, t::TREAD_OLD, -1_i32).unwrap();
    assert!(!rig.timer_readable(file));
    rig.select(file, SYSTEM).unwrap();
    rig.params(file, ParamsFlags::EARLY_EVENT, 1, 0).unwrap();
    let _unbound = rig.select(file, aseqd_abi::timer::TimerId::default());
    rig.query(file, t::TREAD64, 5_i32).unwrap();
    assert_eq!(rig.timer_events(file), [(E::EARLY, 0)]);
}

#[test]
fn select_keeps_records_filter_ticks_and_format() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, true, &[E::TICK, E::STOP]);
    rig.pass(MS);
    rig.select(file, SYSTEM).unwrap();
    rig.select(file, HRTIMER).unwrap();
    rig.command(file, t::START).unwrap();
    // AUTO belongs to the binding, so it is gone.
    rig.pass(10 * MS);
    let expected = [(E::TICK, MILLION), (E::STOP, 0), (E::TICK, MILLION)];
    assert_eq!(rig.timer_events(file), expected);
}

#[test]
fn quirk_16_the_overrun_counts_what_found_no_room_and_is_never_reset() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, SYSTEM);
    let filter = mask(&[E::START, E::STOP]);
    let params = TimerParams { ticks: 1, queue_size: 32, filter, ..TimerParams::default() };
    rig.query(file, t::PARAMS, params).unwrap();
    for _ in 0..20 {
        rig.command(file, t::START).unwrap();
        rig.command(file, t::STOP).unwrap();
    }
    let status = rig.timer_status(file).unwrap();
    assert_eq!((status.queue, status.overrun), (32, 8));
    assert_eq!(rig.timer_events(file).len(), 32);
    rig.query(file, t::PARAMS, params).unwrap();
    let status = rig.timer_status(file).unwrap();
    assert_eq!((status.queue, status.overrun), (0, 8));
}

#[test]
fn ticks_that_find_no_room_are_overruns_one_by_one_or_missed_in_a_row() {
    for punctual in [true, false] {
        let mut rig = Rig::new();
        let file = rig.bound_tread(1, HRTIMER);
        let filter = mask(&[E::START, E::STOP, E::TICK]);
        let params = TimerParams {
            flags: ParamsFlags::AUTO.bits(),
            ticks: MILLION,
            queue_size: 32,
            filter,
            ..TimerParams::default()
        };
        rig.query(file, t::PARAMS, params).unwrap();
        for _ in 0..16 {
            rig.command(file, t::START).unwrap();
            rig.command(file, t::STOP).unwrap();
        }
        rig.command(file, t::START).unwrap();
        if punctual {
            rig.pass(100 * MS);
        } else {
            rig.now = rig.now + 100 * MS;
            rig.timeout();
        }
        assert_eq!(rig.timer_status(file).unwrap().overrun, 101);
    }
}

#[test]
fn the_driver_is_told_of_every_callback() {
    let mut rig = Rig::new();
    let file = ticking(&mut rig, false, &[]);
    rig.pass(MS);
    assert_eq!(rig.ready_files(), [file]);
    // Ticks added to an unread record are news to a program that watches for edges.
    rig.pass(MS);
    assert_eq!(rig.ready_files(), [file]);
    assert_eq!(rig.plain_records(file).len(), 1);
    rig.pass(MS);
    assert_eq!(rig.ready_files(), [file]);
    rig.plain_records(file);
    rig.pass(MS);
    rig.close_file(file);
    assert_eq!(rig.ready_files(), []);
}
