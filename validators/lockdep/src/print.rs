//! Turns what the validators know into the printer's data.

use std::fmt::Display;

use kreport::print;

use crate::class;
use crate::context::{IrqEvent, Thread};
use crate::frame::Frame;
use crate::graph::{Graph, Step};
use crate::held::Held;
use crate::sink;
use crate::site;
use crate::state;
use crate::trace::Trace;
use crate::words::ReportKind;

/// The text in the place of the kernel's release.
const RELEASE: &str = concat!("lockdep-", env!("CARGO_PKG_VERSION"), " #0");

/// Sends a report, with a last line that says what the kernel's words mean in a program.
pub(crate) fn send(thread: &Thread, kind: ReportKind, report: impl Display, translation: &str) {
    sink::emit(thread, kind, format!("{report}lockdep: {translation}\n"));
}

/// Sends a report that begins with a line of its own about what did not happen, but can.
pub(crate) fn send_because(
    thread: &Thread,
    kind: ReportKind,
    because: &str,
    report: impl Display,
    translation: &str,
) {
    sink::emit(thread, kind, format!("{because}{report}lockdep: {translation}\n"));
}

/// Returns the thread, and where it runs.
pub(crate) fn origin(thread: &Thread) -> print::Origin {
    print::Origin {
        cpu: u32::try_from(rustix::thread::sched_getcpu()).unwrap_or_default(),
        uid: Some(rustix::process::getuid().as_raw()),
        tainted: sink::is_tainted(),
        release: RELEASE.to_owned(),
        hardware: Some("user space".to_owned()),
        work: thread.work.get().map(|(queue, work)| (queue.to_owned(), work.to_owned())),
        ..print::Origin::new(comm(), thread.tid())
    }
}

/// Returns a held lock.
pub(crate) fn lock(graph: &Graph, held: &Held) -> print::Lock {
    print::Lock {
        address: held.instance as u64,
        class: class(graph, held.class),
        at: site::frames(held.site).iter().map(frame).collect(),
    }
}

/// Returns a class with its usage and its wait types. Version and subclass are in its name.
pub(crate) fn class(graph: &Graph, class: u16) -> print::Class {
    let wait = class::wait(class);
    print::Class {
        usage: state::characters(class::usage(class)),
        wait: (wait, wait),
        ..print::Class::new(graph.name(class))
    }
}

/// Returns the locks that a thread holds.
pub(crate) fn held(graph: &Graph, thread: &Thread) -> print::Held {
    print::Held(thread.held.iter().map(|held| lock(graph, &held)).collect())
}

/// Returns a stack.
pub(crate) fn trace(trace: &Trace) -> print::Trace {
    print::Trace(trace.frames().iter().map(frame).collect())
}

/// Returns the current stack.
pub(crate) fn trace_here() -> print::Trace {
    trace(&Trace::here())
}

/// Returns one line of a stack.
pub(crate) fn frame(frame: &Frame) -> print::Frame {
    print::Frame {
        function: frame.function.clone(),
        offset: frame.extent.map(|(offset, size)| (offset as u64, size as u64)),
        location: frame.line.clone(),
        module: frame.origin.clone().or_else(|| frame.library.clone()),
    }
}

/// Returns which interrupts a usage bit is about.
pub(crate) fn direction(bit: u32) -> print::Direction {
    if state::is_softirq(bit) { print::Direction::Softirq } else { print::Direction::Hardirq }
}

/// Returns the contexts of a thread.
pub(crate) fn contexts(thread: &Thread) -> print::Contexts {
    print::Contexts {
        hardirq: (u32::from(thread.hardirq_count() != 0), thread.hardirq_count()),
        softirq: (u32::from(thread.in_softirq()), thread.preempt_count() >> 8 & 0xff),
        hardirqs_on: thread.irqs_on(),
        softirqs_on: thread.softirqs_on(),
    }
}

/// Returns the last changes of the irq state.
pub(crate) fn irqs(thread: &Thread) -> print::IrqTrace {
    let trace = thread.trace.get();
    print::IrqTrace {
        stamp: u64::from(trace.stamp),
        hardirqs_on: stamp(trace.hardirqs_on),
        hardirqs_off: stamp(trace.hardirqs_off),
        softirqs_on: stamp(trace.softirqs_on),
        softirqs_off: stamp(trace.softirqs_off),
    }
}

fn stamp(event: IrqEvent) -> print::IrqStamp {
    let stamp = u64::from(event.stamp);
    if event.site == 0 {
        return print::IrqStamp { stamp, ..print::IrqStamp::default() };
    }
    let at = site::frames(event.site);
    let address = at.first().map_or(0, |frame| frame.address as u64);
    print::IrqStamp { stamp, address, at: print::Trace(at.iter().map(frame).collect()) }
}

/// Returns the classes of a path, with the stacks at which they got their usage bits.
pub(crate) fn dependencies(graph: &Graph, path: &[Step]) -> Vec<print::Dependency> {
    let one = |step: &Step| print::Dependency {
        class: class(graph, step.class),
        ops: 0,
        usages: (0..state::CONTEXT_BITS + 2)
            .filter_map(|bit| {
                let at = graph.usage_trace(step.class, bit)?;
                Some((state::name(bit).to_owned(), trace(at)))
            })
            .collect(),
        key: None,
        acquired: step.trace.as_ref().map(trace).unwrap_or_default(),
    };
    path.iter().map(one).collect()
}

/// Returns a class, with the stack at which it got a usage bit.
pub(crate) fn use_of(graph: &Graph, of: u16, bit: u32) -> print::Link {
    let at = graph.usage_trace(of, bit).map(trace).unwrap_or_default();
    print::Link { class: class(graph, of), trace: at }
}

/// Returns a plain warning with a message.
pub(crate) fn warning(thread: &Thread, message: &str) -> print::Warning {
    let trace = trace_here();
    let at = trace.0.first().cloned().unwrap_or_default();
    print::Warning { message: Some(message.to_owned()), at, origin: origin(thread), trace }
}

/// Returns the name of the calling thread.
pub(crate) fn comm() -> String {
    let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap_or_default();
    let comm = comm.trim_end();
    if comm.is_empty() { "unknown".to_owned() } else { comm.replace(' ', "_") }
}
