//! Reads one function of a stack, as the kernels of several architectures print it.

use super::text::{contains, trim_start};
use memchr::memmem;
use serde::Serialize;
use std::sync::LazyLock;

/// A function of a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The function as printed, with the compiler's suffixes such as `.isra.0`.
    pub symbol: &'a str,
    /// The offset in the function, in bytes.
    pub offset: Option<u64>,
    /// The length of the function, in bytes.
    pub size: Option<u64>,
    /// The source file.
    pub file: Option<&'a str>,
    /// The line in the source file.
    pub line: Option<u32>,
    /// The module that the function belongs to.
    pub module: Option<&'a str>,
    /// The offset in the module, in bytes, as sanitizers print it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_offset: Option<u64>,
    /// The build ID of the module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_id: Option<&'a str>,
    /// Whether the function was inlined into the frame after it.
    pub inline: bool,
    /// Whether the function stood on the stack but need not have been called: `? function`.
    pub unreliable: bool,
}

impl<'a> Frame<'a> {
    /// Returns the name that titles use: without the compiler's suffixes and an older kernel's `SyS_` and the like.
    #[must_use]
    pub fn function(&self) -> &'a str {
        // A name of Go or Swift has its package or type before a dot.
        let dotted = |file: &str| file.ends_with(".go") || file.ends_with(".swift");
        if self.file.is_some_and(dotted) || unnamed(self.symbol).is_some() {
            return self.symbol;
        }
        without_entry_prefix(plain(self.symbol))
    }

    /// Returns `file:line` if it is known.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let file = self.file?;
        Some(self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
    }
}

/// Takes off `.isra.0`, `.part.0`, `.constprop.0`, `.cold`, `.llvm.123`.
fn plain(symbol: &str) -> &str {
    // Dots and colons are part of names in other languages.
    if symbol.starts_with('<') || contains(symbol, "::") {
        // The last part of a Rust name may be a hash: `::h` and 16 digits.
        let hash = symbol
            .len()
            .checked_sub(19)
            .and_then(|at| Some((symbol.get(..at)?, symbol.get(at..)?)));
        return match hash {
            Some((name, hash)) if hash.starts_with("::h") => name,
            _ => symbol,
        };
    }
    match symbol.bytes().position(|byte| byte == b'.') {
        Some(dot) if dot > 0 => &symbol[..dot],
        _ => symbol,
    }
}

/// Takes off the prefixes that each architecture puts before the entries of system calls.
fn without_entry_prefix(mut name: &str) -> &str {
    const PREFIXES: [&str; 15] = [
        "SYSC_",
        "SyS_",
        "sys_",
        "__x64_",
        "__ia32_",
        "__arm64_",
        "____sys_",
        "___sys_",
        "__sys_",
        "__se_",
        "__se_sys_",
        "__do_sys_",
        "compat_SYSC_",
        "compat_SyS_",
        "ksys_",
    ];
    // These are the first bytes of the prefixes.
    if !name.starts_with(['_', 's', 'S', 'c', 'k']) {
        return name;
    }
    for prefix in PREFIXES {
        if let Some(rest) = name.strip_prefix(prefix)
            && !rest.is_empty()
        {
            name = rest;
        }
    }
    name
}

/// Reads a line of a stack. Returns `None` if it is none.
#[must_use]
pub fn parse(text: &str) -> Option<Frame<'_>> {
    let mut rest = trim_start(text);
    let mut unreliable = false;
    loop {
        if let Some(after) = program_counter(rest) {
            rest = after.trim_start();
        } else if let Some(after) = rest.strip_prefix("? ") {
            unreliable = true;
            rest = after.trim_start();
        } else {
            break;
        }
    }
    let mut frame = arm(rest).or_else(|| symbol(rest))?;
    frame.unreliable |= unreliable;
    Some(frame)
}

/// Takes off `[<ffffffff81234567>]` and `[c000000000012345]`, of any length.
fn program_counter(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let inner = inner.strip_prefix('<').unwrap_or(inner);
    let inner = inner.strip_prefix("0x").unwrap_or(inner);
    let end = inner.bytes().position(|byte| !byte.is_ascii_hexdigit())?;
    let rest = &inner[end..];
    let rest = rest.strip_prefix('>').unwrap_or(rest).strip_prefix(']')?;
    (end > 0).then_some(rest)
}

static FROM: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(" from "));

/// Reads `(callee+0x1/0x2) from [<c0101234>] (caller+0x1/0x2)` of 32-bit arm, or `callee from caller+0x1/0x2`,
/// which kernels print since Linux 5.19. The callee counts.
fn arm(text: &str) -> Option<Frame<'_>> {
    let at = FROM.find(text.as_bytes())?;
    let (callee, rest) = (text[..at].trim_end(), text[at + " from ".len()..].trim_start());
    let (callee, caller) = match callee.strip_prefix('(') {
        Some(callee) => {
            let (_, caller) = rest.split_once('(')?;
            (callee.strip_suffix(')')?, caller.split(')').next().unwrap_or(caller))
        }
        None => (callee, program_counter(rest).unwrap_or(rest).trim_start()),
    };
    if let Some(frame) = symbol(callee) {
        return Some(frame);
    }
    let known = callee.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte));
    let caller = symbol(caller).is_some() || is_address(caller);
    let frame = Frame { symbol: callee, offset: Some(0), ..Frame::default() };
    (known && caller && !callee.is_empty()).then_some(frame)
}

