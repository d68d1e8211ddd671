//! Which threads run real-time code.
//!
//! A thread does if it runs under `SCHED_FIFO` or `SCHED_RR`, or if something has asked for that, also where the system
//! refuses it: the program on a machine with the right is the same program. Whether another process has changed the
//! policy, as rtkit does, is looked at now and then. With `LOCKDEP_ATOMIC_THREADS`, names decide instead.
//!
//! A new thread inherits the policy of its creator unless its attributes say otherwise. That is reported, and the new
//! thread is checked only if it asks for real time itself.

#![expect(unsafe_code, reason = "asks the kernel and pthreads about a thread")]
#![expect(
    clippy::disallowed_types,
    reason = "a list of this library's own, read when it has changed"
)]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use lockdep::{Place, ReportKind, preload, raw};

/// The word of the thread with what is known about its policy.
const STATE: usize = 1;
/// The word of the thread with the changes that it knows of.
const KNOWN: usize = 2;
/// The word of the thread that counts its waits.
const WAITS: usize = 3;

const IS_REAL_TIME: usize = 1;
const HAS_INHERITED: usize = 2;
/// The thread was made with real-time attributes.
const WAS_ASKED: usize = 4;

/// After how many waits a thread looks at its policy again, at most.
const PERIOD: usize = 64;

/// A thread, or what it will run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Id(usize),
    Pthread(usize),
    /// The function of threads that could not be made with real-time attributes. Programs try again without.
    Start(usize),
}

/// Which threads something has asked to be real-time, or not to be.
static ASKED: Mutex<Vec<(Whose, bool)>> = Mutex::new(Vec::new());
/// How often the list, or the name of a thread, has changed.
static CHANGES: AtomicUsize = AtomicUsize::new(1);
/// The patterns of `LOCKDEP_ATOMIC_THREADS`.
static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();

/// The name of threads. An asterisk at its end stands for anything.
struct Pattern {
    text: String,
}

impl Pattern {
    fn matches(&self, name: &str) -> bool {
        match self.text.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.text,
        }
    }
}

/// The lock of the list.
pub(crate) type Guard = MutexGuard<'static, Vec<(Whose, bool)>>;

/// Locks the list while the process forks.
pub(crate) fn lock() -> Guard {
    asked()
}

fn asked() -> MutexGuard<'static, Vec<(Whose, bool)>> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the environment, and looks at the policy with which the program starts.
pub(crate) fn start() {
    raw::unchecked(|| {
        let text = std::env::var("LOCKDEP_ATOMIC_THREADS").unwrap_or_default();
        let names = text.split(',').filter(|name| !name.is_empty());
        let patterns = names.map(|name| Pattern { text: name.to_owned() }).collect();
        let _ = PATTERNS.set(patterns);
    });
    if runs_real_time() {
        // Whoever started the program has decided that, and not the program.
        preload::set_word(STATE, HAS_INHERITED);
    }
}

/// Returns how many names of threads there are.
pub(crate) fn count_names() -> usize {
    patterns().len()
}

fn patterns() -> &'static [Pattern] {
    PATTERNS.get().map_or(&[], Vec::as_slice)
}

fn is_real_time(policy: c_int) -> bool {
    [libc::SCHED_FIFO, libc::SCHED_RR].contains(&(policy & !libc::SCHED_RESET_ON_FORK))
}

/// Returns whether the calling thread runs under a real-time policy.
fn runs_real_time() -> bool {
    // SAFETY: the call has no memory to read or write.
    is_real_time(unsafe { libc::sched_getscheduler(0) })
}

/// Returns the ID of the calling thread.
fn own_id() -> usize {
    // SAFETY: the call has no argument.
    let id = raw::unchecked(|| unsafe { libc::syscall(libc::SYS_gettid) });
    usize::try_from(id).unwrap_or_default()
}

fn note(whose: Whose, on: bool) {
    raw::unchecked(|| {
        let mut asked = asked();
        asked.retain(|(known, _)| *known != whose);
        asked.push((whose, on));
    });
    changes();
}

/// Forgets what was asked for the calling thread, which ends. Another thread may get its numbers.
pub(crate) fn ends() {
    raw::unchecked(|| {
        let own = own();
        asked().retain(|(whose, _)| !own.contains(whose));
    });
}

/// Returns the names by which something may have asked for the calling thread.
fn own() -> [Whose; 2] {
    // SAFETY: the call has no argument.
    let pthread = usize::try_from(unsafe { libc::pthread_self() }).unwrap_or_default();
    [Whose::Id(own_id()), Whose::Pthread(pthread)]
}

/// Notes that names or policies of threads have changed.
pub(crate) fn changes() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// Notes that something asks for a policy for the thread of an ID. The ID 0 is the calling thread.
pub(crate) fn asks_thread(id: usize, policy: c_int) {
    note(Whose::Id(if id == 0 { own_id() } else { id }), is_real_time(policy));
}

/// Notes that something asks for real time for a thread, by a request to another process.
pub(crate) fn asks_service(id: usize) {
    asks_thread(id, libc::SCHED_RR);
}

/// Notes that something asks for a policy for a thread of pthreads.
pub(crate) fn asks_pthread(thread: usize, policy: c_int) {
    note(Whose::Pthread(thread), is_real_time(policy));
}

