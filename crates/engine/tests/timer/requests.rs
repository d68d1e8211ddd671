//! Requests of the timer device that look at timers or bind to one. Each quirk of Linux has a test
//! of its own, here and in the other files.

use crate::rig::{GLOBAL, HRTIMER, Rig, SYSTEM, errno, follower, mask, user_driven};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{timers as t, timers_old as old, timers32 as t32};
use aseqd_abi::timer::{
    ParamsFlags, TimerEvent as E, TimerGinfo, TimerGparams, TimerGparams32, TimerGstatus, TimerId,
    TimerInfo, TimerInfo32, TimerParams, TimerRead, TimerStatus32,
};
use aseqd_engine::{Access, Call, Config, FileId, Identity, Input, Node, Reply};
use zerocopy::{FromBytes, IntoBytes};

const END: TimerId = TimerId { dev_class: -1, dev_sclass: 0, card: -1, device: -1, subdevice: -1 };

fn ginfo(rig: &mut Rig, file: FileId, tid: TimerId) -> TimerGinfo {
    rig.query(
        file,
        t::GINFO,
        TimerGinfo { tid, card: 9, reserved: [7; 32], ..TimerGinfo::default() },
    )
    .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next().unwrap()).unwrap()
}

#[test]
fn the_version_is_2_0_8() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    assert_eq!(rig.query(file, t::PVERSION, 0_i32), Ok(0x02_00_08));
}

#[test]
fn unknown_requests_are_enotty() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    for request in [0x5401, 0x5413, 0x541b, 0x5450, 0x54a7, t::TRIGGER, 0x8004_5401] {
        assert_eq!(errno(rig.query(file, request, 0_i32)), Errno::ENOTTY, "{request:#x}");
    }
}

#[test]
fn next_device_lists_system_and_high_resolution_timer_then_the_end() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let mut next = |id| rig.query(file, t::NEXT_DEVICE, id).unwrap();
    let first = next(END);
    assert_eq!(first, SYSTEM);
    assert_eq!(
        next(TimerId { dev_class: -5, dev_sclass: 7, card: 7, device: 7, subdevice: 7 }),
        SYSTEM
    );
    let second = next(first);
    assert_eq!(second, HRTIMER);
    assert_eq!(next(second), END);
    for device in [-1, i32::MIN] {
        assert_eq!(next(TimerId { device, ..GLOBAL }), SYSTEM);
    }
    for device in [3, 4, i32::MAX - 1] {
        assert_eq!(next(TimerId { device, ..GLOBAL }), END);
    }
    // The number wraps, on Linux too.
    assert_eq!(next(TimerId { device: i32::MAX, ..GLOBAL }), SYSTEM);
    for dev_class in [0, 2, 3, 4, 9] {
        assert_eq!(next(TimerId { dev_class, ..GLOBAL }), END, "class {dev_class}");
    }
}

#[test]
fn ginfo_describes_the_system_timer() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let odd = TimerId { dev_sclass: 5, card: 7, ..SYSTEM };
    let info = ginfo(&mut rig, file, odd);
    assert_eq!(info.tid, odd);
    assert_eq!((text(&info.id), text(&info.name)), ("system", "system timer"));
    assert_eq!((info.resolution, info.flags, info.card, info.clients), (4_000_000, 0, -1, 0));
    assert_eq!((info.resolution_min, info.resolution_max, info.reserved), (0, 0, [0; 32]));
}

#[test]
fn ginfo_describes_the_high_resolution_timer() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let info = ginfo(&mut rig, file, HRTIMER);
    assert_eq!((text(&info.id), text(&info.name)), ("hrtimer", "HR timer"));
    assert_eq!((info.resolution, info.clients), (1, 0));
}

#[test]
fn the_frequency_of_the_system_timer_is_a_setting() {
    for (hz, resolution) in
        [(100, 10_000_000), (250, 4_000_000), (300, 3_333_333), (1000, 1_000_000)]
    {
        let mut rig = Rig::with_config(Config { hz, ..Config::default() });
        let file = rig.timer_file(1);
        assert_eq!(ginfo(&mut rig, file, SYSTEM).resolution, resolution);
    }
    let mut rig = Rig::with_config(Config { hz: 0, ..Config::default() });
    let file = rig.timer_file(1);
    assert_eq!(ginfo(&mut rig, file, SYSTEM).resolution, 1_000_000_000);
}

