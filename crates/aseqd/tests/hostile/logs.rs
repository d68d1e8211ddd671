//! Messages that clients make the server write.

use super::common::seq::Client;
use super::common::*;
use std::ffi::OsStr;
use std::process::Command;

/// Number of lines: more than a pipe holds.
const FAILURES: usize = 3000;

#[test]
fn a_standard_error_that_nobody_reads_does_not_stop_the_server() {
    inside_of(|test| traced("exec 4<>\"$fifo\"; exec \"$@\" 2>&4", test), || fail(FAILURES));
}

#[test]
fn a_standard_error_that_is_closed_does_not_end_the_server() {
    inside_of(
        |test| traced("exec 4<>\"$fifo\" 5>\"$fifo\" 4>&-; exec \"$@\" 2>&5", test),
        || fail(FAILURES),
    );
}

/// Returns a traced run whose standard error is a FIFO. A script opens the FIFO.
fn traced(script: &str, test: &[&OsStr]) -> Command {
    let make = "fifo=$(mktemp -u); mkfifo \"$fifo\"; ";
    let script = format!("{make}{}", script.replacen(';', "; rm \"$fifo\";", 1));
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", ASEQD, "run", "--trace", "--"]).args(test);
    command
}

fn fail(times: usize) {
    let client = Client::open();
    for _ in 0..times {
        assert!(client.client_info(77).is_none(), "there is no such client");
    }
    client.system_info();
}