/// Returns whether a text is an address, which stands for a function without a name.
fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Reads `function+0x1/0x2 [module] file.c:12`, `function file.c:12 [inline]`, or `function (file.c:12)`.
pub(crate) fn symbol(text: &str) -> Option<Frame<'_>> {
    match offset_at(text) {
        Some(plus) => with_offset(text, plus),
        None => inlined(text).or_else(|| decoded(text)),
    }
}

/// Returns whether a line may be one of `decode_stacktrace.sh`. This check is cheap.
pub(crate) fn may_be_decoded(text: &str) -> bool {
    (text.ends_with(')') || text.ends_with(']')) && text.contains(':') && contains(text, " (")
}

/// Reads `function (file.c:12 caller.c:7 (discriminator 2)) module`, which the kernel's `decode_stacktrace.sh` makes
/// of `function+0x1/0x2 [module]`. The last place is that of the function, those before are inlined into it.
fn decoded(text: &str) -> Option<Frame<'_>> {
    let (name, rest) = text.trim_end().split_once(" (")?;
    // Newer versions of the script keep the offset in the function.
    let name = name.split("+0x").next().unwrap_or(name);
    if !is_symbol(name) {
        return None;
    }
    let close = rest.rfind(')')?;
    let (places, after) = (&rest[..close], rest[close + 1..].trim());
    let mut place = None;
    for word in places.split(' ') {
        match file_line(word) {
            Some(found) => place = Some(found),
            None if word == "(discriminator" || word.ends_with(')') => {}
            None => return None,
        }
    }
    let (file, line) = place?;
    let module = (!after.is_empty()).then(|| {
        let name = after.split(' ').next().unwrap_or(after);
        name.trim_matches(['[', ']'])
    });
    Some(Frame { symbol: name, file: Some(file), line, module, ..Frame::default() })
}

/// Returns where `+0x` is, the mark between a function and the offset in it.
pub(crate) fn offset_at(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'+', bytes).find(|&at| bytes[at..].starts_with(b"+0x"))
}

/// Reads `libx.so.1:0x1234`, which stands for a function without a name: the module, and the offset in it.
fn unnamed(name: &str) -> Option<(&str, u64)> {
    // Most names have no colon.
    memchr::memchr(b':', name.as_bytes())?;
    let (module, offset) = name.rsplit_once(":0x")?;
    let known =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+');
    let whole = !module.is_empty() && module.bytes().all(known);
    let offset = u64::from_str_radix(offset, 16).ok()?;
    whole.then_some((module, offset))
}

fn with_offset(text: &str, plus: usize) -> Option<Frame<'_>> {
    let name = &text[..plus];
    let nameless = unnamed(name);
    if nameless.is_none() && !is_symbol(name) {
        return None;
    }
    let (offset, rest) = hexadecimal(&text[plus + 1..])?;
    let (size, rest) = hexadecimal(rest.strip_prefix('/')?)?;
    let mut frame =
        Frame { symbol: name, offset: Some(offset), size: Some(size), ..Frame::default() };
    if let Some((module, offset)) = nameless {
        (frame.module, frame.module_offset) = (Some(module), Some(offset));
    }
    suffixes(&mut frame, rest);
    Some(frame)
}

fn inlined(text: &str) -> Option<Frame<'_>> {
    let text = text.trim_end().strip_suffix(" [inline]")?;
    let (name, place) = text.rsplit_once(' ')?;
    if !is_symbol(name) {
        return None;
    }
    let (file, line) = file_line(place)?;
    Some(Frame { symbol: name, file: Some(file), line, inline: true, ..Frame::default() })
}

/// Reads the module, source line and marks after a function.
fn suffixes<'a>(frame: &mut Frame<'a>, mut rest: &'a str) {
    loop {
        rest = trim_start(rest);
        let (word, after) = match rest.as_bytes().first() {
            None => return,
            Some(b'[') => match rest.find(']') {
                Some(end) => (&rest[..=end], &rest[end + 1..]),
                None => return,
            },
            Some(_) => {
                let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
                (&rest[..end], &rest[end..])
            }
        };
        match word {
            "[inline]" => frame.inline = true,
            "(unreliable)" => frame.unreliable = true,
            _ if word.starts_with('[') => {
                // This is the module, perhaps with its build ID.
                let mut inner = word.trim_matches(['[', ']']).split(' ');
                frame.module = inner.next();
                frame.build_id = inner.next();
            }
            _ => {
                if let Some((file, line)) = file_line(word) {
                    frame.file = Some(file);
                    frame.line = line;
                }
            }
        }
        rest = after;
    }
}

