//! What the library does when it is loaded, and when the process forks.

#![expect(unsafe_code, reason = "a function that the loader calls")]

use std::ffi::c_void;

use lockdep::{preload, raw};

/// The loader calls this before the program starts.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    crate::next::find_all();
    crate::threads::start(ends);
    crate::realtime::start();
    raw::start();
    crate::functions::start(crate::realtime::count_names());
    // SAFETY: the handlers are functions of this library, which is never unloaded.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
}

/// Ends a thread.
extern "C" fn ends(data: *mut c_void) {
    crate::realtime::ends();
    crate::threads::end(data);
}

/// Takes the locks of this library, so that the child has none that another thread holds. Handlers that are registered
/// first run last, so the program's own run with checks.
extern "C" fn before_fork() {
    crate::classes::before_fork();
    preload::before_fork();
}

extern "C" fn after_fork() {
    preload::after_fork();
    crate::classes::after_fork();
}
