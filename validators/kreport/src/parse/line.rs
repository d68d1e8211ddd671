//! Decides what a line is within a report.

use super::frame::{self, Frame};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// What a line is within a report.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LineClass<'a> {
    /// A blank line.
    Blank,
    /// A rule: the character that it repeats, and its length.
    Rule(u8, usize),
    /// A function of a stack.
    Frame(Frame<'a>),
    /// Where the processor was. In user space there is no frame.
    Pointer(Option<Frame<'a>>),
    /// A mark within a stack, or a register.
    Mark,
    /// The start of a stack.
    Start,
    /// A line that only reports have.
    Known,
    /// The end that the kernel writes itself.
    End,
    /// Anything else.
    Other,
}

/// What the beginning of a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Mark,
    Start,
    End,
    Pointer,
    Register,
    Known,
}

/// Returns what a line is within a report.
#[must_use]
pub fn classify(text: &str) -> LineClass<'_> {
    let trimmed = text.trim();
    let Some(&first) = trimmed.as_bytes().first() else { return LineClass::Blank };
    if let Some(class) = rule(trimmed, first) {
        return class;
    }
    // Most lines of a report are of a stack.
    if (frame::offset_at(trimmed).is_some() || trimmed.ends_with(" [inline]"))
        && let Some(frame) = frame::parse(trimmed)
    {
        return LineClass::Frame(frame);
    }
    let beginnings = BEGINNINGS.get(usize::from(first)).map_or(&[][..], Vec::as_slice);
    for &(begin, word) in beginnings {
        if !trimmed.starts_with(word) {
            continue;
        }
        match begin {
            Begin::Mark if trimmed.len() == word.len() => return LineClass::Mark,
            Begin::Mark => {}
            Begin::Start => return LineClass::Start,
            Begin::End => return LineClass::End,
            Begin::Pointer => {
                if let Some(frame) = pointer(&trimmed[word.len()..]) {
                    return LineClass::Pointer(frame);
                }
            }
            Begin::Register => return LineClass::Mark,
            Begin::Known => return LineClass::Known,
        }
    }
    if is_heading(trimmed) {
        return LineClass::Start;
    }
    if is_arm64_register(trimmed, first) {
        return LineClass::Mark;
    }
    let known = text.starts_with(" #") || matches!(first, b'#' | b'>') || is_dump(trimmed);
    if known || PARTS.is_match(trimmed) { LineClass::Known } else { LineClass::Other }
}

fn rule(text: &str, first: u8) -> Option<LineClass<'_>> {
    if !matches!(first, b'=' | b'-') || text.len() < 8 {
        return None;
    }
    text.bytes().all(|byte| byte == first).then_some(LineClass::Rule(first, text.len()))
}

/// Returns whether a line is a heading of a stack that is known by its end.
fn is_heading(text: &str) -> bool {
    const ENDS: [&str; 4] =
        [" state was registered at:", "irq-safe at:", "irq-unsafe at:", "... acquired at:"];
    text.ends_with(" at:") && ENDS.iter().any(|end| text.ends_with(end))
}

/// Reads what follows `RIP: ` and the like: `0010:function+0x1/0x2`, an address, or neither.
fn pointer(text: &str) -> Option<Option<Frame<'_>>> {
    let rest = text.trim_start();
    // A segment may stand before the address: `0010:`.
    let rest = match rest.split_once(':') {
        Some((segment, after)) if segment.len() == 4 && is_hexadecimal(segment) => after,
        _ => rest,
    };
    // A user address, an unknown one, or null stands for a function without a name.
    let rest = rest.trim_start();
    let address = |text: &str| is_hexadecimal(text.strip_prefix("0x").unwrap_or(text));
    let found = frame::parse(rest);
    let first = rest.split(' ').next().unwrap_or_default();
    (found.is_some() || address(first) || rest.contains("(null)") || rest.contains(":0x"))
        .then_some(found)
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether a line has registers: `x29: ffff800012345678 x28: ...`.
fn is_arm64_register(text: &str, first: u8) -> bool {
    let name = || text[1..].split(':').next().unwrap_or_default().trim_end();
    first == b'x' && text.is_char_boundary(1) && name().parse::<u8>().is_ok()
}

/// Returns whether a line dumps memory: `ffff88800000: fb fb fb` or `(____ptrval____): 00 00`.
fn is_dump(text: &str) -> bool {
    let Some((address, bytes)) = text.split_once(':') else {
        return text.bytes().all(|byte| byte == b'^' || byte == b' ');
    };
    let address_like = address.len() >= 8 && is_hexadecimal(address) || address.contains("ptrval");
    address_like
        && bytes.trim_start().split(' ').take(4).all(|byte| byte.is_empty() || is_hexadecimal(byte))
}

