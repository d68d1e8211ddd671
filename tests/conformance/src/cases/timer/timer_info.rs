//! What is told of a timer: GINFO, GSTATUS, GPARAMS by id, INFO of the own.

use crate::case::cases;
use crate::client::patterned;
use crate::timer_client::{
    HRTIMER, MISSING, MS, SYSTEM, Timer, clients, global, own_slave, text, zero,
};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{CLASS_CARD, CLASS_PCM, TimerGinfo, TimerGstatus, TimerId};

/// The periods that the system timer has: HZ is 100, 250, 300 or 1000.
const JIFFIES: [u64; 4] = [10_000_000, 4_000_000, 3_333_333, 1_000_000];

/// Ids of timers that do not exist.
fn missing() -> [TimerId; 5] {
    [
        MISSING,
        global(1, 0),
        global(0, 1),
        TimerId { dev_class: CLASS_CARD, card: 31, device: 9, ..TimerId::default() },
        TimerId { dev_class: CLASS_PCM, card: 31, device: 9, ..TimerId::default() },
    ]
}

cases! {
    /// The system timer is described.
    fn ginfo_of_the_system_timer() {
        let info = Timer::open().ginfo(SYSTEM).unwrap();
        assert_eq!((text(&info.id), text(&info.name)), ("system".into(), "system timer".into()));
        assert_eq!((info.flags, info.card), (0, -1));
        assert!(JIFFIES.contains(&info.resolution), "{}", info.resolution);
    }

    /// HRTIMER is described: its tick is a nanosecond.
    fn ginfo_of_hrtimer() {
        let info = Timer::plain(HRTIMER).ginfo(HRTIMER).unwrap();
        assert_eq!((text(&info.id), text(&info.name)), ("hrtimer".into(), "HR timer".into()));
        assert_eq!((info.flags, info.card, info.resolution), (0, -1, 1));
    }

    /// The timers give no range of their resolution, and everything reserved is zero.
    fn ginfo_has_zeros_behind() {
        for id in [SYSTEM, HRTIMER] {
            let info = Timer::plain(id).ginfo(id).unwrap();
            assert_eq!((info.resolution_min, info.resolution_max), (0, 0));
            assert_eq!((info.reserved0, info.pad, info.pad2), (0, 0, 0));
            assert!(zero(&info.reserved));
            let rest = |name: &[u8]| zero(&name[text(name).len()..]);
            assert!(rest(&info.id) && rest(&info.name));
        }
    }

    /// GINFO leaves the id as it was asked for.
    fn ginfo_leaves_the_id() {
        let id = TimerId { dev_sclass: 5, card: 7, ..SYSTEM };
        assert_eq!(Timer::open().ginfo(id).unwrap().tid, id);
    }

    /// GINFO of a timer that does not exist is ENODEV, and the struct stays.
    fn ginfo_of_a_missing_timer_is_enodev() {
        let timer = Timer::open();
        for tid in missing() {
            let mut info = TimerGinfo { tid, ..patterned() };
            assert_eq!(timer.ioctl(t::GINFO, &mut info), Err(Errno::ENODEV), "{tid:?}");
            assert_eq!(info, TimerGinfo { tid, ..patterned() });
        }
    }

    /// Slaves and no class are no timers: ENODEV.
    fn ginfo_of_no_timer_is_enodev() {
        let timer = Timer::open();
        for dev_class in [-1, 0, 4, 99] {
            let id = TimerId { dev_class, dev_sclass: 1, ..SYSTEM };
            assert_eq!(timer.ginfo(id).map(drop), Err(Errno::ENODEV), "{dev_class}");
            assert_eq!(timer.gstatus(id).map(drop), Err(Errno::ENODEV), "{dev_class}");
            assert_eq!(timer.gparams(id), Err(Errno::ENODEV), "{dev_class}");
        }
    }

    /// GINFO counts the bound instances, running or not.
    fn ginfo_counts_who_is_bound() {
        let before = clients(SYSTEM);
        let (first, second) = (Timer::plain(SYSTEM), Timer::plain(SYSTEM));
        assert_eq!(first.start(), Ok(()));
        assert_eq!(clients(SYSTEM), before + 2);
        assert_eq!(second.select(MISSING), Err(Errno::ENODEV));
        assert_eq!(clients(SYSTEM), before + 1);
    }

    /// GINFO does not count slaves.
    fn ginfo_does_not_count_slaves() {
        let before = clients(SYSTEM);
        let _master = Timer::plain(SYSTEM);
        let _slave = Timer::slave(own_slave());
        assert_eq!(clients(SYSTEM), before + 1);
    }

    /// GSTATUS tells the resolution, and as a fraction of a second.
    fn gstatus_tells_the_resolution() {
        for id in [SYSTEM, HRTIMER] {
            let timer = Timer::plain(id);
            let resolution = timer.ginfo(id).unwrap().resolution;
            let status = timer.gstatus(id).unwrap();
            let told = [status.resolution, status.resolution_num, status.resolution_den];
            assert_eq!(told, [resolution, resolution, 1_000_000_000]);
        }
    }

    /// GSTATUS leaves the id as it was, and the rest is zero.
    fn gstatus_leaves_the_id_and_has_zeros_behind() {
        let id = TimerId { dev_sclass: 5, card: 7, ..SYSTEM };
        let status = Timer::open().gstatus(id).unwrap();
        assert_eq!((status.tid, status.pad), (id, 0));
        assert!(zero(&status.reserved));
    }

    /// GSTATUS of a timer that does not exist is ENODEV, and the struct stays.
    fn gstatus_of_a_missing_timer_is_enodev() {
        let timer = Timer::open();
        for tid in missing() {
            let mut status = TimerGstatus { tid, ..patterned() };
            assert_eq!(timer.ioctl(t::GSTATUS, &mut status), Err(Errno::ENODEV), "{tid:?}");
            assert_eq!(status, TimerGstatus { tid, ..patterned() });
        }
    }

    /// The global timers have no period to set: ENOSYS.
    fn gparams_is_enosys() {
        crate::timer_client::alone_on(SYSTEM);
        crate::timer_client::alone_on(HRTIMER);
        assert_eq!(Timer::open().gparams(SYSTEM), Err(Errno::ENOSYS));
        assert_eq!(Timer::open().gparams(HRTIMER), Err(Errno::ENOSYS));
    }

    /// GPARAMS of a timer that does not exist is ENODEV.
    fn gparams_of_a_missing_timer_is_enodev() {
        for tid in missing() {
            assert_eq!(Timer::open().gparams(tid), Err(Errno::ENODEV), "{tid:?}");
        }
    }

    /// GPARAMS of a timer that somebody is bound to is EBUSY, for him too.
    fn gparams_of_a_timer_in_use_is_ebusy() {
        let timer = Timer::plain(SYSTEM);
        assert_eq!(timer.gparams(SYSTEM), Err(Errno::EBUSY));
        assert_eq!(Timer::open().gparams(SYSTEM), Err(Errno::EBUSY));
    }

    /// INFO tells of the bound timer what GINFO tells.
    fn info_is_that_of_the_bound_timer() {
        for id in [SYSTEM, HRTIMER] {
            let timer = Timer::plain(id);
            let (info, ginfo) = (timer.try_info().unwrap(), timer.ginfo(id).unwrap());
            assert_eq!((info.flags, info.card), (ginfo.flags, ginfo.card));
            assert_eq!((info.id, info.name), (ginfo.id, ginfo.name));
            assert_eq!(info.resolution, ginfo.resolution);
            assert!(info.reserved0 == 0 && zero(&info.reserved));
        }
    }

    /// Without a binding, INFO is EBADFD.
    fn info_without_binding_is_ebadfd() {
        assert_eq!(Timer::open().try_info().map(drop), Err(Errno::EBADFD));
    }

    /// A slave's INFO is that of its master's timer.
    fn info_of_a_slave_is_its_masters_timer() {
        let _master = Timer::periodic(MS);
        assert_eq!(Timer::slave(own_slave()).bound(), Ok("hrtimer".into()));
    }

    /// Questions by id need no binding, and make none.
    fn questions_by_id_do_not_bind() {
        let timer = Timer::open();
        let before = clients(SYSTEM);
        timer.ginfo(SYSTEM).unwrap();
        timer.gstatus(SYSTEM).unwrap();
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
        assert_eq!(clients(SYSTEM), before);
    }
}
