//! Sections between two waits.
//!
//! In a thread that runs real-time code, everything between two waits is a section. Not each call that waits is such a
//! wait: a callback that sleeps waits too, and there it is the defect. A thread's own wait is the one in its loop, so
//! the first one is taken for it, until another one shows that the first was deeper:
//!
//! * A wait whose stack has a library more than another one, such as a plug-in, is inside of a section of that one.
//! * A sleep for a time is inside of a section if the thread also waits for an event, or sleeps further out.
//!
//! What a thread does after its last wait is the end of the thread, and no section: it frees memory and closes files. So
//! calls that may wait are findings only when the thread waits again.
//!
//! Threads that run callbacks which were registered with a library (`callbacks.rs`) have these as sections instead.

use lockdep::{Place, preload, raw};

use crate::errno;
use crate::next::{Arguments, Next, Verdict};
use crate::realtime;
use crate::threads::{self, Wait};

/// The word of the thread with the return address of the current wait, if that has ended a section; 0 otherwise.
const IN_WAIT: usize = 4;

/// Maximum number of places where a thread waits that are remembered. A function that calls itself waits at a place for
/// each depth. What was forgotten is looked at once more, which takes the time of a stack trace.
const MAX_WAITS: usize = 64;

/// Returns whether it matters what a call does.
pub(crate) fn matters() -> bool {
    // A thread that only reads must notice that it has become a real-time one.
    raw::is_atomic() || realtime::is_checked(false) || realtime::looks_soon()
}

/// Checks a call, and returns the address of the next library's function.
pub(crate) extern "C" fn before(next: &Next, call: &mut Arguments) -> usize {
    if raw::is_busy() {
        return next.address();
    }
    let verdict = (next.judge)(call);
    if verdict != Verdict::Passes {
        let place = (call.caller, std::ptr::from_ref(&call.caller).addr());
        if is_own_wait(next.name(), verdict, place) {
            begins(call.caller);
            preload::set_word(IN_WAIT, call.caller);
        }
    }
    next.address()
}

/// Begins the next section, if the call was the wait between two.
pub(crate) extern "C" fn after() {
    let caller = preload::word(IN_WAIT);
    if caller == 0 || raw::is_busy() {
        return;
    }
    preload::set_word(IN_WAIT, 0);
    ends(caller);
}

/// Ends the section of the thread, which begins to wait in a call from `caller`, or runs a callback there.
pub(crate) fn begins(caller: usize) {
    end_turn(caller, true);
}

/// Ends the section of the thread, which waits no more: it was no section, but the end of the thread.
pub(crate) fn is_last(caller: usize) {
    end_turn(caller, false);
}

fn end_turn(caller: usize, is_section: bool) {
    if threads::with(|data| std::mem::take(&mut data.in_turn)) {
        preload::settle(is_section);
        errno::keeping(|| crate::sections::pop_at(Place::Address(caller)));
    }
}

/// Begins the section after a wait in a call from `caller`.
pub(crate) fn ends(caller: usize) {
    if threads::with(|data| std::mem::replace(&mut data.in_turn, true)) {
        return;
    }
    let place = Place::Address(caller);
    errno::keeping(|| {
        crate::sections::push(preload::hardirq_enter_at("between two waits", place));
    });
    preload::holds_back();
}

/// Checks a call that may wait. Returns whether it is the wait between two sections of the thread.
pub(crate) fn is_own_wait(call: &'static str, verdict: Verdict, place: (usize, usize)) -> bool {
    let waits = matches!(verdict, Verdict::Waits | Verdict::Sleeps);
    let is_checked = waits && realtime::is_checked(true);
    if !is_checked && !raw::is_atomic() {
        return false;
    }
    let is_own = is_checked
        && threads::with(|data| data.may_wait())
        && errno::keeping(|| is_own(verdict == Verdict::Sleeps, place));
    if !is_own {
        errno::keeping(|| raw::may_wait(call, Place::Address(place.0)));
    }
    is_own
}

/// Returns whether a wait is one of those in the loop of its thread.
fn is_own(is_sleep: bool, place: (usize, usize)) -> bool {
    let known = threads::with(|data| {
        data.waits.iter().find(|wait| wait.place == place).map(|wait| wait.is_own)
    });
    if let Some(known) = known {
        return known;
    }
    let modules = raw::unchecked(preload::modules);
    threads::with(|data| {
        let mut new = Wait { place, is_sleep, modules, is_own: true };
        for old in data.waits.iter_mut().filter(|old| old.is_own) {
            match inner(old, &new) {
                Some(Inner::New) => new.is_own = false,
                Some(Inner::Old) => old.is_own = false,
                None => {}
            }
        }
        let is_own = new.is_own;
        if data.waits.len() >= MAX_WAITS {
            // The waits of the loop say which others are inside of it, so they are the last to go.
            let oldest = data.waits.iter().position(|wait| !wait.is_own).unwrap_or_default();
            data.waits.remove(oldest);
        }
        data.waits.push(new);
        is_own
    })
}

/// Which of two waits of a thread is inside of a section of the other.
enum Inner {
    Old,
    New,
}

fn inner(old: &Wait, new: &Wait) -> Option<Inner> {
    let has_all = |wait: &Wait, of: &Wait| of.modules.iter().all(|one| wait.modules.contains(one));
    match (has_all(new, old), has_all(old, new)) {
        (true, false) => return Some(Inner::New),
        (false, true) => return Some(Inner::Old),
        (false, false) => return None,
        (true, true) => {}
    }
    match (old.is_sleep, new.is_sleep) {
        (false, true) => Some(Inner::New),
        // The stack grows downwards.
        (true, true) if new.place.1 < old.place.1 => Some(Inner::New),
        (true, true) if new.place.1 > old.place.1 => Some(Inner::Old),
        _ => None,
    }
}
