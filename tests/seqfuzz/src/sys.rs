//! The unsafe code of the fuzzer: ioctl with a buffer, and descriptors that an ioctl returns.
#![expect(unsafe_code, reason = "ioctl takes a pointer, and may return a descriptor")]

use aseqd_abi::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

/// Size of the buffer of every request: more than the largest struct.
pub(crate) const ARGUMENT_SIZE: usize = 1024;

/// A buffer for the struct of a request.
#[derive(Clone)]
#[repr(C, align(8))]
pub(crate) struct Argument(pub(crate) [u8; ARGUMENT_SIZE]);

struct Request<'a> {
    code: u32,
    argument: &'a mut Argument,
}

// SAFETY: the buffer lives through the call and is at least as large as the code says, which
// `ioctl` has checked; a driver reads and writes no more than that.
unsafe impl Ioctl for Request<'_> {
    type Output = i32;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        // glibc and musl differ in the type.
        self.code as Opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.argument.0.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(
        output: IoctlOutput,
        _argument: *mut c_void,
    ) -> rustix::io::Result<i32> {
        Ok(output)
    }
}

/// Makes a request.
pub(crate) fn ioctl(
    descriptor: impl AsFd,
    code: u32,
    argument: &mut Argument,
) -> Result<i32, Errno> {
    assert!(
        aseqd_abi::ioctl::size(code) <= ARGUMENT_SIZE,
        "the code says more than the buffer has"
    );
    // SAFETY: the descriptor is the sequencer's, whose requests take a pointer to such a struct.
    unsafe { rustix::ioctl::ioctl(descriptor, Request { code, argument }) }.map_err(errno)
}

/// Takes over a descriptor that a request has just opened.
pub(crate) fn adopt(descriptor: i32) -> OwnedFd {
    assert!(descriptor >= 0, "the request has opened no descriptor");
    // SAFETY: the caller has it from a successful request that opens one, and nothing else knows it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Returns the number of an error of the operating system.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno(u16::try_from(error.raw_os_error()).unwrap_or(0))
}
