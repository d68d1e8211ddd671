//! Reports in the kernel's form about what went wrong here.

use kreport::print::{Frame, Origin, Trace, Warning};
use std::cell::{Cell, RefCell};
use std::panic::{Location, PanicHookInfo};

thread_local! {
    /// What the last panic of this thread said, and where.
    static PANIC: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    /// Whether panics of this thread are taken note of, instead of printed; and whether with their stack.
    static QUIET: Cell<(bool, bool)> = const { Cell::new((false, false)) };
}

/// Crates whose functions are never to blame for a panic.
const PANIC_FRAMES: [&str; 4] = ["std::", "core::", "alloc::", "__rustc"];

fn note(info: &PanicHookInfo<'_>, stack: bool) {
    let place = info.location().map_or_else(|| "nowhere".into(), Location::to_string);
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panic");
    let mut text = format!("rust_kernel: panicked at {place}:\n{message}\nCall Trace:\n <TASK>\n");
    if stack {
        let frames = frames(&std::backtrace::Backtrace::force_capture().to_string());
        for frame in frames {
            text += &format!(" {frame}\n");
        }
    }
    text += " </TASK>\n";
    PANIC.with(|panic| *panic.borrow_mut() = Some((place, text)));
}

/// Takes the functions and places out of a printed stack, without those of the panic itself.
fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(place) = line.strip_prefix("at ") {
            let mut parts = place.rsplitn(3, ':');
            let (line, file) = (parts.nth(1), parts.next());
            if let (Some(frame), Some(line), Some(file)) = (frames.last_mut(), line, file) {
                let file = kreport::print::name::path(file, None);
                *frame = frame.clone().at(file, line.parse().unwrap_or(0));
            }
        } else if let Some((_, name)) = line.split_once(": ") {
            names.push(name.to_owned());
            frames.push(Frame::new(kreport::print::name::function(name), 0, 0));
        }
    }
    let of_library = |name: &str| {
        let plain = name.trim_start_matches('<');
        PANIC_FRAMES.iter().any(|start| plain.starts_with(start))
    };
    let unwinds = names.iter().position(|name| name.contains("rust_begin_unwind"));
    let after = unwinds.map_or(0, |at| at + 1);
    let first = (after..names.len()).find(|at| !of_library(&names[*at])).unwrap_or(after);
    frames.drain(..first.min(frames.len()));
    frames.truncate(24);
    frames
}

/// Runs a function. If it panics, returns where, and the report.
///
/// # Errors
/// The place of the panic, and the report: with the stack if `stack` is true.
pub(super) fn catch<T>(stack: bool, run: impl FnOnce() -> T) -> Result<T, (String, String)> {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match QUIET.get() {
            (true, stack) => note(info, stack),
            (false, _) => before(info),
        }));
    });
    let before = QUIET.replace((true, stack));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    QUIET.set(before);
    result.map_err(|_| {
        let noted = PANIC.with(|panic| panic.borrow_mut().take());
        noted.unwrap_or_else(|| ("nowhere".into(), "rust_kernel: panicked\n".into()))
    })
}

fn origin() -> Origin {
    Origin::new("seqfuzz", std::process::id())
}

/// Returns the report of a check that failed: a warning of a function with the check's name.
pub(crate) fn check(kind: &str, message: &str) -> String {
    // Lines of the message must not look like the beginning of another report.
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let more: String = lines.map(|line| format!("  {line}\n")).collect();
    let warning = Warning {
        message: Some(first.to_owned()),
        at: Frame::new(kind, 0, 0).at("tests/seqfuzz/src/fuzz/execute.rs", 1),
        origin: origin(),
        trace: Trace(vec![Frame::new(kind, 0, 0)]),
    };
    format!("{warning}{more}")
}

/// Returns the report of a call that does not end: with the stack of its thread in the kernel, if that is known.
pub(crate) fn hang(call: &str, seconds: u64, stack: &str) -> String {
    let pid = std::process::id();
    let call = format!(" {}+0x0/0x0\n", function(call));
    let stack = if stack.is_empty() { &call } else { stack };
    format!(
        "INFO: task seqfuzz:{pid} blocked for more than {seconds} seconds.\n      Not tainted\nCall Trace:\n <TASK>\n\
         {stack} </TASK>\n"
    )
}

/// Returns the report of memory that stays.
pub(super) fn leak(call: &str, bytes: usize) -> String {
    let pid = std::process::id();
    let call = function(call);
    format!(
        "BUG: memory leak\nunreferenced object 0xffff888100000000 (size {bytes}):\n  comm \"seqfuzz\", pid {pid}, \
         jiffies 4294937296 (age 1.0s)\n  backtrace:\n    [<ffffffff81000000>] {call}+0x0/0x0\n"
    )
}

/// Returns a call as the name of a function.
fn function(call: &str) -> String {
    let plain = call
        .strip_prefix("t_")
        .map_or_else(|| format!("seq_{call}"), |call| format!("timer_{call}"));
    plain.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Returns the title of the first report of a log, by syzkaller's rules.
#[must_use]
pub(super) fn title(log: &str) -> Option<String> {
    kreport::read(log).reports.first().map(|report| report.title.clone())
}
