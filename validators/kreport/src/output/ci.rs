//! Forms that CI systems read: `JUnit`'s XML, SARIF 2.1.0, and kernelci's database (KCIDB).

use super::{Locate, headline, place};
use crate::group::Group;
use crate::known::Known;
use crate::log::Log;
use crate::model::Report;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Returns the reason for which all reports of a group are known.
fn reason<'k>(log: &Log<'_>, group: &Group, known: &'k Known) -> Option<&'k str> {
    let mut reasons = group.members().map(|index| known.reason(&log.reports[index]));
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}

/// Prints a test for each group, which failed, or was skipped if the reports are known. A log without reports is one
/// test that passed.
#[must_use]
pub fn junit(log: &Log<'_>, symbols: &dyn Locate, known: &Known) -> String {
    let is_known = |group: &&Group| reason(log, group, known).is_some();
    let skipped = log.groups.iter().filter(is_known).count();
    let failures = log.groups.len() - skipped;
    let tests = log.groups.len().max(1);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts =
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"");
    let _ = writeln!(
        out,
        "<testsuites name=\"kreport\" {counts}>\n  <testsuite name=\"log\" {counts}>"
    );
    if log.groups.is_empty() {
        out.push_str("    <testcase classname=\"kreport\" name=\"no reports\"/>\n");
    }
    for group in &log.groups {
        let cause = &log.reports[group.cause];
        let _ = writeln!(
            out,
            "    <testcase classname=\"kreport.{}\" name=\"{}\">",
            cause.kind.name(),
            escape(&cause.title)
        );
        match reason(log, group, known) {
            Some(reason) => {
                let _ = writeln!(out, "      <skipped message=\"known: {}\"/>", escape(reason));
            }
            None => {
                let at = guilty(cause, symbols).unwrap_or_default();
                let texts: String =
                    group.members().map(|index| log.reports[index].text() + "\n").collect();
                let _ = writeln!(
                    out,
                    "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                    cause.kind.name(),
                    escape(&format!("{}{at}, {} times", headline(cause), group.count())),
                    escape(&texts)
                );
            }
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Returns `, guilty: function at file:line`.
fn guilty(report: &Report<'_>, symbols: &dyn Locate) -> Option<String> {
    let guilty = report.guilty.as_ref()?;
    let at = place(&guilty.frame, symbols).map(|place| format!(" at {place}")).unwrap_or_default();
    Some(format!(", guilty: {}{at}", guilty.function))
}

/// Replaces what XML does not allow in texts. Control characters have no form in XML at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// Prints a result for each group, with the place to look at.
#[must_use]
pub fn sarif(log: &Log<'_>, symbols: &dyn Locate, known: &Known) -> String {
    let mut kinds: Vec<_> = log.groups.iter().map(|group| log.reports[group.cause].kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let rules: Vec<Value> = kinds
        .iter()
        .map(
            |kind| json!({ "id": kind.name(), "shortDescription": { "text": kind.description() } }),
        )
        .collect();
    let results: Vec<Value> =
        log.groups.iter().map(|group| result(log, group, symbols, known)).collect();
    let driver = json!({
        "name": "kreport",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    });
    format!("{document:#}\n")
}

fn result(log: &Log<'_>, group: &Group, symbols: &dyn Locate, known: &Known) -> Value {
    let cause = &log.reports[group.cause];
    let mut text = headline(cause);
    text.push_str(&guilty(cause, symbols).unwrap_or_default());
    for &index in &group.consequences {
        let _ = write!(text, "; which led to {}", headline(&log.reports[index]));
    }
    let mut result = json!({
        "ruleId": cause.kind.name(),
        "level": "error",
        "message": { "text": text },
        "occurrenceCount": group.count(),
        "partialFingerprints": { "kreport/v1": format!("{:016x}", cause.signature()) },
    });
    let logical = cause
        .guilty
        .as_ref()
        .map(|guilty| json!([{ "name": guilty.function, "kind": "function" }]));
    let at = cause.guilty.as_ref().and_then(|guilty| place(&guilty.frame, symbols));
    let at = at.or_else(|| cause.place());
    let physical = at.as_deref().map(|at| {
        let (file, line) = at.rsplit_once(':').unwrap_or((at, ""));
        let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
        if let Ok(line @ 1..) = line.parse::<u32>() {
            physical["region"] = json!({ "startLine": line });
        }
        physical
    });
    if logical.is_some() || physical.is_some() {
        let mut location = json!({});
        if let Some(logical) = logical {
            location["logicalLocations"] = logical;
        }
        if let Some(physical) = physical {
            location["physicalLocation"] = physical;
        }
        result["locations"] = json!([location]);
    }
    if let Some(reason) = reason(log, group, known) {
        result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    result
}

/// Returns a path as a URI.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if out.starts_with('/') { format!("file://{out}") } else { out }
}

/// Prints an issue for each title, and an incident for each group, in version 5.0 of KCIDB's schema. Known reports are
/// not in it. `origin` is the name of the CI system, and `test` the ID of the test that made the log.
#[must_use]
pub fn kcidb(log: &Log<'_>, known: &Known, origin: &str, test: Option<&str>) -> String {
    let (mut issues, mut incidents) = (Vec::new(), Vec::new());
    for (number, group) in log.groups.iter().enumerate() {
        if reason(log, group, known).is_some() {
            continue;
        }
        let cause = &log.reports[group.cause];
        let signature = format!("{:016x}", cause.signature());
        let issue = format!("{origin}:{signature}");
        if !issues.iter().any(|other: &Value| other["id"] == issue) {
            issues.push(json!({
                "id": issue,
                "version": 0,
                "origin": origin,
                "report_subject": cause.title,
                "culprit": { "code": true },
                "misc": { "kind": cause.kind.name(), "signature": signature },
            }));
        }
        // An incident of the same log has the same ID when the log is read again.
        let of = test.unwrap_or("log").rsplit(':').next().unwrap_or("log");
        let mut incident = json!({
            "id": format!("{issue}-{of}-{}", number + 1),
            "origin": origin,
            "issue_id": issue,
            "issue_version": 0,
            "present": true,
            "comment": headline(cause),
            "misc": { "count": group.count(), "text": cause.text().replace('\0', "\u{fffd}") },
        });
        if let Some(test) = test {
            incident["test_id"] = json!(test);
        }
        incidents.push(incident);
    }
    let document = json!({
        "version": { "major": 5, "minor": 0 },
        "issues": issues,
        "incidents": incidents,
    });
    format!("{document:#}\n")
}

/// Prints the list of the reports for `--known`, with titles as reasons.
#[must_use]
pub fn baseline(log: &Log<'_>) -> String {
    let mut lines: Vec<String> = log
        .groups
        .iter()
        .flat_map(Group::members)
        .map(|index| &log.reports[index])
        .map(|report| format!("{:016x} # {}\n", report.signature(), report.title))
        .collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}
