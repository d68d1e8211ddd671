//! Switched off, the validators cost nothing: no bytes, no instructions, no symbols.
//!
//! These tests look at the release build of `tests/lockdep-probe` from outside. They count instructions with
//! valgrind, and skip that part without it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use object::{Object, ObjectSymbol};
use skip::skip;

/// Builds the probe for release and without the feature, and returns its path.
static PROBE: LazyLock<PathBuf> = LazyLock::new(|| {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().nth(3).expect("a target folder").to_owned();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "lockdep-probe", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the probe builds");
    target.join("release/lockdep-probe")
});

fn symbols_of_lockdep(program: &Path) -> Vec<String> {
    let bytes = std::fs::read(program).expect("the program");
    let file = object::File::parse(&*bytes).expect("an object file");
    let names = file.symbols().filter_map(|symbol| symbol.name().ok().map(str::to_owned));
    // In a mangled name, the length of each part of a path stands before it.
    let own = |name: &String| name.contains("7lockdep") && !name.contains("13lockdep_probe");
    names.filter(own).collect()
}

#[test]
fn sizes_are_those_of_the_raw_locks() {
    let output = Command::new(&*PROBE).arg("sizes").output().expect("the probe runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut pairs = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[1], words[2], "{line}");
        pairs += 1;
    }
    assert_eq!(pairs, 11);
}

#[test]
fn locks_and_guards_move_and_are_shared_as_those_of_std() {
    let output = Command::new(&*PROBE).arg("bounds").output().expect("the probe runs");
    let text = String::from_utf8(output.stdout).expect("text");
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], words[1], "{line}");
    }
    assert!(text.lines().count() > 50, "{text}");
}

#[test]
fn a_release_binary_has_no_symbol_of_it() {
    assert_eq!(symbols_of_lockdep(&PROBE), Vec::<String>::new());
    // The search finds such symbols where they are: in this test.
    assert_eq!(*lockdep::Mutex::new(1).lock(), 1);
    let me = std::env::current_exe().expect("this program");
    assert!(symbols_of_lockdep(&me).len() > 10, "the canary");
}

#[test]
fn a_turn_takes_as_many_instructions_as_with_the_raw_lock() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        skip("valgrind is not installed");
        return;
    }
    for kind in ["mutex", "rwlock", "spin"] {
        let (raw, ours) = (per_turn(&format!("raw-{kind}")), per_turn(kind));
        assert!(raw > 0);
        assert_eq!(raw, ours, "instructions of 1000 turns of {kind}");
    }
}

/// Returns the instructions of 1000 turns: those of a run of 2000 minus those of a run of 1000.
fn per_turn(kind: &str) -> u64 {
    instructions(kind, "2000") - instructions(kind, "1000")
}

fn instructions(kind: &str, count: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(&*PROBE)
        .args([kind, count])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.contains("Collected :"));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("callgrind counts: {text}"))
}
