//! Timers, instances and files that come and go.

use super::*;
use aseqd_abi::timer::TimerUinfo;
use aseqd_engine::{Call, Input};
use zerocopy::IntoBytes;

#[test]
fn known_k83_a_timer_that_goes_closes_its_instances_and_frees_their_slaves() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let master = periodic(&mut rig, user_driven(number), 1);
    let slave = slave(&mut rig);
    rig.command(master, t::START).unwrap();
    rig.close_file(timer);
    assert_eq!(errno(rig.query(slave, t::INFO, TimerInfo::default())), Errno::EBADFD);
    // Nor has it the next timer of that number.
    let (timer, _) = rig.create_timer(maker, MS).unwrap();
    assert_eq!(errno(rig.query(slave, t::INFO, TimerInfo::default())), Errno::EBADFD);
    rig.close_file(timer);
    rig.close_file(master);
    rig.timer_events(slave);
    // The slave waits, and follows the next instance with its master's number.
    let next = periodic(&mut rig, HRTIMER, MILLION);
    rig.command(next, t::START).unwrap();
    rig.pass(MS);
    assert_eq!(rig.timer_events(slave), [(E::MSTART, 1), (E::TICK, MILLION)]);
}

#[test]
fn known_k85_a_master_that_closes_leaves_no_callback_to_its_slaves() {
    let mut rig = Rig::new();
    let master = periodic(&mut rig, HRTIMER, MILLION);
    let slaves = [slave(&mut rig), slave(&mut rig)];
    rig.command(master, t::START).unwrap();
    rig.pass(MS);
    rig.close_file(master);
    rig.pass(10 * MS);
    for slave in slaves {
        let expected = [(E::MSTART, 1), (E::TICK, MILLION), (E::MSTOP, 0)];
        assert_eq!(rig.timer_events(slave), expected);
    }
}

#[test]
fn known_k86_an_open_that_failed_half_way_is_followed_by_a_clean_one() {
    let mut rig = Rig::new();
    for _ in 0..99 {
        rig.bound(1, HRTIMER);
    }
    // The queue's instance would have room, but its pending slave would not.
    let waiting = rig.bound(9, follower(SCLASS_SEQUENCER, -1));
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    assert!(rig.engine.proc_timer().contains("Timer for queue 0 : system timer"));
    assert_eq!(rig.timer_status(waiting).unwrap().resolution, 4_000_000);
    assert_eq!(rig.timer_clients(waiting, HRTIMER), 99);
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    rig.send(client, at_time(key(client.port(0), 1), 0, 0, 1)).unwrap();
    rig.pass(10 * MS);
    assert!(rig.receive(client).is_some());
    rig.close(client);
    assert_eq!(rig.timer_clients(waiting, SYSTEM), 0);
    assert_eq!(rig.timer_status(waiting).unwrap().resolution, 0);
}

#[test]
fn known_k87_nobody_is_called_back_by_a_timer_that_went() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = periodic(&mut rig, user_driven(number), 1);
    rig.command(file, t::START).unwrap();
    rig.command(timer, t::TRIGGER).unwrap();
    rig.timer_events(file);
    rig.close_file(timer);
    rig.timer_events(file);
    assert_eq!(errno(rig.command(timer, t::TRIGGER)), Errno::EBADF);
    rig.pass(100 * MS);
    assert_eq!(rig.timer_events(file), []);
}

#[test]
fn known_k88_a_create_that_fails_takes_no_number() {
    let mut rig = with_user_timers();
    let file = rig.timer_file(1);
    let (kept, _) = rig.create_timer(file, MS).unwrap();
    for _ in 0..300 {
        assert_eq!(errno(rig.create_timer(file, 0)), Errno::EINVAL);
    }
    assert_eq!(rig.timer_clients(file, user_driven(0)), 0, "it is still there");
    rig.close_file(kept);
    let timers: Vec<_> = (0..128).map(|_| rig.create_timer(file, MS).unwrap().0).collect();
    for _ in 0..10 {
        assert_eq!(errno(rig.create_timer(file, MS)), Errno::ENOSPC);
    }
    for timer in timers {
        rig.close_file(timer);
    }
    assert_eq!(rig.create_timer(file, MS).unwrap().1, 0);
}

#[test]
fn known_k90_select_under_a_running_instance_starts_clean() {
    let mut rig = Rig::new();
    let file = periodic(&mut rig, HRTIMER, MILLION);
    for id in [SYSTEM, HRTIMER, user_driven(0), follower(SCLASS_APPLICATION, 7), SYSTEM] {
        let _running = rig.command(file, t::START);
        let _bound = rig.select(file, id);
        assert_eq!(rig.engine.poll_timeout(), None);
        assert_eq!(rig.timer_clients(file, HRTIMER), u32::from(id == HRTIMER));
    }
}

