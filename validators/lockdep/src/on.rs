//! What the validators are when they are on.

use std::path::Path;

pub use crate::check::budget::{check_watchdog, start_watchdog};
pub use crate::check::sleep::{might_sleep as might_sleep_at, set_sleep_report_interval};
pub use crate::irq::{IrqFlags, irqsave, local_irq_disable, local_irq_enable};
pub(crate) use crate::irq::{disable_at, enable_at};
pub use crate::map::Map;
pub use crate::section::{
    Section, Work, hardirq_enter, local_bh_disable, preempt_disable, softirq_enter, task_enter,
};
pub use crate::sink::{count, set_hook};
pub use crate::sud::can_trap_syscalls;

use crate::context::{self, PREEMPT_OFFSET};
use crate::graph;
use crate::shared::Shared;

/// Switches all validation on or off.
pub fn switch(on: bool) {
    context::switch(on);
}

/// Shares classes and orders with all processes that share the same file, from now on. The
/// environment variable `LOCKDEP_GRAPH` does the same from the start.
///
/// # Errors
///
/// The file cannot be opened or made.
pub fn share_graph(path: &Path) -> std::io::Result<()> {
    let shared = Shared::open(path)?;
    graph::lock().share(Some(shared));
    Ok(())
}

/// Calls `f`; what it allocates is not reported, even in atomic context.
pub fn allow_alloc<R>(f: impl FnOnce() -> R) -> R {
    context::peek(|thread| thread.alloc_allowed.set(thread.alloc_allowed.get() + 1));
    let result = f();
    context::peek(|thread| thread.alloc_allowed.set(thread.alloc_allowed.get() - 1));
    result
}

/// A spin lock is about to be taken: the thread must not be preempted.
#[inline]
pub(crate) fn spin_enter() {
    context::peek(|thread| thread.preempt_add(PREEMPT_OFFSET));
}

/// A spin lock was given back.
#[inline]
pub(crate) fn spin_leave() {
    context::peek(|thread| thread.preempt_sub(PREEMPT_OFFSET));
}
