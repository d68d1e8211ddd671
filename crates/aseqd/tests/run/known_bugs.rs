//! Bugs that Linux had where a program's memory and signals meet the devices, by their number in the catalogue of
//! known bugs, through every door.

use crate::common::*;
use std::path::Path;
use std::process::Command;

/// Runs a part of the program through every door.
fn through_every_door(part: &str) {
    if !can_serve() || !have(&["cc"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("known_bugs");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/known_bugs.c");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"])
        .arg(&program)
        .arg(source);
    let ended = finish(compiler, DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    for door in crate::doors::DOORS {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--"]).arg(&program).arg(part);
        command.env_remove("ASEQD_VIA");
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.stdout, "ok\n", "{door}: {ended:#?}");
    }
}

#[test]
fn known_k40_a_bad_address_fails_a_call_and_nothing_else() {
    through_every_door("memory");
}

#[test]
fn known_k45_requests_whose_buffer_comes_and_goes() {
    through_every_door("mapping");
}

#[test]
fn known_k47_k48_a_timer_ticks_while_its_signals_are_switched_on_and_off() {
    through_every_door("signals");
}
