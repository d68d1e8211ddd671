//! The README's commands, `scripts/demo` and `scripts/test`, on a machine whose programs are stand-ins that only
//! print something.

use super::root;
use crate::common::{Ended, copy_program, finish, have};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// A clone of the repository that has its scripts only, and a folder of programs.
struct Clone {
    folder: tempfile::TempDir,
}

impl Clone {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for file in [
            "scripts/demo",
            "scripts/test",
            "scripts/toolchain.sh",
            "scripts/skip.sh",
            "Cargo.toml",
        ] {
            let to = folder.path().join(file);
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            copy_program(&root().join(file), &to);
        }
        fs::create_dir_all(folder.path().join("songs")).expect("a folder");
        fs::write(folder.path().join("songs/etude.mid"), "").expect("a file");
        Self { folder }
    }

    /// Replaces a program or script of the clone by a script for `sh`.
    fn program(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let draft = self.folder.path().join("draft");
        fs::write(&draft, format!("#!/bin/sh\n{text}\n")).expect("a file");
        copy_program(&draft, &path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    }

    /// Links programs of this machine into the folder of programs. No others are found.
    fn borrow(&self, names: &[&str]) {
        fs::create_dir_all(self.folder.path().join("bin")).expect("a folder");
        for name in names {
            let found = crate::common::find(name).expect("a program of every machine");
            let link = self.folder.path().join("bin").join(name);
            std::os::unix::fs::symlink(found, link).expect("a link");
        }
    }

    fn run(&self, script: &str, arguments: &[&str], path: &str) -> Ended {
        let mut command = Command::new(self.folder.path().join(script));
        command.args(arguments).env_clear();
        command.env("PATH", path).env("HOME", self.folder.path());
        finish(command, DEADLINE)
    }

    fn bin(&self) -> String {
        self.folder.path().join("bin").display().to_string()
    }
}

const TOOLS: &[&str] = &["dirname", "sed", "cut", "sort", "head", "id", "bash", "sh"];

#[test]
fn an_old_cargo_or_none_is_told_in_a_sentence() {
    if !have(&["bash"]) {
        return;
    }
    let clone = Clone::new();
    clone.borrow(TOOLS);
    for script in ["scripts/demo", "scripts/test"] {
        let ended = clone.run(script, &[], &clone.bin());
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        let wanted = format!("{script}: cargo is not installed, this needs ");
        assert!(ended.stderr.starts_with(&wanted), "{ended:#?}");
        assert!(ended.stderr.contains("https://rustup.rs"), "{ended:#?}");
        assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""), "{ended:#?}");
    }
    // The version of Debian 12, which does not understand the manifest.
    clone.program("bin/cargo", "[ \"$1\" = --version ] && echo cargo 1.65.0");
    for script in ["scripts/demo", "scripts/test"] {
        let ended = clone.run(script, &[], &clone.bin());
        assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
        let wanted = format!("{script}: cargo 1.65.0 is too old, this needs ");
        assert!(ended.stderr.starts_with(&wanted), "{ended:#?}");
        assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""), "{ended:#?}");
    }
}

#[test]
fn a_missing_c_compiler_is_told_in_a_sentence() {
    if !have(&["bash"]) {
        return;
    }
    let clone = Clone::new();
    clone.borrow(TOOLS);
    // This machine has no apt-get either.
    clone.program("bin/cargo", "[ \"$1\" = --version ] && echo cargo 99.0.0");
    let ended = clone.run("scripts/demo", &[], &clone.bin());
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.stderr.starts_with("scripts/demo: no C compiler"), "{ended:#?}");
    assert!(ended.stderr.contains("apt-get install build-essential"), "{ended:#?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
}

/// Output of `cargo test` if one test fails and one is skipped.
const TESTS: &str = r#"case $1 in
--version) echo cargo 99.0.0 ;;
test)
    case "$*" in *"-p aseqd --test one"*) echo 'test result: ok. 8 passed; 0 failed'; exit 0 ;; esac
    printf 'a_program one::that_needs_it\tno such device\n' >>"$ASEQD_SKIPS"
    echo 'test one::that_fails ... FAILED'
    echo '---- one::that_fails stdout ----'
    echo 'the answer was 41'
    echo 'test result: FAILED. 7 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out'
    echo 'test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'
    echo 'error: 1 target failed:'
    echo '    `-p aseqd --test one`'
    exit 101
    ;;
