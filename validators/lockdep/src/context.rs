//! What a thread is doing: one word like the kernel's `preempt_count`, the irq state, the held locks.
//!
//! All state is in `Cell`s in thread-local storage without a destructor, so it needs no allocation. A signal handler
//! that interrupts the validators sees `busy` and leaves the state alone.

// The library that is loaded with `LD_PRELOAD` is empty on other processors, but it is built there too.
#[cfg(all(feature = "static-tls", target_arch = "x86_64"))]
mod static_tls;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::held::HeldStack;
use crate::session::writer::Known;

/// Added to the word for each reason not to be preempted, such as a spin lock.
pub(crate) const PREEMPT_OFFSET: u32 = 1;
/// Added to the word inside a softirq-like context.
pub(crate) const SOFTIRQ_OFFSET: u32 = 0x100;
/// Added to the word each time that softirqs are disabled.
pub(crate) const SOFTIRQ_DISABLE_OFFSET: u32 = 0x200;
/// Added to the word inside a hardirq-like context.
pub(crate) const HARDIRQ_OFFSET: u32 = 0x1_0000;

const SOFTIRQ_MASK: u32 = 0xff00;
const HARDIRQ_MASK: u32 = 0xf_0000;

/// A change of the irq state: its number, and the key of its place.
#[derive(Clone, Copy, Default)]
pub(crate) struct IrqEvent {
    pub(crate) stamp: u32,
    pub(crate) site: usize,
}

/// The last changes of the irq state.
#[derive(Clone, Copy, Default)]
pub(crate) struct IrqTrace {
    pub(crate) stamp: u32,
    pub(crate) hardirqs_on: IrqEvent,
    pub(crate) hardirqs_off: IrqEvent,
    pub(crate) softirqs_on: IrqEvent,
    pub(crate) softirqs_off: IrqEvent,
}

/// What the validators know about a thread.
pub(crate) struct Thread {
    /// Not 0 while the validators run: they do not check themselves.
    busy: Cell<u32>,
    preempt: Cell<u32>,
    irqs_on: Cell<bool>,
    pub(crate) held: HeldStack,
    pub(crate) trace: Cell<IrqTrace>,
    /// How many sections are open.
    pub(crate) sections: Cell<u32>,
    /// The number of the outermost section. Reports with one number belong together.
    pub(crate) entry: Cell<u64>,
    /// The queue and the work item that run, for reports.
    pub(crate) work: Cell<Option<(&'static str, &'static str)>>,
    /// While this is not 0, allocations are allowed in any context.
    pub(crate) alloc_allowed: Cell<u32>,
    /// How many saved irq states are not restored yet.
    pub(crate) irq_tokens: Cell<u32>,
    /// The name of the outermost section that is open, if sections are measured.
    pub(crate) open: Cell<Option<&'static str>>,
    /// The section that this thread ended last. Most threads have one.
    pub(crate) row: Cell<Option<Known>>,
    /// The finding that is about to be reported; 0 for none.
    pub(crate) finding: Cell<u64>,
    /// Whether findings about calls that may wait are held back, until the thread waits for the next time.
    pub(crate) holds_back: Cell<bool>,
    /// How many calls the findings that are held back are about.
    pub(crate) held_back: Cell<u32>,
    /// The thread ID; 0 until it is needed.
    tid: Cell<u32>,
    /// What the library that is loaded with `LD_PRELOAD` keeps for the thread.
    #[cfg(feature = "static-tls")]
    words: [Cell<usize>; WORDS],
    /// A return address that is not on the stack, because something else is in its place; 0 for none.
    pub(crate) hidden_return: Cell<usize>,
    /// Whether the lock of the acquisition that is checked refuses the thread, which holds it.
    pub(crate) is_refused: Cell<bool>,
}

/// Number of words of a thread that do not belong to the validators.
#[cfg(feature = "static-tls")]
pub(crate) const WORDS: usize = 11;

#[cfg(not(all(feature = "static-tls", target_arch = "x86_64")))]
thread_local! {
    static THREAD: Thread = const { Thread::new() };
}

#[cfg(not(all(feature = "static-tls", target_arch = "x86_64")))]
#[inline]
fn with<R>(f: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(f)
}
#[cfg(all(feature = "static-tls", target_arch = "x86_64"))]
use static_tls::with;

static ENTRIES: AtomicU64 = AtomicU64::new(1);
static ON: AtomicBool = AtomicBool::new(true);

impl Thread {
    pub(crate) const fn new() -> Self {
        let none = IrqEvent { stamp: 0, site: 0 };
        Self {
            busy: Cell::new(0),
            preempt: Cell::new(0),
            irqs_on: Cell::new(true),
            held: HeldStack::new(),
            trace: Cell::new(IrqTrace {
                stamp: 0,
                hardirqs_on: none,
                hardirqs_off: none,
                softirqs_on: none,
                softirqs_off: none,
            }),
            sections: Cell::new(0),
            entry: Cell::new(0),
            work: Cell::new(None),
            alloc_allowed: Cell::new(0),
            irq_tokens: Cell::new(0),
            open: Cell::new(None),
            row: Cell::new(None),
            finding: Cell::new(0),
            holds_back: Cell::new(false),
            held_back: Cell::new(0),
            tid: Cell::new(0),
            #[cfg(feature = "static-tls")]
            words: [const { Cell::new(0) }; WORDS],
            hidden_return: Cell::new(0),
            is_refused: Cell::new(false),
        }
    }

