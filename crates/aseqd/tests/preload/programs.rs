//! Unmodified programs of Debian.

use crate::common::*;
use crate::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn aconnect_lists_the_clients() {
    if !have(&["aconnect"]) {
        return;
    }
    let server = Server::start();
    let mut command = server.command("aconnect");
    command.arg("-l");
    let listed = output(command);
    assert!(listed.contains("client 0: 'System' [type=kernel]"), "{listed}");
    assert!(listed.contains("client 14: 'Midi Through' [type=kernel]"), "{listed}");
}

#[test]
fn texts_are_read_by_whatever_reads_files() {
    let server = Server::start();
    let mut command = server.command("cat");
    command.args(["/proc/asound/seq/clients", "/proc/asound/../asound/timers"]);
    let text = output(command);
    assert!(text.contains("Client   0 : \"System\" [Kernel"), "{text}");
    assert!(text.contains("G0: system timer"), "{text}");
    let mut command = server.command("sh");
    command.args([
        "-c",
        "cd /proc/self && test -c /dev/snd/seq && grep -c Client < /proc/asound/seq/clients",
    ]);
    assert_eq!(output(command), "3\n");
}

#[test]
fn texts_are_listed_looked_at_and_entered() {
    let here = Path::new("/proc/asound");
    if here.exists() {
        return skip("this machine has a /proc/asound of its own, which programs see");
    }
    let server = Server::start();
    let said = |script: &str| {
        let mut command = server.command("sh");
        command.args(["-c", script]);
        output(command)
    };
    assert_eq!(
        said("ls /proc/asound /proc/asound/seq/"),
        "/proc/asound:\nseq\ntimers\n\n/proc/asound/seq/:\nclients\nqueues\ntimer\n"
    );
    assert_eq!(
        said("cd /proc/asound && ls && head -n 1 seq/clients && cd seq && head -n 1 ../timers"),
        "seq\ntimers\nClient info\nG0: system timer : 4000.000us (10000000 ticks)\n"
    );
    assert_eq!(
        said("stat -c '%A %u %n' /proc/asound /proc/asound/seq /proc/asound/timers"),
        "dr-xr-xr-x 0 /proc/asound\ndr-xr-xr-x 0 /proc/asound/seq\n-r--r--r-- 0 /proc/asound/timers\n"
    );
    assert_eq!(
        said(
            "for t in -d -r -x; do test $t /proc/asound/seq && echo $t; done; test -f /proc/asound/seq || test -e /proc/asound/cards || echo no"
        ),
        "-d\n-r\n-x\nno\n"
    );
    assert_eq!(
        said("find /proc/asound | sort"),
        "/proc/asound\n/proc/asound/seq\n/proc/asound/seq/clients\n/proc/asound/seq/queues\n/proc/asound/seq/timer\n/proc/asound/timers\n"
    );
    assert_eq!(said("grep -rl 'Client info' /proc/asound/"), "/proc/asound/seq/clients\n");
    assert_eq!(
        said("cat /proc/asound/timers/ 2>&1; echo x > /proc/asound/seq 2>/dev/null || echo no"),
        "cat: /proc/asound/timers/: No such file or directory\nno\n"
    );
}

#[test]
fn a_program_with_numbers_of_its_own_reads_the_texts() {
    if !have(&["python3"]) {
        return;
    }
    let server = Server::start();
    let mut command = server.command("python3");
    // The numbers that the library takes have been those of files that are closed.
    command.args([
        "-c",
        "import os
files = [open('/dev/null') for _ in range(20)]
for file in files: file.read(1)
for file in files: os.close(file.fileno())
for _ in range(3):
    print(len(open('/proc/asound/seq/clients').read().splitlines()) > 5)
    print(os.path.exists('/proc/asound/timers'), os.path.isfile('/proc/asound/seq/timer'))
os._exit((print('done', flush=True), 0)[1])",
    ]);
    assert_eq!(output(command), "True\nTrue True\n".repeat(3) + "done\n");
}

