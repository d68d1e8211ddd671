//! The code at the entries and at the exit of named functions, and what an unwinder finds there.
//!
//! While a function runs, the return address is this library's exit. The unwinder learns the true one from the frame that
//! `rbx` has the address of. So stack traces, exceptions, and the end of a thread pass through as if nothing were there.

use std::arch::global_asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{FUNCTIONS, begin, end, leave};

/// Size of an entry in bytes.
const SIZE: usize = 16;
/// Room for the registers of floating point and vectors, in bytes: all that AVX-512 has, in the form of `xsave`.
const ROOM: usize = 2752;
/// The parts of the processor's state in which arguments or results may be: x87, SSE, AVX, and the three of AVX-512.
const PARTS: u32 = 0b1110_0111;
/// Those that `fxsave` saves.
const OLD_PARTS: u32 = 0b11;

/// The parts that are saved; 0 for a processor without `xsave`.
static SAVED: AtomicU32 = AtomicU32::new(0);

/// Saves the registers of floating point and vectors on the stack. It needs `rbp` for the frame, and uses `rax` and `rdx`.
macro_rules! save {
    () => {
        concat!(
            "sub rsp, {room}\nand rsp, -64\n",
            "mov eax, dword ptr [rip + {saved}]\ntest eax, eax\nje 3f\n",
            // The head behind the older registers must be 0, and `xsave` writes only a part of it.
            "xor edx, edx\n",
            "mov [rsp + 512], rdx\nmov [rsp + 520], rdx\nmov [rsp + 528], rdx\nmov [rsp + 536], rdx\n",
            "mov [rsp + 544], rdx\nmov [rsp + 552], rdx\nmov [rsp + 560], rdx\nmov [rsp + 568], rdx\n",
            "xsave [rsp]\njmp 4f\n",
            "3: fxsave [rsp]\n",
            "4:\n",
        )
    };
}

/// Restores them.
macro_rules! restore {
    () => {
        concat!(
            "mov eax, dword ptr [rip + {saved}]\ntest eax, eax\nje 5f\n",
            "xor edx, edx\nxrstor [rsp]\njmp 6f\n",
            "5: fxrstor [rsp]\n",
            "6:\n",
        )
    };
}

/// Restores the registers of arguments, and the stack.
macro_rules! restore_arguments {
    () => {
        concat!(
            "lea rsp, [rbp - 64]\n",
            "pop r10\npop rax\npop r9\npop r8\npop rcx\npop rdx\npop rsi\npop rdi\n",
            "pop rbp\n.cfi_restore rbp\n.cfi_def_cfa rsp, 8\n",
        )
    };
}

