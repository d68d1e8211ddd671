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
    /// `hard LOCKUP on cpu`, and on powerpc `self-detected hard LOCKUP @` and `hard LOCKUP on other CPUs`
    HardLockup,
    /// `unreferenced object 0x`
    Leak,
    /// `Oops:` of a cause that has no word of its own.
    Oops,
    /// `trusty: panic` of Android's second kernel.
    Trusty,
    /// `SYZFATAL:` and `SYZFAIL:`, with which syzkaller's own programs end.
    Fuzzer,
    /// `Booting the kernel.` or `Linux version` after other messages of a kernel.
    Boot,
    /// `panic:` and `fatal error:` of a program in Go.
    Go,
    /// `ERROR: AddressSanitizer:` and the like, of a sanitizer in user space.
    Sanitizer,
    /// `Direct leak of` and `Indirect leak of` of `LeakSanitizer`.
    LeakedHere,
    /// `file.c:1:2: runtime error:` of `UndefinedBehaviorSanitizer` in user space.
    RuntimeError,
    /// `WARNING: DATA RACE` of a program in Go.
    GoRace,
    /// `thread 'main' panicked at` of a program in Rust.
    Panicked,
    /// `ERROR: libFuzzer:`, with which a fuzz target ends.
    LibFuzzer,
    /// `has overflowed its stack` and `memory allocation of 8 bytes failed` of a program in Rust.
    RustDies,
    /// An error of one of Valgrind's tools.
    Valgrind,
    /// A message with a stack that is no report. It ends the report before it.
    Information,
}

const WORDS: &[(&str, Header)] = &[
    ("Sanitizer: ", Header::Sanitizer),
    ("WARNING: DATA RACE", Header::GoRace),
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
    // On arm64 the kernel dies of a trap: `Internal error: UBSAN: shift out of bounds: 00000000f2005514`.
    ("UBSAN:", Header::Ubsan),
    ("unregister_netdevice: waiting for", Header::Netdevice),
    ("VFS: Close: file count is 0", Header::Vfs),
    ("VFS: Busy inodes after unmount", Header::Vfs),
    ("Internal error:", Header::Internal),
    ("Unhandled fault:", Header::Unhandled),
    ("Alignment trap:", Header::Alignment),
    ("hard LOCKUP ", Header::HardLockup),
    ("unreferenced object 0x", Header::Leak),
    ("Oops: ", Header::Oops),
    ("trusty: panic", Header::Trusty),
    ("SYZFATAL:", Header::Fuzzer),
    ("SYZFAIL:", Header::Fuzzer),
    ("Booting the kernel.", Header::Boot),
    ("Linux version ", Header::Boot),
    (": runtime error: ", Header::RuntimeError),
    (" leak of ", Header::LeakedHere),
    ("' panicked at ", Header::Panicked),
    (") panicked at ", Header::Panicked),
    ("ERROR: libFuzzer: ", Header::LibFuzzer),
    (" has overflowed its stack", Header::RustDies),
    ("memory allocation of ", Header::RustDies),
    ("panic: ", Header::Go),
    ("fatal error: ", Header::Go),
    ("vmalloc: allocation failure:", Header::Information),
    ("FAULT_INJECTION: forcing a failure", Header::Information),
    ("FAULT_FLAG_ALLOW_RETRY missing", Header::Information),
    ("page allocation failure:", Header::Information),
    ("invoked oom-killer:", Header::Information),
];

/// Words of Valgrind's errors, behind the process ID: `==12== Invalid read of size 4`.
const VALGRIND: &[&str] = &[
    "== Invalid ",
    "== Conditional jump",
    "== Use of uninit",
    "== Syscall param",
    "== Mismatched ",
    "== Source and dest",
    "== Argument '",
    "== Possible data",
    "== Thread #",
    "== Conflicting ",
    "== Process termin",
    "== Jump to",
    ", recursion count ",
    " has been signaled but the",
    ": rwlock 0x",
    ": cond 0x",
    ": barrier 0x",
    ": semaphore 0x",
    "ly lost in",
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
    "ddb.onpanic:",
    "evtchn_do_upcall",
];

/// A search for the words in a log.
pub(crate) struct Search(Option<packed::Searcher>, AhoCorasick);

/// Returns the search for the words above.
pub(crate) static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    // A line with a word has each part of the word too.
    let all = || WORDS.iter().map(|(word, _)| word).chain(VALGRIND);
    let words = || all().filter(|word| all().all(|part| part == *word || !word.contains(part)));
    // The vectors have room for 64 words. With more, the search is slower.
    debug_assert!(words().count() <= 64, "{} words", words().count());
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

/// Words are looked for in this part of a line, in bytes. The kernel's own lines have at most 1024.
const MAX_LINE: usize = 4096;

/// Returns the word that makes a line the start of a report, and where in the line it is.
#[must_use]
pub fn detect(text: &str) -> Option<(Header, usize)> {
    // Each word is looked at in its line, so a line of any length would take any time.
    let text = super::prefix::head(text, MAX_LINE);
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
    let header = WORDS[first.pattern().as_usize()].1;
    Some((header, title_start(header, text, first.start())))
}

/// Returns where the headline begins, if that is before the word.
fn title_start(header: Header, text: &str, at: usize) -> usize {
    let before = &text[..at];
    match header {
        Header::Sanitizer => {
            before.rfind("ERROR: ").or_else(|| before.rfind("WARNING: ")).unwrap_or(at)
        }
        Header::LeakedHere => before.rfind(['D', 'I']).unwrap_or(at),
        // The source file stands before the words.
        Header::RuntimeError => before.rfind([' ', '\t']).map_or(0, |space| space + 1),
        Header::Panicked => before.rfind("thread '").unwrap_or(at),
        Header::RustDies => before.rfind("thread '").unwrap_or(at),
        _ => at,
    }
}

