//! The words that a report begins with.

use aho_corasick::{AhoCorasick, packed};
use std::sync::LazyLock;

/// A word that begins a report. If a line has several, the first of this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// `BUG:`
    Bug,
    /// `WARNING:`
    Warning,
    /// `INFO:`
    Info,
    /// `Unable to handle kernel`
    Unable,
    /// `general protection fault`
    Protection,
    /// `stack segment:`
    StackSegment,
    /// `Kernel panic`
    Panic,
    /// `PANIC: double fault`
    DoubleFault,
    /// `rust_kernel: panicked`
    RustPanic,
    /// `kernel BUG` and `Kernel BUG`
    KernelBug,
    /// `BUG kmalloc-64 (...)` of the slab allocator.
    Slab,
    /// `divide error:`
    Divide,
    /// `invalid opcode:`
    Opcode,
    /// `UBSAN:`
    Ubsan,
    /// `unregister_netdevice: waiting for`
    Netdevice,
    /// `VFS: Close: file count is 0`, `VFS: Busy inodes after unmount`
    Vfs,
    /// `Internal error:`
    Internal,
    /// `Unhandled fault:`
    Unhandled,
    /// `Alignment trap:`
    Alignment,
    /// `hard LOCKUP on cpu`
    HardLockup,
    /// `unreferenced object 0x`
    Leak,
    /// `Oops:` of a cause that has no word of its own.
    Oops,
    /// A message with a stack that is no report. It ends the report before it.
    Information,
}

const WORDS: &[(&str, Header)] = &[
    ("BUG:", Header::Bug),
    ("WARNING:", Header::Warning),
    ("INFO:", Header::Info),
    ("Unable to handle kernel", Header::Unable),
    ("general protection fault", Header::Protection),
    ("stack segment: ", Header::StackSegment),
    ("Kernel panic", Header::Panic),
    ("PANIC: double fault", Header::DoubleFault),
    ("rust_kernel: panicked", Header::RustPanic),
    ("kernel BUG", Header::KernelBug),
    ("Kernel BUG", Header::KernelBug),
    ("BUG ", Header::Slab),
    ("divide error:", Header::Divide),
    ("divide_error:", Header::Divide),
    ("invalid opcode:", Header::Opcode),
    ("UBSAN:", Header::Ubsan),
    ("unregister_netdevice: waiting for", Header::Netdevice),
    ("VFS: Close: file count is 0", Header::Vfs),
    ("VFS: Busy inodes after unmount", Header::Vfs),
    ("Internal error:", Header::Internal),
    ("Unhandled fault:", Header::Unhandled),
    ("Alignment trap:", Header::Alignment),
    ("hard LOCKUP on cpu", Header::HardLockup),
    ("unreferenced object 0x", Header::Leak),
    ("Oops: ", Header::Oops),
    ("vmalloc: allocation failure:", Header::Information),
    ("FAULT_INJECTION: forcing a failure", Header::Information),
    ("FAULT_FLAG_ALLOW_RETRY missing", Header::Information),
    ("page allocation failure:", Header::Information),
    ("invoked oom-killer:", Header::Information),
];

/// Parts of lines that are no reports although they have a word of one: messages of programs, of start-up and of
/// debug output.
const INNOCENT: &[&str] = &[
    "DEBUG:",
    "xlog_status:",
    "/etc/ssh/moduli does not exist",
    "workqueue cpumask: online intersect > possible intersect",
    "he mand mount option",
    "in DT_FLAGS_1",
    "Unprivileged eBPF is enabled",
    "missed to adjust virtual screen size",
    "for mitigation options",
    "kernel not compiled with CPU_SRSO",
    "EXT4-fs",
    "EXT4-FS",
    "uses deprecated v2 capabilities",
    "uses wireless extensions",
    "): WARNING",
    "INFO: lockdep is turned off",
    "INFO: Stall ended before state dump start",
    "INFO: NMI handler",
    "INFO: recovery required on readonly filesystem",
    "took too long",
    "is not present in /proc/kallsyms",
    "no syscalls can create resource",
];

