//! Values of user-driven timers: resolutions, ticks, what the other requests say of them.

use crate::case::{cases, skip};
use crate::client::Mode;
use crate::sys::{self, ioctl_of_32_bits};
use crate::timer_client::{
    HRTIMER, LONG, NONE, Timer, UserTimer, clients, everything, global, text,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{GLOBAL_UDRIVEN, ParamsFlags as F, TimerEvent as E, TimerUinfo};
use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeSet;

const MILLISECOND: u64 = 1_000_000;

/// Makes the request CREATE on a file.
fn create_on(timer: &Timer) -> Result<UserTimer, Errno> {
    let wanted = TimerUinfo { resolution: MILLISECOND, ..TimerUinfo::default() };
    let info = timer.query(t::CREATE, wanted)?;
    Ok(UserTimer { fd: sys::adopt(info.fd), number: info.id })
}

/// Makes the request CREATE as a 32-bit program. Skips the case if that does not reach the device.
fn create_as_32_bits() -> (TimerUinfo, Result<i32, Errno>) {
    let mut info = TimerUinfo { resolution: MILLISECOND, ..TimerUinfo::default() };
    match ioctl_of_32_bits(Timer::open(), t::PVERSION, t::CREATE, &mut info) {
        Some(created) => (info, created),
        None => skip("no calls of 32-bit programs reach the device"),
    }
}

cases! {
    /// Every resolution but 0 is taken and returned, as large as 64 bits.
    fn every_resolution_is_taken() {
        let timer = Timer::open();
        for resolution in [1, 999, 1_000_000_000, 1 << 32, i64::MAX.cast_unsigned(), u64::MAX] {
            let driver = UserTimer::create(resolution);
            assert_eq!(timer.ginfo(driver.id()).unwrap().resolution, resolution);
        }
    }

    /// CREATE works in every access mode of the device.
    fn create_works_in_every_access_mode() {
        UserTimer::create(MILLISECOND);
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            assert!(create_on(&Timer::open_as(mode)).is_ok(), "{mode:?}");
        }
    }

    /// CREATE works on a file that is bound and runs, and leaves it.
    fn create_works_on_a_running_file() {
        UserTimer::create(MILLISECOND);
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        let driver = create_on(&timer).unwrap();
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
        assert_eq!(timer.stop(), Ok(()));
        assert_eq!(clients(driver.id()), 0);
    }

    /// CREATE does not look at number and descriptor that the caller passed.
    fn create_ignores_number_and_descriptor() {
        UserTimer::create(MILLISECOND);
        for (id, fd) in [(0, -1), (u32::MAX, i32::MAX), (127, 0)] {
            let wanted = TimerUinfo { resolution: 1, id, fd, ..TimerUinfo::default() };
            let info = Timer::open().query(t::CREATE, wanted).unwrap();
            let driver = UserTimer { fd: sys::adopt(info.fd), number: info.id };
            assert!(info.id < 128 && info.fd >= 0);
            assert!(Timer::open().ginfo(driver.id()).is_ok());
        }
    }

    /// Timers that exist at the same time have different numbers.
    fn numbers_are_given_once() {
        UserTimer::create(MILLISECOND);
        let all: Vec<_> = (0..10).map(|_| UserTimer::create(MILLISECOND)).collect();
        let numbers: BTreeSet<_> = all.iter().map(|timer| timer.number).collect();
        assert_eq!(numbers.len(), 10);
    }

    /// A number whose timer is gone is ENODEV, and so is one that never was.
    fn numbers_without_a_timer_are_enodev() {
        let driver = UserTimer::create(MILLISECOND);
        let id = driver.id();
        let timer = Timer::open();
        for subdevice in [128, 1000, -1, i32::MAX] {
            assert_eq!(timer.select(global(GLOBAL_UDRIVEN, subdevice)), Err(Errno::ENODEV), "{subdevice}");
        }
        drop(driver);
        assert_eq!(timer.ginfo(id).map(drop), Err(Errno::ENODEV));
        assert_eq!(timer.gstatus(id).map(drop), Err(Errno::ENODEV));
        assert_eq!(timer.gparams(id), Err(Errno::ENODEV));
    }

    /// The period of a user-driven timer cannot be set by GPARAMS: ENOSYS, or EBUSY while one is bound.
    fn the_period_cannot_be_set() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::open();
        assert_eq!(timer.gparams(driver.id()), Err(Errno::ENOSYS));
        let _user = Timer::plain(driver.id());
        assert_eq!(timer.gparams(driver.id()), Err(Errno::EBUSY));
    }

    /// GSTATUS tells the resolution, and it again as a fraction.
    fn gstatus_tells_the_resolution() {
        let driver = UserTimer::create(2_500_000);
        let status = Timer::open().gstatus(driver.id()).unwrap();
        assert_eq!((status.resolution, status.resolution_num, status.resolution_den), (2_500_000, 2_500_000, 1_000_000_000));
    }

    /// GINFO counts the instances that are bound.
    fn ginfo_counts_instances() {
        let driver = UserTimer::create(MILLISECOND);
        let users = [Timer::plain(driver.id()), Timer::tread(driver.id())];
        assert_eq!(clients(driver.id()), 2);
        drop(users);
        crate::client::wait_until("they are gone", || clients(driver.id()) == 0);
    }

    /// INFO and STATUS of a bound file tell the timer's name and resolution.
    fn info_and_status_tell_the_timer() {
        let driver = UserTimer::create(3_000_000);
        let timer = Timer::plain(driver.id());
        let info = timer.try_info().unwrap();
        assert_eq!((text(&info.id), text(&info.name)), (format!("snd-utimer{}", driver.number), String::new()));
        assert_eq!((info.resolution, info.card, info.flags), (3_000_000, -1, 0));
        assert_eq!(timer.status().resolution, 3_000_000);
    }

    /// STATUS tells the lower 32 bits of a resolution, INFO all.
    fn status_tells_32_bits() {
        let driver = UserTimer::create((1 << 32) + 5);
        let timer = Timer::plain(driver.id());
        assert_eq!((timer.status().resolution, timer.try_info().unwrap().resolution), (5, (1 << 32) + 5));
    }

    /// The rule of a millisecond is about the product of resolution and ticks, which wraps at 64 bits.
    fn the_rule_of_a_millisecond_wraps() {
        let driver = UserTimer::create(1 << 63);
        let timer = Timer::plain(driver.id());
        assert_eq!(timer.set(F::AUTO, 2, 0), Err(Errno::EINVAL));
        assert_eq!(timer.set(F::AUTO, 3, 0), Ok(()));
        assert_eq!(timer.set(F::AUTO, 0, 0), Err(Errno::EINVAL));
    }

    /// A file without PARAMS can be started, with one tick of one resolution, if that is at least a tenth of a millisecond.
    fn start_without_params() {
        let driver = UserTimer::create(100_000);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.start(), Ok(()));
        let short = UserTimer::create(99_999);
        let timer = Timer::tread(short.id());
        assert_eq!(timer.start(), Err(Errno::EINVAL));
    }

    /// EARLY_EVENT makes a record before any trigger.
    fn an_early_event_comes_before_a_trigger() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::EARLY_EVENT, 1, 0), Ok(()));
        assert_eq!(timer.events(), [E::EARLY]);
    }

    /// Plain records count triggers.
    fn plain_records_count_triggers() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::plain(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, 0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        driver.trigger(7);
        let records = timer.plain_records();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].resolution, records[0].ticks), (1_000_000, 7));
    }

    /// A plain record has the lower 32 bits of the resolution.
    fn a_plain_record_has_32_bits_of_resolution() {
        let driver = UserTimer::create((1 << 32) + 1_000_000);
        let timer = Timer::plain(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, 0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        driver.trigger(1);
        assert_eq!(timer.plain_records()[0].resolution, 1_000_000);
    }

    /// NEXT_DEVICE lists a user-driven timer behind HRTIMER.
    fn next_device_lists_it_behind_hrtimer() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::plain(HRTIMER);
        let next = timer.next(HRTIMER);
        assert_eq!((next.dev_class, next.device, next.card), (1, GLOBAL_UDRIVEN, -1));
        assert!(next.subdevice <= driver.id().subdevice);
        assert_ne!(timer.next(NONE).device, GLOBAL_UDRIVEN);
    }

    /// Without a free descriptor CREATE is EMFILE, and no timer stays behind.
    fn create_without_a_descriptor_is_emfile() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::open();
        let mut files = Vec::new();
        if getrlimit(Resource::Nofile).current.is_none_or(|limit| limit > 65_536) {
            skip("the limit of descriptors is too far");
        }
        let any = std::fs::File::open("/proc/self/stat").unwrap();
        while let Ok(file) = rustix::io::dup(&any) {
            files.push(file);
        }
        assert_eq!(create_on(&timer).map(drop), Err(sys::errno(rustix::io::Errno::MFILE)));
        files.clear();
        let next = create_on(&timer).unwrap();
        assert_eq!(next.number, driver.number + 1, "the number was given back");
    }

    /// The descriptor can be made to close in an exec or not, and its status flags can be changed.
    fn flags_of_the_descriptor_can_be_set() {
        let driver = UserTimer::create(MILLISECOND);
        rustix::fs::fcntl_setfl(&driver.fd, OFlags::NONBLOCK).unwrap();
        assert!(rustix::fs::fcntl_getfl(&driver.fd).unwrap().contains(OFlags::NONBLOCK));
        driver.trigger(1);
    }

    /// Every record can be asked for, and its filter holds.
    fn the_filter_of_records_holds() {
        let driver = UserTimer::create(MILLISECOND);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, 1 << E::TICK.0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        driver.trigger(2);
        assert_eq!(timer.told(), [(E::TICK, 2)]);
        assert_eq!(timer.set(F::AUTO, 1, everything() & !(1 << E::TICK.0)), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        driver.trigger(2);
        assert_eq!(timer.events(), [E::START, E::RESOLUTION]);
    }
    /// CREATE from a 32-bit program is ENOTTY.
    until "6.13" fn create_from_a_32_bit_program_is_enotty() {
        UserTimer::create(MILLISECOND);
        assert_eq!(create_as_32_bits().1, Err(Errno::ENOTTY));
    }

    /// CREATE and TRIGGER work from a 32-bit program.
    since "7.3" fn create_works_from_a_32_bit_program() {
        UserTimer::create(MILLISECOND);
        let (info, created) = create_as_32_bits();
        assert_eq!(created, Ok(0));
        let driver = UserTimer { fd: sys::adopt(info.fd), number: info.id };
        assert_eq!(Timer::open().ginfo(driver.id()).unwrap().resolution, MILLISECOND);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, 1 << E::TICK.0), Ok(()));
        assert_eq!(timer.start(), Ok(()));
        let triggered = ioctl_of_32_bits(&driver.fd, t::TRIGGER, t::TRIGGER, &mut 0_u32);
        assert_eq!(triggered, Some(Ok(0)));
        assert_eq!(timer.told(), [(E::TICK, 2)]);
    }
}