/// Beginnings of lines, sorted by their first byte.
static BEGINNINGS: LazyLock<Vec<Vec<(Begin, &'static str)>>> = LazyLock::new(|| {
    let mut table = vec![Vec::new(); 256];
    let all = [
        (Begin::Mark, MARKS),
        (Begin::Start, STARTS),
        (Begin::End, ENDS),
        (Begin::Pointer, POINTERS),
        (Begin::Register, REGISTERS),
        (Begin::Known, KNOWN),
    ];
    for (begin, words) in all {
        for word in words {
            table[usize::from(word.as_bytes()[0])].push((begin, *word));
        }
    }
    table
});

/// Finds the parts that only lines of reports have.
static PARTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder =
        AhoCorasick::builder().kind(Some(aho_corasick::AhoCorasickKind::DFA)).build(KNOWN_PARTS);
    // The list is fixed and short, so the search can be built.
    builder.unwrap_or_else(|error| unreachable!("{error}"))
});

/// Whole lines that are marks within a stack.
const MARKS: &[&str] = &[
    "<TASK>",
    "</TASK>",
    "<IRQ>",
    "</IRQ>",
    "<EOI>",
    "<NMI>",
    "</NMI>",
    "<#DF>",
    "</#DF>",
    "<#DB>",
    "</#DB>",
    "<SOFTIRQ>",
    "<ENTRY_TRAMPOLINE>",
    "</ENTRY_TRAMPOLINE>",
];

/// Beginnings of lines that a stack follows.
const STARTS: &[&str] = &[
    "Call Trace",
    "Call trace",
    "Backtrace:",
    "Allocated by task",
    "Freed by task",
    "Allocated:",
    "Freed:",
    "backtrace:",
    "backtrace (crc",
    "Uninit was ",
    "Local variable ",
    "Last potentially related work creation",
    "Second to last potentially related work creation",
    "allocated by task ",
    "freed by task ",
    "page last allocated",
    "page last free",
    "Exception stack",
    "-> #",
    "stack backtrace:",
    "Stack:",
];

/// Beginnings of the lines with which the kernel ends a report.
const ENDS: &[&str] = &["---[ end trace", "---[ end Kernel panic"];

/// Beginnings of lines that say where the processor was, on several architectures.
const POINTERS: &[&str] =
    &["RIP: ", "EIP: ", "pc : ", "epc : ", "PC is at ", "IP: ", "NIP: ", "NIP ", "pc: "];

/// Beginnings of lines with registers of x86, arm64, riscv, powerpc.
const REGISTERS: &[&str] = &[
    "RSP:",
    "RAX:",
    "RDX:",
    "RBP:",
    "R10:",
    "R13:",
    "FS:",
    "CS:",
    "CR2:",
    "DR0:",
    "DR3:",
    "Code:",
    "EAX:",
    "ESI:",
    "DS:",
    "CR0:",
    "pstate:",
    "pc :",
    "lr :",
    "sp :",
    "ra :",
    "PKRU:",
    "GS:",
    "ORIG_RAX",
    "LR [",
    "GPR",
    "CFAR:",
    "MSR:",
    "REGS:",
    "status:",
    "epc :",
    "gp :",
    "t0 :",
    "t1 :",
    "t2 :",
    "t3 :",
    "t5 :",
    "s1 :",
    "s2 :",
    "s5 :",
    "s8 :",
    "s11:",
    "a0 :",
    "a1 :",
    "a2 :",
    "a5 :",
    "a7 :",
    "Code Analysis",
];

