//! The doors that stop system calls: static programs, signals, containers, the death of the server.

#[path = "../common/mod.rs"]
mod common;

use common::*;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// Compiles a C program that has no dynamic linker.
fn compile(source: &str) -> PathBuf {
    compile_as("static", source)
}

/// Compiles a C program, static or not.
fn compile_as(kind: &str, source: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(source);
    let name = source.file_stem().expect("a name").to_string_lossy();
    let program = FOLDER.path().join(format!("{name}.{kind}"));
    let mut command = Command::new("cc");
    command.args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&program);
    command.args((kind == "static").then_some("-static"));
    let status = command.arg(&source).status().expect("a C compiler");
    assert!(status.success(), "{} compiles", source.display());
    program
}

static DENY: LazyLock<PathBuf> = LazyLock::new(|| compile("trap/c/deny.c"));
static ENDS: LazyLock<PathBuf> = LazyLock::new(|| compile("trap/c/ends.c"));

/// Returns the command `aseqd run --via DOOR -- PROGRAM ARGUMENTS`.
fn run_via<S: AsRef<OsStr>>(door: &str, program: S, arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--via", door, "--"]).arg(program).args(arguments);
    command
}

/// Returns the command of [`run`] for a server that may not make these system calls.
fn denied(numbers: &[i64], command: &Command) -> Command {
    let mut denied = Command::new(&*DENY);
    denied.args(numbers.iter().map(ToString::to_string)).arg("--");
    denied.arg(command.get_program()).args(command.get_args());
    denied
}

/// Cases of C programs that the preload door passes too.
macro_rules! cases {
    ($($file:ident: $($case:ident)*;)*) => { $(
        mod $file {
            use super::*;
            static PROGRAM: LazyLock<PathBuf> =
                LazyLock::new(|| compile(concat!("preload/c/", stringify!($file), ".c")));
            $(#[test]
            fn $case() {
                let command = run_via("trap", &*PROGRAM, &[stringify!($case)]);
                assert_eq!(output(command), "done\n");
            })*
        }
    )* };
}

cases! {
    states: poll_states epoll_states overflow long_writes;
    signals: read_is_interrupted read_goes_on nothing_is_lost write_is_interrupted write_sleeps
        read_is_left reader_is_cancelled handlers_call asynchronous timer_asynchronous;
    descriptors: forks execs;
    sleepers: threads many_sleepers killed;
}

/// Returns the path of a program's source in this folder.
macro_rules! programs {
    ($($name:ident)*) => { $(
        #[expect(non_upper_case_globals, reason = "named as its source")]
        static $name: LazyLock<PathBuf> =
            LazyLock::new(|| compile(concat!("trap/c/", stringify!($name), ".c")));
    )* };
}

programs! { pointers asks closes fuzz takes }

/// Returns what these programs printed on Linux 6.12.
const POINTERS_LINUX: &str = include_str!("pointers.linux-6.12.txt");
const ASKS_LINUX: &str = include_str!("asks.linux-6.12.txt");

/// Returns the lines that differ between two texts, with both forms.
fn differences<'a>(wanted: &'a str, found: &'a str) -> Vec<(&'a str, &'a str)> {
    assert_eq!(wanted.lines().count(), found.lines().count(), "as many answers: {found}");
    wanted.lines().zip(found.lines()).filter(|(wanted, found)| wanted != found).collect()
}

