//! Bugs that the timers of Linux had, by their number in the catalogue of known bugs. The engine
//! has none of them. It has one thread, so tests of races try the orders of calls.

mod lifetime;

use crate::rig::{HRTIMER, Rig, SYSTEM, at_tick, at_time, errno, follower, key, mask, user_driven};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::seq::{QueueInfo, QueueTempo, QueueTimer};
use aseqd_abi::timer::{
    ParamsFlags, SCLASS_APPLICATION, SCLASS_SEQUENCER, TimerEvent as E, TimerInfo, TimerParams,
    TimerTread,
};
use aseqd_abi::{Errno, EventType};
use aseqd_engine::{Config, FileId, Reply, Time};
use zerocopy::FromBytes;

const MS: u64 = 1_000_000;
const MILLION: u32 = 1_000_000;
const EVENTS: [E; 6] = [E::RESOLUTION, E::TICK, E::START, E::STOP, E::CONTINUE, E::PAUSE];

fn with_user_timers() -> Rig {
    Rig::with_config(Config { user_timers: true, ..Config::default() })
}

/// Returns a file with a periodic instance of process 7 on a timer.
fn periodic(rig: &mut Rig, id: aseqd_abi::timer::TimerId, ticks: u32) -> FileId {
    let file = rig.bound_tread(7, id);
    rig.params(file, ParamsFlags::AUTO, ticks, mask(&EVENTS)).unwrap();
    file
}

/// Returns a file with a running slave of process 7.
fn slave(rig: &mut Rig) -> FileId {
    let file = rig.bound_tread(8, follower(SCLASS_APPLICATION, 7));
    let events = [E::TICK, E::MSTART, E::MSTOP, E::MPAUSE, E::MCONTINUE];
    rig.params(file, ParamsFlags::AUTO, MILLION, mask(&events)).unwrap();
    rig.command(file, t::START).unwrap();
    file
}

#[test]
fn known_k62_less_than_100_microseconds_cannot_be_started() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    assert_eq!(errno(rig.command(file, t::START)), Errno::EINVAL);
    // Ticks that another timer accepted are too few for this one.
    rig.select(file, SYSTEM).unwrap();
    rig.params(file, ParamsFlags::AUTO, 5, 0).unwrap();
    rig.select(file, HRTIMER).unwrap();
    assert_eq!(errno(rig.command(file, t::START)), Errno::EINVAL);
    assert_eq!(errno(rig.command(file, t::CONTINUE)), Errno::EINVAL);
    assert_eq!(rig.engine.poll_timeout(), None);
    // A queue's highest frequency is above it.
    let client = rig.client();
    rig.create_queue(client).unwrap();
    let info = QueueTimer { id: HRTIMER, resolution: u32::MAX, ..QueueTimer::default() };
    rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    assert!(rig.engine.proc_timers().contains("sequencer queue 0 : running"));
}

#[test]
fn known_k63_params_below_a_millisecond_are_refused() {
    let mut rig = with_user_timers();
    let file = rig.bound(1, HRTIMER);
    for ticks in [0, 1, 999, 999_999] {
        assert_eq!(errno(rig.params(file, ParamsFlags::AUTO, ticks, 0)), Errno::EINVAL);
    }
    let (_timer, number) = rig.create_timer(file, 1000).unwrap();
    rig.select(file, user_driven(number)).unwrap();
    assert_eq!(errno(rig.params(file, ParamsFlags::AUTO, 999, 0)), Errno::EINVAL);
    rig.params(file, ParamsFlags::AUTO, 1000, 0).unwrap();
}

#[test]
fn known_k64_a_timer_takes_1000_instances_and_the_high_resolution_one_100() {
    for (id, most) in [(SYSTEM, 1000), (HRTIMER, 100)] {
        let mut rig = Rig::new();
        let mut last = rig.timer_file(1);
        for _ in 0..most {
            last = rig.bound(1, id);
        }
        let file = rig.timer_file(1);
        assert_eq!(errno(rig.select(file, id)), Errno::EBUSY);
        rig.close_file(last);
        rig.select(file, id).unwrap();
        assert_eq!(rig.timer_clients(file, id), most);
    }
}