/// Returns whether the code of the calling thread between two waits is real-time code. `counts` says that the thread
/// is about to wait.
#[inline]
pub(crate) fn is_checked(counts: bool) -> bool {
    let changes = CHANGES.load(Ordering::Relaxed);
    if counts {
        let waits = preload::word(WAITS).wrapping_add(1);
        preload::set_word(WAITS, waits);
        // At 1, 2, 4, 8 and so on, and then regularly.
        if waits.is_power_of_two() || waits.is_multiple_of(PERIOD) {
            return look(changes);
        }
    }
    if preload::word(KNOWN) != changes {
        return look(changes);
    }
    preload::word(STATE) & IS_REAL_TIME != 0
}

/// Returns whether the next wait is one at which the thread looks at its policy.
pub(crate) fn looks_soon() -> bool {
    let next = preload::word(WAITS).wrapping_add(1);
    let is_soon = next.is_power_of_two() || next.is_multiple_of(PERIOD);
    if !is_soon {
        preload::set_word(WAITS, next);
    }
    is_soon
}

#[cold]
fn look(changes: usize) -> bool {
    preload::set_word(KNOWN, changes);
    let state = preload::word(STATE);
    let is_it = raw::unchecked(|| {
        if !patterns().is_empty() {
            return is_named();
        }
        let own = own();
        let asked = asked();
        match asked.iter().rfind(|(whose, _)| own.contains(whose)) {
            Some((_, on)) => *on,
            None if state & WAS_ASKED != 0 => true,
            None => state & HAS_INHERITED == 0 && runs_real_time(),
        }
    });
    let new = if is_it { state | IS_REAL_TIME } else { state & !IS_REAL_TIME };
    preload::set_word(STATE, new);
    is_it
}

/// Returns whether a pattern matches the name of the thread, or the name of the function that it runs.
fn is_named() -> bool {
    let mut name = [0_u8; 17];
    // SAFETY: the call writes at most 16 bytes, with a zero at their end.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let start = crate::threads::start_function();
    let is_it = |pattern: &Pattern| {
        pattern.matches(&name) || start.as_deref().is_some_and(|start| pattern.matches(start))
    };
    let mut matching =
        patterns().iter().enumerate().filter(|(_, pattern)| is_it(pattern)).peekable();
    let is_named = matching.peek().is_some();
    matching.for_each(|(index, _)| preload::note_name(index, preload::named::EXISTS));
    is_named
}

/// A thread that is about to be made.
pub(crate) struct New {
    state: usize,
}

/// Checks the making of a thread that runs a function.
pub(crate) fn makes(attributes: usize, function: usize, caller: usize) -> New {
    let is_explicit = attributes_ask(attributes);
    let was_refused = asked().contains(&(Whose::Start(function), true));
    if is_explicit == Some(true) || was_refused {
        return New { state: IS_REAL_TIME | WAS_ASKED };
    }
    if is_explicit == Some(false) {
        return New { state: 0 };
    }
    let is_real_time = is_checked(false);
    let state = preload::word(STATE);
    if is_real_time && patterns().is_empty() && inherits() {
        let message = raw::unchecked(|| {
            let name = raw::variable(function);
            let name = name.as_deref().unwrap_or("a function of a stripped file");
            format!("thread of {name} inherits real-time scheduling")
        });
        preload::warn(
            ReportKind::Inherited,
            Place::Address(caller),
            &message,
            "the new thread competes with the real-time threads; pthread_attr_setinheritsched or \
             SCHED_RESET_ON_FORK keeps it from that.",
        );
        raw::unchecked(|| drop(message));
    }
    New { state: if state == 0 { 0 } else { HAS_INHERITED } }
}

/// Returns whether a thread is made with real-time attributes.
pub(crate) fn is_asked(new: &New) -> bool {
    new.state & IS_REAL_TIME != 0
}

/// Notes whether the thread could be made.
pub(crate) fn made(is_asked: bool, function: usize, result: c_int) {
    if result == libc::EPERM && is_asked {
        note(Whose::Start(function), true);
    }
}

/// Takes over what was found when this thread was made.
pub(crate) fn begins(new: &New) {
    preload::set_word(STATE, new.state);
    preload::set_word(KNOWN, CHANGES.load(Ordering::Relaxed));
}

/// Returns whether children of the calling thread inherit its policy.
fn inherits() -> bool {
    // SAFETY: the call has no memory to read or write.
    unsafe { libc::sched_getscheduler(0) & libc::SCHED_RESET_ON_FORK == 0 }
}

/// Returns whether attributes ask for real time; `None` if the thread inherits its policy.
fn attributes_ask(attributes: usize) -> Option<bool> {
    let attributes = std::ptr::with_exposed_provenance::<c_void>(attributes);
    if attributes.is_null() {
        return None;
    }
    unsafe extern "C" {
        fn pthread_attr_getinheritsched(attributes: *const c_void, inherits: *mut c_int) -> c_int;
        fn pthread_attr_getschedpolicy(attributes: *const c_void, policy: *mut c_int) -> c_int;
    }
    let (mut inherits, mut policy) = (libc::PTHREAD_INHERIT_SCHED, libc::SCHED_OTHER);
    // SAFETY: the program passes initialised attributes to `pthread_create`.
    unsafe { pthread_attr_getinheritsched(attributes, &raw mut inherits) };
    // SAFETY: as above.
    unsafe { pthread_attr_getschedpolicy(attributes, &raw mut policy) };
    (inherits == libc::PTHREAD_EXPLICIT_SCHED).then(|| is_real_time(policy))
}
