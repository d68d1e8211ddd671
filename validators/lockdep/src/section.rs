//! Sections: spans of code that run in a context, from `*_enter` until the guard is dropped.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crate::check::{budget, irq_state, leaving, sleep};
use crate::context::{
    self, HARDIRQ_OFFSET, PREEMPT_OFFSET, SOFTIRQ_DISABLE_OFFSET, SOFTIRQ_OFFSET, Thread,
};
use crate::map::Map;
use crate::statistics;
use crate::sud;
use crate::words::Place;
use crate::words::{How, Wait};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    HardIrq,
    SoftIrq,
    /// A work item or a task, which may sleep.
    Task,
    /// A task that must not be preempted.
    NoPreempt,
    /// A task with softirqs disabled.
    NoSoftIrq,
}

/// A span of code that runs in a context. It ends when this guard is dropped.
#[must_use = "the section ends when the guard is dropped"]
pub struct Section {
    /// `None` if the validators were off or busy at the start. Then the end does nothing either.
    state: Option<State>,
    name: &'static str,
    context: Context,
    place: Place,
    work: Option<&'static Work>,
    /// A section belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// The state of the thread before the section, and the limits of the section.
struct State {
    irqs_on: bool,
    preempt_count: u32,
    depth: usize,
    tokens: u32,
    work_before: Option<(&'static str, &'static str)>,
    items: Cell<u64>,
    max_items: u64,
    start: Option<(Instant, Duration, u64)>,
    no_syscalls: bool,
    /// When it began, if sections are measured.
    measured: Option<Instant>,
}

/// Begins a hardirq-like section: an audio callback, one turn of a server, a signal handler. Code in it must not
/// sleep, allocate, or take a class of locks that is ever held with interrupts enabled.
#[track_caller]
pub fn hardirq_enter(name: &'static str) -> Section {
    Section::enter(name, Context::HardIrq, Place::here(), None)
}

/// Begins a softirq-like section. Hardirq-like code may interrupt it, and it must not sleep.
#[track_caller]
pub fn softirq_enter(name: &'static str) -> Section {
    Section::enter(name, Context::SoftIrq, Place::here(), None)
}

/// Begins a section of a task. It may sleep, and must release all its locks before it ends.
#[track_caller]
pub fn task_enter(name: &'static str) -> Section {
    Section::enter(name, Context::Task, Place::here(), None)
}

/// Begins a section in which the thread must not be preempted, and so must not sleep.
#[track_caller]
pub fn preempt_disable() -> Section {
    Section::enter("preempt_disable", Context::NoPreempt, Place::here(), None)
}

/// Begins a section in which no softirq-like callback may run on this thread.
#[track_caller]
pub fn local_bh_disable() -> Section {
    Section::enter("local_bh_disable", Context::NoSoftIrq, Place::here(), None)
}

/// A work item of a queue: a deferred callback that runs in a worker. Make one with
/// [`work!`](crate::work).
///
/// The queue and the item count as held while the item runs, as in the kernel. So the validators see the deadlock
/// of a thread that waits for an item while it holds a lock that the item takes.
#[derive(Debug)]
pub struct Work {
    queue: &'static str,
    function: &'static str,
    queue_map: Map,
    item_map: Map,
}

impl Work {
    /// Makes a work item. `queue_class` and `item_class` are the names of the classes of its queue and itself.
    #[track_caller]
    #[must_use]
    pub const fn new(
        queue: &'static str,
        function: &'static str,
        queue_class: &'static str,
        item_class: &'static str,
    ) -> Self {
        let queue_map = Map::named::<(Self, u8)>(Wait::Unchecked, queue_class);
        let item_map = Map::named::<Self>(Wait::Unchecked, item_class);
        Self { queue, function, queue_map, item_map }
    }

    /// Begins a run of the item, in its worker, with interrupts enabled.
    #[track_caller]
    pub fn enter(&'static self) -> Section {
        Section::enter(self.function, Context::Task, Place::here(), Some(self))
    }

    /// Checks a wait for the end of the item. The caller must be allowed to sleep, and all locks that the item takes
    /// come after those that the caller holds.
    #[track_caller]
    pub fn flush(&self) {
        let place = Place::here();
        crate::might_sleep_at(place);
        self.item_map.acquire(How::EXCLUSIVE, place);
        self.item_map.release(place);
    }
}

impl Section {
    fn enter(
        name: &'static str,
        context: Context,
        place: Place,
        work: Option<&'static Work>,
    ) -> Self {
        let state = context::enter(|thread| begin(thread, context, place));
        let mut section = Self { state, name, context, place, work, thread: PhantomData };
        if let Some(work) = work {
            work.queue_map.acquire(How::EXCLUSIVE, place);
            work.item_map.acquire(How::EXCLUSIVE, place);
            context::peek(|thread| thread.work.set(Some((work.queue, work.function))));
        }
        if let Some(state) = &mut section.state {
            state.measured = statistics::begin(name);
        }
        section
    }

    #[cfg(feature = "static-tls")]
    pub(crate) fn hardirq_at(name: &'static str, place: Place) -> Self {
        Self::enter(name, Context::HardIrq, place, None)
    }

    #[cfg(feature = "static-tls")]
    pub(crate) fn softirq_at(name: &'static str, place: Place) -> Self {
        Self::enter(name, Context::SoftIrq, place, None)
    }

    #[cfg(feature = "static-tls")]
    pub(crate) fn task_at(name: &'static str, place: Place) -> Self {
        Self::enter(name, Context::Task, place, None)
    }

