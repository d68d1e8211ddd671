//! Titles of reports of programs: sanitizers, Valgrind, panics of Rust and Go.
//!
//! The words are those of the tool's own summary; the function is the first that is not the tool's or the language's.

use super::Titled;
use super::stack::Body;
use crate::kind::Kind;
use crate::parse::frame::Frame;
use crate::parse::header::Header;
use crate::parse::line::LineClass;
use crate::parse::split::Claimed;
use crate::parse::text::{contains, find, split_once, trim};
use crate::skip::Skip;
use std::sync::LazyLock;

/// Titles a report of a program. `text` is its first line from the headline on.
pub(super) fn title<'a>(header: Header, body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    match header {
        Header::RuntimeError => runtime_error(body, text),
        Header::LeakedHere => in_first(body, Kind::MemoryLeak, "LeakSanitizer: memory leak"),
        Header::GoRace => race(body, "Go: data race"),
        Header::Panicked => panicked(body, text),
        Header::Go => go(body, text),
        Header::Valgrind => valgrind(body, text),
        Header::LibFuzzer => libfuzzer(body, text),
        Header::RustDies => rust_dies(text),
        _ => sanitizer(body, text),
    }
}

/// Makes the title `what in F`, with the first function of the first stack.
fn in_first<'a>(body: Body<'_, 'a>, kind: Kind, what: &str) -> Titled<'a> {
    let function = stacks(body).next().and_then(first);
    Titled::of(kind, &format!("{what} in"), function)
}

/// Makes the title `what in A / B`, with the functions of both accesses in the order of the alphabet.
fn race<'a>(body: Body<'_, 'a>, what: &str) -> Titled<'a> {
    let mut stacks = stacks(body);
    let (one, two) = (stacks.next().and_then(first), stacks.next().and_then(first));
    let mut found = Titled::of(Kind::DataRace, &format!("{what} in"), one);
    if let (Some(one), Some(two)) = (one, two) {
        let (a, b) = if one <= two { (one, two) } else { (two, one) };
        found.title = super::normalise(&format!("{what} in {a} / {b}"));
    }
    found
}

/// Titles `ERROR: libFuzzer: timeout after 25 seconds` and the like.
fn libfuzzer<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let words = text.trim_start_matches("ERROR: libFuzzer: ");
    let ends = [" after ", " (", ": "];
    let end = ends.iter().filter_map(|end| find(words, end)).min().unwrap_or(words.len());
    in_first(body, Kind::Crash, &format!("libFuzzer: {}", words[..end].trim()))
}

/// Titles how a program in Rust ends without a panic.
fn rust_dies(text: &str) -> Titled<'_> {
    match text.contains(" has overflowed its stack") {
        true => Titled::plain(Kind::Crash, "Rust: stack overflow"),
        false => Titled::plain(Kind::Crash, "Rust: memory allocation failed"),
    }
}

fn sanitizer<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let text = text.trim_start_matches("ERROR: ").trim_start_matches("WARNING: ");
    let (tool, words) = split_once(text, ": ").unwrap_or((text, ""));
    let what = what(body, tool, words);
    let kind = kind(tool, what);
    if kind == Kind::DataRace {
        let on_table = what.contains(" on vptr");
        let what =
            if on_table { "data race on vptr" } else { what.trim_end_matches(" on address") };
        return race(body, &format!("{tool}: {what}"));
    }
    if what == "odr-violation" {
        // The stacks are those of the start of the program. The name of the variable tells what is wrong.
        let name = body.iter().find(|line| trim(line.text).starts_with("[1] size="));
        let name = name.and_then(|line| line.text.split('\'').nth(1)).unwrap_or_default();
        return Titled::plain(kind, format!("{tool}: {what} {name}"));
    }
    let call = (what == "unsafe-library-call").then(|| quoted(body)).flatten();
    match call {
        Some(call) => in_first(body, kind, &format!("{tool}: {what} {call}")),
        None => in_first(body, kind, &format!("{tool}: {what}")),
    }
}

/// Returns the name of the defect: the one of the summary, or what the first line has before its numbers.
fn what<'a>(body: Body<'_, 'a>, tool: &str, words: &'a str) -> &'a str {
    let others = body.iter().filter(|line| !matches!(line.class, LineClass::Frame(_)));
    let summary =
        others.map(|line| trim(line.text)).find_map(|text| text.strip_prefix("SUMMARY: "));
    let summary =
        summary.and_then(|rest| rest.strip_prefix(tool)).and_then(|rest| rest.strip_prefix(": "));
    // The names in summaries of these tools are single words.
    if matches!(tool, "AddressSanitizer" | "HWAddressSanitizer" | "MemorySanitizer")
        && let Some(name) = summary.and_then(|rest| rest.split(' ').next())
    {
        return name.trim_end_matches(':');
    }
    let ends = [" on address", " on unknown address", " (pid=", " on 0x", ": ", " (", " 0x"];
    let end = ends.iter().filter_map(|end| find(words, end)).min().unwrap_or(words.len());
    words[..end].trim().trim_start_matches("attempting ")
}

