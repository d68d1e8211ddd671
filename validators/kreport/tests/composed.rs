//! Reports written in the forms that kernels print, one per file. `reports/expected.tsv` has what must be read from
//! them.

use kreport::{Kind, read};
use std::fs;
use std::path::Path;

struct Expected {
    name: String,
    kind: String,
    guilty: String,
    title: String,
    text: String,
}

fn all() -> Vec<Expected> {
    table("tests/reports")
}

/// Reads the table in a folder, and the logs that it names.
fn table(folder: &str) -> Vec<Expected> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let table = fs::read_to_string(folder.join("expected.tsv")).expect("the table");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let [name, kind, guilty, title] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}")
        };
        let bytes = fs::read(folder.join(format!("{name}.txt"))).expect("a report");
        let text = kreport::decode(&bytes).into_owned();
        let [name, kind, guilty, title] = [name, kind, guilty, title].map(str::to_owned);
        Expected { name, kind, guilty, title, text }
    })
    .collect()
}

#[test]
fn each_report_has_its_title_kind_and_guilty_function() {
    let mut wrong = Vec::new();
    for Expected { name, kind, guilty, title, text } in all() {
        let log = read(&text);
        let found: Vec<_> = log
            .reports
            .iter()
            .map(|report| {
                let guilty = report.guilty.as_ref().map_or("-", |guilty| guilty.function);
                format!("{}\t{guilty}\t{}", report.kind.name(), report.title)
            })
            .collect();
        if found != [format!("{kind}\t{guilty}\t{title}")] {
            wrong.push(format!("{name}: want {kind}\t{guilty}\t{title}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_report_of_a_program_has_its_title_kind_and_guilty_function() {
    let all = table("tests/programs");
    let mut names: Vec<_> = all.iter().map(|expected| expected.name.as_str()).collect();
    names.dedup();
    let mut wrong = Vec::new();
    for name in names {
        let rows: Vec<_> = all.iter().filter(|expected| expected.name == name).collect();
        let wanted: Vec<_> =
            rows.iter().map(|row| format!("{}\t{}\t{}", row.kind, row.guilty, row.title)).collect();
        // Alone, behind a time and a level, as syslog has it, and quoted in a mail.
        let prefixes =
            ["", "2026-11-29T16:00:01.123Z | ", "Nov 29 16:00:01 host player[77]: ", "> "];
        for prefix in prefixes {
            if name == "reboot" && !prefix.is_empty() {
                // Only the kernel's own times tell that another one ran before.
                continue;
            }
            let text: String =
                rows[0].text.lines().map(|line| format!("{prefix}{line}\n")).collect();
            let log = read(&text);
            let found: Vec<_> = log
                .reports
                .iter()
                .map(|report| {
                    let guilty = report.guilty.as_ref().map_or("-", |guilty| guilty.function);
                    format!("{}\t{guilty}\t{}", report.kind.name(), report.title)
                })
                .collect();
            if found != wanted {
                wrong.push(format!(
                    "{name} behind {prefix:?}: want {wanted:#?}\n  found {found:#?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_report_is_whole() {
    for Expected { name, text, .. } in all() {
        let log = read(&text);
        let outside: Vec<_> = log.outside.iter().cloned().flatten().collect();
        let lines: Vec<_> = text.lines().collect();
        // A subsystem's message before the kernel stops is a message like any other.
        let lost: Vec<_> = outside.iter().map(|&number| lines[number]).collect();
        let said_before =
            lost.iter().all(|line| line.contains("skb_under_panic") || line.contains("8<---"));
        assert!(said_before, "{name}: {lost:#?}");
    }
}

#[test]
fn messages_around_a_report_stay_outside() {
    let before =
        "[    1.000000] usb 1-1: new high-speed USB device number 2\n[    1.000100] hello\n";
    let after: String =
        (0..40).map(|n| format!("[  999.{n:06}] systemd[1]: Started unit {n}.\n")).collect();
    for Expected { name, title, text, .. } in all() {
        if !text.starts_with("[") || text.contains("][") {
            continue;
        }
        let whole = format!("{before}{text}{after}");
        let log = read(&whole);
        let titles: Vec<_> = log.reports.iter().map(|report| report.title.as_str()).collect();
        assert_eq!(titles, [title], "{name}");
        let outside = log.lines_outside();
        let alone = read(&text).lines_outside();
        assert_eq!(outside, 42 + alone, "{name}: lines outside");
        assert_eq!(outside + log.lines_in_reports(), whole.lines().count(), "{name}");
    }
}

#[test]
fn every_kind_has_a_report() {
    let mut all = all();
    all.extend(table("tests/programs"));
    assert!(all.len() >= 60, "{}", all.len());
    for kind in Kind::ALL {
        let has = all.iter().any(|expected| expected.kind == kind.name());
        assert!(has, "{}", kind.name());
    }
}
