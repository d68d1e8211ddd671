//! Requests that are none, and arguments that are none.

use crate::case::{cases, skip};
use crate::client::{Client, Mode, device};
use crate::sys::ioctl_at_bad_address;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{READ, WRITE, direction, ioc, sequencer as s, sequencer32, size, timers};
use aseqd_abi::ump::ClientUmpInfo;
use std::os::unix::fs::FileTypeExt as _;

fn ask(client: &Client, code: u32) -> Result<i32, Errno> {
    client.ioctl(code, &mut [0_u8; 1 << 14])
}

/// Returns all requests but those that only a sequencer with UMP knows.
fn requests() -> impl Iterator<Item = (&'static str, u32)> {
    s::ALL.iter().copied().filter(|(name, _)| !name.contains("UMP"))
}

cases! {
    /// A request with another size is ENOTTY.
    fn another_size_is_enotty() {
        let client = Client::open();
        for (name, code) in requests() {
            for wrong in [size(code) - 1, size(code) + 1, size(code) + 4, 0, 0x3fff] {
                let code = code & !(0x3fff << 16) | u32::try_from(wrong).unwrap() << 16;
                assert_eq!(ask(&client, code), Err(Errno::ENOTTY), "{name} of {wrong}");
            }
        }
    }

    /// A request with another direction is ENOTTY.
    fn another_direction_is_enotty() {
        let client = Client::open();
        for (name, code) in requests() {
            for wrong in (0..4).filter(|wrong| *wrong != direction(code)) {
                let code = code & !(3 << 30) | wrong << 30;
                assert_eq!(ask(&client, code), Err(Errno::ENOTTY), "{name}, direction {wrong}");
            }
        }
    }

    /// A request of another letter is ENOTTY.
    fn another_letter_is_enotty() {
        let client = Client::open();
        for (name, code) in requests() {
            for letter in [b'T', b's', b'A', 0, 0xff] {
                let code = code & !0xff00 | u32::from(letter) << 8;
                assert_eq!(ask(&client, code), Err(Errno::ENOTTY), "{name} of {letter}");
            }
        }
    }

    /// Numbers that no request has are ENOTTY.
    fn numbers_of_no_request_are_enotty() {
        let client = Client::open();
        let used: Vec<u32> = s::ALL.iter().map(|(_, code)| code & 0xff).collect();
        for number in (0..=255_u8).filter(|number| !used.contains(&u32::from(*number))) {
            for size in [0, 4, 76, 88] {
                let code = ioc(READ | WRITE, b'S', number, size);
                assert_eq!(ask(&client, code), Err(Errno::ENOTTY), "number {number}");
            }
        }
    }

    /// Requests of the timer device are ENOTTY.
    fn requests_of_the_timer_are_enotty() {
        let client = Client::open();
        for (name, code) in timers::ALL {
            assert_eq!(ask(&client, *code), Err(Errno::ENOTTY), "{name}");
        }
    }

    /// Requests of a terminal are ENOTTY.
    fn requests_of_a_terminal_are_enotty() {
        let client = Client::open();
        assert!(!std::io::IsTerminal::is_terminal(&client.fd));
        // TCGETS, TIOCGWINSZ, TIOCSTI
        for code in [0x5401, 0x5413, 0x5412] {
            assert_eq!(ask(&client, code), Err(Errno::ENOTTY));
        }
    }

    /// The port requests of a 32-bit process are ENOTTY in a 64-bit one.
    fn requests_of_32_bit_processes_are_enotty() {
        let client = Client::open();
        for (name, code) in sequencer32::ALL {
            assert_eq!(ask(&client, *code), Err(Errno::ENOTTY), "{name}");
        }
    }

    /// Without UMP in the sequencer, its two requests are ENOTTY.
    fn ump_requests_are_enotty_without_ump() {
        let client = Client::open();
        let get = client.query(s::GET_CLIENT_UMP_INFO, ClientUmpInfo::default());
        if get != Err(Errno::ENOTTY) {
            skip("this sequencer knows UMP");
        }
        let set = client.query(s::SET_CLIENT_UMP_INFO, ClientUmpInfo::default());
        assert_eq!(set, Err(Errno::ENOTTY));
    }

    /// Every request with an argument at a bad address is EFAULT.
    fn a_bad_address_is_efault() {
        let client = Client::open();
        for (name, code) in requests() {
            assert_eq!(ioctl_at_bad_address(&client, code), Err(Errno::EFAULT), "{name}");
        }
    }

    /// An unknown request is ENOTTY, even if its argument is not mapped.
    fn a_bad_address_of_no_request_is_enotty() {
        let client = Client::open();
        let code = s::SYSTEM_INFO + (1 << 16);
        assert_eq!(ioctl_at_bad_address(&client, code), Err(Errno::ENOTTY));
    }

    /// CREATE_QUEUE at a bad address makes no queue.
    fn a_bad_address_creates_nothing() {
        let client = Client::open();
        let count = || client.query(s::SYSTEM_INFO, aseqd_abi::seq::SystemInfo::default()).unwrap();
        let before = count().cur_queues;
        assert_eq!(ioctl_at_bad_address(&client, s::CREATE_QUEUE), Err(Errno::EFAULT));
        assert_eq!(ioctl_at_bad_address(&client, s::CREATE_PORT), Err(Errno::EFAULT));
        assert_eq!((count().cur_queues, client.info().num_ports), (before, 0));
    }

    /// Every request that succeeds returns 0.
    fn success_is_0() {
        let client = Client::open();
        for code in [s::PVERSION, s::CLIENT_ID, s::SYSTEM_INFO, s::USER_PVERSION, s::REMOVE_EVENTS]
        {
            assert_eq!(ask(&client, code), Ok(0));
        }
    }

    /// Requests that only ask answer alike in every access mode.
    fn questions_answer_in_every_access_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            for code in [s::PVERSION, s::SYSTEM_INFO, s::GET_CLIENT_INFO, s::QUERY_NEXT_CLIENT] {
                assert_eq!(ask(&client, code), Ok(0), "{mode:?}");
            }
        }
    }

    /// The device is a character device, which has no number of bytes to read (FIONREAD).
    fn the_device_is_a_character_device() {
        assert_eq!(ask(&Client::open(), 0x541b), Err(Errno::ENOTTY));
        assert!(std::fs::metadata(device()).unwrap().file_type().is_char_device());
    }
}