clippy) echo 'error: unused variable'; exit 101 ;;
esac"#;

#[test]
fn every_step_runs_and_the_end_lists_what_failed_and_what_was_skipped() {
    if !have(&["bash", "awk"]) {
        return;
    }
    let clone = Clone::new();
    clone.program("bin/cargo", TESTS);
    clone.program("bin/cc", "exit 0");
    clone.program(".ci/setup", "exit 0");
    // The scripts of all other steps do nothing.
    for command in super::read("scripts/test").split("|scripts/").skip(1) {
        let name = command.split([' ', '"']).next().expect("a name");
        clone.program(&format!("scripts/{name}"), "exit 0");
    }
    let skip = "printf 'a_program one::that_needs_it\\tno such device\\n' >>\"$ASEQD_SKIPS\"";
    let passing = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'";
    clone.program("scripts/doors", &format!("{skip}; {passing}"));
    clone.program("scripts/containers", "echo nobody hears this");
    clone.program("scripts/demo", "echo nothing was heard; exit 3");
    let path = format!("{}:{}", clone.bin(), std::env::var("PATH").expect("a path"));
    let ended = clone.run("scripts/test", &[], &path);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    let has = |start: &str, end: &str| {
        lines.iter().any(|line| line.starts_with(start) && line.ends_with(end))
    };
    assert!(has("FAILED ", "tests of every crate (1 skipped)"), "{}", ended.stdout);
    assert!(has("ok ", "conformance") && has("FAILED ", "demonstration, shortened"));
    assert!(has("       | nothing was heard", ""), "the end of a log is shown: {}", ended.stdout);
    assert!(!ended.stdout.contains("nobody hears this"), "that of a step that passed is not");
    // One line names both steps. cargo-deny and cargo-deb are not missing: this cargo accepts every word.
    let skipped = "skipped (1):\n  doors, tests a_program one::that_needs_it\n";
    assert!(ended.stdout.contains(skipped), "{}", ended.stdout);
    let failed = ended.stdout.split("\nfailed:\n").nth(1).expect("a list");
    let names: Vec<_> = failed.lines().filter(|line| line.starts_with(' ')).collect();
    assert!(names.contains(&"       | the answer was 41"), "what it said is shown: {names:?}");
    let names: Vec<_> = names.into_iter().filter(|line| !line.contains('|')).collect();
    let names: Vec<_> = names.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["lints", "tests", "one::that_fails", "package", "demo"]);
    // Tests: 27 and 3, minus one skipped in each. Each other step that passed counts as one.
    let passed = 26 + 2 + lines.iter().filter(|line| line.starts_with("ok ")).count() - 1;
    let sum = format!("{passed} passed, 4 failed, 1 skipped");
    assert_eq!(lines.last(), Some(&sum.as_str()), "{}", ended.stdout);

    // One step alone; then a step that does not exist.
    let ended = clone.run("scripts/test", &["doors"], &path);
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");
    assert_eq!(ended.stdout.lines().last(), Some("2 passed, 0 failed, 1 skipped"));
    let ended = clone.run("scripts/test", &["windows"], &path);
    assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("there is no step windows"), "{ended:#?}");
    assert!(Path::new(&clone.folder.path().join("target/test/doors.log")).is_file());

    // What fails is run again if that is asked for. A step that depends on the files alone is not.
    clone.program("scripts/demo", "[ -e once ] || { touch once; exit 3; }");
    clone.program("scripts/doors", "echo always; exit 1");
    let ended = clone.run("scripts/test", &["--again"], &path);
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    let has = |start: &str, end: &str| {
        lines.iter().any(|line| line.starts_with(start) && line.ends_with(end))
    };
    assert!(has("again ", "tests of every crate (1 skipped)"), "{}", ended.stdout);
    assert!(has("again ", "demonstration, shortened"), "{}", ended.stdout);
    let part = |title: &str| {
        let rest = ended.stdout.split(&format!("\n{title}:\n")).nth(1).expect("a list");
        let steps = rest.lines().take_while(|line| line.starts_with(' '));
        let names = steps.filter(|line| !line.contains('|'));
        names.filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>()
    };
    assert_eq!(part("passed only when run again"), ["tests", "one::that_fails", "demo"]);
    assert_eq!(part("failed"), ["lints", "doors", "package"]);
}
