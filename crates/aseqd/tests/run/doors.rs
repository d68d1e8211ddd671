//! The doors of a run: each by its name, and the one that `run` chooses.

use crate::common::*;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const DOORS: [&str; 4] = ["fuse", "handover", "preload", "trap"];

/// Returns the command `aseqd run OPTIONS -- sh -c SCRIPT`.
fn run(options: &[&str], script: &str) -> Ended {
    let mut command = Command::new(ASEQD);
    command.arg("run").args(options).args(["--", "sh", "-c", script]);
    command.env_remove("ASEQD_VIA");
    finish(command, DEADLINE)
}

/// Returns a command that runs a script in a mount namespace without `/dev/fuse`.
fn without_fuse(script: &str) -> Option<Ended> {
    if !is_root() || !have(&["unshare", "setpriv", "mknod"]) {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg(format!("{PRIVATE_DEV}set +e\n{script}"));
    command.env("aseqd", ASEQD).env_remove("ASEQD_VIA");
    Some(finish(command, DEADLINE))
}

#[test]
fn every_door_can_be_asked_for_and_leads_to_a_sequencer_of_its_own() {
    if !can_serve() || !have(&["aconnect"]) {
        return;
    }
    for door in DOORS {
        let ended = run(&["-v", "--via", door], "aconnect -l | grep -c ^client; exit 5");
        assert_eq!(ended.status.code(), Some(5), "{door}: {ended:#?}");
        assert_eq!(ended.stdout, "2\n", "{door}: {ended:#?}");
        assert!(ended.stderr.starts_with("aseqd: door: "), "{door}: {ended:#?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{door}: {ended:#?}");
    }
}

/// A door must not count the descriptors by which it is made among those of our files: `run` would wait for itself,
/// and only SIGKILL would end it.
#[test]
fn with_few_descriptors_left_a_door_is_refused_in_one_line() {
    for door in ["handover", "trap"] {
        for limit in ["ulimit -n 8", "ulimit -n 12"] {
            let mut command = Command::new("sh");
            let script = format!("{limit}; exec \"$aseqd\" run --via {door} -- echo ran");
            command.args(["-c", &script]).env("aseqd", ASEQD).env_remove("ASEQD_VIA");
            let ended = finish(command, DEADLINE);
            match ended.status.code() {
                Some(0) => assert_eq!(ended.stdout, "ran\n", "{door}, {limit}: {ended:#?}"),
                status => {
                    assert_eq!(status, Some(127), "{door}, {limit}: {ended:#?}");
                    assert_eq!(ended.stderr.lines().count(), 1, "{door}, {limit}: {ended:#?}");
                }
            }
        }
    }
}

/// To close a copy of a descriptor may have to wait for the file system, so the hand-over takes none to find out that the
/// file is not the timer device.
#[test]
fn a_request_for_a_timer_on_a_file_of_a_stuck_file_system_holds_nobody_up() {
    if !can_serve() || !is_root() || !have(&["python3"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/stuck.py");
    let mut command = Command::new(ASEQD);
    command.args(["run", "--via", "handover", "--", "python3"]).arg(script).arg(folder.path());
    let ended = finish(command, DEADLINE);
    let wanted = "refused: Inappropriate ioctl for device\nopened\n";
    assert_eq!(ended.stdout, wanted, "{ended:#?}");
}

/// The error names the place that has no room, and nothing is left there.
#[test]
fn a_full_place_for_the_library_is_named() {
    // The script may cover the place in which the program lies.
    let script = "exec 3<\"$aseqd\"; for place in /tmp /dev/shm; do
            mount -t tmpfs -o size=16k,mode=1777 small $place
        done
        env -u XDG_RUNTIME_DIR HOME=/nonexistent /proc/self/fd/3 run --via preload -- true
        echo status $?; ls -A /tmp /dev/shm";
    let Some(ended) = without_fuse(script) else { return };
    let full = "/tmp (no space left on device), /dev/shm (no space left on device)";
    assert!(ended.stderr.contains(full), "{ended:#?}");
    assert_eq!(ended.stdout, "status 127\n/dev/shm:\n\n/tmp:\n", "{ended:#?}");
}

#[test]
fn the_variable_chooses_a_door_as_the_option_does() {
    if !can_serve() {
        return;
    }
    // The trap shows a character device; a FUSE file is a regular one.
    for (door, status) in [("trap", 0), ("fuse", 1)] {
        let mut command = aseqd_run(["sh", "-c", "test -c /dev/snd/seq"]);
        command.env("ASEQD_VIA", door);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(status), "{door}: {ended:#?}");
    }
    let mut command = aseqd_run(["true"]);
    command.env("ASEQD_VIA", "window");
    let ended = finish(command, DEADLINE);
    assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("possible values: fuse, handover, preload, trap"), "{ended:#?}");
}

#[test]
fn without_fuse_a_dynamic_program_gets_a_library_and_is_told_why() {
    let Some(ended) = without_fuse("$aseqd run -v -- aconnect -l | grep -c ^client") else {
        return;
    };
    assert_eq!(ended.stdout, "2\n", "{ended:#?}");
    let said: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(said.len(), 3, "{ended:#?}");
    assert!(said[0].starts_with("aseqd: not by fuse: /dev/fuse cannot be opened"), "{ended:#?}");
    assert!(said[1].starts_with("aseqd: not by handover: "), "{ended:#?}");
    assert!(said[2].starts_with("aseqd: door: preload: the library "), "{ended:#?}");
    // Without `-v`, `run` prints nothing.
    let Some(ended) = without_fuse("$aseqd run -- aconnect -l | grep -c ^client") else { return };
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("2\n", ""));
}

