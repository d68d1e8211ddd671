//! The system call `ioctl` with a struct (unsafe code).
#![expect(unsafe_code, reason = "ioctl takes a pointer")]

use aseqd_abi::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::os::fd::BorrowedFd;
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
/// The device's error number.
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

/// Makes a request with the bytes of a struct.
pub(crate) fn ioctl_bytes(
    descriptor: BorrowedFd<'_>,
    code: u32,
    argument: &mut [u8],
) -> Result<i32, Errno> {
    let size = aseqd_abi::ioctl::size(code);
    assert!(size <= argument.len(), "the code says more than the struct has");
    // SAFETY: every code of the sequencer takes a pointer to as many bytes as it says.
    unsafe { rustix::ioctl::ioctl(descriptor, Request { code, argument }) }.map_err(errno)
}

/// Returns the number of an error of the operating system.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno(u16::try_from(error.raw_os_error()).unwrap_or(0))
}
