//! The functions behind `kcsan.h` and behind the macros of the crate, which programs call.

#![expect(unsafe_code, reason = "exports under the names of kcsan.h")]

use std::arch::{asm, global_asm};
use std::sync::atomic::Ordering;

use crate::marks::{Calls, Marks};
use crate::runtime::access::Access;
use crate::runtime::thread::current;
use crate::runtime::watch;

#[unsafe(no_mangle)]
extern "C" fn __kcsan_check_access(address: usize, size: usize, kind: u32) {
    watch::counted_access(Access::new(address, size, kind));
}

#[unsafe(no_mangle)]
extern "C" fn kcsan_disable_current() {
    let disabled = &current().disabled;
    disabled.set(disabled.get().wrapping_add(1));
}

#[unsafe(no_mangle)]
extern "C" fn kcsan_enable_current() {
    let disabled = &current().disabled;
    disabled.set(disabled.get().wrapping_sub(1));
}

#[unsafe(no_mangle)]
extern "C" fn kcsan_set_access_mask(mask: u64) {
    current().mask.set(mask);
}

/// gcc and LLVM call this before code that must not be checked.
#[unsafe(no_mangle)]
extern "C" fn __tsan_ignore_thread_begin() {
    kcsan_disable_current();
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_ignore_thread_end() {
    kcsan_enable_current();
}

static RUNTIME_CALLS: Calls = Calls {
    check: __kcsan_check_access,
    disable: kcsan_disable_current,
    enable: kcsan_enable_current,
    set_mask: kcsan_set_access_mask,
};

// The half of this crate that is in the program, if the program uses the crate.
global_asm!(".weak __kcsan_marks");

/// Tells the half of this crate in the program where the runtime is.
pub(crate) fn connect() {
    let marks: *const Marks;
    // SAFETY: reads the address of a symbol, which is null if there is none.
    unsafe {
        asm!(
            "mov {}, [rip + __kcsan_marks@GOTPCREL]",
            out(reg) marks,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    // SAFETY: null, or the program's own.
    if let Some(marks) = unsafe { marks.as_ref() } {
        marks.0.store((&raw const RUNTIME_CALLS).cast_mut(), Ordering::Release);
    }
}
