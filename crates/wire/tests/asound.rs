//! The request for the texts of `/proc/asound`, beside those of the kernel.

use aseqd_abi::ioctl::{self, READ, WRITE, ioc};
use aseqd_wire::asound::{Piece, TEXT, Text};

#[test]
fn the_code_says_how_large_the_argument_is_and_no_request_of_the_kernel_has_it() {
    assert_eq!(size_of::<Piece>(), 4096);
    assert_eq!(TEXT, ioc(READ | WRITE, b'Y', 0xa5, size_of::<Piece>()));
    for (name, code) in ioctl::sequencer::ALL.iter().chain(ioctl::timers::ALL) {
        assert_ne!(*code, TEXT, "{name}");
    }
}

#[test]
fn numbers_name_texts() {
    for text in Text::ALL {
        assert_eq!(Text::numbered(text.number()), Some(text));
    }
    assert_eq!(Text::numbered(4), None);
}