    /// Ends the section at a place. A section that is dropped ends where it began, as far as reports know.
    #[cfg(feature = "static-tls")]
    pub(crate) fn leave_at(mut self, place: Place) {
        self.place = place;
    }

    /// Limits how many items [`item`](Self::item) may count.
    pub fn max_items(mut self, items: u64) -> Self {
        if let Some(state) = &mut self.state {
            state.max_items = items;
        }
        self
    }

    /// Limits the time that the section may take. The watchdog reports a section that does not end.
    pub fn max_time(mut self, budget: Duration) -> Self {
        let name = self.name;
        if let Some(state) = &mut self.state {
            // The list of sections takes memory and reads the thread's name, neither of which is the program's doing.
            let watch = |thread: &Thread| budget::watch(thread, name, budget);
            let watch = || context::peek(|thread| thread.while_busy(|| watch(thread)));
            let entry = sud::allowing_syscalls(watch);
            state.start = Some((Instant::now(), budget, entry));
        }
        self
    }

    /// Forbids system calls until the section ends. The first one is reported. This does nothing if the kernel cannot
    /// dispatch system calls to user space: see [`can_trap_syscalls`](crate::can_trap_syscalls).
    pub fn no_syscalls(mut self) -> Self {
        if let Some(state) = &mut self.state {
            state.no_syscalls = sud::arm();
        }
        self
    }

    /// Counts one item, such as a delivered event or a handled message.
    #[inline]
    pub fn item(&self) {
        let Some(state) = &self.state else { return };
        let items = state.items.get() + 1;
        state.items.set(items);
        if items == state.max_items.saturating_add(1) {
            context::enter(|thread| {
                let what = format!("items, more than {}", state.max_items);
                budget::exceeded(thread, self.name, &what);
            });
        }
    }
}

fn begin(thread: &Thread, context: Context, place: Place) -> State {
    let state = State {
        irqs_on: thread.irqs_on(),
        preempt_count: thread.preempt_count(),
        depth: thread.held.depth(),
        tokens: thread.irq_tokens.get(),
        work_before: thread.work.get(),
        items: Cell::new(0),
        max_items: u64::MAX,
        start: None,
        no_syscalls: false,
        measured: None,
    };
    if thread.sections.get() == 0 {
        thread.entry.set(context::next_entry());
    }
    thread.sections.set(thread.sections.get() + 1);
    match context {
        Context::HardIrq => {
            irq_state::disable(thread, place);
            thread.preempt_add(HARDIRQ_OFFSET);
        }
        Context::SoftIrq | Context::NoSoftIrq => {
            if thread.softirqs_on() {
                irq_state::note_softirqs(thread, false, place);
            }
            thread.preempt_add(offset(context));
        }
        Context::Task | Context::NoPreempt => thread.preempt_add(offset(context)),
    }
    state
}

fn offset(context: Context) -> u32 {
    match context {
        Context::HardIrq => HARDIRQ_OFFSET,
        Context::SoftIrq => SOFTIRQ_OFFSET,
        Context::NoPreempt => PREEMPT_OFFSET,
        Context::NoSoftIrq => SOFTIRQ_DISABLE_OFFSET,
        Context::Task => 0,
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        let Some(state) = self.state.take() else { return };
        if let Some(work) = self.work {
            work.item_map.release(self.place);
            work.queue_map.release(self.place);
        }
        context::enter(|thread| self.end(thread, &state));
    }
}

impl Section {
    fn end(&self, thread: &Thread, state: &State) {
        if let Some(start) = state.measured {
            statistics::end(self.name, start, thread.sections.get() == 1);
        }
        if state.no_syscalls
            && let Some(call) = sud::disarm()
        {
            sleep::system_call(thread, call.number, &call.addresses);
        }
        if let Some((start, budget, entry)) = state.start {
            budget::unwatch(entry);
            let elapsed = start.elapsed();
            if elapsed > budget {
                let what = format!("time {elapsed:?}, more than {budget:?}");
                budget::exceeded(thread, self.name, &what);
            }
        }
        let is_span = matches!(self.context, Context::NoPreempt | Context::NoSoftIrq);
        if !is_span {
            self.check_state_at_end(thread, state);
        }
        thread.preempt_sub(offset(self.context));
        match self.context {
            Context::HardIrq if state.irqs_on => irq_state::note_enabled(thread, self.place),
            Context::SoftIrq | Context::NoSoftIrq if thread.softirqs_on() => {
                irq_state::note_softirqs(thread, true, self.place);
                if thread.irqs_on() && self.context == Context::NoSoftIrq {
                    irq_state::mark_held(thread, crate::state::ENABLED_SOFTIRQ);
                }
            }
            _ => {}
        }
        thread.work.set(state.work_before);
        thread.sections.set(thread.sections.get().saturating_sub(1));
    }

    /// Checks that a callback left the locks, the irq state and the preempt count as they were.
    fn check_state_at_end(&self, thread: &Thread, state: &State) {
        leaving::check(thread, state.depth, self.name);
        let expected = state.preempt_count.wrapping_add(offset(self.context));
        let now = thread.preempt_count();
        if now != expected && thread.held.depth() == state.depth {
            irq_state::left_preempt_count(thread, self.name, expected, now);
        }
        thread.preempt_add(expected.wrapping_sub(now));
        let expected_on = state.irqs_on && self.context != Context::HardIrq;
        if thread.irqs_on() != expected_on {
            irq_state::left_changed(thread, self.name, expected_on);
            if expected_on {
                irq_state::note_enabled(thread, self.place);
            } else {
                irq_state::disable(thread, self.place);
            }
        }
        thread.irq_tokens.set(state.tokens);
    }
}
