//! Sleeping in atomic context, and plain warnings, such as the one about interrupt flags.

use super::{Frame, Held, IrqTrace, Origin, Trace};
use std::fmt;

/// A call that may sleep where nothing may sleep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MightSleep {
    /// The file and line of the call that may sleep.
    pub at: (String, u32),
    /// The task, and where it ran.
    pub origin: Origin,
    /// Whether the preempt count is not zero.
    pub in_atomic: bool,
    /// Whether interrupts are off.
    pub irqs_disabled: bool,
    /// The depth of sections in which blocking is forbidden.
    pub non_block: u32,
    /// The preempt count, and the expected one.
    pub preempt_count: (u32, u32),
    /// The depth of RCU read sections, and the expected one.
    pub rcu_depth: (u32, u32),
    /// The locks that the task holds.
    pub held: Held,
    /// When interrupts were last switched, if that is recorded.
    pub irqs: Option<IrqTrace>,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for MightSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = &self.at;
        let Origin { pid, comm, .. } = &self.origin;
        let (atomic, disabled) = (u8::from(self.in_atomic), u8::from(self.irqs_disabled));
        writeln!(f, "BUG: sleeping function called from invalid context at {file}:{line}")?;
        write!(f, "in_atomic(): {atomic}, irqs_disabled(): {disabled}, ")?;
        writeln!(f, "non_block: {}, pid: {pid}, name: {comm}", self.non_block)?;
        let (count, expected) = self.preempt_count;
        writeln!(f, "preempt_count: {count:x}, expected: {expected:x}")?;
        let (depth, expected) = self.rcu_depth;
        writeln!(f, "RCU nest depth: {depth}, expected: {expected}")?;
        self.held.write(f, &self.origin)?;
        if let Some(irqs) = &self.irqs {
            irqs.fmt(f)?;
        }
        self.origin.fmt(f)?;
        self.trace.write_call_trace(f)
    }
}

/// A plain warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warning {
    /// The sentence above the warning, if there is one.
    pub message: Option<String>,
    /// The function that warns, with file and line.
    pub at: Frame,
    /// The task, and where it ran.
    pub origin: Origin,
    /// The stack, from the caller of the function that warns.
    pub trace: Trace,
}

impl Warning {
    /// Makes the warning about interrupts that are on at the end of a section that had switched them off.
    #[must_use]
    pub fn irq_restore(at: Frame, origin: Origin, trace: Trace) -> Self {
        let message = Some("raw_local_irq_restore() called with IRQs enabled".to_owned());
        Self { message, at, origin, trace }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("------------[ cut here ]------------\n")?;
        if let Some(message) = &self.message {
            writeln!(f, "{message}")?;
        }
        let Origin { cpu, pid, .. } = self.origin;
        write!(f, "WARNING: CPU: {cpu} PID: {pid} at ")?;
        if let Some((file, line)) = &self.at.location {
            write!(f, "{file}:{line} ")?;
        }
        writeln!(f, "{}\nModules linked in:", self.at)?;
        self.origin.fmt(f)?;
        writeln!(f, "RIP: 0010:{}", self.at)?;
        self.trace.write_call_trace(f)?;
        f.write_str("---[ end trace 0000000000000000 ]---\n")
    }
}
