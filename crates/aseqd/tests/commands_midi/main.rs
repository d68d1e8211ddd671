//! The commands that people use with MIDI, as separate processes at one device: how ports are named and
//! completed, what is sent, what is shown.

#[path = "../common/mod.rs"]
mod common;
mod completion;
mod monitor;
mod selectors;
mod send;

use common::*;

/// Returns what a command says that fails with this status, without the program's name.
fn failure(arguments: &[&str], status: i32) -> String {
    let ended = finish(aseqd(arguments), DEADLINE);
    assert_eq!(ended.status.code(), Some(status), "{arguments:?}: {ended:#?}");
    ended.stderr.strip_prefix("aseqd: ").expect("our messages name the program").to_owned()
}
