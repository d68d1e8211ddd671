//! Instances that follow another instance.

use crate::rig::{HRTIMER, Rig, SYSTEM, errno, follower, mask};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{ParamsFlags, SCLASS_APPLICATION, TimerEvent as E, TimerInfo};
use aseqd_engine::{Config, FileId};

const MS: u64 = 1_000_000;
const MILLION: u32 = 1_000_000;
const ALL: [E; 10] = [
    E::RESOLUTION,
    E::TICK,
    E::START,
    E::STOP,
    E::CONTINUE,
    E::PAUSE,
    E::MSTART,
    E::MSTOP,
    E::MCONTINUE,
    E::MPAUSE,
];

/// The id of a slave of process 7's instance.
const OF_7: aseqd_abi::timer::TimerId = follower(SCLASS_APPLICATION, 7);

fn master(rig: &mut Rig) -> FileId {
    let file = rig.bound(7, HRTIMER);
    rig.params(file, ParamsFlags::AUTO, 2 * MILLION, 0).unwrap();
    file
}

/// Returns a slave that hears everything, linked to the master.
fn slave(rig: &mut Rig) -> FileId {
    let file = rig.bound_tread(8, OF_7);
    rig.params(file, ParamsFlags::AUTO, MILLION, mask(&ALL)).unwrap();
    file
}

fn is_linked(rig: &mut Rig, file: FileId) -> bool {
    match rig.query(file, t::INFO, TimerInfo::default()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.errno, Errno::EBADFD);
            false
        }
    }
}

#[test]
fn quirk_14_ticks_come_only_while_both_run() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.command(master, t::START).unwrap();
    rig.pass(10 * MS);
    assert_eq!(rig.timer_events(slave), []);
    rig.command(slave, t::START).unwrap();
    rig.pass(10 * MS);
    let expected = [(E::START, 1), (E::RESOLUTION, 1), (E::TICK, 10 * MILLION)];
    assert_eq!(rig.timer_events(slave), expected);
    rig.command(master, t::STOP).unwrap();
    rig.pass(10 * MS);
    assert_eq!(rig.timer_events(slave), [(E::MSTOP, 0)]);
}

#[test]
fn quirk_14_info_and_params_need_a_master() {
    let mut rig = Rig::new();
    let slave = rig.bound(8, OF_7);
    assert!(!is_linked(&mut rig, slave));
    assert_eq!(errno(rig.params(slave, ParamsFlags::AUTO, MILLION, 0)), Errno::EBADFD);
    let status = rig.timer_status(slave).unwrap();
    assert_eq!((status.resolution, status.queue), (0, 0));
    let master = master(&mut rig);
    assert!(is_linked(&mut rig, slave));
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 1);
    assert_eq!(errno(rig.params(slave, ParamsFlags::AUTO, 999_999, 0)), Errno::EINVAL);
    rig.params(slave, ParamsFlags::AUTO, MILLION, 0).unwrap();
    rig.close_file(master);
    assert!(!is_linked(&mut rig, slave));
}

#[test]
fn quirk_14_a_slave_sees_what_its_master_does() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.command(slave, t::START).unwrap();
    for request in [t::START, t::PAUSE, t::CONTINUE, t::STOP] {
        rig.command(master, request).unwrap();
    }
    let expected =
        [(E::START, 1), (E::MSTART, 1), (E::MPAUSE, 0), (E::MCONTINUE, 1), (E::MSTOP, 0)];
    assert_eq!(rig.timer_events(slave), expected);
}

#[test]
fn what_the_master_does_is_no_change_of_the_slaves_status() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.pass(5);
    rig.command(slave, t::START).unwrap();
    rig.pass(5);
    rig.command(master, t::START).unwrap();
    rig.command(master, t::STOP).unwrap();
    assert_eq!(rig.timer_status(slave).unwrap().tv_nsec, 5);
}

