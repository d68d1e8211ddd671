//! `aseqd serve`: for a machine, in a mount namespace of the test, and for a user.

#[path = "../common/mod.rs"]
mod common;
mod cuse;
mod folder;
mod leftovers;
mod machine;
mod user;

use common::*;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Gives this test's thread a mount namespace, and returns a folder. The mounts go away with the thread.
fn place() -> Option<tempfile::TempDir> {
    if !is_root() || !can_serve() {
        return None;
    }
    sys::unshare_mounts().expect("mounts of our own");
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    Some(folder)
}

fn serve<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(ASEQD);
    command.arg("serve").args(arguments);
    command
}

fn serve_at(directory: &Path) -> Command {
    serve(["--mount".as_ref(), directory.as_os_str()])
}

/// Starts a server, and waits until it says that it serves this file.
fn ready(command: Command, file: &Path) -> Process {
    let mut server = Process::start(command);
    server.wait_for_output(&format!("aseqd: serving {}\n", file.display()));
    server
}

/// Returns the lines of the mount table whose mount point contains a path.
fn mounts(part: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/thread-self/mountinfo").expect("the mounts");
    let part = part.to_str().expect("a name");
    let of = |line: &&str| line.split(' ').nth(4).is_some_and(|point| point.contains(part));
    table.lines().filter(of).map(str::to_owned).collect()
}

/// Ends a server as a service manager does, and checks that nothing is left.
fn end(server: Process, signal: Signal, directory: &Path) {
    server.signal(signal);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{signal:?}: {ended:?}");
    assert_eq!(ended.stderr, "", "{signal:?}");
    assert_eq!(mounts(directory), [""; 0]);
}

/// Uses of a mount before its server is killed. Each leaves something else in the kernel's cache, which still answers
/// when the server is gone.
const USES: [&str; 5] = [
    "true",
    "stat -c %w \"$directory\" \"$directory/seq\"",
    "ls -lan \"$directory\"; test -r \"$directory/seq\"",
    "! \"$aseqd\" serve --mount \"$directory\"",
    "head -c 0 \"$directory/seq\"; find \"$directory\" -newer /proc",
];

/// Returns a command that runs a script in a machine with `/dev` and `/run` of its own. The function `serve` starts
/// `aseqd serve` there.
fn machine(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    // The source of a mount tells ours: a folder of the machine may have that name in its path.
    let setup = "
        mounts() { grep -c ' aseqd rw' /proc/self/mountinfo || true; }
        serve() {
            rm -f /run/said
            \"$aseqd\" serve \"$@\" >/run/said & server=$!
            until grep -qs serving /run/said; do kill -0 $server; sleep 0.02; done
        }
        finish() { kill -TERM $server; wait $server; }
        clients() { aconnect -l | grep -c ^client; }\n";
    let files = "mount -t tmpfs tmpfs /run; mknod -m 600 /dev/fuse c 10 229";
    command.arg(format!("{PRIVATE_DEV}{files}{NAMED_USER}{setup}{script}")).env("aseqd", ASEQD);
    command
}

fn can_be_machine() -> bool {
    is_root() && can_serve() && have(&["unshare", "mknod", "aconnect"])
}
