//! What only the library needs that is loaded with `LD_PRELOAD`.

use std::cell::Cell;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::ManuallyDrop;
use std::sync::MutexGuard;

use crate::check::{leaving, wait};
use crate::context::Thread;
use crate::raw::{Class, unchecked};
use crate::trace::MAX_FRAMES;
use crate::trace::Trace;
use crate::words::{Place, ReportKind, Wait};
use crate::{IrqFlags, Section};
use crate::{class, context, graph, irq, print, session, sink, site, symbols, unwind};

/// Returns a word of the calling thread that belongs to the caller of this crate. It is 0 in a new thread. `index` is
/// less than 11.
#[must_use]
pub fn word(index: usize) -> usize {
    context::peek(|thread| thread.word(index).get())
}

/// Sets a word of the calling thread.
pub fn set_word(index: usize, value: usize) {
    context::peek(|thread| thread.word(index).set(value));
}

/// Returns the return addresses of the current stack from `caller` on, innermost first. Those that are missing are 0.
#[must_use]
pub fn stack_from<const COUNT: usize>(caller: usize) -> [usize; COUNT] {
    let mut addresses = [0; COUNT];
    let mut count = 0;
    unwind::walk(|address, _| {
        if count != 0 || address == caller {
            addresses[count] = address;
            count += 1;
        }
        count < COUNT
    });
    addresses
}

/// Returns how many locks the calling thread holds.
#[must_use]
pub fn held() -> usize {
    context::peek(|thread| thread.held.depth())
}

/// Notes a return address of the calling thread that the unwinder does not find on the stack; 0 for none.
pub fn hides_return(address: usize) {
    context::peek(|thread| thread.hidden_return.set(address));
}

pub use crate::session::named;
pub use crate::symbols::Function;

/// Notes something about a name of `--threads` or `--functions`, by its index: bits of [`named`].
pub fn note_name(name: usize, what: u64) {
    if let Some(session) = session::writer::mapped() {
        session.note_name(name, what);
    }
}

/// Calls `f` with each function of a file that has a name.
pub fn functions(file: &str, f: impl FnMut(&Function<'_>)) {
    symbols::functions(file, f);
}

/// Begins a hardirq-like section at a place of the program.
pub fn hardirq_enter_at(name: &'static str, place: Place) -> Section {
    Section::hardirq_at(name, place)
}

/// Begins a softirq-like section at a place of the program.
pub fn softirq_enter_at(name: &'static str, place: Place) -> Section {
    Section::softirq_at(name, place)
}

/// Begins a section of a task at a place of the program.
pub fn task_enter_at(name: &'static str, place: Place) -> Section {
    Section::task_at(name, place)
}

/// Ends a section at a place of the program.
pub fn leave_at(section: Section, place: Place) {
    section.leave_at(place);
}

/// Turns interrupts off at a place of the program, and returns the state before.
pub fn irqsave_at(place: Place) -> IrqFlags {
    IrqFlags::save(place)
}

/// Restores the state at a place of the program.
pub fn irqrestore_at(mut flags: IrqFlags, place: Place) {
    flags.restore_in_place(place);
}

/// Turns interrupts on at a place of the program, whatever the state was.
pub fn irq_enable_at(place: Place) {
    irq::enable_at(place);
}

/// Holds findings of this thread about calls that may wait back, until they are settled.
pub fn holds_back() {
    context::peek(|thread| thread.holds_back.set(true));
}

/// Settles whether what was held back is a finding, and holds nothing back from now on.
pub fn settle(is_finding: bool) {
    let has_some = context::peek(|thread| {
        thread.holds_back.set(false);
        thread.held_back.get() != 0
    });
    if has_some {
        unchecked(|| sink::settle(is_finding));
    }
}

/// Reports that a thread ends with locks, if it holds some. What it does from now on is not checked: destructors run in
/// any order.
pub fn ends_thread() {
    settle(false);
    context::enter(|thread| leaving::check(thread, 0, "the thread"));
    context::peek(Thread::leave_sections);
}

/// Reports a finding once for each place.
pub fn warn(kind: ReportKind, place: Place, message: &str, translation: &str) {
    context::enter(|thread| {
        crate::sud::allowing_syscalls(|| {
            if sink::is_new(kind, (site::of(place), message)) {
                print::send(thread, kind, Finding { thread, message }, translation);
            }
        });
    });
}

/// The same, with the names of the locks that the thread holds.
pub fn warn_held(kind: ReportKind, place: Place, message: &str, translation: &str) {
    let translation = unchecked(|| {
        let graph = graph::lock();
        let names = |thread: &Thread| {
            let names = thread.held.iter().map(|held| graph.name(held.class).to_owned());
            names.collect::<Vec<_>>().join(", ")
        };
        format!("it holds {}: {translation}", context::peek(names))
    });
    warn(kind, place, message, &translation);
    unchecked(|| drop(translation));
}

/// A finding that the kernel has no form for.
struct Finding<'a> {
    thread: &'a Thread,
    message: &'a str,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = Trace::here().frames();
        let function = frames.iter().find(|frame| frame.extent.is_some());
        let function = function.map_or("unknown", |frame| frame.function.as_str());
        let origin = print::origin(self.thread);
        let (cpu, comm, release) = (origin.cpu, &origin.comm, &origin.release);
        writeln!(f, "WARNING: {} in {function}", self.message)?;
        writeln!(f, "CPU: {cpu} PID: {} Comm: {comm} Not tainted {release}", origin.pid)?;
        f.write_str("Call Trace:\n <TASK>\n")?;
        frames.iter().try_for_each(|frame| writeln!(f, " {}", print::frame(frame)))?;
        f.write_str(" </TASK>\n")
    }
}

