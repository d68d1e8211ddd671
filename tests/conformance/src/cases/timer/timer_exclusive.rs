//! EXCLUSIVE: the oldest instance of a timer keeps later ones out.

use crate::case::cases;
use crate::timer_client::{LONG, SYSTEM, Timer, alone_on, own_slave};
use aseqd_abi::Errno;
use aseqd_abi::timer::ParamsFlags as F;

/// Returns a file with the exclusive use of the system timer.
fn exclusive() -> Timer {
    alone_on(SYSTEM);
    let timer = Timer::plain(SYSTEM);
    assert_eq!(timer.set(F::EXCLUSIVE, 1000, 0), Ok(()));
    timer
}

cases! {
    /// A later SELECT of the timer is EBUSY, and leaves the file unbound.
    fn exclusive_bars_who_comes_later() {
        let _first = exclusive();
        let second = Timer::open();
        assert_eq!(second.select(SYSTEM), Err(Errno::EBUSY));
        assert_eq!(second.bound(), Err(Errno::EBADFD));
    }

    /// An instance that was bound before stays bound, and goes on.
    fn exclusive_leaves_who_was_there() {
        alone_on(SYSTEM);
        let (first, second) = (Timer::plain(SYSTEM), Timer::plain(SYSTEM));
        assert_eq!(first.set(F::EXCLUSIVE, 1000, 0), Ok(()));
        assert_eq!(second.set(F::AUTO, 1000, 0), Ok(()));
        assert_eq!((second.start(), second.stop()), (Ok(()), Ok(())));
        assert_eq!(Timer::open().select(SYSTEM), Err(Errno::EBUSY));
    }

    /// Only the oldest instance can have a timer exclusively: the flag of a younger one has no effect.
    fn exclusive_is_the_oldests() {
        alone_on(SYSTEM);
        let (first, second) = (Timer::plain(SYSTEM), Timer::plain(SYSTEM));
        assert_eq!(second.set(F::EXCLUSIVE, 1000, 0), Ok(()));
        assert_eq!(Timer::open().select(SYSTEM), Ok(()));
        // Until it is the oldest.
        drop(first);
        crate::client::wait_until("it is barred", || {
            Timer::open().select(SYSTEM) == Err(Errno::EBUSY)
        });
    }

    /// PARAMS without the flag lets others in again.
    fn exclusive_can_be_taken_back() {
        let first = exclusive();
        assert_eq!(first.set(F::AUTO, 1000, 0), Ok(()));
        assert_eq!(Timer::open().select(SYSTEM), Ok(()));
    }

    /// Its own SELECT is not barred, and makes a binding without the flag.
    fn exclusive_does_not_bar_itself() {
        let first = exclusive();
        assert_eq!(first.select(SYSTEM), Ok(()));
        assert_eq!(Timer::open().select(SYSTEM), Ok(()));
    }

    /// A SELECT that was refused can be made when the file is closed.
    fn exclusive_ends_with_the_file() {
        drop(exclusive());
        crate::client::wait_until("it is free", || Timer::open().select(SYSTEM).is_ok());
    }

    /// Slaves are not barred.
    fn exclusive_does_not_bar_slaves() {
        let _first = exclusive();
        let slave = Timer::open();
        assert_eq!(slave.select(own_slave()), Ok(()));
        assert_eq!(slave.bound(), Ok("system".into()));
        assert_eq!(slave.set(F::AUTO, LONG, 0), Ok(()));
    }

    /// Questions are not barred.
    fn exclusive_does_not_bar_questions() {
        let _first = exclusive();
        assert_eq!(Timer::open().ginfo(SYSTEM).unwrap().clients, 1);
        assert!(Timer::open().gstatus(SYSTEM).is_ok());
    }
}
