//! The programs `cargo kcsan`, `kcsan-cc` and `kcsan-c++`: the compilers' flags and the runtime's archive.

use std::io::Write as _;

pub mod archive;
pub mod cargo;
pub mod cc;
pub mod rustc;

/// Help text about `KCSAN_OPTIONS`.
pub const OPTIONS: &str = "\
Environment:
  KCSAN_OPTIONS  Words `name=value`, separated by spaces, that the checked program reads:
    skip=N               maximum number of accesses between two watchpoints of a thread (4000);
                         the actual number is random, half as large on average
    delay_us=N           maximum time that a watchpoint waits, in us (80)
    rare_us=N            the same at a place that runs rarely, in us (2000); 0 watches such places as
                         all others
    duty=PERCENT         maximum share of its time that a thread spends at watchpoints (25);
                         100 is no limit, as in the kernel
    once_ms=N            minimum time between two reports of the same pair of places, in ms (3000);
                         0 reports all
    value_change_only=0|1
                         report a race of two known accesses only if the value changed (0)
    unknown_origin=0|1   report a value that changed without a known access (1)
    plain_writes_atomic=0|1
                         treat aligned plain writes of up to 8 bytes as marked (0)
    weak_memory=0|1      also look for stores that the processor may delay behind the atomic that
                         publishes them, on x86-64 (0)
    shared=FILE          the table of watchpoints that processes share; created if it is missing
    suppressions=FILE    races not to report: a pattern per line, compared with the functions
                         and the file:line of both stacks; `*` is any text, `#` begins a comment
    sink=stderr|panic|FILE
                         where to write reports (stderr); panic is stderr and then SIGABRT
    exitcode=N           exit status of a process that reported a race (66); 0 keeps its own
    stats=0|1            at exit, print to the sink how many watchpoints were set; without this
                         option, programs that have set one or have threads do
";

/// Prints to standard output. It is no error if the reader has enough.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Prints a line to standard error, which may be closed.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