#[test]
fn without_fuse_an_ordinary_user_gets_a_sequencer_too() {
    // The program must lie in a place where the user may execute it.
    let script = "user() { setpriv --reuid 1000 --regid 1000 --clear-groups \"$@\"; }
        cp $aseqd /dev/shm/aseqd; chmod 755 /dev/shm/aseqd
        for door in preload trap; do
            user /dev/shm/aseqd run --via $door -- sh -c 'id -u; aconnect -l | grep -c ^client'
        done; rm /dev/shm/aseqd; ls /dev/shm";
    let Some(ended) = without_fuse(script) else { return };
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("1000\n2\n1000\n2\n", ""));
}

/// Sends a note to itself, and waits for it.
const SENDS: &str = r#"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <sound/asequencer.h>
int main(void)
{
    struct snd_seq_port_info port = { .capability = 0x7f };
    struct snd_seq_event sent = { .type = SNDRV_SEQ_EVENT_NOTEON, .queue = SNDRV_SEQ_QUEUE_DIRECT }, read_back;
    int id = -1, fd = open("/dev/snd/seq", O_RDWR);
    struct pollfd polled = { fd, POLLIN, 0 };
    if (fd < 0 || ioctl(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, &id)) {
        perror("seq");
        return 1;
    }
    port.addr.client = id;
    if (ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port))
        return 3;
    sent.dest = port.addr;
    sent.data.note.note = 60;
    if (poll(&polled, 1, 0) != 0 || write(fd, &sent, sizeof sent) != sizeof sent || poll(&polled, 1, -1) != 1 ||
        read(fd, &read_back, sizeof read_back) != sizeof read_back)
        return 2;
    printf("%d %d\n", id, read_back.data.note.note);
    return 0;
}
"#;

#[test]
fn without_fuse_a_static_program_gets_a_trap() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("sends.c");
    std::fs::write(&source, SENDS).expect("a file");
    // musl's compiler does not search the folder of the kernel's headers.
    let machine = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let headers = ["/usr/include", &machine];
    for compiler in ["cc", "musl-gcc"] {
        if !have(&[compiler]) {
            continue;
        }
        let program = folder.path().join(compiler);
        let mut compile = Command::new(compiler);
        compile.arg("-static").arg("-o").arg(&program).arg(&source);
        for folder in headers {
            compile.args(["-idirafter", folder]);
        }
        assert!(compile.status().expect(compiler).success(), "{compiler}");
        let script = format!("$aseqd run -v -- {}", program.display());
        let Some(ended) = without_fuse(&script) else { return };
        assert_eq!(ended.stdout, "128 60\n", "{compiler}: {ended:#?}");
        let said: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(said.len(), 4, "{ended:#?}");
        assert!(said[2].contains("not by preload: ") && said[2].contains("statically linked"));
        assert!(said[3].starts_with("aseqd: door: trap: "), "{ended:#?}");
    }
}

