//! The program `vtime` around ordinary programs.

mod common;

use common::{compiled, has, python, vtime, vtime_with};
use std::time::{Duration, Instant};

/// Every run of these tests sleeps for minutes, and must be over long before.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_sleep_ends_at_once() {
    let began = Instant::now();
    let done = vtime(&["sleep", "3000"]);
    assert_eq!((done.status, done.errors.as_str()), (0, ""));
    assert!(began.elapsed() < SOON);
}

#[test]
fn the_date_is_fixed() {
    let done = vtime(&["date", "-u", "+%FT%T.%N"]);
    assert_eq!(done.output, "2026-01-01T00:00:00.000000000\n");
    let done =
        vtime_with(&["--time", "virtual=2024-02-29T12:00:00Z"], &["date", "-u", "+%FT%T.%N"]);
    assert_eq!(done.output, "2024-02-29T12:00:00.000000000\n");
}

#[test]
fn a_shell_and_its_children_share_the_clock() {
    let script = "date +%s; sleep 100; (sleep 50; echo child) & sleep 60; date +%s; wait; exit 3";
    let done = vtime(&["sh", "-c", script]);
    assert_eq!(done.output, "1767225600\nchild\n1767225760\n");
    assert_eq!(done.status, 3);
}

#[test]
fn the_status_is_the_commands() {
    assert_eq!(vtime(&["sh", "-c", "exit 7"]).status, 7);
    assert_eq!(vtime(&["sh", "-c", "kill -TERM $$"]).status, 143);
    let missing = vtime(&["/no/such/program"]);
    assert_eq!(missing.status, 127);
    assert_eq!(missing.errors, "vtime: no such command: /no/such/program\n");
    let folder = vtime(&["/"]);
    assert_eq!(folder.status, 126);
    assert_eq!(folder.errors, "vtime: / cannot be executed: Permission denied\n");
}

#[test]
fn processes_that_outlive_the_command_are_ended() {
    let began = Instant::now();
    let done = vtime(&[
        "sh",
        "-c",
        "while :; do sleep 1; done & trap '' TERM; cat /dev/zero >/dev/null & exit 4",
    ]);
    assert_eq!(done.status, 4);
    assert!(began.elapsed() < SOON);
}

#[test]
fn a_deadlock_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("fifo").display().to_string();
    // Its own end for writing is open, so reading never ends.
    let script = "sleep 5; mkfifo \"$0\"; exec cat <> \"$0\"";
    let done = vtime_with(&["--no-outside"], &["sh", "-c", script, &fifo]);
    assert_eq!(done.status, 124, "{}", done.errors);
    assert!(done.errors.starts_with("vtime: all threads sleep"), "{}", done.errors);
    let line = format!("cat             read: descriptor 0, {fifo}");
    assert!(done.errors.contains(&line), "{}", done.errors);
}

#[test]
fn names_in_the_table_of_a_deadlock_cannot_move_the_cursor() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("a\u{1b}[2Jb\nc").display().to_string();
    let program = "
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, b'x\\x1b[3Jy\\nz', 0, 0, 0)
os.mkfifo(sys.argv[1])
os.read(os.open(sys.argv[1], os.O_RDWR), 1)
";
    let done = vtime_with(&["--no-outside"], &[&python, "-c", program, &fifo]);
    assert_eq!(done.status, 124, "{}", done.errors);
    assert!(!done.errors.contains('\u{1b}') && done.errors.lines().count() == 3, "{}", done.errors);
    assert!(done.errors.contains("x?[3Jy?z "), "{}", done.errors);
    assert!(done.errors.contains("/a?[2Jb?c\n"), "{}", done.errors);
}

