//! `run --join DIR`: users join a sequencer that somebody serves, or learn why they cannot.

use crate::common::*;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Lines for `sh` that make a machine where every user may open `/dev/fuse`.
const FILES: &str = "mknod -m 666 /dev/fuse c 10 229; mount -t tmpfs -o mode=755 tmpfs /run";
/// Lines for `sh` that define two ordinary users, and make a folder of the first one.
const SETUP: &str = "
mkdir -m 777 /run/one; chown 1000:1000 /run/one; cd /run/one; exec 2>&1; set +e
as_one=\"setpriv --reuid 1000 --regid 1000 --clear-groups\"
one() { $as_one \"$@\"; }
two() { setpriv --reuid 1001 --regid 1001 --clear-groups \"$@\"; }
serve() {
    \"$@\" >/run/said & server=$!
    until grep -qs serving /run/said; do kill -0 $server || break; sleep 0.02; done; rm /run/said
}
# Of user 1.
serve_one() { serve $as_one \"$aseqd\" serve --mount midi; }
finish() { kill -TERM $server; wait $server; }
until_client() { until one \"$aseqd\" ls --device midi/seq | grep -q \":0 .*$1\"; do sleep 0.02; done; }
";

/// Returns what a script prints on such a machine.
fn machine(more: &str, script: &str) -> Option<String> {
    let programs = ["unshare", "mknod", "setpriv", "fusermount3", "aconnect", "aseqdump"];
    if !is_root() || !can_serve() || !have(&programs) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).expect("ours");
    let copy = folder.path().join("aseqd");
    copy_program(Path::new(ASEQD), &copy);
    let mut command = Command::new("unshare");
    // Nothing is left even if the test fails.
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command
        .arg(format!("{PRIVATE_DEV}{more}{FILES}{NAMED_USER}{SETUP}{script}"))
        .env("aseqd", &copy);
    command.env_remove("ASEQD_VIA").env_remove("ASEQD_DEVICE");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.stderr, "", "{ended:#?}");
    Some(ended.stdout)
}

#[test]
fn a_users_programs_join_what_the_user_serves() {
    for more in ["", "mkdir /dev/snd; mknod /dev/snd/controlC0 c 1 5\n"] {
        let script = "serve_one
            for via in fuse handover; do
                # Two runs meet, and the sequencer is there when they have ended.
                $as_one \"$aseqd\" run --via $via --join midi -- aseqdump -p 14:0 >heard & run=$!
                until_client aseqdump
                one \"$aseqd\" run --via $via --join midi -- sh -c 'aconnect -l | grep ^client >seen; exit 7'; echo $?
                # Its number is any: `aseqd ls` may have had the first one when it came.
                sed 's/client 1[23][0-9]:/client N:/; s/pid=[0-9]*/pid/' seen
                kill -TERM $run; wait $run; echo $?
                until [ $(one \"$aseqd\" ls --device midi/seq | grep -c ' (user, ') = 0 ]; do sleep 0.02; done
            done
            one \"$aseqd\" run --join midi -- sh -c 'ls /dev/snd; id -u'
            one \"$aseqd\" run --join /run/one/midi -- \"$aseqd\" ls | grep -c Midi
            finish; echo $?";
        let Some(said) = machine(more, script) else { return };
        // Accepts two statuses: that of the command, and that of aseqdump, which ends by itself at SIGTERM.
        let once = "7\nclient 0: 'System' [type=kernel]\nclient 14: 'Midi Through' [type=kernel]\n\
                    client N: 'aseqdump' [type=user,pid]\n0\n";
        let controls = if more.is_empty() { "" } else { "controlC0\n" };
        assert_eq!(said, format!("{once}{once}{controls}seq\ntimer\n1000\n2\n0\n"));
    }
}

#[test]
fn users_meet_in_a_sequencer_that_root_serves_to_all() {
    let script = "serve \"$aseqd\" serve --mount midi --mode 666
        $as_one \"$aseqd\" run --join midi -- aseqdump >heard & run=$!
        until_client aseqdump
        for via in fuse handover; do
            two \"$aseqd\" run --via $via --join midi -- aconnect -l | grep -c aseqdump
        done
        # Within a run, too, where the other door's library or filter is.
        two \"$aseqd\" run -- \"$aseqd\" run --join /run/one/midi -- aconnect -l | grep -c aseqdump
        kill -TERM $run; wait $run; finish
        # The machine's own folder and devices.
        serve \"$aseqd\" serve --mode 666
        two \"$aseqd\" run --join /run/aseqd -- aconnect -l | grep -c ^client
        two \"$aseqd\" run --join /dev/snd -- sh -c 'aconnect -l | grep -c ^client; ls /dev/snd'
        finish";
    let Some(said) = machine("", script) else { return };
    assert_eq!(said, "2\n2\n2\n2\n2\nseq\ntimer\n");
}

#[test]
fn processes_that_outlive_the_command_keep_the_sequencer() {
    let script = "serve_one
        one \"$aseqd\" run --join midi -- sh -c 'aseqdump >/dev/null & echo $! >left
            until aconnect -l | grep -q aseqdump; do sleep 0.02; done; exit 3'; echo $?
        one \"$aseqd\" ls --device midi/seq | grep -c '  aseqdump  (user'
        kill -TERM $(cat left); finish; echo $?";
    let Some(said) = machine("", script) else { return };
    assert_eq!(said, "3\n1\n0\n");
}

#[test]
fn files_that_are_handed_over_look_as_they_are_served() {
    let script = "serve_one
        one \"$aseqd\" run --via handover --join midi -- sh -c 'stat -c \"%a %u %F\" /dev/snd/seq; id -u'
        finish; echo $?";
    let Some(said) = machine("", script) else { return };
    assert_eq!(said, "600 1000 character special file\n1000\n0\n");
}

#[test]
fn who_cannot_join_is_told_why_in_a_sentence() {
    let script = "join() { \"$@\" run --join $folder -- echo in; echo $?; }
        folder=/nonexistent join one \"$aseqd\"
        folder=. join one \"$aseqd\"
        echo text >seq; chmod 666 seq; folder=. join one \"$aseqd\"; folder=seq join one \"$aseqd\"; rm seq
        mkdir closed; chmod 700 closed; folder=closed join one \"$aseqd\"
        serve_one
        folder=midi/seq join one \"$aseqd\"
        folder=midi join two \"$aseqd\"; folder=midi join \"$aseqd\"
        one \"$aseqd\" run --via trap --join midi -- echo in; echo $?
        one \"$aseqd\" run --trace --join midi -- echo in 2>&1 | head -n 1
        kill -STOP $server; folder=midi join one \"$aseqd\"; kill -CONT $server
        kill -KILL $server; wait $server 2>/dev/null; folder=midi join one \"$aseqd\"
        umount midi; folder=midi join one \"$aseqd\"
        serve \"$aseqd\" serve --mount midi; folder=midi join one \"$aseqd\"; finish";
    let Some(said) = machine("", script) else { return };
    let audio = std::fs::read_to_string("/etc/group").expect("groups");
    let audio = audio.lines().find_map(|line| line.strip_prefix("audio:x:")?.split(':').next());
    let wanted = format!(
        "aseqd: /nonexistent cannot be joined: no such file or directory\n127\n\
         aseqd: . has no sequencer: start one with `aseqd serve --mount .`\n127\n\
         aseqd: ./seq is no sequencer\n127\n\
         aseqd: seq is a file: give the folder of an `aseqd serve --mount`, perhaps .\n127\n\
         aseqd: this user may not open closed/seq: serve it with another `--mode`, `--owner` or `--group`\n127\n\
         aseqd: midi/seq is a file: give the folder of an `aseqd serve --mount`, perhaps midi\n127\n\
         aseqd: midi is served to user 1000 alone: others can join where /etc/fuse.conf has `user_allow_other`, \
         or if root serves it\n127\n\
         aseqd: midi is served to user 1000 alone: others can join where /etc/fuse.conf has `user_allow_other`, \
         or if root serves it\n127\n\
         aseqd: trap cannot join: only fuse and handover can\n127\n\
         aseqd: the argument '--trace' cannot be used with '--join <DIR>'\n\
         aseqd: midi is served, but its server does not answer: is it stopped?\n127\n\
         aseqd: midi is left over from a server that has ended: start `aseqd serve --mount midi` again\n127\n\
         aseqd: midi has no sequencer: start one with `aseqd serve --mount midi`\n127\n\
         aseqd: this user may not open midi/seq (mode 0660, user 0, group {}): serve it with another \
         `--mode`, `--owner` or `--group`\n127\n",
        audio.unwrap_or("0")
    );
    assert_eq!(said, wanted);
}
