//! Checks calls that block.
//!
//! Each export saves the argument registers, asks for a check, and jumps to the C library's function. So signatures
//! do not matter, as long as no argument is a floating-point number or on the stack. Exports that wait call the
//! function instead, because they have something to do afterwards.

#![expect(unsafe_code, reason = "exports under the C library's names")]

use std::arch::naked_asm;
use std::cell::Cell;
use std::sync::LazyLock;

use lockdep::{Place, raw};

use crate::next::Next;

/// The patterns of `LOCKDEP_ATOMIC_THREADS`: names of threads, separated by commas. An asterisk at the end of a name
/// stands for anything.
static ATOMIC_THREADS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = std::env::var("LOCKDEP_ATOMIC_THREADS").unwrap_or_default();
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
});

thread_local! {
    /// The section of this thread that began when its last wait returned.
    static IN_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's code between two waits is a section.
fn is_atomic_thread() -> bool {
    raw::unchecked(|| {
        if ATOMIC_THREADS.is_empty() {
            return false;
        }
        let name = std::fs::read_to_string("/proc/thread-self/comm").unwrap_or_default();
        let name = name.trim_end();
        ATOMIC_THREADS.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        })
    })
}

/// Ends the section of a thread that begins to wait. Returns whether the code of this thread between two waits is a
/// section.
pub(crate) fn turn_begins(caller: usize) -> bool {
    if raw::is_busy() {
        return false;
    }
    if IN_TURN.replace(false) {
        crate::sections::pop();
    }
    let atomic = is_atomic_thread();
    if !atomic || raw::is_atomic() {
        lockdep::might_sleep_at(Place::Address(caller));
    }
    atomic
}

/// Begins the next section when a wait has returned.
pub(crate) fn turn_ends() {
    IN_TURN.set(true);
    crate::sections::push(|| lockdep::hardirq_enter("between two waits"));
}

/// Checks a blocking call. Returns the address of the C library's function.
extern "C" fn blocks(next: &Next, caller: usize) -> usize {
    lockdep::might_sleep_at(Place::Address(caller));
    next.address()
}

/// Checks a waiting call. Returns the address of the C library's function.
extern "C" fn waits(next: &Next, caller: usize) -> usize {
    TURN.set(turn_begins(caller));
    next.address()
}

thread_local! {
    /// Whether the current wait has ended a section, so that another one begins after it.
    static TURN: Cell<bool> = const { Cell::new(false) };
}

extern "C" fn waited() {
    if TURN.replace(false) {
        // The program reads the errno of its call.
        // SAFETY: there is nothing to promise.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the C library's pointer to this thread's errno is valid as long as the thread.
        let before = unsafe { errno.read() };
        turn_ends();
        // SAFETY: as above.
        unsafe { errno.write(before) };
    }
}

macro_rules! blocking {
    ($($name:ident = $symbol:literal;)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            static NEXT: Next = Next::new($symbol);
            naked_asm!(
                ".cfi_startproc",
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                ".cfi_adjust_cfa_offset 56",
                "lea rdi, [rip + {next}]",
                "mov rsi, [rsp + 56]",
                "call {check}",
                "mov r11, rax",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                ".cfi_adjust_cfa_offset -56",
                "jmp r11",
                ".cfi_endproc",
                next = sym NEXT,
                check = sym blocks,
            )
        }
    )* };
}

macro_rules! waiting {
    ($($name:ident = $symbol:literal;)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            static NEXT: Next = Next::new($symbol);
            naked_asm!(
                ".cfi_startproc",
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                ".cfi_adjust_cfa_offset 56",
                "lea rdi, [rip + {next}]",
                "mov rsi, [rsp + 56]",
                "call {check}",
                "mov r11, rax",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                ".cfi_adjust_cfa_offset -56",
                "push rbx",
                ".cfi_adjust_cfa_offset 8",
                "call r11",
                "mov rbx, rax",
                "call {after}",
                "mov rax, rbx",
                "pop rbx",
                ".cfi_adjust_cfa_offset -8",
                "ret",
                ".cfi_endproc",
                next = sym NEXT,
                check = sym waits,
                after = sym waited,
            )
        }
    )* };
}

blocking! {
    read = c"read";
    write = c"write";
    readv = c"readv";
    writev = c"writev";
    open = c"open";
    open64 = c"open64";
    openat = c"openat";
    recv = c"recv";
    send = c"send";
    recvfrom = c"recvfrom";
    sendto = c"sendto";
    recvmsg = c"recvmsg";
    sendmsg = c"sendmsg";
    accept = c"accept";
    connect = c"connect";
    usleep = c"usleep";
    sleep = c"sleep";
    fsync = c"fsync";
    pthread_join = c"pthread_join";
    sem_timedwait = c"sem_timedwait";
    fflush = c"fflush";
    fwrite = c"fwrite";
    fread = c"fread";
    fopen = c"fopen";
    puts = c"puts";
    system = c"system";
    waitpid = c"waitpid";
}

waiting! {
    poll = c"poll";
    ppoll = c"ppoll";
    epoll_wait = c"epoll_wait";
    select = c"select";
    sem_wait = c"sem_wait";
    nanosleep = c"nanosleep";
    clock_nanosleep = c"clock_nanosleep";
}
