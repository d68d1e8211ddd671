//! How a run ends, and that nothing is left of it.

use crate::common::*;
use rustix::process::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A process of a run.
pub(super) fn front_and_keeper(run: &mut Process, mark: &Mark) -> (i32, i32) {
    let front = run.pid();
    let mut keeper = 0;
    run.wait_until("the keeper", |_| {
        let processes = mark.processes();
        let ours = processes.iter().filter(|(_, line)| line.starts_with(ASEQD));
        keeper = ours.map(|(pid, _)| *pid).find(|pid| *pid != front).unwrap_or_default();
        keeper != 0
    });
    (front, keeper)
}

pub(super) fn kill(pid: i32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, signal).expect("a living process");
}

#[test]
fn the_status_is_that_of_the_command() {
    if !can_serve() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    fs::write(&text, "no program").expect("a file");
    let (text, folder) = (text.to_str().expect("a name"), folder.path().to_str().expect("a name"));
    let cases: &[(&[&str], i32, &str)] = &[
        (&["true"], 0, ""),
        (&["false"], 1, ""),
        (&["sh", "-c", "exit 3"], 3, ""),
        (&["sh", "-c", "exit 255"], 255, ""),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (&["sh", "-c", "kill -KILL $$"], 137, ""),
        (&["sh", "-c", "kill -SEGV $$"], 139, ""),
        (&["no-such-program"], 127, "aseqd: no-such-program: command not found\n"),
        (&["/no/such/program"], 127, "aseqd: /no/such/program: command not found\n"),
        (
            &["aconnect -l"],
            127,
            "aseqd: aconnect -l: command not found; do not quote the command and its arguments",
        ),
        (
            &["A=1", "true"],
            127,
            "aseqd: A=1: command not found; to set a variable, use `env NAME=VALUE CMD`\n",
        ),
        (&[text], 126, "permission denied"),
        (&[folder], 126, "permission denied"),
    ];
    for (arguments, status, said) in cases {
        let mut command = aseqd_run(*arguments);
        let mark = Mark::new(&mut command);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(*status), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {ended:?}");
        assert_eq!(ended.stderr.is_empty(), said.is_empty(), "{arguments:?}: {ended:?}");
        mark.expect_nothing();
    }
}

/// Like in a container, the first process of the session has no number in this namespace.
#[test]
fn signals_reach_the_command_where_the_session_began_outside() {
    if !is_root() || !can_serve() || !have(&["unshare"]) {
        return;
    }
    let script = "\"$aseqd\" run -- sh -c 'trap \"exit 9\" HUP; echo ready; while :; do sleep 0.02; done' >said & run=$!
        until grep -qs ready said; do kill -0 $run || exit; sleep 0.02; done
        kill -HUP $run; wait $run; echo $?";
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]);
    command.current_dir(&folder).env("aseqd", ASEQD);
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.stdout, "9\n", "{ended:?}");
}

#[test]
fn signals_reach_the_command() {
    if !can_serve() {
        return;
    }
    let script = "for name in HUP INT QUIT TERM USR1 USR2; do trap \"echo got $name\" $name; done
                  trap 'echo got ALRM; exit 7' ALRM
                  echo ready
                  while :; do sleep 0.02; done";
    let mut command = aseqd_run(["sh", "-c", script]);
    let mark = Mark::new(&mut command);
    let mut run = Process::start(command);
    run.wait_for_output("ready");
    let signals = [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::TERM, "TERM"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
    ];
    for (signal, name) in signals {
        run.signal(signal);
        if signal != Signal::ALARM {
            run.wait_for_output(&format!("got {name}\n"));
        }
    }
    let ended = run.wait();
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1 + signals.len(), "each once: {}", ended.stdout);
    mark.expect_nothing();
}

#[test]
fn a_signal_that_ends_the_command_is_the_status() {
    if !can_serve() {
        return;
    }
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut command = aseqd_run(["sleep", "1000"]);
        let mark = Mark::new(&mut command);
        let mut run = Process::start(command);
        run.wait_until("the command", |_| mark.pid_of("sleep 1000").is_some());
        run.signal(signal);
        assert_eq!(run.wait().status.code(), Some(status), "{signal:?}");
        mark.expect_nothing();
    }
}

/// Starts a command that has a client and children, one of them without a client.
const FAMILY: &str = "aseqdump >/dev/null 2>&1 & sleep 1001 & echo ready; sleep 1002";

fn family() -> Option<(Process, Mark)> {
    if !can_serve() || !have(&["aseqdump"]) {
        return None;
    }
    let mut command = aseqd_run(["sh", "-c", FAMILY]);
    let mark = Mark::new(&mut command);
    let mut run = Process::start(command);
    run.wait_until("the family", |_| {
        let all = ["aseqdump", "sleep 1001", "sleep 1002"];
        all.into_iter().all(|line| mark.pid_of(line).is_some())
    });
    Some((run, mark))
}

