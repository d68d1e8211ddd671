//! What programs call instead of the C library's.
//!
//! Functions that are variadic in C have their further arguments as fixed ones here, which are passed
//! in the same registers on the machines that this library is for.
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

/// The value that a C function returns, with `errno` for an error.
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

/// Does this and leaves `errno` alone unless it fails.
fn keeping<T: TryFrom<usize> + From<i8>>(work: impl FnOnce() -> Outcome) -> T {
    let before = sys::errno();
    let outcome = work();
    sys::set_errno(before);
    returned(outcome)
}

/// Run by the loader before the program begins.
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

/// A variable of the environment; none in a program that has more rights than who started it, into which
/// this library comes only if the administrator has said so for all programs.
fn variable(name: &CStr) -> Option<&[u8]> {
    // SAFETY: the name is a C string, and no other thread exists yet that could change the environment.
    let value: *const c_char = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: it is a C string of the environment; what is kept of it is copied at once.
    Some(unsafe { CStr::from_ptr(value) }.to_bytes())
}

/// A descriptor as the number that a C function returns.
fn descriptor(opened: Outcome<c_int>) -> Outcome {
    opened.map(|fd| usize::try_from(fd).unwrap_or(0))
}
