//! Reading, writing, ioctl.

use super::keeping;
use crate::sys::Outcome;
use crate::{file, next};
use abi::preload::FileName;
use libc::{c_int, c_ulong, c_void, iovec, ssize_t};

/// The most parts that the kernel takes.
const MAX_PARTS: c_int = 1024;

/// `read`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn read(fd: c_int, bytes: *mut c_void, len: usize) -> ssize_t {
    match file::of(fd) {
        None => next::read(fd, bytes, len),
        Some(name) => keeping(|| file::read(fd, &name, bytes, len)),
    }
}

/// `read` of programs that are compiled with checks.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn __read_chk(fd: c_int, bytes: *mut c_void, len: usize, room: usize) -> ssize_t {
    match file::of(fd) {
        // One that does not fit is the next library's to report.
        Some(name) if len <= room => keeping(|| file::read(fd, &name, bytes, len)),
        _ => next::__read_chk(fd, bytes, len, room),
    }
}

/// `write`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, len: usize) -> ssize_t {
    match file::of(fd) {
        None => next::write(fd, bytes, len),
        Some(name) => keeping(|| file::write(fd, &name, bytes, len)),
    }
}

/// `readv`: a read for each part, as Linux does for a driver that knows nothing of parts.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn readv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    match file::of(fd) {
        None => next::readv(fd, parts, count),
        Some(name) => keeping(|| {
            each(parts, count, |part| file::read(fd, &name, part.iov_base, part.iov_len))
        }),
    }
}

/// `writev`: a write for each part.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    match file::of(fd) {
        None => next::writev(fd, parts, count),
        Some(name) => keeping(|| {
            each(parts, count, |part| file::write(fd, &name, part.iov_base, part.iov_len))
        }),
    }
}

/// Calls for each part until one is short or fails.
fn each(parts: *const iovec, count: c_int, mut call: impl FnMut(&iovec) -> Outcome) -> Outcome {
    if !(0..=MAX_PARTS).contains(&count) {
        return Err(libc::EINVAL);
    }
    let mut done = 0;
    for at in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller gives an array of that many parts.
        let part = unsafe { parts.wrapping_add(at).read() };
        match call(&part) {
            Ok(count) => {
                done += count;
                if count != part.iov_len {
                    break;
                }
            }
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// `ioctl`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    if file::is_generic(request) {
        return next::ioctl(fd, request, argument);
    }
    match file::of(fd) {
        None => next::ioctl(fd, request, argument),
        Some(name) => keeping(|| requested(fd, &name, request, argument)),
    }
}

fn requested(fd: c_int, name: &FileName, request: c_ulong, argument: *mut c_void) -> Outcome {
    // The kernel, too, looks at 32 bits of it.
    let code = u32::try_from(request & 0xffff_ffff).unwrap_or(0);
    file::control(fd, name, code, argument)
}
