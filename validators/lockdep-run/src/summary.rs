//! The summary that ends a run: findings with their counts, sections, the longest wait for a lock.

use std::fmt::Write as _;

use kreport::Report;
use lockdep::session::Row;

use crate::findings::Wait;
use crate::forms::Judged;
use crate::run::Outcome;

/// Maximum number of sections in the text. The other forms have all.
const MAX_SECTIONS: usize = 20;

/// Returns the summary of a run.
#[must_use]
pub fn summary(outcome: &Outcome, judged: &[Judged<'_>], notes: &[String]) -> String {
    let mut out = String::new();
    let new: Vec<_> = judged.iter().filter(|one| one.reason.is_none()).collect();
    let known = judged.len() - new.len();
    let findings = &outcome.findings;
    let programs = count(usize::try_from(findings.programs).unwrap_or(usize::MAX), "program");
    let of_known = if known > 0 { format!(", {known} known") } else { String::new() };
    let _ = writeln!(out, "lockdep-run: {}{of_known}, in {programs}", count(new.len(), "finding"));
    for (number, one) in new.iter().enumerate() {
        let report = one.report;
        let _ = writeln!(out, "{:>3}. {}", number + 1, report.title);
        let _ = writeln!(out, "     {}", facts(one));
    }
    if findings.left_out > 0 {
        let _ = writeln!(
            out,
            "{} more stacks with findings were left out: --max-findings is the limit",
            findings.left_out
        );
    }
    if findings.cut > 0 {
        let _ = writeln!(
            out,
            "{} cut off: the process ended while it was written",
            if findings.cut == 1 {
                "1 report was".to_owned()
            } else {
                format!("{} reports were", findings.cut)
            }
        );
    }
    if findings.programs == 0 {
        out.push_str(
            "the library was not loaded: the command is static, sets more rights, or clears its environment\n",
        );
    }
    if outcome.outlived {
        out.push_str(
            "processes of the command still run, and are not followed any more (--wait)\n",
        );
    }
    for note in notes {
        let _ = writeln!(out, "{note}");
    }
    sections(&mut out, &findings.sections);
    if findings.sections_left_out > 0 {
        let _ = writeln!(
            out,
            "{} times a section was not counted: there were too many names of sections and threads",
            findings.sections_left_out
        );
    }
    if let Some(wait) = &findings.longest {
        let _ = writeln!(out, "{}", longest(wait));
    }
    out
}

/// Returns how many there are of something.
fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn facts(one: &Judged<'_>) -> String {
    let mut facts = Vec::new();
    if let Some(place) = place(one.report) {
        facts.push(format!("at {place}"));
    }
    if let Some(task) = &one.report.task {
        facts.push(format!("thread {}", task.comm));
    }
    facts.push(if one.known.count == 1 {
        "once".to_owned()
    } else {
        format!("{} times", one.known.count)
    });
    if one.known.stacks > 1 {
        facts.push(format!("by {} stacks", one.known.stacks));
    }
    facts.push(format!("{:016x}", one.report.signature()));
    facts.join(", ")
}

fn place(report: &Report<'_>) -> Option<String> {
    let guilty = report.guilty.as_ref()?;
    let module = guilty.frame.module.map(|module| format!("{} in {module}", guilty.function));
    guilty.frame.location().or(module).or_else(|| Some(guilty.function.to_owned()))
}

/// Prints a table of the sections.
fn sections(out: &mut String, sections: &[Row]) {
    if sections.is_empty() {
        return;
    }
    let head =
        ["section", "thread", "runs", "mean", "longest", "findings", "waits", "longest wait"];
    let mut lines = vec![head.map(str::to_owned)];
    for row in sections.iter().take(MAX_SECTIONS) {
        lines.push([
            row.name.clone(),
            row.thread.clone(),
            row.runs.to_string(),
            time(row.total_ns / row.runs.max(1)),
            time(row.longest_ns),
            row.findings.to_string(),
            row.waits.to_string(),
            if row.waits > 0 { time(row.longest_wait_ns) } else { "-".to_owned() },
        ]);
    }
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths).enumerate().map(|(index, (cell, width))| {
            if index < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    if sections.len() > MAX_SECTIONS {
        let _ = writeln!(out, "and {} more sections", sections.len() - MAX_SECTIONS);
    }
}

/// Says which wait for a lock was the longest in real-time code.
fn longest(wait: &Wait) -> String {
    let fact = |name| wait.fact(name).unwrap_or("unknown");
    let urgency = |name| match wait.fact(name) {
        None | Some("0") => String::new(),
        Some(priority) => format!(" of real-time priority {priority}"),
    };
    let what =
        if wait.is_inversion() { "worst priority inversion" } else { "longest wait for a lock" };
    let waiter = format!("{}{}", fact("waiter"), urgency("priority"));
    let mut text = format!(
        "{what}: {}, {waiter} in section {} waited for {} in {}",
        time(wait.ns),
        fact("section"),
        fact("lock"),
        fact("place"),
    );
    if wait.fact("held_since").is_some() {
        let _ = write!(
            text,
            ", which {}{} had taken in {}",
            fact("holder"),
            urgency("holder_priority"),
            fact("held_since")
        );
    }
    text
}

/// Returns a time in the unit that suits it.
fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..10_000 => format!("{}.{} µs", ns / 1_000, ns % 1_000 / 100),
        10_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..10_000_000 => format!("{}.{} ms", ns / 1_000_000, ns % 1_000_000 / 100_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_digits_at_least() {
        for (ns, text) in [
            (999, "999 ns"),
            (1_250, "1.2 µs"),
            (999_999, "999 µs"),
            (3_400_000, "3.4 ms"),
            (12_000_000, "12 ms"),
            (12_000_000_000, "12 s"),
        ] {
            assert_eq!(time(ns), text);
        }
    }

    #[test]
    fn a_wait_for_a_thread_that_is_less_urgent_is_an_inversion() {
        let facts = |holder: &str| {
            let text = [("section", "process"), ("lock", "&mixer"), ("waiter", "audio/7")];
            let more = [("priority", "80"), ("place", "process at a.c:1"), ("holder", "ui/8")];
            let last = [("holder_priority", holder), ("held_since", "set_gain at a.c:9")];
            let all = text.into_iter().chain(more).chain(last);
            all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let wait = Wait { ns: 3_400_000, pid: 7, facts: facts("0") };
        assert_eq!(
            longest(&wait),
            "worst priority inversion: 3.4 ms, audio/7 of real-time priority 80 in section process waited for \
             &mixer in process at a.c:1, which ui/8 had taken in set_gain at a.c:9"
        );
        let wait = Wait { ns: 3_400_000, pid: 7, facts: facts("90") };
        assert!(longest(&wait).starts_with("longest wait for a lock: 3.4 ms"));
    }
}
