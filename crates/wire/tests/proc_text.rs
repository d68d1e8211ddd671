//! The request for the texts of `/proc/asound`, beside those of the kernel.

use aseqd_abi::ioctl::{self, READ, WRITE, ioc};
use aseqd_wire::proc_text::{PROC_TEXT, Piece, ProcText};
use aseqd_wire::report::REPORT;

#[test]
fn the_code_says_how_large_the_argument_is_and_no_request_of_the_kernel_has_it() {
    assert_eq!(size_of::<Piece>(), 4096);
    assert_eq!(PROC_TEXT, ioc(READ | WRITE, b'Y', 0xa5, size_of::<Piece>()));
    assert_eq!(REPORT, ioc(READ | WRITE, b'Y', 0xa7, size_of::<Piece>()));
    for (name, code) in ioctl::sequencer::ALL.iter().chain(ioctl::timers::ALL) {
        assert!(![PROC_TEXT, REPORT].contains(code), "{name}");
    }
}

#[test]
fn numbers_name_texts() {
    for text in ProcText::ALL.into_iter().chain([ProcText::Version]) {
        assert_eq!(ProcText::numbered(text.number()), Some(text));
    }
    assert_eq!(ProcText::numbered(5), None);
}
