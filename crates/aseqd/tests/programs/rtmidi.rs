//! python-rtmidi, through its ALSA interface.

use crate::common::*;
use std::path::Path;
use std::process::Command;

/// Returns the first Python that has the module. Debian's own has it even if another one comes first in the path.
fn python() -> Option<&'static str> {
    let has_rtmidi = |python: &&str| {
        let import = Command::new(python).args(["-c", "import rtmidi"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_rtmidi);
    if found.is_none() {
        skip("no Python has the module rtmidi; `.ci/setup` installs python3-rtmidi");
    }
    found
}

#[test]
fn python_rtmidi_hears_what_it_sends() {
    if !can_serve() {
        return;
    }
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/rtmidi_loopback.py");
    let said = output(aseqd_run([python.as_ref(), script.as_os_str()]));
    assert_eq!(said, "all of 8 messages\n");
}