/// Beginnings of lines that reports have and other messages do not.
const KNOWN: &[&str] = &[
    "CPU: ",
    "Hardware name:",
    "Workqueue:",
    "Modules linked in:",
    "Tainted: ",
    "Comm:",
    "in_atomic():",
    "preempt_count:",
    "RCU nest depth:",
    "irq event stamp:",
    "no locks held by",
    "locks held by ",
    "lock held by ",
    "** replaying previous",
    "lock(",
    "rlock(",
    "local_irq_disable()",
    "<Interrupt>",
    "CPU0",
    "*** DEADLOCK ***",
    "Possible unsafe locking scenario",
    "Possible interrupt unsafe",
    "May be due to missing lock nesting",
    "Chain exists of:",
    "other info that might help",
    "the existing dependency chain",
    "which lock already depends",
    "but task is already holding",
    "inconsistent {",
    "context-{",
    "and this task is already holding",
    "which would create a new lock",
    "but this new dependency",
    "but this lock took another",
    "but this lock was taken by",
    "and interrupts could create",
    "the dependencies between",
    "the shortest dependencies",
    "but there are no more locks",
    "to a HARDIRQ-irq-unsafe",
    "to a SOFTIRQ-irq-unsafe",
    "... key      at:",
    "Preemption disabled at:",
    "Reported by Kernel Concurrency Sanitizer",
    "value changed:",
    "bits changed:",
    "race at unknown origin",
    "The buggy address",
    "The buggy page",
    "Memory state around",
    "which belongs to",
    "belongs to ",
    "page:",
    "flags: 0x",
    "raw: ",
    "page dumped because",
    "page_type:",
    "head: ",
    "page_owner",
    "Read of size ",
    "Write of size ",
    "Read at addr",
    "Write at addr",
    "Free of addr",
    "Bytes ",
    "Memory access of size",
    "Data copied to user address",
    "comm \"",
    "hex dump",
    "rcu_scheduler_active",
    "Sending NMI from CPU",
    "NMI backtrace for cpu",
    "rcu: ",
    "Showing all locks held",
    "Showing busy workqueues",
    "\"echo 0 > /proc/sys/kernel/hung_task",
    "Kernel Offset:",
    "Rebooting in",
    "Dumping ftrace",
    "note: ",
    "Kernel panic",
    "Internal error:",
    "Mem abort info:",
    "Data abort info:",
    "ESR = ",
    "EC = ",
    "SET = ",
    "FSC = ",
    "ISV = ",
    "CM = ",
    "user pgtable:",
    "swapper pgtable:",
    "[#",
    "KASAN: ",
    "PGD ",
    "#PF:",
    "Oops:",
    "task:",
    "Stack traceback",
    "invalid opcode:",
    "kfence-#",
    "Use-after-free ",
    "Out-of-bounds ",
    "Invalid free",
    "Corrupted memory",
    "Invalid read",
    "Invalid write",
    "index ",
    "shift exponent",
    "signed integer overflow",
    "Object ",
    "Redzone ",
    "Padding ",
    "Slab 0x",
    "FIX ",
    "cache ",
    "Code disassembly",
    "last function:",
    "irqs_disabled",
    "lockdep: ",
    "kcsan: ",
    "Unwind: ",
    "INITIAL USE",
    "IN-HARDIRQ",
    "IN-SOFTIRQ",
    "HARDIRQ-ON",
    "SOFTIRQ-ON",
    "-> (",
    "... which became",
    "unreferenced object",
    "TASK stack guard",
    "backtrace",
    "Disabling lock debugging",
    "Thread info:",
    "show_stack",
    "CPU#",
    "Uninit ",
    "Bad page",
    "CIFS",
    "Exception in",
    "ref_tracker",
    "workqueue ",
    "pwq ",
    "pending: ",
    "in-flight: ",
    "delayed: ",
    "pool ",
    "hardirqs last ",
    "softirqs last ",
];

/// Parts of lines that reports have and other messages do not.
const KNOWN_PARTS: &[&str] = &[
    " locks held by ",
    " lock held by ",
    ", at: ",
    " is trying to ",
    " just changed the state of lock",
    "]: SC",
    " takes:",
    " is freeing memory ",
    " is leaving the kernel",
    " bytes by task ",
    " bytes by interrupt ",
    " by task ",
    " blocked for more than",
    " object at ",
    " is located ",
    " -> (",
    " --> ",
    "suspicious rcu_dereference",
    " rcu_read_lock",
    "debug_locks = ",
    "(detected by ",
    "(t=",
    " stack:",
    "/0x",
    " bytes inside of",
    " pid: ",
    " tgid:",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_of_all_architectures_are_read() {
        let cases = [
            ("RIP: 0010:foo+0x1/0x2 a.c:1", Some("foo")),
            ("RIP: 0010:[<ffffffff8123>]  [<ffffffff8123>] foo+0x1/0x2", Some("foo")),
            ("RIP: 0033:0x7f394350f397", None),
            ("RIP: 0010:0x0", None),
            ("pc : foo+0x1/0x2", Some("foo")),
            ("epc : foo+0x1/0x2", Some("foo")),
            ("PC is at foo+0x1/0x2", Some("foo")),
            ("NIP [c000000000123] foo+0x1/0x2", Some("foo")),
            ("EIP: foo+0x1/0x2", Some("foo")),
            ("IP: [<ffffffff8123>] foo+0x1/0x2", Some("foo")),
        ];
        for (text, function) in cases {
            let LineClass::Pointer(frame) = classify(text) else { panic!("{text}") };
            assert_eq!(frame.map(|frame| frame.function()), function, "{text}");
        }
    }

    #[test]
    fn messages_are_not_taken_for_lines_of_reports() {
        for text in
            ["usb 1-1: new high-speed USB device number 2", "EXT4-fs (sda1): mounted", "hello"]
        {
            assert_eq!(classify(text), LineClass::Other, "{text}");
        }
    }
}