#[test]
fn nothing_is_left_when_the_front_is_killed() {
    let Some((run, mark)) = family() else { return };
    run.signal(Signal::KILL);
    run.wait();
    mark.expect_nothing();
}

#[test]
fn nothing_is_left_when_the_keeper_is_killed() {
    let Some((mut run, mark)) = family() else { return };
    let (_, keeper) = front_and_keeper(&mut run, &mark);
    kill(keeper, Signal::KILL);
    let ended = run.wait();
    assert_eq!(ended.status.code(), Some(127));
    assert_eq!(ended.stderr, "aseqd: the process that serves the sequencer has died\n");
    mark.expect_nothing();
}

#[test]
fn a_killed_command_takes_its_clients_along() {
    let Some((run, mark)) = family() else { return };
    let shell = mark.pid_of(&format!("sh -c {FAMILY}")).expect("the command");
    kill(shell, Signal::KILL);
    assert_eq!(run.wait().status.code(), Some(137));
    // A process without a client is left alone, as if there had been no aseqd.
    for line in ["sleep 1001", "sleep 1002"] {
        kill(mark.pid_of(line).expect("left alone"), Signal::KILL);
    }
    mark.expect_nothing();
}

#[test]
fn a_command_that_ends_leaves_its_children_but_for_clients() {
    if !can_serve() || !have(&["aseqdump"]) {
        return;
    }
    let script = "aseqdump >/dev/null & sleep 1003 &
                  until aconnect -l | grep -q aseqdump; do sleep 0.02; done; exit 4";
    let mut command = aseqd_run(["sh", "-c", script]);
    let mark = Mark::new(&mut command);
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    assert_eq!(mark.pid_of("aseqdump"), None, "a client does not outlive its sequencer");
    kill(mark.pid_of("sleep 1003").expect("left alone"), Signal::KILL);
    mark.expect_nothing();
}

/// Script that waits for a file, then opens others and starts programs. At its end it prints that, and its parent.
const DAEMON: &str = "echo started >started
while [ ! -e go ]; do sleep 0.05; done
{ head -c 4 /etc/passwd; echo; test -d / && ls -d /; cat /dev/snd/seq >/dev/null; echo status $?
echo parent $(sed -n 's/^PPid:[^0-9]*//p' /proc/$$/status); } >said 2>&1
mv said end";

/// A process that does not hold the device and outlives CMD goes on as if there had been no aseqd.
#[test]
fn processes_that_outlive_the_command_go_on() {
    for door in ["fuse", "handover", "preload", "trap"] {
        if matches!(door, "fuse" | "handover") && !can_serve() {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let place = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        fs::write(file("daemon"), DAEMON).expect("a script");
        let script = "setsid sh daemon </dev/null >/dev/null 2>&1 &
                      until [ -e started ]; do sleep 0.02; done; exit 7";
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--", "sh", "-c", script]);
        command.current_dir(&folder).env("XDG_RUNTIME_DIR", place.path());
        let mark = Mark::new(&mut command);
        // The output ends when the run ends, not when the daemon does.
        let ended = finish(command, DEADLINE);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(7), ""), "{door}");
        fs::write(file("go"), "").expect("a file");
        wait_until("the daemon to end", || file("end").exists());
        let said = fs::read_to_string(file("end")).expect("what it said");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!((lines[0], lines[1]), ("root", "/"), "{door}: {said}");
        assert_eq!((lines.len(), lines[3]), (5, "status 1"), "{door}: {said}");
        let why = match door {
            "fuse" => "Transport endpoint is not connected",
            "preload" => "No such device",
            _ => "No such file or directory",
        };
        assert!(lines[2].starts_with("cat: /dev/snd/seq: ") && lines[2].ends_with(why), "{said}");
        // The processes that stayed for it end with it, and leave nothing.
        let parent = lines[4].strip_prefix("parent ").expect("a number");
        let line = format!("/proc/{parent}/cmdline");
        let stays = || fs::read(&line).is_ok_and(|line| line.starts_with(b"aseqd\0remain"));
        wait_until("the last process to end", || !stays());
        let left = || fs::read_dir(place.path()).expect("a folder").count();
        wait_until("the library to go", || left() == 0);
        mark.expect_nothing();
    }
}

/// Neither process of a run leaves its library behind when the other is killed.
#[test]
fn no_library_is_left_when_a_process_of_a_run_is_killed() {
    for front_is_killed in [true, false] {
        let place = tempfile::tempdir().expect("a folder");
        let left = || fs::read_dir(place.path()).expect("a folder").count();
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", "preload", "--", "sh", "-c", "echo started; sleep 1004"]);
        command.env("XDG_RUNTIME_DIR", place.path());
        let mark = Mark::new(&mut command);
        let mut run = Process::start(command);
        run.wait_for_output("started\n");
        assert_eq!(left(), 1, "the library is there");
        let (front, keeper) = front_and_keeper(&mut run, &mark);
        kill(if front_is_killed { front } else { keeper }, Signal::KILL);
        run.wait();
        mark.expect_nothing();
        wait_until("the library to go", || left() == 0);
    }
}

