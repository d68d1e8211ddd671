//! Groups reports into a cause and its consequences, and counts repetitions.
//!
//! One mistake often makes several reports, because the kernel goes on after the first. Reports of one task
//! within one outermost entry into the kernel (a system call, a work item, an interrupt) belong together. The
//! first is the cause.

use crate::kind::Kind;
use crate::model::Report;
use crate::parse::frame::Frame;
use crate::parse::prefix::Context;
use std::collections::HashMap;

/// Maximum time between two reports of one entry into the kernel, in microseconds.
const MAX_DISTANCE_US: u64 = 2_000_000;
/// Maximum number of lines between two reports of one entry, for logs without times.
const MAX_DISTANCE_LINES: usize = 400;

/// A cause and its consequences, as indices into the reports of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The first report, which is the cause.
    pub cause: usize,
    /// The reports that followed from the cause, in order.
    pub consequences: Vec<usize>,
    /// The causes of other groups that have the same titles and the same guilty functions.
    pub repeats: Vec<usize>,
    /// The same of groups whose reports were not kept.
    pub again: Vec<Occurrence>,
    /// How many more times the group occurred.
    pub unlisted: usize,
}

/// Where a group began whose reports were not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occurrence {
    /// The first line, counted from 1.
    pub line: usize,
    /// The time, in microseconds since the kernel started.
    pub time_us: Option<u64>,
    /// The task or whatever else printed the report.
    pub by: String,
}

impl Occurrence {
    pub(crate) fn new(report: &Report<'_>) -> Self {
        let by = match &report.task {
            Some(task) => format!("{}/{}", task.comm, task.pid),
            None => report.context.words().unwrap_or_else(|| "-".to_owned()),
        };
        Self { line: report.line_range().0, time_us: report.time_us, by }
    }
}

impl Group {
    /// Returns how many times the group occurred.
    #[must_use]
    pub fn count(&self) -> usize {
        self.repeats.len() + self.again.len() + self.unlisted + 1
    }

    /// Returns all reports of the group.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.cause).chain(self.consequences.iter().copied())
    }
}

/// Groups reports that follow from one another, in the order of the log.
#[must_use]
pub fn group(reports: &[Report<'_>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // The latest group of each task.
    let mut latest: HashMap<Owner<'_>, usize> = HashMap::new();
    let mut latest_of_context: HashMap<Context, usize> = HashMap::new();
    for (index, report) in reports.iter().enumerate() {
        let owner = owner(report);
        let open = latest.get(&owner).copied();
        let of_task = open.filter(|&group| {
            let members: Vec<_> = groups[group].members().map(|member| &reports[member]).collect();
            follows(&members, report)
        });
        let open = of_task.or_else(|| {
            // A panic does not say which task it is about.
            let group = latest_of_context.get(&report.context).copied();
            group.filter(|&group| {
                let last = groups[group].members().last();
                last.is_some_and(|last| is_panic_of(&reports[last], report))
            })
        });
        if let Some(group) = open {
            groups[group].consequences.push(index);
            continue;
        }
        latest.insert(owner, groups.len());
        latest_of_context.insert(report.context, groups.len());
        groups.push(Group {
            cause: index,
            consequences: Vec::new(),
            repeats: Vec::new(),
            again: Vec::new(),
            unlisted: 0,
        });
    }
    groups
}

/// Joins groups whose reports have the same titles and guilty functions.
#[must_use]
pub fn deduplicate(reports: &[Report<'_>], groups: Vec<Group>) -> Vec<Group> {
    let mut seen: HashMap<Vec<(&str, Option<&str>)>, usize> = HashMap::new();
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        // Without its stack a report may be any other one of its kind.
        if group.members().any(|index| reports[index].corrupted) {
            kept.push(group);
            continue;
        }
        let signature = group.members().map(|index| {
            let report = &reports[index];
            (report.title.as_str(), report.guilty.as_ref().map(|guilty| guilty.function))
        });
        let signature: Vec<_> = signature.collect();
        if let Some(&first) = seen.get(&signature) {
            kept[first].repeats.push(group.cause);
            continue;
        }
        seen.insert(signature, kept.len());
        kept.push(group);
    }
    kept
}

/// Identifies a report's source: its task, or whatever else the log tells reports apart by.
type Owner<'a> = (Option<(&'a str, u32)>, Option<Context>);

fn owner<'a>(report: &Report<'a>) -> Owner<'a> {
    match &report.task {
        Some(task) => (Some((task.comm, task.pid)), None),
        None => (None, Some(report.context)),
    }
}

