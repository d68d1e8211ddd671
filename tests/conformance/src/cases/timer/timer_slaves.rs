//! Slaves: instances that follow another.

use crate::case::cases;
use crate::timer_client::{
    HRTIMER, LONG, MISSING, MS, SYSTEM, Timer, everything, own_slave, slave,
};
use aseqd_abi::Errno;
use aseqd_abi::timer::{ParamsFlags, TimerEvent as E, TimerId};
use std::time::Duration;

/// Returns a master on HRTIMER, and its slave with every record.
fn pair(ticks: u32) -> (Timer, Timer) {
    (Timer::periodic(ticks), Timer::slave(own_slave()))
}

/// Runs until the slave has been told of a tick of the master; all records.
fn run(master: &Timer, slave: &Timer) -> Vec<E> {
    assert_eq!(master.start(), Ok(()));
    let mut records = slave.wait_ticks(1);
    assert_eq!(master.stop(), Ok(()));
    records.extend(slave.records());
    let mut events: Vec<E> = records.iter().map(|record| E(record.event)).collect();
    events.dedup();
    events
}

cases! {
    /// Slave classes 1 to 3 can be followed, others are EINVAL.
    fn slave_classes() {
        for class in [1, 2, 3] {
            assert_eq!(Timer::open().select(slave(class, -77)), Ok(()), "{class}");
        }
        for class in [-1, 0, 4, 77] {
            assert_eq!(Timer::open().select(slave(class, -77)), Err(Errno::EINVAL), "{class}");
        }
    }

    /// Card and subdevice play no part.
    fn card_and_subdevice_of_a_slave_play_no_part() {
        let _master = Timer::periodic(MS);
        let id = TimerId { card: 3, subdevice: 9, ..own_slave() };
        assert_eq!(Timer::plain(id).bound(), Ok("hrtimer".into()));
    }

    /// A slave is taken without a master, and has no timer.
    fn a_slave_waits_for_its_master() {
        let timer = Timer::plain(own_slave());
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        let _master = Timer::periodic(MS);
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
    }

    /// A slave without a master starts and stops without a record.
    fn a_slave_without_master_is_silent() {
        let timer = Timer::tread(own_slave());
        assert_eq!((timer.start(), timer.start()), (Ok(()), Ok(())));
        assert_eq!((timer.stop(), timer.stop()), (Ok(()), Err(Errno::EBUSY)));
        assert_eq!((timer.resume(), timer.pause()), (Ok(()), Ok(())));
        assert_eq!((timer.pause(), timer.status().queue), (Err(Errno::EBUSY), 0));
    }

    /// The rules of a period are asked of the master's timer.
    fn params_of_a_slave_ask_the_masters_timer() {
        let (_master, slave) = pair(MS);
        assert_eq!(slave.set(ParamsFlags::AUTO, 999_999, 0), Err(Errno::EINVAL));
        assert_eq!(slave.set(ParamsFlags::AUTO, MS, 0), Ok(()));
    }

    /// A slave that runs is told of the master's start, ticks and stop.
    fn a_slave_is_told_of_its_master() {
        let (master, slave) = pair(MS);
        assert_eq!(slave.start(), Ok(()));
        assert_eq!(slave.told(), [(E::START, 1)]);
        assert_eq!(run(&master, &slave)[..3], [E::MSTART, E::RESOLUTION, E::TICK]);
    }

    /// A slave with one tick of the master stops with it.
    fn the_masters_stop_is_told() {
        let (master, slave) = pair(LONG);
        assert_eq!((slave.start(), master.start(), master.stop()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(slave.told(), [(E::START, 1), (E::MSTART, 1), (E::MSTOP, 0)]);
    }

    /// Pause and continue of the master are told too.
    fn the_masters_pause_is_told() {
        let (master, slave) = pair(LONG);
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        assert_eq!((master.pause(), master.resume()), (Ok(()), Ok(())));
        let told = [(E::START, 1), (E::MSTART, 1), (E::MPAUSE, 0), (E::MCONTINUE, 1)];
        assert_eq!(slave.told(), told);
    }

    /// A START of the master when it runs is MSTOP and MSTART.
    fn the_masters_second_start_is_told() {
        let (master, slave) = pair(LONG);
        assert_eq!((slave.start(), master.start(), master.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(slave.events(), [E::START, E::MSTART, E::MSTOP, E::MSTART]);
    }

    /// Only what is in the slave's filter is told.
    fn the_slaves_filter_holds() {
        let (master, slave) = pair(LONG);
        assert_eq!(slave.set(ParamsFlags::AUTO, MS, 1 << E::MSTOP.0), Ok(()));
        assert_eq!((slave.start(), master.start(), master.stop()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(slave.events(), [E::MSTOP]);
    }

    /// A slave that does not run is told nothing.
    fn an_idle_slave_is_told_nothing() {
        let (master, slave) = pair(MS);
        assert_eq!(master.start(), Ok(()));
        master.wait_ticks(3 * MS);
        assert_eq!(slave.events(), []);
    }

    /// A slave that was stopped is told nothing more.
    fn a_stopped_slave_is_told_nothing() {
        let (master, slave) = pair(MS);
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        slave.wait_ticks(MS);
        assert_eq!((slave.stop(), slave.stop()), (Ok(()), Err(Errno::EBUSY)));
        slave.discard();
        master.discard();
        master.wait_ticks(3 * MS);
        assert_eq!(slave.events(), []);
    }

    /// A slave that starts while the master runs gets ticks, and no MSTART.
    fn a_slave_may_start_later() {
        let (master, slave) = pair(MS);
        assert_eq!((master.start(), slave.start()), (Ok(()), Ok(())));
        let events: Vec<E> = slave.wait_ticks(MS).iter().map(|one| E(one.event)).collect();
        assert_eq!(events[..3], [E::START, E::RESOLUTION, E::TICK]);
    }

    /// CONTINUE of a slave is always START.
    fn continue_of_a_slave_is_start() {
        let (_master, slave) = pair(LONG);
        assert_eq!((slave.start(), slave.pause(), slave.resume()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(slave.events(), [E::START, E::PAUSE, E::START]);
    }

    /// The ticks are the master's, whatever the slave's own are.
    fn the_ticks_are_the_masters() {
        let (master, slave) = pair(2 * MS);
        assert_eq!(slave.set(ParamsFlags::empty(), 500 * MS, 1 << E::TICK.0), Ok(()));
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        assert!(slave.wait_ticks(1)[0].val >= 2 * MS);
        // And though the slave is not periodic it goes on.
        slave.wait_ticks(4 * MS);
    }

    /// A master that fires once does not tell MSTOP, and the slave goes on waiting.
    fn a_master_that_fires_once_tells_no_stop() {
        let (master, slave) = (Timer::once(MS), Timer::slave(own_slave()));
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        slave.wait_ticks(MS);
        assert_eq!((slave.events(), slave.stop()), (vec![], Ok(())));
    }

    /// Slaves of plain records get ticks only.
    fn a_plain_slave_gets_ticks() {
        let master = Timer::periodic(MS);
        let slave = Timer::plain(own_slave());
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        master.wait_ticks(3 * MS);
        assert_eq!(master.stop(), Ok(()));
        let records = slave.plain_records();
        assert!(records.len() == 1 && records[0].ticks >= 3 * MS, "{records:?}");
    }

    /// When the master is closed, a slave that runs is told MSTOP, and waits.
    fn a_slave_outlives_its_master() {
        let (master, slave) = pair(LONG);
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        drop(master);
        crate::client::wait_until("it has no master", || slave.bound() == Err(Errno::EBADFD));
        assert_eq!(slave.events(), [E::START, E::MSTART, E::MSTOP]);
        assert_eq!((slave.start(), slave.stop()), (Ok(()), Ok(())));
    }

    /// When the master that stood is closed, nothing is told.
    fn the_end_of_an_idle_master_is_silent() {
        let (master, slave) = pair(LONG);
        assert_eq!(slave.start(), Ok(()));
        drop(master);
        crate::client::wait_until("it has no master", || slave.bound() == Err(Errno::EBADFD));
        assert_eq!(slave.events(), [E::START]);
    }

    /// A slave that ran follows a new master at once.
    fn a_slave_follows_a_new_master_at_once() {
        let (master, slave) = pair(LONG);
        assert_eq!(slave.start(), Ok(()));
        drop(master);
        crate::client::wait_until("it has no master", || slave.bound() == Err(Errno::EBADFD));
        slave.discard();
        let master = Timer::periodic(MS);
        assert_eq!(run(&master, &slave)[..3], [E::MSTART, E::RESOLUTION, E::TICK]);
    }

    /// A master that selects another timer takes its slave along.
    fn a_slave_goes_along_with_its_master() {
        let (master, slave) = pair(LONG);
        assert_eq!((slave.start(), master.start()), (Ok(()), Ok(())));
        assert_eq!(master.select(SYSTEM), Ok(()));
        assert_eq!(slave.events(), [E::START, E::MSTART, E::MSTOP]);
        assert_eq!(slave.bound(), Ok("system".into()));
        assert_eq!(master.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(slave.bound(), Err(Errno::EBADFD));
    }

    /// Of several masters of one program the one on the first timer of the list is followed, among
    /// those of one timer the oldest.
    until "7.1" fn the_first_master_is_followed() {
        let second = Timer::periodic(LONG);
        let first = Timer::tread(SYSTEM);
        let third = Timer::periodic(LONG);
        let follower = Timer::slave(own_slave());
        assert_eq!(follower.bound(), Ok("system".into()));
        drop(first);
        crate::client::wait_until("it has no master", || follower.bound() == Err(Errno::EBADFD));
        // Only a new binding looks for one.
        assert_eq!(follower.select(own_slave()), Ok(()));
        assert_eq!(follower.set(ParamsFlags::AUTO, LONG, everything()), Ok(()));
        assert_eq!((follower.start(), third.start(), second.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(follower.events(), [E::START, E::MSTART]);
        assert_eq!((third.stop(), follower.events()), (Ok(()), vec![]));
        assert_eq!((second.stop(), follower.events()), (Ok(()), vec![E::MSTOP]));
    }

    /// Of several masters of one program the oldest is followed, whatever timers they are on.
    since "7.1" fn the_oldest_master_is_followed() {
        let second = Timer::periodic(LONG);
        let first = Timer::tread(SYSTEM);
        let third = Timer::periodic(LONG);
        let follower = Timer::slave(own_slave());
        assert_eq!(follower.bound(), Ok("hrtimer".into()));
        assert_eq!((follower.start(), third.start(), second.start()), (Ok(()), Ok(()), Ok(())));
        assert_eq!(follower.events(), [E::START, E::MSTART]);
        assert_eq!((third.stop(), follower.events()), (Ok(()), vec![]));
        drop(second);
        crate::client::wait_until("it has no master", || follower.bound() == Err(Errno::EBADFD));
        // Only a new binding looks for one.
        assert_eq!(follower.select(own_slave()), Ok(()));
        assert_eq!(follower.bound(), Ok("system".into()));
        drop(first);
    }

    /// A master that selects its timer again is the youngest.
    since "7.1" fn a_master_that_selects_again_is_the_youngest() {
        let (first, second) = (Timer::periodic(LONG), Timer::tread(SYSTEM));
        assert_eq!(Timer::plain(own_slave()).bound(), Ok("hrtimer".into()));
        assert_eq!(first.select(HRTIMER), Ok(()));
        assert_eq!(Timer::plain(own_slave()).bound(), Ok("system".into()));
        assert_eq!(second.select(SYSTEM), Ok(()));
        assert_eq!(Timer::plain(own_slave()).bound(), Ok("hrtimer".into()));
    }

    /// Slaves are no masters.
    fn slaves_are_no_masters() {
        let _first = Timer::plain(own_slave());
        assert_eq!(Timer::plain(own_slave()).bound(), Err(Errno::EBADFD));
    }

    /// A master has several slaves.
    fn a_master_has_several_slaves() {
        let master = Timer::periodic(LONG);
        let slaves = [0; 5].map(|_| Timer::slave(own_slave()));
        assert!(slaves.iter().all(|slave| slave.start().is_ok()));
        assert_eq!((master.start(), master.stop()), (Ok(()), Ok(())));
        for slave in &slaves {
            assert_eq!(slave.events(), [E::START, E::MSTART, E::MSTOP]);
        }
    }

    /// A slave of another class or number does not follow.
    fn other_slaves_do_not_follow() {
        let _master = Timer::periodic(LONG);
        for id in [slave(2, own_slave().device), slave(3, own_slave().device), slave(1, -77)] {
            assert_eq!(Timer::plain(id).bound(), Err(Errno::EBADFD), "{id:?}");
        }
    }

    /// A master is found by the thread that bound it.
    fn a_master_is_found_by_its_thread() {
        let timer = Timer::open();
        let thread = std::thread::scope(|scope| {
            let binder = scope.spawn(|| {
                assert_eq!(timer.select(HRTIMER), Ok(()));
                rustix::thread::gettid().as_raw_nonzero().get()
            });
            binder.join().unwrap()
        });
        assert_eq!(Timer::plain(slave(1, thread)).bound(), Ok("hrtimer".into()));
        assert_eq!(Timer::plain(own_slave()).bound(), Err(Errno::EBADFD));
    }

    /// MSTART has the time of the master's START.
    fn times_of_a_slave_are_its_masters() {
        let (master, slave) = pair(LONG);
        assert_eq!(slave.start(), Ok(()));
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(master.start(), Ok(()));
        let records = slave.records();
        assert_eq!(crate::timer_client::time(&records[1]), master.stamp());
        assert!(slave.stamp() < master.stamp());
    }
}