#[test]
fn a_tracer_around_it_is_refused_in_a_sentence() {
    let inner = env!("CARGO_BIN_EXE_vtime");
    let done = vtime(&[inner, "--", "true"]);
    assert_eq!(done.status, 127);
    let sentence =
        "vtime: virtual time needs ptrace, which is refused here (Operation not permitted)";
    assert!(done.errors.starts_with(sentence), "{}", done.errors);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_32_bit_program_is_refused_in_a_sentence() {
    let flags = ["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie"];
    let Some(program) = compiled("exit32", "cc", &flags) else { return };
    let done = vtime(&[program.path.to_str().expect("a name")]);
    assert_eq!(done.status, 137, "{}", done.errors);
    let sentence =
        "vtime: 32-bit programs cannot run in virtual time: build the program for 64 bits\n";
    assert_eq!(done.errors, sentence);
}

/// A tracer that took such a child for one that lives would wait for it, and then kill whoever gets its number.
#[test]
fn children_that_are_killed_at_once_are_forgotten() {
    let Some(program) = compiled("short_lives", "cc", &[]) else { return };
    let done = vtime(&[program.path.to_str().expect("a name")]);
    assert_eq!((done.status, done.output.as_str(), done.errors.as_str()), (0, "300\n", ""));
}

/// While processes that outlive the command are ended, its number may be given to another process.
#[test]
fn a_signal_for_a_command_that_has_ended_reaches_no_stranger() {
    let apart = ["-pf", "--mount-proc"];
    let can = std::process::Command::new("unshare").args(apart).arg("true").output();
    if !can.is_ok_and(|done| done.status.success()) {
        return skip::skip("needs root, to choose the number of a process");
    }
    // In the end: whether the stranger has the number, the status of the run, that of the stranger.
    let script = "
\"$0\" -- sh -c '(trap \"\" TERM; while :; do :; done) & echo $$ > new; mv new number; exit 4' & run=$!
until [ -s number ]; do sleep 0.01; done; read number < number
while kill -0 $number 2> /dev/null; do sleep 0.01; done
echo $((number - 1)) > /proc/sys/kernel/ns_last_pid
sleep 100 & stranger=$!
kill -TERM $run; wait $run; status=$?
kill -KILL $stranger; wait $stranger
echo $((stranger - number)) $status $?
";
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = std::process::Command::new("unshare");
    let run = run.args(apart).args(["sh", "-c", script, env!("CARGO_BIN_EXE_vtime")]);
    let done = run.current_dir(folder.path()).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "0 4 137\n");
}

/// A terminal's Ctrl-Z stops the command and vtime; the shell's `fg` lets both go on.
#[test]
fn the_run_stops_and_goes_on_with_the_command() {
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_vtime"));
    let run = run.args(["--", "sh", "-c", "kill -TSTP $$; date +%s; sleep 5; date +%s"]);
    // As a shell does with a job. In a group whose parent is elsewhere, as of a CI runner, the signal would do nothing.
    let run = std::os::unix::process::CommandExt::process_group(run, 0);
    let mut run = run.stdout(std::process::Stdio::piped()).spawn().expect("vtime runs");
    let pid = rustix::process::Pid::from_child(&run);
    let stopped = || {
        let options = rustix::process::WaitOptions::UNTRACED;
        rustix::process::waitpid(Some(pid), options).expect("a child").expect("a change").1
    };
    assert!(stopped().stopped());
    // Real time passes, and the clock stands.
    std::thread::sleep(Duration::from_millis(20));
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).expect("a list");
    let child: i32 = children.trim().parse().expect("one child");
    let child = rustix::process::Pid::from_raw(child).expect("a number");
    for process in [pid, child] {
        let go_on = rustix::process::Signal::CONT;
        rustix::process::kill_process(process, go_on).expect("it is there");
    }
    let mut output = String::new();
    let from = run.stdout.as_mut().expect("a pipe");
    std::io::Read::read_to_string(from, &mut output).expect("text");
    assert_eq!(output, "1767225600\n1767225605\n");
    assert!(run.wait().expect("its status").success());
}

