//! Builds the copy of the engine, and runs its tests with a bug switched on.

use crate::report::{Checker, Finding};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The exit status of a test program with a finding.
const FOUND: i32 = 77;

/// The test programs of the copy, and their tests of the catalogue.
#[derive(Debug)]
pub struct Tests {
    /// For each test its program and its whole name.
    tests: BTreeMap<String, (PathBuf, String)>,
}

/// What became of a test with a bug.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed, and no checker had reported anything before.
    Failed,
    /// A checker reported something.
    Found(Watched),
}

/// A report of a checker, and the shortest way to it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The report.
    pub finding: Finding,
    /// Number of calls on the way.
    pub calls: usize,
    /// The way, a step a line.
    pub steps: Vec<String>,
}

impl Tests {
    /// Builds the copy in a folder.
    ///
    /// # Errors
    /// What the build printed.
    pub fn build(folder: &Path) -> Result<Self, String> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let args = ["test", "--no-run", "--tests", "--package", "aseqd-engine"];
        cargo.args(args).args(["--quiet", "--message-format=json-render-diagnostics"]);
        // A copy in a folder of its own must not share its build with the workspace.
        cargo.env("CARGO_TARGET_DIR", folder.join("target")).current_dir(folder);
        cargo.env("RUSTFLAGS", "-Adead_code -Aunused");
        let output = cargo.output().map_err(|error| format!("cargo cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let mut tests = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let Some(program) = message["executable"].as_str().map(PathBuf::from) else { continue };
            let list = Command::new(&program).args(["--list", "--format", "terse"]).output();
            let list = list.map_err(|error| format!("{}: {error}", program.display()))?;
            for line in String::from_utf8_lossy(&list.stdout).lines() {
                let Some(name) = line.strip_suffix(": test") else { continue };
                let short = name.rsplit("::").next().unwrap_or(name);
                tests.insert(short.to_owned(), (program.clone(), name.to_owned()));
            }
        }
        Ok(Self { tests })
    }

    /// Returns whether the copy has a test.
    #[must_use]
    pub fn has(&self, test: &str) -> bool {
        self.tests.contains_key(test)
    }

    /// Returns the names of all tests of the catalogue.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        self.tests.keys().map(String::as_str).filter(|name| name.starts_with("known_k"))
    }

    /// Runs a test with the bug of a row, or with none (0). Unless it is `checked`, only the test itself can notice.
    ///
    /// # Errors
    /// An error of the system, or a report that cannot be read.
    pub fn run(&self, test: &str, row: u32, checked: bool) -> Result<Outcome, String> {
        let (program, name) = self.tests.get(test).ok_or_else(|| format!("no test {test}"))?;
        let mode = if checked { "checked" } else { "test" };
        let mut command = Command::new(program);
        command
            .args(["--exact", name, "--test-threads", "1"])
            .env("KNOWN_BUGS", format!("{row} {mode}"));
        let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
        match output.status.code() {
            Some(0) => Ok(Outcome::Passed),
            Some(FOUND) => watched(&output).map(Outcome::Found),
            _ => Ok(Outcome::Failed),
        }
    }
}

fn watched(output: &Output) -> Result<Watched, String> {
    let text = String::from_utf8_lossy(&output.stdout);
    // The harness has printed the name of the test before, on the same line.
    let report = text.lines().find_map(|line| line.split_once("known-bugs\t"));
    let report = report.map(|(_, report)| report.split('\t').collect::<Vec<_>>());
    let Some([checker, title, calls]) = report.as_deref() else {
        return Err(format!("not a report: {text}"));
    };
    let checker = Checker::ALL.into_iter().find(|known| known.to_string() == *checker);
    let steps = text.lines().filter_map(|line| line.strip_prefix("known-bugs step\t"));
    Ok(Watched {
        finding: Finding {
            checker: checker.ok_or_else(|| format!("no such checker: {text}"))?,
            title: (*title).to_owned(),
        },
        calls: calls.parse().map_err(|_| format!("not a number of calls: {text}"))?,
        steps: steps.map(str::to_owned).collect(),
    })
}