#[test]
fn known_k65_there_are_1000_slaves_at_most() {
    let mut rig = Rig::new();
    let first = rig.bound(1, follower(SCLASS_APPLICATION, 99));
    for _ in 1..1000 {
        rig.bound(1, follower(SCLASS_APPLICATION, 99));
    }
    let file = rig.timer_file(1);
    assert_eq!(errno(rig.select(file, follower(SCLASS_SEQUENCER, 3))), Errno::EBUSY);
    rig.close_file(first);
    rig.select(file, follower(SCLASS_SEQUENCER, 3)).unwrap();
}

#[test]
fn known_k66_continue_of_a_fresh_instance_is_a_fresh_start() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.command(file, t::CONTINUE).unwrap();
    rig.pass(8 * MS);
    assert_eq!(rig.plain_records(file), [(4_000_000, 1)]);
    // Paused before its first interrupt, it has all its ticks.
    rig.params(file, ParamsFlags::empty(), 2, 0).unwrap();
    rig.command(file, t::START).unwrap();
    rig.command(file, t::PAUSE).unwrap();
    rig.command(file, t::CONTINUE).unwrap();
    rig.pass(8 * MS);
    assert_eq!(rig.plain_records(file), [(4_000_000, 2)]);
}

#[test]
fn known_k67_the_system_timer_is_armed_anew_while_armed() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.params(file, ParamsFlags::AUTO, 3, 0).unwrap();
    for _ in 0..100 {
        rig.command(file, t::START).unwrap();
        rig.command(file, t::STOP).unwrap();
        rig.command(file, t::START).unwrap();
        rig.pass(MS);
    }
    rig.pass(12 * MS);
    assert_eq!(rig.plain_records(file), [(4_000_000, 3)]);
    assert_eq!(rig.engine.poll_timeout(), Some(Time(120 * MS)));
}

#[test]
fn known_k69_k78_readers_of_one_file_share_its_records() {
    let mut rig = Rig::new();
    let file = periodic(&mut rig, HRTIMER, MILLION);
    rig.command(file, t::START).unwrap();
    rig.command(file, t::STOP).unwrap();
    for left in [1, 0] {
        assert_eq!(rig.read_timer(file, 32, false).0, Reply::Done(32));
        assert_eq!(rig.timer_status(file).unwrap().queue, left);
    }
    for _ in 0..3 {
        assert_eq!(rig.read_timer(file, 32, false).0, Reply::Wait(0));
        assert_eq!(rig.timer_status(file).unwrap().queue, 0);
    }
}

#[test]
fn known_k75_k76_padding_of_records_is_zero() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(7, HRTIMER);
    let flags = ParamsFlags::AUTO | ParamsFlags::EARLY_EVENT;
    rig.now = Time(u64::MAX / 4);
    rig.params(file, flags, MILLION, mask(&EVENTS)).unwrap();
    for request in [t::START, t::PAUSE, t::CONTINUE] {
        rig.command(file, request).unwrap();
    }
    rig.now = rig.now + 3 * MS;
    rig.timeout();
    let (_, bytes) = rig.read_timer(file, 4096, true);
    assert_eq!(bytes.len(), 6 * 32);
    for record in bytes.chunks(32) {
        let record = TimerTread::read_from_bytes(record).unwrap();
        assert_eq!((record.pad1, record.pad2), (0, 0));
    }
    assert_eq!(bytes[..32], [&[6][..], &[0; 31]].concat());
}

#[test]
fn known_k77_a_reader_finds_no_record_of_another_size() {
    let mut rig = Rig::new();
    let file = periodic(&mut rig, HRTIMER, MILLION);
    for queue_size in [32, 1024, 32, 0, 64] {
        rig.command(file, t::START).unwrap();
        let filter = mask(&EVENTS);
        let params = TimerParams { ticks: MILLION, queue_size, filter, ..TimerParams::default() };
        rig.query(file, t::PARAMS, params).unwrap();
        assert_eq!(rig.read_timer(file, 4096, true).1, []);
    }
    rig.command(file, t::START).unwrap();
    assert!(rig.select(file, user_driven(5)).is_err());
    rig.query(file, t::TREAD64, 0_i32).unwrap();
    assert_eq!(rig.read_timer(file, 4096, false).0, Reply::Wait(0));
}

