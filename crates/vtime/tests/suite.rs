//! Test suites of others in virtual time: they pass, and their sleeps take no time.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the suite that sleeps for 60 s may take. An idle machine needs a third.
const LIMIT: Duration = Duration::from_secs(2);

/// How often the suite is run until it is quick enough: other tests keep the processors busy.
const TRIES: usize = 5;

/// Runs a command in virtual time, and returns whether it has succeeded, its output and its errors.
fn vtime<T: AsRef<OsStr>>(command: &[T]) -> (bool, String, String) {
    let mut vtime = Command::new(env!("CARGO_BIN_EXE_vtime"));
    let done = vtime.arg("--").args(command).stdin(Stdio::null()).output().expect("vtime runs");
    let [output, errors] =
        [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (done.status.success(), output, errors)
}

/// Returns whether a program is installed, or skips.
fn has(program: &str) -> bool {
    let answers =
        Command::new(program).arg("--version").output().is_ok_and(|done| done.status.success());
    if !answers {
        skip::skip(&format!("{program} is not installed"));
    }
    answers
}

#[test]
fn a_python_suite_that_sleeps_for_60_s_takes_2_s() {
    if !has("python3") {
        return;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite");
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let began = Instant::now();
        let suite = ["python3", "-B", "-m", "unittest", "discover", "-s", folder];
        let (succeeded, _, errors) = vtime(&suite);
        took.push(began.elapsed());
        assert!(succeeded, "{errors}");
        // What the suite itself measures.
        assert!(errors.contains("Ran 6 tests in 60."), "{errors}");
        if took.last().is_some_and(|took| *took <= LIMIT) {
            return;
        }
    }
    panic!("it took {took:?}");
}

#[test]
fn conditions_of_cpp_are_exact() {
    if !has("g++") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("condition");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/condition.cpp");
    let built = Command::new("g++")
        .args(["-std=c++17", "-O1", "-pthread", "-o"])
        .arg(&program)
        .arg(source)
        .output()
        .expect("g++ runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let (succeeded, output, errors) = vtime(&[program]);
    assert!(succeeded && errors.is_empty(), "{errors}");
    let wanted = "\
wait_for 0 30000000000
wait_until steady 0 20000000000
wait_until system 0 10000000000
notified 1 5000000000
future times out 1 3000000000
future 7 5000000000
timed_mutex 0 4000000000
sleep_until 0 2500000000
";
    assert_eq!(output, wanted);
}
