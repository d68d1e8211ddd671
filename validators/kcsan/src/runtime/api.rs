//! The functions behind `kcsan.h` and behind the macros of the crate, which programs call.

#![expect(unsafe_code, reason = "exports under the names of kcsan.h")]

use std::arch::{asm, global_asm};
use std::cell::Cell;
use std::sync::atomic::Ordering;

use crate::marks::{Calls, Marks, Scoped};
use crate::runtime::thread::{Scope, current};

unsafe extern "C" {
    /// The entry of checks, in `entry`.
    safe fn __kcsan_check_access(address: usize, size: usize, kind: u32);
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

/// Begins an assertion about a scope. Returns its memory, as in the kernel.
#[unsafe(no_mangle)]
unsafe extern "C" fn kcsan_begin_scoped_access(
    address: usize,
    size: usize,
    kind: u32,
    memory: *mut Scope,
) -> *mut Scope {
    let scope = Scope { next: Cell::new(std::ptr::null()), address, size, kind };
    // SAFETY: the caller's own variable.
    unsafe { memory.write(scope) };
    // SAFETY: as above, it lives until the scope ends.
    current().begin_scope(unsafe { &*memory });
    __kcsan_check_access(address, size, kind);
    memory
}

/// Ends an assertion about a scope.
#[unsafe(no_mangle)]
unsafe extern "C" fn kcsan_end_scoped_access(memory: *const Scope) {
    // SAFETY: the caller began it with this memory.
    let scope = unsafe { &*memory };
    __kcsan_check_access(scope.address, scope.size, scope.kind);
    current().end_scope(scope);
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

extern "C" fn check_access(address: usize, size: usize, kind: u32) {
    __kcsan_check_access(address, size, kind);
}

unsafe extern "C" fn begin_scope(memory: *mut Scoped, address: usize, size: usize, kind: u32) {
    // SAFETY: the two structures are the same.
    unsafe { kcsan_begin_scoped_access(address, size, kind, memory.cast()) };
}

unsafe extern "C" fn end_scope(memory: *mut Scoped) {
    // SAFETY: the two structures are the same.
    unsafe { kcsan_end_scoped_access(memory.cast()) };
}

static RUNTIME_CALLS: Calls = Calls {
    check: check_access,
    disable: kcsan_disable_current,
    enable: kcsan_enable_current,
    set_mask: kcsan_set_access_mask,
    begin_scope,
    end_scope,
};

// The half of this crate that is in the program, if the program uses the crate.
global_asm!(".weak __kcsan_marks");

const _: () = assert!(size_of::<Scope>() == size_of::<Scoped>());

/// Tells the half of this crate in the program where the runtime is.
pub(crate) fn connect() {
    let marks: *const Marks;
    // SAFETY: reads the address of a symbol, which is null if there is none.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            "mov {}, [rip + __kcsan_marks@GOTPCREL]",
            out(reg) marks,
            options(pure, readonly, nostack, preserves_flags)
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            "adrp {0}, :got:__kcsan_marks",
            "ldr {0}, [{0}, :got_lo12:__kcsan_marks]",
            out(reg) marks,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    // SAFETY: null, or the program's own.
    if let Some(marks) = unsafe { marks.as_ref() } {
        marks.0.store((&raw const RUNTIME_CALLS).cast_mut(), Ordering::Release);
    }
}
