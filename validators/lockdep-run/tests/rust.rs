//! What `lockdep-run` sees of the locks of Rust's standard library in a program that was not changed.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use common::{Ran, lockdep_run};

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/std_mutex.rs");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("std_mutex");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition", "2021", "-g", "-O", "-o"])
        .args([&program, &source])
        .status();
    assert!(status.expect("a compiler").success(), "the program compiles");
    program
});

fn run(word: &str) -> Ran {
    let program = PROGRAM.to_str().expect("a path");
    lockdep_run(&["--threads", "audio"], &[program, word]).output().expect("it runs").into()
}

#[test]
fn a_mutex_that_a_thread_waits_for_in_its_turn_is_found() {
    let ran = run("contended");
    assert_eq!(ran.titles(), ["syscall in std_mutex::mix_with_lock"], "{}", ran.err);
}

#[test]
fn what_a_thread_does_in_a_turn_that_never_ends_is_found() {
    let ran = run("stuck");
    assert_eq!(ran.titles(), ["syscall in std_mutex::mix_with_lock"], "{}", ran.err);
}

/// It frees memory and closes its socket.
#[test]
fn what_a_thread_does_after_its_last_turn_is_no_finding() {
    let ran = run("ends");
    assert!(ran.err.starts_with("lockdep-run: 0 findings, in 1 program\n"), "{}", ran.err);
}

#[test]
fn a_name_that_no_thread_has_is_told() {
    let program = PROGRAM.to_str().expect("a path");
    let mut run = lockdep_run(&["--threads", "vidoe*,aud*,audio"], &[program, "free"]);
    let ran: Ran = run.output().expect("it runs").into();
    let told: Vec<&str> = ran.err.lines().filter(|line| line.contains("--threads")).collect();
    assert_eq!(told, ["no thread is named vidoe* (--threads)"], "{}", ran.err);
}

#[test]
fn a_mutex_that_is_free_makes_no_call_and_no_report() {
    let ran = run("free");
    assert!(ran.err.starts_with("lockdep-run: 0 findings, in 1 program\n"), "{}", ran.err);
    assert_eq!(ran.status, Some(0));
}
