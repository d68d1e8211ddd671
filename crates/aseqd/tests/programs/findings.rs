//! What the program of `docs/linux-findings.md` shows on Linux does not show here.

use crate::common::*;
use std::path::Path;
use std::process::Command;

#[test]
fn findings_in_linux_do_not_show() {
    if !can_serve() || !have(&["cc"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracle/findings.c");
    let program = folder.path().join("findings");
    let mut compile = Command::new("cc");
    compile
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .arg(&program)
        .arg(source);
    output(compile);
    let shown = |finding| output(aseqd_run([program.as_os_str(), std::ffi::OsStr::new(finding)]));

    let closed = shown("close-with-events");
    assert!(closed.contains("close() took ") && !closed.contains("has not returned"), "{closed}");
    let told = shown("full-stamping-port");
    assert!(told.contains("200 events fit; of 300 writes 200 succeed"), "{told}");
    let opened = shown("close-with-ports");
    assert!(opened.contains("an open elsewhere"), "{opened}");
}
