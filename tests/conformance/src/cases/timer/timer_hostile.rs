//! Requests that no program of good will makes.

use crate::case::cases;
use crate::client::{Client, patterned};
use crate::sys;
use crate::timer_client::{HRTIMER, LONG, NONE, STATUS_OLD, SYSTEM, Timer, UserTimer, everything};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{READ, WRITE, ioc, sequencer, timers as t};
use aseqd_abi::timer::{ParamsFlags, TimerId, TimerParams, TimerSelect};

/// Makes a request with an address that is not mapped.
fn at_bad_address(timer: &Timer, code: u32) -> Result<i32, Errno> {
    sys::ioctl_at_bad_address(timer, code)
}

/// Makes a request with many bytes 0xff.
fn with_ones(timer: &Timer, code: u32) -> Result<i32, Errno> {
    timer.ioctl(code, &mut [0xff_u8; 512])
}

cases! {
    /// A bad address is EFAULT for what needs no binding.
    fn timer_bad_address_is_efault() {
        let timer = Timer::open();
        let codes = [
            t::PVERSION,
            t::NEXT_DEVICE,
            t::TREAD_OLD,
            t::TREAD64,
            t::GINFO,
            t::GPARAMS,
            t::GSTATUS,
            t::SELECT,
        ];
        for code in codes {
            assert_eq!(at_bad_address(&timer, code), Err(Errno::EFAULT), "{code:#x}");
        }
    }

    /// With a binding, a bad address is EFAULT for requests that need one.
    fn timer_bad_address_is_efault_when_bound() {
        let timer = Timer::plain(HRTIMER);
        for code in [t::INFO, t::PARAMS, t::STATUS, STATUS_OLD] {
            assert_eq!(at_bad_address(&timer, code), Err(Errno::EFAULT), "{code:#x}");
        }
        assert_eq!(timer.bound(), Ok("hrtimer".into()));
    }

    /// Without a binding, a bad address is EBADFD: the binding is checked first.
    fn timer_binding_is_looked_at_before_the_address() {
        let timer = Timer::open();
        for code in [t::INFO, t::STATUS, STATUS_OLD] {
            assert_eq!(at_bad_address(&timer, code), Err(Errno::EBADFD), "{code:#x}");
        }
    }

    /// Without a binding, PARAMS at a bad address is EBADFD, although its argument is read.
    fn params_without_binding_at_a_bad_address_is_ebadfd() {
        assert_eq!(at_bad_address(&Timer::open(), t::PARAMS), Err(Errno::EBADFD));
    }

    /// The format of a bound file is EBUSY, whatever the address.
    fn format_at_a_bad_address_is_ebusy_when_bound() {
        let timer = Timer::plain(SYSTEM);
        for code in [t::TREAD_OLD, t::TREAD64] {
            assert_eq!(at_bad_address(&timer, code), Err(Errno::EBUSY), "{code:#x}");
        }
    }

    /// SELECT at a bad address drops the binding.
    fn select_at_a_bad_address_unbinds() {
        let timer = Timer::plain(SYSTEM);
        assert_eq!(at_bad_address(&timer, t::SELECT), Err(Errno::EFAULT));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
    }

    /// PARAMS at a bad address changes nothing.
    fn params_at_a_bad_address_does_not_stop() {
        let timer = Timer::periodic(LONG);
        assert_eq!(timer.start(), Ok(()));
        assert_eq!(at_bad_address(&timer, t::PARAMS), Err(Errno::EFAULT));
        assert_eq!(timer.stop(), Ok(()));
    }

    /// CREATE at a bad address is EFAULT.
    fn create_at_a_bad_address_is_efault() {
        UserTimer::create(1_000_000);
        assert_eq!(at_bad_address(&Timer::open(), t::CREATE), Err(Errno::EFAULT));
    }

    /// The orders do not look at their argument.
    fn orders_ignore_their_argument() {
        let timer = Timer::periodic(LONG);
        for code in [t::START, t::PAUSE, t::CONTINUE, t::STOP] {
            assert_eq!(at_bad_address(&timer, code), Ok(0), "{code:#x}");
        }
    }

    /// Requests that do not exist are ENOTTY.
    fn timer_unknown_requests_are_enotty() {
        let timer = Timer::plain(SYSTEM);
        for number in [0x06, 0x0f, 0x13, 0x15, 0x1a, 0x24, 0x2f, 0x9f, 0xa7, 0xff] {
            for direction in [0, READ, WRITE, READ | WRITE] {
                let code = ioc(direction, b'T', number, 8);
                assert_eq!(with_ones(&timer, code), Err(Errno::ENOTTY), "{code:#x}");
            }
        }
    }

    /// Codes with another size or direction are other requests: ENOTTY.
    fn timer_codes_are_compared_whole() {
        let timer = Timer::plain(SYSTEM);
        for (name, code) in t::ALL {
            let (direction, kept) = (code >> 30, code & 0x3fff_ffff);
            let other_direction = kept | ((direction ^ 1) << 30);
            let other_size = code + (4 << 16);
            for other in [other_direction, other_size] {
                assert_eq!(with_ones(&timer, other), Err(Errno::ENOTTY), "{name} {other:#x}");
            }
        }
    }

    /// The sizes of 32-bit programs are ENOTTY for others.
    fn timer_codes_of_32_bits_are_enotty() {
        let timer = Timer::plain(SYSTEM);
        for code in [0xc0e0_5403, 0x403c_5404, 0xc040_5405, 0x80e0_5411, 0x4058_5414, 0x4060_5414] {
            assert_eq!(with_ones(&timer, code), Err(Errno::ENOTTY), "{code:#x}");
        }
    }

    /// Requests of terminals, which have the same letter, are ENOTTY.
    fn timer_is_no_terminal() {
        let timer = Timer::plain(SYSTEM);
        // TCGETS, TCSETS, TIOCGWINSZ.
        for code in [0x5401, 0x5402, 0x5413] {
            assert_eq!(with_ones(&timer, code), Err(Errno::ENOTTY), "{code:#x}");
        }
        assert!(!rustix::termios::isatty(&timer));
    }

    /// Requests of the sequencer are ENOTTY.
    fn timer_is_no_sequencer() {
        let timer = Timer::open();
        for (name, code) in sequencer::ALL {
            let answer = timer.ioctl(*code, &mut [0_u8; 4096]);
            assert_eq!(answer, Err(Errno::ENOTTY), "{name}");
        }
    }

    /// Requests of the timer are ENOTTY at the sequencer.
    fn the_sequencer_is_no_timer() {
        Timer::open();
        let client = Client::open();
        for (name, code) in t::ALL {
            let answer = client.ioctl(*code, &mut [0_u8; 512]);
            assert_eq!(answer, Err(Errno::ENOTTY), "{name}");
        }
    }

    /// Bytes 0xff are refused, or mean the beginning of the list.
    fn timer_survives_ones() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(with_ones(&timer, t::PARAMS), Err(Errno::EINVAL));
        for code in [t::GINFO, t::GPARAMS, t::GSTATUS] {
            assert_eq!(with_ones(&timer, code), Err(Errno::ENODEV), "{code:#x}");
        }
        let ones = TimerId { dev_class: -1, dev_sclass: -1, ..NONE };
        assert_eq!(timer.next(ones), SYSTEM);
        assert_eq!(with_ones(&timer, t::SELECT), Err(Errno::ENODEV));
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
    }

    /// Zeros are a slave of no class, and no ticks.
    fn timer_survives_zeros() {
        let timer = Timer::plain(HRTIMER);
        assert_eq!(timer.params(TimerParams::default()), Err(Errno::EINVAL));
        assert_eq!(timer.query(t::SELECT, TimerSelect::default()).map(drop), Err(Errno::EINVAL));
        assert_eq!(timer.next(TimerId::default()), NONE);
    }

    /// The extremes of every number are answered.
    fn timer_survives_extremes() {
        let timer = Timer::open();
        let extremes = [i32::MIN, -1, 0, 1, i32::MAX];
        for dev_class in extremes {
            for card in extremes {
                for device in extremes {
                    let id = TimerId { dev_class, card, device, ..TimerId::default() };
                    let found = timer.ginfo(id).is_ok();
                    // Only the system timer has numbers among these, unless there are cards.
                    assert_eq!(found && dev_class < 2, dev_class == 1 && device == 0, "{id:?}");
                    timer.next(id);
                }
            }
        }
        assert_eq!(timer.bound(), Err(Errno::EBADFD));
    }

    /// SELECT ignores its reserved bytes.
    fn reserved_bytes_of_select_are_ignored() {
        let timer = Timer::open();
        let select = TimerSelect { id: SYSTEM, ..patterned() };
        assert_eq!(timer.query(t::SELECT, select), Ok(select));
        assert_eq!(timer.bound(), Ok("system".into()));
    }

    /// A timer that a child has started is gone when child and parent have closed it.
    fn what_a_child_has_started_goes() {
        let before = crate::timer_client::clients(SYSTEM);
        let timer = Timer::tread(SYSTEM);
        assert_eq!(timer.set(ParamsFlags::AUTO, 1, everything()), Ok(()));
        assert!(sys::in_forked_child(move || timer.start().is_ok()));
        crate::client::wait_until("it is unbound", || {
            crate::timer_client::clients(SYSTEM) == before
        });
    }
}
