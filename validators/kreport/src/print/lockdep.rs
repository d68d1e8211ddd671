//! The reports about the order and the state of locks.

use super::{Class, Contexts, Frame, Held, IrqTrace, Lock, Origin, Trace};
use std::fmt;

/// Which interrupts a report is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Hard interrupts.
    #[default]
    Hardirq,
    /// Soft interrupts.
    Softirq,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hardirq => "HARDIRQ",
            Self::Softirq => "SOFTIRQ",
        })
    }
}

/// Prints a blank line, rule, title, release, rule.
fn head(f: &mut fmt::Formatter<'_>, rule: usize, title: &str, origin: &Origin) -> fmt::Result {
    let (above, below) = ("=".repeat(rule), "-".repeat(rule));
    writeln!(f, "\n{above}\n{title}\n{} {}\n{below}", origin.release, origin.taint())
}

/// Prints the held locks, then the stack.
fn tail(f: &mut fmt::Formatter<'_>, held: &Held, origin: &Origin, trace: &Trace) -> fmt::Result {
    held.write(f, origin)?;
    stack(f, origin, trace)
}

fn stack(f: &mut fmt::Formatter<'_>, origin: &Origin, trace: &Trace) -> fmt::Result {
    write!(f, "\nstack backtrace:\n{origin}")?;
    trace.write_call_trace(f)
}

/// Prints the classes on the way from the first to the last, if there are more than two.
fn chain(f: &mut fmt::Formatter<'_>, classes: &[Class]) -> fmt::Result {
    if classes.len() < 3 {
        return Ok(());
    }
    let names: Vec<_> = classes.iter().map(Class::full_name).collect();
    writeln!(f, "Chain exists of:\n  {}\n", names.join(" --> "))
}

const TWO_CPUS: &str = "
       CPU0                    CPU1
       ----                    ----
";
const SECOND: &str = "                               ";
const INFO: &str = "other info that might help us debug this:";
const DEADLOCK: &str = "\n *** DEADLOCK ***\n";

/// One step of a dependency chain: a class, and the stack that took it under the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The class.
    pub class: Class,
    /// The stack.
    pub trace: Trace,
}

/// A cycle in the order of locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circular {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The lock that the task is about to take.
    pub acquiring: Lock,
    /// The held lock, which depends on the one that the task is about to take.
    pub holding: Lock,
    /// The known order, from the class of `acquiring` (`#0`) to that of `holding`.
    pub chain: Vec<Link>,
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Circular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, acquiring, holding, .. } = self;
        head(f, 54, "WARNING: possible circular locking dependency detected", origin)?;
        writeln!(f, "{} is trying to acquire lock:\n{acquiring}", origin.task())?;
        writeln!(f, "but task is already holding lock:\n{holding}")?;
        writeln!(f, "which lock already depends on the new lock.\n\n")?;
        writeln!(f, "the existing dependency chain (in reverse order) is:")?;
        for (index, link) in self.chain.iter().enumerate().rev() {
            writeln!(f, "\n-> #{index} {}:", link.class)?;
            link.trace.write(f, "       ")?;
        }
        writeln!(f, "\n{INFO}\n")?;
        let classes: Vec<_> = self.chain.iter().map(|link| link.class.clone()).collect();
        chain(f, &classes)?;
        let (wanted, last) = (acquiring.class.full_name(), holding.class.full_name());
        let between = classes.iter().rev().nth(1).map_or_else(|| wanted.clone(), Class::full_name);
        writeln!(f, " Possible unsafe locking scenario:\n{TWO_CPUS}  lock({last});")?;
        writeln!(f, "{SECOND}lock({between});\n{SECOND}lock({last});\n  lock({wanted});")?;
        writeln!(f, "{DEADLOCK}")?;
        tail(f, &self.held, origin, &self.trace)
    }
}

/// A lock is taken while another one of its class is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recursive {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The lock that the task is about to take.
    pub acquiring: Lock,
    /// The held lock of the same class.
    pub holding: Lock,
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Recursive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, acquiring, holding, .. } = self;
        head(f, 44, "WARNING: possible recursive locking detected", origin)?;
        writeln!(f, "{} is trying to acquire lock:\n{acquiring}", origin.task())?;
        writeln!(f, "but task is already holding lock:\n{holding}")?;
        writeln!(f, "{INFO}\n Possible unsafe locking scenario:\n\n       CPU0\n       ----")?;
        let (first, second) = (holding.class.full_name(), acquiring.class.full_name());
        writeln!(f, "  lock({first});\n  lock({second});\n{DEADLOCK}")?;
        writeln!(f, " May be due to missing lock nesting notation\n")?;
        tail(f, &self.held, origin, &self.trace)
    }
}

