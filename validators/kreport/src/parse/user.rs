//! Decides what a line is within a report of a program: of a sanitizer, Valgrind, Rust or Go.

use super::frame::Frame;
use super::header::Header;
use super::line::LineClass;
use super::text::{contains, split_once, trim, trim_start};

/// Returns what a line is within a report with this header.
pub(crate) fn classify(header: Header, text: &str) -> LineClass<'_> {
    let trimmed = trim(text);
    let Some(&first) = trimmed.as_bytes().first() else { return LineClass::Blank };
    if matches!(first, b'=' | b'-') && trimmed.bytes().all(|byte| byte == first) {
        return LineClass::Rule(first, trimmed.len());
    }
    match header {
        Header::Valgrind => valgrind(text, trimmed),
        Header::Panicked => rust(text, trimmed),
        Header::Go => go(text, trimmed),
        Header::GoRace => go_race(text, trimmed),
        _ => sanitizer(trimmed),
    }
}

fn sanitizer(text: &str) -> LineClass<'_> {
    if let Some(frame) = sanitizer_frame(text) {
        return LineClass::Frame(frame);
    }
    // Most words begin otherwise, and a comparison of one byte is no call.
    let first = text.as_bytes().first();
    let starts = |words: &[&str]| {
        words.iter().any(|word| word.as_bytes().first() == first && text.starts_with(word))
    };
    if text.ends_with("==ABORTING") || starts(&["ThreadSanitizer: reported "]) {
        return LineClass::End;
    }
    if text.ends_with(':') && is_stack_heading(text) {
        return LineClass::Start;
    }
    let known = starts(SANITIZER_LINES) || is_shadow(text) || contains(text, " is located ");
    let known = known || text.starts_with("==");
    if known { LineClass::Known } else { LineClass::Other }
}

/// Beginnings of lines that only reports of sanitizers have.
const SANITIZER_LINES: &[&str] = &[
    "SUMMARY: ",
    "READ of size ",
    "WRITE of size ",
    "Address 0x",
    "Location is ",
    "Mutex M",
    "Thread T",
    "Cycle in lock order graph:",
    "Hint: ",
    "HINT: ",
    "Shadow byte",
    "Addressable:",
    "Partially addressable:",
    "Heap left redzone:",
    "Freed heap region:",
    "Stack ",
    "Global ",
    "Poisoned by user:",
    "Container overflow:",
    "Array cookie:",
    "Intra object redzone:",
    "ASan internal:",
    "Left alloca redzone:",
    "Right alloca redzone:",
    "Shadow gap:",
    "This frame has ",
    "Memory tags around",
    "Register values:",
    "Intercepted call to real-time unsafe",
    "Call to blocking function",
    "Uninitialized value was",
    "Memory was marked as uninitialized",
    "Tagged allocation",
    "Cause: ",
    "[0x",
    "[frame=",
    "[1] size=",
    "[2] size=",
    "These globals were registered",
    "And ",
    "As if synchronized via sleep:",
    "MS: ",
    "artifact_prefix=",
];

/// Returns whether a line announces a stack: `freed by thread T0 here:`, `Previous write of size 4 at 0x1 by ..:`.
fn is_stack_heading(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "READ of size ",
        "WRITE of size ",
        " of size ",
        "freed by ",
        "allocated by ",
        "allocated at",
        "allocated from",
        "allocated here",
        "allocated in",
        "created by ",
        "created at",
        "acquired here",
        "acquired at",
        "leak of ",
        " was stored to memory",
        " was created by",
        "fiber ",
        "stack:",
        " here:",
        "in thread T",
        "main thread:",
        " context!",
    ];
    WORDS.iter().any(|word| contains(text, word))
}

/// Returns whether a line dumps shadow memory: `=>0x0c04: fa fa[fd]fa`.
fn is_shadow(text: &str) -> bool {
    let text = text.strip_prefix("=>").unwrap_or(text);
    text.starts_with("0x") && text.contains(':')
        || !text.is_empty() && text.trim_matches(['^', ' ']).is_empty()
}

/// Reads `#1 0x55d in name file.c:7:3 (module+0x12) (BuildId: 1234)`, with any part after the number missing.
fn sanitizer_frame(text: &str) -> Option<Frame<'_>> {
    let rest = text.strip_prefix('#')?;
    let space = rest.bytes().position(|byte| byte == b' ')?;
    rest[..space].parse::<u16>().ok()?;
    let mut rest = trim_start(&rest[space..]);
    let mut address = None;
    if let Some(digits) = rest.strip_prefix("0x") {
        let end = digits.find(' ').unwrap_or(digits.len());
        address = Some(&rest[..end + 2]);
        rest = trim_start(&digits[end..]);
    }
    rest = rest.strip_prefix("in ").unwrap_or(rest);
    let mut frame = Frame::default();
    while let Some((before, last)) = last_word(rest) {
        if last.starts_with("(BuildId: ") {
            frame.build_id = last.get("(BuildId: ".len()..last.len() - 1);
        } else if last.starts_with('(') && contains(last, "+0x") {
            module(&mut frame, last);
        } else {
            break;
        }
        rest = before;
    }
    if let Some((name, place)) = rest.rsplit_once(' ')
        && let Some((file, line)) = place_of(place)
    {
        (frame.file, frame.line) = (Some(file), line);
        rest = name;
    }
    let name = rest.trim_end().trim_end_matches(" <null>");
    // macOS has the offset in the function behind its name.
    let name = match name.rsplit_once("+0x") {
        Some((before, digits)) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            frame.offset = u64::from_str_radix(digits, 16).ok();
            before
        }
        _ => name,
    };
    frame.symbol = match (name, address) {
        ("" | "<null>", Some(address)) => address,
        ("" | "<null>", None) => "<null>",
        _ => without_arguments(name),
    };
    Some(frame)
}

