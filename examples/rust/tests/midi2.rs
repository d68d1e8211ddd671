//! Runs the example of a client that speaks MIDI 2.0 in a sequencer of aseqd.

use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = env!("CARGO_BIN_EXE_midi2");

#[test]
fn a_note_of_midi_1_is_passed_on_and_bent() {
    let aseqd = Path::new(EXAMPLE).with_file_name("aseqd");
    if !aseqd.exists() {
        return skip::skip("aseqd is not built: `cargo build -p aseqd`");
    }
    let run = |script: &str| {
        let mut command = Command::new(&aseqd);
        command.args(["run", "--ump", "on", "--", "sh", "-ec", script]).output().expect("aseqd")
    };
    let can = run("true");
    if !can.status.success() {
        return skip::skip(&format!("no sequencer: {}", String::from_utf8_lossy(&can.stderr)));
    }
    let aseqd = aseqd.display();
    // The monitor prints the connection, the bend and the note.
    let output = run(&format!(
        "'{EXAMPLE}' & example=$!; '{aseqd}' wait midi2
         '{aseqd}' monitor --ump --raw --count 2 -p midi2 & monitor=$!
         '{aseqd}' wait --connected 'aseqd monitor'
         '{aseqd}' send midi2 91 3C 64; wait $example; wait $monitor"
    ));
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    for line in ["note 60 of group 0", "40613c00 81000000", "40913c00 c9240000"] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}