/// The loader of such a program would end it if the library were preloaded.
#[test]
fn without_fuse_a_program_with_too_old_a_glibc_gets_a_trap() {
    if !have(&["cc"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let compile = |arguments: &[String]| {
        let compiled = Command::new("cc").args(arguments).status().expect("cc");
        assert!(compiled.success(), "{arguments:?}");
    };
    // The C library beside the loader is not used. It only has the versions of an old one.
    std::fs::write(path("old.map"), "GLIBC_2.0 { global: none; local: *; };\n").expect("a file");
    std::fs::write(path("old.c"), "int none;\n").expect("a file");
    std::fs::write(path("sends.c"), SENDS).expect("a file");
    let text = |name: &str| path(name).display().to_string();
    compile(&[
        "-shared".to_owned(),
        "-nostdlib".to_owned(),
        format!("-Wl,--version-script={},-soname,libc.so.6", text("old.map")),
        "-o".to_owned(),
        text("libc.so.6"),
        text("old.c"),
    ]);
    std::fs::copy(loader_of(Path::new("/bin/sh")), path("ld-linux-old.so")).expect("a loader");
    compile(&[
        format!("-Wl,--dynamic-linker={}", text("ld-linux-old.so")),
        "-o".to_owned(),
        text("sends"),
        text("sends.c"),
    ]);
    let program = text("sends");
    let why = format!(
        "{program} has too old a C library for the library: {} has no GLIBC_",
        text("libc.so.6")
    );
    let script = format!("$aseqd run -v -- {program}");
    let Some(ended) = without_fuse(&script) else { return };
    assert_eq!(ended.stdout, "128 60\n", "{ended:#?}");
    let said: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(said.len(), 4, "{ended:#?}");
    assert!(said[2].starts_with(&format!("aseqd: not by preload: {why}")), "{ended:#?}");
    assert!(said[3].starts_with("aseqd: door: trap: "), "{ended:#?}");
    // A script of such an interpreter is such a program.
    let line = format!("#!{program}\n");
    std::fs::write(path("script"), line).expect("a file");
    let script = format!("chmod 755 {0}; $aseqd run --via preload -- {0}; echo $?", text("script"));
    let Some(ended) = without_fuse(&script) else { return };
    assert_eq!(ended.stdout, "127\n", "{ended:#?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
    assert!(ended.stderr.starts_with(&format!("aseqd: {why}")), "{ended:#?}");
}

/// Returns the dynamic loader that a program names.
fn loader_of(program: &Path) -> PathBuf {
    let bytes = std::fs::read(program).expect("a program");
    let start = bytes.windows(5).position(|piece| piece == b"/lib6" || piece == b"/lib/");
    let name = &bytes[start.expect("a loader")..];
    let end = name.iter().position(|byte| *byte == 0).expect("an end");
    PathBuf::from(std::str::from_utf8(&name[..end]).expect("a path"))
}

#[test]
fn where_no_door_leads_anywhere_one_sentence_says_so_of_each() {
    // No place is both writable and executable, there is no FUSE, and another program stops system calls already.
    let script = "cp $aseqd /dev/aseqd; export HOME=/nonexistent TMPDIR=/nonexistent
        mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp; mount -o remount,noexec /dev/shm
        unset XDG_RUNTIME_DIR
        /dev/aseqd run --via trap -- /dev/aseqd run -- echo reached";
    let Some(ended) = without_fuse(script) else { return };
    assert_eq!(ended.status.code(), Some(127), "{ended:#?}");
    assert_eq!(ended.stdout, "", "{ended:#?}");
    let line = ended.stderr.lines().last().unwrap_or_default();
    let start = "aseqd: no door leads to a sequencer here. fuse and handover: ";
    assert!(line.starts_with(start), "{ended:#?}");
    for door in &DOORS[2..] {
        assert!(line.contains(&format!("; {door}: ")), "{door}: {ended:#?}");
    }
}

#[test]
fn runs_are_nested_through_whatever_doors() {
    if !can_serve() || !have(&["aconnect"]) {
        return;
    }
    for outer in DOORS {
        let inner = format!("{ASEQD} run -- sh -c 'aconnect -l | grep -c ^client; exit 4'");
        let ended = run(&["--via", outer], &inner);
        assert_eq!(ended.status.code(), Some(4), "{outer}: {ended:#?}");
        assert_eq!(ended.stdout, "2\n", "{outer}: {ended:#?}");
    }
}

#[test]
fn a_client_that_outlives_the_command_is_ended_behind_every_door() {
    if !can_serve() || !have(&["aseqdump"]) {
        return;
    }
    for door in DOORS {
        let script = "aseqdump -p 14:0 >/dev/null & 
            until aconnect -l | grep -q aseqdump; do sleep 0.01; done; exit 6";
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", door, "--", "sh", "-c", script]);
        let mark = Mark::new(&mut command);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(6), "{door}: {ended:#?}");
        mark.expect_nothing();
    }
}

/// Maximum time, in ns, for which sleeping calls may go on after the server's death.
const AT_ONCE_NS: u64 = 100_000_000;
/// Number of tries: a busy machine may be slower than any server.
const TRIES: usize = 10;

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).expect("after the start") * 1_000_000_000
        + u64::try_from(now.tv_nsec).expect("a part of a second")
}

