//! `/dev` inside a run is like the `/dev` outside: terminals, shared memory, queues, nodes, permissions.

use crate::common::*;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a program that tries what programs do with `/dev`, in a place where every user may execute it.
fn program() -> Option<(tempfile::TempDir, PathBuf)> {
    if !can_serve() || !have(&["cc"]) {
        return None;
    }
    let folder = folder_for_all();
    let path = folder.path().join("dev");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/dev.c");
    let compiled =
        Command::new("cc").args(["-Wall", "-Werror", "-o"]).arg(&path).arg(source).status();
    assert!(compiled.expect("cc").success());
    copy_program(Path::new(ASEQD), &folder.path().join("aseqd"));
    Some((folder, path))
}

fn folder_for_all() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).expect("ours");
    folder
}

/// Lines for `sh` that make a `/dev` like a machine's, with some things that only some machines have. They mount devpts
/// as systemd does, or as in containers.
fn machine(pts_mode: &str) -> String {
    format!(
        "{PRIVATE_DEV}mknod -m 666 /dev/fuse c 10 229; mknod -m 666 /dev/full c 1 7
        mknod -m 666 /dev/ptmx c 5 2; mkdir /dev/pts
        mount -t devpts -o newinstance,mode=620,ptmxmode={pts_mode} devpts /dev/pts
        ln -s /proc/self/fd/0 /dev/stdin; ln -s /proc/kcore /dev/core
        mkdir /dev/mqueue; mount -t mqueue mqueue /dev/mqueue
        mkdir /dev/hugepages; mount -t hugetlbfs hugetlbfs /dev/hugepages || true
        mkdir -p /dev/bus/usb/001 /dev/mapper; mknod -m 664 /dev/bus/usb/001/001 c 189 0
        touch /dev/timer /dev/seq /dev/aseqd; mknod -m 660 /dev/loop0 b 7 0; mknod -m 600 /dev/console c 5 1
        python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(\"/dev/log\"); print(flush=True); time.sleep(1000)' > /dev/listening & logger=$!
        until test -s /dev/listening; do kill -0 $logger; sleep 0.02; done; chmod 666 /dev/log
        "
    )
}

/// Compares what the program prints outside and inside a run, without a terminal and on one.
fn compare(setup: &str, user: &str) {
    let Some((folder, program)) = program() else { return };
    if !is_root() || !have(&["unshare", "mknod", "script", "setpriv", "python3"]) {
        return;
    }
    let aseqd = folder.path().join("aseqd");
    let (program, aseqd) = (program.display(), aseqd.display());
    let script = format!(
        "{setup}
        compare() {{
            \"$@\" {program} </dev/null >/run/plain
            script -qec \"$* {program}\" /dev/null </dev/null >/run/terminal
        }}
        mount -t tmpfs -o mode=755 tmpfs /run
        compare {user}; mv /run/plain /run/plain.outside; mv /run/terminal /run/terminal.outside
        compare {user} {aseqd} run --via fuse --
        kill $logger; wc -l < /run/plain
        diff /run/plain.outside /run/plain && diff /run/terminal.outside /run/terminal && echo same"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--ipc", "--propagation", "private", "sh", "-c", &script]);
    let ended = finish(command, DEADLINE);
    let mut lines = ended.stdout.lines();
    let compared: u32 = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    assert!(compared > 40, "{ended:#?}");
    assert_eq!(lines.collect::<Vec<_>>(), ["same"], "{ended:#?}");
}

const USER: &str = "setpriv --reuid 1000 --regid 1000 --clear-groups";

#[test]
fn root_finds_all_of_dev() {
    compare(&machine("000"), "env");
}

#[test]
fn a_user_finds_all_of_dev() {
    compare(&machine("000"), USER);
}

#[test]
fn a_user_finds_all_of_dev_where_each_devpts_may_be_used() {
    compare(&machine("666"), USER);
}

#[test]
fn dev_with_a_sound_card_is_left_as_it_is() {
    let setup = format!("{}mkdir /dev/snd; mknod -m 660 /dev/snd/controlC0 c 1 5", machine("000"));
    compare(&setup, USER);
}

#[test]
fn terminals_work_for_those_who_make_them() {
    if !can_serve() {
        return;
    }
    if have(&["script"]) {
        let said = output(aseqd_run(["script", "-qec", "test -t 0 && tty", "/dev/null"]));
        assert!(said.starts_with("/dev/"), "{said}");
    }
    if have(&["tmux"]) {
        let folder = tempfile::tempdir().expect("a folder");
        let script =
            "tmux -f /dev/null -S \"$folder/socket\" new-session -d 'tty > \"$folder/tty\"'
            until test -s \"$folder/tty\"; do sleep 0.02; done; cat \"$folder/tty\"";
        let mut command = aseqd_run(["sh", "-c", script]);
        command.env("folder", folder.path()).env_remove("TMUX");
        let said = output(command);
        assert!(said.starts_with("/dev/"), "{said}");
    }
}

/// Checks step by step what the command of a run sees of changes that are made outside.
fn see_changes(setup: &str, user: &str) {
    let Some((folder, _program)) = program() else { return };
    if !is_root() || !have(&["unshare", "mknod", "setpriv", "python3"]) {
        return;
    }
    let aseqd = folder.path().join("aseqd");
    let aseqd = aseqd.display();
    let script = format!(
        "{setup}
        mount -t tmpfs -o mode=777 tmpfs /run; cd $place
        # In the run: prints a line for each state that is wanted, once it is there.
        cat > /run/inside <<'END'
        cd $place; touch /run/ready
        until test \"$(stat -c %t:%T node1 2>&1)\" = bc:1; do sleep 0.01; done; echo added; touch /run/1
        until test -e folder/in -a \"$(readlink link)\" = node1; do sleep 0.01; done; echo folder; touch /run/2
        until test \"$(stat -c %t:%T node1 2>&1)\" = bc:2; do sleep 0.01; done; echo replaced; touch /run/3
        while test -e node1 -o -e folder -o -L link; do sleep 0.01; done; echo gone; touch /run/4
        test -e /dev/snd/seq && ls -d /dev/null && echo the rest
END
        {user} {aseqd} run --via fuse -- sh /run/inside & run=$!
        wait_for() {{ until test -e /run/$1; do kill -0 $run || exit 1; sleep 0.01; done; }}
        wait_for ready; mknod node1 c 188 1
        wait_for 1; mkdir folder; echo > folder/in; ln -s node1 link
        wait_for 2; mknod node2 c 188 2; mv node2 node1
        wait_for 3; rm -r node1 folder link
        wait_for 4; wait $run; echo $?; kill $logger"
    );
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--ipc"]);
    command.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
    command.env_remove("ASEQD_VIA");
    let ended = finish(command, DEADLINE);
    let wanted = "added\nfolder\nreplaced\ngone\n/dev/null\nthe rest\n0\n";
    assert_eq!(ended.stdout, wanted, "{ended:#?}");
    assert_eq!(ended.stderr, "", "{ended:#?}");
}

#[test]
fn what_is_plugged_in_later_is_seen_by_root() {
    see_changes(&format!("{}export place=/dev", machine("000")), "env");
}

#[test]
fn what_is_plugged_in_later_is_seen_by_a_user() {
    see_changes(&format!("{}export place=/dev", machine("000")), USER);
}

#[test]
fn a_sound_card_that_is_plugged_in_later_is_seen() {
    let setup = format!("{}mkdir /dev/snd; export place=/dev/snd", machine("000"));
    see_changes(&setup, USER);
}
