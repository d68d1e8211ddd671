//! What `lockdep-run` prints about real programs, and with which status it ends.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use common::{LOCKDEP_RUN, Ran, compile, lockdep_run};

static CASES: LazyLock<PathBuf> = LazyLock::new(|| compile("cc", "cases.c", "cases", &[]));

/// The findings of the case `many`, in the order in which they come.
const MANY: [&str; 6] = [
    "malloc in allocates",
    "pthread_mutex_lock in locks",
    "usleep in sleeps",
    "open in opens",
    "read in opens",
    "close in opens",
];

fn run(options: &[&str], words: &[&str]) -> Ran {
    let mut command = vec![CASES.to_str().expect("a path")];
    command.extend(words);
    lockdep_run(options, &command).output().expect("it runs").into()
}

#[test]
fn all_findings_of_a_run_are_printed_once_with_their_counts() {
    let ran = run(&[], &["many"]);
    assert_eq!(ran.titles(), MANY, "{}", ran.err);
    assert_eq!(ran.err.matches("BUG: sleeping function called from").count(), 6, "{}", ran.err);
    assert!(ran.err.contains("lockdep-run: 6 findings, in 1 program"), "{}", ran.err);
    assert!(ran.err.contains(", 1000 times, "), "{}", ran.err);
    assert_eq!(ran.status, Some(66));
    assert_eq!(run(&["--quiet"], &["many"]).err.matches("Call Trace:").count(), 0);
}

#[test]
fn without_findings_the_status_is_that_of_the_command() {
    for status in [0, 7, 66] {
        let ran = run(&[], &["clean", &status.to_string()]);
        assert_eq!(ran.status, Some(status), "{}", ran.err);
        assert!(ran.err.starts_with("lockdep-run: 0 findings, in 1 program\n"), "{}", ran.err);
    }
    assert_eq!(run(&[], &["signal"]).status, Some(128 + 15));
    assert_eq!(run(&["--exit-code", "9"], &["many"]).status, Some(9));
    assert_eq!(run(&["--exit-code", "0"], &["many", "4"]).status, Some(4));
}

#[test]
fn what_fails_before_the_command_runs_has_a_status_and_a_sentence_of_its_own() {
    let missing: Ran = lockdep_run(&[], &["/nowhere/player"]).output().expect("it runs").into();
    assert_eq!(missing.status, Some(127));
    assert_eq!(
        missing.err,
        "lockdep-run: cannot start /nowhere/player: No such file or directory\n"
    );
    let folder: Ran = lockdep_run(&[], &["/tmp"]).output().expect("it runs").into();
    assert_eq!(folder.status, Some(126), "{}", folder.err);
    let option = run(&["--supressions", "x"], &["clean"]);
    assert_eq!(option.status, Some(125));
    assert!(option.err.contains("'--suppressions"), "{}", option.err);
    let file = run(&["--baseline", "/nowhere/known"], &["clean"]);
    assert_eq!(file.status, Some(125));
    assert!(file.err.contains("cannot read /nowhere/known: No such file"), "{}", file.err);
}

#[test]
fn the_program_ends_at_its_first_finding_on_request() {
    // With status 0 for findings, it is that of the program: 128 and the signal.
    let ran = run(&["--abort", "--exit-code", "0"], &["many"]);
    assert_eq!(ran.status, Some(128 + 6), "{}", ran.err);
    assert_eq!(ran.titles(), MANY[..1], "{}", ran.err);
}

#[test]
fn lists_and_graphs_that_cannot_be_read_are_told() {
    let ran = run(&["--suppressions", "/dev/zero"], &["clean"]);
    assert_eq!(ran.err, "lockdep-run: cannot read /dev/zero: it has more than 64 MiB\n");
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list");
    fs::write(&list, "\u{feff}function:allocates # ours\r\n").expect("a file");
    let ran = run(&["--suppressions", list.to_str().expect("text")], &["many"]);
    assert_eq!(ran.titles(), MANY[1..], "{}", ran.err);
    let ran = run(&["--graph", "/nowhere/graph"], &["many"]);
    let said = "lockdep: LOCKDEP_GRAPH=/nowhere/graph: No such file or directory\n";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert_eq!(ran.titles(), MANY, "{}", ran.err);
}

