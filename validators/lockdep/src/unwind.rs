//! Walks the current stack with the unwinder of the language's runtime, and asks the kernel for the thread's ID.
//!
//! Neither takes a lock: glibc 2.35 finds a function's unwind table without one. So a walk is possible wherever the
//! program is, also while another thread loads or unloads a library.

#![expect(unsafe_code, reason = "the unwinder speaks C")]

use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
}

/// Returns the calling thread's ID. Libraries look the function up at its first use, if old C libraries lack it, and a
/// look-up takes the lock of the dynamic loader.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: the call has no argument.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    u32::try_from(id).unwrap_or_default()
}

/// The unwinder's words for "go on" and "end of the stack".
const NO_REASON: c_int = 0;
const END_OF_STACK: c_int = 5;

/// Calls `visit` with the return address and the frame address of each function of the current stack, innermost
/// first, until it returns `false`.
pub(crate) fn walk(mut visit: impl FnMut(usize, usize) -> bool) {
    extern "C" fn one<F: FnMut(usize, usize) -> bool>(
        context: *mut c_void,
        visit: *mut c_void,
    ) -> c_int {
        // SAFETY: the argument is the closure of the walk, which outlives it.
        let visit = unsafe { &mut *visit.cast::<F>() };
        // SAFETY: the unwinder hands out its own context.
        let address = unsafe { _Unwind_GetIP(context) };
        // SAFETY: as above.
        let frame = unsafe { _Unwind_GetCFA(context) };
        // The outermost function of a C program has no caller, and the unwinder says that it is at 0.
        if address != 0 && visit(address, frame) { NO_REASON } else { END_OF_STACK }
    }
    fn start<F: FnMut(usize, usize) -> bool>(visit: &mut F) {
        // SAFETY: the callback gets the closure that is passed here.
        unsafe { _Unwind_Backtrace(one::<F>, std::ptr::from_mut(visit).cast()) };
    }
    start(&mut visit);
}