#[test]
fn ginfo_counts_instances_that_are_bound_but_not_slaves() {
    let mut rig = Rig::new();
    let first = rig.bound(1, SYSTEM);
    rig.bound(2, SYSTEM);
    rig.bound(3, follower(1, 1));
    assert_eq!(rig.timer_clients(first, SYSTEM), 2);
    assert_eq!(rig.timer_clients(first, HRTIMER), 0);
    rig.close_file(first);
    let file = rig.timer_file(4);
    assert_eq!(rig.timer_clients(file, SYSTEM), 1);
}

#[test]
fn ginfo_gparams_and_gstatus_of_a_missing_timer_are_enodev() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let missing = [
        TimerId { device: 1, ..GLOBAL },
        TimerId { subdevice: 1, ..GLOBAL },
        TimerId { dev_class: 0, dev_sclass: 1, ..GLOBAL },
        TimerId { dev_class: 3, card: 0, ..GLOBAL },
        user_driven(0),
        END,
    ];
    for tid in missing {
        let info = TimerGinfo { tid, ..TimerGinfo::default() };
        assert_eq!(errno(rig.query(file, t::GINFO, info)), Errno::ENODEV);
        let params = TimerGparams { tid, ..TimerGparams::default() };
        assert_eq!(errno(rig.query(file, t::GPARAMS, params)), Errno::ENODEV);
        let status = TimerGstatus { tid, ..TimerGstatus::default() };
        assert_eq!(errno(rig.query(file, t::GSTATUS, status)), Errno::ENODEV);
    }
}

#[test]
fn gparams_is_ebusy_while_somebody_is_bound_and_enosys_else() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let params = TimerGparams { tid: SYSTEM, ..TimerGparams::default() };
    assert_eq!(errno(rig.query(file, t::GPARAMS, params)), Errno::ENOSYS);
    rig.select(file, SYSTEM).unwrap();
    assert_eq!(errno(rig.query(file, t::GPARAMS, params)), Errno::EBUSY);
}

#[test]
fn gstatus_tells_the_period_as_a_fraction() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    for (tid, ns) in [(SYSTEM, 4_000_000), (HRTIMER, 1)] {
        let status = TimerGstatus { tid, reserved: [3; 32], ..TimerGstatus::default() };
        let status = rig.query(file, t::GSTATUS, status).unwrap();
        assert_eq!((status.resolution, status.resolution_num), (ns, ns));
        assert_eq!((status.resolution_den, status.reserved), (1_000_000_000, [0; 32]));
    }
}

#[test]
fn select_of_what_is_not_there_fails_by_class() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    for dev_class in [-1, 2, 3, 5] {
        assert_eq!(errno(rig.select(file, TimerId { dev_class, ..GLOBAL })), Errno::ENODEV);
    }
    assert_eq!(errno(rig.select(file, TimerId { device: 9, ..GLOBAL })), Errno::ENODEV);
    for sclass in [-1, 0, 4] {
        assert_eq!(errno(rig.select(file, follower(sclass, 1))), Errno::EINVAL);
    }
    for sclass in [1, 2, 3] {
        rig.select(file, follower(sclass, 1)).unwrap();
    }
}

#[test]
fn select_looks_at_neither_card_nor_slave_class_of_a_global_timer() {
    let mut rig = Rig::new();
    let file = rig.bound(1, TimerId { dev_sclass: 3, card: 5, ..HRTIMER });
    let info: TimerInfo = rig.query(file, t::INFO, TimerInfo::default()).unwrap();
    assert_eq!(text(&info.name), "HR timer");
}

#[test]
fn quirk_06_a_failed_select_leaves_the_file_unbound() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    assert_eq!(errno(rig.select(file, TimerId { device: 9, ..GLOBAL })), Errno::ENODEV);
    assert_eq!(errno(rig.timer_status(file)), Errno::EBADFD);
    assert_eq!(rig.timer_clients(file, SYSTEM), 0);
}

