//! Calls that set the handlers of signals. A handler of an asynchronous signal gets an entry.

#![expect(unsafe_code, reason = "exports under the C library's names, and handlers")]

use std::ffi::{c_int, c_void};

use lockdep::raw;

use crate::callbacks::{Kind, entry_of, original};
use crate::exports::before;
use crate::handlers;
use crate::next::{Arguments, Verdict, next};

/// Signals that the code itself causes: their handlers interrupt no function that they could call.
const SYNCHRONOUS: [c_int; 8] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGPIPE,
];

next! {
    fn next_sigaction = c"sigaction"(signal: c_int, new: *const c_void, old: *mut c_void);
}

#[unsafe(no_mangle)]
extern "C" fn sigaction(
    signal: c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> c_int {
    let mut copy = None;
    if !new.is_null() && !SYNCHRONOUS.contains(&signal) && !raw::is_busy() {
        // SAFETY: the program passes an action, or nothing.
        let mut action = unsafe { new.read() };
        action.sa_sigaction = entry(action.sa_sigaction);
        copy = Some(action);
    }
    let new = copy.as_ref().map_or(new, std::ptr::from_ref);
    let result = next_sigaction(signal, new.cast(), old.cast());
    if result == 0 && !old.is_null() {
        // SAFETY: the call has written the action there, and nothing else refers to it now.
        let old = unsafe { &mut *old };
        old.sa_sigaction = original(old.sa_sigaction);
    }
    result
}

/// Returns the entry of a handler.
fn entry(handler: usize) -> usize {
    if [libc::SIG_DFL, libc::SIG_IGN].contains(&handler) {
        return handler;
    }
    entry_of(handler, Kind::Signal)
}

/// A function that sets the handler of a signal and returns the one before.
type Signal = extern "C" fn(c_int, usize) -> usize;

macro_rules! signal {
    ($($name:ident = $symbol:literal;)*) => { $(
        #[unsafe(no_mangle)]
        extern "C" fn $name(signal: c_int, handler: usize) -> usize {
            #[unsafe(link_section = "lockdep_next")]
            static NEXT: crate::next::Next = crate::next::Next::new($symbol, |_| Verdict::Passes);
            let pointer = std::ptr::with_exposed_provenance::<()>(NEXT.address());
            // SAFETY: the C library's function of this name has this signature.
            let function = unsafe { std::mem::transmute::<*const (), Signal>(pointer) };
            let is_ours = !SYNCHRONOUS.contains(&signal) && !raw::is_busy();
            original(function(signal, if is_ours { entry(handler) } else { handler }))
        }
    )* };
}

signal! {
    signal = c"signal";
    bsd_signal = c"bsd_signal";
    __sysv_signal = c"__sysv_signal";
}

/// Returns where on the stack a jump leads. The C library hides the address by a number of the thread's, which is at 48
/// bytes from its pointer (`tcbhead_t`), and by a rotation (`sysdeps/unix/sysv/linux/x86_64/pointer_guard.h`).
fn target_of(buffer: usize) -> usize {
    /// Index of the stack pointer in a `jmp_buf` (`bits/setjmp.h`).
    const STACK: usize = 6;
    let words = std::ptr::with_exposed_provenance::<usize>(buffer);
    // SAFETY: the program passes what `setjmp` has filled.
    let hidden = unsafe { words.wrapping_add(STACK).read() };
    let guard: usize;
    // SAFETY: the number is there in each thread.
    unsafe {
        std::arch::asm!("mov {}, fs:[0x30]", out(reg) guard, options(nostack, pure, readonly));
    }
    hidden.rotate_right(17) ^ guard
}

before! {
    // A jump out of a handler ends it, and one out of a named function ends that.
    |call: &mut Arguments| {
        let from = std::ptr::from_ref(&call.caller).addr();
        crate::functions::jumps(from, target_of(call.first));
        handlers::end();
        Verdict::Passes
    };
    longjmp _longjmp siglongjmp __longjmp_chk
}
