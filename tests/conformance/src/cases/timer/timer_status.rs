//! STATUS in both its forms.

use crate::case::cases;
use crate::timer_client::{
    HRTIMER, LONG, MS, STATUS_OLD, SYSTEM, Timer, everything, jiffy, now, slave, time, zero,
};
use aseqd_abi::Errno;
use aseqd_abi::timer::{ParamsFlags, TimerStatus};

/// Returns a number of 32 bits from bytes.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

cases! {
    /// Without a binding STATUS is EBADFD, in both forms.
    fn status_without_binding_is_ebadfd() {
        assert_eq!(Timer::open().try_status().map(drop), Err(Errno::EBADFD));
        assert_eq!(Timer::open().query(STATUS_OLD, [0; 88]).map(drop), Err(Errno::EBADFD));
    }

    /// At first everything but the resolution is zero, every reserved byte too.
    fn status_is_zero_at_first() {
        let status = Timer::plain(HRTIMER).status();
        assert_eq!(status, TimerStatus { resolution: 1, ..TimerStatus::default() });
        let status = Timer::plain(SYSTEM).status();
        assert_eq!(status, TimerStatus { resolution: jiffy(), ..TimerStatus::default() });
    }

    /// The time is that of the last order, each of the four.
    fn status_time_is_that_of_the_last_order() {
        let timer = Timer::once(LONG);
        let orders = [Timer::start, Timer::pause, Timer::resume, Timer::stop];
        for order in orders {
            let before = now();
            assert_eq!(order(&timer), Ok(()));
            let stamp = timer.stamp();
            assert!(before <= stamp && stamp <= now(), "{before:?} {stamp:?}");
        }
    }

    /// The time in STATUS is that of the last record of START, STOP and the like.
    fn status_time_is_that_of_the_record() {
        let timer = Timer::once(LONG);
        for order in [Timer::start, Timer::pause, Timer::resume, Timer::stop] {
            assert_eq!(order(&timer), Ok(()));
            let records = timer.records();
            assert_eq!(time(records.last().unwrap()), timer.stamp());
        }
    }

    /// Orders are timed without filter, and in the plain format.
    fn status_time_needs_no_filter() {
        for timer in [Timer::plain(SYSTEM), Timer::tread(SYSTEM)] {
            assert_eq!(timer.set(ParamsFlags::AUTO, 1000, 0), Ok(()));
            let before = now();
            assert_eq!(timer.start(), Ok(()));
            assert!(timer.stamp() >= before);
        }
    }

    /// An order that is refused leaves the time.
    fn a_refused_order_leaves_the_time() {
        let timer = Timer::once(LONG);
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        let stamp = timer.stamp();
        assert_eq!((timer.pause(), timer.stop()), (Err(Errno::EBUSY), Err(Errno::EBUSY)));
        assert_eq!(timer.stamp(), stamp);
    }

    /// Ticks leave the time.
    fn ticks_leave_the_time() {
        let timer = Timer::once(MS);
        assert_eq!(timer.start(), Ok(()));
        let stamp = timer.stamp();
        timer.wait_ticks(MS);
        assert_eq!(timer.stamp(), stamp);
    }

    /// PARAMS of one that runs is a STOP, for the time too; of one that stands it is not.
    fn params_of_a_running_one_is_timed() {
        let timer = Timer::once(LONG);
        assert_eq!(timer.start(), Ok(()));
        let before = now();
        assert_eq!(timer.set(ParamsFlags::AUTO, LONG, 0), Ok(()));
        let stamp = timer.stamp();
        assert!(stamp >= before);
        assert_eq!(timer.set(ParamsFlags::AUTO, LONG, 0), Ok(()));
        assert_eq!(timer.stamp(), stamp);
    }

    /// The time outlives SELECT.
    fn the_time_outlives_select() {
        let timer = Timer::once(LONG);
        assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        let stamp = timer.stamp();
        assert_eq!(timer.select(SYSTEM), Ok(()));
        assert_eq!(timer.stamp(), stamp);
    }

    /// STATUS has the number of records that wait.
    fn status_tells_how_many_records_wait() {
        let timer = Timer::once(LONG);
        assert_eq!((timer.start(), timer.stop(), timer.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(timer.status().queue, 3);
        assert_eq!(timer.read_len(64), Ok(64));
        assert_eq!(timer.status().queue, 1);
        assert_eq!(timer.status().lost, 0);
    }

    /// The form with a time of 32 bits tells the same.
    fn old_status_tells_the_same() {
        let timer = Timer::tread(HRTIMER);
        let params = aseqd_abi::timer::TimerParams {
            ticks: LONG,
            queue_size: 32,
            filter: everything(),
            ..Default::default()
        };
        assert_eq!(timer.params(params), Ok(()));
        for _ in 0..20 {
            assert_eq!(timer.start(), Ok(()));
        }
        let status = timer.status();
        let old = timer.query(STATUS_OLD, [0xa5_u8; 88]).unwrap();
        let told = [0, 4, 8, 12, 16, 20].map(|at| number(&old, at));
        let sec = u32::try_from(status.tv_sec).unwrap();
        let nsec = u32::try_from(status.tv_nsec).unwrap();
        assert_eq!(told, [sec, nsec, 1, 0, status.overrun, 32]);
        assert_eq!(status.overrun, 7);
        assert!(zero(&old[24..]));
    }

    /// A slave without master has a status, with resolution 0.
    fn status_of_a_slave_without_master() {
        let timer = Timer::plain(slave(3, -77));
        assert_eq!(timer.status(), TimerStatus::default());
    }

    /// A slave's resolution is its master's.
    fn status_of_a_slave_has_the_masters_resolution() {
        let _master = Timer::plain(SYSTEM);
        let timer = Timer::slave(crate::timer_client::own_slave());
        assert_eq!(timer.status().resolution, jiffy());
    }
}
