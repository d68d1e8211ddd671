//! Finds out whether parts of a report are missing: cut off, or lost among other messages.

use crate::kind::Kind;
use crate::model::Report;
use crate::parse::frame::Frame;
use crate::parse::header::Header;
use crate::parse::line::LineClass;
use crate::parse::split::Claimed;
use crate::parse::text::{contains, trim_start};

/// Maximum number of lines between the heading of a stack and its first function.
const MAX_BEFORE_FRAME: usize = 15;
/// Headings that a stack always follows.
const HEADINGS: [&str; 8] = [
    "Call Trace:",
    "Call trace:",
    "Backtrace:",
    "backtrace:",
    "Allocated by task",
    "Freed by task",
    "Allocated:",
    "Freed:",
];

/// Returns whether a report lacks lines that reports of its kind have.
pub(crate) fn lacks(report: &Report<'_>, header: Header, body: &[Claimed<'_>]) -> bool {
    if report.unknown || header.is_of_program() {
        // Programs are often built without symbols. Their stacks say so themselves.
        return !report.unknown && report.traces.is_empty() && needs_stack_of_program(header);
    }
    needs_stack(report, header) && report.traces.is_empty()
        || has_empty_stack(body)
        || has_time(&report.title)
        || is_mixed(report)
        || header == Header::Panic && is_of_another(report.headline)
}

fn needs_stack_of_program(header: Header) -> bool {
    matches!(header, Header::Sanitizer | Header::LeakedHere | Header::GoRace | Header::Valgrind)
}

fn needs_stack(report: &Report<'_>, header: Header) -> bool {
    let alone = matches!(report.kind, Kind::DataRace | Kind::RaceAssert | Kind::HeldLeaving)
        || matches!(report.kind, Kind::WorkqueueLockup | Kind::Fuzzer | Kind::Reboot)
        || matches!(header, Header::Netdevice | Header::Vfs | Header::Trusty)
        || report.kind == Kind::StackOverflow
        || report.kind == Kind::DoubleFault && !report.pointer.is_empty();
    let alone = alone
        || ["Bad rss-counter", "non-zero nr_p", "kernel stack regs", "kernel stack frame pointer"]
            .iter()
            .any(|words| report.headline.contains(words));
    !alone
}

/// Returns whether a stack is announced that has no function.
fn has_empty_stack(body: &[Claimed<'_>]) -> bool {
    let is_heading = |line: &Claimed<'_>| {
        line.class == LineClass::Start
            && HEADINGS.iter().any(|heading| trim_start(line.text).starts_with(heading))
    };
    let found = |line: &Claimed<'_>| {
        matches!(line.class, LineClass::Frame(_)) || line.text.contains("(stack is not available)")
    };
    body.iter().enumerate().filter(|(_, line)| is_heading(line)).any(|(at, _)| {
        let next = body[at + 1..].iter().take(MAX_BEFORE_FRAME);
        let mut until = next.take_while(|line| !is_heading(line));
        !until.any(found)
    })
}

/// Returns whether the time of another line stands in a title: two lines were printed as one.
fn has_time(title: &str) -> bool {
    title.match_indices('[').any(|(at, _)| {
        let inner = title[at + 1..].split(']').next().unwrap_or_default().trim_start();
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        inner.contains('.') && inner.len() > 6 && digits(inner)
            || inner == "NUM.ADDR"
            || inner == "NUM.NUM"
    })
}

/// Returns whether the stack of an injected fault is in the report.
fn is_mixed(report: &Report<'_>) -> bool {
    let frames = report.traces.iter().flat_map(|trace| &trace.frames);
    let injects = |frame: &&Frame<'_>| contains(frame.symbol, "should_fail");
    frames.filter(|frame| !frame.unreliable).filter(injects).any(|frame| {
        let name = frame.function();
        name == "should_fail" || name == "should_failslab" || name == "should_fail_ex"
    })
}

/// Returns whether a panic follows from a report that is not there.
fn is_of_another(headline: &str) -> bool {
    ["Fatal exception", "panic_on_warn set", "hung_task: blocked tasks"]
        .iter()
        .any(|words| headline.contains(words))
}
