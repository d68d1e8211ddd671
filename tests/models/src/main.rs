//! `known-bugs` plants every bug of the catalogue and prints what reports it.

use models::catalogue::{Caught, MAX_CALLS, MORE_CALLS, ROWS, name, numbers, page};
use models::explore::explore;
use models::models::MODELS;
use models::planted::{self, Outcome, PLANTS, Tests};
use models::report::Checker;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

const HELP: &str = "\
Plants every bug of docs/known-bugs.md and prints what reports it.

Usage: known-bugs [--bless | --show K62]

  --bless    write docs/known-bugs.md; without it the page is compared
  --show ROW print the report of one plant, and the calls on the way to it

The environment variable ASEQD_BLESS=1 means --bless.
";

/// Number of schedules in which the bug of a model must show.
const PLANTED_SCHEDULES: u64 = 5_000;
/// Number of schedules of a model without its bug.
const CLEAN_SCHEDULES: u64 = 300;
/// The longest time that a report may take, on one core.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bless = env::var_os("ASEQD_BLESS").is_some();
    let done = match arguments[..] {
        [] => all(bless),
        ["--bless"] => all(true),
        ["--show", row] => show(row),
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("known-bugs: {why}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes and builds the copy of the engine.
fn copy(root: &Path) -> Result<Tests, String> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder =
        std::path::absolute(target.join("known-bugs")).map_err(|error| error.to_string())?;
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    planted::write(&root, &folder)?;
    Tests::build(&folder)
}

/// Adds the names of the tests of the catalogue in the Rust files below a folder.
fn collect(folder: &Path, tests: &mut BTreeMap<u32, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() && !hidden && !path.ends_with("target") {
            collect(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            for line in text.lines() {
                let Some(rest) = line.trim_start().strip_prefix("fn known_k") else { continue };
                let end =
                    rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
                let test = format!("known_k{}", &rest[..end.unwrap_or(rest.len())]);
                for number in numbers(&test) {
                    tests.entry(number).or_default().insert(test.clone());
                }
            }
        }
    }
}

/// What was found out, and what is wrong.
#[derive(Default)]
struct Results {
    caught: BTreeMap<u32, Caught>,
    wrong: Vec<String>,
}

impl Results {
    fn catch(&mut self, number: u32, caught: Caught) {
        let Caught { finding, calls, time, .. } = &caught;
        println!(
            "{} {}: {} (calls: {calls}, {time:.1?})",
            name(number),
            finding.checker,
            finding.title
        );
        if *time > LIMIT {
            self.wrong.push(format!("{} was found after {time:.1?} only", name(number)));
        }
        let listed = MORE_CALLS.iter().any(|(row, _)| *row == number);
        if (*calls > MAX_CALLS) != listed {
            let what = if listed { "does not need" } else { "needs" };
            self.wrong.push(format!("{} {what} more than {MAX_CALLS} calls", name(number)));
        }
        self.caught.insert(number, caught);
    }
}

fn all(bless: bool) -> Result<(), String> {
    let begun = Instant::now();
    let root = root();
    let mut results = Results::default();
    let mut tests = BTreeMap::new();
    collect(&root, &mut tests);
    for (number, model) in MODELS {
        let begun = Instant::now();
        let outcome = explore(*model, true, PLANTED_SCHEDULES);
        match outcome.last.finding {
            Some(finding) => {
                let (calls, schedules) = (outcome.last.calls, Some(outcome.schedules));
                results.catch(*number, Caught { finding, calls, schedules, time: begun.elapsed() });
            }
            None => results.wrong.push(format!("nothing reports the plant of {}", name(*number))),
        }
        let outcome = explore(*model, false, CLEAN_SCHEDULES);
        if let Some(finding) = outcome.last.finding {
            let (name, title, seed) = (name(*number), finding.title, outcome.seed);
            results
                .wrong
                .push(format!("the model of {name} without its bug: {title} (seed {seed})"));
        }
    }
    let copy = copy(&root)?;
    for test in copy.known() {
        match copy.run(test, 0, true)? {
            Outcome::Passed => {}
            Outcome::Failed => results.wrong.push(format!("{test} fails without a bug")),
            Outcome::Found(watched) => {
                results.wrong.push(format!("{test} without a bug: {}", watched.finding.title));
            }
        }
    }
    for plant in PLANTS {
        run_plant(plant.row, &copy, &tests, &mut results)?;
    }
    for row in ROWS {
        if !tests.contains_key(&row.number) {
            results.wrong.push(format!("{} has no test", name(row.number)));
        }
        if !results.caught.contains_key(&row.number) {
            results.wrong.push(format!("no plant of {} is reported", name(row.number)));
        }
    }
    compare(&root, &page(&results.caught, &tests), bless, &mut results.wrong);
    let (rows, caught, time) = (ROWS.len(), results.caught.len(), begun.elapsed());
    println!("{rows} rows, {caught} plants reported, in {time:.1?}");
    if results.wrong.is_empty() { Ok(()) } else { Err(results.wrong.join("\nknown-bugs: ")) }
}

/// Runs the tests of a row with its bug in the engine's copy, and keeps the shortest report.
fn run_plant(
    row: u32,
    copy: &Tests,
    tests: &BTreeMap<u32, BTreeSet<String>>,
    results: &mut Results,
) -> Result<(), String> {
    let begun = Instant::now();
    let (mut best, mut fails) = (None::<Caught>, false);
    for test in tests.get(&row).into_iter().flatten().filter(|test| copy.has(test)) {
        fails |= matches!(copy.run(test, row, false)?, Outcome::Failed);
        if let Outcome::Found(watched) = copy.run(test, row, true)? {
            let (finding, calls) = (watched.finding, watched.calls);
            if best.as_ref().is_none_or(|best| calls < best.calls) {
                best = Some(Caught { finding, calls, schedules: None, time: begun.elapsed() });
            }
        }
    }
    let Some(caught) = best else {
        results.wrong.push(format!("nothing reports the plant of {}", name(row)));
        return Ok(());
    };
    if !fails && caught.finding.checker != Checker::Watchdog {
        results.wrong.push(format!("the test of {} does not notice its plant", name(row)));
    }
    results.catch(row, caught);
    Ok(())
}

/// Compares the page with the committed one, or writes it. A row whose report is the same keeps its time: a slow or busy
/// machine needs longer.
fn compare(root: &Path, page: &str, bless: bool, wrong: &mut Vec<String>) {
    let path = root.join("docs/known-bugs.md");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let known: BTreeMap<_, _> = committed.lines().map(|line| (without_time(line), line)).collect();
    let lines = page.lines().map(|line| known.get(without_time(line)).copied().unwrap_or(line));
    let page = lines.map(|line| format!("{line}\n")).collect::<String>();
    if page == committed {
        return;
    }
    if !bless {
        let differs = page.lines().zip(committed.lines()).find(|(new, old)| new != old);
        let line = differs.map_or("its length", |(new, _)| new);
        wrong.push(format!(
            "docs/known-bugs.md is not what was found; scripts/known-bugs --bless writes it. New is: {line}"
        ));
    } else if let Err(error) = fs::write(&path, page) {
        wrong.push(format!("{}: {error}", path.display()));
    }
}

/// Takes the time off a row.
fn without_time(line: &str) -> &str {
    match line.rsplit_once(", ") {
        Some((row, time)) if line.starts_with("| K") && time.ends_with(" s |") => row,
        _ => line,
    }
}

fn show(row: &str) -> Result<(), String> {
    let number: u32 = row
        .trim_start_matches(['K', 'k'])
        .parse()
        .map_err(|_| format!("{row} is not a row such as K62"))?;
    if let Some((_, model)) = MODELS.iter().find(|(of, _)| *of == number) {
        let outcome = explore(*model, true, PLANTED_SCHEDULES);
        let finding = outcome.last.finding.ok_or("nothing is reported")?;
        println!("{}: {}", finding.checker, finding.title);
        println!(
            "seed {}, {} steps, {} calls",
            outcome.seed, outcome.last.steps, outcome.last.calls
        );
        return Ok(());
    }
    let root = root();
    let mut tests = BTreeMap::new();
    collect(&root, &mut tests);
    let copy = copy(&root)?;
    for test in tests.get(&number).into_iter().flatten().filter(|test| copy.has(test)) {
        if let Outcome::Found(watched) = copy.run(test, number, true)? {
            println!("{test}: {}: {}", watched.finding.checker, watched.finding.title);
            watched.steps.iter().for_each(|step| println!("  {step}"));
        }
    }
    Ok(())
}
