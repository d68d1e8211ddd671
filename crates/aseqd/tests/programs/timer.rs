//! A program that uses the timer device through alsa-lib.

use crate::common::*;
use std::path::Path;
use std::process::Command;

/// Compiles the program, if this machine has a compiler and alsa-lib's headers.
fn compiled(folder: &Path) -> Option<std::path::PathBuf> {
    if !have(&["cc"]) || !Path::new("/usr/include/alsa/asoundlib.h").exists() {
        skip("no C compiler, or no libasound2-dev; `.ci/setup` installs both");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/timer_tread.c");
    let program = folder.join("timer_tread");
    let mut compile = Command::new("cc");
    compile.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(source);
    compile.arg("-lasound");
    output(compile);
    Some(program)
}

#[test]
fn a_thousand_ticks_through_alsa_lib_are_neither_lost_nor_early() {
    if !can_serve() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("aseqd-timer-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the program");
    let Some(program) = compiled(&folder) else { return };
    let said = output(aseqd_run([program.as_os_str()]));
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert!(said.starts_with("START\nRESOLUTION\nTICK\nSTOP\nlost 0 early 0 drift "), "{said}");
}
