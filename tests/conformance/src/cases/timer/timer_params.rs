//! PARAMS: what is taken, what is refused, and what it does to what was.

use crate::case::cases;
use crate::client::patterned;
use crate::timer_client::{
    HRTIMER, LONG, MS, SYSTEM, Timer, everything, filter, jiffy, slave, zero,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E, TimerParams, TimerRead};

const GOOD: TimerParams = TimerParams {
    flags: 1,
    ticks: LONG,
    queue_size: 0,
    reserved0: 0,
    filter: 0,
    reserved: [0; 60],
};

/// Makes `count` records of START and STOP.
fn fill(timer: &Timer, count: u32) {
    for _ in 0..count / 2 {
        assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
    }
}

cases! {
    /// Without a binding PARAMS is EBADFD.
    fn params_without_binding_is_ebadfd() {
        assert_eq!(Timer::open().params(GOOD), Err(Errno::EBADFD));
    }

    /// A slave without a master has no timer to ask: EBADFD.
    fn params_of_a_slave_without_master_is_ebadfd() {
        assert_eq!(Timer::plain(slave(3, -77)).params(GOOD), Err(Errno::EBADFD));
    }

    /// A period of less than a millisecond is EINVAL.
    fn less_than_a_millisecond_is_einval() {
        let timer = Timer::plain(HRTIMER);
        for ticks in [1, 999, 100_000, 999_999] {
            assert_eq!(timer.params(TimerParams { ticks, ..GOOD }), Err(Errno::EINVAL), "{ticks}");
        }
        assert_eq!(timer.params(TimerParams { ticks: 1_000_000, ..GOOD }), Ok(()));
    }

    /// No ticks are EINVAL.
    fn no_ticks_are_einval() {
        for id in [SYSTEM, HRTIMER] {
            let params = TimerParams { ticks: 0, ..GOOD };
            assert_eq!(Timer::plain(id).params(params), Err(Errno::EINVAL));
        }
    }

    /// One tick of the system timer is enough.
    fn one_tick_of_the_system_timer_is_enough() {
        assert_eq!(Timer::plain(SYSTEM).params(TimerParams { ticks: 1, ..GOOD }), Ok(()));
    }

    /// More ticks than the hardware counts at once are taken.
    fn any_number_of_ticks_is_taken() {
        for id in [SYSTEM, HRTIMER] {
            let timer = Timer::plain(id);
            for ticks in [10_000_001, 1_000_000_001, u32::MAX] {
                assert_eq!(timer.params(TimerParams { ticks, ..GOOD }), Ok(()));
                assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
            }
        }
    }

    /// The queue has 32 to 1024 records; 0 leaves it as it is.
    fn queue_has_32_to_1024_records() {
        let timer = Timer::plain(HRTIMER);
        for queue_size in [32, 33, 1024, 0] {
            assert_eq!(timer.params(TimerParams { queue_size, ..GOOD }), Ok(()), "{queue_size}");
        }
        for queue_size in [1, 31, 1025, u32::MAX] {
            let params = TimerParams { queue_size, ..GOOD };
            assert_eq!(timer.params(params), Err(Errno::EINVAL), "{queue_size}");
        }
    }

    /// A fresh queue has 128 records.
    fn a_fresh_queue_has_128_records() {
        let timer = Timer::periodic(LONG);
        fill(&timer, 140);
        assert_eq!((timer.status().queue, timer.status().overrun), (128, 12));
    }

    /// A queue length of 0 leaves the length that was asked for.
    fn queue_size_0_leaves_the_length() {
        let timer = Timer::periodic(LONG);
        let params = TimerParams { filter: everything(), ..GOOD };
        assert_eq!(timer.params(TimerParams { queue_size: 40, ..params }), Ok(()));
        assert_eq!(timer.params(params), Ok(()));
        fill(&timer, 50);
        assert_eq!((timer.status().queue, timer.status().overrun), (40, 10));
    }

    /// A filter may have the bits of events that can be asked for: EARLY cannot.
    fn filter_bits() {
        let timer = Timer::tread(HRTIMER);
        let allowed = [0, 1, 2, 3, 4, 5, 7, 8, 12, 13, 14, 15, 17, 18];
        for bit in 0..32 {
            let expected = if allowed.contains(&bit) { Ok(()) } else { Err(Errno::EINVAL) };
            let params = TimerParams { filter: 1 << bit, ..GOOD };
            assert_eq!(timer.params(params), expected, "bit {bit}");
        }
        assert_eq!(timer.params(TimerParams { filter: everything(), ..GOOD }), Ok(()));
    }

    /// The filter is looked at in the plain format too.
    fn filter_bits_of_plain_records() {
        let timer = Timer::plain(HRTIMER);
        let params = TimerParams { filter: filter(&[E::EARLY]), ..GOOD };
        assert_eq!(timer.params(params), Err(Errno::EINVAL));
    }

    /// Flags that do not exist are taken.
    fn unknown_flags_are_taken() {
        let timer = Timer::once(LONG);
        assert_eq!(timer.params(TimerParams { flags: 0xffff_fff8, ..GOOD }), Ok(()));
        assert!(!timer.readable());
    }

    /// PARAMS ignores its reserved bytes, and returns the struct unchanged.
    fn the_struct_stays() {
        let timer = Timer::plain(HRTIMER);
        let good = TimerParams { reserved0: 7, reserved: [0x5a; 60], ..GOOD };
        let bad = TimerParams { ticks: 0, ..patterned() };
        for (given, expected) in [(good, Ok(0)), (bad, Err(Errno::EINVAL))] {
            let mut params = given;
            assert_eq!(timer.ioctl(t::PARAMS, &mut params), expected);
            assert_eq!(params, given);
        }
    }

    /// PARAMS stops, and does not start.
    fn params_stops() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.params(GOOD), Ok(()));
        assert_eq!(timer.stop(), Err(Errno::EBUSY));
    }

    /// PARAMS that is refused does not stop.
    fn refused_params_do_not_stop() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        let refused = [
            TimerParams { ticks: 0, ..GOOD },
            TimerParams { queue_size: 5, ..GOOD },
            TimerParams { filter: 1 << 6, ..GOOD },
        ];
        for params in refused {
            assert_eq!(timer.params(params), Err(Errno::EINVAL));
        }
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }

    /// PARAMS throws away what was not read, its own STOP included.
    fn params_throws_away_what_was_not_read() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.params(TimerParams { filter: everything(), ..GOOD }), Ok(()));
        assert_eq!((timer.events(), timer.status().queue), (vec![], 0));
    }

    /// PARAMS that is refused throws nothing away.
    fn refused_params_throw_nothing_away() {
        let timer = Timer::periodic(LONG);
        fill(&timer, 2);
        assert_eq!(timer.params(TimerParams { queue_size: 5, ..GOOD }), Err(Errno::EINVAL));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }

    /// The count of overruns outlives PARAMS.
    fn overrun_outlives_params() {
        let timer = Timer::periodic(LONG);
        let params = TimerParams { queue_size: 32, filter: everything(), ..GOOD };
        assert_eq!(timer.params(params), Ok(()));
        fill(&timer, 40);
        assert_eq!(timer.params(TimerParams { queue_size: 64, ..params }), Ok(()));
        assert_eq!((timer.status().queue, timer.status().overrun), (0, 8));
    }

    /// EARLY_EVENT puts a record at once, before anything starts, whatever the filter.
    fn early_event_is_there_at_once() {
        let timer = Timer::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert!(timer.readable());
        let bytes = timer.read(1000).unwrap();
        assert_eq!((bytes.len(), bytes[0]), (32, 6));
        assert!(zero(&bytes[1..]));
    }

    /// EARLY_EVENT in the plain format is a record of zeros.
    fn plain_early_event_is_zero() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert_eq!(timer.plain_records(), [TimerRead::default()]);
    }

    /// Asked for twice it is there once, and without it goes.
    fn early_event_replaces_itself() {
        let timer = Timer::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert_eq!(timer.status().queue, 1);
        assert_eq!(timer.set(ParamsFlags::empty(), LONG, 0), Ok(()));
        assert_eq!(timer.status().queue, 0);
    }

    /// A paused instance can be continued after PARAMS.
    fn params_leaves_it_paused() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        assert_eq!(timer.params(TimerParams { filter: everything(), ..GOOD }), Ok(()));
        assert_eq!(timer.resume(), Ok(()));
        assert_eq!(timer.events(), [E::CONTINUE]);
    }

    /// The ticks hold for the next START.
    fn ticks_hold_for_the_next_start() {
        let timer = Timer::tread(SYSTEM);
        let period = std::time::Duration::from_nanos(u64::from(jiffy()) * 9);
        assert_eq!(timer.set(ParamsFlags::empty(), 10, everything()), Ok(()));
        let start = crate::timer_client::now();
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(10);
        assert!(crate::timer_client::now() - start >= period);
    }

    /// The shortest period runs.
    fn the_shortest_period_runs() {
        let timer = Timer::periodic(MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(5 * MS);
    }
}
