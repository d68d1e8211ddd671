//! The pieces that all reports are made of, in the kernel's form.

use std::fmt::{Display, Write};

use crate::class;
use crate::context::{IrqEvent, Thread};
use crate::graph::Graph;
use crate::held::{Held, Mode};
use crate::sink;
use crate::site;
use crate::state;
use crate::trace::{Frame, Trace};

/// What stands where the kernel writes its version.
const VERSION: &str = concat!("lockdep-", env!("CARGO_PKG_VERSION"), " #0");

/// A report under construction.
pub(crate) struct Page {
    text: String,
    comm: String,
    tid: u32,
}

impl Page {
    /// An empty page about a thread.
    pub(crate) fn new(thread: &Thread) -> Self {
        Self { text: String::new(), comm: comm(), tid: thread.tid() }
    }

    /// The finished text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// Adds one line.
    pub(crate) fn line(&mut self, line: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
        self
    }

    /// Thread name and number, as the kernel joins them.
    pub(crate) fn who(&self) -> String {
        format!("{}/{}", self.comm, self.tid)
    }

    /// The head of a report about locks: rules as long as the kernel's, title, version.
    pub(crate) fn head(&mut self, title: &str, rule: usize) -> &mut Self {
        self.line("").line("=".repeat(rule)).line(title);
        self.line(format_args!("{VERSION} {}", sink::taint())).line("-".repeat(rule))
    }

    /// The contexts of the thread: in hardirq, in softirq, hardirqs enabled, softirqs enabled.
    pub(crate) fn contexts(thread: &Thread) -> String {
        format!(
            "[HC{}[{}]:SC{}[{}]:HE{}:SE{}]",
            u8::from(thread.hardirq_count() != 0),
            thread.hardirq_count(),
            u8::from(thread.in_softirq()),
            thread.preempt_count() >> 8 & 0xff,
            u8::from(thread.irqs_on()),
            u8::from(thread.softirqs_on()),
        )
    }

    /// A held lock, with its address and where it was taken.
    pub(crate) fn lock(&mut self, graph: &Graph, held: &Held) -> &mut Self {
        let line = lock_line(graph, held);
        self.line(line)
    }

    /// The locks that a thread holds.
    pub(crate) fn held(&mut self, graph: &Graph, thread: &Thread) -> &mut Self {
        let who = self.who();
        match thread.held.depth() {
            0 => self.line(format_args!("no locks held by {who}.")),
            1 => self.line(format_args!("1 lock held by {who}:")),
            depth => self.line(format_args!("{depth} locks held by {who}:")),
        };
        for (index, held) in thread.held.iter().enumerate() {
            let line = lock_line(graph, &held);
            self.line(format_args!(" #{index}: {line}"));
        }
        self
    }

    /// The last changes of the irq state.
    pub(crate) fn irq_events(&mut self, thread: &Thread) -> &mut Self {
        let trace = thread.trace.get();
        self.line(format_args!("irq event stamp: {}", trace.stamp));
        self.irq_event("hardirqs last  enabled", trace.hardirqs_on);
        self.irq_event("hardirqs last disabled", trace.hardirqs_off);
        self.irq_event("softirqs last  enabled", trace.softirqs_on);
        self.irq_event("softirqs last disabled", trace.softirqs_off)
    }

    fn irq_event(&mut self, what: &str, event: IrqEvent) -> &mut Self {
        let frame = if event.site == 0 { Frame::unknown() } else { site::frame(event.site) };
        self.line(format_args!("{what} at ({}): [<{:016x}>] {frame}", event.stamp, frame.address))
    }

    /// A stack, each line indented.
    pub(crate) fn trace(&mut self, trace: &Trace, indent: &str) -> &mut Self {
        for line in trace.lines() {
            self.line(format_args!("{indent}{line}"));
        }
        self
    }

    /// Who runs where, and the stack of now.
    pub(crate) fn stack(&mut self, thread: &Thread) -> &mut Self {
        self.cpu_line(thread, sink::taint());
        self.call_trace(&Trace::here())
    }

    /// The line about the processor and the task, with the work item if one runs.
    pub(crate) fn cpu_line(&mut self, thread: &Thread, taint: &str) -> &mut Self {
        let (comm, tid) = (self.comm.clone(), self.tid);
        let cpu = rustix::thread::sched_getcpu();
        let uid = rustix::process::getuid().as_raw();
        self.line(format_args!("CPU: {cpu} UID: {uid} PID: {tid} Comm: {comm} {taint} {VERSION}"));
        if taint != "Not tainted" {
            self.line("Tainted: [W]=WARN");
        }
        self.line("Hardware name: user space");
        if let Some((queue, work)) = thread.work.get() {
            self.line(format_args!("Workqueue: {queue} {work}"));
        }
        self
    }

    /// A stack between the marks of a task's stack.
    pub(crate) fn call_trace(&mut self, trace: &Trace) -> &mut Self {
        self.line("Call Trace:").line(" <TASK>").trace(trace, " ").line(" </TASK>")
    }

    /// The head of a plain warning, and what follows up to its stack.
    pub(crate) fn warning(&mut self, thread: &Thread, message: &str) -> &mut Self {
        let trace = Trace::here();
        let frame = trace.frames().into_iter().next().unwrap_or_else(Frame::unknown);
        let at = frame.line.as_ref().map_or_else(
            || frame.symbol(),
            |(file, line)| format!("{file}:{line} {}", frame.symbol()),
        );
        let cpu = rustix::thread::sched_getcpu();
        let tid = self.tid;
        self.line("------------[ cut here ]------------").line(message);
        self.line(format_args!("WARNING: CPU: {cpu} PID: {tid} at {at}"));
        self.line("Modules linked in:");
        self.cpu_line(thread, sink::taint()).call_trace(&trace);
        self.line("---[ end trace 0000000000000000 ]---")
    }

    /// The end of a report about locks.
    pub(crate) fn backtrace(&mut self, thread: &Thread) -> &mut Self {
        self.line("").line("stack backtrace:").stack(thread)
    }

    /// One sentence that says what the kernel's words mean in a program.
    pub(crate) fn translation(&mut self, sentence: &str) -> &mut Self {
        self.line(format_args!("In user space: {sentence}"))
    }
}

fn lock_line(graph: &Graph, held: &Held) -> String {
    let at = if held.site == 0 { Frame::unknown() } else { site::frame(held.site) };
    format!("{:016x} {}, at: {at}", held.instance, class_text(graph, held.class))
}

/// A class with its usage and its wait types.
pub(crate) fn class_text(graph: &Graph, class: u16) -> String {
    let wait = class::wait(class);
    let usage = state::characters(class::usage(class));
    format!("({}){{{usage}}}-{{{wait}:{wait}}}", graph.name(class))
}

/// The call that takes a lock, in a scenario.
pub(crate) fn verb(mode: Mode) -> &'static str {
    if mode == Mode::Exclusive { "lock" } else { "rlock" }
}

/// The name of the calling thread.
pub(crate) fn comm() -> String {
    let comm = std::fs::read_to_string("/proc/thread-self/comm").unwrap_or_default();
    let comm = comm.trim_end();
    if comm.is_empty() { "unknown".to_owned() } else { comm.replace(' ', "_") }
}
