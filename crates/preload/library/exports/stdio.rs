//! `fopen`, in which the C library opens files without its own `open`.

use crate::paths::Place;
use crate::{file, hints, next, opening, paths, sys};
use core::ffi::CStr;
use libc::{FILE, c_char, c_int, c_void, ssize_t};

/// `fopen`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
    opened(path, mode, || next::fopen(path, mode))
}

/// `fopen64`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fopen64(path: *const c_char, mode: *const c_char) -> *mut FILE {
    opened(path, mode, || next::fopen64(path, mode))
}

fn opened(
    path: *const c_char,
    mode: *const c_char,
    other: impl FnOnce() -> *mut FILE,
) -> *mut FILE {
    let here = libc::AT_FDCWD;
    // SAFETY: the C library reads the mode, too, and cannot report that it is not mapped.
    let reads = !mode.is_null() && unsafe { mode.read() } == b'r'.cast_signed() as c_char;
    // As in `open_at`, the next library is asked first if that does no harm.
    let place = if reads && !paths::has_kernels_devices() {
        let before = sys::errno();
        let stream = other();
        let result = if stream.is_null() { Err(sys::errno()) } else { Ok(()) };
        let Some(place) = paths::find_after(result, here, path) else { return stream };
        if !stream.is_null() {
            // SAFETY: the stream is new, and nothing else has it.
            let _closed = unsafe { libc::fclose(stream) };
        }
        sys::set_errno(before);
        place
    } else {
        let Some(place) = paths::find(here, path) else { return other() };
        place
    };
    match open(place, mode) {
        Ok(stream) => stream,
        Err(error) => {
            sys::set_errno(error);
            core::ptr::null_mut()
        }
    }
}

fn open(place: Place, mode: *const c_char) -> Result<*mut FILE, c_int> {
    if mode.is_null() {
        return Err(libc::EINVAL);
    }
    // SAFETY: the caller of fopen gives a C string.
    let text = unsafe { CStr::from_ptr(mode) }.to_bytes();
    let both = text.contains(&b'+');
    let direction = match text.first() {
        _ if both => libc::O_RDWR,
        Some(b'r') => libc::O_RDONLY,
        Some(b'w' | b'a') => libc::O_WRONLY,
        _ => return Err(libc::EINVAL),
    };
    let cloexec = if text.contains(&b'e') { libc::O_CLOEXEC } else { 0 };
    let exclusive = if text.contains(&b'x') { libc::O_CREAT | libc::O_EXCL } else { 0 };
    let fd = opening::open(place, direction | cloexec | exclusive)?;
    let stream = if let Place::Text(_) | Place::Folder(_) = place {
        // SAFETY: the descriptor is new, the mode a C string.
        unsafe { libc::fdopen(fd, mode) }
    } else {
        device_stream(fd, mode)
    };
    if stream.is_null() {
        let error = sys::errno();
        let _closed = sys::close(fd);
        return Err(error);
    }
    Ok(stream)
}

/// The functions that a stream calls instead of making system calls.
#[repr(C)]
struct CookieFunctions {
    read: extern "C" fn(*mut c_void, *mut c_void, usize) -> ssize_t,
    write: extern "C" fn(*mut c_void, *const c_void, usize) -> ssize_t,
    seek: Option<extern "C" fn(*mut c_void, *mut i64, c_int) -> c_int>,
    close: extern "C" fn(*mut c_void) -> c_int,
}

// SAFETY: as the C library declares it.
unsafe extern "C" {
    fn fopencookie(
        cookie: *mut c_void,
        mode: *const c_char,
        functions: CookieFunctions,
    ) -> *mut FILE;
}

/// Makes a stream whose reads and writes come here. `fileno` of it fails.
fn device_stream(fd: c_int, mode: *const c_char) -> *mut FILE {
    extern "C" fn read(cookie: *mut c_void, bytes: *mut c_void, len: usize) -> ssize_t {
        // SAFETY: the stream gives room of that length.
        unsafe { super::io::read(descriptor(cookie), bytes, len) }
    }
    extern "C" fn write(cookie: *mut c_void, bytes: *const c_void, len: usize) -> ssize_t {
        // SAFETY: the stream gives bytes of that length. To a stream, 0 means an error.
        unsafe { super::io::write(descriptor(cookie), bytes, len) }.max(0)
    }
    extern "C" fn close(cookie: *mut c_void) -> c_int {
        let result = next::close(descriptor(cookie));
        file::closed();
        result
    }
    fn descriptor(cookie: *mut c_void) -> c_int {
        c_int::try_from(cookie.addr()).unwrap_or(-1)
    }
    hints::changed(fd);
    let cookie = core::ptr::without_provenance_mut(usize::try_from(fd).unwrap_or(usize::MAX));
    // SAFETY: the mode is a C string, the functions live as long as the program.
    unsafe { fopencookie(cookie, mode, CookieFunctions { read, write, seek: None, close }) }
}