#[test]
fn known_k82_params_of_a_timer_that_went() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let file = periodic(&mut rig, user_driven(number), 1);
    rig.command(file, t::START).unwrap();
    rig.close_file(timer);
    assert_eq!(errno(rig.params(file, ParamsFlags::AUTO, 1, 0)), Errno::EBADFD);
    rig.close_file(file);
}

#[test]
fn known_k84_an_instance_is_called_back_once_with_all_its_ticks() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let files = [(); 5].map(|()| periodic(&mut rig, user_driven(number), 1));
    for file in files {
        rig.command(file, t::START).unwrap();
    }
    for _ in 0..10 {
        rig.command(timer, t::TRIGGER).unwrap();
    }
    rig.close_file(files[2]);
    rig.command(timer, t::TRIGGER).unwrap();
    let ticks = |events: Vec<(E, u32)>| -> u32 {
        events.iter().filter(|(event, _)| *event == E::TICK).map(|(_, value)| value).sum()
    };
    assert_eq!(ticks(rig.timer_events(files[0])), 11);
    // The others run from the first trigger on.
    assert_eq!(ticks(rig.timer_events(files[4])), 10);
}

#[test]
fn known_k89_a_one_shot_that_fired_is_unlinked_once() {
    let mut rig = Rig::new();
    let (once, other) = (rig.bound(1, SYSTEM), rig.bound(2, SYSTEM));
    rig.params(other, ParamsFlags::AUTO, 1, 0).unwrap();
    rig.command(once, t::START).unwrap();
    rig.command(other, t::START).unwrap();
    rig.pass(4 * MS);
    assert_eq!(errno(rig.command(once, t::STOP)), Errno::EBUSY);
    rig.close_file(once);
    rig.pass(12 * MS);
    assert_eq!(rig.plain_records(other), [(4_000_000, 3)]);
    rig.command(other, t::STOP).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn known_k93_k94_double_starts_and_stops_leave_one_link() {
    let mut rig = Rig::new();
    let (file, other) =
        (periodic(&mut rig, HRTIMER, MILLION), periodic(&mut rig, HRTIMER, MILLION));
    for _ in 0..5 {
        rig.command(file, t::START).unwrap();
        rig.command(file, t::START).unwrap();
        rig.command(other, t::START).unwrap();
        rig.pass(MS);
        rig.command(file, t::STOP).unwrap();
        assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
        rig.command(other, t::STOP).unwrap();
        assert_eq!(errno(rig.command(other, t::STOP)), Errno::EBUSY);
        assert_eq!(rig.engine.poll_timeout(), None);
    }
    rig.timer_events(file);
    rig.command(file, t::START).unwrap();
    rig.pass(3 * MS);
    let expected = [(E::START, 1), (E::RESOLUTION, 1), (E::TICK, 3 * MILLION)];
    assert_eq!(rig.timer_events(file), expected);
}

#[test]
fn known_k95_each_slave_gets_its_own_records() {
    let mut rig = Rig::new();
    let master = periodic(&mut rig, HRTIMER, MILLION);
    let slaves = [slave(&mut rig), slave(&mut rig)];
    rig.command(master, t::START).unwrap();
    rig.command(slaves[0], t::STOP).unwrap();
    rig.pass(2 * MS);
    assert_eq!(rig.timer_events(slaves[0]), [(E::MSTART, 1)]);
    assert_eq!(rig.timer_events(slaves[1]), [(E::MSTART, 1), (E::TICK, 2 * MILLION)]);
}

#[test]
fn known_k97_slaves_hear_their_master_in_the_order_of_its_changes() {
    let mut rig = Rig::new();
    let master = rig.bound(7, SYSTEM);
    let slave = slave(&mut rig);
    for step in 1..5 {
        rig.now = Time(step * 10);
        rig.command(master, if step % 2 == 1 { t::START } else { t::STOP }).unwrap();
    }
    let expected = [
        (E::MSTART, 10, 4 * MILLION),
        (E::MSTOP, 20, 0),
        (E::MSTART, 30, 4 * MILLION),
        (E::MSTOP, 40, 0),
    ];
    assert_eq!(rig.timed_records(slave), expected);
}

#[test]
fn known_k100_the_format_cannot_change_under_a_binding() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.command(file, t::START).unwrap();
    rig.select(file, SYSTEM).unwrap();
    assert_eq!(errno(rig.query(file, t::TREAD_OLD, 1_i32)), Errno::EBUSY);
    rig.command(file, t::START).unwrap();
    rig.pass(8 * MS);
    assert_eq!(rig.read_timer(file, 4096, true).1.len(), 8);
}

