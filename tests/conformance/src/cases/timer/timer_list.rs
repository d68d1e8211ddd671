//! Which timers there are: PVERSION, NEXT_DEVICE.

use crate::case::cases;
use crate::timer_client::{HRTIMER, NONE, SYSTEM, Timer, global, own_slave};
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{CLASS_CARD, CLASS_GLOBAL, CLASS_NONE, CLASS_PCM, CLASS_SLAVE, TimerId};

/// More timers than a machine has.
const MANY: usize = 1000;

/// Returns a device that has used HRTIMER, so that it is listed.
fn lister() -> Timer {
    Timer::plain(HRTIMER)
}

/// Order of the list.
fn place(id: &TimerId) -> [i32; 4] {
    [id.dev_class, id.card, id.device, id.subdevice]
}

cases! {
    /// The version is 2.0.8.
    since "6.12" fn timer_version_is_2_0_8() {
        assert_eq!(Timer::open().query(t::PVERSION, 0), Ok(0x02_00_08));
    }

    /// The version is 2.0.7.
    until "6.12" fn timer_version_is_2_0_7() {
        assert_eq!(Timer::open().query(t::PVERSION, 0), Ok(0x02_00_07));
    }

    /// The list begins with the system timer.
    fn list_begins_with_the_system_timer() {
        assert_eq!(lister().next(NONE), SYSTEM);
    }

    /// Any negative class begins the list, whatever else the id says.
    fn any_negative_class_begins_the_list() {
        let timer = lister();
        let strange = TimerId { dev_class: -5, dev_sclass: 7, card: 7, device: 7, subdevice: 7 };
        assert_eq!(timer.next(strange), SYSTEM);
        let id = TimerId { dev_class: i32::MIN, ..TimerId::default() };
        assert_eq!(timer.next(id), SYSTEM);
    }

    /// HRTIMER is behind the system timer.
    fn list_goes_on_with_hrtimer() {
        assert_eq!(lister().next(SYSTEM), HRTIMER);
    }

    /// The list ascends, has no timer twice, and ends with no timer.
    fn list_ascends_and_ends() {
        let timer = lister();
        let mut id = timer.next(NONE);
        for _ in 0..MANY {
            let next = timer.next(id);
            if next.dev_class == CLASS_NONE {
                assert_eq!(next, NONE);
                return;
            }
            assert!(place(&next) > place(&id), "{id:?} {next:?}");
            id = next;
        }
        panic!("the list has an end");
    }

    /// The end of the list is success, and the next request begins the list again.
    fn the_end_is_the_beginning() {
        let timer = lister();
        let last = TimerId { dev_class: CLASS_PCM, card: i32::MAX, ..TimerId::default() };
        let end = timer.next(last);
        assert_eq!(end, NONE);
        assert_eq!(timer.next(end), SYSTEM);
    }

    /// A negative device of the global class is in front of the first.
    fn a_negative_global_device_is_in_front_of_the_first() {
        for device in [-1, -7, i32::MIN] {
            assert_eq!(lister().next(global(device, 0)), SYSTEM, "{device}");
        }
    }

    /// A global device that does not exist has a next one too.
    fn behind_a_missing_device_comes_the_next() {
        for device in [1, 2] {
            assert_eq!(lister().next(global(device, 0)), HRTIMER, "{device}");
        }
    }

    /// The subdevice plays no part among global timers.
    fn subdevice_plays_no_part_among_global_timers() {
        for subdevice in [-1, 1, i32::MAX] {
            assert_eq!(lister().next(global(0, subdevice)), HRTIMER, "{subdevice}");
        }
    }

    /// Card and sub-class play no part among global timers.
    fn card_plays_no_part_among_global_timers() {
        let id = TimerId { card: 5, dev_sclass: 3, ..SYSTEM };
        assert_eq!(lister().next(id), HRTIMER);
    }

    /// Behind the greatest global number is the first again: the number wraps.
    fn behind_the_greatest_global_device_is_the_first() {
        assert_eq!(lister().next(global(i32::MAX, 0)), SYSTEM);
    }

    /// After a large global number comes a timer of another class.
    fn behind_a_great_global_device_is_another_class() {
        let next = lister().next(global(i32::MAX - 1, 0));
        assert_ne!(next.dev_class, CLASS_GLOBAL);
    }

    /// The slave class has no next: the end.
    fn the_slave_class_has_no_next() {
        assert_eq!(lister().next(own_slave()), NONE);
        assert_eq!(lister().next(TimerId { dev_class: CLASS_SLAVE, ..NONE }), NONE);
    }

    /// A class that does not exist has no next: the end.
    fn an_unknown_class_has_no_next() {
        for dev_class in [4, 9, i32::MAX] {
            assert_eq!(lister().next(TimerId { dev_class, ..NONE }), NONE, "{dev_class}");
        }
    }

    /// The timers of cards are asked for by class.
    fn cards_are_listed_by_class() {
        for dev_class in [CLASS_CARD, CLASS_PCM] {
            let next = lister().next(TimerId { dev_class, ..NONE });
            assert!(next.dev_class >= dev_class || next == NONE, "{next:?}");
        }
    }

    /// The list does not need a binding, and does not bind.
    fn list_needs_no_binding() {
        let timer = Timer::open();
        assert_eq!(timer.next(NONE), SYSTEM);
        assert_eq!(timer.bound(), Err(aseqd_abi::Errno::EBADFD));
    }
}
