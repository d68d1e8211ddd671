//! User-driven timers.

use crate::rig::{GLOBAL, HRTIMER, Rig, errno, mask, user_driven};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{
    GLOBAL_UDRIVEN, ParamsFlags, TimerEvent as E, TimerGinfo, TimerId, TimerInfo, TimerUinfo,
};
use aseqd_engine::{Call, Config, FileId, Input, READABLE, Reply, WRITABLE};

const MS: u64 = 1_000_000;

fn rig() -> Rig {
    Rig::with_config(Config { user_timers: true, ..Config::default() })
}

fn trigger(rig: &mut Rig, timer: FileId) {
    rig.command(timer, t::TRIGGER).unwrap();
}

fn periodic(rig: &mut Rig, pid: i32, number: i32, ticks: u32) -> FileId {
    let file = rig.bound(pid, user_driven(number));
    rig.params(file, ParamsFlags::AUTO, ticks, 0).unwrap();
    file
}

#[test]
fn without_the_setting_create_is_enotty() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    for resolution in [0, MS] {
        assert_eq!(errno(rig.create_timer(file, resolution)), Errno::ENOTTY);
    }
}

#[test]
fn create_makes_a_file_and_a_timer() {
    let mut rig = rig();
    let file = rig.timer_file(1);
    let uinfo = TimerUinfo { resolution: 5 * MS, reserved: [7; 16], ..TimerUinfo::default() };
    let answer = rig.query(file, t::CREATE, uinfo).unwrap();
    assert_eq!((answer.id, answer.resolution, answer.reserved), (0, 5 * MS, [7; 16]));
    assert_ne!(answer.fd.cast_unsigned(), file.0);
    let tid = user_driven(0);
    let info = rig.query(file, t::GINFO, TimerGinfo { tid, ..TimerGinfo::default() }).unwrap();
    assert_eq!(&info.id[..12], b"snd-utimer0\0");
    assert_eq!((info.name, info.resolution, info.clients), ([0; 80], 5 * MS, 0));
    // The maker's file can be closed.
    rig.close_file(file);
    periodic(&mut rig, 2, 0, 1);
}

#[test]
fn a_file_of_the_device_becomes_a_user_timer() {
    let mut rig = rig();
    let become_one = |rig: &mut Rig, file, resolution| {
        let input = Input::BecomeUserTimer { file, resolution };
        rig.engine.handle(rig.now, input, &mut Vec::new()).finish()
    };
    let user = rig.bound(1, HRTIMER);
    assert_eq!(errno(become_one(&mut rig, user, 0)), Errno::EINVAL);
    assert_eq!(rig.timer_clients(user, HRTIMER), 1, "a failure leaves the file as it was");
    assert_eq!(become_one(&mut rig, user, MS), Ok(0));
    let listener = periodic(&mut rig, 2, 0, 1);
    assert_eq!(rig.timer_clients(listener, HRTIMER), 0, "it is bound to nothing");
    rig.command(listener, t::START).unwrap();
    trigger(&mut rig, user);
    assert_eq!(rig.plain_records(listener), [(1_000_000, 1)]);
    assert_eq!(errno(rig.command(user, t::START)), Errno::ENOTTY);
    assert_eq!(errno(become_one(&mut rig, user, MS)), Errno::ENOTTY, "it is none of the device");
    rig.close_file(user);
    assert_eq!(errno(rig.select(listener, user_driven(0))), Errno::ENODEV);
    let mut without = Rig::new();
    let file = without.timer_file(1);
    assert_eq!(errno(become_one(&mut without, file, MS)), Errno::ENOTTY);
}

#[test]
fn quirk_15_create_needs_a_resolution() {
    let mut rig = rig();
    let file = rig.timer_file(1);
    assert_eq!(errno(rig.create_timer(file, 0)), Errno::EINVAL);
    assert_eq!(rig.create_timer(file, MS).unwrap().1, 0);
}

