//! What a process knows of its connections and of the server, in a page that is empty in every child.
//!
//! A child must not hold the connections of its parent open either; their numbers stand a second time
//! where they survive, and it closes them.
#![expect(unsafe_code, reason = "asks for a handler of forks")]

use crate::sys;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Calls that wait at the same time on connections that are kept; more have one for themselves.
pub(crate) const SLOTS: usize = 64;

/// A place for a connection.
pub(crate) struct Slot {
    /// The address of the `Frame` of the call that uses it; 0 if none does.
    pub(crate) holder: AtomicUsize,
    /// Of the thread that holds it.
    pub(crate) thread: AtomicUsize,
    /// The connection; 0 for none, or its number plus one.
    pub(crate) fd: AtomicI32,
    /// The number of the last call.
    pub(crate) serial: AtomicU32,
    /// Of the connection, by which it is known from others that have come to its number.
    pub(crate) inode: AtomicU64,
}

#[repr(C, align(4096))]
pub(crate) struct Page {
    /// Whose slots these are; 0 in a child.
    pub(crate) process: AtomicI32,
    /// Slots that were ever used.
    pub(crate) used: AtomicUsize,
    /// The server's number, process and user, as its last connection has shown them; all 0 before the
    /// first.
    pub(crate) server: AtomicU64,
    pub(crate) server_process: AtomicI32,
    pub(crate) server_user: AtomicU32,
    pub(crate) slots: [Slot; SLOTS],
}

const _: () = assert!(size_of::<Page>() == sys::PAGE);

impl Slot {
    const fn new() -> Self {
        Self {
            holder: AtomicUsize::new(0),
            thread: AtomicUsize::new(0),
            fd: AtomicI32::new(0),
            serial: AtomicU32::new(0),
            inode: AtomicU64::new(0),
        }
    }
}

pub(crate) static PAGE: Page = Page {
    process: AtomicI32::new(0),
    used: AtomicUsize::new(0),
    server: AtomicU64::new(0),
    server_process: AtomicI32::new(0),
    server_user: AtomicU32::new(0),
    slots: [const { Slot::new() }; SLOTS],
};

/// The same connections, for a child that has to close them: number plus one, inode.
pub(crate) static INHERITED: [(AtomicI32, AtomicU64); SLOTS] =
    [const { (AtomicI32::new(0), AtomicU64::new(0)) }; SLOTS];

/// Called once, when the library is loaded.
pub(crate) fn prepare() {
    let _or_by_the_handler = sys::wipe_on_fork((&raw const PAGE).addr());
    PAGE.process.store(sys::process(), Ordering::Relaxed);
    // SAFETY: the handler makes only system calls and lives as long as the library, which is never
    // unloaded.
    let _no_memory = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

/// Is the memory that of this process, and not of a parent that waits for it in vfork?
pub(crate) fn is_own_process() -> bool {
    PAGE.process.load(Ordering::Relaxed) == sys::process()
}

/// The child of a fork: has no connections, and lets go of its parent's.
extern "C" fn in_child() {
    let _kept = sys::KeepErrno::new();
    if PAGE.process.load(Ordering::Relaxed) != 0 {
        // The page was copied: this kernel cannot wipe it.
        for slot in &PAGE.slots {
            slot.fd.store(0, Ordering::Relaxed);
            slot.thread.store(0, Ordering::Relaxed);
            slot.holder.store(0, Ordering::Relaxed);
        }
        PAGE.used.store(0, Ordering::Relaxed);
        PAGE.server.store(0, Ordering::Relaxed);
        PAGE.process.store(0, Ordering::Relaxed);
    }
    begin();
}

/// The first call of a process: closes what it has inherited.
pub(crate) fn begin() {
    let own = sys::process();
    if PAGE.process.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return;
    }
    for (fd, inode) in &INHERITED {
        let number = fd.swap(0, Ordering::AcqRel) - 1;
        if number >= 0 && sys::inode(number) == Ok(inode.load(Ordering::Relaxed)) {
            let _closed = sys::close(number);
        }
    }
}
