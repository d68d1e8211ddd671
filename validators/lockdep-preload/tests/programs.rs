//! C programs under the library. Each defect is reported, and its twin without the defect is silent.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preload");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// Builds the library and returns its path.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().nth(3).expect("a target folder").to_owned();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "lockdep-preload", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the library builds");
    target.join("debug/liblockdep_preload.so")
});

static CASES: LazyLock<PathBuf> = LazyLock::new(|| compile("tests/c/cases.c", "cases"));
static SEED1: LazyLock<PathBuf> = LazyLock::new(|| compile("../lockdep/examples/seed1.c", "seed1"));

fn compile(source: &str, name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = FOLDER.join(name);
    let status = Command::new("cc")
        .args(["-g", "-O1", "-fno-builtin", "-Wall", "-Werror", "-pthread", "-I"])
        .arg(here)
        .arg("-o")
        .arg(&program)
        .arg(here.join(source))
        .status()
        .expect("a C compiler");
    assert!(status.success(), "{source} compiles");
    program
}

/// Returns the reports of a program with an argument.
fn run(program: &Path, word: &str, environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let output = Command::new(program)
        .arg(word)
        .env("LD_PRELOAD", &*LIBRARY)
        .env("LOCKDEP_LOG", &log)
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{word}: {output:?}");
    std::fs::read_to_string(log).unwrap_or_default()
}

fn defect_and_twin(word: &str, titles: &[&str]) {
    let found = run(&CASES, word, &[]);
    let mut rest = found.as_str();
    for title in titles {
        let Some((_, behind)) = rest.split_once(title) else {
            panic!("{title:?} in the reports of {word}:\n{found}");
        };
        rest = behind;
    }
    assert_eq!(run(&CASES, &format!("no-{word}"), &[]), "", "the twin of {word}");
}

#[test]
fn an_inversion() {
    defect_and_twin("inversion", &["WARNING: possible circular locking dependency detected"]);
}

#[test]
fn two_locks_of_one_line_nested() {
    defect_and_twin("recursion", &["WARNING: possible recursive locking detected"]);
}

#[test]
fn an_unlock_too_many() {
    defect_and_twin("balance", &["WARNING: bad unlock balance detected!"]);
}

#[test]
fn a_held_lock_freed() {
    defect_and_twin("freed", &["WARNING: held lock freed!"]);
}

#[test]
fn a_blocking_call_in_a_callback() {
    defect_and_twin("sleep", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn malloc_in_a_callback() {
    defect_and_twin("malloc", &["BUG: sleeping function called from invalid context at "]);
}

#[test]
fn a_mutex_inside_a_spin_lock() {
    defect_and_twin(
        "wait-context",
        &["BUG: sleeping function called from", "[ BUG: Invalid wait context ]"],
    );
}

#[test]
fn a_spin_lock_inside_and_outside_of_a_callback() {
    defect_and_twin("inconsistent", &["inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage."]);
}

#[test]
fn a_request_that_keeps_a_lock() {
    defect_and_twin("leaving", &["WARNING: lock held when returning to user space!"]);
}

#[test]
fn a_recursive_mutex_may_be_taken_again() {
    assert_eq!(run(&CASES, "recursive-mutex", &[]), "");
}

#[test]
fn an_unmodified_thread_between_two_waits() {
    let audio = [("LOCKDEP_ATOMIC_THREADS", "audio-*")];
    for word in ["malloc-between-waits", "mutex-between-waits"] {
        let found = run(&CASES, word, &audio);
        assert!(found.contains("BUG: sleeping function called from invalid context"), "{found}");
        assert!(found.contains("name: audio-cb"), "{found}");
        assert_eq!(run(&CASES, word, &[]), "", "not without the name");
        let other = [("LOCKDEP_ATOMIC_THREADS", "video,audio")];
        assert_eq!(run(&CASES, word, &other), "", "not with other names");
    }
    assert_eq!(run(&CASES, "nothing-between-waits", &audio), "");
}

#[test]
fn the_model_of_the_kernels_bug() {
    let found = run(&SEED1, "bug", &[]);
    let titles = [
        "BUG: sleeping function called from invalid context at ",
        "WARNING: inconsistent lock state",
        "raw_local_irq_restore() called with IRQs enabled",
    ];
    let places: Vec<usize> =
        titles.iter().map(|title| found.find(title).unwrap_or_else(|| panic!("{found}"))).collect();
    assert!(places.is_sorted(), "in the kernel's order");
    let heads = found.matches("BUG: ").count() + found.matches("WARNING: ").count();
    assert_eq!(heads, 3, "three and no more: {found}");
    assert_eq!(run(&SEED1, "fixed", &[]), "");
}

#[test]
fn lockdep_run_finds_the_library_beside_it_and_where_the_package_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lockdep-run");
    let run = |place: &Path| {
        let mut command = Command::new(place.join("lockdep-run"));
        command.args(["cat", "/proc/self/maps"]).output().expect("it runs")
    };
    let (bin, lib) = (folder.path().join("bin"), folder.path().join("lib/lockdep"));
    for place in [&bin, &lib] {
        std::fs::create_dir_all(place).expect("a folder");
        std::fs::copy(&script, place.join("lockdep-run")).expect("a copy");
    }
    let missing = run(&bin);
    assert_eq!(missing.status.code(), Some(127));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(said.starts_with("lockdep-run: liblockdep_preload.so is missing"), "{said}");
    std::fs::copy(&*LIBRARY, lib.join("liblockdep_preload.so")).expect("a copy");
    for place in [&bin, &lib] {
        let said = String::from_utf8_lossy(&run(place).stdout).into_owned();
        assert!(said.contains("lib/lockdep/liblockdep_preload.so"), "{said}");
    }
}