    /// Calls `f` with the validators marked as busy.
    pub(crate) fn while_busy<R>(&self, f: impl FnOnce() -> R) -> R {
        let before = self.busy.replace(1);
        let result = f();
        self.busy.set(before);
        result
    }

    /// Returns the word.
    pub(crate) fn preempt_count(&self) -> u32 {
        self.preempt.get()
    }

    /// Adds to the word.
    pub(crate) fn preempt_add(&self, offset: u32) {
        self.preempt.set(self.preempt.get().wrapping_add(offset));
    }

    /// Subtracts from the word.
    pub(crate) fn preempt_sub(&self, offset: u32) {
        self.preempt.set(self.preempt.get().wrapping_sub(offset));
    }

    /// Returns whether interrupts are enabled: no gate is held.
    pub(crate) fn irqs_on(&self) -> bool {
        self.irqs_on.get()
    }

    pub(crate) fn set_irqs_on(&self, on: bool) {
        self.irqs_on.set(on);
    }

    /// Returns whether softirqs are enabled: none runs and none is held off.
    pub(crate) fn softirqs_on(&self) -> bool {
        self.preempt.get() & SOFTIRQ_MASK == 0
    }

    /// Returns the depth of hardirq-like contexts.
    pub(crate) fn hardirq_count(&self) -> u32 {
        (self.preempt.get() & HARDIRQ_MASK) >> 16
    }

    /// Returns whether a softirq-like context runs.
    pub(crate) fn in_softirq(&self) -> bool {
        self.preempt.get() & SOFTIRQ_OFFSET != 0
    }

    /// Returns 2 in a hardirq-like context, 1 in a softirq-like one, 0 otherwise.
    pub(crate) fn irq_context(&self) -> u8 {
        if self.hardirq_count() != 0 { 2 } else { u8::from(self.in_softirq()) }
    }

    /// Returns in one number everything that decides about the usage bits of an acquisition: the softirq and hardirq
    /// fields of the word, and the irq state.
    #[inline]
    pub(crate) fn irq_word(&self) -> u32 {
        self.preempt.get() >> 8 << 1 | u32::from(self.irqs_on.get())
    }

    /// Returns whether the thread must not sleep.
    pub(crate) fn is_atomic(&self) -> bool {
        self.preempt.get() != 0 || !self.irqs_on.get()
    }

    /// Returns the thread ID.
    pub(crate) fn tid(&self) -> u32 {
        if self.tid.get() == 0 {
            self.tid.set(crate::unwind::thread_id());
        }
        self.tid.get()
    }

    /// Ends all sections. Locks stay held.
    #[cfg(feature = "static-tls")]
    pub(crate) fn leave_sections(&self) {
        self.preempt.set(self.preempt.get() % SOFTIRQ_OFFSET);
        self.sections.set(0);
        self.open.set(None);
    }

    /// Forgets the thread ID, in a process that was forked.
    #[cfg(feature = "static-tls")]
    pub(crate) fn forget_tid(&self) {
        self.tid.set(0);
    }

    /// Returns a word that does not belong to the validators.
    #[cfg(feature = "static-tls")]
    pub(crate) fn word(&self, index: usize) -> &Cell<usize> {
        &self.words[index]
    }

    /// Returns the group of a report: the outermost section, or a new number outside of sections.
    pub(crate) fn group(&self) -> u64 {
        if self.sections.get() == 0 { next_entry() } else { self.entry.get() }
    }
}

/// Returns a new number for an outermost section.
pub(crate) fn next_entry() -> u64 {
    ENTRIES.fetch_add(1, Ordering::Relaxed)
}

/// Calls `f` with the thread's state. Returns `None` if the validators are busy in this thread or switched off.
#[inline]
pub(crate) fn enter<R>(f: impl FnOnce(&Thread) -> R) -> Option<R> {
    with(|thread| {
        if thread.busy.get() != 0 || !ON.load(Ordering::Relaxed) {
            return None;
        }
        thread.busy.set(1);
        let result = f(thread);
        thread.busy.set(0);
        Some(result)
    })
}

/// The same without marking the validators as busy, for fast paths, which a signal handler may interrupt.
#[inline]
pub(crate) fn glance<R>(f: impl FnOnce(&Thread) -> R) -> Option<R> {
    with(|thread| {
        let is_idle = thread.busy.get() == 0 && ON.load(Ordering::Relaxed);
        is_idle.then(|| f(thread))
    })
}

/// Calls `f` with the thread's state, busy or not, for code that only reads.
pub(crate) fn peek<R>(f: impl FnOnce(&Thread) -> R) -> R {
    with(f)
}

/// Returns whether the validators are busy in this thread.
pub(crate) fn is_busy() -> bool {
    with(|thread| thread.busy.get() != 0)
}

/// Switches all validation on or off for the process. A lock that is held across the change is forgotten at its
/// release.
pub(crate) fn switch(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Forgets everything about this thread.
pub(crate) fn forget_thread() {
    with(|thread| {
        thread.preempt.set(0);
        thread.irqs_on.set(true);
        thread.held.truncate(0);
        thread.trace.set(IrqTrace::default());
        thread.sections.set(0);
        thread.work.set(None);
        thread.alloc_allowed.set(0);
        thread.irq_tokens.set(0);
    });
}