#[test]
fn no_pointer_of_a_program_does_harm() {
    let command = run_via("trap", &*pointers, &[]);
    let memory = [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
    for denied_calls in [&[][..], &[libc::SYS_pidfd_getfd], &memory] {
        let found = output(denied(denied_calls, &command));
        assert_eq!(differences(POINTERS_LINUX, &found), [], "without {denied_calls:?}");
    }
}

/// A program asks about the files in many ways. Each door answers like Linux, except for the differences listed here.
#[test]
fn every_door_answers_alike() {
    let links = tempfile::tempdir().expect("a folder");
    let links = links.path().to_str().expect("a name");
    let command = |door| run_via(door, &*asks, &[links]);
    let found = output(command("trap"));
    assert_eq!(differences(ASKS_LINUX, &found), []);
    // Without the program's descriptors the server cannot add our files to the list of a kernel's directory, and nothing
    // can be watched.
    let found = output(denied(&[libc::SYS_pidfd_getfd], &command("trap")));
    for (wanted, found) in differences(ASKS_LINUX, &found) {
        let known = wanted.starts_with("watch ") || wanted == "list /dev: null snd";
        assert!(known, "{wanted} / {found}");
    }
    // The library replaces calls of the C library on these paths. It does not list /dev.
    let dynamic = compile_as("dynamic", "trap/c/asks.c");
    let found = output(run_via("preload", dynamic, &[links]));
    let known = [
        "access /",
        "access r ",
        "access w ",
        "access x ",
        "access 8 ",
        "eaccess ",
        "stat /",
        "lstat ",
        "newfstatat ",
        "statx ",
        "stat around ",
        "excl ",
        "creat ",
        "stat from dev ",
        "open from dev ",
        "stat here ",
        "open here ",
    ];
    let of_files = |line: &&str| known.iter().any(|what| line.starts_with(what));
    let of_files = ASKS_LINUX.lines().filter(of_files).filter(|line| !line.contains("/dev/snd:"));
    let of_texts = ASKS_LINUX.lines().filter(|line| line.contains("/proc/asound"));
    for line in of_files.filter(|line| !line.contains("/dev/snd/..")).chain(of_texts) {
        assert!(found.lines().any(|found| found == line), "preload: {line}: {found}");
    }
    if !can_serve() {
        return;
    }
    let found = output(command("handover"));
    for (wanted, found) in differences(ASKS_LINUX, &found) {
        let of_open_file = wanted.starts_with("fstat /") || wanted.starts_with("fstatx /");
        assert!(of_open_file && found.ends_with("file 666 0:0 own"), "{wanted} / {found}");
    }
    // A mount adds nothing to procfs, and a FUSE file is a regular one.
    let found = output(command("fuse"));
    let lines = |text: &str| -> Vec<String> {
        let text = text.replace("device 666 116:1 ", "file 666 0:0 ");
        let text = text.replace("device 666 116:33 ", "file 666 0:0 ");
        text.lines().filter(|line| !line.contains("/proc/asound")).map(str::to_owned).collect()
    };
    let (wanted, found) = (lines(ASKS_LINUX).join("\n"), lines(&found).join("\n"));
    for (wanted, found) in differences(&wanted, &found) {
        assert!(wanted.contains("xattr") && found.ends_with("EOPNOTSUPP"), "{wanted} / {found}");
    }
}

/// Exit status of the fuzzer if it got no namespace of its own: it must not change the machine.
const NO_MACHINE: i32 = 77;

/// How much more memory the server may hold after random calls, in KiB.
const GROWTH_KIB: u64 = 8192;

/// Makes random calls with everything that can be wrong about them. `ASEQD_FUZZ_SECONDS` sets how long for each door,
/// `ASEQD_FUZZ_SEED` the seed. Afterwards the same server still answers as Linux does.
#[test]
fn calls_at_random_do_no_harm() {
    let number = |name: &str, default: u64| {
        let text = std::env::var(name).unwrap_or_default();
        if text.is_empty() { default } else { text.parse().expect("a number") }
    };
    let (seconds, seed) = (number("ASEQD_FUZZ_SECONDS", 1), number("ASEQD_FUZZ_SEED", 1));
    for door in ["trap", "handover"] {
        if door == "handover" && !can_serve() {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        // The server is the parent of the shell. It has all the memory that it needs after the first second.
        let held = "sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$PPID/status";
        let script = format!(
            "{0} {seed} 1 && {held} && {0} {seed}1 {seconds} && {held} && exec {1}",
            fuzz.display(),
            pointers.display()
        );
        let mut command = run_via(door, "sh", &["-c", &script]);
        command.current_dir(&folder);
        let ended = finish(command, DEADLINE + Duration::from_secs(seconds));
        let what = format!("{door}, seed {seed}: {ended:?}");
        if ended.status.code() == Some(NO_MACHINE) {
            return skip(ended.stderr.trim());
        }
        assert!(ended.status.success(), "{what}");
        assert!(!ended.stderr.contains("panicked"), "{what}");
        let mut lines = ended.stdout.lines();
        let mut next = || lines.next().unwrap_or_default();
        let (_warm, before, said, after) = (next(), next(), next(), next());
        eprintln!("{door}: {said}, {before} KiB before, {after} KiB after");
        let kib = |text: &str| text.parse::<u64>().expect("a number");
        assert!(kib(after) < kib(before) + GROWTH_KIB, "{what}");
        if door == "trap" {
            let found: Vec<_> = lines.collect();
            assert_eq!(differences(POINTERS_LINUX, &found.join("\n")), [], "seed {seed}");
        }
    }
}

#[test]
fn a_descriptor_that_is_taken_out_of_a_process_is_of_the_same_client() {
    assert_eq!(output(run_via("trap", &*takes, &[])), "done\n");
}

#[test]
fn clients_end_in_the_order_of_linux() {
    let command = run_via("trap", &*closes, &[]);
    assert_eq!(output(denied(&[libc::SYS_pidfd_getfd], &command)), "done\n");
    assert_eq!(output(command), "done\n");
}

/// Here the server may not take descriptors out of a program, as in a container by default.
#[test]
fn fifos_are_used_where_descriptors_cannot_be_taken() {
    let signals = compile("preload/c/signals.c");
    for case in [
        "read_is_interrupted",
        "read_goes_on",
        "nothing_is_lost",
        "asynchronous",
        "timer_asynchronous",
    ] {
        let command = run_via("trap", &signals, &[case]);
        assert_eq!(output(denied(&[libc::SYS_pidfd_getfd], &command)), "done\n", "{case}");
    }
}

/// Here the server can touch a program's memory only through its file.
#[test]
fn memory_is_reached_by_its_file() {
    let states = compile("preload/c/states.c");
    for case in ["poll_states", "long_writes"] {
        let command = run_via("trap", &states, &[case]);
        let numbers = [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
        assert_eq!(output(denied(&numbers, &command)), "done\n", "{case}");
    }
}

#[test]
fn the_texts_of_proc_are_files() {
    for door in ["trap", "handover"] {
        if door == "handover" && !can_serve() {
            continue;
        }
        let script = "cat /proc/asound/seq/clients; cd /proc; cat asound/timers";
        let text = output(run_via(door, "sh", &["-c", script]));
        assert!(text.contains("Client   0 : \"System\""), "{door}: {text}");
        assert!(text.contains("G0: system timer"), "{door}: {text}");
        let write = shell_refuses(door, "echo x >/proc/asound/timers");
        assert!(write.contains("Permission denied"), "{door}: {write}");
    }
}

/// Returns what a shell prints about a script that fails.
fn shell_refuses(door: &str, script: &str) -> String {
    let ended = finish(run_via(door, "sh", &["-c", script]), DEADLINE);
    assert!(!ended.status.success(), "{ended:?}");
    ended.stderr
}

#[test]
fn the_engine_knows_the_program_and_not_who_opens_for_it() {
    if !have(&["aconnect", "aseqdump"]) {
        return;
    }
    for door in ["trap", "handover"] {
        if door == "handover" && !can_serve() {
            continue;
        }
        let script = "aseqdump >/dev/null & echo $!; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; \
                      aconnect -l | grep aseqdump && break; done; kill $!";
        let text = output(run_via(door, "sh", &["-c", script]));
        let pid = text.lines().next().expect("a number");
        assert!(text.contains(&format!("pid={pid}]")), "{door}: {text}");
    }
}

#[test]
fn go_programs_read_by_their_netpoller() {
    if !have(&["go"]) {
        return;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trap/netpoller.go");
    let program = FOLDER.path().join("netpoller");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(source).env("CGO_ENABLED", "0");
    build.env("GOCACHE", FOLDER.path().join("cache"));
    assert!(build.status().expect("go").success(), "it compiles");
    assert_eq!(output(run_via("trap", &program, &[])), "ok true\n");
    let command = run_via("trap", &program, &[]);
    assert_eq!(output(denied(&[libc::SYS_pidfd_getfd], &command)), "ok true\n");
    if can_serve() {
        assert_eq!(output(run_via("handover", &program, &[])), "ok true\n");
    }
}

/// Kills the server while a program sleeps in a call, which must end at once. Returns what the program prints.
fn ends(call: &str) -> String {
    let mut command = run_via("trap", &*ENDS, &[call]);
    // The kernel hangs up a process group that loses its last parent while a process of it is stopped. This must not be
    // the test's own group.
    command.process_group(0);
    let mut front = Process::start(command);
    front.wait_for_output("sleeps\n");
    std::thread::sleep(Duration::from_millis(100));
    let children = format!("/proc/{0}/task/{0}/children", front.pid());
    let children = std::fs::read_to_string(children).expect("its children");
    let keeper: i32 = children.split_whitespace().next().and_then(|n| n.parse().ok()).expect("one");
    // Otherwise `run` would end the processes that have lost their server.
    front.signal(Signal::STOP);
    kill_process(Pid::from_raw(keeper).expect("a process"), Signal::KILL).expect("the server");
    let died = Instant::now();
    front.wait_until("the call has ended", |front| front.stdout().contains("later"));
    let took = died.elapsed();
    front.signal(Signal::CONT);
    // A timeout must not be the reason; a busy machine may need this long.
    assert!(took < Duration::from_secs(20), "{call}: {took:?}");
    front.stdout()
}

#[test]
fn a_read_ends_with_the_server() {
    assert_eq!(ends("read"), "sleeps\nread -1 ENOSYS\nlater -1 ENOSYS\n");
}

#[test]
fn a_write_ends_with_the_server() {
    assert_eq!(ends("write"), "sleeps\nwrite -1 ENOSYS\nlater -1 ENOSYS\n");
}

#[test]
fn a_poll_ends_with_the_server() {
    assert_eq!(ends("poll"), "sleeps\npoll 16 \nlater -1 ENOSYS\n");
}

#[test]
fn a_second_filter_is_refused_with_a_sentence() {
    for door in ["trap", "handover"] {
        let command = run_via("trap", ASEQD, &["run", "--via", door, "--", "true"]);
        let ended = finish(command, DEADLINE);
        assert!(!ended.status.success(), "{ended:?}");
        if door == "trap" || can_serve() {
            assert!(
                ended.stderr.contains("already stopped for somebody else"),
                "{door}: {ended:?}"
            );
        }
    }
}