#[test]
fn a_slave_gets_the_ticks_of_its_master_whatever_its_own_are() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.params(slave, ParamsFlags::empty(), 50 * MILLION, mask(&[E::TICK])).unwrap();
    rig.command(slave, t::START).unwrap();
    rig.command(master, t::START).unwrap();
    for _ in 0..2 {
        rig.pass(2 * MS);
        assert_eq!(rig.timer_events(slave), [(E::TICK, 2 * MILLION)]);
    }
}

#[test]
fn a_one_shot_that_fires_is_no_stop_of_the_master() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.params(master, ParamsFlags::empty(), 2 * MILLION, 0).unwrap();
    rig.command(slave, t::START).unwrap();
    rig.command(master, t::START).unwrap();
    rig.pass(100 * MS);
    let expected = [(E::START, 1), (E::MSTART, 1), (E::RESOLUTION, 1), (E::TICK, 2 * MILLION)];
    assert_eq!(rig.timer_events(slave), expected);
}

#[test]
fn a_slave_starts_and_stops_by_itself() {
    let mut rig = Rig::new();
    let (_master, slave) = (master(&mut rig), slave(&mut rig));
    assert_eq!(errno(rig.command(slave, t::STOP)), Errno::EBUSY);
    rig.command(slave, t::START).unwrap();
    rig.command(slave, t::PAUSE).unwrap();
    assert_eq!(errno(rig.command(slave, t::PAUSE)), Errno::EBUSY);
    // A slave is never marked as paused: CONTINUE starts it.
    rig.command(slave, t::CONTINUE).unwrap();
    rig.command(slave, t::STOP).unwrap();
    let expected = [(E::START, 1), (E::PAUSE, 0), (E::START, 1), (E::STOP, 0)];
    assert_eq!(rig.timer_events(slave), expected);
}

#[test]
fn without_master_a_slave_runs_silently_and_follows_the_next_at_once() {
    let mut rig = Rig::new();
    let first = master(&mut rig);
    let slave = slave(&mut rig);
    rig.close_file(first);
    rig.command(slave, t::START).unwrap();
    assert_eq!(rig.timer_events(slave), []);
    let second = master(&mut rig);
    rig.command(second, t::START).unwrap();
    rig.pass(2 * MS);
    let expected = [(E::MSTART, 1), (E::RESOLUTION, 1), (E::TICK, 2 * MILLION)];
    assert_eq!(rig.timer_events(slave), expected);
    // Without a master again, STOP finds it running and makes no record.
    rig.close_file(second);
    assert_eq!(rig.timer_events(slave), [(E::MSTOP, 0)]);
    rig.command(slave, t::STOP).unwrap();
    assert_eq!(errno(rig.command(slave, t::STOP)), Errno::EBUSY);
    assert_eq!(rig.timer_events(slave), []);
}

#[test]
fn a_master_that_is_bound_again_or_closed_is_stopped_first() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.command(slave, t::START).unwrap();
    rig.command(master, t::START).unwrap();
    rig.select(master, SYSTEM).unwrap();
    let expected = [(E::START, 1), (E::MSTART, 1), (E::MSTOP, 0)];
    assert_eq!(rig.timer_events(slave), expected);
    // The new binding has the same number: the slave follows it.
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 4_000_000);
    rig.close_file(master);
    assert_eq!(rig.timer_events(slave), []);
}

#[test]
fn params_of_an_idle_master_tell_its_slaves_nothing() {
    let mut rig = Rig::new();
    let (master, slave) = (master(&mut rig), slave(&mut rig));
    rig.command(slave, t::START).unwrap();
    rig.timer_events(slave);
    rig.params(master, ParamsFlags::AUTO, MILLION, 0).unwrap();
    assert_eq!(rig.timer_events(slave), []);
    // The params of a running instance stop it.
    rig.command(master, t::START).unwrap();
    rig.params(master, ParamsFlags::AUTO, MILLION, 0).unwrap();
    assert_eq!(rig.timer_events(slave), [(E::MSTART, 1), (E::MSTOP, 0)]);
}

