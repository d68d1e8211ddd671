//! Calls that ask for real time, or that change the name of a thread.

#![expect(unsafe_code, reason = "reads what arguments point to")]

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exports::before;
use crate::next::{Arguments, Verdict, int};
use crate::realtime;

before! {
    |call| {
        realtime::asks_pthread(call.first, int(call.second));
        Verdict::Passes
    };
    pthread_setschedparam
}
before! {
    |call| {
        realtime::asks_thread(call.first, int(call.second));
        Verdict::Passes
    };
    sched_setscheduler
}
before! {
    |_| {
        realtime::changes();
        Verdict::Passes
    };
    pthread_setname_np
}
before! {
    |call| {
        if int(call.first) == libc::PR_SET_NAME {
            realtime::changes();
        }
        Verdict::Passes
    };
    prctl
}

/// The message to rtkit that is being made, if its arguments are not known yet.
static MESSAGE: AtomicUsize = AtomicUsize::new(0);

/// What stands for the message before its maker has returned it.
const NEXT_MESSAGE: usize = 1;
/// The type of an argument of D-Bus that has 64 bits.
const UINT64: usize = b't' as usize;

/// Notes a message of libdbus to rtkit or to the portal that passes requests on to it.
fn message(call: &mut Arguments) -> Verdict {
    if is_request(call.fourth) {
        MESSAGE.store(NEXT_MESSAGE, Ordering::Relaxed);
    }
    Verdict::Passes
}

/// Notes the arguments of that message: the process, in one of two methods, and the thread.
fn arguments(call: &mut Arguments) -> Verdict {
    if call.second == UINT64 && MESSAGE.swap(0, Ordering::Relaxed) != 0 {
        let thread = if call.fourth == UINT64 { call.fifth } else { call.third };
        // SAFETY: an argument of this type is a pointer to a number of 64 bits.
        let thread = unsafe { std::ptr::with_exposed_provenance::<u64>(thread).read_unaligned() };
        realtime::asks_service(usize::try_from(thread).unwrap_or_default());
    }
    Verdict::Passes
}

/// Returns whether the name of a method asks for real time.
fn is_request(name: usize) -> bool {
    let name = std::ptr::with_exposed_provenance::<c_char>(name);
    if name.is_null() {
        return false;
    }
    // SAFETY: names of methods are C strings.
    unsafe { CStr::from_ptr(name) }.to_bytes().starts_with(b"MakeThreadRealtime")
}

before! { message; dbus_message_new_method_call }
before! { arguments; dbus_message_append_args }
before! {
    // The thread is behind the format, which is on the stack. Programs ask for themselves this way.
    |call| {
        if is_request(call.fifth) {
            realtime::asks_service(0);
        }
        Verdict::Passes
    };
    sd_bus_call_method
}
