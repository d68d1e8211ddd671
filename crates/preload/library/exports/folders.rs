//! Functions that list and enter folders by path: `/proc/asound`, if the kernel has none.

use crate::paths::{self, StandIn};
use crate::{next, sys};
use libc::{DIR, c_char, c_int, c_void};

type Path = *const c_char;

/// Returns the next library's answer about a path. If the path is a folder of ours that the kernel does not
/// have, returns its answer about the stand-in.
fn answer<T>(path: Path, failed: fn(&T) -> bool, other: impl Fn(Path) -> T) -> T {
    let before = sys::errno();
    let answer = other(path);
    if !failed(&answer) {
        return answer;
    }
    let place = paths::find_after(Err(sys::errno()), libc::AT_FDCWD, path);
    match place.filter(|place| matches!(place, paths::Place::Folder(_))).and_then(StandIn::of) {
        Some(path) => {
            sys::set_errno(before);
            other(path.path().as_ptr())
        }
        None => answer,
    }
}

/// `opendir`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn opendir(path: Path) -> *mut DIR {
    answer(path, |folder| folder.is_null(), next::opendir)
}

/// `scandir`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn scandir(
    path: Path,
    names: *mut c_void,
    filter: *mut c_void,
    order: *mut c_void,
) -> c_int {
    answer(path, |count| *count < 0, |path| next::scandir(path, names, filter, order))
}

/// `scandir64`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn scandir64(
    path: Path,
    names: *mut c_void,
    filter: *mut c_void,
    order: *mut c_void,
) -> c_int {
    answer(path, |count| *count < 0, |path| next::scandir64(path, names, filter, order))
}

/// `chdir`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn chdir(path: Path) -> c_int {
    answer(path, |result| *result < 0, next::chdir)
}