/// Returns whether a lock that sleeps would be reported for the context alone, and not for a lock that spins. The
/// report about the call has said that already.
#[must_use]
pub fn is_only_in_context() -> bool {
    context::peek(|thread| {
        let context = thread.irq_context();
        let inner = thread.held.top().filter(|(of, ..)| *of == context).map(|(_, inner, _)| inner);
        context != 0
            && inner.is_none_or(|inner| inner >= wait::limit(context))
            && !thread.held.iter().any(|held| class::wait(held.class) == Wait::Config as u8)
    })
}

/// Notes that one line has made the locks of a class on different ways to it.
pub fn mix(class: Class) {
    class::mix(class.0);
}

/// Returns whether a class was given up, so that each of the ways needs a class.
#[must_use]
pub fn is_split(class: Class) -> bool {
    class::is_split(class.0)
}

/// Returns a hash of the return addresses from a caller on outwards, at most `count`.
#[must_use]
pub fn chain(caller: usize, count: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    let (mut is_inside, mut left) = (false, count);
    unwind::walk(|address, _| {
        is_inside |= address == caller;
        if is_inside {
            address.hash(&mut hasher);
            left -= 1;
        }
        left > 0
    });
    hasher.finish()
}

/// Returns the number of a class.
#[must_use]
pub fn number(class: Class) -> usize {
    usize::from(class.0)
}

/// Returns the files of code on the current stack, without those of languages and this library's.
#[must_use]
pub fn modules() -> Vec<String> {
    let mut addresses = Vec::new();
    unwind::walk(|address, _| {
        addresses.push(address);
        addresses.len() < MAX_FRAMES
    });
    symbols::modules_of(&addresses)
}

thread_local! {
    /// The validators' locks, while this thread forks. Nothing is dropped at the end of a thread.
    static LOCKS: ManuallyDrop<Cell<Option<Locks>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
}

/// All locks of the validators, in the order in which they are taken.
type Locks = (Guard<graph::Graph>, Guard<site::Places>, Guard<symbols::Read>, Guard<sink::Sink>);
type Guard<T> = MutexGuard<'static, T>;

/// Takes all locks of the validators, so that no other thread has one when the process is copied.
pub fn before_fork() {
    unchecked(|| {
        let locks = (graph::lock(), site::lock(), symbols::lock(), sink::lock());
        LOCKS.with(|all| all.set(Some(locks)));
    });
}

/// Releases the locks, in the parent and in the child.
pub fn after_fork() {
    unchecked(|| drop(LOCKS.with(|all| all.take())));
    context::peek(Thread::forget_tid);
}
