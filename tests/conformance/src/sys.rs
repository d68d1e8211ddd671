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

/// Makes a request with a struct as a 32-bit program does, through that gate of the kernel. Returns nothing where the
/// gate is closed, or leads past the device: there its request for a number, `probe`, fails.
#[cfg(target_arch = "x86_64")]
pub(crate) fn ioctl_of_32_bits<T: FromBytes + IntoBytes + zerocopy::Immutable>(
    descriptor: impl AsFd,
    probe: u32,
    code: u32,
    argument: &mut T,
) -> Option<Result<i32, Errno>> {
    const IOCTL: u32 = 54;
    const GETPID: u32 = 20;
    assert!(aseqd_abi::ioctl::size(code) <= size_of::<T>() && size_of::<T>() <= PAGE);
    // The call is a crash in a kernel that has no such gate.
    // SAFETY: the call has no pointers.
    if !in_forked_child(|| unsafe { gate(GETPID, [0; 3]) } > 0) {
        return None;
    }
    let low = std::ptr::without_provenance_mut(0x2000_0000);
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping; the address is only a wish.
    let at = unsafe { mmap_anonymous(low, PAGE, access, MapFlags::PRIVATE) }.ok()?;
    let address = u32::try_from(at.expose_provenance()).ok()?;
    let bytes = argument.as_bytes().to_vec();
    // SAFETY: the mapping is as long as any argument, and nothing else refers to it.
    let memory = unsafe { std::slice::from_raw_parts_mut(at.cast::<u8>(), bytes.len()) };
    let fd = std::os::fd::AsRawFd::as_raw_fd(&descriptor.as_fd()).cast_unsigned();
    // SAFETY: the requests take a pointer to the mapping, which has room for their structs.
    let through = unsafe { gate(IOCTL, [fd, probe, address]) } >= 0;
    memory.copy_from_slice(&bytes);
    // SAFETY: as above.
    let result = unsafe { gate(IOCTL, [fd, code, address]) };
    *argument = T::read_from_bytes(memory).ok()?;
    // SAFETY: nothing refers to the mapping any more.
    let _unmapped = unsafe { munmap(at, PAGE) };
    let errno = || Errno(u16::try_from(-result).unwrap_or(0));
    through.then(|| if result < 0 { Err(errno()) } else { Ok(result) })
}

/// Makes a system call of 32-bit programs.
///
/// # Safety
/// That of the call: its pointers must be good.
#[cfg(target_arch = "x86_64")]
unsafe fn gate(number: u32, arguments: [u32; 3]) -> i32 {
    let [first, second, third] = arguments.map(u64::from);
    let result: u64;
    // SAFETY: the kernel keeps all registers but those that are named; the caller answers for the call.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) first => _,
            inlateout("rax") u64::from(number) => result,
            in("rcx") second,
            in("rdx") third,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result.to_le_bytes().first_chunk().map_or(-1, |low| i32::from_le_bytes(*low))
}

/// There is no such gate on this processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn ioctl_of_32_bits<T>(
    _descriptor: impl AsFd,
    _probe: u32,
    _code: u32,
    _argument: &mut T,
) -> Option<Result<i32, Errno>> {
    None
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
