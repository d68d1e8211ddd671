//! `open` and its family.

use super::{descriptor, keeping};
use crate::paths::Place;
use crate::{hints, next, opening, paths, sys};
use libc::{c_char, c_int, mode_t};

/// Opens what is ours, or what the next library opens.
///
/// The next library is asked first if that does no harm: its answer tells whether the path can be read, at no
/// cost for other files.
fn open_at(at: c_int, path: *const c_char, flags: c_int, other: impl FnOnce() -> c_int) -> c_int {
    let harmless = flags & libc::O_PATH != 0
        || (flags & (libc::O_CREAT | libc::O_TRUNC) == 0 && !paths::has_kernels_devices());
    if !harmless {
        match paths::find(at, path) {
            // The kernel's own folder comes first.
            Some(Place::Folder(_)) => {}
            Some(place) => return keeping(|| descriptor(opening::open(place, flags))),
            None => return other_opened(other()),
        }
    }
    let before = sys::errno();
    let fd = other();
    let result = if fd < 0 { Err(sys::errno()) } else { Ok(()) };
    let Some(place) = paths::find_after(result, at, path) else { return other_opened(fd) };
    if flags & libc::O_PATH != 0 {
        // `O_PATH` cannot give a device of ours.
        let is_device = matches!(place, Place::Sequencer | Place::Timer);
        if fd >= 0 || is_device {
            return other_opened(fd);
        }
        sys::set_errno(before);
        return keeping(|| descriptor(opening::folder(place, flags)));
    }
    if fd >= 0 {
        // The kernel has got a device there since the library was loaded.
        let _closed = sys::close(fd);
    }
    sys::set_errno(before);
    keeping(|| descriptor(opening::open(place, flags)))
}

/// Notes a descriptor that the next library has opened. Through procfs it may be one of ours again.
fn other_opened(fd: c_int) -> c_int {
    hints::changed(fd);
    fd
}

macro_rules! exports {
    ($(fn $name:ident($($argument:ident: $type:ty),*), at $at:expr, path $path:ident, flags $flags:expr;)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// As the C library's.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            open_at($at, $path, $flags, || next::$name($($argument),*))
        }
    )* };
}

/// The flags that `creat` passes to `open`.
const CREAT: c_int = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;

exports! {
    fn open(path: *const c_char, flags: c_int, mode: mode_t), at libc::AT_FDCWD, path path, flags flags;
    fn open64(path: *const c_char, flags: c_int, mode: mode_t), at libc::AT_FDCWD, path path, flags flags;
    fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t), at at, path path, flags flags;
    fn openat64(at: c_int, path: *const c_char, flags: c_int, mode: mode_t), at at, path path, flags flags;
    fn __open_2(path: *const c_char, flags: c_int), at libc::AT_FDCWD, path path, flags flags;
    fn __open64_2(path: *const c_char, flags: c_int), at libc::AT_FDCWD, path path, flags flags;
    fn __openat_2(at: c_int, path: *const c_char, flags: c_int), at at, path path, flags flags;
    fn __openat64_2(at: c_int, path: *const c_char, flags: c_int), at at, path path, flags flags;
    fn creat(path: *const c_char, mode: mode_t), at libc::AT_FDCWD, path path, flags CREAT;
    fn creat64(path: *const c_char, mode: mode_t), at libc::AT_FDCWD, path path, flags CREAT;
}
