//! What a process knows about its connections and the server, in a page that the kernel empties in a child.
//!
//! A child must not keep its parent's connections open. Their numbers are therefore also kept outside of
//! the page, and the child closes them.

use crate::{next, sys};
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// How many calls at the same time can use connections that are kept. Each further call opens a connection
/// for itself and closes it.
pub(crate) const SLOTS: usize = 64;

/// A place for a connection that is kept.
pub(crate) struct Slot {
    /// The address of the `Frame` of the call that uses the slot; 0 if it is free.
    pub(crate) holder: AtomicUsize,
    /// The [`sys::thread_mark`] of the thread that uses the slot.
    pub(crate) thread: AtomicUsize,
    /// The descriptor of the connection plus one; 0 if there is none.
    pub(crate) fd: AtomicI32,
    /// The number of the last call.
    pub(crate) serial: AtomicU32,
    /// The inode of the connection, which tells whether the descriptor is still that connection.
    pub(crate) inode: AtomicU64,
}

/// The page that is emptied in a child.
#[repr(C, align(4096))]
pub(crate) struct Page {
    /// The process whose slots these are; 0 in a child.
    pub(crate) process: AtomicI32,
    /// How many slots were ever used.
    pub(crate) used: AtomicUsize,
    /// The number of the server, as the newest connection showed it; 0 before the first.
    pub(crate) server: AtomicU64,
    /// The process of the server.
    pub(crate) server_process: AtomicI32,
    /// The user of the server.
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

/// The same connections for a child, which closes them: descriptor plus one, inode.
pub(crate) static INHERITED: [(AtomicI32, AtomicU64); SLOTS] =
    [const { (AtomicI32::new(0), AtomicU64::new(0)) }; SLOTS];

/// Prepares for forks. Called once, when the library is loaded.
pub(crate) fn prepare() {
    let _or_by_the_handler = sys::wipe_on_fork((&raw const PAGE).addr());
    PAGE.process.store(sys::process(), Ordering::Relaxed);
    // The handler makes only system calls.
    next::call_after_fork(in_child);
}

/// Returns whether the memory is this process's own: after `vfork` it is that of the waiting parent.
pub(crate) fn is_own_process() -> bool {
    PAGE.process.load(Ordering::Relaxed) == sys::process()
}

/// Runs in the child of a fork: forgets all connections, and closes those of the parent.
extern "C" fn in_child() {
    let _kept = sys::KeepErrno::new();
    if PAGE.process.load(Ordering::Relaxed) != 0 {
        // This kernel cannot empty the page in a child, and has copied it.
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

/// Closes the connections that this process has inherited, at its first call.
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
