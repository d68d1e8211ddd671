//! Text for people: each cause with its consequences, the function to blame, and a count.

use super::{Locate, headline, place};
use crate::log::Log;
use crate::model::Report;
use std::fmt::Write as _;

/// Prints a few lines per report, and with `full` also the reports themselves.
#[must_use]
pub fn text(log: &Log<'_>, symbols: &dyn Locate, full: bool) -> String {
    let mut out = String::new();
    for (number, group) in log.groups.iter().enumerate() {
        let times =
            if group.count() > 1 { format!(" ({} times)", group.count()) } else { String::new() };
        let cause = &log.reports[group.cause];
        let _ = writeln!(out, "{}. {}{times}", number + 1, headline(cause));
        describe(&mut out, cause, symbols, "   ");
        if full {
            quote(&mut out, cause);
        }
        if !group.consequences.is_empty() {
            out.push_str("   which led to\n");
        }
        for &index in &group.consequences {
            let report = &log.reports[index];
            let _ = writeln!(out, "   - {}", headline(report));
            describe(&mut out, report, symbols, "     ");
            if full {
                quote(&mut out, report);
            }
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary(log));
    out
}

/// Prints one title per line, in the order of the log.
#[must_use]
pub fn titles(log: &Log<'_>) -> String {
    log.reports.iter().flat_map(|report| [report.title.as_str(), "\n"]).collect()
}

fn describe(out: &mut String, report: &Report<'_>, symbols: &dyn Locate, indent: &str) {
    let (first, last) = report.line_range();
    let mut facts = vec![report.kind.name().to_owned()];
    if let Some(task) = &report.task {
        facts.push(format!("task {}/{}", task.comm, task.pid));
    }
    facts.extend(report.cpu.map(|cpu| format!("cpu {cpu}")));
    facts.extend(report.work.map(|work| format!("work {work}")));
    facts.push(format!("lines {first} to {last}"));
    if report.corrupted {
        facts.push("incomplete".to_owned());
    }
    let _ = writeln!(out, "{indent}{}", facts.join(", "));
    if let Some(guilty) = &report.guilty {
        let at =
            place(&guilty.frame, symbols).map(|place| format!(" at {place}")).unwrap_or_default();
        let _ = writeln!(out, "{indent}guilty: {}{at}", guilty.function);
        if !guilty.through.is_empty() {
            let _ = writeln!(out, "{indent}        which called {}", guilty.through.join(", "));
        }
    }
    if let Some(change) = report.change {
        let _ = writeln!(out, "{indent}value: {change}");
    }
    if let Some(panic) = report.panic {
        let _ = writeln!(out, "{indent}panic: {panic}");
    }
}

fn quote(out: &mut String, report: &Report<'_>) {
    for line in &report.lines {
        let _ = writeln!(out, "   | {}", line.text);
    }
}

fn summary(log: &Log<'_>) -> String {
    let count =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let all: usize = log.reports.len();
    format!(
        "{} of {}; {}, {} outside of reports",
        count(log.groups.len(), "cause"),
        count(all, "report"),
        count(log.lines, "line"),
        log.lines_outside(),
    )
}