#[test]
fn known_k91_slaves_and_masters_come_and_go_in_any_order() {
    let mut rig = Rig::new();
    for round in 0..16 {
        let master = periodic(&mut rig, HRTIMER, MILLION);
        let slaves = [slave(&mut rig), slave(&mut rig), slave(&mut rig)];
        rig.command(master, t::START).unwrap();
        rig.pass(MS);
        let mut files = [master, slaves[0], slaves[1], slaves[2]];
        files.rotate_left(round % 4);
        if round >= 8 {
            files.reverse();
        }
        for file in files {
            let _slave_or_not = rig.command(file, t::STOP);
            rig.pass(MS);
            rig.close_file(file);
            rig.pass(MS);
        }
        assert_eq!(rig.engine.poll_timeout(), None);
    }
    let file = rig.timer_file(1);
    assert_eq!(rig.timer_clients(file, HRTIMER), 0);
}

#[test]
fn known_k92_a_select_that_is_refused_hurts_nobody() {
    let mut rig = Rig::new();
    let owner = periodic(&mut rig, HRTIMER, MILLION);
    let flags = ParamsFlags::AUTO | ParamsFlags::EXCLUSIVE;
    rig.params(owner, flags, MILLION, mask(&EVENTS)).unwrap();
    rig.command(owner, t::START).unwrap();
    let file = rig.timer_file(1);
    for _ in 0..3 {
        assert_eq!(errno(rig.select(file, HRTIMER)), Errno::EBUSY);
    }
    rig.close_file(file);
    rig.pass(MS);
    let expected = [(E::START, 1), (E::RESOLUTION, 1), (E::TICK, MILLION)];
    assert_eq!(rig.timer_events(owner), expected);
}

#[test]
fn known_k96_a_closed_instance_leaves_nothing_on_its_timer() {
    let mut rig = Rig::new();
    let only = periodic(&mut rig, SYSTEM, 1);
    rig.command(only, t::START).unwrap();
    rig.close_file(only);
    rig.bound(1, SYSTEM);
    assert_eq!(rig.engine.poll_timeout(), None);
    for stop_first in [false, true] {
        let (file, other) = (periodic(&mut rig, SYSTEM, 1), periodic(&mut rig, SYSTEM, 1));
        rig.command(file, t::START).unwrap();
        rig.command(other, t::START).unwrap();
        if stop_first {
            rig.command(file, t::STOP).unwrap();
        }
        rig.close_file(file);
        let again = periodic(&mut rig, SYSTEM, 1);
        rig.command(again, t::START).unwrap();
        rig.pass(8 * MS);
        assert!(rig.timer_readable(again) && rig.timer_readable(other));
        rig.close_file(again);
        rig.close_file(other);
        assert_eq!(rig.engine.poll_timeout(), None);
    }
}

#[test]
fn known_k98_an_instance_that_is_bound_to_a_ticking_timer_hears_nothing_yet() {
    let mut rig = Rig::new();
    let first = periodic(&mut rig, HRTIMER, MILLION);
    rig.command(first, t::START).unwrap();
    let second = periodic(&mut rig, HRTIMER, MILLION);
    rig.pass(5 * MS);
    assert_eq!(rig.timer_events(second), []);
}

#[test]
fn known_k101_a_process_that_dies_leaves_no_timer_of_its_queues() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    let watcher = rig.timer_file(1);
    for queue in 0..3 {
        rig.create_queue(client).unwrap();
        let info = QueueTimer { queue, id: HRTIMER, ..QueueTimer::default() };
        rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
        let queue = u8::try_from(queue).unwrap();
        rig.control(client, EventType::START, queue, [0, 0]).unwrap();
        for tick in 0..100 {
            rig.send(client, at_tick(key(client.port(0), 1), queue, tick)).unwrap();
        }
    }
    rig.pass(2 * MS);
    rig.close(client);
    assert_eq!(rig.timer_clients(watcher, HRTIMER), 0);
    assert_eq!(rig.engine.poll_timeout(), None);
    rig.pass(1_000 * MS);
}

#[test]
fn known_k132_a_slave_follows_the_oldest_of_its_masters() {
    let mut rig = Rig::new();
    // In the order of timers the younger one is first.
    let masters = [rig.bound(7, HRTIMER), rig.bound(7, SYSTEM)];
    let slave = rig.bound(8, follower(SCLASS_APPLICATION, 7));
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 1);
    rig.close_file(masters[0]);
    rig.select(slave, follower(SCLASS_APPLICATION, 7)).unwrap();
    assert_eq!(rig.timer_status(slave).unwrap().resolution, 4_000_000);
}

#[test]
fn known_k134_a_32_bit_program_makes_and_drives_a_timer() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let info = TimerUinfo { resolution: MS, fd: -1, ..TimerUinfo::default() };
    let call = Call::Ioctl { request: t::CREATE, compat: true, arg: info.as_bytes() };
    let mut out = Vec::new();
    let reply = rig.engine.handle(rig.now, Input::Call { file: maker, call }, &mut out);
    assert_eq!(reply, Reply::Done(0));
    let made = TimerUinfo::read_from_bytes(&out).unwrap();
    let call = Call::Ioctl { request: t::TRIGGER, compat: true, arg: &[] };
    let file = FileId(made.fd.cast_unsigned());
    let reply = rig.engine.handle(rig.now, Input::Call { file, call }, &mut out);
    assert_eq!(reply, Reply::Done(0));
}
