//! Libraries that are loaded while the program runs.

use std::arch::naked_asm;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use lockdep::raw;

use super::{are_wanted, slots};
use crate::exports::{ask, next_of};
use crate::next::{Arguments, Verdict};

/// The flag of `dlopen` by which a library finds its own functions first.
const RTLD_DEEPBIND: usize = 8;

/// Whether a library may have been loaded whose functions were not looked at yet.
static IS_LATE: AtomicBool = AtomicBool::new(false);

/// Loads a library. The C library looks at its caller to know where to search, so that must be the program if it matters.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn dlopen() {
    next_of!(dlopen, |call: &mut Arguments| {
        // A library that is loaded to find its own functions first would not find ours.
        call.second &= !RTLD_DEEPBIND;
        Verdict::Blocks
    });
    naked_asm!(
        ".cfi_startproc",
        ask!(),
        "push rdi", "push rsi", "push r11",
        ".cfi_adjust_cfa_offset 24",
        "mov rsi, [rsp + 24]",
        "call {follows}",
        "pop r11", "pop rsi", "pop rdi",
        ".cfi_adjust_cfa_offset -24",
        "test al, al",
        "jne 2f",
        "jmp r11",
        "2:",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "call r11",
        "mov rdi, rax",
        "call {loaded}",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "ret",
        ".cfi_endproc",
        next = sym NEXT,
        before = sym crate::waits::before,
        follows = sym follows,
        loaded = sym loaded,
    )
}

/// Returns whether this library calls `dlopen` itself, and looks at what was loaded right after that.
extern "C" fn follows(name: *const c_char, caller: usize) -> bool {
    if name.is_null() || !are_wanted() || raw::is_busy() {
        return false;
    }
    // SAFETY: the caller of `dlopen` has promised a C string, and it is not null.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let is_searched = !name.contains(&b'/') && raw::unchecked(|| slots::has_search_path(caller));
    if is_searched || name.contains(&b'$') {
        IS_LATE.store(true, Ordering::Release);
        return false;
    }
    true
}

/// Looks at what was loaded. Returns its argument.
extern "C" fn loaded(handle: *mut c_void) -> *mut c_void {
    if !handle.is_null() {
        crate::errno::keeping(|| raw::unchecked(slots::refresh));
    }
    handle
}

/// Looks at libraries that were loaded without that. The caller may wait for the dynamic loader.
pub(super) fn catch_up() {
    if IS_LATE.swap(false, Ordering::AcqRel) {
        slots::refresh();
    }
}
