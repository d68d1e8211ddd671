//! What the kernel's own tests of user-driven and global timers check.
//!
//! In the kernel's tree they are two programs: one that makes a user-driven timer and triggers it, and one that counts
//! what a global timer ticks. They sleep for seconds; these cases look at the same facts in milliseconds.

use crate::case::cases;
use crate::client::{Mode, PATIENCE};
use crate::sys::{self, ioctl_at_bad_address};
use crate::timer_client::{
    HRTIMER, MS, SYSTEM, Timer, UserTimer, everything, filter, jiffy, now, ticks_of, time,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags as F, TimerEvent as E, TimerId, TimerTread, TimerUinfo};
use rustix::event::PollFlags;
use std::time::{Duration, Instant};

/// The resolution of the kernel's test: a frequency of 8 kHz.
const PERIOD: u64 = 1_000_000_000 / 8000;
/// How often that test triggers.
const TICKS: u32 = 10;

/// Opens a file on a timer as a program of alsa-lib does: read-only, periodic, with plain records.
fn counter(id: TimerId, ticks: u32) -> Timer {
    let timer = Timer::open_as(Mode::Read);
    assert_eq!(timer.select(id), Ok(()));
    assert_eq!(timer.set(F::AUTO, ticks, filter(&[E::TICK])), Ok(()));
    assert_eq!(timer.start(), Ok(()));
    timer
}

/// Waits for records until they have a number of ticks, and returns how many.
#[track_caller]
fn count(timer: &Timer, ticks: u32) -> u32 {
    let end = Instant::now() + PATIENCE;
    let mut sum = 0;
    while sum < ticks {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{ticks} ticks in time, got {sum}");
        timer.poll_events(PollFlags::IN, left);
        sum += timer.plain_records().iter().map(|record| record.ticks).sum::<u32>();
    }
    sum
}

/// Lets a timer tick, and returns the records of its ticks and the time that passed.
fn ticking(id: TimerId, period: u32, periods: u32) -> (Vec<TimerTread>, Duration) {
    let timer = Timer::tread(id);
    assert_eq!(timer.set(F::AUTO, period, everything()), Ok(()));
    let before = now();
    assert_eq!(timer.start(), Ok(()));
    let records = timer.wait_ticks(period * periods);
    (records, now() - before)
}

cases! {
    /// CREATE without a struct is EFAULT, and with a resolution of 0 EINVAL.
    fn wrong_timers_are_refused() {
        UserTimer::create(PERIOD);
        let timer = Timer::open_as(Mode::Read);
        assert_eq!(ioctl_at_bad_address(&timer, t::CREATE), Err(Errno::EFAULT));
        assert_eq!(timer.query(t::CREATE, TimerUinfo::default()).map(drop), Err(Errno::EINVAL));
    }

    /// A timer that was made on a read-only file has a number and a descriptor.
    fn a_timer_is_made_on_a_read_only_file() {
        UserTimer::create(PERIOD);
        let timer = Timer::open_as(Mode::Read);
        let wanted = TimerUinfo { resolution: PERIOD, ..TimerUinfo::default() };
        let info = timer.query(t::CREATE, wanted).unwrap();
        let driver = UserTimer { fd: sys::adopt(info.fd), number: info.id };
        assert_eq!(Timer::open().ginfo(driver.id()).unwrap().resolution, PERIOD);
    }

    /// A program that counts the ticks of a user-driven timer counts the triggers.
    fn triggers_are_counted() {
        let driver = UserTimer::create(PERIOD);
        let timer = counter(driver.id(), 8);
        for _ in 0..TICKS {
            driver.trigger(1);
        }
        assert_eq!(count(&timer, 8 * TICKS), 8 * TICKS);
        assert!(!timer.readable());
    }

    /// It counts them as well if it waits for each.
    fn each_trigger_is_counted_as_it_comes() {
        let driver = UserTimer::create(8 * PERIOD);
        let timer = counter(driver.id(), 1);
        for _ in 0..TICKS {
            driver.trigger(1);
            assert_eq!(count(&timer, 1), 1);
        }
    }

    /// TRIGGER does not look at its argument.
    fn trigger_ignores_its_argument() {
        let driver = UserTimer::create(8 * PERIOD);
        let timer = counter(driver.id(), 1);
        assert_eq!(ioctl_at_bad_address(&driver.fd, t::TRIGGER), Ok(0));
        assert_eq!(sys::ioctl(&driver.fd, t::TRIGGER, &mut [u64::MAX; 4]), Ok(0));
        assert_eq!(count(&timer, 2), 2);
    }

    /// A timer whose descriptor was closed by the program that made it is gone, and the count ends.
    fn the_count_ends_with_the_descriptor() {
        let driver = UserTimer::create(8 * PERIOD);
        let timer = counter(driver.id(), 1);
        driver.trigger(2);
        drop(driver);
        assert_eq!(count(&timer, 2), 2);
        assert_eq!(timer.stop(), Err(Errno::EINVAL));
    }

    /// HRTIMER ticks, and does not run ahead of the clock.
    fn hrtimer_ticks_in_time() {
        let (records, took) = ticking(HRTIMER, 2 * MS, 20);
        assert!(took >= Duration::from_millis(39), "{took:?}");
        assert!(ticks_of(&records) >= u64::from(40 * MS));
    }

    /// The system timer ticks, and does not run ahead of the clock. Its first tick may be short.
    fn the_system_timer_ticks_in_time() {
        let (records, took) = ticking(SYSTEM, 2, 5);
        let jiffy = Duration::from_nanos(jiffy().into());
        assert!(took >= 8 * jiffy, "{took:?}");
        assert!(ticks_of(&records) >= 10);
    }

    /// The times in HRTIMER's records are those at which they came: between start and now, and never back.
    fn times_of_records_are_right() {
        let before = now();
        let (records, took) = ticking(HRTIMER, 2 * MS, 10);
        let times: Vec<_> = records.iter().map(time).collect();
        assert!(times.is_sorted(), "{times:?}");
        assert!(times.iter().all(|time| *time >= before && *time <= before + took + PATIENCE));
        let started = records.iter().find(|record| E(record.event) == E::START).expect("START");
        let last = records.last().expect("ticks");
        assert!(time(last) - time(started) >= Duration::from_millis(19), "{records:?}");
    }

    /// Read-only and plain, a program counts the ticks of HRTIMER.
    fn ticks_of_hrtimer_are_counted() {
        let before = now();
        let timer = counter(HRTIMER, 2 * MS);
        let counted = count(&timer, 20 * MS);
        let most = u32::try_from((now() - before).as_nanos()).unwrap() + 2 * MS;
        assert!(counted >= 20 * MS && counted <= most + 10 * MS, "{counted} of {most}");
    }
}
