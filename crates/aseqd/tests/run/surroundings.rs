//! The surroundings of a command are the same as without us, plus a sequencer.

use crate::common::*;
use std::fs;
use std::process::{Command, Stdio};

/// Returns what a script prints with and without a sequencer of its own.
fn without_and_with(script: &str) -> Option<(String, String)> {
    can_serve().then(|| (output(shell(script)), output(aseqd_run(["sh", "-c", script]))))
}

#[test]
fn descriptors_are_passed_on_and_no_others() {
    if !can_serve() {
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, "from the seventh").expect("a file");
    let script = "ls /proc/self/fd | tr '\\n' ' '; cat <&7";
    let outer = format!("exec 7<{}; exec \"$0\" \"$@\"", file.path().display());
    let print = |prefix: &[&str]| {
        let mut command = Command::new("bash");
        command.args(["-c", &outer]).args(prefix).args(["sh", "-c", script]);
        output(command)
    };
    let plain = print(&[]);
    assert!(plain.ends_with("from the seventh"), "{plain}");
    assert_eq!(print(&[ASEQD, "run", "--"]), plain);
}

#[test]
fn standard_input_and_output_are_the_commands() {
    if !can_serve() {
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    fs::write(&file, &text).expect("a file");
    let mut command = aseqd_run(["sh", "-c", "cat; echo to error >&2"]);
    let input = Stdio::from(fs::File::open(file.path()).expect("a file"));
    let ended = Process::start_with(&mut command, input).wait();
    assert_eq!(ended.stdout, text);
    assert_eq!(ended.stderr, "to error\n");
}

#[test]
fn a_pipe_ends_with_the_command() {
    if !can_serve() {
        return;
    }
    // The reader sees the end, although a process of ours lives a moment longer. A writer whose reader has gone is ended
    // by SIGPIPE, as usual.
    let script = format!("{ASEQD} run -- yes | head -n 2; echo \"${{PIPESTATUS[0]}}\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script]);
    assert_eq!(output(command), "y\ny\n141\n");
}

#[test]
fn the_environment_ids_limits_and_signals_are_those_without_us() {
    let script = "env | grep -v -e ^_= -e ^SHLVL= | sort; pwd; umask; ulimit -a; id; nice; cat /proc/self/cgroup; \
                  grep -e ^Sig -e ^Shd -e ^Cap -e ^NoNewPrivs -e ^Seccomp: /proc/self/status | grep -v ^SigQ";
    let Some((without, with)) = without_and_with(script) else { return };
    assert_eq!(with, without);
}

#[test]
fn ignored_signals_stay_ignored() {
    if !can_serve() {
        return;
    }
    let script = format!("trap '' HUP USR1; exec {ASEQD} run -- grep SigIgn /proc/self/status");
    let plain = output(shell("trap '' HUP USR1; exec grep SigIgn /proc/self/status"));
    assert_eq!(output(shell(&script)), plain);
}

/// Without job control, as in CI, a script and all that it starts are one process group. The kernel hangs up a group
/// with a stopped process when the group loses its last tie to the session. The end of a command must not be that.
#[test]
fn a_group_with_a_stopped_process_outlives_the_run() {
    if !can_serve() || !have(&["setsid"]) {
        return;
    }
    for door in ["fuse", "preload", "trap"] {
        let script = format!(
            "sleep 1008 & kill -STOP $!; {ASEQD} run --via {door} -- true; echo $?; kill -KILL $!"
        );
        let mut command = Command::new("setsid");
        command.args(["--wait", "sh", "-c", &script]);
        let ended = finish(command, DEADLINE);
        assert_eq!(
            (ended.stdout.as_str(), ended.status.code()),
            ("0\n", Some(0)),
            "{door}: {ended:?}"
        );
    }
}

#[test]
fn everything_else_in_dev_is_as_it_was() {
    // `dev.rs` tests where ptmx leads.
    let script = "cd /dev; find . -path ./pts -prune -o -path ./shm -prune -o -path ./mqueue -prune \
                  -o -path ./.aseqd -prune -o -path ./ptmx -prune -o ! -path './snd*' ! -path . -exec stat -c '%n %F %t:%T %a %u:%g' {} + | sort";
    let Some((without, with)) = without_and_with(script) else { return };
    assert_eq!(with, without);
    let script = "echo x >/dev/null && head -c 3 /dev/zero | wc -c && test -c /dev/pts/ptmx -o -d /dev/pts \
                  && echo one | cat /dev/stdin";
    assert_eq!(output(aseqd_run(["sh", "-c", script])), "3\none\n");
}

/// A process in a user namespace may mount a new procfs only if it sees one without anything mounted over it.
#[test]
fn sandboxes_can_be_made_inside() {
    if !can_serve() || !have(&["unshare"]) {
        return;
    }
    let sandbox = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    let echo = ["sh", "-c", "ls -d /proc/1; ls /dev/snd"];
    let mut plain = Command::new(sandbox[0]);
    plain.args(&sandbox[1..]).arg("true");
    if !finish(plain, DEADLINE).status.success() {
        skip("no sandbox can be made outside either");
        return;
    }
    assert_eq!(output(aseqd_run([&sandbox[..], &echo].concat())), "/proc/1\nseq\ntimer\n");
}

#[test]
fn the_device_is_what_programs_expect() {
    if !can_serve() {
        return;
    }
    let script = "test -r /dev/snd/seq && test -w /dev/snd/seq && stat -c '%u:%g' /dev/snd/seq; id -u; id -g";
    let said = output(aseqd_run(["sh", "-c", script]));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("{}:{}", lines[1], lines[2]));
}

#[test]
fn runs_can_be_nested_and_are_apart() {
    if !can_serve() || !have(&["aconnect", "aseqdump"]) {
        return;
    }
    // The outer sequencer has a client. The inner one, and one inside that, must not show it.
    let script = format!(
        "aseqdump >/dev/null & until aconnect -l | grep -q aseqdump; do sleep 0.02; done
         {ASEQD} run -- {ASEQD} run -- sh -c 'aconnect -l | grep -c ^client; exit 9'; echo $?
         aconnect -l | grep -c ^client"
    );
    let mut command = aseqd_run(["sh", "-c", &script]);
    let mark = Mark::new(&mut command);
    assert_eq!(output(command), "2\n9\n3\n");
    mark.expect_nothing();
}

#[test]
fn runs_at_the_same_time_are_apart() {
    if !can_serve() || !have(&["aconnect"]) {
        return;
    }
    let runs: Vec<_> = (0..6)
        .map(|_| {
            let mut command = aseqd_run(["aconnect", "-l"]);
            let mark = Mark::new(&mut command);
            (Process::start(command), mark)
        })
        .collect();
    for (run, mark) in runs {
        let ended = run.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout.matches("client ").count(), 2, "{ended:?}");
        mark.expect_nothing();
    }
}