#[test]
fn known_k102_tempo_and_timer_change_between_callbacks() {
    let mut rig = Rig::new();
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    // A new tempo counts from the change on, not from the last callback.
    rig.control(client, EventType::START, 0, [0, 0]).unwrap();
    rig.pass(1_000 * MS);
    let tempo = QueueTempo { tempo: 1_000_000, ppq: 96, ..QueueTempo::default() };
    rig.ioctl(client, s::SET_QUEUE_TEMPO, tempo).unwrap();
    assert_eq!(rig.status(client, 0).unwrap().tick, 192);
    let mut last = 0;
    for round in 0..50_u32 {
        let id = if round % 2 == 0 { HRTIMER } else { SYSTEM };
        let info = QueueTimer { id, resolution: round * 30, ..QueueTimer::default() };
        rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
        rig.control(client, EventType::STOP, 0, [0, 0]).unwrap();
        rig.control(client, EventType::CONTINUE, 0, [0, 0]).unwrap();
        rig.pass(17 * MS);
        let tempo = QueueTempo { tempo: 1 + round * 10_000, ppq: 96, ..QueueTempo::default() };
        rig.ioctl(client, s::SET_QUEUE_TEMPO, tempo).unwrap();
        let tick = rig.status(client, 0).unwrap().tick;
        assert!(tick >= last, "{tick} after {last}");
        last = tick;
    }
    rig.ioctl(client, s::DELETE_QUEUE, QueueInfo::default()).unwrap();
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn known_k121_no_timer_has_a_resolution_of_zero() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    assert_eq!(errno(rig.create_timer(maker, 0)), Errno::EINVAL);
    let client = rig.client_with_port();
    rig.create_queue(client).unwrap();
    for resolution in [1, 1_000, u64::MAX / 2, u64::MAX] {
        let (timer, number) = rig.create_timer(maker, resolution).unwrap();
        for frequency in [0, 1, u32::MAX] {
            let id = user_driven(number);
            let info = QueueTimer { id, resolution: frequency, ..QueueTimer::default() };
            rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
            rig.control(client, EventType::START, 0, [0, 0]).unwrap();
            rig.command(timer, t::TRIGGER).unwrap();
            rig.control(client, EventType::STOP, 0, [0, 0]).unwrap();
        }
        rig.close_file(timer);
    }
}

#[test]
fn known_k49_an_instance_that_stops_itself_can_be_stopped_and_closed() {
    let mut rig = Rig::new();
    for id in [SYSTEM, HRTIMER] {
        let file = rig.bound_tread(7, id);
        let ticks = if id == SYSTEM { 1 } else { 4 * MILLION };
        rig.params(file, ParamsFlags::empty(), ticks, mask(&EVENTS)).unwrap();
        for _ in 0..3 {
            rig.command(file, t::START).unwrap();
            rig.pass(20 * MS);
            assert!(rig.timer_events(file).iter().any(|(event, _)| *event == E::TICK));
            assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
        }
        rig.command(file, t::START).unwrap();
        rig.close_file(file);
        assert_eq!(rig.engine.poll_timeout(), None);
    }
}

#[test]
fn known_k46_the_last_close_of_a_timer_that_went() {
    let mut rig = with_user_timers();
    let maker = rig.timer_file(1);
    let (timer, number) = rig.create_timer(maker, MS).unwrap();
    let files = [(); 3].map(|()| periodic(&mut rig, user_driven(number), 1));
    rig.command(files[0], t::START).unwrap();
    rig.close_file(timer);
    for file in files {
        rig.close_file(file);
    }
    // The number is free for the next timer.
    let (_timer, again) = rig.create_timer(maker, MS).unwrap();
    assert_eq!((again, rig.timer_clients(maker, user_driven(again))), (number, 0));
}