/// Returns the function that `RealtimeSanitizer` complains of.
fn quoted<'a>(body: Body<'_, 'a>) -> Option<&'a str> {
    let line = body.iter().find(|line| contains(line.text, " in real-time context"))?;
    line.text.split('`').nth(1)
}

fn kind(tool: &str, what: &str) -> Kind {
    match tool {
        "RealtimeSanitizer" => Kind::RealTime,
        "MemorySanitizer" if what.starts_with("use-of-uninit") => Kind::Uninitialised,
        "ThreadSanitizer" => match what {
            _ if what.starts_with("data race") => Kind::DataRace,
            "race on external object" => Kind::DataRace,
            _ if what.starts_with("lock-order-inversion") => Kind::LockOrder,
            "SEGV" => Kind::Crash,
            _ if what.contains("use-after-free") => Kind::MemoryError,
            _ => Kind::ThreadMisuse,
        },
        _ => match what {
            "SEGV" | "BUS" | "FPE" | "ILL" | "ABRT" | "TRAP" | "stack-overflow"
            | "deadly signal" => Kind::Crash,
            _ => Kind::MemoryError,
        },
    }
}

/// Titles `a.c:5:9: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented in type 'int'`.
fn runtime_error<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let (place, words) = text.split_once(": runtime error: ").unwrap_or(("", text));
    let what = words.split(": ").next().unwrap_or(words).trim();
    let before = format!("UndefinedBehaviorSanitizer: {what} in");
    let function = stacks(body).next().and_then(first);
    // Without print_stacktrace=1 there is only the place.
    let file = place.split(':').next().unwrap_or_default();
    let found = Titled::of(Kind::Ubsan, &before, function.or(Some(file)));
    Titled { function, ..found }
}

/// Titles `thread 'main' panicked at src/main.rs:4:5:`, or, until Rust 1.73, `... at 'words', src/main.rs:4:5`.
fn panicked<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let (_, rest) = text.split_once(" panicked at ").unwrap_or(("", text));
    let (message, place) = match rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
        Some((message, place)) => (message, place),
        None => (body.get(1).map_or("", |line| line.text.trim()), rest),
    };
    let function = stacks(body).next().and_then(first);
    let file = place.split(':').next().unwrap_or_default();
    let before = format!("Rust panic: {message} in");
    let found = Titled::of(
        Kind::Panicked,
        &before,
        function.or_else(|| Some(file).filter(|file| !file.is_empty())),
    );
    Titled { function, ..found }
}

fn go<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let found = Titled::plain(Kind::Panicked, text.trim());
    Titled { function: stacks(body).next().and_then(first), ..found }
}

fn valgrind<'a>(body: Body<'_, 'a>, text: &'a str) -> Titled<'a> {
    let text = text.trim();
    if contains(text, " are definitely lost in") || contains(text, " are possibly lost in") {
        let how = if text.contains("definitely") { "definitely" } else { "possibly" };
        return in_first(body, Kind::MemoryLeak, &format!("Valgrind: memory {how} lost"));
    }
    if text.starts_with("Conflicting ") {
        // DRD does not know where the other thread made its access.
        return in_first(body, Kind::DataRace, "Valgrind: data race");
    }
    if text.starts_with("Possible data race") {
        return race(body, "Valgrind: data race");
    }
    // What follows is different in each run, or of no use: addresses, names of tasks.
    let ends = [
        " at 0x",
        " by thread ",
        ": lock order",
        " \"0x",
        " (0x",
        ": mutex 0x",
        ": rwlock 0x",
        ": cond 0x",
        ": barrier 0x",
        ": semaphore 0x",
        ": condition variable 0x",
        ": -",
    ];
    let end = ends.iter().filter_map(|end| find(text, end)).min().unwrap_or(text.len());
    let (what, kind) = match text {
        _ if contains(text, "lock order") => ("lock order violated", Kind::LockOrder),
        _ if text.starts_with("Thread #") => {
            let words = text
                .trim_start_matches("Thread #")
                .trim_start_matches(|letter: char| letter.is_ascii_digit());
            let words = words.trim_start_matches(':').trim_start_matches("'s").trim_start();
            let end = ends.iter().filter_map(|end| find(words, end)).min().unwrap_or(words.len());
            (&words[..end], Kind::ThreadMisuse)
        }
        _ if contains(text, "ninitialised") => (&text[..end], Kind::Uninitialised),
        // DRD names what was misused.
        _ if ends[5..11].iter().any(|object| text[end..].starts_with(object)) => {
            (&text[..end], Kind::ThreadMisuse)
        }
        _ if text.starts_with("Process termin") => (&text[..end], Kind::Crash),
        _ => (&text[..end], Kind::MemoryError),
    };
    in_first(body, kind, &format!("Valgrind: {}", what.trim_end_matches(" at")))
}

