//! The functions that the compiler calls before an access.
//!
//! On x86-64 most calls end after some instructions without a frame: a look at the slots of both tables, a look whether
//! the place is hot, and a count of accesses to let pass. Everything else is the slow path, which other processors always
//! take. It is reached by a jump, so that the caller's frame stays the first of the stack.

#![expect(unsafe_code, reason = "exports under the compiler's names")]

use std::arch::global_asm;

use crate::runtime::access::{Access, kind};
#[cfg(target_arch = "x86_64")]
use crate::runtime::delayed;
use crate::runtime::thread::Thread;
use crate::runtime::watch;

#[cfg(target_arch = "aarch64")]
#[macro_use]
mod aarch64;
#[cfg(target_arch = "x86_64")]
#[macro_use]
mod x86_64;

/// The slow path behind every entry. An access that is not aligned may reach into a second granule, so it comes
/// here uncounted.
#[cfg(target_arch = "x86_64")]
extern "C" fn slow(address: usize, size: usize, kind: u32, place: usize, stack: usize) {
    let access = Access::new(address, size, kind);
    delayed::may_be(access, place, stack);
    watch::access(access, place);
}

extern "C" fn unaligned(address: usize, size: usize, kind: u32, place: usize) {
    watch::counted_access(Access::new(address, size, kind), place);
}

// The entry of an access that is marked, may cross granules, or has its size in an argument need not be fast.
macro_rules! other {
    ($($kind:expr, $size:literal: $($name:literal)+;)*) => { $(
        global_asm!(
            ".pushsection .text,\"ax\",@progbits",
            ".p2align 4",
            $(concat!(".globl ", $name), concat!(".type ", $name, ",@function"), concat!($name, ":"),)+
            ".cfi_startproc",
            size!(),
            kind_of!(),
            place!(),
            jump!("{unaligned}"),
            ".cfi_endproc",
            ".popsection",
            size = const $size,
            kind = const $kind,
            unaligned = sym unaligned,
        );
    )* };
}

plain! {
    kind::READ, 1: "__sanitizer_cov_load1" "__tsan_read1";
    kind::READ, 2: "__sanitizer_cov_load2" "__tsan_read2";
    kind::READ, 4: "__sanitizer_cov_load4" "__tsan_read4";
    kind::READ, 8: "__sanitizer_cov_load8" "__tsan_read8" "__tsan_vptr_read";
    kind::READ, 16: "__sanitizer_cov_load16" "__tsan_read16";
    kind::WRITE, 1: "__sanitizer_cov_store1" "__tsan_write1";
    kind::WRITE, 2: "__sanitizer_cov_store2" "__tsan_write2";
    kind::WRITE, 4: "__sanitizer_cov_store4" "__tsan_write4";
    kind::WRITE, 8: "__sanitizer_cov_store8" "__tsan_write8";
    kind::WRITE, 16: "__sanitizer_cov_store16" "__tsan_write16";
    READ_WRITE, 1: "__tsan_read_write1";
    READ_WRITE, 2: "__tsan_read_write2";
    READ_WRITE, 4: "__tsan_read_write4";
    READ_WRITE, 8: "__tsan_read_write8";
    READ_WRITE, 16: "__tsan_read_write16";
}

const READ_WRITE: u32 = kind::WRITE | kind::COMPOUND;
const MARKED_READ: u32 = kind::ATOMIC;
const MARKED_WRITE: u32 = kind::WRITE | kind::ATOMIC;

other! {
    kind::READ, 2: "__tsan_unaligned_read2";
    kind::READ, 4: "__tsan_unaligned_read4";
    kind::READ, 8: "__tsan_unaligned_read8";
    kind::READ, 16: "__tsan_unaligned_read16";
    kind::WRITE, 2: "__tsan_unaligned_write2";
    kind::WRITE, 4: "__tsan_unaligned_write4";
    kind::WRITE, 8: "__tsan_unaligned_write8";
    kind::WRITE, 16: "__tsan_unaligned_write16";
    READ_WRITE, 2: "__tsan_unaligned_read_write2";
    READ_WRITE, 4: "__tsan_unaligned_read_write4";
    READ_WRITE, 8: "__tsan_unaligned_read_write8";
    READ_WRITE, 16: "__tsan_unaligned_read_write16";
    MARKED_READ, 1: "__tsan_volatile_read1";
    MARKED_READ, 2: "__tsan_volatile_read2" "__tsan_unaligned_volatile_read2";
    MARKED_READ, 4: "__tsan_volatile_read4" "__tsan_unaligned_volatile_read4";
    MARKED_READ, 8: "__tsan_volatile_read8" "__tsan_unaligned_volatile_read8";
    MARKED_READ, 16: "__tsan_volatile_read16" "__tsan_unaligned_volatile_read16";
    MARKED_WRITE, 1: "__tsan_volatile_write1";
    MARKED_WRITE, 2: "__tsan_volatile_write2" "__tsan_unaligned_volatile_write2";
    MARKED_WRITE, 4: "__tsan_volatile_write4" "__tsan_unaligned_volatile_write4";
    MARKED_WRITE, 8: "__tsan_volatile_write8" "__tsan_unaligned_volatile_write8";
    MARKED_WRITE, 16: "__tsan_volatile_write16" "__tsan_unaligned_volatile_write16";
}

