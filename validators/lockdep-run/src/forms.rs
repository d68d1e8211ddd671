//! The forms of the output for programs: those of `kreport`, with what only `lockdep-run` knows.

use kreport::output::{self, AsPrinted};
use kreport::{Known, Log, Report};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::findings::{Known as Finding, Wait};
use crate::run::Outcome;

/// A finding, with the reason for which it is known.
#[derive(Debug)]
pub struct Judged<'f> {
    /// The finding.
    pub known: &'f Finding,
    /// The report as it was read.
    pub report: &'f Report<'f>,
    /// The reason, if it is known.
    pub reason: Option<String>,
}

/// Prints the findings in a form. `text` is the summary.
///
/// # Errors
///
/// Returns the error of printing JSON, which has none in practice.
pub fn print(
    format: Format,
    outcome: &Outcome,
    judged: &[Judged<'_>],
    text: &str,
) -> serde_json::Result<String> {
    let mut known = Known::default();
    for one in judged {
        if let Some(reason) = &one.reason {
            known.add_report(one.report, reason);
        }
    }
    let reports = judged
        .iter()
        .map(|one| (one.report.clone(), usize::try_from(one.known.count).unwrap_or(usize::MAX)));
    let log = Log::of_findings(reports);
    Ok(match format {
        Format::Titles => output::titles(&log, &known),
        Format::Junit => output::junit(&log, &AsPrinted, &known)
            .replace("<testsuites name=\"kreport\"", "<testsuites name=\"lockdep-run\"")
            .replace("<testcase classname=\"kreport", "<testcase classname=\"lockdep-run"),
        Format::Sarif => sarif(&output::sarif(&log, &AsPrinted, &known), outcome)?,
        Format::Json => whole(&output::json::json(&log, &AsPrinted, &known)?, outcome, judged)?,
        Format::Text => {
            let new = judged.iter().filter(|one| one.reason.is_none());
            let reports: String = new.flat_map(|one| [one.known.text.as_str(), "\n"]).collect();
            reports + text
        }
    })
}

/// Names this tool, and adds what the run was.
fn sarif(printed: &str, outcome: &Outcome) -> serde_json::Result<String> {
    let mut document: Value = serde_json::from_str(printed)?;
    let run = &mut document["runs"][0];
    run["tool"]["driver"]["name"] = json!("lockdep-run");
    let mut invocation = json!({ "executionSuccessful": true });
    if let Some(code) = outcome.status.code() {
        invocation["exitCode"] = json!(code);
    }
    run["invocations"] = json!([invocation]);
    Ok(format!("{document:#}\n"))
}

/// Adds what is not in the reports.
fn whole(printed: &str, outcome: &Outcome, judged: &[Judged<'_>]) -> serde_json::Result<String> {
    let mut document: Value = serde_json::from_str(printed)?;
    for (group, one) in document["groups"].as_array_mut().into_iter().flatten().zip(judged) {
        group["reason"] = json!(one.reason);
        group["stacks"] = json!(one.known.stacks);
        group["pid"] = json!(one.known.pid);
    }
    let findings = &outcome.findings;
    let sections = findings.sections.iter().map(|row| {
        json!({
            "name": row.name,
            "thread": row.thread,
            "runs": row.runs,
            "total_ns": row.total_ns,
            "longest_ns": row.longest_ns,
            "findings": row.findings,
            "waits": row.waits,
            "longest_wait_ns": row.longest_wait_ns,
        })
    });
    document["sections"] = sections.collect();
    document["longest_wait"] = json!(findings.longest.as_ref().map(wait));
    document["left_out"] = json!(findings.left_out);
    document["sections_left_out"] = json!(findings.sections_left_out);
    document["cut"] = json!(findings.cut);
    document["programs"] = json!(findings.programs);
    document["new"] = json!(judged.iter().filter(|one| one.reason.is_none()).count());
    document["status"] = json!(outcome.exit_code());
    // These are about a log that is read, not about a run.
    if let Some(fields) = document.as_object_mut() {
        fields.remove("lines");
    }
    Ok(format!("{document:#}\n"))
}

fn wait(wait: &Wait) -> Value {
    let mut out = json!({ "ns": wait.ns, "pid": wait.pid, "inversion": wait.is_inversion() });
    for (name, value) in &wait.facts {
        out[name] = json!(value);
    }
    out
}