/// Splits off the last part in round brackets.
fn last_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    if !text.ends_with(')') {
        return None;
    }
    let at = text.rfind('(')?;
    Some((text[..at].trim_end(), &text[at..]))
}

/// Reads `(/usr/lib/libx.so+0x1234)`.
fn module<'a>(frame: &mut Frame<'a>, text: &'a str) {
    let inner = text.trim_matches(['(', ')']);
    if let Some((path, offset)) = inner.rsplit_once("+0x") {
        frame.module = Some(path);
        frame.module_offset = u64::from_str_radix(offset, 16).ok();
    }
}

/// Reads `file.c:7:3` or `file.c:7`.
fn place_of(text: &str) -> Option<(&str, Option<u32>)> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (front, last) = text.rsplit_once(':')?;
    if !digits(last) {
        return None;
    }
    match front.rsplit_once(':') {
        Some((file, line)) if digits(line) => Some((file, line.parse().ok())),
        _ => Some((front, last.parse().ok())),
    }
}

/// Takes the arguments off a name of C++: `a::f(int) const` is `a::f`.
fn without_arguments(name: &str) -> &str {
    let mut from = 0;
    while let Some(at) = name[from..].find('(').map(|at| from + at) {
        let special = name[at..].starts_with("(anonymous ") || name[..at].ends_with("operator");
        if !special && at > 0 {
            return name[..at].trim_end();
        }
        from = at + 1;
    }
    name
}

fn valgrind<'a>(text: &'a str, trimmed: &'a str) -> LineClass<'a> {
    let call = trimmed.strip_prefix("at 0x").or_else(|| trimmed.strip_prefix("by 0x"));
    if let Some(frame) = call.and_then(valgrind_frame) {
        return LineClass::Frame(frame);
    }
    // Lines that belong to an error are indented by one space more than its first line.
    if text.starts_with(' ') || trimmed.starts_with("This conflicts with") {
        return if trimmed.ends_with("at")
            || contains(trimmed, " by thread #")
            || contains(trimmed, " 0x")
        {
            LineClass::Start
        } else {
            LineClass::Known
        };
    }
    const KNOWN: &[&str] =
        &["Address 0x", "Block was", "Location 0x", "Locks held:", "Required order", "Observed"];
    if KNOWN.iter().any(|word| trimmed.starts_with(word)) {
        return LineClass::Start;
    }
    LineClass::Other
}

/// Reads `109176: main (a.c:7)` or `4848899: malloc (in /usr/libexec/valgrind/x.so)`.
fn valgrind_frame(text: &str) -> Option<Frame<'_>> {
    let (address, rest) = split_once(text, ": ")?;
    u64::from_str_radix(address, 16).ok()?;
    let mut frame = Frame { symbol: rest.trim_end(), ..Frame::default() };
    if let Some((name, place)) = last_word(rest) {
        let place = place.trim_matches(['(', ')']);
        frame.symbol = name;
        match place.strip_prefix("in ") {
            Some(path) => frame.module = Some(path),
            None => match place_of(place) {
                Some((file, line)) => (frame.file, frame.line) = (Some(file), line),
                None => frame.symbol = rest.trim_end(),
            },
        }
    }
    frame.symbol = without_arguments(frame.symbol);
    Some(frame)
}

fn rust<'a>(text: &'a str, trimmed: &'a str) -> LineClass<'a> {
    if let Some(place) = trimmed.strip_prefix("at ")
        && text.starts_with("  ")
        && let Some((file, line)) = place_of(place)
    {
        return LineClass::Place(file, line);
    }
    if trimmed == "stack backtrace:" {
        return LineClass::Start;
    }
    if trimmed.starts_with("note: ") {
        return if trimmed.contains("RUST_BACKTRACE=1") || trimmed.contains("details are omitted") {
            LineClass::End
        } else {
            LineClass::Known
        };
    }
    match rust_frame(text, trimmed) {
        Some(frame) => LineClass::Frame(frame),
        None => LineClass::Other,
    }
}

/// Reads `  4: name`, or with `RUST_BACKTRACE=full` `  4:     0x55d - name`.
fn rust_frame<'a>(text: &'a str, trimmed: &'a str) -> Option<Frame<'a>> {
    let (number, rest) = split_once(trimmed, ": ")?;
    number.parse::<u16>().ok().filter(|_| text.starts_with(' '))?;
    let rest = rest.trim_start();
    let name = match rest.split_once(" - ") {
        Some((address, name)) if address.starts_with("0x") => name,
        _ => rest,
    };
    (!name.is_empty()).then(|| Frame { symbol: name, ..Frame::default() })
}

