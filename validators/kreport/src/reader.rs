//! Makes a [`Report`] out of its lines.

use crate::guilty;
use crate::kind::Kind;
use crate::model::{Access, Lock, Report, Task, Trace};
use crate::parse::frame::{self, Frame};
use crate::parse::line::LineClass;
use crate::parse::split::{Claimed, Piece};
use crate::parse::text::{trim, trim_start};
use crate::skip::Skip;
use crate::title;
use crate::whole;
use std::sync::LazyLock;

impl<'a> Report<'a> {
    /// Reads the lines of a report. Returns `None` if they are a message that only begins like a report.
    #[must_use]
    pub fn read(piece: Piece<'a>) -> Option<Self> {
        let header = piece.header;
        let report = Self::new(piece);
        (!report.is_message(header)).then_some(report)
    }

    /// Reads the lines of a report.
    #[must_use]
    pub fn new(piece: Piece<'a>) -> Self {
        let titled = title::title(&piece);
        let header = piece.lines[piece.header_line].text;
        let body = &piece.lines[piece.header_line..];
        let traces = traces(body);
        let main_trace = main_trace(&traces);
        let of_program = piece.header.is_of_program();
        let kernel =
            if of_program { OfKernel::default() } else { OfKernel::read(body, titled.kind) };
        let is_race = matches!(titled.kind, Kind::DataRace | Kind::RaceAssert);
        let accesses = if is_race { accesses(&traces) } else { Vec::new() };
        let mut report = Self {
            kind: titled.kind,
            title: titled.title,
            alternatives: titled.alternatives,
            headline: header[piece.header_at..].trim_end(),
            message: message(&piece),
            function: titled.function,
            guilty: None,
            corrupted: titled.corrupted,
            unknown: titled.unknown,
            of_program: of_program || titled.kind == Kind::MightSleep && title::is_of_program(body),
            context: piece.context,
            time_us: piece.time_us,
            task: kernel.task,
            cpu: kernel.cpu,
            work: kernel.work,
            traces,
            main_trace,
            irq_frames: kernel.irq_frames,
            pointer: kernel.pointer,
            locks: kernel.locks,
            accesses,
            change: kernel.change,
            panic: kernel.panic,
            lines: Vec::new(),
            header: (piece.header, piece.header_line, piece.header_at),
        };
        if report
            .message
            .is_some_and(|message| message.contains("local_irq_restore() called with IRQs"))
        {
            // Validators in user space have no function of their own that warns.
            report.kind = Kind::IrqState;
        }
        report.corrupted |= report.title.is_empty() || whole::lacks(&report, piece.header, body);
        report.guilty = guilty::find(&report);
        report.lines = piece.lines;
        report
    }
}

/// What only reports of the kernel, and of validators that print like it, can have. It is not looked for in reports of
/// programs, whose lines would all be searched in vain.
#[derive(Default)]
struct OfKernel<'a> {
    task: Option<Task<'a>>,
    cpu: Option<u32>,
    work: Option<&'a str>,
    irq_frames: usize,
    pointer: Vec<Frame<'a>>,
    locks: Vec<Lock<'a>>,
    change: Option<&'a str>,
    panic: Option<&'a str>,
}

impl<'a> OfKernel<'a> {
    fn read(body: &[Claimed<'a>], kind: Kind) -> Self {
        let (task, cpu) = task(body, kind);
        Self {
            task,
            cpu,
            work: after(body, "Workqueue: ").map(str::trim),
            irq_frames: irq_frames(body),
            pointer: pointer(body),
            locks: locks(body),
            change: after(body, "value changed: ").map(str::trim),
            panic: after(&body[1..], "Kernel panic - not syncing: ").map(str::trim),
        }
    }
}

/// Returns the lines that are no functions of a stack. Most lines are.
fn others<'b, 'a>(body: &'b [Claimed<'a>]) -> impl Iterator<Item = &'b Claimed<'a>> {
    body.iter().filter(|line| !matches!(line.class, LineClass::Frame(_)))
}

/// Returns the rest of the first line that begins with `words`.
fn after<'a>(body: &[Claimed<'a>], words: &str) -> Option<&'a str> {
    others(body).find_map(|line| trim_start(line.text).strip_prefix(words))
}

/// Returns the sentence between `cut here` and the header.
fn message<'a>(piece: &Piece<'a>) -> Option<&'a str> {
    let before = piece.lines[..piece.header_line].iter().rev();
    let mut texts = before.map(|line| line.text.trim());
    texts.find(|text| !text.is_empty() && !text.starts_with(['-', '=']))
}

