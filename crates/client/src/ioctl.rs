//! The system call `ioctl` with a struct (unsafe code).
#![expect(unsafe_code, reason = "ioctl takes a pointer")]

use crate::error::errno;
use crate::run_socket;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{sequencer, timers};
use aseqd_abi::timer::TimerUinfo;
use aseqd_wire::proc_text::PROC_TEXT;
use aseqd_wire::report::REPORT;
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd};
use zerocopy::{FromBytes, IntoBytes};

struct Request<'a> {
    code: u32,
    argument: &'a mut [u8],
}

// SAFETY: the argument is plain bytes that live through the call; a driver reads and writes at most as
// many as the code says, which `ioctl_bytes` has checked to be no more than there are.
unsafe impl Ioctl for Request<'_> {
    type Output = i32;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        // The type is unsigned with glibc and signed with musl; the bits are the same.
        self.code as Opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.argument.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(
        output: IoctlOutput,
        _argument: *mut c_void,
    ) -> rustix::io::Result<i32> {
        Ok(output)
    }
}

/// Makes a request with a struct of the interface, into which the device writes its answer.
///
/// # Errors
/// The device's error number; `ENOTTY` for a code that is neither in [`aseqd_abi::ioctl::sequencer`] nor in
/// [`aseqd_abi::ioctl::timers`], which is not passed on.
///
/// # Panics
/// If the size in the code is larger than the struct.
pub fn ioctl<T: FromBytes + IntoBytes>(
    descriptor: BorrowedFd<'_>,
    code: u32,
    argument: &mut T,
) -> Result<i32, Errno> {
    ioctl_bytes(descriptor, code, argument.as_mut_bytes())
}

/// Creates a user-driven timer, and returns the descriptor of its file.
pub(crate) fn create_timer(
    device: BorrowedFd<'_>,
    info: &mut TimerUinfo,
) -> Result<OwnedFd, Errno> {
    ioctl(device, timers::CREATE, info)?;
    if info.fd < 0 {
        return Err(Errno::EIO);
    }
    // SAFETY: the device has just opened this descriptor for this process, and nobody else knows it yet.
    Ok(unsafe { OwnedFd::from_raw_fd(info.fd) })
}

/// Makes a request with the bytes of a struct.
pub(crate) fn ioctl_bytes(
    descriptor: BorrowedFd<'_>,
    code: u32,
    argument: &mut [u8],
) -> Result<i32, Errno> {
    let size = aseqd_abi::ioctl::size(code);
    assert!(size <= argument.len(), "the code says more than the struct has");
    if !is_known(code) {
        return Err(Errno::ENOTTY);
    }
    if let Some(file) = run_socket::File::of(descriptor) {
        // The descriptor that it returns would be lost here. `UserTimer` has another way.
        if code == timers::CREATE {
            return Err(Errno::ENOTTY);
        }
        return file.ioctl(code, argument);
    }
    // SAFETY: each known code takes a pointer to as many bytes as it says, and no driver follows a pointer in them. The
    // codes are those of the sequencer, the timer and aseqd, and other drivers of Linux do not use them.
    unsafe { rustix::ioctl::ioctl(descriptor, Request { code, argument }) }.map_err(errno)
}

/// Returns whether a request is one of this interface. Other drivers have requests that write more than their code says,
/// or follow pointers in their struct.
fn is_known(code: u32) -> bool {
    [PROC_TEXT, BECOME_USER_TIMER, REPORT].contains(&code)
        || [sequencer::ALL, timers::ALL].into_iter().flatten().any(|(_, known)| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;

    /// `FIONREAD` of `asm-generic/ioctls.h`, which writes an int although its code has no size.
    const FIONREAD: u32 = 0x541b;

    #[test]
    fn requests_of_other_drivers_are_not_made() {
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert!(rustix::io::ioctl_fionread(&reader).is_ok(), "a pipe has this request");
        assert_eq!(ioctl(reader.as_fd(), FIONREAD, &mut ()), Err(Errno::ENOTTY));
    }

    #[test]
    #[should_panic(expected = "more than the struct has")]
    fn a_struct_that_is_too_small_is_a_mistake() {
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        let _unreached = ioctl(reader.as_fd(), sequencer::SYSTEM_INFO, &mut 0_i32);
    }
}
