//! Machines on which a run works, and the errors on others. Each machine is made in a mount namespace.

use crate::common::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// A machine in a mount namespace: a `/dev` with the usual nodes, a copy of the program that everybody may execute, and
/// a script that completes it as root.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Option<Self> {
        if !is_root() || !can_serve() || !have(&["unshare", "setpriv", "mknod"]) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        copy_program(Path::new(ASEQD), &folder.path().join("aseqd"));
        Some(Self { folder })
    }

    /// Runs a script on the machine. `$aseqd` is the program.
    fn run(&self, script: &str) -> Ended {
        let setup = "$private_dev
            fuse() { mknod -m $1 /dev/fuse c 10 229; }
            user() { setpriv --reuid 1000 --regid 1000 --clear-groups \"$@\"; }
            set +e\n";
        let setup = setup.replace("$private_dev", PRIVATE_DEV);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command.arg(format!("{setup}{script}"));
        let folder = self.folder.path();
        command.env("aseqd", folder.join("aseqd")).env("aseqd_folder", folder);
        let mark = Mark::new(&mut command);
        let ended = finish(command, DEADLINE);
        mark.expect_nothing();
        ended
    }

    /// Runs a script that must succeed, and returns what it prints.
    fn output(&self, script: &str) -> String {
        let ended = self.run(script);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:#?}");
        ended.stdout
    }

    /// Runs a script whose run must be refused, and returns its one sentence and its status.
    fn refused(&self, script: &str) -> String {
        let ended = self.run(script);
        assert_eq!(ended.status.code(), Some(127), "{ended:#?}");
        assert_eq!(ended.stdout, "", "the command has not run");
        assert_eq!(ended.stderr.lines().count(), 1, "one sentence: {}", ended.stderr);
        assert!(ended.stderr.starts_with("aseqd: "), "{}", ended.stderr);
        ended.stderr
    }
}

#[test]
fn real_nodes_of_sound_stay_visible() {
    let Some(machine) = Machine::new() else { return };
    let said = machine.output(
        "fuse 600; mkdir -p /dev/snd/by-path; mknod -m 660 /dev/snd/controlC0 c 1 5
         ln -s ../controlC0 /dev/snd/by-path/card
         $aseqd run -- sh -c '
            stat -c \"%n %t:%T %a\" /dev/snd/controlC0
            head -c 2 /dev/snd/controlC0 | wc -c; head -c 2 /dev/snd/by-path/card | wc -c
            aconnect -l | grep -c ^client'
         ls /dev/snd",
    );
    assert_eq!(said, "/dev/snd/controlC0 1:5 660\n2\n2\n2\nby-path\ncontrolC0\n");
}

#[test]
fn a_real_sequencer_and_timer_are_hidden_from_the_command_alone() {
    let Some(machine) = Machine::new() else { return };
    let said = machine.output(
        "fuse 600; mkdir /dev/snd; mknod /dev/snd/seq c 1 5; mknod /dev/snd/timer c 1 5
         $aseqd run -- sh -c 'aconnect -l | grep -c ^client; stat -c %F:%a /dev/snd/timer'
         stat -c %t:%T /dev/snd/seq /dev/snd/timer",
    );
    assert_eq!(said, "2\nregular file:666\n1:5\n1:5\n");
}

#[test]
fn an_empty_folder_of_sound_will_do() {
    let Some(machine) = Machine::new() else { return };
    let said = machine.output("fuse 600; mkdir /dev/snd; $aseqd run -- sh -c 'ls /dev/snd; aconnect -l | grep -c ^client'");
    assert_eq!(said, "seq\ntimer\n2\n");
}

const AS_USER: &str = "user $aseqd run -- sh -c '
    id -u; id -g; id -G; aconnect -l | grep -c ^client; stat -c %u:%g:%A /dev/snd/seq
    ls /dev | tr \"\\n\" \" \"'";

#[test]
fn an_ordinary_user_can_run_and_keeps_the_own_ids() {
    let Some(machine) = Machine::new() else { return };
    let wanted =
        "1000\n1000\n1000\n2\n1000:1000:-rw-rw-rw-\nfd fuse null shm snd tty urandom zero ";
    assert_eq!(machine.output(&format!("fuse 666; {AS_USER}")), wanted);
    // This machine has real nodes.
    let script =
        format!("fuse 666; mkdir /dev/snd; mknod /dev/snd/controlC0 c 1 5; {AS_USER}; ls /dev/snd");
    assert_eq!(machine.output(&script), format!("{wanted}controlC0\n"));
}

#[test]
fn an_ordinary_user_can_nest() {
    let Some(machine) = Machine::new() else { return };
    let script = "fuse 666; user $aseqd run -- $aseqd run -- sh -c 'id -u; aconnect -l | grep -c ^client; exit 3'; echo $?";
    assert_eq!(machine.output(script), "1000\n2\n3\n");
}

#[test]
fn nothing_is_left_of_a_users_run_that_was_killed() {
    let Some(machine) = Machine::new() else { return };
    if !have(&["aseqdump", "aconnect"]) {
        return;
    }
    // At its end the test checks that nothing is left.
    let said = machine.output(
        "fuse 666
         setpriv --reuid 1000 --regid 1000 --clear-groups $aseqd run -- sh -c '
             aseqdump >/dev/null & until aconnect -l | grep -q aseqdump; do sleep 0.02; done
             echo listening; exec sleep 1007' >/dev/shm/said & front=$!
         until grep -qs listening /dev/shm/said; do kill -0 $front || exit; sleep 0.02; done
         kill -9 $front; wait $front 2>/dev/null; echo $?",
    );
    assert_eq!(said, "137\n");
}

#[test]
fn root_without_the_right_to_mount_makes_a_user_namespace() {
    let Some(machine) = Machine::new() else { return };
    let script = "fuse 600; setpriv --bounding-set=-sys_admin $aseqd run -- sh -c 'id -u; aconnect -l | grep -c ^client'";
    assert_eq!(machine.output(script), "0\n2\n");
}

#[test]
fn without_fuse_it_says_how_to_get_it() {
    let Some(machine) = Machine::new() else { return };
    for door in ["fuse", "handover"] {
        let refused = |before: &str, user: &str, hint: &str| {
            let line = format!("{before} {user} $aseqd run --via {door} -- echo reached");
            let said = machine.refused(&line);
            assert!(said.contains("/dev/fuse cannot be opened") && said.contains(hint), "{said}");
        };
        refused("", "", "modprobe fuse");
        refused("", "user", "modprobe fuse");
        refused("fuse 600;", "user", "chmod 666");
        // The node has no driver.
        refused("mknod /dev/fuse c 10 17;", "", "module fuse");
    }
}

#[test]
fn without_user_namespaces_it_says_how_to_allow_them() {
    let Some(machine) = Machine::new() else { return };
    // The limit belongs to a namespace that is made here; the machine's own limit does not change.
    let script = "fuse 666; unshare --user --map-root-user sh -c '
        echo 0 >/proc/sys/user/max_user_namespaces
        exec setpriv --bounding-set=-sys_admin $aseqd run --via fuse -- echo reached'";
    let said = machine.refused(script);
    assert!(said.contains("may not make a user namespace"), "{said}");
    assert!(said.contains("user.max_user_namespaces"), "{said}");
}