/// A class is used both in interrupts and with interrupts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconsistent {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The kind of interrupts, for the scenario.
    pub direction: Direction,
    /// The known state and the new one, such as `IN-HARDIRQ-W` and `HARDIRQ-ON-W`.
    pub states: (String, String),
    /// The task's contexts.
    pub contexts: Contexts,
    /// The lock that is concerned.
    pub lock: Lock,
    /// The stack that gave the known state.
    pub registered: Trace,
    /// When interrupts were last switched.
    pub irqs: Option<IrqTrace>,
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Inconsistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = &self.states;
        head(f, 32, "WARNING: inconsistent lock state", &self.origin)?;
        writeln!(f, "inconsistent {{{old}}} -> {{{new}}} usage.")?;
        write!(f, "{} {} takes:\n{}", self.origin.task(), self.contexts, self.lock)?;
        writeln!(f, "{{{old}}} state was registered at:")?;
        self.registered.write(f, "  ")?;
        if let Some(irqs) = &self.irqs {
            irqs.fmt(f)?;
        }
        let name = self.lock.class.full_name();
        writeln!(f, "\n{INFO}\n Possible unsafe locking scenario:\n\n       CPU0\n       ----")?;
        writeln!(f, "  lock({name});\n  <Interrupt>\n    lock({name});\n{DEADLOCK}")?;
        tail(f, &self.held, &self.origin, &self.trace)
    }
}

/// A class in a list of dependencies, with the places where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The class.
    pub class: Class,
    /// How many times the class was taken.
    pub ops: u64,
    /// The uses, such as `IN-HARDIRQ-W` and `INITIAL USE`, with their stacks.
    pub usages: Vec<(String, Trace)>,
    /// The address of the class's key, and the name there.
    pub key: Option<(u64, Frame)>,
    /// The stack that took the class after the one before it in the list.
    pub acquired: Trace,
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "-> {} ops: {} {{", self.class, self.ops)?;
        for (usage, trace) in &self.usages {
            writeln!(f, "   {usage} at:")?;
            trace.write(f, "                    ")?;
        }
        writeln!(f, " }}")?;
        if let Some((address, frame)) = &self.key {
            writeln!(f, " ... key      at: [<{address:016x}>] {frame}")?;
        }
        if self.acquired.0.is_empty() {
            return Ok(());
        }
        writeln!(f, " ... acquired at:")?;
        self.acquired.write(f, "   ")
    }
}

/// A new order leads from an irq-safe class to an irq-unsafe one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeUnsafe {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The kind of interrupts.
    pub direction: Direction,
    /// The task's contexts.
    pub contexts: Contexts,
    /// The lock that the task is about to take.
    pub acquiring: Lock,
    /// The lock that the task holds.
    pub holding: Lock,
    /// The irq-safe class, and the stack that made it irq-safe.
    pub safe: Link,
    /// The irq-unsafe class, and the stack that made it irq-unsafe.
    pub unsafe_: Link,
    /// The locks that the task holds.
    pub held: Held,
    /// The dependencies from the irq-safe class to the held one.
    pub to_holding: Vec<Dependency>,
    /// The dependencies from the class about to be taken to the irq-unsafe one.
    pub to_unsafe: Vec<Dependency>,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for SafeUnsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, direction, acquiring, holding, safe, unsafe_, .. } = self;
        let title = format!("WARNING: {direction}-safe -> {direction}-unsafe lock order detected");
        head(f, 53, &title, origin)?;
        let task = origin.task();
        writeln!(f, "{task} {} is trying to acquire:\n{acquiring}", self.contexts)?;
        write!(f, "and this task is already holding:\n{holding}")?;
        writeln!(f, "which would create a new lock dependency:")?;
        writeln!(f, " {} -> {}\n", holding.class, acquiring.class)?;
        writeln!(f, "but this new dependency connects a {direction}-irq-safe lock:")?;
        writeln!(f, " {}\n\n... which became {direction}-irq-safe at:", safe.class)?;
        safe.trace.write(f, "  ")?;
        writeln!(f, "\nto a {direction}-irq-unsafe lock:\n {}\n", unsafe_.class)?;
        writeln!(f, "... which became {direction}-irq-unsafe at:")?;
        f.write_str("...\n")?;
        unsafe_.trace.write(f, "  ")?;
        writeln!(f, "\n{INFO}\n")?;
        let mut classes = vec![safe.class.clone()];
        for class in [&holding.class, &acquiring.class, &unsafe_.class] {
            if !classes.contains(class) {
                classes.push(class.clone());
            }
        }
        chain(f, &classes)?;
        interrupt_scenario(f, &safe.class, &holding.class, &acquiring.class, &unsafe_.class)?;
        self.held.write(f, origin)?;
        writeln!(f, "\nthe dependencies between {direction}-irq-safe lock and the holding lock:")?;
        self.to_holding.iter().try_for_each(|dependency| dependency.fmt(f))?;
        writeln!(f, "\nthe dependencies between the lock to be acquired")?;
        writeln!(f, " and {direction}-irq-unsafe lock:")?;
        self.to_unsafe.iter().try_for_each(|dependency| dependency.fmt(f))?;
        stack(f, origin, &self.trace)
    }
}