/// A search for the words in a log.
pub(crate) struct Search(Option<packed::Searcher>, AhoCorasick);

/// Returns the search for the words above.
pub(crate) static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let words = || WORDS.iter().map(|(word, _)| word);
    let config = packed::Config::new();
    // This search uses vector instructions where the processor has them.
    let vectors = config.builder().extend(words()).build();
    let mut automaton = AhoCorasick::builder();
    automaton.match_kind(aho_corasick::MatchKind::LeftmostFirst);
    // The list is fixed and short, so the search can be built.
    let automaton = automaton.build(words()).unwrap_or_else(|error| unreachable!("{error}"));
    Search(vectors, automaton)
});

impl Search {
    /// Returns where the first word from `start` on begins.
    pub(crate) fn find(&self, log: &[u8], start: usize) -> Option<usize> {
        let found = match &self.0 {
            Some(vectors) => vectors.find_in(log, aho_corasick::Span { start, end: log.len() }),
            None => self.1.find(aho_corasick::Input::new(log).span(start..log.len())),
        };
        found.map(|found| found.start())
    }
}

/// Finds all words in a line.
static ALL: LazyLock<AhoCorasick> =
    LazyLock::new(|| automaton(WORDS.iter().map(|(word, _)| *word)));

static NOT_REPORTS: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(INNOCENT));

fn automaton<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> AhoCorasick {
    let mut builder = AhoCorasick::builder();
    // The lists are fixed and short, so the search can be built.
    builder
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(words)
        .unwrap_or_else(|error| unreachable!("{error}"))
}

/// Returns the word that makes a line the start of a report, and where in the line it is.
#[must_use]
pub fn detect(text: &str) -> Option<(Header, usize)> {
    // The message may contain another word: `Kernel panic - not syncing: Oops - BUG: ...`.
    if text.starts_with("Kernel panic - ") {
        return Some((Header::Panic, 0));
    }
    let candidates = ALL.find_overlapping_iter(text).filter(|found| {
        let (_, header) = WORDS[found.pattern().as_usize()];
        starts_report(text, found.start(), header)
    });
    let first = candidates.min_by_key(|found| (found.pattern(), found.start()))?;
    if NOT_REPORTS.is_match(text) {
        return None;
    }
    Some((WORDS[first.pattern().as_usize()].1, first.start()))
}

fn starts_report(text: &str, at: usize, header: Header) -> bool {
    let before = &text[..at];
    let word_before = before.as_bytes().last();
    if word_before.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return false;
    }
    match header {
        // This is a fault of a program, not of the kernel: `x[123] general protection fault ip:.. error:0 in y`.
        Header::Protection => !text.contains(" error:") && text[at..].contains(':'),
        // `BUG kmalloc-64 (Not tainted): Object already free`.
        Header::Slab => {
            before.trim().is_empty() && text.contains("ainted: ") | text.contains("ainted):")
        }
        Header::KernelBug => {
            text[at..].starts_with("kernel BUG at ") || text[at..].starts_with("Kernel BUG ")
        }
        Header::Panic if before.ends_with("---[ end ") => false,
        Header::Panic => {
            text[at..].starts_with("Kernel panic - ") || text[at..].starts_with("Kernel panic:")
        }
        _ => true,
    }
}

/// Returns whether a line with a word continues an open report of its context instead of beginning another.
#[must_use]
pub fn continues(header: Header, text: &str) -> bool {
    matches!(header, Header::Opcode | Header::Panic | Header::DoubleFault | Header::Internal)
        || matches!(header, Header::Netdevice | Header::Oops | Header::Leak)
        || text.contains("Internal error:")
}

/// Returns whether a header repeats the one before for another function at the same address: a log that was
/// symbolised later has one header for each inlined function.
#[must_use]
pub fn repeats(before: &str, text: &str) -> bool {
    let head = |text: &'_ str| -> Option<usize> {
        let at = text.find(" in ").or_else(|| text.find(" at "))?;
        Some(at + 4)
    };
    let (Some(one), Some(two)) = (head(before), head(text)) else { return false };
    before.trim_end().ends_with("[inline]") && before[..one] == text[..two]
}
