//! The page of a campaign: counts, findings, coverage by file. Plain HTML without scripts.

use super::errnos::Answers;
use super::stats::{Status, percent};
use std::fmt::Write as _;
use std::fs;

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>seqfuzz</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; max-width: 70em }
table { border-collapse: collapse; margin-bottom: 2em }
td, th { border: 1px solid #bbb; padding: .2em .6em; text-align: left; vertical-align: top }
td.n { text-align: right } pre { margin: 0; overflow-x: auto; max-width: 60em }
</style></head><body>
";

/// Writes a part of a whole; nothing if there is no whole.
fn shared((part, all): (usize, usize)) -> String {
    if all > 0 { format!("{part} of {all} ({})", percent(part, all)) } else { String::new() }
}

/// Returns the page.
#[must_use]
pub fn page(status: &Status) -> String {
    let mut page = String::from(HEAD);
    let mut put = |text: String| page.push_str(&text);
    let (taken, all) = status.edges();
    put("<h1>seqfuzz</h1>\n<table>\n".into());
    let rows = [
        ("programs", status.programs.to_string()),
        ("programs a second and process", (status.programs / status.seconds.max(1)).to_string()),
        ("seconds of all processes", status.seconds.to_string()),
        ("corpus", status.corpus.to_string()),
        ("kinds of answers", status.answers.to_string()),
        (
            "edges",
            if all > 0 {
                format!("{taken} of {all} ({})", percent(taken, all))
            } else {
                "not counted".into()
            },
        ),
        ("edges that the tests take", shared(status.reach())),
        (
            "known answers of calls",
            status.errnos.as_ref().map_or_else(
                || "told at the end".into(),
                |errnos| shared(errnos.share(&Answers::known())),
            ),
        ),
        ("calls compared with the model", percent(status.followed.compared, status.followed.calls)),
        ("findings", status.findings.len().to_string()),
    ];
    for (name, value) in rows {
        put(format!("<tr><th>{name}</th><td class=\"n\">{}</td></tr>\n", escaped(&value)));
    }
    put("</table>\n<h2>Findings</h2>\n".into());
    if status.findings.is_empty() {
        put("<p>None.</p>\n".into());
    } else {
        put("<table>\n<tr><th>title</th><th>count</th><th>calls</th><th>run again</th><th>program and report</th></tr>\n".into());
        for finding in &status.findings {
            let read =
                |name: &str| fs::read_to_string(finding.folder.join(name)).unwrap_or_default();
            let mut row = String::new();
            let _infallible = writeln!(
                row,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td><details><summary>{}</summary>\
                 <pre>{}</pre><hr><pre>{}</pre></details></td></tr>",
                escaped(&finding.title),
                finding.count,
                finding.calls.0,
                escaped(finding.again.as_deref().unwrap_or_default()),
                escaped(&finding.folder.file_name().unwrap_or_default().to_string_lossy()),
                escaped(&read("program")),
                escaped(&read("report")),
            );
            put(row);
        }
        put("</table>\n".into());
    }
    if all > 0 {
        put("<h2>Coverage</h2>\n<table>\n<tr><th>file</th><th>edges</th><th>of</th><th></th><th>of the tests'</th></tr>\n".into());
        for (file, (taken, all)) in &status.files {
            put(format!(
                "<tr><td>{}</td><td class=\"n\">{taken}</td><td class=\"n\">{all}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
                escaped(file),
                percent(*taken, *all),
                shared(status.suite.get(file).copied().unwrap_or_default())
            ));
        }
        put("</table>\n".into());
    }
    if let Some(errnos) = &status.errnos {
        put("<h2>Answers</h2>\n<table>\n<tr><th>call</th><th>hit</th><th>known to the tests, not hit</th></tr>\n".into());
        for [name, hit, missing] in errnos.compared(&Answers::known()) {
            put(format!("<tr><td>{name}</td><td>{hit}</td><td>{missing}</td></tr>\n"));
        }
        put("</table>\n".into());
    }
    put("</body></html>\n".into());
    page
}