fn traces<'a>(body: &[Claimed<'a>]) -> Vec<Trace<'a>> {
    let mut traces: Vec<Trace<'a>> = Vec::new();
    let mut label = trim(body[0].text);
    let mut fresh = true;
    for (index, line) in body.iter().enumerate().skip(1) {
        match line.class {
            LineClass::Frame(frame) => {
                if fresh {
                    let is_frame = |line: &&Claimed<'a>| matches!(line.class, LineClass::Frame(_));
                    let length = body[index..].iter().take_while(is_frame).count();
                    traces.push(Trace { label, frames: Vec::with_capacity(length) });
                    fresh = false;
                }
                if let Some(trace) = traces.last_mut() {
                    trace.frames.push(frame);
                }
            }
            LineClass::Mark | LineClass::Pointer(_) | LineClass::Place(..) => {}
            LineClass::Blank | LineClass::Rule(..) => fresh = true,
            _ => {
                label = trim(line.text);
                fresh = true;
            }
        }
    }
    traces
}

/// Counts the functions between the first `<IRQ>` and its end.
fn irq_frames(body: &[Claimed<'_>]) -> usize {
    let is = |mark: &'static str| move |line: &Claimed<'_>| trim(line.text) == mark;
    let Some(start) = body.iter().position(is("<IRQ>")) else { return 0 };
    let length = body[start..].iter().position(is("</IRQ>")).unwrap_or(0);
    let is_frame = |line: &&Claimed<'_>| matches!(line.class, LineClass::Frame(_));
    body[start..start + length].iter().filter(is_frame).count()
}

fn pointer<'a>(body: &[Claimed<'a>]) -> Vec<Frame<'a>> {
    let is_pointer = |line: &&Claimed<'a>| matches!(line.class, LineClass::Pointer(_));
    let start = body.iter().position(|line| is_pointer(&line)).unwrap_or(body.len());
    let frame = |line: &Claimed<'a>| match line.class {
        LineClass::Pointer(frame) => frame,
        _ => None,
    };
    body[start..].iter().take_while(is_pointer).filter_map(frame).collect()
}

fn main_trace(traces: &[Trace<'_>]) -> Option<usize> {
    let call = |trace: &Trace<'_>| {
        trace.label.starts_with("Call Trace") || trace.label.starts_with("Call trace")
    };
    traces.iter().position(call).or_else(|| (!traces.is_empty()).then_some(0))
}

/// Reads ` #0: ffff88801b089148 (name){+.+.}-{0:0}, at: f+0x1/0x2`, with or without the number in a list.
fn locks<'a>(body: &[Claimed<'a>]) -> Vec<Lock<'a>> {
    let mut locks: Vec<Lock<'a>> = Vec::new();
    for line in body.iter().filter(|line| line.class == LineClass::Known) {
        let Some(lock) = lock(line.text.trim()) else { continue };
        match locks.last_mut() {
            // Each inlined function has a line of its own.
            Some(last)
                if last.index == lock.index
                    && last.address == lock.address
                    && last.at.last().is_some_and(|frame| frame.inline) =>
            {
                last.at.extend(lock.at);
            }
            _ => locks.push(lock),
        }
    }
    locks
}

fn lock(text: &str) -> Option<Lock<'_>> {
    let at = memchr::memmem::rfind(text.as_bytes(), b", at: ")?;
    let (head, place) = (&text[..at], &text[at + ", at: ".len()..]);
    let (index, head) = match head.strip_prefix('#') {
        Some(rest) => {
            let (index, rest) = rest.split_once(": ")?;
            (index.parse().ok(), rest)
        }
        None => (None, head),
    };
    let (address, rest) = head.split_once(" (")?;
    let (class, state) = rest.rsplit_once("){")?;
    let usage = state.split('}').next()?;
    let at = frame::parse(place).into_iter().collect();
    Some(Lock { index, address, class, usage, at })
}

/// Reads `write to 0xffff of 1 bytes by task 12 on cpu 0:`.
fn accesses<'a>(traces: &[Trace<'a>]) -> Vec<Access<'a>> {
    let read = |(index, trace): (usize, &Trace<'a>)| {
        let label =
            trace.label.strip_prefix("race at unknown origin, with ").unwrap_or(trace.label);
        let (what, rest) = label.split_once(" to 0x")?;
        let (address, rest) = rest.split_once(" of ")?;
        let address = &label[what.len() + 4..what.len() + 6 + address.len()];
        let (size, rest) = rest.split_once(" bytes by ")?;
        let (by, cpu) = rest.trim_end_matches(':').split_once(" on cpu ")?;
        let (size, cpu) = (size.parse().ok()?, cpu.parse().ok()?);
        Some(Access { what, address, size, by, cpu, trace: Some(index) })
    };
    traces.iter().enumerate().filter_map(read).collect()
}

