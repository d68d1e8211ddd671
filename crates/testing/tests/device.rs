//! Tests with the attribute: each case is one, which the tests of this file start as cargo and nextest do.
#![cfg(target_os = "linux")]

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

/// Tests with the attribute. Some fail, so none is run by itself.
mod cases {
    use aseqd_testing::aseqd_client::aseqd_abi::seq::ClientInfo;
    use aseqd_testing::aseqd_client::{Client, DEVICE, Error, text};
    use std::collections::BTreeSet;

    /// Returns the names of all clients.
    fn clients() -> Result<BTreeSet<String>, Error> {
        let client = Client::open(DEVICE, "case")?;
        let name = |info: &ClientInfo| text(&info.name);
        Ok(client.clients()?.iter().map(name).collect())
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn passes() {
        let alone: BTreeSet<_> = ["System", "Midi Through", "case"].map(str::to_owned).into();
        assert_eq!(clients().unwrap(), alone);
        println!("out\nno newline");
        eprint!("err");
        assert!(std::env::vars().all(|(name, _)| name != "ASEQD_TESTING_REPORT"));
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn is_alone() -> Result<(), Error> {
        let own = Client::open(DEVICE, "one")?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(clients()?.len(), 4);
        drop(own);
        Ok(())
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn is_alone_too() -> Result<(), Error> {
        is_alone_in_place()
    }

    fn is_alone_in_place() -> Result<(), Error> {
        let own = Client::open(DEVICE, "two")?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(clients()?.len(), 4);
        drop(own);
        Ok(())
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn fails() {
        println!("before");
        assert_eq!(1 + 1, 3, "arithmetic");
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn returns_an_error() -> Result<(), Error> {
        Client::open("/dev/null", "case").map(drop)
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    #[should_panic(expected = "no such thing")]
    fn panics_as_expected() {
        drop(clients());
        panic!("there is no such thing");
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    #[should_panic(expected = "another message")]
    fn panics_otherwise() {
        panic!("one message");
    }

    #[should_panic]
    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn should_panic_and_does_not() {}

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn ends_the_process() {
        std::process::exit(3);
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn aborts() {
        std::process::abort();
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn catches_a_panic() {
        assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
    }

    #[aseqd_testing::test(options = "--card")]
    #[ignore = "a case"]
    fn has_a_card() {
        assert!(std::path::Path::new("/dev/snd/controlC0").exists());
    }

    #[aseqd_testing::test(time = "virtual", options = "--card")]
    #[ignore = "a case"]
    fn sleeps_for_a_day() {
        let (began, day) = (std::time::Instant::now(), std::time::Duration::from_secs(86_400));
        std::thread::sleep(day);
        assert_eq!(began.elapsed().as_secs(), 86_400);
        assert!(std::path::Path::new("/dev/snd/controlC0").exists());
    }

    #[aseqd_testing::test(options = "--nonsense")]
    #[ignore = "a case"]
    fn has_wrong_options() {}

    #[aseqd_testing::test]
    #[tokio::test]
    #[ignore = "a case"]
    async fn runs_in_tokio() -> Result<(), Error> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!(clients()?.len(), 3);
        Ok(())
    }

    #[tokio::test]
    #[aseqd_testing::test]
    #[ignore = "a case"]
    async fn fails_in_tokio() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        panic!("in tokio");
    }

    #[aseqd_testing::test]
    #[ignore = "a case"]
    fn leaves_a_process_behind() {
        let mut shell = std::process::Command::new("sh");
        assert!(shell.args(["-c", "sleep 5 &"]).status().unwrap().success());
    }
}

/// Returns whether this machine gives a test a sequencer, and says that the test is skipped if not.
fn can_run() -> bool {
    let own = std::env::current_exe().expect("a path");
    let ended = Command::new(own).arg0("aseqd").args(["run", "--", "true"]).output();
    let ended = ended.expect("the test program as aseqd");
    if !ended.status.success() {
        skip::skip(&format!("no sequencer: {}", String::from_utf8_lossy(&ended.stderr)));
    }
    ended.status.success()
}

fn cases(names: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", "--include-ignored"]).args(arguments);
    command.args(names.iter().map(|name| format!("cases::{name}")));
    command.env_remove("RUST_TEST_THREADS").env_remove("ASEQD_TESTING");
    command
}

fn run(name: &str) -> (bool, String) {
    words(&cases(&[name], &[]).output().expect("the case"))
}

fn words(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_test_has_a_sequencer_and_shows_no_output_when_it_passes() {
    if !can_run() {
        return;
    }
    let (passed, said) = run("passes");
    assert!(passed && said.contains("test cases::passes ... ok"), "{said}");
    assert!(!said.contains("no newline") && !said.contains("err"), "{said}");
    let (passed, said) = words(&cases(&["passes"], &["--nocapture"]).output().expect("the case"));
    // The harness inside says nothing.
    assert_eq!(said.matches("running 1 test").count(), 1, "{said}");
    assert_eq!(said.matches("test result: ok").count(), 1, "{said}");
    assert!(passed && said.contains("out\nno newline\n") && said.contains("err"), "{said}");
}

#[test]
fn a_failure_shows_its_output_and_its_place() {
    if !can_run() {
        return;
    }
    let (passed, said) = run("fails");
    assert!(!passed && said.contains("test cases::fails ... FAILED"), "{said}");
    assert!(said.contains("---- cases::fails stdout ----\nbefore\n"), "{said}");
    assert!(said.contains("tests/device.rs:") && said.contains("arithmetic"), "{said}");
    assert_eq!(said.matches("left: 2").count(), 1, "{said}");
    let (passed, said) = run("returns_an_error");
    assert!(!passed && said.contains("/dev/null") && said.contains("an error"), "{said}");
    let (passed, said) = run("fails_in_tokio");
    assert!(!passed && said.contains("in tokio"), "{said}");
}

#[test]
fn expected_panics_are_expected_outside_too() {
    if !can_run() {
        return;
    }
    let (passed, said) = run("panics_as_expected");
    assert!(passed && said.contains("should panic ... ok"), "{said}");
    let (passed, said) = run("panics_otherwise");
    assert!(!passed && said.contains("one message") && said.contains("another message"), "{said}");
    let (passed, said) = run("should_panic_and_does_not");
    assert!(!passed && said.contains("did not panic"), "{said}");
    let (passed, said) = run("catches_a_panic");
    assert!(passed, "{said}");
}

#[test]
fn a_process_that_ends_says_how() {
    if !can_run() {
        return;
    }
    let (passed, said) = run("ends_the_process");
    assert!(!passed && said.contains("before the test did: exit status 3"), "{said}");
    let (passed, said) = run("aborts");
    assert!(!passed && said.contains("before the test did: signal 6 (SIGABRT)"), "{said}");
    let (passed, said) = run("leaves_a_process_behind");
    assert!(passed, "{said}");
}

#[test]
fn options_are_those_of_aseqd_run() {
    if !can_run() {
        return;
    }
    let (passed, said) = run("has_a_card");
    assert!(passed, "{said}");
    let (passed, said) = run("has_wrong_options");
    assert!(!passed && said.contains("'--nonsense'"), "{said}");
    assert!(said.contains("the test was not started in a sequencer: exit status 2"), "{said}");
}

#[test]
fn a_test_in_virtual_time_sleeps_for_nothing() {
    if !can_run() {
        return;
    }
    let began = std::time::Instant::now();
    let (passed, said) = run("sleeps_for_a_day");
    if said.contains("virtual time needs ptrace") {
        return skip::skip(&said);
    }
    assert!(passed, "{said}");
    assert!(began.elapsed().as_secs() < 600);
}

#[test]
fn tests_in_parallel_and_in_a_row_do_not_see_each_other() {
    if !can_run() {
        return;
    }
    let names = ["is_alone", "is_alone_too", "runs_in_tokio", "passes"];
    for threads in ["--test-threads=4", "--test-threads=1"] {
        let (passed, said) = words(&cases(&names, &[threads]).output().expect("the cases"));
        assert!(passed && said.contains("4 passed"), "{said}");
    }
}

#[test]
fn tests_run_in_place_in_a_sequencer_that_they_share() {
    if !can_run() {
        return;
    }
    let own = std::env::current_exe().expect("a path");
    let mut command = Command::new(&own);
    command.arg0("aseqd").args(["run", "--"]).arg(&own);
    command.args(["--exact", "--include-ignored", "cases::passes"]);
    let (passed, said) = words(&command.env("ASEQD_TESTING", "here").output().expect("the case"));
    assert!(passed, "{said}");
    // A sequencer of its own inside of another.
    let (passed, said) = words(&command.env("ASEQD_TESTING", "").output().expect("the case"));
    assert!(passed, "{said}");
    let mut command = cases(&["passes"], &[]);
    let (passed, said) = words(&command.env("ASEQD_TESTING", "no").output().expect("the case"));
    assert!(!passed && said.contains("it can be `own` or `here`"), "{said}");
}

#[test]
fn another_aseqd_can_be_named() {
    let ended = cases(&["passes"], &[]).env("ASEQD", "/nonexistent/aseqd").output();
    let (passed, said) = words(&ended.expect("the case"));
    assert!(!passed && said.contains("/nonexistent/aseqd: No such file"), "{said}");
}

/// Nothing is left in the folder for temporary files.
#[test]
fn reports_are_removed() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let ended = cases(&["passes", "aborts"], &[]).env("TMPDIR", folder.path()).output();
    ended.expect("the cases");
    assert_eq!(folder.path().read_dir().expect("the folder").count(), 0);
}
