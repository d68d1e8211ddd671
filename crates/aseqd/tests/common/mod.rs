//! Shared by the tests of the program: running it, waiting with deadlines, watching for leftovers.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod random;
pub(crate) mod seq;
pub(crate) mod sys;

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
pub(crate) use skip::skip;

/// The program under test.
pub(crate) const ASEQD: &str = env!("CARGO_BIN_EXE_aseqd");

/// How long a test waits for what must happen. Long, because the machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Names the test whose body runs inside a sequencer.
const INSIDE: &str = "ASEQD_TEST_INSIDE";
/// Names the role of this process of such a test.
const ROLE: &str = "ASEQD_TEST_ROLE";
/// Marks every process that descends from one of a test's.
const MARK: &str = "ASEQD_TEST_MARK";

/// Returns the command `aseqd run -- ARGUMENTS`.
pub(crate) fn aseqd_run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--"]).args(arguments);
    command
}

/// Returns a command of ours, for the sequencer that the test runs in.
pub(crate) fn aseqd(arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.args(arguments).env_remove("ASEQD_DEVICE");
    command
}

/// Starts `aseqd port` with a pipe as its standard input, at whose end the port ends. Returns it with its address.
pub(crate) fn port(arguments: &[&str]) -> (Process, String) {
    let mut command = aseqd(&[&["port", "--verbose"], arguments].concat());
    let mut process = Process::start_with(&mut command, Stdio::piped());
    process.wait_until("its address", |process| process.stderr().ends_with('\n'));
    let address = process.stderr().trim().to_owned();
    (process, address)
}

/// Returns the command `sh -c SCRIPT`.
pub(crate) fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Returns whether all these programs are installed. Calls [`skip()`] if not.
pub(crate) fn have(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| find(program).is_none()).collect();
    if !missing.is_empty() {
        skip(&format!("not installed: {missing:?}; `.ci/setup` installs them"));
    }
    missing.is_empty()
}

/// Returns the path of an installed program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Returns whether this machine can serve a device at all. Calls [`skip()`] if not.
pub(crate) fn can_serve() -> bool {
    match fs::OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => true,
        Err(error) => {
            skip(&format!("/dev/fuse: {error}"));
            false
        }
    }
}

/// Lines for `sh` in a mount namespace. They make a `/dev` with the usual nodes, without `/dev/fuse`, that a test may
/// change.
pub(crate) const PRIVATE_DEV: &str = "set -e
mount -t tmpfs -o mode=755 tmpfs /dev
mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/zero c 1 5
mknod -m 666 /dev/urandom c 1 9; mknod -m 666 /dev/tty c 5 0
ln -s /proc/self/fd /dev/fd
mkdir /dev/shm; mount -t tmpfs -o mode=1777 tmpfs /dev/shm
";

/// Lines for `sh` in a mount namespace with a `/run` of its own. They give user 1000 a name, which fusermount3 needs
/// and a machine may lack.
pub(crate) const NAMED_USER: &str = "
getent passwd 1000 >/dev/null || {
    { cat /etc/passwd; echo user:x:1000:1000::/:/bin/sh; } >/run/.passwd
    mount --bind /run/.passwd /etc/passwd
}
";

/// Copies a program to a place where it is run then. Another process does it: if this one had the file open for
/// writing, a process that another thread starts could inherit it, and the file could not be run (ETXTBSY).
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status().expect("cp");
    assert!(status.success(), "{} to {}", from.display(), to.display());
}

/// Returns whether this process is root, for tests that make namespaces and nodes. Calls [`skip()`] if not.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("needs root");
    }
    root
}

/// Runs the body of a test in a sequencer of its own: starts this test binary again under `aseqd run`, for this test
/// alone.
pub(crate) fn inside<F: FnOnce()>(body: F) {
    inside_with(&[], body);
}

/// Runs the body of a test like [`inside`], with options of `aseqd run`.
pub(crate) fn inside_with<F: FnOnce()>(options: &[&str], body: F) {
    let start = |test: &[&OsStr]| {
        let mut command = Command::new(ASEQD);
        command.arg("run").args(options).arg("--").args(test);
        command
    };
    inside_of(start, body);
}

/// Runs the body of a test where `start` leads: it is given the command line that starts this test binary again, for
/// this test alone.
pub(crate) fn inside_of<F: FnOnce()>(start: impl FnOnce(&[&OsStr]) -> Command, body: F) {
    // The type of a closure has the name of its function: `binary::module::test::{{closure}}`.
    let name = std::any::type_name::<F>();
    let name = name.rsplit_once("::{{closure}}").map_or(name, |(function, _)| function);
    let name = name.split_once("::").map_or(name, |(_, path)| path);
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == *name) {
        return body();
    }
    if !can_serve() {
        return;
    }
    let binary = std::env::current_exe().expect("this program has a path");
    let options = ["--exact", "--nocapture", "--include-ignored", "--test-threads=1"];
    let mut line = vec![binary.as_os_str(), OsStr::new(name)];
    line.extend(options.map(OsStr::new));
    let mut command = start(&line);
    command.env(INSIDE, name).env("RUST_BACKTRACE", "0");
    // A fuzzer may be asked to take longer.
    let longer = std::env::var("ASEQD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let ended = finish(command, DEADLINE * 2 + Duration::from_secs(longer.unwrap_or(0)));
    for line in ended.stderr.lines() {
        eprintln!("{line}");
    }
    assert!(ended.status.success(), "inside: {ended:#?}");
    assert!(ended.stdout.contains("1 passed"), "the test {name} was found: {ended:#?}");
}

