//! Gives a report its title and its kind.
//!
//! Titles are those of syzkaller, so that a finding can be looked up where its reports are collected: the same
//! words, and `F`, the function, chosen in the same way. `docs/kreport.md` has the table.

mod lockdep;
mod normalise;
mod sanitizer;
mod stack;
mod user;
mod warning;

use crate::kind::Kind;
use crate::parse::header::{self, Header};
use crate::parse::split::Piece;
use stack::{Body, Choice, Plan};

use normalise::normalise;
pub(crate) use stack::is_dispatcher;
pub(crate) use user::is_runtime;

/// The title of a report, and what was found with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Titled<'a> {
    pub(crate) kind: Kind,
    pub(crate) title: String,
    /// The function that the title names.
    pub(crate) function: Option<&'a str>,
    /// Other titles under which the same defect may be known.
    pub(crate) alternatives: Vec<String>,
    /// Whether the report lacks what its title needs.
    pub(crate) corrupted: bool,
    /// Whether no rule knows the header, so that the title is the line itself.
    pub(crate) unknown: bool,
}

/// Stands for the function if a report has none.
const NO_FUNCTION: &str = "corrupted";

impl<'a> Titled<'a> {
    /// Makes a title that names no function.
    fn plain(kind: Kind, title: impl AsRef<str>) -> Self {
        let title = normalise(title.as_ref());
        Self {
            kind,
            title,
            function: None,
            alternatives: Vec::new(),
            corrupted: false,
            unknown: false,
        }
    }

    /// Makes a title of a line that no rule knows.
    fn unknown(kind: Kind, line: &str) -> Self {
        Self { unknown: true, ..Self::plain(kind, line.trim()) }
    }

    /// Makes the title `before F`.
    fn of(kind: Kind, before: &str, function: Option<&'a str>) -> Self {
        let name = function.unwrap_or(NO_FUNCTION);
        let title = normalise(&format!("{before} {name}"));
        let corrupted = function.is_none();
        Self { kind, title, function, alternatives: Vec::new(), corrupted, unknown: false }
    }

    /// Adds an alternative title, in which `{}` stands for the function.
    fn or(mut self, alternative: &str) -> Self {
        let name = self.function.unwrap_or(NO_FUNCTION);
        self.alternatives.push(normalise(&format!("{alternative} {name}")));
        self
    }
}

/// Returns whether a report about sleeping is of a program that the validators check.
pub(crate) fn is_of_program(body: Body<'_, '_>) -> bool {
    lockdep::call_of_program(body).is_some()
}

/// Gives a report its title.
pub(crate) fn title<'a>(piece: &Piece<'a>) -> Titled<'a> {
    let mut body = &piece.lines[piece.header_line..];
    while body.len() > 1 && header::repeats(body[0].text, body[1].text) {
        body = &body[1..];
    }
    let line = body[0].text;
    // The header is at the same place in the line, if that is still the same word.
    let text = line.get(piece.header_at..).unwrap_or(line);
    match piece.header {
        Header::Bug => bug(body, line, text),
        Header::Warning => warning::title(body, text),
        Header::Info => info(body, text),
        Header::Unable => unable(body, text),
        Header::Protection => fault(body, Kind::Protection, "general protection fault in"),
        Header::StackSegment => pointer(body, Kind::Oops, "stack segment fault in", &[]),
        Header::Panic => panic(body, text),
        Header::DoubleFault => pointer(body, Kind::DoubleFault, "PANIC: double fault in", &[]),
        Header::RustPanic => {
            let words = body.get(1).map_or("rust panic", |line| line.text.trim());
            trace(body, Kind::KernelBug, &format!("{words} in"), &["rust_begin_unwind"])
        }
        Header::KernelBug => kernel_bug(body, text),
        Header::Slab => slab(text),
        Header::Divide => pointer(body, Kind::Divide, "divide error in", &[]),
        Header::Opcode => pointer(body, Kind::Oops, "invalid opcode in", &[]),
        Header::Ubsan => sanitizer::ubsan(body, text),
        Header::Netdevice => {
            Titled::plain(Kind::Other, "unregister_netdevice: waiting for DEV to become free")
        }
        Header::Vfs if text.contains("Close") => {
            Titled::plain(Kind::Other, "VFS: Close: file count is zero (use-after-free)")
        }
        Header::Vfs => {
            Titled::plain(Kind::Other, "VFS: Busy inodes after unmount (use-after-free)")
        }
        Header::Internal => fault(body, Kind::Oops, "Internal error in"),
        Header::Unhandled => fault(body, Kind::Oops, "Unhandled fault in"),
        Header::Alignment => pointer(body, Kind::Oops, "Alignment trap in", &[]),
        Header::HardLockup => {
            stall(body, Kind::HardLockup, "BUG: hard lockup in", Plan::Pointer, &[])
        }
        Header::Leak => leak(body),
        Header::Oops => oops(body, text),
        Header::Trusty => trusty(text),
        Header::Fuzzer => Titled::plain(Kind::Fuzzer, text.trim()),
        Header::Boot => Titled::plain(Kind::Reboot, "unexpected kernel reboot"),
        Header::Information => Titled::unknown(Kind::Other, text),
        Header::Go
        | Header::GoRace
        | Header::Sanitizer
        | Header::LeakedHere
        | Header::RuntimeError
        | Header::Panicked
        | Header::LibFuzzer
        | Header::RustDies
        | Header::Valgrind => user::title(piece.header, body, text),
    }
}