/// Returns whether a report follows from the reports of a group.
pub(crate) fn follows(group: &[&Report<'_>], report: &Report<'_>) -> bool {
    let (Some(cause), Some(before)) = (group.first(), group.last()) else { return false };
    let alone = |report: &Report<'_>| report.kind.is_independent() || report.of_program;
    if alone(report) || alone(cause) {
        return false;
    }
    // The same report again is a repetition.
    let same =
        |member: &&Report<'_>| member.title == report.title && member.headline == report.headline;
    if group.iter().any(same) {
        return false;
    }
    if !is_near((before.time_us, before.line_range().1), (report.time_us, report.line_range().0)) {
        return false;
    }
    // A report without a stack is judged by its task alone.
    let without_stack = matches!(report.kind, Kind::HeldLeaving | Kind::Panic);
    if without_stack || report.main_trace.is_none() || cause.main_trace.is_none() {
        return report.task.is_some() || report.kind == Kind::Panic;
    }
    same_entry(cause, report)
}

/// Returns whether a report is the panic that a kernel setting such as `panic_on_warn` makes of another.
pub(crate) fn is_panic_of(last: &Report<'_>, panic: &Report<'_>) -> bool {
    is_consequence(panic)
        && last.kind != Kind::Panic
        && is_near((last.time_us, last.line_range().1), (panic.time_us, panic.line_range().0))
}

/// Returns whether a report is a panic that a kernel setting makes of some other report.
pub(crate) fn is_consequence(report: &Report<'_>) -> bool {
    let settings =
        ["Fatal exception", "panic_on_warn", "hung_task", "softlockup", "Hard LOCKUP", "RCU Stall"];
    report.kind == Kind::Panic && settings.iter().any(|setting| report.headline.contains(setting))
}

/// Returns whether two reports are near: the time and last line of one, and the time and first line of the other.
pub(crate) fn is_near(before: (Option<u64>, usize), after: (Option<u64>, usize)) -> bool {
    match (before.0, after.0) {
        (Some(first), Some(second)) => second.abs_diff(first) <= MAX_DISTANCE_US,
        _ => after.1.saturating_sub(before.1) <= MAX_DISTANCE_LINES,
    }
}

/// Returns whether two stacks have the same entry into the kernel: interrupt, work item or system call, down to
/// the function that the entry is for.
fn same_entry(first: &Report<'_>, second: &Report<'_>) -> bool {
    if first.work != second.work || (first.irq_frames > 0) != (second.irq_frames > 0) {
        return false;
    }
    let (one, two) = (outermost(first), outermost(second));
    let mut calls = one.iter().zip(&two);
    for (one, two) in calls.by_ref() {
        if one.symbol != two.symbol {
            return false;
        }
        // The function that the entry is for may go on between two reports.
        if !is_entry(one.function()) {
            return true;
        }
        if one.offset != two.offset {
            return false;
        }
    }
    // One of the stacks is cut short.
    !one.is_empty() && !two.is_empty()
}

/// Returns a number for a report's entry into the kernel. Reports with different numbers have different entries. Returns
/// `None` if the stack is missing or cut short, or if the task alone decides.
pub(crate) fn entry_key(report: &Report<'_>) -> Option<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if matches!(report.kind, Kind::HeldLeaving | Kind::Panic) || report.main_trace.is_none() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (report.work, report.irq_frames > 0).hash(&mut hasher);
    for frame in outermost(report) {
        frame.symbol.hash(&mut hasher);
        if !is_entry(frame.function()) {
            return Some(hasher.finish());
        }
        frame.offset.hash(&mut hasher);
    }
    None
}

/// Returns whether a report stands for itself.
pub(crate) fn stands_alone(report: &Report<'_>) -> bool {
    report.kind.is_independent() || report.of_program
}

/// Functions that every entry of a kind passes through.
fn is_entry(function: &str) -> bool {
    const STARTS: &[&str] = &[
        "entry_",
        "do_syscall_",
        "do_fast_syscall",
        "invoke_syscall",
        "el0",
        "do_el0_svc",
        "ret_from_",
        "kthread",
        "worker_thread",
        "process_one_work",
        "process_scheduled_works",
        "asm_",
        "handle_softirqs",
        "__do_softirq",
        "do_softirq",
        "__irq_exit",
        "irq_exit",
        "run_ksoftirqd",
        "smpboot_thread_fn",
        "secondary_startup",
        "start_secondary",
        "cpu_startup_entry",
        "do_idle",
        "syscall_",
        "x64_sys_call",
        "call_timer_fn",
        "__run_timer",
        "run_timer",
        "el1h_",
        "el1_",
        "ret_fast_syscall",
    ];
    STARTS.iter().any(|start| function.starts_with(start))
}

/// Returns a stack from the outside in, without inlined functions. Of an interrupt, only its own functions.
fn outermost<'a>(report: &Report<'a>) -> Vec<Frame<'a>> {
    let frames = match report.main_trace {
        Some(trace) if report.irq_frames > 0 => {
            let frames = &report.traces[trace].frames;
            frames[..report.irq_frames.min(frames.len())].to_vec()
        }
        _ => report.main_frames(),
    };
    frames.into_iter().rev().filter(|frame| !frame.inline && !frame.unreliable).collect()
}
