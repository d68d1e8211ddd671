//! Ordinary users, in a machine of their own.

use crate::common::*;
use crate::{can_be_machine, machine};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const USER: &str = "setpriv --reuid 1000 --regid 1000 --clear-groups";

#[test]
fn a_user_is_told_what_only_root_can() {
    if !can_be_machine() || !have(&["setpriv"]) {
        return;
    }
    let copy = copy_for_all();
    let mut command = machine(&format!("chmod 666 /dev/fuse; exec {USER} \"$aseqd\" serve"));
    command.env("aseqd", copy.path().join("aseqd"));
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.starts_with("aseqd: only root can serve /dev/snd/seq"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn a_user_can_serve_a_folder() {
    if !can_be_machine() || !have(&["setpriv", "fusermount3"]) {
        return;
    }
    let copy = copy_for_all();
    let folder = copy.path().join("home");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::chown(&folder, Some(1000), Some(1000)).expect("root may");
    let script = format!(
        "chmod 666 /dev/fuse; cd \"$folder\"
        {USER} \"$aseqd\" serve --mount seq >/run/said & server=$!
        until grep -q serving /run/said; do kill -0 $server; sleep 0.02; done
        {USER} stat -c %a:%u:%g seq/seq; {USER} sh -c ': <>seq/seq && echo opened'
        finish; mounts"
    );
    let mut command = machine(&script);
    command.env("aseqd", copy.path().join("aseqd")).env("folder", &folder);
    let ended = finish(command, DEADLINE);
    let said: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(said, ["600:1000:1000", "opened", "0"], "{ended:#?}");
}

#[test]
fn a_users_dead_mounts_are_taken_away_and_live_ones_are_not() {
    if !can_be_machine() || !have(&["setpriv", "fusermount3"]) {
        return;
    }
    let copy = copy_for_all();
    let folder = copy.path().join("home");
    fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::chown(&folder, Some(1000), Some(1000)).expect("root may");
    let script = format!(
        "chmod 666 /dev/fuse; cd \"$folder\"; exec 2>&1
        user() {{ {USER} \"$@\"; }}
        start() {{
            {USER} \"$aseqd\" serve --mount $1 >/run/said & server=$!
            until grep -qs serving /run/said; do kill -0 $server; sleep 0.02; done; rm /run/said
        }}
        slay() {{ kill -KILL $server; wait $server 2>/dev/null || true; }}
        mounted() {{ grep -c \"$folder\" /proc/self/mountinfo || true; }}
        for use in true 'stat -c %w seq/seq' '! $aseqd serve --mount seq'; do
            start seq; user sh -c \"$use\" >/dev/null 2>&1; slay; start seq; mounted
            user sh -c ': <>seq/seq && echo opened'; finish; mounted
        done
        echo stacked; start seq; slay; start other; user stat -c %w other/seq >/dev/null
        mount --bind other seq; umount other; slay; mounted; start seq; mounted
        echo root may not ask, and asks as the user; \"$aseqd\" serve --mount seq || echo $?
        slay; serve --mount seq; mounted; stat -c %u seq/seq
        echo the user may not unmount what root has left; slay
        user \"$aseqd\" serve --mount seq || echo $?"
    );
    let mut command = machine(&script);
    command.env("aseqd", copy.path().join("aseqd")).env("folder", &folder);
    let ended = finish(command, DEADLINE);
    let once = "1\nopened\n0\n".repeat(3);
    let wanted = format!(
        "{once}stacked\n2\n1\nroot may not ask, and asks as the user\naseqd: seq is served already\n1\n1\n0\n\
         the user may not unmount what root has left\n\
         aseqd: seq is left over from a server that has ended, and cannot be unmounted: fusermount3: "
    );
    assert!(ended.stdout.starts_with(&wanted), "{ended:#?}");
    assert!(ended.stdout.ends_with("\n1\n"), "{ended:#?}");
}

/// Returns a folder with a copy of the program that every user may execute.
fn copy_for_all() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    copy_program(Path::new(ASEQD), &folder.path().join("aseqd"));
    folder
}
