//! User-driven timers: the descriptor that CREATE returns.

use crate::case::cases;
use crate::client::Client;
use crate::sys::{self, errno};
use crate::timer_client::{Timer, UserTimer, everything};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags as F, TimerEvent as E, TimerUinfo};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::fcntl_dupfd_cloexec;

const MILLISECOND: u64 = 1_000_000;
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

cases! {
    /// A duplicate keeps the timer, which goes with the last descriptor.
    fn a_duplicate_keeps_the_timer() {
        let UserTimer { fd, number } = UserTimer::create(MILLISECOND);
        let copy = UserTimer { fd: fcntl_dupfd_cloexec(&fd, 0).unwrap(), number };
        let timer = Timer::tread(copy.id());
        assert_eq!(timer.set(F::AUTO, 1, everything()), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        drop(fd);
        copy.trigger(2);
        assert_eq!(timer.told().last(), Some(&(E::TICK, 2)));
        let id = copy.id();
        drop(copy);
        assert_eq!(Timer::open().select(id), Err(Errno::ENODEV));
    }

    /// A forked child can trigger, and its end does not end the timer.
    fn a_forked_child_has_the_same_timer() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, everything()), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        let fd = driver.fd.try_clone().unwrap();
        assert!(sys::in_forked_child(move || sys::ioctl(&fd, t::TRIGGER, &mut 0_u64) == Ok(0)));
        assert_eq!(timer.told().last(), Some(&(E::TICK, 1)));
        driver.trigger(1);
        assert_eq!(timer.told().last(), Some(&(E::TICK, 1)));
    }

    /// Only the timer device takes CREATE.
    fn the_sequencer_creates_no_timer() {
        UserTimer::create(MILLISECOND);
        let mut info = TimerUinfo { resolution: MILLISECOND, ..TimerUinfo::default() };
        assert_eq!(Client::open().ioctl(t::CREATE, &mut info), Err(Errno::ENOTTY));
    }

    /// A poll of the descriptor always finds it ready, in both directions.
    fn the_descriptor_is_always_ready() {
        let driver = UserTimer::create(MILLISECOND);
        driver.trigger(1);
        let asked = PollFlags::IN | PollFlags::OUT;
        let mut polled = [PollFd::new(&driver.fd, asked)];
        assert_eq!(poll(&mut polled, Some(&NOW)).map_err(errno), Ok(1));
        assert_eq!(polled[0].revents(), asked);
    }
}