#[test]
fn no_report_is_lost_whatever_the_program_does() {
    let one = ["malloc in allocates"];
    for (word, titles) in [
        ("closes", &one[..]),
        ("exit", &one[..]),
        ("killed", &one[..]),
        ("fork", &["malloc in allocates", "usleep in sleeps"][..]),
        ("exec", &MANY[..]),
    ] {
        let ran = run(&[], &[word]);
        assert_eq!(ran.titles(), titles, "{word}: {}", ran.err);
        assert_eq!(ran.status, Some(66), "{word}");
        // The statistics of the section, too.
        assert!(ran.err.contains("\nsection "), "{word}: {}", ran.err);
    }
}

#[test]
fn processes_in_the_background_are_waited_for_on_request() {
    let ran = run(&["--wait"], &["background"]);
    assert_eq!(ran.titles(), ["malloc in allocates", "usleep in sleeps"], "{}", ran.err);
    let mut command = lockdep_run(&[], &[CASES.to_str().expect("a path"), "lingers"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let stdin = child.stdin.take();
    let ran: Ran = child.wait_with_output().expect("it ends").into();
    drop(stdin);
    assert!(ran.err.contains("processes of the command still run"), "{}", ran.err);
}

#[test]
fn a_signal_ends_the_wait_for_processes_in_the_background() {
    let mut command = lockdep_run(&["--wait"], &[CASES.to_str().expect("a path"), "lingers"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let stdin = child.stdin.take();
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("the command ends");
    assert_eq!(line, "alone\n");
    // The tool passes signals on until it has seen that.
    let id = child.id().to_string();
    let stop = || Command::new("kill").args(["-TERM", &id]).status().expect("kill").success();
    let mut left = 600;
    while child.try_wait().expect("its state").is_none() {
        assert!(left > 0, "it does not end in a minute");
        left -= 1;
        stop();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let ran: Ran = child.wait_with_output().expect("it ends").into();
    drop(stdin);
    assert!(ran.err.contains("processes of the command still run"), "{}", ran.err);
}

#[test]
fn one_place_is_one_finding_by_how_many_stacks_there_are_and_the_rest_is_counted() {
    let ran = run(&[], &["deep"]);
    assert_eq!(ran.titles(), ["malloc in allocates"], "{}", ran.err);
    assert!(ran.err.contains("40 times, by 40 stacks"), "{}", ran.err);
    let ran = run(&["--max-findings", "10"], &["deep"]);
    assert!(ran.err.contains("by 10 stacks"), "{}", ran.err);
    assert!(ran.err.contains("30 more stacks with findings were left out"), "{}", ran.err);
}

#[test]
fn sections_without_a_row_are_counted() {
    let told =
        "88 times a section was not counted: there were too many names of sections and threads";
    let ran = run(&[], &["sections"]);
    assert!(ran.err.lines().any(|line| line == told), "{}", ran.err);
    let ran = run(&[], &["many"]);
    assert!(!ran.err.contains("was not counted"), "{}", ran.err);
    let json = |word| -> serde_json::Value {
        serde_json::from_str(&output("json", &[], &[word])).expect("JSON")
    };
    assert_eq!(json("sections")["sections_left_out"], 88);
    assert_eq!(json("many")["sections_left_out"], 0);
}

#[test]
fn suppressions_leave_out_what_they_name_and_tell_which_are_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("known.txt");
    let path = file.to_str().expect("a path");
    let text = "\
# The mixer's lock is held for a few instructions only.
kind:might-sleep function:locks # the same
kind:might-sleep class:* # no lock is in such a report
call:pthread_mutex_lock # held for a few instructions
function:opens # at the first call only
function:alocates # does not fit
";
    fs::write(&file, text).expect("a file");
    let ran = run(&["--suppressions", path], &["many"]);
    assert_eq!(ran.titles(), ["malloc in allocates", "usleep in sleeps"], "{}", ran.err);
    assert!(ran.err.contains("lockdep-run: 2 findings, 4 known, in 1 program"), "{}", ran.err);
    assert!(
        ran.err.contains(
            "known.txt:6: no finding fits \"function:alocates\"; did you mean allocates?"
        )
    );
    assert!(ran.err.contains("known.txt:3: no finding fits "), "{}", ran.err);
    assert!(!ran.err.contains("known.txt:2: "), "{}", ran.err);
    assert_eq!(ran.err.matches("Call Trace:").count(), 2, "known ones are not printed");
    fs::write(&file, "function:* call:* # all\nkind:circlar # why\n").expect("a file");
    let ran = run(&["--suppressions", path], &["many"]);
    assert_eq!(ran.status, Some(125));
    assert!(ran.err.contains("known.txt:1: this would hide every finding"), "{}", ran.err);
    assert!(ran.err.contains("known.txt:2: there is no kind \"circlar\"; did you mean circular?"));
}

#[test]
fn a_baseline_leaves_out_what_was_there_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("baseline.txt");
    let path = file.to_str().expect("a path");
    assert_eq!(run(&["--write-baseline", path], &["exit"]).status, Some(66));
    let ran = run(&["--baseline", path], &["exit"]);
    assert_eq!(ran.status, Some(3), "nothing new: {}", ran.err);
    assert!(ran.err.contains("lockdep-run: 0 findings, 1 known"), "{}", ran.err);
    let ran = run(&["--baseline", path], &["many"]);
    assert_eq!((ran.status, ran.titles().len()), (Some(66), 5), "{}", ran.err);
    let ran = run(&["--baseline", path], &["clean"]);
    assert!(ran.err.contains("1 of the baseline did not come again"), "{}", ran.err);
    assert_eq!(ran.status, Some(0));
}

/// Returns the text of the output in a form.
fn output(form: &str, more: &[&str], words: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out");
    let mut options = vec!["--format", form, "--output", file.to_str().expect("a path")];
    options.extend(more);
    let ran = run(&options, words);
    assert_ne!(ran.status, Some(125), "{}", ran.err);
    fs::read_to_string(file).expect("the output")
}

#[test]
fn the_other_forms_have_what_the_text_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = folder.path().join("known.txt");
    fs::write(&known, "call:malloc # once a start\n").expect("a file");
    let known = ["--suppressions", known.to_str().expect("a path")];

    let json: serde_json::Value =
        serde_json::from_str(&output("json", &known, &["many", "5"])).expect("JSON");
    let groups = json["groups"].as_array().expect("a list");
    assert_eq!(groups.len(), MANY.len());
    assert_eq!(
        (groups[0]["count"].as_u64(), groups[0]["known"].as_bool()),
        (Some(1000), Some(true))
    );
    assert_eq!(groups[0]["reason"], "once a start");
    assert_eq!(groups[1]["cause"]["kind"], "might-sleep");
    assert_eq!(
        (&json["new"], &json["status"], &json["left_out"]),
        (&5.into(), &5.into(), &0.into())
    );
    let section = &json["sections"][0];
    assert_eq!((&section["name"], &section["thread"]), (&"process".into(), &"cases".into()));
    assert!(section["longest_ns"].as_u64() > Some(0) && section["findings"].as_u64() >= Some(2003));

    let sarif: serde_json::Value =
        serde_json::from_str(&output("sarif", &known, &["many"])).expect("JSON");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "lockdep-run");
    let results = run["results"].as_array().expect("a list");
    assert_eq!(results.len(), MANY.len());
    assert_eq!(results[0]["suppressions"][0]["justification"], "once a start");
    assert!(results[1]["suppressions"].is_null());
    let place = &results[3]["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.ends_with("cases.c")));

    let junit = output("junit", &known, &["many"]);
    assert!(
        junit.contains("<testsuites name=\"lockdep-run\" tests=\"6\" failures=\"5\""),
        "{junit}"
    );
    assert_eq!(output("titles", &known, &["many"]).lines().count(), 5);
    let text = output("text", &known, &["many"]);
    assert_eq!(text.matches("Call Trace:").count(), 5, "{text}");
    assert!(text.contains("lockdep-run: 5 findings, 1 known"), "{text}");
}

/// The package of npm that has the schema of the standard, which has no package of its own.
const SCHEMA_PACKAGE: &str = "@microsoft/jest-sarif@1.0.0-beta.0";
const SCHEMA: &str = "package/lib/schemas/sarif-2.1.0-rtm.5.json";

#[test]
fn sarif_is_that_of_the_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let has = Command::new("python3").args(["-c", "import jsonschema"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        skip::skip("the Python package jsonschema is not installed (python3-jsonschema)");
        return;
    }
    let script = format!("npm pack --silent {SCHEMA_PACKAGE} && tar xzf ./*.tgz {SCHEMA}");
    let fetched = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    if !fetched.is_ok_and(|output| output.status.success()) {
        skip::skip("npm cannot fetch the schema of SARIF");
        return;
    }
    let known = folder.path().join("known.txt");
    fs::write(&known, "call:malloc # once a start\n").expect("a file");
    let known = ["--suppressions", known.to_str().expect("a path")];
    let file = folder.path().join("findings.sarif");
    fs::write(&file, output("sarif", &known, &["many"])).expect("a file");
    let check = "\
import json, sys, jsonschema
schema, document = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.validate(document, schema)
document['runs'][0]['results'][0]['level'] = 'bad'
try:
    jsonschema.validate(document, schema)
    sys.exit('the schema is not looked at')
except jsonschema.ValidationError:
    pass
";
    let mut python = Command::new("python3");
    python.args(["-c", check]).arg(folder.path().join(SCHEMA)).arg(&file);
    let checked = python.output().expect("it runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_worst_wait_of_real_time_code_for_a_lock_is_told_with_its_holder() {
    let ran = run(&[], &["waits"]);
    let line = ran.err.lines().find(|line| line.starts_with("worst priority inversion: "));
    let line = line.unwrap_or_else(|| panic!("{}", ran.err));
    for part in [
        " ms, cases/",
        "in section process waited for &mixer in waits",
        "which interface/",
        "had taken in interface",
    ] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
}

#[test]
fn waits_for_locks_take_no_room_from_findings() {
    let ran = run(&["--max-findings", "1"], &["waits"]);
    assert_eq!(ran.titles(), ["pthread_mutex_lock in waits"], "{}", ran.err);
    assert!(ran.err.contains("worst priority inversion: "), "{}", ran.err);
    assert!(!ran.err.contains("left out"), "{}", ran.err);
}

#[test]
fn a_signal_to_the_tool_reaches_the_command() {
    let mut command = lockdep_run(&[], &[CASES.to_str().expect("a path"), "sleep"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("the command starts");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    let ran: Ran = child.wait_with_output().expect("it ends").into();
    assert_eq!(ran.status, Some(128 + 15), "{}", ran.err);
    assert!(ran.err.starts_with("lockdep-run: 0 findings"), "{}", ran.err);
}

#[test]
fn the_header_is_printed_and_a_closed_pipe_is_no_error() {
    let mut command = Command::new(LOCKDEP_RUN);
    // Variables that stand for options are no reason to refuse.
    command.arg("--header").env("LOCKDEP_LIBRARY", "x").env("LOCKDEP_ATOMIC_THREADS", "audio");
    let header: Ran = command.output().expect("it runs").into();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockdep-preload/lockdep.h");
    assert_eq!(header.out, fs::read_to_string(path).expect("the header"));
    for option in ["--help", "--header"] {
        let script = format!("'{LOCKDEP_RUN}' {option} | :; echo ${{PIPESTATUS[0]}}");
        let ran: Ran = Command::new("bash").args(["-c", &script]).output().expect("bash").into();
        assert_eq!((ran.out.trim(), ran.err.as_str()), ("0", ""), "{option}");
    }
}

#[test]
fn the_tool_alone_is_enough_and_a_library_of_the_users_choice_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let alone = folder.path().join("lockdep-run");
    fs::copy(LOCKDEP_RUN, &alone).expect("a copy");
    let run = |library: Option<&Path>| -> Ran {
        let mut command = Command::new(&alone);
        command.args(["cat", "/proc/self/maps"]).env_remove("LOCKDEP_LIBRARY");
        command.envs(library.map(|library| ("LOCKDEP_LIBRARY", library)));
        command.output().expect("it runs").into()
    };
    let carried = run(None);
    assert!(carried.out.contains("/memfd:liblockdep_preload.so"), "{}", carried.err);
    let chosen = run(Some(&common::LIBRARY));
    assert!(chosen.out.contains("/run/liblockdep_preload.so"), "{}", chosen.err);
    assert!(!chosen.out.contains("/memfd:liblockdep_preload.so"), "{}", chosen.out);
    let missing = run(Some(Path::new("/nowhere")));
    assert_eq!(missing.status, Some(125));
    assert_eq!(missing.err, "lockdep-run: there is no library /nowhere\n");
}

#[test]
fn calls_that_are_allowed_are_no_findings_and_a_name_that_is_about_none_is_told() {
    let cases = CASES.to_str().expect("a path");
    let options = ["--allow-calls", "pthread_mutex_*,open,mallocs"];
    let ran: Ran = lockdep_run(&options, &[cases, "many"]).output().expect("it runs").into();
    let all: Ran = lockdep_run(&[], &[cases, "many"]).output().expect("it runs").into();
    let is_allowed = |title: &String| {
        ["pthread_mutex_lock ", "open "].iter().any(|call| title.starts_with(call))
    };
    let (allowed, rest): (Vec<_>, Vec<_>) = all.titles().into_iter().partition(is_allowed);
    assert_eq!(allowed.len(), 2, "{}", all.err);
    assert_eq!(ran.titles(), rest, "{}", ran.err);
    assert!(ran.err.contains("\nno finding is about mallocs (--allow-calls)\n"), "{}", ran.err);
    assert_eq!(ran.err.matches("--allow-calls").count(), 1, "{}", ran.err);
}

/// Runs a case with the library alone. Returns the text of `LOCKDEP_LOG`.
fn logged(words: &[&str], environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut command = Command::new(&*CASES);
    command.args(words).env("LD_PRELOAD", &*common::LIBRARY).env("LOCKDEP_LOG", &log);
    let output = command.envs(environment.iter().copied()).output().expect("it runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    fs::read_to_string(log).unwrap_or_default()
}

#[test]
fn without_the_tool_a_log_gets_its_reports_whatever_the_program_closes() {
    let found = logged(&["closes"], &[]);
    assert_eq!(found.matches("BUG: sleeping function").count(), 1, "{found}");
}

#[test]
fn without_the_tool_the_number_of_reports_is_limited_too() {
    let told = "lockdep: there are more than 7 findings; LOCKDEP_MAX_REPORTS=0 prints all\n";
    let found = logged(&["deep"], &[("LOCKDEP_MAX_REPORTS", "7")]);
    assert_eq!(found.matches("BUG: sleeping function").count(), 7, "{found}");
    assert_eq!(found.matches(told).count(), 1, "{found}");
    let found = logged(&["deep"], &[("LOCKDEP_MAX_REPORTS", "0")]);
    assert_eq!(found.matches("BUG: sleeping function").count(), 40, "{found}");
    let found = logged(&["deep"], &[("LOCKDEP_SLEEP_INTERVAL", "3600")]);
    assert_eq!(found.matches("BUG: sleeping function").count(), 1, "as the kernel does: {found}");
}

#[test]
fn a_rust_program_that_has_the_validators_itself_is_one_program() {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().nth(3).expect("a target folder");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "lockdep", "--example", "alloc", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the example builds");
    let example = target.join("debug/examples/alloc");
    let mut command = lockdep_run(&[], &[example.to_str().expect("a path")]);
    let ran: Ran = command.output().expect("it runs").into();
    assert_eq!(ran.titles(), ["alloc_zeroed in alloc::main"], "{}", ran.err);
    assert!(ran.err.contains("lockdep-run: 1 finding, in 1 program\n"), "{}", ran.err);
    assert_eq!(ran.status, Some(66));
}
