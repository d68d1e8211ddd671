//! Finds the function to blame.
//!
//! A title names the first function that is not machinery, which is good for finding duplicates. The bug may be
//! further out, in the caller of a function that takes a lock or loads a module where neither is allowed. A
//! report names both, and the functions between them.

use crate::kind::Kind;
use crate::model::{Guilty, Report};
use crate::parse::frame::Frame;
use crate::skip;
use crate::title::{is_dispatcher, is_runtime};

/// Finds the function to look at.
pub(crate) fn find<'a>(report: &Report<'a>) -> Option<Guilty<'a>> {
    if report.of_program {
        return of_program(report);
    }
    if matches!(report.kind, Kind::DataRace | Kind::RaceAssert) {
        return race(report);
    }
    let frames = report.main_frames();
    let titled = report.function;
    let start = titled
        .and_then(|name| frames.iter().position(|frame| !frame.inline && frame.function() == name));
    let start = start.or_else(|| frames.iter().position(|frame| !is_machinery(frame.function())));
    // The function of the title is not in this stack, but at the place of a lock, or nowhere.
    if let Some(name) = titled
        && start.is_none_or(|start| frames[start].function() != name)
    {
        return elsewhere(report, name);
    }
    let start = start?;
    let innocent: fn(&Frame<'_>) -> bool =
        if report.kind.blames_caller() { is_helper } else { is_wrapper };
    let mut at = start;
    while innocent(&frames[at]) {
        at += 1;
        if at == frames.len() || is_dispatcher(frames[at].function()) {
            // Only helpers were found: the function of the title is to blame.
            at = start;
            break;
        }
    }
    Some(blame(&frames, start, at))
}

fn blame<'a>(frames: &[Frame<'a>], start: usize, at: usize) -> Guilty<'a> {
    let frame = frames[at];
    let between = frames[start..at].iter().rev();
    Guilty {
        function: frame.function(),
        file: frame.file,
        line: frame.line,
        frame,
        through: between.map(Frame::function).collect(),
    }
}

/// Returns the function of a program to look at: the writer of a race, or else that of the title.
fn of_program<'a>(report: &Report<'a>) -> Option<Guilty<'a>> {
    let writes = |label: &str| {
        label.contains("rite of size")
            || label.starts_with("Write at")
            || label.contains("during write")
    };
    let is_race = report.kind == Kind::DataRace;
    let trace = report
        .traces
        .iter()
        .find(|trace| is_race && writes(trace.label))
        .or_else(|| report.traces.get(report.main_trace.unwrap_or_default()))?;
    let own = trace.frames.iter().position(|frame| !is_runtime(frame) && frame.symbol != "???");
    let at = own?;
    // The function of the C library or of the language that it called. Those below are no news.
    let called = trace.frames[..at].iter().rposition(|frame| frame.symbol != "???").unwrap_or(at);
    Some(blame(&trace.frames, called, at))
}

/// Returns the plain writer of a race, or else the first access.
fn race<'a>(report: &Report<'a>) -> Option<Guilty<'a>> {
    let plain_write = report.accesses.iter().find(|access| {
        access.what.contains("write")
            && !access.what.contains('(')
            && !access.what.starts_with("assert")
    });
    let access = plain_write.or_else(|| report.accesses.first())?;
    let frames = &report.traces.get(access.trace?)?.frames;
    let usable = |frame: &&Frame<'a>| !frame.inline && !frame.unreliable;
    let mut candidates = frames.iter().filter(usable);
    let first = candidates.clone().next();
    let frame = candidates.find(|frame| !skip::COMMON.has(frame.function())).or(first)?;
    Some(blame(std::slice::from_ref(frame), 0, 0))
}

fn elsewhere<'a>(report: &Report<'a>, name: &'a str) -> Option<Guilty<'a>> {
    // The list of held locks says who locked, not who did wrong.
    let about = report.locks.iter().filter(|lock| lock.index.is_none());
    let places = about.flat_map(|lock| &lock.at);
    let traces = report.traces.iter().flat_map(|trace| &trace.frames);
    let mut all = places.chain(traces).filter(|frame| frame.function() == name);
    let unknown = Frame { symbol: name, ..Frame::default() };
    let frame = all.find(|frame| frame.file.is_some()).copied().unwrap_or(unknown);
    Some(blame(&[frame], 0, 0))
}

/// Returns whether a function reports, or checks on behalf of the allocator.
fn is_machinery(name: &str) -> bool {
    const CHECKS: &[&str] =
        &["check_bytes_and_report", "free_debug_processing", "alloc_debug_processing"];
    skip::COMMON.has(name) || CHECKS.contains(&name)
}

/// Returns whether a function takes or releases a lock for its caller, or is a general service.
fn is_wrapper(frame: &Frame<'_>) -> bool {
    let name = frame.function();
    frame.inline
        || skip::COMMON.has(name)
        || frame.file.is_some_and(skip::is_service_file)
        || has_word(name, &["lock", "locked", "unlock", "trylock", "locking"])
        || name.starts_with("class_")
            && (name.ends_with("_constructor") || name.ends_with("_destructor"))
}

/// Returns whether a function does on request what its caller must not do there: it sleeps, loads or allocates,
/// or looks something up and does one of these for it.
fn is_helper(frame: &Frame<'_>) -> bool {
    const WORDS: &[&str] = &[
        "request", "load", "module", "get", "find", "lookup", "alloc", "zalloc", "malloc",
        "schedule", "resched", "sleep", "msleep", "wait", "mutex", "ptr",
    ];
    is_wrapper(frame) || has_word(frame.function(), WORDS)
}

/// Returns whether a part of the name between underscores is one of the words. Of a path such as `a::b::c` only
/// the last name counts.
fn has_word(name: &str, words: &[&str]) -> bool {
    let name = name.rsplit("::").find(|name| !name.starts_with('{')).unwrap_or(name);
    name.split('_').any(|part| words.contains(&part))
}
