//! The commands that people use with MIDI, as separate processes at one device: how ports are named and
//! completed, what is sent, what is shown.

#[path = "../common/mod.rs"]
mod common;
mod completion;
mod monitor;
mod selectors;
mod send;

use common::*;
use std::process::{Command, Stdio};

/// Returns a command of ours, for the sequencer that the test runs in.
fn aseqd(arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.args(arguments).env_remove("ASEQD_DEVICE");
    command
}

/// Returns what a command says that fails with this status, without the program's name.
fn failure(arguments: &[&str], status: i32) -> String {
    let ended = finish(aseqd(arguments), DEADLINE);
    assert_eq!(ended.status.code(), Some(status), "{arguments:?}: {ended:#?}");
    ended.stderr.strip_prefix("aseqd: ").expect("our messages name the program").to_owned()
}

/// Starts `aseqd port` and returns it with its address. The port ends with its standard input.
fn port(arguments: &[&str]) -> (Process, String) {
    let mut command = aseqd(&[&["port", "--verbose"], arguments].concat());
    let mut process = Process::start_with(&mut command, Stdio::piped());
    process.wait_until("its address", |process| process.stderr().ends_with('\n'));
    let address = process.stderr().trim().to_owned();
    (process, address)
}
