//! Runs the example of a device of one's own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the program may take to mount: far longer than the few milliseconds that it needs.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(20);

fn start(folder: &Path) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_own_device"));
    program.arg(folder).stderr(Stdio::piped()).spawn().expect("the example")
}

#[test]
fn what_is_written_is_read_back_in_capitals() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = folder.path().join("shout");
    let mut program = start(folder.path());
    let begun = Instant::now();
    while !node.exists() {
        assert!(begun.elapsed() < MOUNT_TIMEOUT, "nothing is mounted");
        if program.try_wait().expect("a status").is_some() {
            let said = program.wait_with_output().expect("its words").stderr;
            skip::skip(&format!("no device: {}", String::from_utf8_lossy(&said)));
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::write(&node, "hello").expect("a write");
    assert_eq!(fs::read_to_string(&node).expect("a read"), "HELLO");
    assert_eq!(fs::read_to_string(&node).expect("a read"), "");
    chardev::unmount(folder.path()).expect("no mount any more");
    assert!(program.wait().expect("a status").success());
}
