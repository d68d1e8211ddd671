//! A program that uses alsa-lib prints the same here and on Linux.

use crate::common::{DEADLINE, aseqd_run, can_serve, find, finish, skip};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program printed on Linux 6.12 in a virtual machine, the same in four runs.
const LINUX: &str = include_str!("tread.linux-6.12.txt");

/// Compiles the program. Returns nothing if this machine cannot.
fn compiled(folder: &Path) -> Option<PathBuf> {
    if find("cc").is_none() || !Path::new("/usr/include/alsa/asoundlib.h").exists() {
        skip("a C compiler or libasound2-dev is not installed; `.ci/setup` installs them");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/timers/tread.c");
    let program = folder.join("tread");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(source);
    compiler.arg("-lasound");
    let ended = finish(compiler, DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    Some(program)
}

#[test]
fn a_program_of_alsa_lib_reads_1000_ticks_as_on_linux() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(program) = compiled(folder.path()) else { return };
    if !can_serve() {
        return;
    }
    let ended = finish(aseqd_run([program]), DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    // The program itself checks that no record comes early, none is lost, and nothing drifts.
    assert_eq!(ended.stdout, LINUX, "as on Linux 6.12: {}", ended.stderr);
}
