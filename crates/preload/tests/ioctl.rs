//! The library's own view of request codes, beside the kernel's.

use aseqd_abi::ioctl::{self as kernel, WRITE};

#[path = "../library/ioctl.rs"]
mod ioctl;

#[test]
fn codes_are_taken_apart_as_the_kernel_puts_them_together() {
    for (name, code) in
        [kernel::sequencer::ALL, kernel::timers::ALL, kernel::controls::ALL].concat()
    {
        assert_eq!(ioctl::reads_argument(code), kernel::direction(code) & WRITE != 0, "{name}");
        assert_eq!(ioctl::size(code), kernel::size(code), "{name}");
    }
    assert_eq!(ioctl::TIMER_SELECT, kernel::timers::SELECT);
    assert_eq!(ioctl::TIMER_CREATE, kernel::timers::CREATE);
    let fd = std::mem::offset_of!(aseqd_abi::timer::TimerUinfo, fd);
    assert_eq!(ioctl::TIMER_CREATE_FD, fd..fd + size_of::<i32>());
}

#[test]
fn the_library_is_a_shared_object() {
    assert!(aseqd_preload::LIBRARY.starts_with(b"\x7fELF"));
}