/// Returns whether a line without its `==12== ` is the start of an error of Valgrind.
#[must_use]
pub fn detect_valgrind(text: &str) -> bool {
    let text = super::prefix::head(text, MAX_LINE);
    let is_thread = || {
        text.starts_with("Thread #")
            && !text.contains(" was created")
            && !text.contains(" is the program's root thread")
    };
    let has = || VALGRIND.iter().filter(|word| !word.starts_with("== "));
    let inside = || {
        has().any(|word| text.contains(word))
            && !text.contains(" first observed")
            && !text.contains(" are indirectly ")
    };
    let starts = || VALGRIND.iter().filter_map(|word| word.strip_prefix("== "));
    is_thread()
        || inside()
        || !text.starts_with("Thread #") && starts().any(|word| text.starts_with(word))
}

fn starts_report(text: &str, at: usize, header: Header) -> bool {
    let before = &text[..at];
    let rest = &text[at..];
    let word_before = before.as_bytes().last();
    let inside_word = word_before.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match header {
        Header::Sanitizer => is_sanitizer(before, rest),
        Header::LeakedHere => {
            (before.ends_with("Direct") || before.ends_with("Indirect"))
                && rest.contains(" byte(s) in ")
        }
        Header::RuntimeError => {
            // A line and a column, or a line alone, end the place.
            let number = before.trim_end_matches(|letter: char| letter.is_ascii_digit());
            number.len() < before.len() && number.ends_with(':') && number.len() > 1
        }
        Header::Panicked => before.contains("thread '"),
        Header::HardLockup => ["on cpu", "on other CPUs", "@ "]
            .iter()
            .any(|word| rest["hard LOCKUP ".len()..].starts_with(word)),
        Header::RustDies => {
            before.contains("thread '") || rest.trim_end().ends_with(" bytes failed")
        }
        _ if inside_word => false,
        // This is a fault of a program, not of the kernel: `x[123] general protection fault ip:.. error:0 in y`.
        Header::Protection => !text.contains(" error:") && rest.contains(':'),
        // `BUG kmalloc-64 (Not tainted): Object already free`.
        Header::Slab => {
            before.trim().is_empty() && text.contains("ainted: ") | text.contains("ainted):")
        }
        Header::KernelBug => rest.starts_with("kernel BUG at ") || rest.starts_with("Kernel BUG "),
        Header::Panic if before.ends_with("---[ end ") => false,
        Header::Panic => rest.starts_with("Kernel panic - ") || rest.starts_with("Kernel panic:"),
        Header::Boot => before.trim().is_empty() || before.ends_with("] "),
        // This names the owner of the lock that a hung task waits for.
        Header::Info => !names_owner(text),
        _ => true,
    }
}

/// Returns whether a line is one of a hung task's report that names the owner of a lock.
#[must_use]
pub fn names_owner(text: &str) -> bool {
    text.contains(" blocked on a") && !text.contains(" for more than ")
}

/// Returns whether `ERROR: ` or `WARNING: ` and the name of a sanitizer stand around `Sanitizer: `.
fn is_sanitizer(before: &str, rest: &str) -> bool {
    const NAMES: [&str; 9] = [
        "Address",
        "HWAddress",
        "Thread",
        "Memory",
        "Realtime",
        "UndefinedBehavior",
        "DataFlow",
        "Type",
        "NumericalStability",
    ];
    let level = before.rfind("ERROR: ").map(|at| at + "ERROR: ".len());
    let level = level.or_else(|| before.rfind("WARNING: ").map(|at| at + "WARNING: ".len()));
    level.is_some_and(|at| NAMES.contains(&&before[at..]))
        && rest.len() > "Sanitizer: ".len()
        && !rest.contains(" failed to ")
}

/// Returns whether a line with a word continues an open report of its context instead of beginning another.
#[must_use]
pub fn continues(header: Header, text: &str) -> bool {
    matches!(header, Header::Opcode | Header::Panic | Header::DoubleFault | Header::Internal)
        || matches!(header, Header::Netdevice | Header::Oops | Header::Leak)
        // On riscv, this follows `kernel BUG at FILE`.
        || header == Header::KernelBug && text.contains("Kernel BUG [#")
        || header == Header::Go
        || header == Header::LeakedHere && text.contains("Indirect leak of ")
        || text.contains("Internal error:")
}

impl Header {
    /// Returns whether a program in user space prints reports with this header.
    #[must_use]
    pub fn is_of_program(self) -> bool {
        matches!(self, Self::Go | Self::GoRace | Self::Sanitizer | Self::LeakedHere)
            || matches!(self, Self::RuntimeError | Self::Panicked | Self::Valgrind)
            || matches!(self, Self::LibFuzzer | Self::RustDies)
    }
}

/// Returns whether a header repeats the one before for another function at the same address: a log that was
/// symbolised later has one header for each inlined function.
#[must_use]
pub fn repeats(before: &str, text: &str) -> bool {
    if !before.trim_end().ends_with("[inline]") {
        return false;
    }
    let head = |text: &'_ str| -> Option<usize> {
        let at = text.find(" in ").or_else(|| text.find(" at "))?;
        Some(at + 4)
    };
    let (Some(one), Some(two)) = (head(before), head(text)) else { return false };
    before[..one] == text[..two]
}
