//! Plain records: resolution and ticks.

use crate::case::cases;
use crate::timer_client::{HRTIMER, LONG, MS, SYSTEM, Timer, everything, jiffy, now};
use aseqd_abi::timer::{ParamsFlags, TimerRead};
use std::time::Duration;

/// Runs a timer until this many ticks have gone into its one record, which is not read.
fn run(timer: &Timer, period: Duration) {
    let begin = now();
    assert_eq!(timer.start(), Ok(()));
    while now() - begin < period {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(timer.stop(), Ok(()));
}

cases! {
    /// A record has the resolution and the ticks of the period.
    fn plain_record_has_resolution_and_ticks() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::empty(), MS, 0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        timer.wait_queue(1);
        let records = timer.plain_records();
        assert!(records.len() == 1 && records[0].resolution == 1, "{records:?}");
        assert!(records[0].ticks >= MS, "{records:?}");
    }

    /// Records of one resolution become one, whose ticks add up.
    fn plain_records_become_one() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::AUTO, MS, 0), Ok(()));
        run(&timer, Duration::from_millis(20));
        assert_eq!(timer.status().queue, 1);
        let records = timer.plain_records();
        assert!(records.len() == 1 && records[0].ticks >= 2 * MS, "{records:?}");
    }

    /// Never more time than has passed.
    fn plain_ticks_are_not_more_than_passed() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::AUTO, MS, 0), Ok(()));
        let begin = now();
        run(&timer, Duration::from_millis(30));
        let passed = (now() - begin).as_millis();
        let ticks: u32 = timer.plain_records().iter().map(|record| record.ticks).sum();
        assert!(u128::from(ticks / MS) <= passed, "{ticks} in {passed} ms");
    }

    /// After a read there is a new record.
    fn after_a_read_there_is_a_new_record() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::empty(), MS, 0), Ok(()));
        for _ in 0..3 {
            assert_eq!(timer.start(), Ok(()));
            timer.wait_queue(1);
            assert_eq!(timer.plain_records().len(), 1);
        }
        assert!(!timer.readable());
    }

    /// The filter plays no part.
    fn the_filter_plays_no_part() {
        let timer = Timer::plain(HRTIMER);
        for filter in [0, everything()] {
            assert_eq!(timer.set(ParamsFlags::empty(), MS, filter), Ok(()));
            assert_eq!(timer.start(), Ok(()));
            timer.wait_queue(1);
            assert_eq!(timer.plain_records().len(), 1);
        }
    }

    /// Orders leave no records.
    fn orders_leave_no_plain_records() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::AUTO, LONG, everything()), Ok(()));
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        assert_eq!((timer.resume(), timer.stop()), (Ok(()), Ok(())));
        assert_eq!((timer.readable(), timer.status().queue), (false, 0));
    }

    /// The early record has another resolution, so that ticks do not go into it.
    fn the_early_record_stays_alone() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, MS, 0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        timer.wait_queue(2);
        let records = timer.plain_records();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0], TimerRead::default());
    }

    /// The ticks of the system timer are those that have passed.
    fn plain_ticks_of_the_system_timer() {
        let timer = Timer::plain(SYSTEM);
        let jiffy = Duration::from_nanos(jiffy().into());
        assert_eq!(timer.set(ParamsFlags::AUTO, 1, 0), Ok(()));
        let begin = now();
        run(&timer, 10 * jiffy);
        let passed = now() - begin;
        let ticks: u32 = timer.plain_records().iter().map(|record| record.ticks).sum();
        assert!(ticks >= 2 && jiffy * (ticks - 1) <= passed, "{ticks} in {passed:?}");
    }
}