#[test]
fn quirk_05_requests_before_select_and_formats_after_it() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    assert_eq!(errno(rig.query(file, t::INFO, TimerInfo::default())), Errno::EBADFD);
    assert_eq!(errno(rig.params(file, ParamsFlags::empty(), 1, 0)), Errno::EBADFD);
    assert_eq!(errno(rig.timer_status(file)), Errno::EBADFD);
    for request in [t::START, t::STOP, t::CONTINUE, t::PAUSE, old::START, old::STOP] {
        assert_eq!(errno(rig.command(file, request)), Errno::EBADFD);
    }
    rig.select(file, SYSTEM).unwrap();
    assert_eq!(errno(rig.query(file, t::TREAD_OLD, 1_i32)), Errno::EBUSY);
    assert_eq!(errno(rig.query(file, t::TREAD64, 0_i32)), Errno::EBUSY);
}

#[test]
fn info_describes_the_bound_timer() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    let junk = TimerInfo { reserved: [9; 64], ..TimerInfo::default() };
    let info = rig.query(file, t::INFO, junk).unwrap();
    assert_eq!((text(&info.id), text(&info.name)), ("system", "system timer"));
    assert_eq!((info.flags, info.card, info.resolution), (0, -1, 4_000_000));
    assert_eq!(info.reserved, [0; 64]);
}

#[test]
fn quirk_02_params_need_a_millisecond_to_a_tick() {
    let mut rig = Rig::new();
    let file = rig.bound(1, HRTIMER);
    assert_eq!(errno(rig.params(file, ParamsFlags::empty(), 0, 0)), Errno::EINVAL);
    assert_eq!(errno(rig.params(file, ParamsFlags::empty(), 999_999, 0)), Errno::EINVAL);
    rig.params(file, ParamsFlags::empty(), 1_000_000, 0).unwrap();
    rig.select(file, SYSTEM).unwrap();
    rig.params(file, ParamsFlags::empty(), 1, 0).unwrap();
}

#[test]
fn quirk_07_sizes_of_the_queue_and_bits_of_the_filter() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    let mut with = |queue_size, filter| {
        let params = TimerParams { ticks: 1, queue_size, filter, ..TimerParams::default() };
        rig.query(file, t::PARAMS, params).map(drop).map_err(|error| error.errno)
    };
    for size in [0, 32, 1024] {
        assert_eq!(with(size, 0), Ok(()));
    }
    for size in [1, 31, 1025, u32::MAX] {
        assert_eq!(with(size, 0), Err(Errno::EINVAL));
    }
    for bit in 0..32 {
        let known = matches!(bit, 0..=5 | 7 | 8 | 12..=15 | 17 | 18);
        assert_eq!(with(0, 1 << bit), if known { Ok(()) } else { Err(Errno::EINVAL) }, "bit {bit}");
    }
}

#[test]
fn params_that_fail_change_nothing_and_stop_nobody() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.params(file, ParamsFlags::AUTO, 1, 0).unwrap();
    rig.command(file, t::START).unwrap();
    assert_eq!(errno(rig.params(file, ParamsFlags::empty(), 0, 0)), Errno::EINVAL);
    rig.pass(20_000_000);
    assert_eq!(rig.plain_records(file), [(4_000_000, 5)]);
    rig.params(file, ParamsFlags::AUTO, 1, 0).unwrap();
    assert_eq!(errno(rig.command(file, t::STOP)), Errno::EBUSY);
}

#[test]
fn params_empty_the_queue_also_of_the_stop_that_they_cause() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, SYSTEM);
    let filter = mask(&[E::START, E::STOP]);
    rig.params(file, ParamsFlags::AUTO, 1, filter).unwrap();
    rig.command(file, t::START).unwrap();
    rig.now = rig.now + 7;
    rig.params(file, ParamsFlags::AUTO, 1, filter).unwrap();
    assert_eq!(rig.timer_events(file), []);
    assert_eq!(rig.timer_status(file).unwrap().tv_nsec, 7);
}

#[test]
fn quirk_08_the_early_event_is_there_right_after_params() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.params(file, ParamsFlags::EARLY_EVENT, 1, 0).unwrap();
    rig.params(file, ParamsFlags::EARLY_EVENT, 1, 0).unwrap();
    assert!(rig.timer_readable(file));
    assert_eq!(rig.plain_records(file), [(0, 0)]);
    let timed = rig.bound_tread(2, SYSTEM);
    rig.now = rig.now + 55;
    rig.params(timed, ParamsFlags::EARLY_EVENT, 1, 0).unwrap();
    assert_eq!(rig.timed_records(timed), [(E::EARLY, 0, 0)]);
}

