//! Functions that are real-time code whenever they run: those that `--functions` names.
//!
//! Calls through the tables of the dynamic linker, of C++'s virtual functions and of a program's own, and what `dlsym`
//! returns, lead to an entry of ours (`slots`). It begins a section, puts an exit of ours into the place of the return
//! address, and jumps to the function (`entry`). So the function finds its arguments where its caller has put them,
//! however many there are, and what it returns is returned.
//!
//! The outermost such function of a thread is the section. A jump or an exception that leaves it ends the section.

#![expect(unsafe_code, reason = "entries that are called like the functions they stand for")]

mod entry;
mod loading;
mod objects;
mod pattern;
mod slots;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use lockdep::{Place, preload, raw};

use pattern::Pattern;
pub(crate) use slots::{Guard, lock};

use crate::threads::Frame;
use crate::{errno, handlers, threads, waits};

/// Maximum number of functions. What names fit beyond that is told at the end of the run.
const FUNCTIONS: usize = 1024;

/// A function that an entry stands for.
struct Function {
    /// Its address; 0 for none.
    address: AtomicUsize,
    /// Which of the names fit it, a bit each.
    names: AtomicU64,
    /// Whether it was called.
    has_run: AtomicBool,
    /// Whether its library was unloaded. Another function may be at the address now.
    is_gone: AtomicBool,
    /// The name of its section.
    name: OnceLock<&'static str>,
}

impl Function {
    const fn none() -> Self {
        Self {
            address: AtomicUsize::new(0),
            names: AtomicU64::new(0),
            has_run: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            name: OnceLock::new(),
        }
    }
}

static TABLE: [Function; FUNCTIONS] = [const { Function::none() }; FUNCTIONS];

/// The names of `LOCKDEP_FUNCTIONS`.
static WANTED: OnceLock<Vec<Pattern>> = OnceLock::new();
/// How many names of threads there are. Those of functions follow them in the session.
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// Whether there are names.
static ARE_WANTED: AtomicBool = AtomicBool::new(false);

/// Maximum number of names, because each is a bit.
const MAX_NAMES: usize = 64;

/// Reads the names, and finds their functions in the program and its libraries. `first` is the number of names of
/// threads.
pub(crate) fn start(first: usize) {
    raw::unchecked(|| {
        let text = std::env::var("LOCKDEP_FUNCTIONS").unwrap_or_default();
        let patterns: Vec<Pattern> =
            pattern::names(&text).take(MAX_NAMES).map(Pattern::new).collect();
        if patterns.is_empty() {
            return;
        }
        FIRST.store(first, Ordering::Relaxed);
        let are_possible = entry::prepare();
        let all = u64::MAX >> (u64::BITS as usize - patterns.len());
        let _ = WANTED.set(patterns);
        if are_possible {
            ARE_WANTED.store(true, Ordering::Release);
            slots::refresh();
        } else {
            note(all, preload::named::IMPOSSIBLE);
        }
    });
}

/// Returns whether there are names of functions.
#[inline]
pub(crate) fn are_wanted() -> bool {
    ARE_WANTED.load(Ordering::Acquire)
}

fn wanted() -> &'static [Pattern] {
    WANTED.get().map_or(&[], Vec::as_slice)
}

/// Notes something about names, which are a bit each.
fn note(names: u64, what: u64) {
    let first = FIRST.load(Ordering::Relaxed);
    for index in (0..u64::BITS).filter(|index| names & 1 << index != 0) {
        preload::note_name(first + index as usize, what);
    }
}

/// Returns what `dlsym` should return for a function: its entry, if it is one that is named.
pub(crate) fn found(function: usize) -> usize {
    if function == 0 || !are_wanted() {
        return function;
    }
    raw::unchecked(|| {
        loading::catch_up();
        slots::found(function)
    })
}

/// Which function an entry jumps to, and the frame of the section; 0 if the call begins none.
#[repr(C)]
struct Begun {
    function: usize,
    frame: usize,
}

/// Begins a call. `slot` is the address of the return address.
extern "C" fn begin(number: usize, slot: *const usize, rbx: usize) -> Begun {
    let function = &TABLE[number % FUNCTIONS];
    let address = function.address.load(Ordering::Acquire);
    let nothing = Begun { function: address, frame: 0 };
    if raw::is_busy() || function.is_gone.load(Ordering::Relaxed) {
        return nothing;
    }
    errno::keeping(|| {
        if !function.has_run.swap(true, Ordering::Relaxed) {
            raw::unchecked(|| {
                note(function.names.load(Ordering::Relaxed), preload::named::HAS_RUN);
            });
        }
        if threads::with(|data| data.function.slot.get() != 0) {
            return nothing;
        }
        // An address in the function, as if it had made a call.
        let place = address + 1;
        waits::begins(place);
        let frame = threads::with(|data| {
            data.runs_callbacks = true;
            let frame = &data.function;
            // SAFETY: the entry has passed the address of its return address.
            frame.return_address.set(unsafe { slot.read() });
            frame.rbx.set(rbx);
            frame.function.set(address);
            frame.depth.set(data.sections.len());
            frame.slot.set(slot.addr());
            preload::hides_return(frame.return_address.get());
            std::ptr::from_ref(frame).addr()
        });
        let name = function.name.get().copied().unwrap_or("function");
        crate::sections::push(preload::hardirq_enter_at(name, Place::Address(place)));
        Begun { function: address, frame }
    })
}

/// Where an exit returns to, and what it leaves in `rbx`.
#[repr(C)]
struct Ended {
    return_address: usize,
    rbx: usize,
}

/// Ends the call of a frame, whose function has returned.
extern "C" fn end(frame: *const Frame) -> Ended {
    let ended = {
        // SAFETY: the exit passes the frame of the function, which is its thread's as long as that runs.
        let frame = unsafe { &*frame };
        Ended { return_address: frame.return_address.get(), rbx: frame.rbx.get() }
    };
    leave();
    ended
}

/// Ends the section of the function that the thread runs.
fn leave() {
    errno::keeping(|| {
        let depth = threads::with(|data| {
            let frame = &data.function;
            (frame.slot.replace(0) != 0).then(|| frame.depth.get())
        });
        let Some(depth) = depth else { return };
        preload::hides_return(0);
        while threads::with(|data| data.sections.len() > depth) {
            crate::sections::pop();
        }
    });
}

/// Notes that the thread jumps to a place further out on its stack. `from` and `to` are addresses there.
pub(crate) fn jumps(from: usize, to: usize) {
    if !are_wanted() || raw::is_busy() {
        return;
    }
    let slot = threads::with(|data| data.function.slot.get());
    // A handler may have a stack of its own.
    let is_above = slot >= from || handlers::is_in_one();
    if slot != 0 && slot < to && is_above {
        leave();
    }
}