/// Makes a title with the function that the processor executed.
fn pointer<'a>(body: Body<'_, 'a>, kind: Kind, before: &str, more: &[&str]) -> Titled<'a> {
    Titled::of(kind, before, stack::choose(body, None, Plan::Pointer, Choice::First, more))
}

/// The same for a bad access to memory.
fn fault<'a>(body: Body<'_, 'a>, kind: Kind, before: &str) -> Titled<'a> {
    pointer(body, kind, before, &[]).or("bad-access in")
}

/// Makes a title with the function that called the one that reports.
fn trace<'a>(body: Body<'_, 'a>, kind: Kind, before: &str, more: &[&str]) -> Titled<'a> {
    Titled::of(kind, before, stack::choose(body, None, Plan::Trace, Choice::First, more))
}

fn stall<'a>(
    body: Body<'_, 'a>,
    kind: Kind,
    before: &str,
    plan: Plan,
    more: &[&str],
) -> Titled<'a> {
    Titled::of(kind, before, stack::choose(body, None, plan, Choice::BeforeAnchor, more))
        .or("stall in")
}

fn leak<'a>(body: Body<'_, 'a>) -> Titled<'a> {
    const ALLOCATORS: &[&str] = &[
        "kmemleak",
        "mmap",
        "kmem",
        "slab",
        "alloc",
        "create_object",
        "idr_get",
        "list_lru_init",
        "kasprintf",
        "kvasprintf",
        "pcpu_create",
        "strdup",
        "strndup",
        "memdup",
    ];
    let plan = Plan::After("backtrace");
    Titled::of(
        Kind::MemoryLeak,
        "memory leak in",
        stack::choose(body, None, plan, Choice::First, ALLOCATORS),
    )
}

fn bug<'a>(body: Body<'_, 'a>, line: &'a str, text: &'a str) -> Titled<'a> {
    let words = text.strip_prefix("BUG:").unwrap_or(text).trim_start();
    if let Some(found) = sanitizer::title(body, words) {
        return found;
    }
    if let Some(found) = lockdep::bug(body, line, words) {
        return found;
    }
    let begins = |starts: &[&str]| starts.iter().any(|start| words.starts_with(start));
    if begins(&[
        "unable to handle kernel paging request",
        "unable to handle page fault for address",
        "Unable to handle kernel data access",
    ]) {
        return fault(body, Kind::PageFault, "BUG: unable to handle kernel paging request in");
    }
    if begins(&[
        "unable to handle kernel NULL pointer dereference",
        "kernel NULL pointer dereference",
        "Kernel NULL pointer dereference",
    ]) {
        let before = "BUG: unable to handle kernel NULL pointer dereference in";
        return fault(body, Kind::NullPointer, before);
    }
    if begins(&["unable to handle kernel", "Unable to handle kernel"]) {
        let found = Titled::plain(Kind::PageFault, "BUG: unable to handle kernel");
        return Titled { corrupted: true, ..found };
    }
    if begins(&["soft lockup"]) {
        return stall(body, Kind::SoftLockup, "BUG: soft lockup in", Plan::Pointer, &[]);
    }
    if begins(&["scheduling while atomic"]) {
        return trace(body, Kind::ScheduleAtomic, "BUG: scheduling while atomic in", &["schedule"]);
    }
    if begins(&["sleeping function called from invalid context"]) {
        if let Some(found) = lockdep::sleep_of_program(body) {
            return found;
        }
        let before = "BUG: sleeping function called from invalid context in";
        return trace(body, Kind::MightSleep, before, &[]);
    }
    if begins(&["workqueue lockup"]) {
        return Titled::plain(Kind::WorkqueueLockup, "BUG: workqueue lockup");
    }
    if begins(&["memory leak"]) {
        return leak(body);
    }
    if words.contains("stack guard page was hit at") {
        let function = stack::choose(body, None, Plan::Pointer, Choice::BeforeAnchor, &[]);
        let found = Titled::of(Kind::StackOverflow, "BUG: stack guard page was hit in", function);
        return found.or("stack-overflow in");
    }
    if begins(&["using "]) && words.contains("() in preemptible") {
        const PREEMPTION: &[&str] =
            &["dump_stack", "preemption", "preempt", "debug_", "processor_id", "this_cpu"];
        let call = words["using ".len()..].split("()").next().unwrap_or_default();
        let before = format!("BUG: using {call}() in preemptible code in");
        return trace(body, Kind::ScheduleAtomic, &before, PREEMPTION);
    }
    memory_bug(body, words).unwrap_or_else(|| Titled::unknown(Kind::Other, text))
}