#[test]
fn several_slaves_hear_the_same_in_the_order_of_starting() {
    let mut rig = Rig::new();
    let master = master(&mut rig);
    let slaves = [slave(&mut rig), slave(&mut rig), slave(&mut rig)];
    for slave in slaves.iter().rev() {
        rig.command(*slave, t::START).unwrap();
        rig.timer_events(*slave);
    }
    rig.ready_files();
    rig.command(master, t::START).unwrap();
    assert_eq!(rig.ready_files(), [slaves[2], slaves[1], slaves[0]]);
    for slave in slaves {
        assert_eq!(rig.timer_events(slave), [(E::MSTART, 1)]);
    }
}

#[test]
fn a_slave_takes_the_oldest_master() {
    let mut rig = Rig::new();
    let (oldest, second) = (rig.bound(7, HRTIMER), rig.bound(7, SYSTEM));
    let slave = rig.bound(8, OF_7);
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 1);
    rig.close_file(oldest);
    // It waits for a new master, although there is another one.
    assert!(!is_linked(&mut rig, slave));
    rig.select(slave, OF_7).unwrap();
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 4_000_000);
    // A master that selects again is the youngest.
    let _third = rig.bound(7, HRTIMER);
    rig.select(second, SYSTEM).unwrap();
    rig.select(slave, OF_7).unwrap();
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 1);
}

#[test]
fn a_slave_cannot_follow_a_slave_nor_another_class() {
    let mut rig = Rig::new();
    let _slave = rig.bound(8, OF_7);
    let of_slave = rig.bound(9, follower(SCLASS_APPLICATION, 8));
    assert!(!is_linked(&mut rig, of_slave));
    let _master = master(&mut rig);
    let other = rig.bound(10, follower(3, 7));
    assert!(!is_linked(&mut rig, other));
}

#[test]
fn a_slave_whose_master_has_a_full_timer_is_refused() {
    let mut rig = Rig::new();
    let _master = master(&mut rig);
    for _ in 0..99 {
        rig.bound(8, OF_7);
    }
    let file = rig.timer_file(9);
    assert_eq!(errno(rig.select(file, OF_7)), Errno::EBUSY);
    assert_eq!(errno(rig.timer_status(file)), Errno::EBADFD);
    assert_eq!(errno(rig.select(file, HRTIMER)), Errno::EBUSY);
    // A slave whose master does not exist is allowed.
    rig.select(file, follower(SCLASS_APPLICATION, 55)).unwrap();
    assert_eq!(rig.timer_clients(file, HRTIMER), 1);
}

#[test]
fn a_master_whose_timer_has_no_room_for_its_slaves_is_refused() {
    let mut rig = Rig::new();
    for _ in 0..98 {
        rig.bound(1, HRTIMER);
    }
    let slaves = [rig.bound(8, OF_7), rig.bound(8, OF_7)];
    let file = rig.timer_file(7);
    assert_eq!(errno(rig.select(file, HRTIMER)), Errno::EBUSY);
    for slave in slaves {
        assert!(!is_linked(&mut rig, slave));
    }
    assert_eq!(rig.timer_clients(file, HRTIMER), 98);
    // Closing one makes room again.
    rig.close_file(slaves[0]);
    rig.select(file, HRTIMER).unwrap();
    assert!(is_linked(&mut rig, slaves[1]));
}

#[test]
fn a_user_driven_timer_that_goes_leaves_its_slaves_waiting() {
    let mut rig = Rig::with_config(Config { user_timers: true, ..Config::default() });
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let master = rig.bound(7, crate::rig::user_driven(number));
    let slave = rig.bound(8, OF_7);
    assert!(is_linked(&mut rig, slave));
    rig.close_file(timer);
    assert!(!is_linked(&mut rig, slave));
    assert!(!is_linked(&mut rig, master));
    rig.select(master, SYSTEM).unwrap();
    assert!(is_linked(&mut rig, slave));
}