#[test]
fn quirk_15_each_trigger_is_a_tick() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = periodic(&mut rig, 1, number, 1);
    trigger(&mut rig, timer);
    assert_eq!(rig.plain_records(file), []);
    rig.command(file, t::START).unwrap();
    for _ in 0..5 {
        trigger(&mut rig, timer);
    }
    assert_eq!(rig.plain_records(file), [(1_000_000, 5)]);
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn quirk_15_there_are_128_and_the_lowest_free_number_is_taken() {
    let mut rig = rig();
    let file = rig.timer_file(1);
    let timers: Vec<_> = (0..128).map(|_| rig.create_timer(file, MS).unwrap()).collect();
    let numbers: Vec<i32> = timers.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, (0..128).collect::<Vec<_>>());
    assert_eq!(errno(rig.create_timer(file, MS)), Errno::ENOSPC);
    rig.close_file(timers[9].0);
    rig.close_file(timers[5].0);
    assert_eq!(rig.create_timer(file, MS).unwrap().1, 5);
    assert_eq!(rig.create_timer(file, MS).unwrap().1, 9);
    assert_eq!(errno(rig.create_timer(file, MS)), Errno::ENOSPC);
}

#[test]
fn three_ticks_of_the_only_instance_are_counted_by_every_trigger() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = periodic(&mut rig, 1, number, 3);
    rig.command(file, t::START).unwrap();
    for _ in 0..2 {
        trigger(&mut rig, timer);
        assert_eq!(rig.plain_records(file), [(1_000_000, 3)]);
    }
}

#[test]
fn beside_another_instance_each_trigger_counts_one() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let first = periodic(&mut rig, 1, number, 1);
    let second = periodic(&mut rig, 2, number, 3);
    rig.command(first, t::START).unwrap();
    rig.command(second, t::START).unwrap();
    // The first trigger makes the second instance run.
    for _ in 0..3 {
        trigger(&mut rig, timer);
        assert_eq!(rig.plain_records(second), []);
    }
    trigger(&mut rig, timer);
    assert_eq!(rig.plain_records(second), [(1_000_000, 3)]);
    assert_eq!(rig.plain_records(first), [(1_000_000, 4)]);
}

#[test]
fn once_somebody_joined_a_trigger_counts_one_for_all() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let files = [periodic(&mut rig, 1, number, 3), periodic(&mut rig, 2, number, 3)];
    for file in files {
        rig.command(file, t::START).unwrap();
    }
    trigger(&mut rig, timer);
    assert_eq!(rig.plain_records(files[0]), [(1_000_000, 3)]);
    assert_eq!(rig.plain_records(files[1]), []);
    for _ in 0..2 {
        for count in 1..=3 {
            trigger(&mut rig, timer);
            for file in files {
                let expected: &[_] = if count == 3 { &[(1_000_000, 3)] } else { &[] };
                assert_eq!(rig.plain_records(file), expected);
            }
        }
    }
}

#[test]
fn a_one_shot_hears_one_trigger() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = rig.bound(1, user_driven(number));
    rig.command(file, t::START).unwrap();
    trigger(&mut rig, timer);
    trigger(&mut rig, timer);
    assert_eq!(rig.plain_records(file), [(1_000_000, 1)]);
}

#[test]
fn the_timers_file_knows_trigger_alone() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, _) = rig.create_timer(maker, MS).unwrap();
    for request in [t::PVERSION, t::START, t::SELECT, t::CREATE, 0x5401] {
        assert_eq!(errno(rig.query(timer, request, 0_i32)), Errno::ENOTTY);
    }
    let (reply, _) = rig.read_timer(timer, 8, true);
    assert_eq!(errno(reply.finish()), Errno::EINVAL);
    let write = Input::Call { file: timer, call: Call::Write { data: &[0; 8], nonblock: true } };
    assert_eq!(errno(rig.engine.handle(rig.now, write, &mut Vec::new()).finish()), Errno::EINVAL);
    let poll =
        rig.engine.handle(rig.now, Input::Call { file: timer, call: Call::Poll }, &mut Vec::new());
    assert_eq!(poll, Reply::Done(READABLE | WRITABLE));
    assert_eq!(errno(rig.command(maker, t::TRIGGER)), Errno::ENOTTY);
}