/// Titles what memory management reports about its own structures.
fn memory_bug<'a>(body: Body<'_, 'a>, words: &str) -> Option<Titled<'a>> {
    for title in [
        "Bad rss-counter state",
        "non-zero nr_ptes on freeing mm",
        "non-zero nr_pmds on freeing mm",
    ] {
        if words.starts_with(title) {
            return Some(Titled::plain(Kind::Other, format!("BUG: {title}")));
        }
    }
    if words.starts_with("Bad page map") {
        return Some(Titled::plain(Kind::Other, "BUG: Bad page map"));
    }
    for what in ["state", "cache"] {
        if words.starts_with(&format!("Bad page {what}")) {
            const PAGES: &[&str] = &[
                "bad_page",
                "free_page",
                "free_pages_check",
                "put_page",
                "get_page",
                "update_page",
                "release_page",
                "free_unref",
                "^folio",
                "^_folio",
                "^__folio",
                "truncate_inode_pages",
                "page_frag_free",
                "alloc",
                "vmap",
                "page_owner",
            ];
            let plan = Plan::After("page last allocated");
            let function = stack::choose(body, None, plan, Choice::First, PAGES);
            let function =
                function.or_else(|| stack::choose(body, None, Plan::Trace, Choice::First, PAGES));
            return Some(Titled::of(Kind::Other, &format!("BUG: Bad page {what} in"), function));
        }
    }
    if words.starts_with("Dentry ") && words.contains("still in use") {
        let place = words.split("[unmount").nth(1).map_or("corrupted", |_| "unmount");
        return Some(Titled::plain(Kind::Other, format!("BUG: Dentry still in use in {place}")));
    }
    None
}

fn info<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.strip_prefix("INFO:").unwrap_or(text).trim_start();
    // The name of a task may have a newline in it.
    let next = body.get(1).map_or("", |line| line.text);
    let is_hung = |line: &str| line.contains(" blocked ") && line.contains("for more than");
    let stalls = ["rcu_preempt", "rcu_sched", "rcu_bh", "rcu_tasks"];
    if stalls.iter().any(|flavour| words.starts_with(flavour)) && words.contains("stall") {
        return rcu_stall(body);
    }
    if words.starts_with("task ") && (is_hung(words) || is_hung(next)) {
        let function = stack::choose(body, None, Plan::Trace, Choice::Waiting, &[]);
        return Titled::of(Kind::TaskHung, "INFO: task hung in", function).or("hang in");
    }
    if words.starts_with("task ") && words.contains("can't die for more than") {
        return trace(body, Kind::TaskHung, "INFO: task can't die in", &["schedule"]).or("hang in");
    }
    lockdep::info(body, words).unwrap_or_else(|| Titled::unknown(Kind::Other, text))
}

fn rcu_stall<'a>(body: Body<'_, 'a>) -> Titled<'a> {
    // The function is what the processor executed before the timer interrupt that noticed.
    let interrupts = ["apic_timer_interrupt", "el1h_64_irq", "Exception stack"];
    let entry = body.iter().position(|line| interrupts.iter().any(|word| line.text.contains(word)));
    let before = "INFO: rcu detected stall in";
    let skipped = &["apic_timer_interrupt", "rcu", "el1h_64_irq"];
    let Some(entry) = entry else {
        return stall(body, Kind::RcuStall, before, Plan::Pointer, skipped);
    };
    let interrupted = &body[entry + 1..];
    let plain = stack::choose(interrupted, None, Plan::Bare, Choice::BeforeAnchor, skipped);
    let pointer = interrupted.iter().find_map(|line| match line.class {
        crate::parse::line::LineClass::Pointer(frame) => Some(frame),
        _ => None,
    });
    let function = match pointer {
        Some(first) => stack::choose(interrupted, first, Plan::Bare, Choice::BeforeAnchor, skipped),
        None => plain,
    };
    Titled::of(Kind::RcuStall, before, function).or("stall in")
}

