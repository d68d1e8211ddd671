//! What the programs of this crate have in common: the compilers' flags and the runtime's archive.

pub mod archive;
pub mod cargo;
pub mod cc;
pub mod rustc;

/// The options of `KCSAN_OPTIONS`, for `--help`.
pub const OPTIONS: &str = "\
Environment:
  KCSAN_OPTIONS  Words `name=value`, separated by spaces, that the checked program reads:
    skip=N               accesses of a thread from one watchpoint to the next (4000); half of them
                         on average: the number is chosen anew each time
    delay_us=N           how long a watchpoint waits at most (80)
    duty=PERCENT         how much of its time a thread spends at watchpoints at most (25);
                         100 is the kernel's way
    once_ms=N            the same pair of places is reported once in this time (3000); 0: always
    value_change_only=0|1
                         1: of a race whose both sides were seen, too, only one that changed the
                         value is reported (0)
    unknown_origin=0|1   report a value that changed though no access was seen (1)
    plain_writes_atomic=0|1
                         take aligned plain writes of up to eight bytes for marked ones (0)
    shared=FILE          the table of watchpoints that processes share; made if it is not there
    suppressions=FILE    races not to report: a pattern a line, compared with the functions and
                         the file:line of both stacks; `*` is any text, `#` begins a comment
    sink=stderr|panic|FILE
                         where reports go (stderr); panic: there, and then SIGABRT
    exitcode=N           exit status of a process that reported something (66); 0: its own
    stats=0|1            at exit, say there how many watchpoints were set (0)
";