#[test]
fn the_time_limit_ends_a_run() {
    let options = ["--time-limit", "1m", "--stats"];
    for script in ["while :; do sleep 7; done", "sleep 600"] {
        let done = vtime_with(&options, &["sh", "-c", script]);
        assert_eq!(done.status, 124, "{}", done.errors);
        assert!(done.errors.contains("vtime: 60.000 s of virtual time"), "{}", done.errors);
    }
}

/// A thread that reads the clock in a loop is stopped again before the tracer has looked at anything else.
#[test]
fn a_loop_that_reads_the_clock_lets_others_go_on() {
    let Some(program) = compiled("spins", "cc", &["-pthread"]) else { return };
    let program = program.path.to_str().expect("a name");
    for (options, threads) in [(&[][..], "1"), (&[], "4"), (&["--cpus", "all"], "4")] {
        let done = vtime_with(options, &[program, threads, "1"]);
        let times: Vec<u64> = done.output.lines().filter_map(|line| line.parse().ok()).collect();
        let &[naps, end] = &times[..] else { panic!("{times:?}: {}", done.errors) };
        // The kernel decides who runs next. At worst the naps begin when the loops are over.
        assert!((100..1150).contains(&naps) && (1000..1150).contains(&end), "{times:?}");
        let limited: Vec<_> = options.iter().copied().chain(["--time-limit", "2"]).collect();
        let done = vtime_with(&limited, &[program, threads, "100000"]);
        assert_eq!(done.status, 124, "{}", done.errors);
    }
}

#[test]
fn a_run_whose_program_reads_the_clock_in_a_loop_can_be_ended() {
    let Some(program) = compiled("spins", "cc", &["-pthread"]) else { return };
    for cpus in ["1", "all"] {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_vtime"));
        let run = run.args(["--cpus", cpus, "--"]).arg(&program.path).args(["2", "1000000000"]);
        let mut run = run.stdout(std::process::Stdio::piped()).spawn().expect("vtime runs");
        let mut first = [0];
        let from = run.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(from, &mut first).expect("the naps are over");
        let pid = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
        assert_eq!(run.wait().expect("its status").code(), Some(143));
    }
}

