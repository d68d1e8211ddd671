//! Runs the example of a client in a sequencer of aseqd.

use std::path::Path;
use std::process::{Command, Output};

const EXAMPLE: &str = env!("CARGO_BIN_EXE_list_and_play");

/// Runs a command in a sequencer, if aseqd is built beside the example, as `cargo test --workspace` does, and can serve
/// one here.
fn run(words: &[&str]) -> Option<Output> {
    let aseqd = Path::new(EXAMPLE).with_file_name("aseqd");
    if !aseqd.exists() {
        skip::skip("aseqd is not built: `cargo build -p aseqd`");
        return None;
    }
    let start = |words: &[&str]| {
        let mut command = Command::new(&aseqd);
        command.args(["run", "--"]).args(words).env("PATH", path(&aseqd)).output().expect("aseqd")
    };
    let can = start(&["true"]);
    if !can.status.success() {
        skip::skip(&format!("no sequencer: {}", String::from_utf8_lossy(&can.stderr)));
        return None;
    }
    Some(start(words))
}

/// Where the shell finds aseqd.
fn path(aseqd: &Path) -> String {
    let folder = aseqd.parent().expect("a folder").display();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

#[test]
fn ports_are_listed_and_a_note_arrives() {
    // The connection is the first of three events.
    let script = format!(
        "aseqd monitor --json --count 3 --timeout 60s & aseqd wait 'aseqd monitor' --timeout 60s
        '{EXAMPLE}' 'aseqd monitor' && wait"
    );
    let Some(output) = run(&["sh", "-c", &script]) else { return };
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(stdout.contains("> 14:0 (Midi Through: Midi Through Port-0)"), "{stdout}");
    assert!(stdout.contains("  0:1 (System: Announce)"), "{stdout}");
    let types: Vec<_> = ["NOTEON", "NOTEOFF"].map(|name| stdout.find(name)).into();
    assert!(types[0].is_some() && types[0] < types[1], "both, in this order: {stdout}");
}

#[test]
fn a_port_that_does_not_exist_is_named() {
    let Some(output) = run(&[EXAMPLE, "nobody"]) else { return };
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("nobody"), "{stderr}");
}
