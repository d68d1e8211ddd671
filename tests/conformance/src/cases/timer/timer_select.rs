//! SELECT, TREAD and the life of a binding.

use crate::case::cases;
use crate::sys;
use crate::timer_client::{
    HRTIMER, LONG, MISSING, SYSTEM, Timer, clients, everything, filter, global, own_slave, slave,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E, TimerId, TimerParams};

const FORMATS: [u32; 2] = [t::TREAD_OLD, t::TREAD64];

cases! {
    /// SELECT binds.
    fn select_binds() {
        assert_eq!(Timer::plain(SYSTEM).bound(), Ok("system".into()));
        assert_eq!(Timer::plain(HRTIMER).bound(), Ok("hrtimer".into()));
    }

    /// A second SELECT binds to the other timer instead.
    fn select_again_moves() {
        let before = clients(SYSTEM);
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.select(HRTIMER), Ok(()));
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
        assert_eq!(clients(SYSTEM), before);
    }

    /// The sub-class of a timer that is no slave plays no part, nor does the card of a global one.
    fn only_class_device_and_subdevice_count() {
        let id = TimerId { dev_sclass: 77, card: 5, ..SYSTEM };
        assert_eq!(Timer::plain(id).bound(), Ok("system".into()));
        let id = TimerId { dev_sclass: -1, card: i32::MIN, ..SYSTEM };
        assert_eq!(Timer::plain(id).bound(), Ok("system".into()));
    }

    /// A timer that does not exist is ENODEV.
    fn select_of_a_missing_timer_is_enodev() {
        for id in [MISSING, global(0, 1), global(0, -1), global(-1, 0)] {
            assert_eq!(Timer::open().select(id), Err(Errno::ENODEV), "{id:?}");
        }
        for dev_class in [-1, 2, 3, 4, 99] {
            let id = TimerId { dev_class, card: 31, device: 99, ..SYSTEM };
            assert_eq!(Timer::open().select(id), Err(Errno::ENODEV), "{dev_class}");
        }
    }

    /// A SELECT that fails drops the binding there was.
    fn a_failed_select_unbinds() {
        let before = clients(SYSTEM);
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        assert_eq!(timer.start(), Err(Errno::EBADFD));
        assert_eq!(clients(SYSTEM), before);
    }

    /// A SELECT of a bad slave class unbinds.
    fn a_select_of_a_bad_slave_unbinds() {
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.select(slave(0, 1)), Err(Errno::EINVAL));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
    }

    /// SELECT stops what was running, and that is told.
    fn select_stops_what_was_running() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.select(HRTIMER), Ok(()));
        assert_eq!(timer.events(), [E::START, E::STOP]);
        assert_eq!(timer.stop(), Err(Errno::EBUSY));
    }

    /// SELECT that fails stops what was running, too.
    fn a_failed_select_stops_what_was_running() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }

    /// Format, filter and ticks outlive SELECT.
    fn select_leaves_format_filter_and_ticks() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.select(HRTIMER), Ok(()));
        // A START with the one tick of a fresh file would be EINVAL.
        assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        assert_eq!(timer.told(), [(E::START, 1), (E::STOP, 0)]);
    }

    /// A new binding is not periodic: the flags belonged to the old one.
    fn select_makes_it_fire_once() {
        let timer = Timer::periodic(crate::timer_client::MS);
        assert_eq!(timer.select(HRTIMER), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        timer.wait_ticks(1);
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!((timer.events(), timer.stop()), (vec![], Err(Errno::EBUSY)));
    }

    /// Records that were not read outlive SELECT.
    fn select_leaves_records() {
        let timer = Timer::periodic(LONG);
        assert_eq!((timer.start(), timer.stop()), (Ok(()), Ok(())));
        assert_eq!(timer.select(SYSTEM), Ok(()));
        assert_eq!(timer.status().queue, 2);
        assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(timer.events(), [E::START, E::STOP]);
    }

    /// The length of the queue outlives SELECT.
    fn select_leaves_the_length_of_the_queue() {
        let timer = Timer::periodic(LONG);
        let filter = everything();
        let params = TimerParams { ticks: LONG, queue_size: 32, filter, ..TimerParams::default() };
        assert_eq!(timer.params(params), Ok(()));
        assert_eq!(timer.select(HRTIMER), Ok(()));
        for _ in 0..20 {
            assert_eq!(timer.start(), Ok(()));
        }
        assert_eq!((timer.status().queue, timer.status().overrun), (32, 7));
    }

    /// With a binding, the format cannot be changed: EBUSY, even to what it is.
    fn format_of_a_bound_file_is_ebusy() {
        for code in FORMATS {
            for value in [0, 1] {
                assert_eq!(Timer::plain(SYSTEM).format(code, value), Err(Errno::EBUSY));
                assert_eq!(Timer::tread(SYSTEM).format(code, value), Err(Errno::EBUSY));
            }
        }
    }

    /// A slave without master counts as a binding.
    fn format_of_a_slave_without_master_is_ebusy() {
        let timer = Timer::plain(slave(3, -77));
        assert_eq!(timer.format(t::TREAD64, 1), Err(Errno::EBUSY));
    }

    /// The format can be changed without a binding, and after a SELECT that failed.
    fn format_without_binding_can_be_changed() {
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        for code in FORMATS {
            for value in [1, 0, -1, 77, 0] {
                assert_eq!(timer.format(code, value), Ok(()));
            }
        }
    }

    /// Another format throws away what was not read, the same one does not.
    fn another_format_throws_away_what_was_not_read() {
        let timer = Timer::tread(HRTIMER);
        let early = |timer: &Timer| {
            assert_eq!(timer.select(HRTIMER), Ok(()));
            assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
            assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        };
        early(&timer);
        assert_eq!(timer.format(t::TREAD64, 2), Ok(()));
        assert_eq!(timer.read_len(1000), Ok(32));
        early(&timer);
        assert_eq!(timer.format(t::TREAD64, 0), Ok(()));
        assert!(!timer.readable());
        early(&timer);
        assert_eq!(timer.read_len(1000), Ok(8));
    }

    /// For a 64-bit program both formats with events are the same.
    fn both_formats_with_events_have_32_bytes() {
        for code in FORMATS {
            let timer = Timer::open();
            assert_eq!(timer.format(code, 1), Ok(()));
            assert_eq!(timer.select(HRTIMER), Ok(()));
            assert_eq!(timer.set(ParamsFlags::AUTO, LONG, filter(&[E::START])), Ok(()));
            assert_eq!(timer.start(), Ok(()));
            assert_eq!(timer.read_len(1000), Ok(32));
        }
    }

    /// Setting the same format by its other code leaves the unread records.
    fn the_other_code_of_the_same_format_leaves_records() {
        let timer = Timer::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::EARLY_EVENT, LONG, 0), Ok(()));
        assert_eq!(timer.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(timer.format(t::TREAD_OLD, 1), Ok(()));
        assert_eq!(timer.read_len(1000), Ok(32));
    }

    /// Closing unbinds, also while it runs.
    fn close_unbinds() {
        let before = clients(SYSTEM);
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.set(ParamsFlags::AUTO, 1000, 0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        drop(timer);
        crate::client::wait_until("it is unbound", || clients(SYSTEM) == before);
    }

    /// A duplicated descriptor is the same file.
    fn a_duplicate_is_the_same_file() {
        let timer = Timer::plain(SYSTEM);
        let other = Timer { fd: rustix::io::dup(&timer.fd).unwrap() };
        assert_eq!(other.select(HRTIMER), Ok(()));
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
        drop(timer);
        assert_eq!(other.bound(), Ok("hrtimer".into()));
    }

    /// A forked child has the same file.
    fn a_forked_child_has_the_same_file() {
        let timer = Timer::once(LONG);
        let child = Timer { fd: rustix::io::dup(&timer.fd).unwrap() };
        assert!(sys::in_forked_child(move || child.start().is_ok()));
        assert_eq!(timer.stop(), Ok(()));
    }

    /// Every open is a file of its own.
    fn every_open_is_a_file_of_its_own() {
        let (first, second) = (Timer::periodic(LONG), Timer::once(LONG));
        assert_eq!(first.start(), Ok(()));
        assert_eq!(second.stop(), Err(Errno::EBUSY));
        assert_eq!(second.select(own_slave()), Ok(()));
        assert_eq!(first.stop(), Ok(()));
        assert_eq!(second.events(), []);
    }
}