/// Returns the task and the processor that a report is about.
fn task<'a>(body: &[Claimed<'a>], kind: Kind) -> (Option<Task<'a>>, Option<u32>) {
    let line = others(body).map(|line| trim(line.text)).find_map(cpu_line);
    let cpu = line.as_ref().map(|(cpu, _)| *cpu);
    let named = || {
        let known = body.iter().take(40).filter(|line| line.class == LineClass::Known);
        known.map(|line| trim(line.text)).find_map(named_task)
    };
    // The task that prints is not the one that hangs or leaks.
    let task = match kind {
        Kind::TaskHung | Kind::MemoryLeak => named(),
        Kind::RcuStall | Kind::HardLockup => line.and_then(|(_, task)| task),
        _ => line.and_then(|(_, task)| task).or_else(named),
    };
    (task, cpu)
}

/// Reads `CPU: 0 UID: 0 PID: 1167 Comm: kworker/0:1H Not tainted 6.14.0 #0`.
fn cpu_line(text: &str) -> Option<(u32, Option<Task<'_>>)> {
    let rest = text.strip_prefix("CPU: ")?;
    let cpu = rest.split(' ').next()?.trim_end_matches(',').parse().ok()?;
    let task = || {
        let (_, rest) = rest.split_once("PID: ")?;
        let (pid, rest) = rest.split_once(' ')?;
        let comm = rest.split_once("Comm: ")?.1;
        let ends =
            [" Not tainted", " Tainted: "].into_iter().filter_map(|end| comm.find(end)).min();
        let comm = &comm[..ends.unwrap_or(comm.len())];
        Some(Task { comm: comm.trim(), pid: pid.parse().ok()? })
    };
    Some((cpu, task()))
}

/// Parts of the lines that `named_task` reads.
static NAMING: LazyLock<Skip> = LazyLock::new(|| {
    Skip::new(&[
        "in_atomic():",
        "INFO: task ",
        "comm \"",
        " by task ",
        " is trying to ",
        " just changed the state",
        " is freeing memory",
        " is leaving the kernel",
        " [HC",
        " still has locks held",
    ])
});

/// Reads the other kinds of lines that name a task.
fn named_task(text: &str) -> Option<Task<'_>> {
    if !NAMING.has(text) {
        return None;
    }
    // `in_atomic(): 0, irqs_disabled(): 1, non_block: 0, pid: 1167, name: kworker/0:1H`
    if text.starts_with("in_atomic():") {
        let (_, rest) = text.split_once("pid: ")?;
        let (pid, comm) = rest.split_once(", name: ")?;
        return Some(Task { comm, pid: pid.parse().ok()? });
    }
    // `INFO: task name:123 blocked for more than 143 seconds.`
    if let Some((_, rest)) = text.split_once("INFO: task ") {
        let ends = [" blocked ", " can't die"].into_iter().find_map(|end| rest.find(end))?;
        let (comm, pid) = rest[..ends].rsplit_once(':')?;
        return Some(Task { comm, pid: pid.parse().ok()? });
    }
    // `comm "name", pid 123, jiffies 42949`
    if let Some(rest) = text.strip_prefix("comm \"") {
        let (comm, rest) = rest.split_once("\", pid ")?;
        let pid = rest.split([',', ' ']).next()?;
        return Some(Task { comm, pid: pid.parse().ok()? });
    }
    // `Read of size 8 at addr ffff by task name/123`
    if let Some((_, rest)) = text.split_once(" by task ") {
        return joined(rest);
    }
    // `name/123 is trying to acquire lock:`, `name/123 [HC0[0]:SC0[0]:HE1:SE1] takes:`
    let ends = [
        " is trying to ",
        " just changed the state",
        " is freeing memory",
        " is leaving the kernel",
        " [HC",
        " still has locks held",
    ];
    let end = ends.into_iter().filter_map(|end| text.find(end)).min()?;
    joined(&text[..end])
}

/// Reads `name/123`. The name may contain a slash itself.
fn joined(text: &str) -> Option<Task<'_>> {
    let (comm, pid) = text.trim().rsplit_once('/')?;
    Some(Task { comm, pid: pid.parse().ok()? })
}
