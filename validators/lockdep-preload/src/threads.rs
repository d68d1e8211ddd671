//! What this library knows about a thread.
//!
//! It is reached by a word of the thread and freed by a key of pthreads. The destructor of a thread-local variable would
//! take the lock of the dynamic loader, which a thread may hold that waits for this one.

#![expect(unsafe_code, reason = "memory that a key of pthreads frees")]

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use lockdep::{IrqFlags, Section, preload, raw};

/// The word of the thread with the address of its data.
const DATA: usize = 0;
/// The word of the thread with the mutex of its own wait for a condition.
const WAIT_MUTEX: usize = 6;
/// The word of the thread with the mutex that a wait for a condition has released; 0 for none.
const RELEASED: usize = 10;
/// The key whose destructor frees the data, plus one; 0 before it is made.
static KEY: AtomicU32 = AtomicU32::new(0);

/// What this library knows about a thread.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) sections: Vec<Section>,
    pub(crate) flags: Vec<IrqFlags>,
    /// Whether the innermost section is one between two waits.
    pub(crate) in_turn: bool,
    /// Whether the thread runs callbacks that were registered with a library.
    pub(crate) runs_callbacks: bool,
    /// Where the thread waits.
    pub(crate) waits: Vec<Wait>,
    /// The named function that the thread runs.
    pub(crate) function: Frame,
    /// The function that the thread runs; 0 in the first thread.
    start: usize,
}

/// The outermost named function that a thread runs. An entry keeps its address in `rbx`, which the function gives back
/// as it was, so the exit and the unwinder find the first two fields.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Frame {
    /// Where the function returns to.
    pub(crate) return_address: Cell<usize>,
    /// The caller's `rbx`.
    pub(crate) rbx: Cell<usize>,
    /// The address of the function.
    pub(crate) function: Cell<usize>,
    /// Where on the stack the return address was; 0 if the thread runs no such function.
    pub(crate) slot: Cell<usize>,
    /// How many sections the thread was in before.
    pub(crate) depth: Cell<usize>,
}

impl Data {
    /// Returns whether the thread is in no section but one between two waits.
    pub(crate) fn may_wait(&self) -> bool {
        !self.runs_callbacks && self.sections.len() == usize::from(self.in_turn)
    }
}

/// A place where a thread waits.
pub(crate) struct Wait {
    /// The return address of the call, and where on the stack it is.
    pub(crate) place: (usize, usize),
    pub(crate) is_sleep: bool,
    /// The libraries on its stack.
    pub(crate) modules: Vec<String>,
    pub(crate) is_own: bool,
}

/// Makes the key. `ends` is called at the end of each thread with what `with` stores, and calls [`end`] with it.
pub(crate) fn start(ends: unsafe extern "C" fn(*mut c_void)) {
    let mut key = 0;
    // SAFETY: the key is written, and the destructor gets what `with` stores.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(ends)) } == 0 {
        KEY.store(key + 1, Ordering::Relaxed);
    }
}

/// Calls `f` with the data of the calling thread, and without checks, so that nothing calls this once more meanwhile.
pub(crate) fn with<R>(f: impl FnOnce(&mut Data) -> R) -> R {
    raw::unchecked(|| {
        let mut data = std::ptr::with_exposed_provenance_mut::<Data>(preload::word(DATA));
        if data.is_null() {
            data = Box::into_raw(Box::default());
            preload::set_word(DATA, data.expose_provenance());
            if let Some(key) = KEY.load(Ordering::Relaxed).checked_sub(1) {
                // SAFETY: the key exists.
                unsafe { libc::pthread_setspecific(key, data.cast()) };
            }
        }
        // SAFETY: the data is this thread's, and while checks are off no other call of this function runs in it.
        f(unsafe { &mut *data })
    })
}

/// Frees the data of a thread at its end.
pub(crate) fn end(data: *mut c_void) {
    preload::ends_thread();
    raw::unchecked(|| {
        preload::set_word(DATA, 0);
        // SAFETY: the data was made from a box, and its thread has ended.
        let mut data = unsafe { Box::from_raw(data.cast::<Data>()) };
        // The end of the thread is not the end of what it did.
        data.sections.drain(..).for_each(std::mem::forget);
        data.flags.drain(..).for_each(std::mem::forget);
    });
}

/// Notes the function that the calling thread runs.
pub(crate) fn runs(function: usize) {
    with(|data| data.start = function);
}

/// Returns the name of the function that the thread runs.
pub(crate) fn start_function() -> Option<String> {
    let start = with(|data| data.start);
    (start != 0).then(|| raw::variable(start)).flatten()
}

/// Notes the mutex of the thread's own wait for a condition.
pub(crate) fn has_wait_mutex(mutex: usize) {
    preload::set_word(WAIT_MUTEX, mutex);
}

/// Returns whether a lock is the mutex of the thread's own wait for a condition.
#[inline]
pub(crate) fn is_wait_mutex(lock: usize) -> bool {
    preload::word(WAIT_MUTEX) == lock
}

/// Notes the mutex that the thread's wait for a condition releases, or that there is none any more.
pub(crate) fn has_released(mutex: Option<usize>) {
    preload::set_word(RELEASED, mutex.unwrap_or_default());
}

/// Returns whether a wait for a condition has released a lock and was cancelled, and notes that it was. The C library
/// takes the mutex again for the cleanup handlers of the thread, and the function that waits does not return.
#[inline]
pub(crate) fn was_cancelled_with(lock: usize) -> bool {
    let was_it = preload::word(RELEASED) == lock;
    if was_it {
        preload::set_word(RELEASED, 0);
    }
    was_it
}