#[test]
fn a_clock_that_runs_is_not_quicker_than_asked() {
    let began = Instant::now();
    let done = vtime_with(&["--time", "x20"], &["sh", "-c", "date +%s%N; sleep 4; date +%s%N"]);
    let times: Vec<u64> = done.output.lines().map(|line| line.parse().expect("ns")).collect();
    assert!(times[1] - times[0] >= 4_000_000_000, "{times:?}");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn threads_processes_and_waits_of_python_are_exact() {
    let Some(python) = python() else { return };
    let program = "
import select, subprocess, threading, time
began = time.monotonic_ns()
def at(what): print(what, (time.monotonic_ns() - began) / 1e9)
time.sleep(1.5); at('sleep')
threading.Event().wait(300); at('event')
select.select([], [], [], 2); at('select')
select.poll().poll(1000); at('poll')
select.epoll().poll(1); at('epoll')
subprocess.run(['sleep', '7']); at('child')
thread = threading.Thread(target=lambda: (time.sleep(3), at('thread')))
thread.start(); thread.join(1); at('join'); thread.join(); at('joined')
try: subprocess.run(['sleep', '60'], timeout=2.5)
except subprocess.TimeoutExpired: print('killed', round((time.monotonic_ns() - began) / 1e9, 6))
import asyncio
async def both():
    await asyncio.gather(asyncio.sleep(20), asyncio.sleep(30))
begun = time.monotonic()
asyncio.run(both()); print('asyncio', round(time.monotonic() - begun, 3))
";
    let first = vtime(&[&python, "-c", program]);
    let wanted = "sleep 1.5\nevent 301.5\nselect 303.5\npoll 304.5\nepoll 305.5\nchild 312.5\n\
                  join 313.5\nthread 315.5\njoined 315.5\nkilled 318.0\nasyncio 30.0\n";
    assert_eq!(first.output, wanted, "{}", first.errors);
    assert_eq!(vtime(&[&python, "-c", program]).output, wanted);
}

#[test]
fn c_programs_are_exact_however_they_are_linked() {
    // The poll that is stopped. On aarch64 it is a ppoll, whose time stands meanwhile.
    let stopped = if cfg!(target_arch = "aarch64") { 12 } else { 10 };
    let wanted = format!(
        "slept 100000000000\ncondition 110 110000000000\nspun 1\n\
         signal -1 4 10000000000 7.000000000\nstopped {stopped}000000000\n\
         alone 0 5000000000\nexec\n"
    );
    for (compiler, flags) in [("cc", &[][..]), ("cc", &["-static"]), ("musl-gcc", &["-static"])] {
        let Some(program) = compiled("waits", compiler, flags) else { continue };
        let program = program.path.to_str().expect("a name").to_owned();
        let done = vtime(&[&program]);
        assert_eq!(done.output, wanted, "{compiler} {flags:?}: {}", done.errors);
    }
}

#[test]
fn more_threads_than_descriptors_are_exact() {
    let Some(python) = python() else { return };
    let program = "
import threading, time
began = time.monotonic()
threads = [threading.Thread(target=time.sleep, args=(i,)) for i in range(200)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(time.monotonic() - began)
";
    let limited = format!("ulimit -n 100; exec \"$0\" -- {python} -c \"$1\"");
    let mut run = std::process::Command::new("sh");
    let done = run.args(["-c", &limited, env!("CARGO_BIN_EXE_vtime"), program]).output();
    let done = done.expect("a shell");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "199.0\n");
}

#[test]
fn a_program_of_threads_executes_another() {
    let Some(python) = python() else { return };
    let program = "
import os, threading, time
threading.Thread(target=time.sleep, args=(100,)).start()
def other(): time.sleep(1); os.execvp('sh', ['sh', '-c', 'sleep 10; date +%s'])
threading.Thread(target=other).start()
";
    let done = vtime(&[&python, "-c", program]);
    assert_eq!((done.output.as_str(), done.status), ("1767225611\n", 0), "{}", done.errors);
}

#[test]
fn go_programs_are_exact() {
    if !has("go") {
        return skip::skip_part("Go programs", "there is no go");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("main.go");
    std::fs::write(&source, include_str!("programs/timers.go")).expect("a file");
    let program = folder.path().join("timers");
    let mut build = std::process::Command::new("go");
    let build = build.arg("build").arg("-o").arg(&program).arg(&source);
    let build = build.env("GOCACHE", folder.path().join("cache")).env("GO111MODULE", "off");
    if !build.output().is_ok_and(|done| done.status.success()) {
        return skip::skip_part("Go programs", "go builds nothing here");
    }
    let done = vtime(&[program.to_str().expect("a name")]);
    let wanted =
        "slept 1m40s\n1 1m41s\n2 1m42s\n3 1m43s\ntick 1m43.25s\ntick 1m43.5s\nafter 1m46.5s\n";
    assert_eq!(done.output, wanted, "{}", done.errors);
}

#[test]
fn node_and_java_programs_are_exact() {
    if has("node") {
        let program =
            "const a = Date.now(); setTimeout(() => console.log(Date.now() - a), 100000);";
        assert_eq!(vtime(&["node", "-e", program]).output, "100000\n");
    } else {
        skip::skip_part("Node programs", "there is no node");
    }
    if has("java") {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("Sleeps.java");
        std::fs::write(&source, include_str!("programs/Sleeps.java")).expect("a file");
        let done = vtime(&["java", source.to_str().expect("a name")]);
        if done.status != 0 && done.errors.contains("compiler") {
            return skip::skip_part("Java programs", "java compiles nothing here");
        }
        assert_eq!(done.output, "sleep 100\nwait 150\nawait 170\n", "{}", done.errors);
    } else {
        skip::skip_part("Java programs", "there is no java");
    }
}