#[test]
fn a_client_that_ignores_the_request_to_end_is_made_to() {
    if !can_serve() {
        return;
    }
    let script = "(trap '' TERM; exec 3<>/dev/snd/seq; sleep 1004; sleep 1005) & 
                  until ls -l /proc/*/fd 2>/dev/null | grep -q 'snd/seq'; do sleep 0.02; done";
    let mut command = aseqd_run(["sh", "-c", script]);
    let mark = Mark::new(&mut command);
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    mark.expect_nothing();
}

/// A program on a terminal of its own.
struct AtTerminal {
    child: Child,
    keyboard: fs::File,
    screen: String,
}

impl AtTerminal {
    fn start(mut command: Command) -> Self {
        let (slave, master) = sys::terminal().expect("a terminal");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        command.stdin(end()).stdout(end()).stderr(end());
        sys::control_terminal(&mut command);
        let child = command.spawn().expect("a program");
        rustix::io::ioctl_fionbio(&master, true).expect("a descriptor of ours");
        Self { child, keyboard: master.into(), screen: String::new() }
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("a terminal");
    }

    fn look(&mut self) {
        let mut bytes = [0; 1000];
        // There is nothing to read, or the other end is closed.
        while let Ok(read @ 1..) = self.keyboard.read(&mut bytes) {
            self.screen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    fn wait_for_screen(&mut self, wanted: &str) {
        let end = Instant::now() + DEADLINE;
        while !self.screen.contains(wanted) {
            assert!(Instant::now() < end, "waiting for {wanted:?} in {:?}", self.screen);
            self.look();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Waits for the end of the program. Returns its status, and all that it has shown.
    fn wait(mut self) -> (Option<i32>, String) {
        let mut status = None;
        wait_until("its end", || {
            self.look();
            status = self.child.try_wait().expect("a child of ours");
            status.is_some()
        });
        self.look();
        (status.and_then(|status| status.code()), std::mem::take(&mut self.screen))
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

const CTRL_C: &[u8] = b"\x03";
const CTRL_BACKSLASH: &[u8] = b"\x1c";

#[test]
fn ctrl_c_ends_everything() {
    if !can_serve() {
        return;
    }
    for (key, status) in [(CTRL_C, 130), (CTRL_BACKSLASH, 131)] {
        let mut command = aseqd_run(["sh", "-c", "sleep 1006 | cat; echo not reached"]);
        let mark = Mark::new(&mut command);
        let mut run = AtTerminal::start(command);
        wait_until("the command", || {
            mark.pid_of("sleep 1006").is_some() && mark.pid_of("cat").is_some()
        });
        run.type_in(key);
        let (code, screen) = run.wait();
        assert_eq!(code, Some(status), "{screen}");
        assert!(!screen.contains("reached"), "{screen}");
        mark.expect_nothing();
    }
}

#[test]
fn a_command_that_handles_ctrl_c_gets_it_once() {
    if !can_serve() {
        return;
    }
    let script = "trap 'echo caught' INT; echo ready; read a; read b; echo \"have $a$b\"; exit 5";
    let mut command = aseqd_run(["bash", "-c", script]);
    let mark = Mark::new(&mut command);
    let mut run = AtTerminal::start(command);
    run.wait_for_screen("ready");
    run.type_in(CTRL_C);
    run.wait_for_screen("caught");
    run.type_in(b"one\n");
    run.type_in(b"two\n");
    let (code, screen) = run.wait();
    assert_eq!(code, Some(5), "{screen}");
    assert_eq!(screen.matches("caught").count(), 1, "{screen}");
    mark.expect_nothing();
}

#[test]
fn a_run_can_be_stopped_and_continued_at_a_terminal() {
    if !can_serve() {
        return;
    }
    // An interactive shell stops the job and continues it.
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noediting", "-i"]).env("PS1", "$ ").env("ASEQD", ASEQD);
    let mark = Mark::new(&mut shell);
    let mut run = AtTerminal::start(shell);
    run.type_in(b"$ASEQD run -- sh -c 'echo rea\"\"dy; read a; echo have $a'\n");
    run.wait_for_screen("ready");
    run.type_in(b"\x1a");
    run.wait_for_screen("Stopped");
    run.type_in(b"fg\n");
    run.type_in(b"it\n");
    run.wait_for_screen("have it");
    run.type_in(b"exit\n");
    run.wait();
    mark.expect_nothing();
}

#[test]
fn a_run_that_leads_its_session_ends_with_its_terminal() {
    if !can_serve() {
        return;
    }
    for door in ["fuse", "trap"] {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--", "sh", "-c", "echo rea\"\"dy; exec sleep 600"]);
        let mark = Mark::new(&mut command);
        let mut run = AtTerminal::start(command);
        run.wait_for_screen("ready");
        // The terminal's window is closed.
        run.keyboard = fs::File::open("/dev/null").expect("a file");
        let end = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = run.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < end, "{door}: the run goes on without its terminal");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(129), "{door}: {status:?}");
        mark.expect_nothing();
    }
}
