//! Records with event and time: filter, values, merging, order, overrun.

use crate::case::cases;
use crate::timer_client::{
    HRTIMER, LONG, MS, SYSTEM, Timer, everything, filter, jiffy, now, ticks_of, time, zero,
};
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E, TimerParams};
use std::time::Duration;

/// Returns a periodic timer on HRTIMER with records of these events.
fn with_filter(ticks: u32, events: &[E]) -> Timer {
    let timer = Timer::tread(HRTIMER);
    assert_eq!(timer.set(ParamsFlags::AUTO, ticks, filter(events)), Ok(()));
    timer
}

/// Start, pause, continue, stop.
fn all_orders(timer: &Timer) {
    assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
    assert_eq!((timer.resume(), timer.stop()), (Ok(()), Ok(())));
}

cases! {
    /// A file with events has no filter at first, and gets nothing.
    fn the_first_filter_lets_nothing_through() {
        let (timer, other) = (Timer::tread(SYSTEM), Timer::plain(SYSTEM));
        assert_eq!((timer.start(), other.start()), (Ok(()), Ok(())));
        // The other fires no earlier.
        other.wait_queue(1);
        assert_eq!((timer.readable(), timer.stop()), (false, Err(aseqd_abi::Errno::EBUSY)));
    }

    /// Each order has its record: the resolution, or 0 for those that end something.
    fn each_order_has_its_record() {
        let timer = with_filter(LONG, &[E::START, E::STOP, E::CONTINUE, E::PAUSE]);
        all_orders(&timer);
        let told = [(E::START, 1), (E::PAUSE, 0), (E::CONTINUE, 1), (E::STOP, 0)];
        assert_eq!(timer.told(), told);
    }

    /// The value of START is the timer's resolution.
    fn the_value_of_start_is_the_resolution() {
        let timer = Timer::tread(SYSTEM);
        assert_eq!(timer.set(ParamsFlags::AUTO, 1000, everything()), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.told(), [(E::START, jiffy())]);
    }

    /// Only what is in the filter is told.
    fn only_what_is_in_the_filter_is_told() {
        for event in [E::START, E::STOP, E::CONTINUE, E::PAUSE] {
            let timer = with_filter(LONG, &[event]);
            all_orders(&timer);
            assert_eq!(timer.events(), [event]);
        }
    }

    /// The resolution is told before the first ticks.
    fn resolution_is_told_before_the_first_ticks() {
        let timer = Timer::once(MS);
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(MS);
        let events: Vec<_> = records.iter().map(|record| E(record.event)).collect();
        assert_eq!(events, [E::START, E::RESOLUTION, E::TICK]);
        assert_eq!(records[1].val, 1);
    }

    /// Once, and again after each START.
    fn resolution_is_told_again_after_start() {
        let timer = with_filter(MS, &[E::RESOLUTION, E::TICK]);
        for _ in 0..3 {
            assert_eq!(timer.start(), Ok(()));
            let mut records = timer.wait_ticks(3 * MS);
            assert_eq!(timer.stop(), Ok(()));
            records.extend(timer.records());
            let told = records.iter().filter(|record| E(record.event) == E::RESOLUTION).count();
            assert_eq!((told, E(records[0].event)), (1, E::RESOLUTION));
        }
    }

    /// The resolution is not reported again after CONTINUE.
    fn resolution_is_not_told_again_after_continue() {
        let timer = with_filter(MS, &[E::RESOLUTION, E::TICK]);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(MS);
        assert_eq!(timer.pause(), Ok(()));
        timer.discard();
        assert_eq!(timer.resume(), Ok(()));
        let records = timer.wait_ticks(MS);
        assert!(records.iter().all(|record| E(record.event) == E::TICK), "{records:?}");
    }

    /// RESOLUTION alone in the filter is told once.
    fn resolution_alone_is_told_once() {
        let timer = with_filter(MS, &[E::RESOLUTION]);
        assert_eq!(timer.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(timer.told(), [(E::RESOLUTION, 1)]);
    }

    /// TICK alone in the filter is one record, to which the ticks add up.
    fn ticks_add_up_in_one_record() {
        let timer = with_filter(MS, &[E::TICK]);
        assert_eq!(timer.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(timer.stop(), Ok(()));
        let records = timer.records();
        assert!(records.len() == 1 && records[0].val >= 2 * MS, "{records:?}");
    }

    /// Ticks do not go into a record that has another behind it.
    fn ticks_add_up_only_in_the_newest_record() {
        let timer = Timer::tread(HRTIMER);
        let events = filter(&[E::TICK, E::STOP]);
        assert_eq!(timer.set(ParamsFlags::AUTO, MS, events), Ok(()));
        for _ in 0..3 {
            assert_eq!(timer.start(), Ok(()));
            std::thread::sleep(Duration::from_millis(10));
            assert_eq!(timer.stop(), Ok(()));
        }
        assert_eq!(timer.events(), [E::TICK, E::STOP, E::TICK, E::STOP, E::TICK, E::STOP]);
    }

    /// The time of a record to which ticks were added is that of the last.
    fn the_time_of_added_ticks_is_the_last() {
        let timer = with_filter(MS, &[E::TICK]);
        let begin = now();
        assert_eq!(timer.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(timer.stop(), Ok(()));
        let records = timer.records();
        let passed = time(&records[0]) - begin;
        assert!(passed >= Duration::from_nanos(ticks_of(&records) / 1_000_000 * 1_000_000));
    }

    /// Times are those of the monotonic clock, and ascend.
    fn times_are_monotonic() {
        let timer = Timer::periodic(MS);
        let before = now();
        assert_eq!(timer.start(), Ok(()));
        let mut records = timer.wait_ticks(3 * MS);
        assert_eq!(timer.stop(), Ok(()));
        records.extend(timer.records());
        let mut last = before;
        for record in &records {
            assert!(time(record) >= last, "{records:?}");
            last = time(record);
        }
        assert!(last <= now());
    }

    /// A record has 32 bytes, and what is between its fields is zero.
    fn record_has_32_bytes() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        let bytes = timer.read(1000).unwrap();
        assert_eq!((bytes.len(), &bytes[..4]), (32, &[2, 0, 0, 0][..]));
        assert!(zero(&bytes[4..8]) && zero(&bytes[28..]));
        assert_eq!(bytes[24..28], [1, 0, 0, 0]);
    }

    /// Ticks tell no more time than has passed.
    fn ticks_are_not_more_than_passed() {
        let (timer, begin) = (Timer::periodic(MS), now());
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(30 * MS);
        let passed = time(records.last().unwrap()) - begin;
        assert!(u128::from(ticks_of(&records) / u64::from(MS)) <= passed.as_millis());
    }

    /// A long period comes with all its ticks at once.
    fn a_long_period_comes_at_once() {
        let timer = with_filter(25 * MS, &[E::TICK]);
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(1);
        assert!(records[0].val >= 25 * MS, "{records:?}");
    }

    /// A hundred periods take no less than a hundred periods: none is early.
    fn periods_are_not_early() {
        let (timer, begin) = (Timer::periodic(MS), now());
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(100 * MS);
        let passed = time(records.last().unwrap()) - begin;
        assert!(passed >= Duration::from_millis(100), "{passed:?}");
    }

    /// Periods follow each other without drift: all that have passed are told.
    fn periods_do_not_drift() {
        let timer = Timer::periodic(MS);
        assert_eq!(timer.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(200));
        let records = timer.wait_ticks(200 * MS);
        let passed = time(records.last().unwrap()) - time(&records[0]);
        let told = Duration::from_nanos(ticks_of(&records));
        // Told late, but not lost: the difference does not grow with the periods.
        assert!(passed < told + Duration::from_millis(100), "{passed:?} for {told:?}");
    }

    /// A full queue drops what is new, and counts it.
    fn a_full_queue_drops_what_is_new() {
        let timer = Timer::tread(HRTIMER);
        let filter = filter(&[E::START, E::STOP]);
        let params = TimerParams { ticks: LONG, queue_size: 32, filter, ..TimerParams::default() };
        assert_eq!(timer.params(params), Ok(()));
        for _ in 0..20 {
            assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        }
        assert_eq!((timer.status().queue, timer.status().overrun), (32, 8));
        let events = timer.events();
        assert!(events.chunks(2).all(|pair| pair == [E::START, E::STOP]) && events.len() == 32);
        // Reading makes room, and does not forget.
        assert_eq!(timer.start(), Ok(()));
        assert_eq!((timer.events(), timer.status().overrun), (vec![E::START], 8));
    }

    /// A record that is not in the filter is no overrun.
    fn what_is_filtered_is_no_overrun() {
        let timer = with_filter(LONG, &[E::CONTINUE]);
        for _ in 0..200 {
            assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        }
        assert_eq!((timer.status().queue, timer.status().overrun), (0, 0));
    }
}
