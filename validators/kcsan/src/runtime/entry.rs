//! The functions that the compiler calls before an access.
//!
//! Most calls end after twelve instructions without a frame: a look at the slots of both tables, and a count of
//! accesses to let pass. Everything else is the slow path. It is reached by a jump, so that the caller's frame stays
//! the first of the stack.

#![expect(unsafe_code, reason = "exports under the compiler's names")]

use std::arch::global_asm;

use crate::runtime::access::{Access, kind};
use crate::runtime::table::{DISTANCE, TABLES};
use crate::runtime::watch;

/// The slow path behind every entry. An access that is not aligned may reach into a second granule, so it comes
/// here uncounted.
extern "C" fn slow(address: usize, size: usize, kind: u32) {
    watch::access(Access::new(address, size, kind));
}

extern "C" fn unaligned(address: usize, size: usize, kind: u32) {
    watch::counted_access(Access::new(address, size, kind));
}

// The entry of a plain access looks into both tables, then counts.
macro_rules! plain {
    ($($kind:path, $size:literal: $($name:literal)+;)*) => { $(
        global_asm!(
            ".pushsection .text,\"ax\",@progbits",
            ".p2align 4",
            $(concat!(".globl ", $name), concat!(".type ", $name, ",@function"), concat!($name, ":"),)+
            ".cfi_startproc",
            "mov eax, edi",
            "and eax, 0x3f0",
            "test dil, {size} - 1",
            "jne 3f",
            "lea rcx, [rip + {tables}]",
            "mov rdx, [rcx + rax]",
            "or rdx, [rcx + rax + {distance}]",
            "jne 2f",
            "sub dword ptr fs:[kcsan_thread@tpoff], 1",
            "js 2f",
            "ret",
            "2:",
            "mov esi, {size}",
            "mov edx, {kind}",
            "jmp {slow}",
            "3:",
            "mov esi, {size}",
            "mov edx, {kind}",
            "jmp {unaligned}",
            ".cfi_endproc",
            ".popsection",
            size = const $size,
            kind = const $kind,
            distance = const DISTANCE,
            tables = sym TABLES,
            slow = sym slow,
            unaligned = sym unaligned,
        );
    )* };
}

// The entry of an access that is marked, may cross granules, or has its size in an argument need not be fast.
macro_rules! other {
    ($($kind:expr, $size:literal: $($name:literal)+;)*) => { $(
        global_asm!(
            ".pushsection .text,\"ax\",@progbits",
            ".p2align 4",
            $(concat!(".globl ", $name), concat!(".type ", $name, ",@function"), concat!($name, ":"),)+
            ".cfi_startproc",
            "mov esi, {size}",
            "mov edx, {kind}",
            "jmp {unaligned}",
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
    kind::WRITE, 8: "__sanitizer_cov_store8" "__tsan_write8" "__tsan_vptr_update";
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

/// Entries of ranges: struct copies of gcc, and ranges that the program names itself.
#[unsafe(no_mangle)]
extern "C" fn __tsan_read_range(address: usize, size: usize) {
    watch::counted_access(Access::new(address, size, kind::READ));
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_write_range(address: usize, size: usize) {
    watch::counted_access(Access::new(address, size, kind::WRITE));
}

// These do nothing: stacks come from unwinding, and the set-up runs by itself.
global_asm!(
    ".pushsection .text,\"ax\",@progbits",
    ".irp name, __tsan_init, __tsan_func_entry, __tsan_func_exit, __tsan_acquire, __tsan_release",
    ".globl \\name",
    ".type \\name,@function",
    "\\name:",
    ".endr",
    "ret",
    ".popsection",
);
