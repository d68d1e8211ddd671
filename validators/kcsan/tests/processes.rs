//! Two processes that are started separately and map one file: races between them, and a model of the kernel's
//! sequencer in which two flags share a word.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use common::{Outcome, RUST, case, folder, run_command, together};

const LONGER: [u64; 4] = [150, 600, 2000, 6000];
/// Minimum number of watchpoints for a silent run: silence over fewer says little.
const ENOUGH: u64 = 24_000;
/// Maximum number of runs, of half a second, to get there. An idle machine needs two or three.
const ROUNDS: usize = 600;

static FLAGS: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = folder().join("flags");
    build_flags(env!("CARGO_BIN_EXE_kcsan-cc"), &program);
    program
});

fn build_flags(compiler: &str, program: &Path) {
    let mut compiler = Command::new(compiler);
    compiler.args(["-g", "-O1", "-Wall", "-Werror", "-pthread", "-o"]).arg(program);
    run_command(compiler.arg(common::here().join("tests/programs/flags.c")));
}

/// Makes a folder with a file of two pages.
fn memory() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("memory"), [0; 8192]).expect("a file");
    folder
}

fn shared(folder: &Path, options: &str) -> String {
    format!("shared={} {options}", folder.join("table").display())
}

/// Runs the flags in one form, in two processes, for some time.
fn flags(form: &str, milliseconds: u64, options: &str, other: &Path) -> [Output; 2] {
    let folder = memory();
    let side = |program: &Path, side: &str| {
        let mut command = case(program, form, milliseconds, &shared(folder.path(), options));
        command.arg(folder.path().join("memory")).arg(side);
        command
    };
    let outputs = together(side(&FLAGS, "first"), side(other, "second"));
    assert_ne!(
        outputs[0].stdout, outputs[1].stdout,
        "the two have the file at different addresses"
    );
    outputs
}

fn outcomes(outputs: &[Output; 2]) -> (String, u64) {
    let outcomes = outputs.each_ref().map(Outcome::of);
    let watchpoints = outcomes.iter().map(|outcome| outcome.watchpoints).sum();
    (outcomes.map(|outcome| outcome.text).concat(), watchpoints)
}

/// Checks both stacks, the processes and the value of a report.
fn is_whole(text: &str) -> bool {
    let words =
        ["BUG: KCSAN: data-race in check_queue / queue_access_unlock", "value changed: 0x0"];
    words.iter().all(|word| text.contains(word))
        && text.matches(" check_queue+0x").count()
            == text.matches(" queue_access_unlock+0x").count()
}

#[test]
fn two_flags_of_one_word_in_one_process() {
    let run = |form: &str, milliseconds| {
        let output = case(&FLAGS, form, milliseconds, "").arg("both").output().expect("it runs");
        Outcome::of(&output)
    };
    let found =
        LONGER.into_iter().map(|time| run("together", time).text).find(|text| is_whole(text));
    let found = found.expect("a whole report");
    assert!(found.contains(" -> 0x0"), "{found}");
    for form in ["separate", "marked"] {
        let mut watchpoints = 0;
        for round in 0.. {
            let outcome = run(form, 500);
            assert_eq!(outcome.reports(), 0, "{form}: {}", outcome.text);
            watchpoints += outcome.watchpoints;
            // With marked flags there are few plain accesses to watch.
            if watchpoints >= ENOUGH || form == "marked" && round >= 1 {
                break;
            }
            assert!(round < ROUNDS, "{form}: too few watchpoints: {watchpoints}");
        }
        println!("{form}, one process: no race in {watchpoints} watchpoints");
    }
}

#[test]
fn two_flags_of_one_word_in_two_processes() {
    let found = LONGER.into_iter().map(|time| outcomes(&flags("together", time, "", &FLAGS)).0);
    let found = found.into_iter().find(|text| is_whole(text)).expect("a whole report");
    assert!(found.contains(" [flags-"), "the other process is named: {found}");
    let mut watchpoints = 0;
    for round in 0.. {
        let (text, set) = outcomes(&flags("separate", 500, "", &FLAGS));
        assert!(!text.contains("BUG:"), "{text}");
        watchpoints += set;
        if watchpoints >= ENOUGH {
            break;
        }
        assert!(round < ROUNDS, "too few watchpoints: {watchpoints}");
    }
    println!("separate, two processes: no race in {watchpoints} watchpoints");
}

#[test]
fn a_process_that_is_not_instrumented() {
    let plain = folder().join("flags-plain");
    build_flags("cc", &plain);
    let run = |form, time| {
        let [ours, _] = flags(form, time, "", &plain);
        Outcome::of(&ours).text
    };
    let found = LONGER.into_iter().map(|time| run("together", time));
    let found = found.into_iter().find(|text| text.contains("race at unknown origin, with "));
    let found = found.expect("a report");
    assert!(found.contains("queue_access_unlock+0x"), "{found}");
    assert!(found.contains("value changed: 0x0"), "{found}");
    assert_eq!(run("separate", 200).matches("BUG:").count(), 0);
}

#[test]
fn rust_programs_and_one_file() {
    let run = |reader: &str, time: u64, is_shared: bool| {
        let folder = memory();
        let side = |name: &str| {
            // Each process alone sees the other's change of the value.
            let options =
                if is_shared { shared(folder.path(), "") } else { "unknown_origin=0".into() };
            let mut command = case(&RUST, name, time, &options);
            command.current_dir(folder.path());
            command
        };
        let outputs = together(side("file-write"), side(reader));
        assert_ne!(outputs[0].stdout, outputs[1].stdout, "at different addresses");
        outcomes(&outputs).0
    };
    let is_whole = |text: &String| {
        ["data-race in cases::load / cases::store", "read to 0x", "write to 0x", " [rust-stable-"]
            .iter()
            .all(|word| text.contains(word))
    };
    let found = LONGER.into_iter().map(|time| run("file-read", time, true)).find(is_whole);
    found.expect("a report with both sides");
    assert!(!run("no-file-read", 150, true).contains("BUG:"), "another byte of the page");
    assert!(!run("file-read", 150, false).contains("BUG:"), "without a table nobody is seen");
}

#[test]
fn a_table_that_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("table");
    std::fs::write(&table, "something else").expect("a file");
    let options = format!("shared={}", table.display());
    let output = case(&RUST, "no-counter", 10, &options).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("is not a table of this version"), "{text}");
    assert_eq!(std::fs::read_to_string(&table).expect("the file"), "something else");
}