fn go<'a>(text: &'a str, trimmed: &'a str) -> LineClass<'a> {
    if trimmed.starts_with("goroutine ") && trimmed.ends_with("]:") {
        return LineClass::Start;
    }
    if trimmed.starts_with("exit status ") {
        return LineClass::End;
    }
    if text.starts_with('\t') || text.starts_with("  ") {
        let place = trimmed.split(" +0x").next().unwrap_or(trimmed);
        if let Some((file, line)) = place_of(place) {
            return LineClass::Place(file, line);
        }
    }
    let known = ["[signal ", "created by ", "runtime stack:", "rax ", "rip ", "[recovered]"];
    if known.iter().any(|word| trimmed.starts_with(word)) {
        return LineClass::Known;
    }
    match go_frame(trimmed) {
        Some(frame) => LineClass::Frame(frame),
        None => LineClass::Other,
    }
}

/// Reads `main.(*T).f(0x1, {0x2, 0x3})` or `panic({0x1?, 0x2?})`.
fn go_frame(text: &str) -> Option<Frame<'_>> {
    let open = text.ends_with(')').then(|| text.rfind('('))??;
    let name = text.get(..open).filter(|name| !name.is_empty() && !name.contains(' '))?;
    let known = name.contains('.') || name == "panic";
    known.then(|| Frame { symbol: name, ..Frame::default() })
}

fn go_race<'a>(text: &'a str, trimmed: &'a str) -> LineClass<'a> {
    let heading = ["Read at ", "Write at ", "Previous ", "Goroutine "];
    if trimmed.ends_with(':') && heading.iter().any(|word| trimmed.starts_with(word)) {
        return LineClass::Start;
    }
    go(text, trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_sanitizers_are_read() {
        type Case =
            (&'static str, &'static str, Option<&'static str>, Option<u32>, Option<&'static str>);
        let cases: &[Case] = &[
            ("#0 0x55d in main /tmp/a.c:7:3", "main", Some("/tmp/a.c"), Some(7), None),
            (
                "#1 0x7f in __libc_start (/lib/libc.so.6+0x2724a) (BuildId: 51657f)",
                "__libc_start",
                None,
                None,
                Some("/lib/libc.so.6"),
            ),
            (
                "#0 f(int*) /tmp/x.cc:5 (a.out+0x1234)",
                "f",
                Some("/tmp/x.cc"),
                Some(5),
                Some("a.out"),
            ),
            ("#0 <null> <null> (a.out+0x1234)", "<null>", None, None, Some("a.out")),
            ("#2 0x4a (/tmp/a.out+0x1234)", "0x4a", None, None, Some("/tmp/a.out")),
            (
                "#1 0x5 in std::vector<int, std::allocator<int> >::push_back(int const&) /usr/v.h:12:4",
                "std::vector<int, std::allocator<int> >::push_back",
                Some("/usr/v.h"),
                Some(12),
                None,
            ),
            (
                "#1 0x5 in (anonymous namespace)::f(int) a.cc:2",
                "(anonymous namespace)::f",
                Some("a.cc"),
                Some(2),
                None,
            ),
            (
                "#1 0x5 in A::operator()(int) const a.cc:2",
                "A::operator()",
                Some("a.cc"),
                Some(2),
                None,
            ),
        ];
        for &(text, symbol, file, line, module) in cases {
            let frame = sanitizer_frame(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (frame.symbol, frame.file, frame.line, frame.module),
                (symbol, file, line, module),
                "{text}"
            );
        }
        assert_eq!(sanitizer_frame("#0: ffff (a){+.+.}-{0:0}, at: f+0x1/0x2"), None);
    }

    #[test]
    fn frames_of_other_tools_are_read() {
        let cases = [
            (Header::Valgrind, "   at 0x109176: main (a.c:7)", "main"),
            (Header::Valgrind, "   by 0x4848899: malloc (in /usr/libexec/valgrind/x.so)", "malloc"),
            (Header::Valgrind, "   by 0x4848899: A::f(int) const (a.cc:7)", "A::f"),
            (Header::Valgrind, "   by 0x4848899: ???", "???"),
            (Header::Panicked, "   4: player::main::h0123", "player::main::h0123"),
            (Header::Panicked, "   4:     0x55d - player::main", "player::main"),
            (Header::Go, "main.(*T).f(0x1, {0x2, 0x3})", "main.(*T).f"),
        ];
        for (header, text, symbol) in cases {
            let LineClass::Frame(frame) = classify(header, text) else { panic!("{text}") };
            assert_eq!(frame.symbol, symbol, "{text}");
        }
        let place = classify(Header::Go, "\t/tmp/x.go:8 +0x1d");
        assert_eq!(place, LineClass::Place("/tmp/x.go", Some(8)));
        let place = classify(Header::Panicked, "             at ./src/main.rs:4:5");
        assert_eq!(place, LineClass::Place("./src/main.rs", Some(4)));
    }
}
