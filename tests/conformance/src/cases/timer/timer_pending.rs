//! Several instances of one timer: one that starts while the timer runs for another waits for its next interrupt.

use crate::case::cases;
use crate::timer_client::{HRTIMER, LONG, MS, Timer, alone_on, now, time};
use aseqd_abi::Errno;
use aseqd_abi::timer::TimerEvent as E;
use std::time::Duration;

/// Returns the only timer on HRTIMER, which runs with a long period.
fn running(ticks: u32) -> Timer {
    alone_on(HRTIMER);
    let timer = Timer::periodic(ticks);
    assert_eq!(timer.start(), Ok(()));
    timer
}

cases! {
    /// START while it runs for another is success, and told at once.
    fn start_while_another_runs_is_told_at_once() {
        let _first = running(LONG);
        let second = Timer::periodic(LONG);
        assert_eq!(second.start(), Ok(()));
        assert_eq!(second.told(), [(E::START, 1)]);
    }

    /// An instance that starts beside a running one begins to count at the next interrupt.
    fn it_counts_from_the_next_interrupt() {
        alone_on(HRTIMER);
        let (first, begin) = (Timer::periodic(60 * MS), now());
        assert_eq!(first.start(), Ok(()));
        let second = Timer::once(MS);
        assert_eq!(second.start(), Ok(()));
        let records = second.wait_ticks(MS);
        let fired = time(records.last().unwrap());
        assert!(fired - begin >= Duration::from_millis(61), "{records:?}");
    }

    /// While it waits it can be stopped, once.
    fn waiting_can_be_stopped_once() {
        let _first = running(LONG);
        let second = Timer::periodic(MS);
        assert_eq!(second.start(), Ok(()));
        assert_eq!((second.stop(), second.stop()), (Ok(()), Err(Errno::EBUSY)));
        assert_eq!(second.events(), [E::START, E::STOP]);
    }

    /// While it waits it can be paused and continued.
    fn waiting_can_be_paused_and_continued() {
        let _first = running(LONG);
        let second = Timer::periodic(MS);
        assert_eq!((second.start(), second.pause()), (Ok(()), Ok(())));
        assert_eq!((second.pause(), second.resume()), (Err(Errno::EBUSY), Ok(())));
        assert_eq!(second.events(), [E::START, E::PAUSE, E::CONTINUE]);
    }

    /// When the other stops, it runs at once.
    fn waiting_runs_when_the_other_stops() {
        let first = running(LONG);
        let second = Timer::once(MS);
        assert_eq!((second.start(), first.stop()), (Ok(()), Ok(())));
        second.wait_ticks(MS);
        assert_eq!(first.events(), [E::START, E::STOP]);
    }

    /// When the other is closed, too.
    fn waiting_runs_when_the_other_is_closed() {
        let first = running(LONG);
        let second = Timer::once(MS);
        assert_eq!(second.start(), Ok(()));
        drop(first);
        second.wait_ticks(MS);
    }

    /// When the other is stopped, those that wait run from then with all their ticks.
    fn waiting_runs_with_all_its_ticks() {
        let first = running(LONG);
        let second = Timer::once(20 * MS);
        assert_eq!(second.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(10));
        let stopped = now();
        assert_eq!(first.stop(), Ok(()));
        let records = second.wait_ticks(20 * MS);
        assert!(time(records.last().unwrap()) - stopped >= Duration::from_millis(20));
    }

    /// Two periods run side by side, and each instance gets its own ticks.
    fn two_periods_run_side_by_side() {
        let (slow, fast) = (Timer::periodic(10 * MS), Timer::periodic(MS));
        assert_eq!((slow.start(), fast.start()), (Ok(()), Ok(())));
        // Not when: where the kernel is late, it may count some of the time twice.
        let records = slow.wait_ticks(30 * MS);
        let mut ticks = records.iter().filter(|record| E(record.event) == E::TICK);
        assert!(ticks.all(|record| record.val >= 10 * MS), "{records:?}");
        assert!(fast.wait_ticks(5 * MS).iter().any(|record| E(record.event) == E::TICK));
    }

    /// Stopped instances do not get the ticks of others.
    fn the_stopped_hear_nothing() {
        let (idle, busy) = (Timer::periodic(MS), Timer::periodic(MS));
        assert_eq!(busy.start(), Ok(()));
        busy.wait_ticks(5 * MS);
        assert_eq!(idle.events(), []);
    }
}