/// Returns the stacks of a report.
fn stacks<'b, 'a>(body: Body<'b, 'a>) -> impl Iterator<Item = Body<'b, 'a>> {
    let in_stack =
        |line: &Claimed<'_>| matches!(line.class, LineClass::Frame(_) | LineClass::Place(..));
    let runs = body.chunk_by(move |one, two| in_stack(one) == in_stack(two));
    let is_frame = |line: &Claimed<'_>| matches!(line.class, LineClass::Frame(_));
    runs.filter(move |run| run.iter().any(is_frame))
}

/// Returns the first function that is not the tool's or the language's, or else the first that has a name.
fn first<'a>(stack: Body<'_, 'a>) -> Option<&'a str> {
    let frame = |line: &Claimed<'a>| match line.class {
        LineClass::Frame(frame) => Some(frame),
        _ => None,
    };
    let mut known = stack.iter().filter_map(frame).filter(is_named);
    let own = known.clone().find(|frame| !is_runtime(frame));
    own.or_else(|| known.next()).map(|frame| frame.function())
}

fn is_named(frame: &Frame<'_>) -> bool {
    !frame.symbol.is_empty() && frame.symbol != "???" && frame.symbol != "<null>"
}

/// Names of functions of tools, the C library and languages' runtimes. `^` binds a pattern to the start and `$` to the
/// end.
const NAMES: &[&str] = &[
    "^__interceptor_",
    "^___interceptor_",
    "^__interceptor_trampoline",
    "^__asan_",
    "^__hwasan_",
    "^__lsan_",
    "^__tsan_",
    "^__msan_",
    "^__ubsan_",
    "^__rtsan_",
    "^__sanitizer_",
    "^fuzzer::",
    "^__asan::",
    "^__tsan::",
    "^__msan::",
    "^__sanitizer::",
    "^operator new",
    "^operator delete",
    "^std::",
    "^__gnu_cxx::",
    "^std[",
    "^core::",
    "^core[",
    "^alloc::",
    "^alloc[",
    "^__rust_",
    "^__rdl_",
    "^__rg_",
    "^rust_begin_unwind",
    "^<std::",
    "^<core::",
    "^<alloc::",
    "^runtime.",
    "^testing.",
    "^sync.",
    "^sync/",
    "^internal/",
    "^pthread_",
    "^__pthread_",
    "^__GI_",
    "^__libc_",
    "^__gthread_",
    "^operatornew",
    "^operatordelete",
    "^__wrap_",
    "^mythread_wrapper",
    "^malloc$",
    "^calloc$",
    "^realloc$",
    "^reallocarray$",
    "^free$",
    "^cfree$",
    "^memalign$",
    "^aligned_alloc$",
    "^posix_memalign$",
    "^valloc$",
    "^pvalloc$",
    "^memcpy$",
    "^memmove$",
    "^memset$",
    "^memcmp$",
    "^memchr$",
    "^strlen$",
    "^strnlen$",
    "^strcpy$",
    "^strncpy$",
    "^strcat$",
    "^strncat$",
    "^strcmp$",
    "^strncmp$",
    "^strcasecmp$",
    "^strchr$",
    "^strrchr$",
    "^strstr$",
    "^strdup$",
    "^strndup$",
    "^raise$",
    "^abort$",
    "^__assert_",
    "^__assert$",
    "^_start$",
    "^call_init$",
    "^_dl_init$",
    "^panic$",
    "^gsignal$",
    "^write$",
    "^read$",
    "^wcslen$",
    "^bcmp$",
    "^puts$",
    "^printf$",
    "^fprintf$",
    "^vfprintf$",
    "^snprintf$",
    "^vsnprintf$",
    "^sprintf$",
    "^asprintf$",
    "^vasprintf$",
    "^fputs$",
    "^fwrite$",
    "^clone$",
    "^clone3$",
    "^start_thread$",
    "^bzero$",
    "^mempcpy$",
    "^stpcpy$",
    "^__memcpy_chk$",
    "^__strdup$",
];

/// Parts of the paths of their source files.
const FILES: &[&str] = &[
    "vg_replace_",
    "hg_intercepts.c",
    "drd_pthread_intercepts.c",
    "sanitizer_common",
    "compiler-rt/",
    "/libsanitizer/",
    "/rustc/",
    "library/std/src",
    "library/core/src",
    "library/alloc/src",
    "/usr/include/c++",
    "../sysdeps/",
];

/// Parts of the paths of their libraries.
const MODULES: &[&str] =
    &["vgpreload_", "libasan.so", "libtsan.so", "libubsan.so", "libc.so", "libclang_rt"];

static RUNTIME: LazyLock<[Skip; 3]> = LazyLock::new(|| [NAMES, FILES, MODULES].map(Skip::new));

/// Returns whether a function belongs to the tool, the C library or the language's runtime.
pub(crate) fn is_runtime(frame: &Frame<'_>) -> bool {
    // Code of a header of the system is inlined into the program's.
    if frame.file.is_some_and(|file| file.starts_with("/usr/include/")) {
        return true;
    }
    let [names, files, modules] = &*RUNTIME;
    names.has(frame.function())
        || frame.file.is_some_and(|file| files.has(file))
        || frame.module.is_some_and(|module| modules.has(module))
}
