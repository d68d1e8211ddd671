//! The making of threads.

#![expect(
    unsafe_code,
    reason = "an export under a name of the C library, and functions of threads"
)]

use std::arch::naked_asm;
use std::ffi::{c_int, c_void};

use lockdep::{Place, raw};

use crate::next::next;
use crate::realtime;
use crate::threads;

/// The function of a thread.
type Start = extern "C-unwind" fn(*mut c_void) -> *mut c_void;

/// What a new thread begins with.
struct Begin {
    start: Start,
    argument: *mut c_void,
    new: realtime::New,
}

next! {
    fn next_create = c"pthread_create"(
        thread: *mut c_void, attributes: *const c_void, start: Start, argument: *mut c_void
    );
}

#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn pthread_create() {
    naked_asm!("mov r8, [rsp]", "jmp {}", sym create)
}

extern "C" fn create(
    thread: *mut c_void,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
    caller: usize,
) -> c_int {
    if raw::is_busy() {
        return next_create(thread, attributes, start, argument);
    }
    raw::may_wait("pthread_create", Place::Address(caller));
    let function = start as *const () as usize;
    let new = realtime::makes(attributes.addr(), function, caller);
    let is_asked = realtime::is_asked(&new);
    raw::unchecked(|| {
        let begin = Box::into_raw(Box::new(Begin { start, argument, new }));
        let result = next_create(thread, attributes, begins, begin.cast());
        if result != 0 {
            // SAFETY: no thread was made that would take the box.
            drop(unsafe { Box::from_raw(begin) });
        }
        realtime::made(is_asked, function, result);
        result
    })
}

extern "C-unwind" fn begins(begin: *mut c_void) -> *mut c_void {
    let (start, argument) = raw::unchecked(|| {
        // SAFETY: `create` has made the box for this thread.
        let begin = unsafe { Box::from_raw(begin.cast::<Begin>()) };
        realtime::begins(&begin.new);
        threads::runs(begin.start as *const () as usize);
        (begin.start, begin.argument)
    });
    start(argument)
}
