//! C programs behind the preload door. Each case is a test with a server of its own.

use crate::common::*;
use crate::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// Compiles a file of cases.
fn compile(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preload/c").join(name);
    let program = FOLDER.path().join(name.trim_end_matches(".c"));
    let mut command = Command::new("cc");
    command.args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]);
    let status = command.arg(&program).arg(source).status().expect("a C compiler");
    assert!(status.success(), "{name} compiles");
    program
}

/// Runs a case. Its second argument is the number of the server's process.
fn run(program: &Path, case: &str) {
    let server = Server::start();
    let mut command = server.command(program);
    command.arg(case);
    if case.starts_with("server_") {
        command.arg(server.pid().to_string());
    }
    assert_eq!(output(command), "done\n");
}

/// Measures a read, a write, and both through a pipe, without and with the library. Prints the times, for
/// `--nocapture`: they depend on the machine. The program asserts that the calls work.
#[test]
fn descriptors_of_others_are_left_alone() {
    let program = compile("cost.c");
    let server = Server::start();
    let measured = |command: Command| -> Vec<f64> {
        let said = output(command);
        said.split_whitespace().map(|number| number.parse().expect("a number")).collect()
    };
    let without = measured(Command::new(&program));
    let with = measured(server.command(&program));
    eprintln!("ns of a read, a write, both by a pipe: without {without:?}, with {with:?}");
    assert_eq!((without.len(), with.len()), (3, 3));
}

/// The library's questions to the kernel about a program's memory do not make valgrind report the program.
#[test]
fn valgrind_finds_no_fault_of_the_library() {
    if !have(&["valgrind"]) {
        return;
    }
    let server = Server::start();
    let mut command = server.command("valgrind");
    command.args(["-q", "--error-exitcode=9"]).arg(&*states::PROGRAM).arg("overflow");
    let ended = finish(command, DEADLINE);
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:#?}");
    assert_eq!(ended.stdout, "done\n");
}

macro_rules! cases {
    ($($file:ident: $($case:ident)*;)*) => { $(
        mod $file {
            use super::*;
            pub(super) static PROGRAM: LazyLock<PathBuf> =
                LazyLock::new(|| compile(concat!(stringify!($file), ".c")));
            $(#[test]
            fn $case() {
                run(&PROGRAM, stringify!($case));
            })*
        }
    )* };
}

cases! {
    states: poll_states epoll_states one_direction overflow long_writes full_for_a_moment;
    signals: read_is_interrupted read_goes_on nothing_is_lost write_is_interrupted write_sleeps
        read_is_left reader_is_cancelled handlers_call asynchronous timer_asynchronous;
    descriptors: copies closing_is_told closing_everything forks execs handed_on paths;
    sleepers: threads many_sleepers killed server_dies;
    imposters: connects is_inherited;
    addresses: paths writes reads waits vectors no_socket;
}
