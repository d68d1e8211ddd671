//! `--cuse` where devices cannot be made.

use crate::common::*;
use crate::serve;
use std::path::Path;
use std::process::Command;

#[test]
fn devices_that_cannot_be_made_are_told_in_a_sentence() {
    let ended = finish(serve(["--cuse", "--mount", "/tmp/seq"]), DEADLINE);
    assert_eq!(ended.status.code(), Some(2), "both at once: {}", ended.stderr);
    if Path::new("/dev/cuse").exists() || Path::new("/dev/snd/seq").exists() {
        return;
    }
    if is_root() {
        let ended = finish(serve(["--cuse"]), DEADLINE);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(
            ended.stderr,
            "aseqd: /dev/cuse cannot be opened (no such file or directory): load it with \
             `modprobe cuse`, or serve without `--cuse`\n"
        );
        assert!(!Path::new("/dev/snd").exists(), "nothing is left");
        if !have(&["setpriv"]) {
            return;
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        command.args([ASEQD, "serve", "--cuse"]);
        assert_only_root(command);
    } else {
        assert_only_root(serve(["--cuse"]));
    }
}

fn assert_only_root(command: Command) {
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.starts_with("aseqd: only root can make devices"), "{}", ended.stderr);
}
