//! Reads one function of a stack, as the kernels of several architectures print it.

use serde::Serialize;

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
    /// Whether the function was inlined into the frame after it.
    pub inline: bool,
    /// Whether the function stood on the stack but need not have been called: `? function`.
    pub unreliable: bool,
}

impl<'a> Frame<'a> {
    /// Returns the name that titles use: without the compiler's suffixes and an older kernel's `SyS_` and the like.
    #[must_use]
    pub fn function(&self) -> &'a str {
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
    if symbol.contains("::") || symbol.starts_with('<') {
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
    let mut rest = text.trim_start();
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
    let mut frame = match arm(rest) {
        Some(frame) => frame,
        None => symbol(rest)?,
    };
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

/// Reads `(callee+0x1/0x2) from [<c0101234>] (caller+0x1/0x2)` of 32-bit arm. The callee counts.
fn arm(text: &str) -> Option<Frame<'_>> {
    let inner = text.strip_prefix('(')?;
    let (callee, rest) = inner.split_once(") from ")?;
    if let Some(frame) = symbol(callee) {
        return Some(frame);
    }
    let caller = rest.split_once('(').and_then(|(_, caller)| symbol(caller.trim_end_matches(')')));
    let known = callee.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    let frame = Frame { symbol: callee, offset: Some(0), ..Frame::default() };
    (known && caller.is_some() && !callee.is_empty()).then_some(frame)
}

/// Reads `function+0x1/0x2 [module] file.c:12`, or `function file.c:12 [inline]`.
pub(crate) fn symbol(text: &str) -> Option<Frame<'_>> {
    match offset_at(text) {
        Some(plus) => with_offset(text, plus),
        None => inlined(text),
    }
}

/// Returns where `+0x` is, the mark between a function and the offset in it.
pub(crate) fn offset_at(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'+', bytes).find(|&at| bytes[at..].starts_with(b"+0x"))
}

fn with_offset(text: &str, plus: usize) -> Option<Frame<'_>> {
    let name = &text[..plus];
    if !is_symbol(name) {
        return None;
    }
    let (offset, rest) = hexadecimal(&text[plus + 1..])?;
    let (size, rest) = hexadecimal(rest.strip_prefix('/')?)?;
    let mut frame =
        Frame { symbol: name, offset: Some(offset), size: Some(size), ..Frame::default() };
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
        rest = rest.trim_start();
        let (word, after) = match rest.as_bytes().first() {
            None => return,
            Some(b'[') => match rest.find(']') {
                Some(end) => (&rest[..=end], &rest[end + 1..]),
                None => return,
            },
            Some(_) => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (&rest[..end], &rest[end..])
            }
        };
        match word {
            "[inline]" => frame.inline = true,
            "(unreliable)" => frame.unreliable = true,
            _ if word.starts_with('[') => {
                // This is the module, perhaps with its build ID.
                let inner = word.trim_matches(['[', ']']);
                frame.module = inner.split(' ').next();
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
    let place = place.trim_end_matches([',', ')']);
    let (file, number) = place.split_once(':')?;
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
    if !(first.is_ascii_alphabetic() || b"_<.$".contains(&first)) {
        return false;
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$@".contains(&byte);
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
        for text in
            ["usb 1-1: new device", "RAX: 0000000000000000", "foo+bar", "", "+0x1/0x2", "[<x>]"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
