//! Signal handlers, in which most functions must not be called.
//!
//! The handler of an asynchronous signal may have interrupted the function that it calls. `malloc` or a lock then waits
//! for itself.

use lockdep::{Place, ReportKind, preload, raw};

use crate::errno;

/// The word of the thread with the handler that runs in it; 0 for none.
const HANDLER: usize = 5;

/// Begins a handler. One that interrupts another one counts as a part of it.
pub(crate) fn begin(handler: usize) -> bool {
    let is_first = preload::word(HANDLER) == 0;
    if is_first {
        preload::set_word(HANDLER, handler);
    }
    is_first
}

/// Returns whether the thread runs a handler.
pub(crate) fn is_in_one() -> bool {
    preload::word(HANDLER) != 0
}

/// Ends a handler.
pub(crate) fn end() {
    preload::set_word(HANDLER, 0);
}

/// Reports a call of a function that is not async-signal-safe, if it is made in a handler.
#[inline]
pub(crate) fn check(call: &'static str) {
    if preload::word(HANDLER) != 0 && !raw::is_busy() {
        errno::keeping(|| report(call));
    }
}

/// Reports each function once for each handler.
#[cold]
fn report(call: &str) {
    let message = raw::unchecked(|| format!("{call} called in a signal handler"));
    preload::warn(
        ReportKind::Signal,
        Place::Address(preload::word(HANDLER)),
        &message,
        "the handler may have interrupted the same function, and then waits for itself: see \
         signal-safety(7).",
    );
    raw::unchecked(|| drop(message));
}
