//! The program `lockdep-run`. It decides the exit statuses.

#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use kreport::Report;
use kreport::list::{self, fits, words};
use lockdep_run::cli::{CANNOT_EXECUTE, Cli, NOT_FOUND, TROUBLE};
use lockdep_run::findings::call;
use lockdep_run::forms::{self, Judged};
use lockdep_run::names;
use lockdep_run::rules::Rules;
use lockdep_run::run::{self, Failure, Outcome};
use lockdep_run::summary;

/// The marks for C and C++ programs.
const HEADER: &str = include_str!("../../lockdep-preload/lockdep.h");

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // It is no error if the reader of the help has seen enough.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { TROUBLE } else { 0 });
        }
    };
    if cli.header {
        let mut out = io::stdout().lock();
        return match out.write_all(HEADER.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                trouble(&format!("cannot write to standard output: {}", words(&error)))
            }
            _ => ExitCode::SUCCESS,
        };
    }
    checked(&cli).unwrap_or_else(|sentence| trouble(&sentence))
}

fn trouble(sentence: &str) -> ExitCode {
    say(&format!("lockdep-run: {sentence}\n"));
    ExitCode::from(TROUBLE)
}

/// Writes to standard error. If that is closed, there is nowhere else.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn checked(cli: &Cli) -> Result<ExitCode, String> {
    if cfg!(not(target_arch = "x86_64")) {
        // The library for the command would be empty there, and a run that checks nothing looks like one without findings.
        return Err("programs can only be checked on x86-64 processors so far: the library that is loaded into them is \
                    written for these. Rust programs can be checked on others by the crate lockdep, and data races of C \
                    and C++ programs by kcsan-cc"
            .to_owned());
    }
    names::check(cli)?;
    // What is wrong with the files is told before the command runs.
    let rules: Vec<Rules> =
        cli.suppressions.iter().map(|path| rules(path)).collect::<Result<_, _>>()?;
    let baseline = cli.baseline.as_deref().map(rules_of_baseline).transpose()?;
    let known = |report: &Report<'_>| {
        // All files are asked, because each notes which of its lines are used.
        let reasons: Vec<_> = rules.iter().filter_map(|rules| rules.reason(report)).collect();
        let of_rules = reasons.first().copied();
        let of_baseline = baseline.as_ref().and_then(|rules| rules.reason(report));
        let of_call = cli.allow_calls.iter().any(|name| is_about(name, report));
        of_rules.or(of_baseline).or_else(|| of_call.then_some("--allow-calls")).map(str::to_owned)
    };
    let outcome = run::run(cli, |text| {
        let log = kreport::read(text);
        let is_known = log.reports.first().is_some_and(|report| known(report).is_some());
        if !cli.quiet && !is_known {
            say(text);
        }
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Failure::Start(program, error)) => {
            say(&format!("lockdep-run: cannot start {}: {}\n", program.display(), words(&error)));
            let missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if missing { NOT_FOUND } else { CANNOT_EXECUTE }));
        }
        Err(Failure::Other(sentence)) => return Err(sentence),
        Err(_) => return Err("the command was not run".to_owned()),
    };
    let logs: Vec<_> =
        outcome.findings.reports.iter().map(|one| kreport::read(&one.text)).collect();
    let read = logs.iter().zip(&outcome.findings.reports);
    let judged: Vec<Judged<'_>> = read
        .filter_map(|(log, one)| {
            let report = log.reports.first()?;
            Some(Judged { known: one, report, reason: known(report) })
        })
        .collect();
    let seen: Vec<&Report<'_>> = judged.iter().map(|one| one.report).collect();
    let mut notes: Vec<String> = rules.iter().flat_map(|rules| rules.unused(&seen)).collect();
    if let Some(gone @ 1..) = baseline.as_ref().map(Rules::count_unused) {
        notes.push(format!("{gone} of the baseline did not come again"));
    }
    let unused = cli.allow_calls.iter().filter(|name| !seen.iter().any(|one| is_about(name, one)));
    notes.extend(unused.map(|name| format!("no finding is about {name} (--allow-calls)")));
    notes.extend(names::notes(cli, &outcome.findings.names));
    write_files(cli, &outcome, &judged, &rules, &notes)?;
    let new = judged.iter().filter(|one| one.reason.is_none()).count();
    let found = new > 0 && cli.exit_code != 0;
    Ok(ExitCode::from(if found { cli.exit_code } else { outcome.exit_code() }))
}

/// Returns whether a report is about a call with this name.
fn is_about(name: &str, report: &Report<'_>) -> bool {
    call(report).is_some_and(|call| fits(name, call))
}

/// Prints the summary, and writes the files that were asked for.
fn write_files(
    cli: &Cli,
    outcome: &Outcome,
    judged: &[Judged<'_>],
    rules: &[Rules],
    notes: &[String],
) -> Result<(), String> {
    let text = summary::summary(outcome, judged, notes);
    say(&text);
    if let Some(path) = &cli.output {
        let printed = forms::print(cli.format, outcome, judged, &text);
        write(path, &printed.map_err(|error| format!("cannot print JSON: {error}"))?)?;
    }
    if let Some(path) = &cli.write_baseline {
        let suppressed = |report: &Report<'_>| {
            rules.iter().any(|rules| rules.reason(report).is_some())
                || cli.allow_calls.iter().any(|name| is_about(name, report))
        };
        let mut lines: Vec<String> = judged
            .iter()
            .map(|one| one.report)
            .filter(|report| !suppressed(report))
            .map(|report| format!("{:016x} # {}\n", report.signature(), report.title))
            .collect();
        lines.sort();
        lines.dedup();
        write(path, &lines.concat())?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text)
        .map_err(|error| format!("cannot write {}: {}", path.display(), words(&error)))
}

fn rules(path: &Path) -> Result<Rules, String> {
    let text = list::read(path)?;
    Rules::parse(path, &text)
}

fn rules_of_baseline(path: &Path) -> Result<Rules, String> {
    rules(path).map_err(|why| format!("{why}; --write-baseline writes such a file"))
}
