//! Text for people: each cause with its consequences, the function to blame, and a count.

use super::{Locate, headline, place};
use crate::group::Group;
use crate::known::Known;
use crate::log::Log;
use crate::model::Report;
use std::fmt::Write as _;

/// What the text has beside causes and consequences.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Text<'k> {
    /// Whether the reports themselves are printed.
    pub full: bool,
    /// Reports that are only counted.
    pub known: Option<&'k Known>,
}

impl Text<'_> {
    fn hides(&self, log: &Log<'_>, group: &Group) -> bool {
        let known = |index: usize| {
            self.known.is_some_and(|known| known.reason(&log.reports[index]).is_some())
        };
        group.members().all(known)
    }
}

/// Prints a few lines per report.
#[must_use]
pub fn text(log: &Log<'_>, symbols: &dyn Locate, options: Text<'_>) -> String {
    let mut out = String::new();
    let mut hidden = 0;
    for (number, group) in log.groups.iter().enumerate() {
        if options.hides(log, group) {
            hidden += 1;
            continue;
        }
        one(&mut out, (log, number + 1, group), symbols, options.full);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary(log, hidden));
    out
}

/// Prints a report by itself.
#[must_use]
pub fn report(report: &Report<'_>, symbols: &dyn Locate, full: bool) -> String {
    let mut out = format!("{}\n", headline(report));
    describe(&mut out, report, symbols, "   ");
    if full {
        quote(&mut out, report);
    }
    out
}

/// Prints a group.
fn one(
    out: &mut String,
    (log, number, group): (&Log<'_>, usize, &Group),
    symbols: &dyn Locate,
    full: bool,
) {
    let times =
        if group.count() > 1 { format!(" ({} times)", group.count()) } else { String::new() };
    let cause = &log.reports[group.cause];
    let _ = writeln!(out, "{number}. {}{times}", headline(cause));
    describe(out, cause, symbols, "   ");
    if full {
        quote(out, cause);
    }
    if !group.consequences.is_empty() {
        out.push_str("   which led to\n");
    }
    for &index in &group.consequences {
        let report = &log.reports[index];
        let _ = writeln!(out, "   - {}", headline(report));
        describe(out, report, symbols, "     ");
        if full {
            quote(out, report);
        }
    }
}

/// Prints one title per line, in the order of the log.
#[must_use]
pub fn titles(log: &Log<'_>, known: &Known) -> String {
    let new = log.reports.iter().filter(|report| known.reason(report).is_none());
    new.flat_map(|report| [report.title.as_str(), "\n"]).collect()
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
        for (function, at) in symbols.inlined(&guilty.frame) {
            let _ = writeln!(out, "{indent}        with {function} inlined, at {at}");
        }
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

fn summary(log: &Log<'_>, hidden: usize) -> String {
    let count =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let known = if hidden > 0 { format!(" ({hidden} known)") } else { String::new() };
    let dropped = match log.dropped {
        0 => String::new(),
        dropped => format!(" ({dropped} not listed)"),
    };
    format!(
        "{}{known} of {}{dropped}; {}, {} outside of reports",
        count(log.groups.len(), "cause"),
        count(log.total, "report"),
        count(log.lines, "line"),
        log.lines_outside(),
    )
}
