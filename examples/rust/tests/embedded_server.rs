//! Runs the example of a sequencer inside of a program.

use std::process::Command;

#[test]
fn a_note_of_one_client_reaches_another_after_an_hour() {
    let ended = Command::new(env!("CARGO_BIN_EXE_embedded_server")).output().expect("the example");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "a note after 3600s, from 128:0\n");
}