/// Kills the server while three calls sleep. Returns how long the slowest went on.
fn outlived(door: &str, program: &Path) -> u64 {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--via", door, "--"]).arg(program).env_remove("ASEQD_VIA");
    // The kernel hangs up a process group that loses its last parent while a process of it is stopped. This must not be
    // the test's own group.
    command.process_group(0);
    let mark = Mark::new(&mut command);
    let mut front = Process::start(command);
    front.wait_until("three children", |front| front.stdout().matches("sleeps").count() == 3);
    // The calls get time to fall asleep. A call that has not yet slept must end at once too.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let children = format!("/proc/{0}/task/{0}/children", front.pid());
    let keeper = std::fs::read_to_string(children).expect("its children");
    let keeper: i32 =
        keeper.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("one");
    // Otherwise `run` would end the processes that have lost their server.
    front.signal(Signal::STOP);
    let killed = now_ns();
    kill_process(Pid::from_raw(keeper).expect("a process"), Signal::KILL).expect("the server");
    front.wait_until("three ends", |front| front.stdout().lines().count() == 6);
    front.signal(Signal::CONT);
    let said = front.stdout();
    let mut slowest = 0;
    for line in said.lines().filter(|line| *line != "sleeps") {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        let [_, at, errno] = words[..] else { panic!("{door}: {said}") };
        assert!(errno.starts_with('E'), "{door}: an error: {said}");
        slowest = slowest.max(at.parse::<u64>().expect("a time").saturating_sub(killed));
    }
    front.wait();
    mark.expect_nothing();
    slowest
}

#[test]
fn sleeping_calls_end_at_once_when_the_server_is_killed() {
    if !can_serve() || !have(&["cc"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("sleeping");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run/sleeping.c");
    let compiled = Command::new("cc").arg("-o").arg(&program).arg(source).status();
    assert!(compiled.expect("cc").success());
    for door in DOORS {
        let mut times = Vec::new();
        while times.iter().all(|time| *time > AT_ONCE_NS) {
            assert!(times.len() < TRIES, "{door}: {times:?} ns");
            times.push(outlived(door, &program));
        }
        println!("{door}: the slowest of read, write, poll went on for {times:?} ns");
    }
}
