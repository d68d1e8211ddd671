//! The kinds of reports.

use serde::Serialize;

macro_rules! kinds {
    ($(#[doc = $doc:literal] $name:ident = $text:literal,)*) => {
        /// What a report is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[non_exhaustive]
        pub enum Kind { $(#[doc = $doc] #[serde(rename = $text)] $name,)* }

        impl Kind {
            /// Returns the name of the kind in JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns a sentence that says what reports of the kind are about.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $doc.trim_ascii(),)* }
            }

            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

kinds! {
    /// A sleeping call in atomic context.
    MightSleep = "might-sleep",
    /// The scheduler called in atomic context.
    ScheduleAtomic = "schedule-atomic",
    /// A cycle in the order of locks.
    Circular = "circular",
    /// A lock taken while another one of its class is held.
    Recursive = "recursive",
    /// A lock class used in interrupts and with interrupts on.
    Inconsistent = "inconsistent",
    /// An irq-unsafe class taken under an irq-safe one.
    SafeUnsafe = "safe-unsafe",
    /// A known order that a change of state makes wrong.
    Inversion = "inversion",
    /// A lock that waits longer than its context may.
    WaitContext = "wait-context",
    /// A release of a lock that is not held.
    UnlockBalance = "unlock-balance",
    /// Memory freed with a held lock in it.
    HeldFreed = "held-freed",
    /// Locks held where none may be: on the way to user space, at exit, after work.
    HeldLeaving = "held-leaving",
    /// Any other finding of lockdep.
    Lockdep = "lockdep",
    /// Interrupts that are on where they must be off.
    IrqState = "irq-state",
    /// A data race.
    DataRace = "data-race",
    /// A failed assertion about accesses.
    RaceAssert = "race-assert",
    /// A finding of KASAN: memory used after its end or outside of its bounds.
    Kasan = "kasan",
    /// A finding of KMSAN: memory used before it was initialised.
    Kmsan = "kmsan",
    /// A finding of KFENCE: memory used after its end or outside of its bounds.
    Kfence = "kfence",
    /// A finding of UBSAN: undefined behaviour of C.
    Ubsan = "ubsan",
    /// A failed check of the slab allocator.
    Slab = "slab",
    /// Memory that leaked: nothing refers to it.
    MemoryLeak = "memory-leak",
    /// A plain warning.
    Warning = "warning",
    /// A reference count out of bounds.
    Refcount = "refcount",
    /// An object used before its initialisation or after its end.
    ObjectLife = "object-life",
    /// RCU used outside of its sections.
    Rcu = "rcu-usage",
    /// A failed `BUG_ON`.
    KernelBug = "kernel-bug",
    /// A corrupted list.
    ListCorruption = "list-corruption",
    /// A general protection fault.
    Protection = "general-protection",
    /// A null pointer that was followed.
    NullPointer = "null-pointer",
    /// Any other page fault.
    PageFault = "page-fault",
    /// A division by zero.
    Divide = "divide-error",
    /// Any other exception.
    Oops = "oops",
    /// A fault while a fault is handled.
    DoubleFault = "double-fault",
    /// The stack is exhausted or overwritten.
    StackOverflow = "stack-overflow",
    /// A task that waits too long.
    TaskHung = "task-hung",
    /// A processor that RCU waits for.
    RcuStall = "rcu-stall",
    /// A processor that does not schedule.
    SoftLockup = "soft-lockup",
    /// A processor that takes no interrupts.
    HardLockup = "hard-lockup",
    /// A work queue that makes no progress.
    WorkqueueLockup = "workqueue-lockup",
    /// A spin lock misused.
    Spinlock = "spinlock",
    /// A panic without a report before it.
    Panic = "panic",
    /// A program's memory used after its end or outside of its bounds.
    MemoryError = "memory-error",
    /// A program's memory used before it was initialised.
    Uninitialised = "uninitialised",
    /// A call that may block in real-time code of a program.
    RealTime = "real-time",
    /// A program takes locks in different orders.
    LockOrder = "lock-order",
    /// A program misuses a lock or thread.
    ThreadMisuse = "thread-misuse",
    /// A panic of a program in Rust or Go.
    Panicked = "program-panic",
    /// A signal that ends a program.
    Crash = "crash",
    /// A message with which a fuzzer gives up.
    Fuzzer = "fuzzer",
    /// A kernel that starts after another one without being asked to.
    Reboot = "reboot",
    /// Any other report.
    Other = "other",
}

impl Kind {
    /// Returns whether a report stands for itself: the report before it is never its cause.
    #[must_use]
    pub fn is_independent(self) -> bool {
        matches!(self, Self::DataRace | Self::RaceAssert | Self::MemoryLeak | Self::TaskHung)
            || matches!(self, Self::RcuStall | Self::SoftLockup | Self::HardLockup)
            || matches!(self, Self::WorkqueueLockup | Self::Other | Self::Fuzzer | Self::Reboot)
            || self.is_of_program()
    }

    /// Returns whether only reports of programs have this kind.
    #[must_use]
    pub fn is_of_program(self) -> bool {
        matches!(self, Self::MemoryError | Self::Uninitialised | Self::RealTime | Self::LockOrder)
            || matches!(self, Self::ThreadMisuse | Self::Panicked | Self::Crash)
    }

    /// Returns whether the caller is to blame: helpers that take locks, load modules or look something up do what
    /// they were called for.
    #[must_use]
    pub fn blames_caller(self) -> bool {
        matches!(self, Self::MightSleep | Self::ScheduleAtomic | Self::WaitContext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_those_of_the_output() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            let json = serde_json::to_string(kind).expect("a name");
            assert_eq!(json, format!("\"{}\"", kind.name()));
            assert!(Kind::ALL[..index].iter().all(|other| other.name() != kind.name()));
        }
    }
}