fn interrupt_scenario(
    f: &mut fmt::Formatter<'_>,
    safe: &Class,
    holding: &Class,
    acquiring: &Class,
    last: &Class,
) -> fmt::Result {
    let (safe, last) = (safe.full_name(), last.full_name());
    let (holding, acquiring) = (holding.full_name(), acquiring.full_name());
    // The second processor takes the locks in the order that closes the path: the new order, or its middle.
    let middle = if acquiring == last { &holding } else { &acquiring };
    writeln!(f, " Possible interrupt unsafe locking scenario:\n{TWO_CPUS}  lock({last});")?;
    writeln!(f, "{SECOND}local_irq_disable();\n{SECOND}lock({safe});")?;
    writeln!(f, "{SECOND}lock({middle});\n  <Interrupt>\n    lock({safe});\n{DEADLOCK}")
}

/// A change of a class's state makes a known order wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inversion {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The kind of interrupts.
    pub direction: Direction,
    /// The lock whose class changed its state.
    pub changed: Lock,
    /// Whether the class became irq-safe while `other` is irq-unsafe. If false, it is the other way round.
    pub became_safe: bool,
    /// The class at the other end.
    pub other: Class,
    /// The locks that the task holds.
    pub held: Held,
    /// The dependencies between the two classes.
    pub dependencies: Vec<Dependency>,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Inversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, direction, changed, other, .. } = self;
        head(f, 56, "WARNING: possible irq lock inversion dependency detected", origin)?;
        write!(f, "{} just changed the state of lock:\n{changed}", origin.task())?;
        if self.became_safe {
            writeln!(f, "but this lock took another, {direction}-unsafe lock in the past:")?;
        } else {
            writeln!(f, "but this lock was taken by another, {direction}-safe lock in the past:")?;
        }
        writeln!(
            f,
            " {other}\n\n\nand interrupts could create inverse lock ordering between them."
        )?;
        writeln!(f, "\n\n{INFO}")?;
        let (safe, last) =
            if self.became_safe { (&changed.class, other) } else { (other, &changed.class) };
        interrupt_scenario(f, safe, safe, last, last)?;
        self.held.write(f, origin)?;
        writeln!(f, "\nthe shortest dependencies between 2nd lock and 1st lock:")?;
        self.dependencies.iter().try_for_each(|dependency| write!(f, " {dependency}"))?;
        stack(f, origin, &self.trace)
    }
}

/// A lock may wait longer than a held lock or the context allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitContext {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The lock that the task is about to take.
    pub acquiring: Lock,
    /// The wait types of the context, outer and inner.
    pub context: (u8, u8),
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for WaitContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, acquiring, context: (outer, inner), .. } = self;
        head(f, 29, "[ BUG: Invalid wait context ]", origin)?;
        write!(f, "{} is trying to lock:\n{acquiring}", origin.task())?;
        writeln!(f, "{INFO}\ncontext-{{{outer}:{inner}}}")?;
        self.held.write(f, origin)?;
        write!(f, "stack backtrace:\n{origin}")?;
        self.trace.write_call_trace(f)
    }
}

/// A lock is released that is not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The name of the lock's class.
    pub lock: String,
    /// The address of the release, and the function there.
    pub at: (u64, Frame),
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, lock, at: (address, frame), held, trace } = self;
        head(f, 37, "WARNING: bad unlock balance detected!", origin)?;
        writeln!(f, "{} is trying to release lock ({lock}) at:", origin.task())?;
        writeln!(f, "[<{address:016x}>] {frame}\nbut there are no more locks to release!")?;
        writeln!(f, "\n{INFO}")?;
        tail(f, held, origin, trace)
    }
}

/// Memory with a held lock in it is freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freed {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The first and the last byte of the memory.
    pub memory: (u64, u64),
    /// The lock that is concerned.
    pub lock: Lock,
    /// The locks that the task holds.
    pub held: Held,
    /// The stack.
    pub trace: Trace,
}

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, memory: (first, last), lock, held, trace } = self;
        head(f, 25, "WARNING: held lock freed!", origin)?;
        let task = origin.task();
        writeln!(
            f,
            "{task} is freeing memory {first:016x}-{last:016x}, with a lock still held there!"
        )?;
        write!(f, "{lock}")?;
        tail(f, held, origin, trace)
    }
}

/// A task leaves with a lock held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The task, and where it ran.
    pub origin: Origin,
    /// The locks that the task holds.
    pub held: Held,
}

impl fmt::Display for Leaving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, 48, "WARNING: lock held when returning to user space!", &self.origin)?;
        writeln!(f, "{} is leaving the kernel with locks still held!", self.origin.task())?;
        self.held.write(f, &self.origin)
    }
}