/// Opens the sequencer and reads a text of `/proc/asound`, once with a call and once with a stream, then forks, executes
/// the program of its arguments, and waits for it.
const LOOKS: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments) {
    char line[64] = "";
    int version = 0, status = 0, fd = open("/dev/snd/seq", O_RDWR);
    FILE *text = fopen("/proc/asound/seq/clients", "r"), *device = fopen("/dev/snd/timer", "r");
    if (fd < 0 || ioctl(fd, 0x80045300, &version) || !text || !device || !fgets(line, sizeof line, text))
        return 1;
    printf("%x %s", version, line);
    fflush(stdout);
    if (count == 1)
        return 0;
    pid_t child = fork();
    if (child == 0) {
        if (open("/dev/snd/seq", O_RDONLY) < 0)
            _exit(2);
        execv(arguments[1], arguments + 1);
        _exit(3);
    }
    return waitpid(child, &status, 0) != child ? 4 : WEXITSTATUS(status);
}
"#;

#[test]
fn programs_of_both_c_libraries_start_each_other() {
    let compilers = ["cc", "musl-gcc"];
    if !have(&compilers) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("looks.c");
    std::fs::write(&source, LOOKS).expect("a file");
    let [glibc, musl] = compilers.map(|compiler| {
        let program = folder.path().join(compiler);
        let mut compile = Command::new(compiler);
        compile.arg("-o").arg(&program).arg(&source);
        assert!(compile.status().expect(compiler).success(), "{compiler}");
        program
    });
    let server = Server::start();
    let mut command = server.command(&musl);
    command.args([&glibc, &musl, &musl]);
    assert_eq!(output(command), "10005 Client info\n".repeat(4), "{}", server.errors());
}

#[test]
fn a_command_of_aseqd_needs_no_library() {
    let server = Server::start();
    let aseqd = |arguments: &[&str]| {
        let mut command = server.command(ASEQD);
        command.env_remove("LD_PRELOAD").args(arguments);
        output(command)
    };
    assert!(aseqd(&["ls"]).contains("14  Midi Through"));
    assert!(aseqd(&["timers"]).contains("system timer"));
    let song = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../songs/scale.mid");
    let mut monitor = server.command(ASEQD);
    monitor.env_remove("LD_PRELOAD").args(["monitor", "--count", "6", "--timeout", "20s"]);
    monitor.stdout(std::process::Stdio::piped());
    let monitor = monitor.spawn().expect("it starts");
    aseqd(&["wait", "aseqd monitor", "--timeout", "10s"]);
    aseqd(&["connect", "14:0", "aseqd monitor"]);
    let song = song.to_str().expect("a path");
    aseqd(&["play", "-p", "14:0", song]);
    let heard = monitor.wait_with_output().expect("it ends");
    let heard = String::from_utf8_lossy(&heard.stdout).into_owned();
    assert!(heard.contains("NOTEON"), "{heard}");
    assert_eq!(server.errors(), "");
}

/// Builds the example `fork` of `aseqd-host`, for this machine's target or another one, and returns its path.
fn forking_program(target: Option<&str>) -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let mut folder = me.ancestors().nth(3).expect("a target folder").to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "aseqd-host", "--example", "fork"]);
    cargo.arg("--target-dir").arg(&folder).current_dir(env!("CARGO_MANIFEST_DIR"));
    if let Some(target) = target {
        cargo.args(["--target", target]);
        folder.push(target);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the example builds");
    folder.join("debug/examples/fork")
}

/// Expects a program that forks to reach the sequencer from both processes.
fn expect_own_answers(program: &Path) {
    let server = Server::start();
    let mut command = server.command(program);
    // A dynamic program would make the calls of this library.
    command.env_remove("LD_PRELOAD");
    let ended = finish(command, DEADLINE);
    assert!(ended.status.success(), "{ended:#?}");
    assert_eq!((ended.stderr, server.errors()), (String::new(), String::new()));
}

#[test]
fn parent_and_child_without_the_library_get_answers_of_their_own() {
    expect_own_answers(&forking_program(None));
}

#[test]
fn parent_and_child_of_a_static_program_get_answers_of_their_own() {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let mut command = Command::new("rustc");
    command.args(["--print", "target-libdir", "--target", &target]);
    let folder =
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if !folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir()) {
        skip(&format!("Rust's target {target} is not installed (rustup target add {target})"));
        return;
    }
    let program = forking_program(Some(&target));
    if have(&["readelf"]) {
        let mut command = Command::new("readelf");
        command.args(["--program-headers", "--wide"]).arg(&program);
        assert!(!output(command).contains("INTERP"), "it is linked statically");
    }
    expect_own_answers(&program);
}
