//! The instructions of the entries on x86-64. The size, the kind and the place are the second to fourth argument; the
//! place is the return address.

macro_rules! size {
    () => {
        "mov esi, {size}"
    };
}
macro_rules! kind_of {
    () => {
        "mov edx, {kind}"
    };
}
macro_rules! place {
    () => {
        "mov rcx, [rsp]"
    };
}
macro_rules! jump {
    ($to:literal) => {
        concat!("jmp ", $to)
    };
}
macro_rules! return_zero {
    () => {
        "xor eax, eax\nret"
    };
}
// Forgets the store of the thread that may be delayed.
macro_rules! forget_delayed {
    () => {
        "mov qword ptr fs:[kcsan_thread@tpoff + {delayed}], 0"
    };
}
// Compares what a pointer points to with a value.
macro_rules! if_equal {
    ($to:literal) => {
        concat!("cmp [rdi], rsi\nje ", $to)
    };
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
            "movzx edx, word ptr [rsp]",
            "cmp byte ptr [rcx + rdx + 2 * {distance}], {hot}",
            "jb 2f",
            "sub dword ptr fs:[kcsan_thread@tpoff], 1",
            "js 4f",
            "ret",
            "2:",
            "sub dword ptr fs:[kcsan_thread@tpoff], 1",
            "4:",
            "mov esi, {size}",
            "mov edx, {kind}",
            "mov rcx, [rsp]",
            "mov r8, rsp",
            "jmp {slow}",
            "3:",
            "mov esi, {size}",
            "mov edx, {kind}",
            "mov rcx, [rsp]",
            "jmp {unaligned}",
            ".cfi_endproc",
            ".popsection",
            size = const $size,
            kind = const $kind,
            distance = const $crate::runtime::table::DISTANCE,
            tables = sym $crate::runtime::table::TABLES,
            hot = const $crate::runtime::heat::HOT,
            slow = sym slow,
            unaligned = sym unaligned,
        );
    )* };
}