/// Returns a command that starts this test again, as another process of the same sequencer, in which [`role`] is true.
pub(crate) fn again(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg(std::env::var_os(INSIDE).expect("inside")).env(ROLE, role);
    command.args(["--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
    command
}

/// Returns the command of [`again`] as another user of the machine. Only root can run it.
pub(crate) fn again_as(user: u32, role: &str) -> Command {
    use std::os::unix::process::CommandExt as _;
    // Through this link, since that user may have no access to the binary's folder.
    let mut command = Command::new("/proc/self/exe");
    command.arg(std::env::var_os(INSIDE).expect("inside")).env(ROLE, role).uid(user).gid(user);
    command.args(["--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
    command.current_dir("/");
    command
}

/// Returns whether this process runs inside of the sequencer of a test.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Returns whether [`again`] has started this process.
pub(crate) fn has_role() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Returns whether [`again`] has started this process for a role.
pub(crate) fn role(role: &str) -> bool {
    std::env::var_os(ROLE).is_some_and(|own| own == *role)
}

/// A process that is killed at the end of its test. Its output goes to files: a process that inherits a pipe could
/// make a reader wait.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    what: String,
    out: tempfile::NamedTempFile,
    err: tempfile::NamedTempFile,
}

/// Status and output of a process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        Self::start_with(&mut command, Stdio::null())
    }

    /// Starts a process with something as its standard input.
    pub(crate) fn start_with(command: &mut Command, input: Stdio) -> Self {
        let out = tempfile::NamedTempFile::new().expect("a file");
        let err = tempfile::NamedTempFile::new().expect("a file");
        let appending = |file: &tempfile::NamedTempFile| {
            Stdio::from(fs::OpenOptions::new().append(true).open(file.path()).expect("a file"))
        };
        let what = format!("{command:?}");
        let started = command.stdin(input).stdout(appending(&out)).stderr(appending(&err));
        let child = started.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        Self { child, what, out, err }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{}: {error}", self.what));
    }

    pub(crate) fn stdout(&self) -> String {
        text(self.out.path())
    }

    pub(crate) fn stderr(&self) -> String {
        text(self.err.path())
    }

    /// Waits until the process has written a text.
    pub(crate) fn wait_for_output(&mut self, wanted: &str) {
        self.wait_until(&format!("{wanted:?} in the output"), |process| {
            process.stdout().contains(wanted) || process.stderr().contains(wanted)
        });
    }

    /// Waits until a condition holds, while the process runs.
    pub(crate) fn wait_until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        loop {
            let status = self.child.try_wait().expect("a child of ours");
            if so(self) {
                return;
            }
            let ended = status.map(|status| format!("it ended with {status}"));
            let late = (Instant::now() > end).then(|| "too late".to_owned());
            if let Some(why) = ended.or(late) {
                let (out, err) = (self.stdout(), self.stderr());
                panic!("{}: waiting for {what}: {why}\n{out}\n{err}", self.what);
            }
            pause();
        }
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> Ended {
        self.wait_within(DEADLINE)
    }

    pub(crate) fn wait_within(&mut self, limit: Duration) -> Ended {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return Ended { status, stdout: self.stdout(), stderr: self.stderr() };
            }
            if Instant::now() > end {
                let (out, err) = (self.stdout(), self.stderr());
                panic!("{}: has not ended after {limit:?}\n{out}\n{err}", self.what);
            }
            pause();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).expect("a file of ours");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a command to its end, within a time.
pub(crate) fn finish(command: Command, limit: Duration) -> Ended {
    Process::start(command).wait_within(limit)
}

/// Runs a command that must succeed, and returns what it printed.
pub(crate) fn output(command: Command) -> String {
    let what = format!("{command:?}");
    let ended = finish(command, DEADLINE);
    assert!(ended.status.success(), "{what}: {ended:#?}");
    ended.stdout
}

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < end, "waiting for {what}");
        pause();
    }
}

/// Time between two looks at a condition for which there is no event to wait for.
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

/// Marks all processes that a command starts, so that a test can find them.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new(command: &mut Command) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{next}", std::process::id());
        command.env(MARK, &mark);
        Self(mark)
    }

    /// Returns the living processes of the command, with their command lines.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let wanted = format!("{MARK}={}", self.0);
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            (pid, String::from_utf8_lossy(&line).replace('\0', " ").trim_end().to_owned())
        })
        .collect()
    }

    /// Returns the process with a command line.
    pub(crate) fn pid_of(&self, line: &str) -> Option<i32> {
        self.processes().into_iter().find(|(_, other)| other == line).map(|(pid, _)| pid)
    }

    /// Waits until no process of the command is left, and nothing that it mounted.
    pub(crate) fn expect_nothing(&self) {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < end, "left over: {left:?}");
            pause();
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        // The source of a mount tells ours: a folder of the machine may have that name in its path.
        let ours = |line: &&str| line.contains(" /dev") && line.contains(" aseqd rw");
        let ours = mounts.lines().find(ours);
        assert_eq!(ours, None, "a mount is left");
    }
}

/// Returns a number from a process's `status`, such as `VmRSS` in KiB.
pub(crate) fn status_of(pid: i32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("{field} of {pid} in {status}"))
}

/// Names the process that serves, if that is not the parent.
pub(crate) const SERVER: &str = "ASEQD_TEST_SERVER_PID";

/// Returns the process that serves this one: the parent of the command under `aseqd run`.
pub(crate) fn keeper() -> i32 {
    if let Some(server) = std::env::var_os(SERVER) {
        return server.to_str().and_then(|pid| pid.parse().ok()).expect("a number");
    }
    // `inside` is CMD itself.
    rustix::process::getppid().expect("a parent").as_raw_nonzero().get()
}
