//! START, STOP, CONTINUE, PAUSE in every state.

use crate::case::cases;
use crate::timer_client::{
    HRTIMER, LONG, MS, OLD_CONTINUE, OLD_PAUSE, OLD_START, SYSTEM, Timer, clients, now, time,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::TimerEvent as E;
use rustix::fs::{OFlags, fcntl_getfl};
use std::time::Duration;

const BUSY: Result<(), Errno> = Err(Errno::EBUSY);

cases! {
    /// Without a binding START, STOP, CONTINUE and PAUSE are EBADFD.
    fn orders_without_binding_are_ebadfd() {
        let timer = Timer::open();
        for code in [t::START, t::STOP, t::CONTINUE, t::PAUSE] {
            assert_eq!(timer.order(code), Err(Errno::EBADFD), "{code:#x}");
        }
    }

    /// One tick of HRTIMER, as a fresh file has, is too short to start: EINVAL.
    fn start_of_a_nanosecond_is_einval() {
        let timer = Timer::tread(HRTIMER);
        assert_eq!(timer.start(), Err(Errno::EINVAL));
        assert_eq!(timer.stop(), BUSY);
        assert!(timer.stamp().is_zero());
    }

    /// CONTINUE of what was not paused is START, with its errors.
    fn continue_of_a_nanosecond_is_einval() {
        assert_eq!(Timer::tread(HRTIMER).resume(), Err(Errno::EINVAL));
    }

    /// On the system timer a fresh file starts, and fires once.
    fn start_without_params_fires_once() {
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_queue(1);
        assert_eq!(timer.stop(), BUSY);
        let records = timer.plain_records();
        assert!(records.len() == 1 && records[0].ticks >= 1, "{records:?}");
    }

    /// START when it runs stops it first and starts it anew.
    fn start_twice_starts_anew() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.start()), (Ok(()), Ok(())));
        assert_eq!(timer.events(), [E::START, E::STOP, E::START]);
    }

    /// A second STOP is EBUSY, and tells nothing.
    fn stop_twice_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.stop(), BUSY);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!((timer.stop(), timer.stop()), (Ok(()), BUSY));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }

    /// PAUSE of what does not run is EBUSY.
    fn pause_when_idle_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.pause(), BUSY);
        assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        assert_eq!(timer.pause(), BUSY);
    }

    /// A second PAUSE is EBUSY.
    fn pause_twice_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!((timer.pause(), timer.pause()), (Ok(()), BUSY));
        assert_eq!(timer.events(), [E::START, E::PAUSE]);
    }

    /// STOP of what is paused is EBUSY, and it stays paused.
    fn stop_when_paused_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        assert_eq!(timer.stop(), BUSY);
        assert_eq!(timer.resume(), Ok(()));
        assert_eq!(timer.events(), [E::START, E::PAUSE, E::CONTINUE]);
    }

    /// CONTINUE of what was never paused is a START.
    fn continue_when_idle_is_start() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.resume(), Ok(()));
        assert_eq!(timer.told(), [(E::START, 1)]);
    }

    /// CONTINUE of what runs and was never paused starts it anew.
    fn continue_when_running_starts_anew() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.resume()), (Ok(()), Ok(())));
        assert_eq!(timer.events(), [E::START, E::STOP, E::START]);
    }

    /// CONTINUE of what was continued is EBUSY.
    fn continue_twice_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        assert_eq!((timer.resume(), timer.resume()), (Ok(()), BUSY));
        assert_eq!(timer.events(), [E::START, E::PAUSE, E::CONTINUE]);
    }

    /// START does not forget that it was paused: CONTINUE after it is EBUSY.
    fn continue_after_pause_and_start_is_ebusy() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause(), timer.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(timer.resume(), BUSY);
        assert_eq!(timer.events(), [E::START, E::PAUSE, E::START]);
    }

    /// A STOP that is one makes it forget that it was paused: CONTINUE is START.
    fn stop_forgets_the_pause() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause(), timer.resume()), (Ok(()), Ok(()), Ok(())));
        assert_eq!((timer.stop(), timer.resume()), (Ok(()), Ok(())));
        let told = [E::START, E::PAUSE, E::CONTINUE, E::STOP, E::START];
        assert_eq!(timer.events(), told);
    }

    /// START after PAUSE is a start with all ticks, and no STOP is told.
    fn start_after_pause_tells_no_stop() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.pause(), timer.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(timer.events(), [E::START, E::PAUSE, E::START, E::STOP]);
    }

    /// A one-shot instance that has fired is idle: STOP and PAUSE are EBUSY.
    fn fired_is_idle() {
        let timer = Timer::once(MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(MS);
        assert_eq!((timer.stop(), timer.pause()), (BUSY, BUSY));
    }

    /// A one-shot instance fires once, with the ticks that were asked for.
    fn once_is_once() {
        let timer = Timer::once(2 * MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(2 * MS);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(timer.events(), []);
    }

    /// A one-shot instance that has fired can be started again.
    fn fired_can_be_started_again() {
        let timer = Timer::once(MS);
        for _ in 0..3 {
            assert_eq!(timer.start(), Ok(()));
            let events: Vec<E> = timer.wait_ticks(MS).iter().map(|one| E(one.event)).collect();
            assert_eq!(events, [E::START, E::RESOLUTION, E::TICK]);
        }
    }

    /// CONTINUE of what has fired is START.
    fn continue_of_fired_is_start() {
        let timer = Timer::once(MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(MS);
        assert_eq!(timer.resume(), Ok(()));
        assert_eq!(timer.wait_ticks(MS)[0].event, E::START.0);
    }

    /// A one-shot instance fires no earlier than its period.
    fn once_is_not_early() {
        let timer = Timer::once(20 * MS);
        let before = now();
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(20 * MS);
        assert!(time(&records[0]) >= before);
        // The record of START is a little later than the start.
        let passed = time(records.last().unwrap()) - before;
        assert!(passed >= Duration::from_millis(20), "{records:?}");
    }

    /// START when it runs begins the period anew.
    fn start_begins_the_period_anew() {
        let timer = Timer::once(30 * MS);
        assert_eq!(timer.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(5));
        let again = now();
        assert_eq!(timer.start(), Ok(()));
        let records = timer.wait_ticks(30 * MS);
        assert!(time(records.last().unwrap()) - again >= Duration::from_millis(30));
    }

    /// After PAUSE and CONTINUE what was left of the ticks is left: a period that had not ended is
    /// whole again.
    fn pause_keeps_the_ticks_to_go() {
        let timer = Timer::once(20 * MS);
        assert_eq!((timer.start(), timer.pause()), (Ok(()), Ok(())));
        std::thread::sleep(Duration::from_millis(30));
        assert!(timer.events() == [E::START, E::PAUSE]);
        let again = now();
        assert_eq!(timer.resume(), Ok(()));
        let records = timer.wait_ticks(20 * MS);
        assert!(time(records.last().unwrap()) - again >= Duration::from_millis(20));
    }

    /// While it is paused nothing comes.
    fn nothing_comes_while_paused() {
        let timer = Timer::periodic(MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(MS);
        assert_eq!(timer.pause(), Ok(()));
        timer.discard();
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(timer.events(), []);
        assert_eq!(timer.resume(), Ok(()));
        timer.wait_ticks(MS);
    }

    /// After STOP nothing comes.
    fn nothing_comes_after_stop() {
        let timer = Timer::periodic(MS);
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(MS);
        assert_eq!(timer.stop(), Ok(()));
        timer.discard();
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(timer.events(), []);
    }

    /// The first codes of three orders do the same.
    fn old_codes_do_the_same() {
        let timer = Timer::periodic(LONG);
        for code in [OLD_START, OLD_PAUSE, OLD_CONTINUE] {
            assert_eq!(timer.order(code), Ok(()), "{code:#x}");
        }
        assert_eq!(timer.events(), [E::START, E::PAUSE, E::CONTINUE]);
        assert_eq!(timer.order(OLD_CONTINUE), BUSY);
    }

    /// The old codes of START, CONTINUE and PAUSE have the same errors as the new ones.
    fn old_codes_have_the_same_errors() {
        let timer = Timer::open();
        for code in [OLD_START, OLD_PAUSE, OLD_CONTINUE] {
            assert_eq!(timer.order(code), Err(Errno::EBADFD), "{code:#x}");
        }
    }

    /// The first code of STOP is that of every file for O_NONBLOCK, and stops nothing.
    fn old_stop_is_fionbio() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.ioctl(0x5421, &mut 0_i32), Ok(0));
        assert!(!fcntl_getfl(&timer).unwrap().contains(OFlags::NONBLOCK));
        assert_eq!(timer.ioctl(0x5421, &mut 1_i32), Ok(0));
        assert!(fcntl_getfl(&timer).unwrap().contains(OFlags::NONBLOCK));
        assert_eq!(timer.stop(), Ok(()));
    }

    /// Neither START nor STOP changes the number of bound instances.
    fn start_and_stop_leave_the_binding() {
        let timer = Timer::periodic(LONG);
        let bound = clients(HRTIMER);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(clients(HRTIMER), bound);
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(clients(HRTIMER), bound);
    }
}
