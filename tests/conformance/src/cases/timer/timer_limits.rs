//! How many there can be.

use crate::case::{cases, skip};
use crate::timer_client::{HRTIMER, SYSTEM, Timer, alone_on, own_slave, slave};
use aseqd_abi::Errno;
use aseqd_abi::timer::TimerId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Instances of most timers, and slaves of the whole machine.
const INSTANCES: usize = 1000;
/// Instances of HRTIMER.
const HRTIMER_INSTANCES: usize = 100;

/// Lets this process open many files.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = INSTANCES as u64 + 100;
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        skip("this process may not open many files");
    }
    let limit = Rlimit { current: limit.maximum.or(Some(wanted)), ..limit };
    setrlimit(Resource::Nofile, limit).expect("the limit is raised");
}

/// Binds until it is refused with EBUSY; what is bound.
fn bind_all(id: TimerId, most: usize) -> Vec<Timer> {
    let mut all = Vec::new();
    loop {
        let timer = Timer::open();
        match timer.select(id) {
            Ok(()) => all.push(timer),
            Err(error) => {
                assert_eq!((error, timer.bound()), (Errno::EBUSY, Err(Errno::EBADFD)));
                return all;
            }
        }
        assert!(all.len() <= most, "there is a limit");
    }
}

cases! {
    /// HRTIMER has 100 instances.
    fn hrtimer_has_100_instances() {
        alone_on(HRTIMER);
        assert_eq!(bind_all(HRTIMER, INSTANCES).len(), HRTIMER_INSTANCES);
    }

    /// The system timer has 1000 instances.
    fn the_system_timer_has_1000_instances() {
        allow_files();
        alone_on(SYSTEM);
        assert_eq!(bind_all(SYSTEM, INSTANCES).len(), INSTANCES);
    }

    /// Slaves count among the instances of their master's timer.
    fn slaves_count_among_the_instances() {
        alone_on(HRTIMER);
        let _master = Timer::plain(HRTIMER);
        let slaves = bind_all(own_slave(), INSTANCES);
        assert_eq!(slaves.len(), HRTIMER_INSTANCES - 1);
        assert_eq!(Timer::open().select(HRTIMER), Err(Errno::EBUSY));
    }

    /// A slave of a full timer is refused, one without master is not.
    fn a_slave_of_a_full_timer_is_ebusy() {
        alone_on(HRTIMER);
        let _all = bind_all(HRTIMER, INSTANCES);
        assert_eq!(Timer::open().select(own_slave()), Err(Errno::EBUSY));
        assert_eq!(Timer::open().select(slave(3, -77)), Ok(()));
    }

    /// There are 1000 slaves, with a master or without.
    fn there_are_1000_slaves() {
        allow_files();
        let slaves = bind_all(slave(3, -77), INSTANCES);
        assert_eq!(slaves.len(), INSTANCES);
        assert_eq!(Timer::open().select(slave(2, -77)), Err(Errno::EBUSY));
        assert_eq!(Timer::open().select(SYSTEM), Ok(()));
    }

    /// A closed instance makes room for another.
    fn what_is_closed_makes_room() {
        alone_on(HRTIMER);
        let mut all = bind_all(HRTIMER, INSTANCES);
        all.pop();
        crate::client::wait_until("there is room", || Timer::open().select(HRTIMER).is_ok());
    }
}
