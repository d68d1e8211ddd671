//! The unsafe code of the suite: ioctl with a struct, memory with an edge, a forked child.
#![expect(unsafe_code, reason = "ioctl takes a pointer; edges of memory and fork are the point")]

use aseqd_abi::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use zerocopy::{FromBytes, IntoBytes};

struct Request<'a, T> {
    code: u32,
    argument: &'a mut T,
}

// SAFETY: the argument is a plain struct that lives through the call; a driver reads and writes at
// most as many bytes as the code says, which `ioctl` has checked to be no more than the struct has.
unsafe impl<T: FromBytes + IntoBytes> Ioctl for Request<'_, T> {
    type Output = i32;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        // The type is unsigned with glibc and signed with musl; the bits are the same.
        self.code as Opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self.argument).cast()
    }

    unsafe fn output_from_ptr(
        output: IoctlOutput,
        _argument: *mut c_void,
    ) -> rustix::io::Result<i32> {
        Ok(output)
    }
}

/// Makes a request with a struct.
pub(crate) fn ioctl<T: FromBytes + IntoBytes>(
    descriptor: impl AsFd,
    code: u32,
    argument: &mut T,
) -> Result<i32, Errno> {
    assert!(
        aseqd_abi::ioctl::size(code) <= size_of::<T>(),
        "the code says more than the struct has"
    );
    // SAFETY: the code is one that takes a pointer to such a struct.
    unsafe { rustix::ioctl::ioctl(descriptor, Request { code, argument }) }.map_err(errno)
}

/// Makes a request with an address that is not mapped.
pub(crate) fn ioctl_at_bad_address(descriptor: impl AsFd, code: u32) -> Result<i32, Errno> {
    struct Bad(u32);
    // SAFETY: the address is in no process's mappings, so the driver cannot write anything.
    unsafe impl Ioctl for Bad {
        type Output = i32;
        const IS_MUTATING: bool = true;
        fn opcode(&self) -> Opcode {
            self.0 as Opcode
        }
        fn as_ptr(&mut self) -> *mut c_void {
            std::ptr::without_provenance_mut(8)
        }
        unsafe fn output_from_ptr(
            output: IoctlOutput,
            _argument: *mut c_void,
        ) -> rustix::io::Result<i32> {
            Ok(output)
        }
    }
    // SAFETY: as above.
    unsafe { rustix::ioctl::ioctl(descriptor, Bad(code)) }.map_err(errno)
}

/// Takes over a descriptor that a request has made.
pub(crate) fn adopt(fd: i32) -> OwnedFd {
    assert!(fd >= 0, "a descriptor");
    // SAFETY: the kernel has just made it for this process, and nothing else knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Returns the number of an error of the operating system.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno(u16::try_from(error.raw_os_error()).unwrap_or(0))
}

/// Memory with an edge: after its bytes comes a page that nobody may touch.
#[derive(Debug)]
pub(crate) struct Edge {
    start: *mut c_void,
}

const PAGE: usize = 64 * 1024;

impl Edge {
    /// Maps the memory.
    pub(crate) fn new() -> Self {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), 2 * PAGE, ProtFlags::empty(), MapFlags::PRIVATE)
        };
        let start = start.expect("mmap");
        let access = rustix::mm::MprotectFlags::READ | rustix::mm::MprotectFlags::WRITE;
        // SAFETY: the first half of the mapping above, which nothing refers to yet.
        unsafe { rustix::mm::mprotect(start, PAGE, access) }.expect("mprotect");
        Self { start }
    }

    /// Calls `write` with these bytes, followed by `beyond` bytes that cannot be read.
    pub(crate) fn write(&self, fd: impl AsFd, bytes: &[u8], beyond: usize) -> Result<usize, Errno> {
        // SAFETY: the bytes before the edge are mapped, and fit.
        let at = unsafe { self.start.cast::<u8>().add(PAGE - bytes.len()) };
        // SAFETY: as above; nothing else refers to the mapping.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
        // SAFETY: the addresses belong to the mapping; only the kernel looks behind the edge.
        let buffer = unsafe { std::slice::from_raw_parts(at, bytes.len() + beyond) };
        rustix::io::write(fd, buffer).map_err(errno)
    }

    /// Calls `read` with `before` bytes of room, followed by `beyond` bytes that cannot be written.
    pub(crate) fn read(&self, fd: impl AsFd, before: usize, beyond: usize) -> Result<usize, Errno> {
        // SAFETY: the bytes before the edge are mapped.
        let at = unsafe { self.start.cast::<u8>().add(PAGE - before) };
        // SAFETY: the addresses belong to the mapping; only the kernel looks behind the edge.
        let buffer = unsafe { std::slice::from_raw_parts_mut(at, before + beyond) };
        rustix::io::read(fd, buffer).map_err(errno)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        let _unmapped = unsafe { munmap(self.start, 2 * PAGE) };
    }
}

/// Runs a check in a forked child, which shares the descriptors. Returns what the check found. It may make system
/// calls and nothing else.
pub(crate) fn in_forked_child(mut check: impl FnMut() -> bool + Send + Sync + 'static) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("the own path"));
    let check = move || if check() { Ok(()) } else { Err(io::ErrorKind::Other.into()) };
    // SAFETY: the check makes system calls and nothing else, as it must after a fork.
    unsafe { command.pre_exec(check) };
    command.arg("--version").stdout(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Tries to map a page of a file.
pub(crate) fn map(fd: impl AsFd) -> Result<(), Errno> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let at =
        unsafe { rustix::mm::mmap(std::ptr::null_mut(), 4096, access, MapFlags::SHARED, fd, 0) };
    let at = at.map_err(errno)?;
    // SAFETY: the mapping has just been made.
    unsafe { munmap(at, 4096) }.map_err(errno)
}