// DW_CFA_expression (0x10) says at which address a register of the caller is, and DW_CFA_val_expression (0x16) what is in
// it. DW_OP_breg3 (0x73) is rbx plus a number, and DW_OP_breg7 (0x77) is rsp plus one. Register 3 is rbx, 7 is rsp, and 16
// the return address.
global_asm!(
    ".pushsection .text.lockdep_functions,\"ax\",@progbits",
    ".p2align 4",
    ".hidden lockdep_functions",
    ".globl lockdep_functions",
    ".type lockdep_functions, @function",
    "lockdep_functions:",
    ".set lockdep_function, 0",
    ".rept {functions}",
    ".p2align 4",
    "endbr64",
    // No argument is in r11.
    "mov r11d, lockdep_function",
    "jmp lockdep_function_entry",
    ".set lockdep_function, lockdep_function + 1",
    ".endr",
    ".size lockdep_functions, . - lockdep_functions",
    ".p2align 4",
    ".type lockdep_function_entry, @function",
    "lockdep_function_entry:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbp, 0",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax", "push r10",
    save!(),
    "mov edi, r11d",
    "lea rsi, [rbp + 8]",
    "mov rdx, rbx",
    "call {begin}",
    "test rdx, rdx",
    "jne 2f",
    // The call begins no section.
    "mov r11, rax",
    restore!(),
    ".cfi_remember_state",
    restore_arguments!(),
    "jmp r11",
    ".cfi_restore_state",
    "2:",
    "mov rbx, rdx",
    ".cfi_escape 0x10, 3, 2, 0x73, 8",
    restore!(),
    restore_arguments!(),
    "lea r11, [rip + lockdep_function_exit]",
    "mov [rsp], r11",
    ".cfi_same_value rbx",
    "jmp [rbx + 16]",
    ".cfi_endproc",
    ".size lockdep_function_entry, . - lockdep_function_entry",
    ".p2align 4",
    ".type lockdep_function_return, @function",
    "lockdep_function_return:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    // A frame is known by its address, so this one needs another than its caller, which has the same stack pointer.
    ".cfi_def_cfa rsp, -8",
    ".cfi_escape 0x16, 7, 2, 0x77, 0",
    ".cfi_escape 0x10, 3, 2, 0x73, 8",
    ".cfi_escape 0x10, 16, 2, 0x73, 0",
    // The unwinder looks up the byte before a return address.
    "nop",
    "lockdep_function_exit:",
    "sub rsp, 8",
    ".cfi_def_cfa_offset 8",
    ".cfi_restore rsp",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbp, 0",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rax", "push rdx",
    save!(),
    "mov rdi, rbx",
    "call {end}",
    "mov [rbp + 8], rax",
    ".cfi_offset 16, -8",
    "mov rbx, rdx",
    ".cfi_same_value rbx",
    restore!(),
    "lea rsp, [rbp - 16]",
    "pop rdx", "pop rax",
    "pop rbp",
    ".cfi_restore rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size lockdep_function_return, . - lockdep_function_return",
    ".popsection",
    functions = const FUNCTIONS,
    room = const ROOM,
    saved = sym SAVED,
    begin = sym begin,
    end = sym end,
    personality = sym unwinds,
);

unsafe extern "C" {
    fn lockdep_functions();
}

/// Returns the entry of a function, by its number.
pub(super) fn at(number: usize) -> usize {
    lockdep_functions as *const () as usize + number * SIZE
}

/// Returns the number of the function of an entry.
pub(super) fn number_of(entry: usize) -> Option<usize> {
    let offset = entry.checked_sub(lockdep_functions as *const () as usize)?;
    (offset < FUNCTIONS * SIZE).then_some(offset / SIZE)
}

/// Finds out what must be saved. Returns `false` if the processor checks return addresses: they cannot be exchanged then.
pub(super) fn prepare() -> bool {
    let (mut parts, mut has_xsave) = (OLD_PARTS, false);
    let features = __cpuid(1);
    if features.ecx & 1 << 27 != 0 {
        // SAFETY: the processor has the instruction, and the system has enabled it.
        let enabled = unsafe { _xgetbv(0) };
        #[expect(clippy::cast_possible_truncation, reason = "the parts are in the low half")]
        let enabled = enabled as u32;
        has_xsave = true;
        parts = enabled & PARTS;
        for part in (2..u32::BITS).filter(|part| PARTS & 1 << part != 0) {
            let place = __cpuid_count(0xd, part);
            if place.eax as usize + place.ebx as usize > ROOM - 64 {
                parts &= !(1 << part);
            }
        }
    }
    SAVED.store(if has_xsave { parts } else { 0 }, Ordering::Relaxed);
    let mut shadow = 0_usize;
    // SAFETY: the instruction reads a register, and does nothing on processors or in programs without shadow stacks.
    unsafe {
        std::arch::asm!("rdsspq {}", inout(reg) shadow, options(nomem, nostack, preserves_flags));
    }
    shadow == 0
}

/// What the unwinder says when it runs the cleanup of functions, and what it is told to do.
const CLEANUP_PHASE: c_int = 2;
const CONTINUE_UNWIND: c_int = 8;

/// Ends the section of a function that an exception, or the end of its thread, leaves.
extern "C" fn unwinds(
    _version: c_int,
    actions: c_int,
    _class: u64,
    _exception: *mut c_void,
    _context: *mut c_void,
) -> c_int {
    if actions & CLEANUP_PHASE != 0 && !lockdep::raw::is_busy() {
        leave();
    }
    CONTINUE_UNWIND
}