#[test]
fn quirk_12_who_is_exclusive_bars_later_ones_only() {
    let mut rig = Rig::new();
    let first = rig.bound(1, SYSTEM);
    let second = rig.bound(2, SYSTEM);
    // The flag of the second is ignored.
    rig.params(second, ParamsFlags::EXCLUSIVE, 1, 0).unwrap();
    let third = rig.bound(3, SYSTEM);
    rig.close_file(third);
    rig.params(first, ParamsFlags::EXCLUSIVE, 1, 0).unwrap();
    let third = rig.timer_file(3);
    assert_eq!(errno(rig.select(third, SYSTEM)), Errno::EBUSY);
    rig.command(second, t::START).unwrap();
    // The flag does not keep slaves out, and another SELECT clears it.
    rig.select(third, follower(1, 1)).unwrap();
    rig.close_file(second);
    rig.select(first, SYSTEM).unwrap();
    rig.select(third, SYSTEM).unwrap();
}

#[test]
fn status_of_a_fresh_binding_is_zero_but_for_the_resolution() {
    let mut rig = Rig::new();
    rig.now = rig.now + 1_000;
    let file = rig.bound(1, SYSTEM);
    let status = rig.timer_status(file).unwrap();
    assert_eq!((status.tv_sec, status.tv_nsec, status.resolution), (0, 0, 4_000_000));
    assert_eq!((status.lost, status.overrun, status.queue), (0, 0, 0));
}

#[test]
fn status_with_32_bit_time_tells_the_same() {
    let mut rig = Rig::new();
    let file = rig.bound_tread(1, SYSTEM);
    rig.params(file, ParamsFlags::AUTO, 1, mask(&[E::START])).unwrap();
    rig.now = aseqd_engine::Time(5_000_000_777);
    rig.command(file, t::START).unwrap();
    let junk = TimerStatus32 { reserved: [1; 64], ..TimerStatus32::default() };
    let status = rig.query(file, old::STATUS, junk).unwrap();
    assert_eq!((status.tv_sec, status.tv_nsec, status.resolution), (5, 777, 4_000_000));
    assert_eq!((status.lost, status.overrun, status.queue, status.reserved), (0, 0, 1, [0; 64]));
}

#[test]
fn the_old_codes_do_the_same() {
    let mut rig = Rig::new();
    let file = rig.bound(1, SYSTEM);
    rig.params(file, ParamsFlags::AUTO, 1, 0).unwrap();
    rig.command(file, old::START).unwrap();
    rig.command(file, old::PAUSE).unwrap();
    rig.command(file, old::CONTINUE).unwrap();
    rig.command(file, old::STOP).unwrap();
    assert_eq!(errno(rig.command(file, old::STOP)), Errno::EBUSY);
}

#[test]
fn the_device_knows_no_write_and_any_direction_of_open() {
    let mut rig = Rig::new();
    for access in [Access::Read, Access::Write, Access::ReadWrite] {
        let user = Identity::User { pid: 1 };
        let file = rig.engine.open_node(rig.now, Node::Timer, access, user).unwrap();
        rig.select(file, SYSTEM).unwrap();
        rig.params(file, ParamsFlags::empty(), 1, 0).unwrap();
        let input = Input::Call { file, call: Call::Write { data: &[0; 8], nonblock: true } };
        let reply = rig.engine.handle(rig.now, input, &mut Vec::new());
        assert_eq!(errno(reply.finish()), Errno::EINVAL);
    }
    let kernel = Identity::Kernel { number: None, card: 0, name: "Bridge" };
    let opened = rig.engine.open_node(rig.now, Node::Timer, Access::Read, kernel);
    assert_eq!(errno(opened), Errno::EINVAL);
}

#[test]
fn files_of_both_devices_share_their_numbers_and_not_their_requests() {
    let mut rig = Rig::new();
    let client = rig.client();
    let file = rig.timer_file(1);
    assert_ne!(client.file, file);
    assert_eq!(errno(rig.query(client.file, t::PVERSION, 0_i32)), Errno::ENOTTY);
    assert_eq!(errno(rig.query(file, aseqd_abi::ioctl::sequencer::PVERSION, 0_i32)), Errno::ENOTTY);
    rig.close_file(file);
    assert_eq!(errno(rig.query(file, t::PVERSION, 0_i32)), Errno::EBADF);
}