#[test]
fn who_is_bound_to_a_timer_that_goes_loses_it() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = rig.bound(1, user_driven(number));
    rig.params(file, ParamsFlags::AUTO, 1, 0).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(rig.read_timer(file, 8, false).0, Reply::Wait(0));
    rig.close_file(timer);
    assert_eq!(rig.ready_files(), []);
    assert_eq!(errno(rig.query(file, t::INFO, TimerInfo::default())), Errno::EBADFD);
    assert_eq!(errno(rig.params(file, ParamsFlags::AUTO, 1, 0)), Errno::EBADFD);
    for request in [t::START, t::STOP, t::CONTINUE, t::PAUSE] {
        assert_eq!(errno(rig.command(file, request)), Errno::EINVAL);
    }
    assert_eq!(rig.timer_status(file).unwrap().resolution, 0);
    assert!(!rig.timer_readable(file));
    assert_eq!(errno(rig.read_timer(file, 8, true).0.finish()), Errno::EAGAIN);
    // Another timer with that number is not the same one.
    let (timer, again) = rig.create_timer(maker, MS).unwrap();
    assert_eq!(again, number);
    trigger(&mut rig, timer);
    assert_eq!(rig.timer_clients(maker, user_driven(number)), 0);
    rig.select(file, user_driven(number)).unwrap();
    assert_eq!(rig.timer_clients(maker, user_driven(number)), 1);
}

#[test]
fn a_timer_that_goes_is_a_stop_for_who_runs_on_it_and_for_slaves() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = rig.bound_tread(7, user_driven(number));
    let slave = rig.bound_tread(8, crate::rig::follower(1, 7));
    for file in [file, slave] {
        rig.params(file, ParamsFlags::AUTO, 1, mask(&[E::STOP, E::MSTOP])).unwrap();
        rig.command(file, t::START).unwrap();
    }
    rig.close_file(timer);
    assert_eq!(rig.ready_files(), [file, slave]);
    assert_eq!(rig.timer_events(file), [(E::STOP, 0)]);
    assert_eq!(rig.timer_events(slave), [(E::MSTOP, 0)]);
    // The slave is still marked as running.
    rig.command(slave, t::STOP).unwrap();
    assert_eq!(errno(rig.command(slave, t::STOP)), Errno::EBUSY);
}

#[test]
fn the_list_shows_only_the_first_of_them() {
    let mut rig = rig();
    let file = rig.timer_file(1);
    let (first, _) = rig.create_timer(file, MS).unwrap();
    rig.create_timer(file, MS).unwrap();
    let next = |rig: &mut Rig, id: TimerId| rig.query(file, t::NEXT_DEVICE, id).unwrap();
    assert_eq!(next(&mut rig, HRTIMER), user_driven(0));
    assert_eq!(next(&mut rig, user_driven(0)).dev_class, -1);
    rig.close_file(first);
    assert_eq!(next(&mut rig, HRTIMER), user_driven(1));
    assert_eq!(next(&mut rig, TimerId { device: GLOBAL_UDRIVEN - 1, ..GLOBAL }), user_driven(1));
}

#[test]
fn long_periods_that_do_not_fit_a_record_are_cut() {
    let mut rig = rig();
    let maker = rig.timer_file(1);
    let resolution = (1 << 32) + 5;
    let (timer, number) = rig.create_timer(maker, resolution).unwrap();
    let plain = periodic(&mut rig, 1, number, 1);
    let timed = rig.bound_tread(2, user_driven(number));
    rig.params(timed, ParamsFlags::AUTO, 1, mask(&[E::START, E::RESOLUTION])).unwrap();
    rig.command(plain, t::START).unwrap();
    rig.command(timed, t::START).unwrap();
    trigger(&mut rig, timer);
    trigger(&mut rig, timer);
    // A record of this length is never found again, so none is merged.
    assert_eq!(rig.plain_records(plain), [(5, 1), (5, 1)]);
    assert_eq!(rig.timer_events(timed), [(E::START, 5), (E::RESOLUTION, 5)]);
}