fn unable<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.strip_prefix("Unable to handle kernel").unwrap_or(text).trim_start();
    let kinds = [
        ("paging request", Kind::PageFault),
        ("NULL pointer dereference", Kind::NullPointer),
        ("access to user memory", Kind::PageFault),
    ];
    for (what, kind) in kinds {
        if words.starts_with(what) {
            return fault(body, kind, &format!("BUG: unable to handle kernel {what} in"));
        }
    }
    // s390 names the address space: this is its form of a bad access.
    if words.starts_with("pointer dereference in ") {
        return fault(body, Kind::PageFault, "BUG: unable to handle kernel pointer dereference in");
    }
    let found = Titled::plain(Kind::PageFault, text);
    let function = stack::choose(body, None, Plan::Pointer, Choice::First, &[]);
    Titled { function, ..found }
}

fn panic<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.split_once("not syncing:").map_or(text, |(_, words)| words).trim();
    if let Some(place) = words.strip_prefix("stack-protector: Kernel stack is corrupted in: ") {
        let before = "kernel panic: stack is corrupted in";
        let function = crate::parse::frame::parse(place).map(|frame| frame.function());
        let function = function
            .or_else(|| stack::choose(body, None, Plan::Trace, Choice::First, &["stack_chk"]));
        return Titled::of(Kind::StackOverflow, before, function);
    }
    let stack_end = |before: &str, more: &[&str]| {
        let function = stack::choose(body, None, Plan::Trace, Choice::BeforeAnchor, more);
        Titled::of(Kind::StackOverflow, before, function).or("stack-overflow in")
    };
    if words.starts_with("corrupted stack end detected inside scheduler") {
        return stack_end("kernel panic: corrupted stack end in", &["schedule", "retint_kernel"]);
    }
    if words.starts_with("kernel stack overflow") {
        return stack_end("kernel stack overflow in", &["bad_stack"]);
    }
    let shortened = ["Attempted to kill init!", "Fatal exception", "hung_task: blocked tasks"];
    if let Some(title) = shortened.iter().find(|title| words.starts_with(**title)) {
        return Titled::plain(Kind::Panic, format!("kernel panic: {title}"));
    }
    if words.contains("panic_on_warn set") {
        return Titled::plain(Kind::Panic, "kernel panic: panic_on_warn set");
    }
    if words.starts_with("Couldn't open N_TTY ldisc") {
        return Titled::plain(Kind::Panic, "kernel panic: Couldn't open N_TTY ldisc");
    }
    Titled::plain(Kind::Panic, format!("kernel panic: {words}"))
}

fn kernel_bug<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    if let Some(words) = text.strip_prefix("Kernel BUG ").filter(|words| !words.starts_with("[#")) {
        return Titled::plain(Kind::KernelBug, format!("kernel BUG {words}"));
    }
    let place = text.strip_prefix("kernel BUG at ").unwrap_or_default();
    if place.starts_with("mm/usercopy.c") {
        return trace(body, Kind::KernelBug, "BUG: bad usercopy in", &["usercopy", "__check"]);
    }
    if place.starts_with("lib/list_debug.c") {
        let found = trace(body, Kind::ListCorruption, "BUG: corrupted list in", &[]);
        return found.or("bad-access in");
    }
    pointer(body, Kind::KernelBug, "kernel BUG in", &["^skb_"])
}

/// Titles `BUG kmalloc-64 (Not tainted): Object already free`. The cache is not part of the defect.
fn slab<'a>(text: &'a str) -> Titled<'a> {
    let words = text.split_once("): ").map_or(text, |(_, words)| words);
    Titled::plain(Kind::Slab, format!("BUG: {words}"))
}

/// Titles `trusty: panic (caller): ASSERT FAILED at (file): condition` of Android's second kernel.
fn trusty(text: &str) -> Titled<'_> {
    let words = text.split_once("): ").map_or(text, |(_, words)| words).trim();
    match words.split_once("ASSERT FAILED at ") {
        Some((_, rest)) => {
            let condition = rest.split_once("): ").map_or(rest, |(_, condition)| condition);
            Titled::plain(Kind::KernelBug, format!("trusty: ASSERT FAILED: {condition}"))
        }
        None => Titled::plain(Kind::KernelBug, format!("trusty: panic: {words}")),
    }
}

/// Titles the remaining `Oops:`. Those like `Oops: general protection fault` have words of their own.
fn oops<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let what = text.strip_prefix("Oops: ").unwrap_or(text);
    let what = what.split([':', '[']).next().unwrap_or_default().trim();
    let number = what.bytes().all(|byte| byte.is_ascii_hexdigit());
    let before = if number { "Oops in".to_owned() } else { format!("Oops: {what} in") };
    pointer(body, Kind::Oops, &before, &[])
}