/// Reads `file.c:12`, perhaps with a column.
fn file_line(place: &str) -> Option<(&str, Option<u32>)> {
    let colon = memchr::memchr(b':', place.as_bytes())?;
    let place = place.trim_end_matches([',', ')']);
    let (file, number) = (place.get(..colon)?, place.get(colon + 1..)?);
    let digits = number.split(':').next()?;
    let line = digits.parse().ok();
    (file.contains('.') && (line.is_some() || digits == "?")).then_some((file, line))
}

fn hexadecimal(text: &str) -> Option<(u64, &str)> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let end = digits.bytes().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
    let value = u64::from_str_radix(digits.get(..end)?, 16).ok()?;
    Some((value, &digits[end..]))
}

/// Returns whether a text is a name: of C, or of Rust or C++ with colons and brackets.
fn is_symbol(name: &str) -> bool {
    let Some(&first) = name.as_bytes().first() else { return false };
    // A closure of Rust whose path the debug information lacks.
    if name.starts_with("{closure") || name.starts_with("{{closure") {
        return !name.contains(' ');
    }
    if !(first.is_ascii_alphabetic() || b"_<.$".contains(&first)) {
        return false;
    }
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'@');
    if name.bytes().all(plain) {
        return true;
    }
    // A name with spaces in it is one of Rust or C++ only if it says so.
    (name.contains("::") || first == b'<') && !name.contains(": ") && !name.contains(", at")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_all_shapes_are_read() {
        type Case = (&'static str, &'static str, Option<&'static str>, Option<u32>, bool, bool);
        let cases: &[Case] = &[
            (
                " a::b::h0123456789abcdef+0x1/0x2 src/a.rs:7",
                "a::b",
                Some("src/a.rs"),
                Some(7),
                false,
                false,
            ),
            (
                " snd_card_locked+0x1b/0x60 sound/core/init.c:399",
                "snd_card_locked",
                Some("sound/core/init.c"),
                Some(399),
                false,
                false,
            ),
            (
                " vfs_write fs/read_write.c:558 [inline]",
                "vfs_write",
                Some("fs/read_write.c"),
                Some(558),
                true,
                false,
            ),
            (" ? foo.isra.0+0x1/0x2", "foo", None, None, false, true),
            ("{closure#0}+0x51/0xe5 a.rs:1", "{closure#0}", Some("a.rs"), Some(1), false, false),
            (" foo (net/a.c:12)", "foo", Some("net/a.c"), Some(12), false, false),
            (
                " ? foo (net/a.h:12 net/b.c:7 (discriminator 2)) snd_seq",
                "foo",
                Some("net/b.c"),
                Some(7),
                false,
                true,
            ),
            (" show_stack from dump_stack_lvl+0x40/0x4c", "show_stack", None, None, false, false),
            (
                "[<c0010c9c>] (foo+0x0/0x124) from [<c02f1a74>] (bar+0x18/0x1c)",
                "foo",
                None,
                None,
                false,
                false,
            ),
            (
                "[<c0010c9c>] (foo+0x0/0x124)  from [<c02f1a74>] (bar+0x18/0x1c)",
                "foo",
                None,
                None,
                false,
                false,
            ),
            (
                " [<ffffffff81234567>] foo.part.0.cold+0x1/0x2 [snd_seq]",
                "foo",
                None,
                None,
                false,
                false,
            ),
            (" [<ffffffff81234567>] ? foo+0x1/0x2", "foo", None, None, false, true),
            ("[c000000001] [c000000002] foo+0x1/0x2 (unreliable)", "foo", None, None, false, true),
            ("[<c0101234>] (foo) from [<c0101235>] (bar+0x1/0x2)", "foo", None, None, false, false),
            (
                " __x64_sys_ioctl+0x49/0x60 fs/ioctl.c:892",
                "sys_ioctl",
                Some("fs/ioctl.c"),
                Some(892),
                false,
                false,
            ),
            (
                " el0t_64_sync+0x198/0x19c arch/arm64/kernel/entry.S:600",
                "el0t_64_sync",
                Some("arch/arm64/kernel/entry.S"),
                Some(600),
                false,
                false,
            ),
            (" foo+0x1/0x2 [mod 0123456789abcdef]", "foo", None, None, false, false),
            (
                " <a::B as c::D>::e+0x1/0x2 src/a.rs:7",
                "<a::B as c::D>::e",
                Some("src/a.rs"),
                Some(7),
                false,
                false,
            ),
        ];
        for &(text, function, file, line, inline, unreliable) in cases {
            let frame = parse(text).unwrap_or_else(|| panic!("{text}"));
            let found = (frame.function(), frame.file, frame.line, frame.inline, frame.unreliable);
            assert_eq!(found, (function, file, line, inline, unreliable), "{text}");
        }
        for text in [
            "usb 1-1: new device",
            "RAX: 0000000000000000",
            "foo+bar",
            "",
            "+0x1/0x2",
            "[<x>]",
            "a (b)",
            "read from disk",
            "loaded (a.b: c)",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
