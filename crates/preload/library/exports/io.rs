//! Functions that read, write and make ioctl requests.

use super::keeping;
use crate::sys::{self, Outcome};
use crate::{file, next};
use aseqd_wire::preload::FileName;
use libc::{c_int, c_ulong, c_void, iovec, off_t, ssize_t};

/// Maximum number of parts that the kernel takes.
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

/// `read` of programs that are compiled with `_FORTIFY_SOURCE`.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn __read_chk(fd: c_int, bytes: *mut c_void, len: usize, room: usize) -> ssize_t {
    match file::of(fd) {
        // The next library reports a buffer that is too small.
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

/// Makes one read for each part, as Linux does for a driver that does not support parts.
fn read_parts(
    fd: c_int,
    name: &FileName,
    parts: *const iovec,
    count: c_int,
    flags: c_int,
) -> Outcome {
    file::may_read(name)?;
    each(parts, count, flags, |part| file::read(fd, name, part.iov_base, part.iov_len))
}

/// Makes one write for each part.
fn write_parts(
    fd: c_int,
    name: &FileName,
    parts: *const iovec,
    count: c_int,
    flags: c_int,
) -> Outcome {
    file::may_write(name)?;
    each(parts, count, flags, |part| file::write(fd, name, part.iov_base, part.iov_len))
}

/// `readv`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn readv(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    match file::of(fd) {
        None => next::readv(fd, parts, count),
        Some(name) => keeping(|| read_parts(fd, &name, parts, count, 0)),
    }
}

/// `writev`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    match file::of(fd) {
        None => next::writev(fd, parts, count),
        Some(name) => keeping(|| write_parts(fd, &name, parts, count, 0)),
    }
}

/// Exports `preadv2` and the like, which at offset -1 are `readv` and `writev` with flags.
macro_rules! at_offset {
    ($($name:ident by $parts_of:ident;)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// As the C library's.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            fd: c_int,
            parts: *const iovec,
            count: c_int,
            offset: off_t,
            flags: c_int,
        ) -> ssize_t {
            // At other offsets the kernel refuses a socket in the same way as a device.
            let ours = if offset == -1 { file::of(fd) } else { None };
            match ours {
                None => next::$name(fd, parts, count, offset, flags),
                Some(name) => keeping(|| $parts_of(fd, &name, parts, count, flags)),
            }
        }
    )* };
}

at_offset! {
    preadv2 by read_parts;
    preadv64v2 by read_parts;
    pwritev2 by write_parts;
    pwritev64v2 by write_parts;
}

/// The only flag that Linux accepts for a driver that does not support flags.
const RWF_HIPRI: c_int = 1;

/// Makes a call for each part, until one is short or fails.
fn each(
    parts: *const iovec,
    count: c_int,
    flags: c_int,
    mut call: impl FnMut(&iovec) -> Outcome,
) -> Outcome {
    if !(0..=MAX_PARTS).contains(&count) {
        return Err(libc::EINVAL);
    }
    let count = usize::try_from(count).unwrap_or(0);
    let size = count * size_of::<iovec>();
    if sys::readable(parts.cast(), size) < size {
        return Err(libc::EFAULT);
    }
    // SAFETY: the caller gives an array of that many parts, and the kernel has just read it.
    let part = |at| unsafe { parts.wrapping_add(at).read_unaligned() };
    // Linux checks all parts before it uses the first.
    for iovec { iov_base, iov_len } in (0..count).map(part) {
        if isize::try_from(iov_len).is_err() {
            return Err(libc::EINVAL);
        }
        if sys::is_kernel_memory(iov_base.addr(), iov_len) {
            return Err(libc::EFAULT);
        }
    }
    if flags & !RWF_HIPRI != 0 {
        return Err(libc::EOPNOTSUPP);
    }
    let mut done = 0;
    for part in (0..count).map(part) {
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
    // The kernel looks at 32 bits only, too.
    let code = u32::try_from(request & 0xffff_ffff).unwrap_or(0);
    file::control(fd, name, code, argument)
}
