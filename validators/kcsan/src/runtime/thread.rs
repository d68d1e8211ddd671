//! What the runtime knows about the current thread.
//!
//! It is thread-local data of the program itself, at a constant distance from the thread pointer. An access that is
//! not checked only decrements `skip` there.

#![expect(unsafe_code, reason = "thread-local data that the entries reach in one instruction")]

use std::arch::{asm, global_asm};
use std::cell::Cell;

use crate::runtime::access::Access;

/// The data of a thread. It is zero in a new thread, so the first access takes the slow path, which sets `skip`.
#[repr(C, align(64))]
pub(crate) struct Thread {
    /// How many accesses may still pass. This is the first field, because the entries decrement it.
    pub(crate) skip: Cell<i32>,
    /// Whether the thread is in the program, at a watchpoint, or in the runtime.
    pub(crate) place: Cell<Place>,
    /// How many callers want the thread not to be checked.
    pub(crate) disabled: Cell<i32>,
    /// The thread ID; 0 until it is needed.
    tid: Cell<u32>,
    /// The bits that the next check is about; 0 for all.
    pub(crate) mask: Cell<u64>,
    random: Cell<u64>,
    /// The thread sets no watchpoint before this time.
    pub(crate) rest_until: Cell<u64>,
    /// The innermost assertion about a scope, or null.
    pub(crate) scopes: Cell<*const Scope>,
    /// A store of the program that may be delayed.
    pub(crate) delayed: Delayed,
}

/// A store, and where it was made.
#[repr(C)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no store is delayed there"))]
pub(crate) struct Delayed {
    /// The address; 0 for none.
    pub(crate) address: Cell<usize>,
    pub(crate) size: Cell<usize>,
    /// The return address of the entry.
    pub(crate) place: Cell<usize>,
}

/// An assertion that holds until the end of a scope of the program, which has the memory. `include/kcsan.h` and
/// `marks.rs` have the same structure.
#[repr(C)]
pub(crate) struct Scope {
    /// The assertion of an outer scope, or null.
    pub(crate) next: Cell<*const Self>,
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) kind: u32,
}

/// What code a thread is in, for a signal handler that interrupts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Place {
    /// The program.
    Program = 0,
    /// A wait at the thread's own watchpoint. It may hit other watchpoints, and sets no second one.
    Watching = 1,
    /// The runtime. Accesses pass.
    Runtime = 2,
}

const _: () = assert!(size_of::<Thread>() == 128, "as large as the space below");

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 64",
    ".globl kcsan_thread",
    ".hidden kcsan_thread",
    ".type kcsan_thread,@object",
    ".size kcsan_thread,128",
    "kcsan_thread:",
    ".zero 128",
    ".popsection",
);

/// Returns the data of the calling thread.
#[inline(always)]
pub(crate) fn current() -> &'static Thread {
    let address: *const Thread;
    // SAFETY: the thread pointer points to itself, and the symbol is this thread's data before it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            "mov {0}, fs:[0]",
            "lea {0}, [{0} + kcsan_thread@tpoff]",
            out(reg) address,
            options(pure, nomem, nostack, preserves_flags)
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            "mrs {0}, tpidr_el0",
            "add {0}, {0}, :tprel_hi12:kcsan_thread",
            "add {0}, {0}, :tprel_lo12_nc:kcsan_thread",
            out(reg) address,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    // SAFETY: zero bytes are a `Thread`, it lives as long as the thread, and it is not `Sync`.
    unsafe { &*address }
}

impl Thread {
    /// Returns the thread ID.
    pub(crate) fn tid(&self) -> u32 {
        if self.tid.get() == 0 {
            // SAFETY: there is nothing to promise.
            let tid = unsafe { libc::gettid() };
            self.tid.set(tid.cast_unsigned());
        }
        self.tid.get()
    }

    /// Forgets the parent's data after a fork.
    pub(crate) fn forget(&self) {
        self.tid.set(0);
        self.random.set(0);
    }

    /// Begins an assertion about a scope.
    pub(crate) fn begin_scope(&self, scope: &Scope) {
        scope.next.set(self.scopes.get());
        self.scopes.set(scope);
    }

    /// Ends an assertion about a scope. Scopes need not end in order.
    pub(crate) fn end_scope(&self, scope: &Scope) {
        let mut link = &self.scopes;
        // SAFETY: each is in the list as long as its scope lasts.
        while let Some(found) = unsafe { link.get().as_ref() } {
            if std::ptr::eq(found, scope) {
                link.set(scope.next.get());
                return;
            }
            link = &found.next;
        }
    }

    /// Returns the access to watch in place of one that the thread makes: the same, or by chance what one of its
    /// scopes is about.
    pub(crate) fn choose(&self, access: Access) -> Access {
        let mut chosen = access;
        let mut count = 1;
        let mut next = self.scopes.get();
        // SAFETY: as above.
        while let Some(scope) = unsafe { next.as_ref() } {
            count += 1;
            if self.random(count) == 0 {
                chosen = Access::new(scope.address, scope.size, scope.kind);
            }
            next = scope.next.get();
        }
        chosen
    }

    /// Returns a random number below `limit`, by xorshift.
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

/// Returns the time of the monotonic clock, in ns.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Calls `f` and restores `errno`, which the program may be about to read.
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
