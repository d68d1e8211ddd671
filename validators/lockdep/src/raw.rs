//! Checks locks that are not Rust types: classes by name, instances by address.
//!
//! `lockdep-preload`, the library for C programs, is built on this.

use std::ops::Range;

use crate::check::{self, balance, freed, sleep};
use crate::context;
use crate::words::Mode;
use crate::{How, Place, Wait, graph, sink, site, statistics, symbols};

/// A class of locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class(pub(crate) u16);

impl Class {
    /// Makes a class. A number tells it apart from others of the same name. Returns `None` if there are too many
    /// classes.
    #[must_use]
    pub fn new(name: &str, wait: Wait) -> Option<Self> {
        unchecked(|| graph::lock().named_class(name, 0, wait)).map(Self)
    }

    /// Checks an acquisition of the lock at an address. Call it before waiting, or after an attempt succeeded.
    pub fn acquire(self, instance: usize, how: How, place: Place) {
        context::glance(|thread| check::acquire(thread, instance, self.0, how, place));
    }

    /// Checks a release of the lock at an address. Call it before the lock is released.
    pub fn release(self, instance: usize, place: Place) {
        context::glance(|thread| {
            if !check::release(thread, instance) {
                thread.while_busy(|| balance::not_held(thread, Some(self.0), place));
            }
        });
    }
}

/// Returns whether the calling thread holds the lock at an address.
#[must_use]
pub fn is_held(instance: usize) -> bool {
    context::peek(|thread| thread.held.position(instance).is_some())
}

/// Returns whether the calling thread holds the lock at an address, and no other thread can.
#[must_use]
pub fn is_held_alone(instance: usize) -> bool {
    context::peek(|thread| {
        thread.held.iter().any(|held| held.instance == instance && held.mode == Mode::Exclusive)
    })
}

/// Calls `f`, which checks an acquisition that the lock refuses, because the calling thread holds it.
pub fn refusing(f: impl FnOnce()) {
    context::peek(|thread| thread.is_refused.set(true));
    f();
    context::peek(|thread| thread.is_refused.set(false));
}

/// Returns whether the calling thread must not sleep.
#[must_use]
pub fn is_atomic() -> bool {
    context::peek(context::Thread::is_atomic)
}

/// Checks a call of a function that may wait. `call` is its name.
pub fn may_wait(call: &'static str, place: Place) {
    sleep::may_wait(call, place);
}

/// Checks a call of an allocator for `size` bytes. `call` is the name of the function.
pub fn allocates(call: &'static str, size: usize) {
    sleep::allocates(call, size);
}

/// Checks a call that frees memory. `call` is the name of the function.
pub fn releases(call: &'static str) {
    sleep::releases(call);
}

/// Checks that no held lock is in memory that is freed.
pub fn frees(memory: Range<usize>) {
    freed::check(memory);
}

/// Opens the places where reports go. Call it when the program starts: later it may close its descriptors.
pub fn start() {
    sink::open();
}

/// A wait for a lock that is not free, for the statistics of sections.
#[must_use]
pub struct Waiting(statistics::Wait);

/// Returns whether waits of the calling thread are measured now.
#[inline]
#[must_use]
pub fn is_measured() -> bool {
    statistics::is_measured()
}

/// Notes that the calling thread begins to wait for the lock at an address, which is not free.
pub fn wait_begins(instance: usize) -> Option<Waiting> {
    statistics::wait(instance).map(Waiting)
}

impl Waiting {
    /// Notes that the thread has got the lock.
    pub fn ends(self, class: Option<Class>, place: Place) {
        unchecked(|| self.0.ends(class.map(|class| class.0), place));
    }
}

/// Notes that the thread must not be preempted, because it is about to take a lock that spins.
pub fn spin_enter() {
    crate::spin_enter();
}

/// Notes that a lock that spins was released.
pub fn spin_leave() {
    crate::spin_leave();
}

/// Calls `f` without checking what it does.
pub fn unchecked<R>(f: impl FnOnce() -> R) -> R {
    context::peek(|thread| thread.while_busy(f))
}

/// Returns whether the validators are busy in this thread, and must not be called.
#[must_use]
pub fn is_busy() -> bool {
    context::is_busy()
}

/// Returns the line of a place as `file.c:12`, or its function if no line is known.
#[must_use]
pub fn describe(place: Place) -> String {
    let Some(frame) = unchecked(|| site::frame(site::of(place))) else {
        return site::UNKNOWN.to_owned();
    };
    let symbol = frame.symbol();
    let short = |(file, line): (String, u32)| {
        let name = file.rsplit('/').next().unwrap_or_default();
        format!("{name}:{line}")
    };
    frame.line.map_or(symbol, short)
}

/// Returns the name of the variable at an address.
#[must_use]
pub fn variable(address: usize) -> Option<String> {
    unchecked(|| symbols::symbol_at(address))
}
