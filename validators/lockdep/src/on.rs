//! The API with the feature `validate`.

use std::path::Path;

pub use crate::check::budget::{check_watchdog, start_watchdog};
pub use crate::check::sleep::{might_sleep as might_sleep_at, set_sleep_report_interval};
pub use crate::irq::{IrqFlags, irqsave, local_irq_disable, local_irq_enable};
pub(crate) use crate::irq::{disable_at, enable_at};
pub use crate::map::Map;
pub use crate::section::{
    Section, Work, hardirq_enter, local_bh_disable, preempt_disable, softirq_enter, task_enter,
};
pub use crate::sink::{count, left_out, set_hook};
pub use crate::sud::can_trap_syscalls;

use crate::check::leaving;
use crate::context::{self, PREEMPT_OFFSET};
use crate::graph;
use crate::shared::Shared;

/// Switches all validation on or off.
pub fn switch(on: bool) {
    context::switch(on);
}

/// Shares classes and orders from now on with all processes that use the same file. The environment variable
/// `LOCKDEP_GRAPH` does the same from the start.
///
/// # Errors
///
/// Returns the error of opening or creating the file, or an error if it belongs to another user.
pub fn share_graph(path: &Path) -> std::io::Result<()> {
    let shared = Shared::open(path)?;
    graph::lock().share(Some(shared));
    Ok(())
}

/// Calls `f` without reporting its allocations, even in atomic context.
pub fn allow_alloc<R>(f: impl FnOnce() -> R) -> R {
    context::peek(|thread| thread.alloc_allowed.set(thread.alloc_allowed.get() + 1));
    let result = f();
    context::peek(|thread| thread.alloc_allowed.set(thread.alloc_allowed.get() - 1));
    result
}

/// Notes that the thread must not be preempted, because it is about to take a spin lock.
#[inline]
pub(crate) fn spin_enter() {
    context::peek(|thread| thread.preempt_add(PREEMPT_OFFSET));
}

/// Notes that a spin lock was released.
#[inline]
pub(crate) fn spin_leave() {
    context::peek(|thread| thread.preempt_sub(PREEMPT_OFFSET));
}

/// Returns how many locks the calling thread holds.
pub(crate) fn held_count() -> usize {
    context::peek(|thread| thread.held.depth())
}

/// Checks at an await of a task that it holds no more than `depth` locks.
pub(crate) fn ends_poll(depth: usize, task: &'static str) {
    context::enter(|thread| {
        crate::sud::allowing_syscalls(|| leaving::check_await(thread, depth, task));
    });
}
