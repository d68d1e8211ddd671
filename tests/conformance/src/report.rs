//! The output of the suite.

use crate::Format;
use crate::case::Case;
use crate::runner::{Known, Outcome};
use std::process::ExitCode;

/// Prints results as they come, and the sum.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    passed: usize,
    failed: usize,
    skipped: usize,
    known: usize,
}

impl Report {
    /// Begins the report of a number of cases.
    pub(crate) fn new(format: Format, cases: usize) -> Self {
        if format == Format::Tap {
            println!("TAP version 14\n1..{cases}");
        }
        Self { format, passed: 0, failed: 0, skipped: 0, known: 0 }
    }

    /// Prints one result.
    pub(crate) fn add(&mut self, case: &Case, outcome: &Outcome) {
        match outcome {
            Outcome::Pass => self.passed += 1,
            Outcome::Fail(_) => self.failed += 1,
            Outcome::Skip(_) => self.skipped += 1,
            Outcome::Known(_) => self.known += 1,
        }
        let name = case.full_name();
        let number = self.passed + self.failed + self.skipped + self.known;
        let (word, why) = match outcome {
            Outcome::Pass => ("pass", ""),
            Outcome::Fail(why) => ("fail", why.as_str()),
            Outcome::Skip(why) => ("skip", why.as_str()),
            Outcome::Known(why) => ("known", why.as_str()),
        };
        match self.format {
            Format::Text => match outcome {
                Outcome::Fail(_) => println!("FAIL {name}: {}\n{}\n", case.says, indent(why)),
                Outcome::Known(_) => println!("known {name}: {why}"),
                Outcome::Pass | Outcome::Skip(_) => {}
            },
            Format::Plain => println!("{name} {word}"),
            Format::Json => {
                let line = serde_json::json!({
                    "case": name, "says": case.says, "result": word, "why": why,
                });
                println!("{line}");
            }
            Format::Tap => match outcome {
                Outcome::Pass => println!("ok {number} - {name}"),
                Outcome::Fail(_) => {
                    println!("not ok {number} - {name}\n  ---\n  says: {}", case.says);
                    println!("  seen: |\n{}\n  ...", indent(&indent(why)));
                }
                Outcome::Skip(_) => println!("ok {number} - {name} # SKIP {why}"),
                Outcome::Known(_) => println!("not ok {number} - {name} # TODO {why}"),
            },
        }
    }

    /// Prints the sum, and returns the exit status.
    pub(crate) fn finish(self, known: &Known) -> ExitCode {
        let strangers = known.strangers();
        for name in &strangers {
            eprintln!("conformance: the list of known failures names {name}, which is no case");
        }
        let Self { passed, failed, skipped, known, .. } = self;
        let sum = format!("{passed} passed, {failed} failed, {skipped} skipped, {known} known");
        match self.format {
            Format::Text => println!("{sum}"),
            Format::Tap => println!("# {sum}"),
            Format::Json | Format::Plain => eprintln!("{sum}"),
        }
        if failed == 0 && strangers.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
