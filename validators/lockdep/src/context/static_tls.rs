//! The state of a thread, in the block of thread-local storage that every thread has from its start.
//!
//! The compiler would find the state of a shared library by a call of the dynamic loader, and that call may allocate
//! after a library was loaded. In a checked allocator that would have no end. A library that is loaded with the program
//! may read the state's place instead (the initial-exec model of thread-local storage).

#![expect(unsafe_code, reason = "an address that the linker knows and the compiler does not")]

use std::arch::{asm, global_asm};
use std::cell::Cell;

use crate::context::Thread;

/// The state, with a mark. The block is zero at the start of a thread.
#[repr(C, align(64))]
struct Slot {
    is_made: Cell<bool>,
    thread: std::cell::UnsafeCell<std::mem::MaybeUninit<Thread>>,
}

global_asm!(
    ".pushsection .tbss.lockdep_thread_state,\"awT\",@nobits",
    ".hidden lockdep_thread_state",
    ".globl lockdep_thread_state",
    ".type lockdep_thread_state, @tls_object",
    ".p2align 6",
    "lockdep_thread_state:",
    ".zero {size}",
    ".size lockdep_thread_state, {size}",
    ".popsection",
    size = const size_of::<Slot>(),
);

/// Calls `f` with the state of the calling thread.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Thread) -> R) -> R {
    let slot: *const Slot;
    // SAFETY: this reads the thread pointer and adds the offset of the state, which the linker fills in.
    unsafe {
        asm!(
            "mov {slot}, qword ptr fs:[0]",
            "add {slot}, qword ptr [rip + lockdep_thread_state@GOTTPOFF]",
            slot = out(reg) slot,
            options(pure, readonly, nostack),
        );
    }
    // SAFETY: the slot is this thread's, as large and aligned as the type, and zero is a valid mark.
    let slot = unsafe { &*slot };
    if !slot.is_made.get() {
        make(slot);
    }
    // SAFETY: the state was made, and from now on there are only shared references to it.
    f(unsafe { &*slot.thread.get().cast::<Thread>() })
}

/// Makes the state. It is large, so it is not made in each function that asks for it.
#[cold]
#[inline(never)]
fn make(slot: &Slot) {
    // SAFETY: only this thread has its slot, and no reference to the state exists before it is made.
    unsafe { (*slot.thread.get()).write(Thread::new()) };
    slot.is_made.set(true);
}
