//! The first line of a report, in plain words: what did not happen but can, and because of what.

use crate::class::Ladder;
use crate::graph::{Graph, Step};
use crate::held::Held;
use crate::site::line_or_function;
use crate::words::{BEGINNINGS, Mode, ReportKind};

/// Returns a report with a first line, which it gets if it has none.
pub(crate) fn with_first_line(kind: ReportKind, text: String) -> String {
    if BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) {
        return text;
    }
    format!("{}\n{text}", sentence(kind))
}

/// Returns the first line of a kind of reports that says nothing about the single case.
fn sentence(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Sleep => {
            "Happened: code that must not wait made a call that may. Whether it waited this time is chance."
        }
        ReportKind::Circular | ReportKind::Recursive => {
            "Did not happen, can happen: a deadlock, because two threads may take these locks in opposite orders."
        }
        ReportKind::Inconsistent => {
            "Did not happen, can happen: code that must not wait waits for this lock, because its holder may be \
             interrupted or preempted meanwhile."
        }
        ReportKind::SafeToUnsafe | ReportKind::Inversion => {
            "Did not happen, can happen: code that must not wait waits for one of these locks, because the holder of \
             that one waits for the other, whose holder may be preempted."
        }
        ReportKind::WaitContext => {
            "Did not happen, can happen: threads spin, or miss a deadline, for as long as another one sleeps, because \
             a lock that sleeps is taken where it must not."
        }
        ReportKind::UnlockBalance => {
            "Happened: a thread released a lock that it does not hold, or holds more than can be counted."
        }
        ReportKind::Freed => {
            "Happened: the memory of a lock was given back while the lock is held."
        }
        ReportKind::Leaving => {
            "Happened: code ended with a lock that it took, and nobody else can take it now."
        }
        ReportKind::IrqState => "Happened: the interrupt state was not restored as it was saved.",
        ReportKind::Pin => {
            "Happened: a lock was released that its holder relies on, or its pins do not match."
        }
        ReportKind::NotHeld => "Happened: code ran without the lock that it relies on.",
        ReportKind::Budget => {
            "Happened: a section took longer, or did more, than its budget allows."
        }
        ReportKind::Inherited => {
            "Happened: a thread has real-time scheduling that nobody gave it: it has inherited it."
        }
        ReportKind::Signal => {
            "Did not happen, can happen: a deadlock, because a signal handler calls what the interrupted code may be in."
        }
        ReportKind::Destroyed => "Happened: a lock was used after it was destroyed.",
        ReportKind::Attempt => {
            "Did not happen, can happen: real-time code wakes a thread that waits for a lock which it only tried."
        }
        ReportKind::Waiting => {
            "Did not happen, can happen: a deadlock, because a thread waits for a condition with another lock held."
        }
        ReportKind::Fork => {
            "Did not happen, can happen: the child waits forever for a lock that nobody in it can release."
        }
        ReportKind::Condition => "Happened: a condition variable was used with two mutexes.",
        ReportKind::Lockup => "Happens now: a section is open for longer than its budget allows.",
    }
}

/// Returns the first line about a new order that closes a cycle. The path leads from the new lock to the held one.
pub(crate) fn circular(graph: &Graph, new: &Held, previous: &Held, path: &[Step]) -> String {
    let names: Vec<&str> = path.iter().map(|step| graph.name(step.class)).collect();
    let learnt = path
        .iter()
        .find_map(|step| Some(step.trace.as_ref()?.frames().first()?.line_or_function()));
    format!(
        "Did not happen, can happen: a deadlock, because this thread takes {new} at {at} while it holds {old}, taken \
         at {since}, and elsewhere the order is {order}{learnt}. If threads do both at once, each waits for the other.\n",
        new = graph.name(new.class),
        at = line_or_function(new.site),
        old = graph.name(previous.class),
        since = line_or_function(previous.site),
        order = names.join(", then "),
        learnt = learnt.map_or_else(String::new, |at| format!(" ({at})")),
    )
}

/// Returns the first line about a second lock of a class that the thread holds. `is_refused` says that the lock does not
/// let its holder wait for itself.
pub(crate) fn recursive(graph: &Graph, new: &Held, old: &Held, is_refused: bool) -> String {
    let (name, at, since) =
        (graph.name(new.class), line_or_function(new.site), line_or_function(old.site));
    if is_refused {
        return format!(
            "Happened: this thread takes {name} at {at}, and holds it itself for writing since {since}. The C library refuses \
             that (EDEADLK); others wait forever.\n"
        );
    }
    if old.instance == new.instance {
        let is_read = new.mode != Mode::Exclusive && old.mode != Mode::Exclusive;
        if is_read {
            return format!(
                "Did not happen, can happen: a deadlock, because this thread reads {name} at {at}, and reads it already \
                 since {since}. A writer that comes in between waits for the first read, and the second waits for the \
                 writer.\n"
            );
        }
        return format!(
            "Happens now: a deadlock, because this thread waits for {name} at {at}, and holds it itself since {since}.\n"
        );
    }
    let other = if Ladder::has_both(new.class) {
        "elsewhere such locks are taken in the other order of their addresses"
    } else {
        "another thread may take the same two in the opposite order"
    };
    format!(
        "Did not happen, can happen: a deadlock, because this thread takes two locks of the class {name}, at {since} and \
         at {at}, and {other}.\n"
    )
}
