//! What the runtime knows of the thread that runs.
//!
//! Thread-local data of the program itself, at a constant distance from the thread pointer: the way of
//! an access that is not looked at is a decrement of `skip` there.

#![expect(unsafe_code, reason = "thread-local data that the entries reach in one instruction")]

use std::arch::{asm, global_asm};
use std::cell::Cell;

/// Zero in a new thread, so that its first access takes the slow way, where `skip` is set.
#[repr(C, align(64))]
pub(crate) struct Thread {
    /// Accesses to let pass; first, because the entries decrement it.
    pub(crate) skip: Cell<i32>,
    /// Where the thread is.
    pub(crate) place: Cell<Place>,
    /// How many calls ask not to be looked at.
    pub(crate) disabled: Cell<i32>,
    /// The thread's number; 0 is not known.
    tid: Cell<u32>,
    /// The bits that the next check is about; 0 is all.
    pub(crate) mask: Cell<u64>,
    random: Cell<u64>,
    /// No watchpoint before this instant.
    pub(crate) rest_until: Cell<u64>,
}

/// Where a thread is, seen by a signal handler that interrupts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Place {
    /// In the program.
    Program = 0,
    /// At a watchpoint of its own: it may hit others, and sets no second.
    Watching = 1,
    /// In the middle of something: its accesses pass.
    Runtime = 2,
}

const _: () = assert!(size_of::<Thread>() == 64, "as large as the space below");

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 64",
    ".globl kcsan_thread",
    ".hidden kcsan_thread",
    ".type kcsan_thread,@object",
    ".size kcsan_thread,64",
    "kcsan_thread:",
    ".zero 64",
    ".popsection",
);

/// The data of the thread that calls.
#[inline(always)]
pub(crate) fn current() -> &'static Thread {
    let address: *const Thread;
    // SAFETY: the thread pointer points to itself, and the symbol is this thread's data before it.
    unsafe {
        asm!(
            "mov {0}, fs:[0]",
            "lea {0}, [{0} + kcsan_thread@tpoff]",
            out(reg) address,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    // SAFETY: zero bytes are a `Thread`, it lives as long as the thread, and it is not `Sync`.
    unsafe { &*address }
}

impl Thread {
    /// The thread's number.
    pub(crate) fn tid(&self) -> u32 {
        if self.tid.get() == 0 {
            // SAFETY: there is nothing to promise.
            let tid = unsafe { libc::gettid() };
            self.tid.set(tid.cast_unsigned());
        }
        self.tid.get()
    }

    /// Forgets what is another's after a fork.
    pub(crate) fn forget(&self) {
        self.tid.set(0);
        self.random.set(0);
    }

    /// A number below `limit`, by xorshift.
    pub(crate) fn random(&self, limit: u64) -> u64 {
        let mut x = self.random.get();
        if x == 0 {
            x = now() ^ u64::from(self.tid()) << 32 | 1;
        }
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        (x >> 11) % limit.max(1)
    }
}

/// Nanoseconds of the monotonic clock.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Runs something that may change `errno`, which the program is about to look at.
pub(crate) fn keep_errno<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: there is nothing to promise.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the C library's pointer to this thread's errno is valid as long as the thread.
    let before = unsafe { errno.read() };
    let result = work();
    // SAFETY: as above.
    unsafe { errno.write(before) };
    result
}
