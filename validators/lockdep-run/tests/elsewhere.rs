//! Processors for which there is no library: a run there must not look like one without findings.

#![cfg(not(target_arch = "x86_64"))]

use std::process::Command;

#[test]
fn a_processor_without_the_library_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_lockdep-run"))
        .args(["--", "true"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("only be checked on x86-64 processors"), "{said}");
}
