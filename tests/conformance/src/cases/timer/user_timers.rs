//! User-driven timers: CREATE and TRIGGER.

use crate::case::cases;
use crate::sys::{self, errno};
use crate::timer_client::{NONE, Timer, UserTimer, clients, everything, global, own_slave, text};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{GLOBAL_UDRIVEN, ParamsFlags as F, TimerEvent as E, TimerUinfo};
use rustix::fs::{OFlags, SeekFrom, fcntl_getfl, seek};
use rustix::io::{FdFlags, fcntl_getfd};

const MILLISECOND: u64 = 1_000_000;

/// Returns a user timer of a millisecond, and a file on it with every record, that runs.
fn driven(flags: F, ticks: u32) -> (UserTimer, Timer) {
    let driver = UserTimer::create(MILLISECOND);
    let timer = Timer::tread(driver.id());
    assert_eq!(timer.set(flags, ticks, everything()), Ok(()));
    assert_eq!(timer.start(), Ok(()));
    (driver, timer)
}

cases! {
    /// A resolution of 0 is EINVAL, and the struct stays.
    fn create_with_resolution_0_is_einval() {
        UserTimer::create(MILLISECOND);
        let given = TimerUinfo { fd: 77, id: 88, reserved: [0xa5; 16], ..TimerUinfo::default() };
        let mut info = given;
        assert_eq!(Timer::open().ioctl(t::CREATE, &mut info), Err(Errno::EINVAL));
        assert_eq!(info, given);
    }

    /// The timer is described: its id has its number, its name is empty.
    fn a_user_timer_is_described() {
        let driver = UserTimer::create(1_234_567);
        let info = Timer::open().ginfo(driver.id()).unwrap();
        assert_eq!(text(&info.id), format!("snd-utimer{}", driver.number));
        assert_eq!((text(&info.name), info.flags, info.card), (String::new(), 0, -1));
        assert_eq!((info.resolution, info.clients), (1_234_567, 0));
    }

    /// CREATE returns its reserved bytes unchanged.
    fn create_leaves_what_is_reserved() {
        UserTimer::create(MILLISECOND);
        let given = TimerUinfo { reserved: [0xa5; 16], resolution: 5, ..TimerUinfo::default() };
        let info = Timer::open().query(t::CREATE, given).unwrap();
        let _driver = sys::adopt(info.fd);
        assert_eq!((info.reserved, info.resolution), ([0xa5; 16], 5));
    }

    /// The lowest free number is given.
    fn the_lowest_free_number_is_given() {
        let [first, second, third] = [1, 2, 3].map(|ms| UserTimer::create(ms * MILLISECOND));
        assert!(first.number < second.number && second.number < third.number);
        let number = second.number;
        drop(second);
        assert_eq!(UserTimer::create(MILLISECOND).number, number);
    }

    /// There are 128, then it is ENOSPC, and the struct stays.
    fn there_are_128_user_timers() {
        let mut all = vec![UserTimer::create(MILLISECOND)];
        let error = loop {
            match UserTimer::try_create(MILLISECOND) {
                Ok(timer) => all.push(timer),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Errno::ENOSPC);
        assert!(all.iter().all(|timer| timer.number < 128));
        assert!(all.len() <= 128 && all.iter().any(|timer| timer.number == 127));
        let given = TimerUinfo { resolution: 1, fd: 77, id: 88, ..TimerUinfo::default() };
        let mut info = given;
        assert_eq!(Timer::open().ioctl(t::CREATE, &mut info), Err(Errno::ENOSPC));
        assert_eq!(info, given);
    }

    /// Only the first user timer is listed: NEXT_DEVICE does not look at subdevices.
    fn only_the_first_user_timer_is_listed() {
        let drivers = [UserTimer::create(MILLISECOND), UserTimer::create(MILLISECOND)];
        let timer = Timer::open();
        let listed = timer.next(global(GLOBAL_UDRIVEN - 1, 0));
        assert_eq!((listed.device, listed.dev_class), (GLOBAL_UDRIVEN, 1));
        assert!(listed.subdevice <= drivers[0].id().subdevice);
        assert_ne!(timer.next(listed).device, GLOBAL_UDRIVEN);
        assert_ne!(timer.next(NONE), listed);
    }

    /// The file that created it may be closed.
    fn the_timer_outlives_the_file_that_made_it() {
        let driver = UserTimer::create(MILLISECOND);
        assert_eq!(Timer::plain(driver.id()).bound(), Ok(format!("snd-utimer{}", driver.number)));
    }

    /// The descriptor is closed on exec, and is read and write.
    fn the_descriptor_is_closed_on_exec() {
        let driver = UserTimer::create(MILLISECOND);
        assert!(fcntl_getfd(&driver.fd).unwrap().contains(FdFlags::CLOEXEC));
        assert_eq!(fcntl_getfl(&driver.fd).unwrap() & OFlags::ACCMODE, OFlags::RDWR);
    }

    /// The descriptor of a user timer can do nothing but TRIGGER.
    fn the_descriptor_can_only_trigger() {
        let driver = UserTimer::create(MILLISECOND);
        for code in [t::START, t::STOP, t::PVERSION, t::INFO, t::STATUS, t::CREATE] {
            let request = sys::ioctl(&driver.fd, code, &mut [0_u64; 32]);
            assert_eq!(request, Err(Errno::ENOTTY), "{code:#x}");
        }
        let read = rustix::io::read(&driver.fd, &mut [0_u8; 32]).map_err(errno);
        assert_eq!(read, Err(Errno::EINVAL));
        assert_eq!(rustix::io::write(&driver.fd, &[0; 8]).map_err(errno), Err(Errno::EINVAL));
        assert_eq!(seek(&driver.fd, SeekFrom::Start(0)).map_err(errno), Ok(0));
    }

    /// TRIGGER is no request of the timer device.
    fn the_device_cannot_trigger() {
        let timer = Timer::open();
        assert_eq!(timer.order(t::TRIGGER), Err(Errno::ENOTTY));
    }

    /// TRIGGER with nobody bound, or nobody running, does nothing.
    fn trigger_without_users_does_nothing() {
        let driver = UserTimer::create(MILLISECOND);
        driver.trigger(3);
        let timer = Timer::tread(driver.id());
        assert_eq!(timer.set(F::AUTO, 1, everything()), Ok(()));
        driver.trigger(3);
        assert_eq!(timer.events(), []);
    }

    /// Each TRIGGER is one tick.
    fn each_trigger_is_a_tick() {
        let (driver, timer) = driven(F::AUTO, 1);
        for _ in 0..3 {
            driver.trigger(1);
            assert_eq!(timer.told().last(), Some(&(E::TICK, 1)));
        }
        driver.trigger(5);
        assert_eq!(timer.told(), [(E::TICK, 5)]);
    }

    /// The first of them is behind START and RESOLUTION.
    fn the_first_trigger_tells_the_resolution() {
        let (driver, timer) = driven(F::AUTO, 1);
        driver.trigger(2);
        let told = [(E::START, 1_000_000), (E::RESOLUTION, 1_000_000), (E::TICK, 2)];
        assert_eq!(timer.told(), told);
    }

    /// One that is not periodic fires at the first TRIGGER.
    fn once_fires_at_the_first_trigger() {
        let (driver, timer) = driven(F::empty(), 1);
        driver.trigger(3);
        assert_eq!(timer.told().last(), Some(&(E::TICK, 1)));
        assert_eq!(timer.stop(), Err(Errno::EBUSY));
    }

    /// A single user of three ticks gets three at every TRIGGER.
    fn three_ticks_come_at_every_trigger() {
        let (driver, timer) = driven(F::AUTO, 3);
        timer.discard();
        for _ in 0..3 {
            driver.trigger(1);
            assert_eq!(timer.told().last(), Some(&(E::TICK, 3)));
        }
    }

    /// With a user of one tick before it, it counts one at each TRIGGER, from the second on.
    fn two_users_count_one_at_each_trigger() {
        let (driver, first) = driven(F::AUTO, 1);
        let second = Timer::tread(driver.id());
        assert_eq!(second.set(F::AUTO, 3, 1 << E::TICK.0), Ok(()));
        assert_eq!(second.start(), Ok(()));
        first.discard();
        for expected in [vec![], vec![], vec![], vec![(E::TICK, 3)], vec![], vec![]] {
            driver.trigger(1);
            assert_eq!(second.told(), expected);
            assert_eq!(first.told().last(), Some(&(E::TICK, 1)));
        }
    }

    /// A period is kept by PAUSE.
    fn pause_keeps_the_ticks_of_a_user_timer() {
        let (driver, first) = driven(F::AUTO, 1);
        let second = Timer::tread(driver.id());
        assert_eq!(second.set(F::AUTO, 5, 1 << E::TICK.0), Ok(()));
        assert_eq!(second.start(), Ok(()));
        driver.trigger(1 + 3);
        assert_eq!(second.pause(), Ok(()));
        driver.trigger(10);
        assert_eq!((second.events(), second.resume()), (vec![], Ok(())));
        driver.trigger(1 + 1);
        assert_eq!(second.events(), []);
        driver.trigger(1);
        assert_eq!(second.events(), [E::TICK]);
        drop(first);
    }

    /// The rule of a millisecond holds, though the resolution is only said.
    fn the_rule_of_a_millisecond_holds() {
        let driver = UserTimer::create(1000);
        let timer = Timer::plain(driver.id());
        assert_eq!(timer.set(F::AUTO, 999, 0), Err(Errno::EINVAL));
        assert_eq!(timer.set(F::AUTO, 1000, 0), Ok(()));
    }

    /// A slave of its user gets the ticks.
    fn a_slave_gets_the_ticks_of_a_user_timer() {
        let (driver, master) = driven(F::AUTO, 1);
        let slave = Timer::slave(own_slave());
        assert_eq!(slave.start(), Ok(()));
        driver.trigger(2);
        let told = [(E::START, 1_000_000), (E::RESOLUTION, 1_000_000), (E::TICK, 2)];
        assert_eq!(slave.told(), told);
        assert_eq!(master.stop(), Ok(()));
        assert_eq!(slave.told(), [(E::MSTOP, 0)]);
    }

    /// Closing it takes the timer away, and the bindings.
    fn closing_takes_the_timer_away() {
        let (driver, timer) = driven(F::AUTO, 1);
        let id = driver.id();
        timer.discard();
        drop(driver);
        assert_eq!(Timer::open().select(id), Err(Errno::ENODEV));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        assert_eq!(timer.set(F::AUTO, 1, 0), Err(Errno::EBADFD));
        for code in [t::START, t::STOP, t::CONTINUE, t::PAUSE] {
            assert_eq!(timer.order(code), Err(Errno::EINVAL), "{code:#x}");
        }
        assert_eq!(timer.status().resolution, 0);
    }

    /// A file whose timer was taken away can select another.
    fn a_file_outlives_its_timer() {
        let (driver, timer) = driven(F::AUTO, 1);
        drop(driver);
        let other = UserTimer::create(MILLISECOND);
        assert_eq!(timer.select(other.id()), Ok(()));
        assert_eq!(clients(other.id()), 1);
    }
}