#[test]
fn processes_of_32_bit_get_small_records_and_not_the_structs_that_differ() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let mut out = Vec::new();
    let mut narrow = |request, arg: &[u8]| {
        let input = Input::Call { file, call: Call::Ioctl { request, compat: true, arg } };
        rig.engine.handle(rig.now, input, &mut out)
    };
    assert_eq!(narrow(t::TREAD_OLD, 1_i32.as_bytes()), Reply::Done(0));
    for request in [t::GPARAMS, t::INFO, t::STATUS, old::STATUS] {
        assert_eq!(errno(narrow(request, &[0; 300]).finish()), Errno::ENOTTY);
    }
    assert_eq!(errno(narrow(t32::INFO, &[]).finish()), Errno::EBADFD);
    rig.select(file, SYSTEM).unwrap();
    rig.params(file, ParamsFlags::AUTO, 1, mask(&[E::START])).unwrap();
    rig.now = aseqd_engine::Time(3_000_000_004);
    rig.command(file, t::START).unwrap();
    let (reply, bytes) = rig.read_timer(file, 100, true);
    assert_eq!(reply, Reply::Done(16));
    let expected: Vec<u8> = [2, 3, 4, 4_000_000_i32].iter().flat_map(|n| n.to_ne_bytes()).collect();
    assert_eq!(bytes, expected);
    assert_eq!(size_of::<TimerRead>(), 8);
}

#[test]
fn info_and_gparams_have_codes_for_processes_of_32_bit() {
    let mut rig = Rig::new();
    let file = rig.timer_file(1);
    let mut out = Vec::new();
    let params = TimerGparams32 { tid: SYSTEM, ..TimerGparams32::default() };
    let input =
        |request, compat, arg| Input::Call { file, call: Call::Ioctl { request, compat, arg } };
    let gparams = input(t32::GPARAMS, true, params.as_bytes());
    let reply = rig.engine.handle(rig.now, gparams, &mut out);
    assert_eq!(errno(reply.finish()), Errno::ENOSYS);
    rig.select(file, SYSTEM).unwrap();
    let reply = rig.engine.handle(rig.now, gparams, &mut out);
    assert_eq!(errno(reply.finish()), Errno::EBUSY);
    let reply = rig.engine.handle(rig.now, input(t32::INFO, true, &[]), &mut out);
    assert_eq!(reply, Reply::Done(0));
    let info = TimerInfo32::read_from_bytes(&out).unwrap();
    assert_eq!((text(&info.id), text(&info.name)), ("system", "system timer"));
    assert_eq!((info.flags, info.card, info.resolution), (0, -1, 4_000_000));
    // Other processes do not have these codes.
    for request in [t32::INFO, t32::GPARAMS] {
        let reply = rig.engine.handle(rig.now, input(request, false, &[0; 300]), &mut out);
        assert_eq!(errno(reply.finish()), Errno::ENOTTY);
    }
}

#[test]
fn proc_lists_timers_and_who_is_bound() {
    let mut rig = Rig::with_config(Config { user_timers: true, ..Config::default() });
    let file = rig.bound(77, SYSTEM);
    rig.bound(78, follower(1, 77));
    let second = rig.bound(1234, SYSTEM);
    rig.params(second, ParamsFlags::AUTO, 1, 0).unwrap();
    rig.command(second, t::START).unwrap();
    rig.params(file, ParamsFlags::AUTO, 1, 0).unwrap();
    // Pending counts as running.
    rig.command(file, t::START).unwrap();
    rig.create_timer(file, 1_000_000).unwrap();
    let client = rig.client();
    rig.create_queue(client).unwrap();
    assert_eq!(
        rig.engine.proc_timers(),
        "G0: system timer : 4000.000us (10000000 ticks)\n\
         \x20 Client application 77 : running\n\
         \x20 Client application 1234 : running\n\
         G3: HR timer : 0.001us (1000000000 ticks)\n\
         \x20 Client sequencer queue -1 : stopped\n\
         G4:  : 1000.000us (1 ticks)\n"
    );
    rig.command(file, t::STOP).unwrap();
    assert!(rig.engine.proc_timers().contains("application 77 : stopped"));
}
