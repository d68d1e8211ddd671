//! Exports that pass a call on with the registers that it came with.
//!
//! Each export saves the registers of arguments, asks what the call does, and jumps to the next library's function. So
//! signatures do not matter, and calls with a variable number of arguments work too. Exports that wait call the function
//! instead, because they have something to do afterwards: their arguments are in registers.

/// Saves the registers of arguments, and puts the address of the function into `r11`.
macro_rules! ask {
    () => {
        concat!(
            "push rdi\npush rsi\npush rdx\npush rcx\npush r8\npush r9\npush rax\n",
            ".cfi_adjust_cfa_offset 56\n",
            "sub rsp, 128\n.cfi_adjust_cfa_offset 128\n",
            "movaps [rsp], xmm0\nmovaps [rsp + 16], xmm1\nmovaps [rsp + 32], xmm2\n",
            "movaps [rsp + 48], xmm3\nmovaps [rsp + 64], xmm4\nmovaps [rsp + 80], xmm5\n",
            "movaps [rsp + 96], xmm6\nmovaps [rsp + 112], xmm7\n",
            "lea rdi, [rip + {next}]\nlea rsi, [rsp + 128]\ncall {before}\nmov r11, rax\n",
            "movaps xmm0, [rsp]\nmovaps xmm1, [rsp + 16]\nmovaps xmm2, [rsp + 32]\n",
            "movaps xmm3, [rsp + 48]\nmovaps xmm4, [rsp + 64]\nmovaps xmm5, [rsp + 80]\n",
            "movaps xmm6, [rsp + 96]\nmovaps xmm7, [rsp + 112]\n",
            "add rsp, 128\n.cfi_adjust_cfa_offset -128\n",
            "pop rax\npop r9\npop r8\npop rcx\npop rdx\npop rsi\npop rdi\n",
            ".cfi_adjust_cfa_offset -56\n",
        )
    };
}
pub(crate) use ask;

/// Declares what is asked about calls of an export, as `NEXT`.
macro_rules! next_of {
    ($name:ident, $judge:expr) => {
        #[unsafe(link_section = "lockdep_next")]
        static NEXT: $crate::next::Next = $crate::next::Next::new(
            match std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("a name with a zero"),
            },
            $judge,
        )
        .exported_as($name);
    };
}
pub(crate) use next_of;

/// Exports functions that are asked about before each call.
macro_rules! before {
    ($judge:expr; $($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            $crate::exports::next_of!($name, $judge);
            std::arch::naked_asm!(
                ".cfi_startproc",
                $crate::exports::ask!(),
                "jmp r11",
                ".cfi_endproc",
                next = sym NEXT,
                before = sym $crate::waits::before,
            )
        }
    )* };
}
pub(crate) use before;

/// Exports functions that wait, and so end a section and begin another one.
macro_rules! around {
    ($judge:expr; $($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            $crate::exports::next_of!($name, $judge);
            std::arch::naked_asm!(
                ".cfi_startproc",
                $crate::exports::ask!(),
                "push rbx",
                ".cfi_adjust_cfa_offset 8",
                ".cfi_rel_offset rbx, 0",
                // A system call may have a seventh argument, on the stack.
                "sub rsp, 8",
                ".cfi_adjust_cfa_offset 8",
                "push qword ptr [rsp + 24]",
                ".cfi_adjust_cfa_offset 8",
                "call r11",
                "mov rbx, rax",
                "call {after}",
                "mov rax, rbx",
                "add rsp, 16",
                ".cfi_adjust_cfa_offset -16",
                "pop rbx",
                ".cfi_adjust_cfa_offset -8",
                ".cfi_restore rbx",
                "ret",
                ".cfi_endproc",
                next = sym NEXT,
                before = sym $crate::waits::before,
                after = sym $crate::waits::after,
            )
        }
    )* };
}
pub(crate) use around;
