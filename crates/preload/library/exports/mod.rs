//! The functions that programs call instead of the C library's.
//!
//! A function that is variadic in C has fixed arguments here. On the machines that this library is for, both
//! are passed in the same registers.
#![expect(unsafe_code, reason = "exports under the C library's names, with its contracts")]

mod descriptors;
mod folders;
mod io;
mod open;
mod sockets;
mod stat;
mod stdio;

use crate::sys::{self, Outcome};
use crate::{environment, next, page, paths};
use core::ffi::CStr;
use libc::{c_char, c_int};

/// Returns the value of a C function for this outcome, and sets `errno` for an error.
fn returned<T: TryFrom<usize> + From<i8>>(outcome: Outcome) -> T {
    let failed = |error| {
        sys::set_errno(error);
        T::from(-1)
    };
    match outcome {
        Ok(value) => T::try_from(value).unwrap_or_else(|_| failed(libc::EOVERFLOW)),
        Err(error) => failed(error),
    }
}

/// Does `work` and returns its value as a C function does. Keeps `errno` unless `work` fails.
fn keeping<T: TryFrom<usize> + From<i8>>(work: impl FnOnce() -> Outcome) -> T {
    let before = sys::errno();
    let outcome = work();
    sys::set_errno(before);
    returned(outcome)
}

/// Prepares the library. The loader calls it before the program begins.
extern "C" fn load() {
    next::find_all();
    if let Some(name) = variable(c"ASEQD_SOCKET") {
        environment::set_server(name);
    }
    if let Some(digits) = variable(c"ASEQD_SECRET") {
        environment::set_secret(digits);
    }
    if variable(c"ASEQD_CARD").is_some() {
        environment::set_card();
    }
    page::prepare();
    paths::prepare();
}

#[used]
#[unsafe(link_section = ".init_array")]
static LOAD: extern "C" fn() = load;

// SAFETY: as the C library declares it.
unsafe extern "C" {
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

/// Returns an environment variable. Returns `None` in a program that has more rights than its caller: such a
/// program has this library only if the administrator preloads it into all programs.
fn variable(name: &CStr) -> Option<&[u8]> {
    // SAFETY: the name is a C string, and no other thread exists yet that could change the environment.
    let value: *const c_char = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: it is a C string of the environment, and the callers copy what they keep at once.
    Some(unsafe { CStr::from_ptr(value) }.to_bytes())
}

/// Converts a descriptor to the number that a C function returns.
fn descriptor(opened: Outcome<c_int>) -> Outcome {
    opened.map(|fd| usize::try_from(fd).unwrap_or(0))
}
