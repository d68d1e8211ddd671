//! Every example makes the report that it is for.

use std::path::PathBuf;
use std::process::Command;

use skip::skip;

/// Each example, the title of its first report, and how many reports it makes.
const EXAMPLES: &[(&str, &str, usize)] = &[
    ("circular", "WARNING: possible circular locking dependency detected", 1),
    ("recursive", "WARNING: possible recursive locking detected", 1),
    ("inconsistent", "WARNING: inconsistent lock state", 1),
    ("safe_to_unsafe", "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", 1),
    ("inversion", "WARNING: possible irq lock inversion dependency detected", 1),
    ("wait_context", "BUG: sleeping function called from invalid context", 2),
    ("balance", "WARNING: bad unlock balance detected!", 1),
    ("freed", "WARNING: held lock freed!", 1),
    ("leaving", "WARNING: lock held when returning to user space!", 1),
    ("sleep", "BUG: sleeping function called from invalid context", 2),
    ("alloc", "BUG: sleeping function called from invalid context", 1),
    ("syscall", "BUG: sleeping function called from invalid context", 1),
    ("irq_state", "raw_local_irq_restore() called with IRQs enabled", 1),
    ("pinned", "releasing a pinned lock", 1),
    ("budget", "section turn exceeded its budget", 1),
    ("not_held", "lock not held where it must be", 1),
];

/// Returns the folder of the examples, which it builds if this test runs without them.
fn folder() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().nth(3).expect("a target folder").to_owned();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "lockdep", "--examples", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the examples build");
    target.join("debug/examples")
}

#[test]
fn each_example_makes_its_report_and_kreport_can_read_it() {
    let folder = folder();
    for (name, title, count) in EXAMPLES {
        if *name == "syscall" && !lockdep::can_trap_syscalls() {
            skip("this kernel does not dispatch system calls to user space");
            continue;
        }
        let output = Command::new(folder.join(name)).output().expect("the example runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {text}");
        assert!(text.contains(title), "{name}: {text}");
        let log = kreport::read(&text);
        assert_eq!(log.reports.len(), *count, "{name}: reports in\n{text}");
    }
}

#[test]
fn the_model_is_one_group_of_three_for_kreport_too() {
    let program = folder().join("seed1");
    let output = Command::new(&program).output().expect("the model runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let log = kreport::read(&text);
    assert_eq!(log.reports.len(), 3, "{text}");
    assert_eq!(kreport::group(&log.reports).len(), 1, "one group: {text}");
    let fixed = Command::new(&program).arg("fixed").output().expect("the model runs");
    assert!(fixed.stderr.is_empty(), "silent when fixed");
}