// Entries that have the size in an argument: struct copies of gcc, and ranges that the program names itself.
macro_rules! sized {
    ($($kind:path: $name:literal;)*) => { $(
        global_asm!(
            ".pushsection .text,\"ax\",@progbits",
            concat!(".globl ", $name), concat!(".type ", $name, ",@function"), concat!($name, ":"),
            ".cfi_startproc",
            kind_of!(),
            place!(),
            jump!("{unaligned}"),
            ".cfi_endproc",
            ".popsection",
            kind = const $kind,
            unaligned = sym unaligned,
        );
    )* };
}

sized! {
    kind::READ: "__tsan_read_range";
    kind::WRITE: "__tsan_write_range";
}

// The start of a constructor or destructor writes the pointer to the table of virtual functions. If the same pointer is
// there already, nobody sees the write, so it counts as a read.
global_asm!(
    ".pushsection .text,\"ax\",@progbits",
    ".globl __tsan_vptr_update",
    ".type __tsan_vptr_update,@function",
    "__tsan_vptr_update:",
    ".cfi_startproc",
    if_equal!("__tsan_vptr_read"),
    jump!("__tsan_write8"),
    ".cfi_endproc",
    ".popsection",
);

// Calls that copy or fill memory, with the place as a further argument.
global_asm!(
    ".pushsection .text,\"ax\",@progbits",
    ".irp name, memcpy, memmove, memset",
    ".globl __tsan_\\name",
    ".type __tsan_\\name,@function",
    "__tsan_\\name:",
    ".cfi_startproc",
    place!(),
    jump!("kcsan_\\name"),
    ".cfi_endproc",
    ".endr",
    ".globl __kcsan_check_access",
    ".type __kcsan_check_access,@function",
    "__kcsan_check_access:",
    ".cfi_startproc",
    place!(),
    jump!("{unaligned}"),
    ".cfi_endproc",
    ".popsection",
    unaligned = sym unaligned,
);

// These do nothing: stacks come from unwinding, and the set-up runs by itself.
global_asm!(
    ".pushsection .text,\"ax\",@progbits",
    ".irp name, __tsan_init, __tsan_func_entry, __tsan_get_current_fiber, __tsan_create_fiber, \
     __tsan_destroy_fiber, __tsan_switch_to_fiber, __tsan_set_fiber_name, __tsan_flush_memory, \
     AnnotateBenignRace, AnnotateBenignRaceSized, AnnotateNewMemory, AnnotateThreadName, \
     AnnotateMemoryIsInitialized, AnnotateMemoryIsUninitialized",
    ".weak \\name",
    ".type \\name,@function",
    "\\name:",
    ".endr",
    return_zero!(),
    // A function that ends has no store that is delayed.
    ".globl __tsan_func_exit",
    ".type __tsan_func_exit,@function",
    "__tsan_func_exit:",
    forget_delayed!(),
    return_zero!(),
    // Locks need no annotations. But what they stand for orders the stores before it.
    ".irp name, __tsan_acquire, __tsan_release, __tsan_mutex_create, __tsan_mutex_destroy, \
     __tsan_mutex_pre_lock, __tsan_mutex_post_lock, __tsan_mutex_pre_unlock, __tsan_mutex_post_unlock, \
     __tsan_mutex_pre_signal, __tsan_mutex_post_signal, __tsan_mutex_pre_divert, __tsan_mutex_post_divert, \
     AnnotateHappensBefore, AnnotateHappensAfter, AnnotateRWLockCreate, AnnotateRWLockCreateStatic, \
     AnnotateRWLockDestroy, AnnotateRWLockAcquired, AnnotateRWLockReleased",
    ".weak \\name",
    ".type \\name,@function",
    "\\name:",
    ".endr",
    forget_delayed!(),
    return_zero!(),
    // These stop and start the checks of a thread.
    ".irp name, AnnotateIgnoreReadsBegin, AnnotateIgnoreWritesBegin, AnnotateIgnoreSyncBegin",
    ".weak \\name",
    ".type \\name,@function",
    "\\name:",
    ".endr",
    jump!("__tsan_ignore_thread_begin"),
    ".irp name, AnnotateIgnoreReadsEnd, AnnotateIgnoreWritesEnd, AnnotateIgnoreSyncEnd",
    ".weak \\name",
    ".type \\name,@function",
    "\\name:",
    ".endr",
    jump!("__tsan_ignore_thread_end"),
    ".popsection",
    delayed = const std::mem::offset_of!(Thread, delayed),
);
