//! Takes out of a title what differs from run to run.

use crate::parse::text::contains;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Maximum length of a title in bytes. Longer ones come from lines that were mixed up.
const MAX_BYTES: usize = 120;

/// A pattern, its replacement, and a fast check whether the pattern can be in a text.
type Rule<Pattern> = (Pattern, &'static str, fn(&str) -> bool);

/// The rules, applied in this order, each until it changes nothing more.
static RULES: LazyLock<Vec<Rule<Regex>>> = LazyLock::new(|| {
    let rules: [Rule<&str>; 8] = [
        // The fuzzer's own processes.
        (r"syz-executor\.?[0-9]+(?:[/:][0-9]+)?", "syz-executor", |text| {
            contains(text, "syz-executor")
        }),
        (r"syzkaller[0-9]+(?:[/:][0-9]+)?", "syzkaller", |text| contains(text, "syzkaller")),
        // Addresses.
        (r"([^a-zA-Z0])(?:0x)?[0-9a-f]{6,}", "${1}ADDR", has_address),
        // Addresses of the network.
        (r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", "IP", |text| {
            text.bytes().filter(|&byte| byte == b'.').count() >= 3
        }),
        // Line numbers of files.
        (r"(\.[0-9A-Za-z_]+)(?::[0-9]+)+", "${1}:LINE", |text| {
            text.contains('.') && text.contains(':')
        }),
        // Offsets in functions.
        (r"([a-zA-Z][a-zA-Z0-9_.]+)\+0x[0-9a-z]+/0x[0-9a-z]+", "${1}", |text| {
            contains(text, "+0x")
        }),
        // Processors.
        (r"CPU#[0-9]+", "CPU", |text| text.contains('#')),
        // Any other number.
        (r"([^0-9A-Za-z_])[0-9]+([^0-9A-Za-z_]|$)", "${1}NUM${2}", |text| {
            text.bytes().any(|byte| byte.is_ascii_digit())
        }),
    ];
    let compile = |(rule, with, check)| Some((Regex::new(rule).ok()?, with, check));
    rules.into_iter().filter_map(compile).collect()
});

/// Returns whether six digits of a hexadecimal number follow each other.
fn has_address(text: &str) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.as_bytes().split(|byte| !is_digit(byte)).any(|digits| digits.len() >= 6)
}

/// Returns the title without addresses, numbers, line numbers and control characters. Functions without names keep
/// their file and the offset in it, such as `libjack.so.0.1.0:0xcb77`, which tell them apart.
pub(crate) fn normalise(title: &str) -> String {
    if !title.contains(":0x") {
        return clean(&masked(title));
    }
    let (mut parts, mut start, mut before) = (Vec::new(), 0, "");
    for word in title.split(' ') {
        let at = word.as_ptr().addr() - title.as_ptr().addr();
        if ["in", "/"].contains(&before) && is_function(word) {
            parts.extend([masked(&title[start..at]), Cow::Borrowed(word)]);
            start = at + word.len();
        }
        before = word;
    }
    parts.push(masked(&title[start..]));
    clean(&parts.concat())
}

/// Returns whether a word is a file and an offset in it. Addresses of kernels have more digits.
fn is_function(word: &str) -> bool {
    const MAX_DIGITS: usize = 8;
    let is_name = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(is_part)
    };
    word.split_once(":0x").is_some_and(|(file, offset)| {
        let is_offset = offset.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_name(file) && is_offset && (1..=MAX_DIGITS).contains(&offset.len())
    })
}

fn masked(title: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(title);
    for (rule, with, can_be_in) in RULES.iter() {
        while can_be_in(&text) {
            match rule.replace_all(&text, *with) {
                Cow::Borrowed(_) => break,
                Cow::Owned(changed) if changed == *text => break,
                Cow::Owned(changed) => text = Cow::Owned(changed),
            }
        }
    }
    text
}

fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for byte in text.bytes().take(MAX_BYTES) {
        let byte = if byte == b'\t' { b' ' } else { byte };
        if !(0x20..0x7f).contains(&byte) || byte == b' ' && cleaned.ends_with(' ') {
            continue;
        }
        cleaned.push(char::from(byte));
    }
    cleaned.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced() {
        assert_eq!(RULES.len(), 8);
        for (title, wanted) in [
            ("KCSAN: data-race in foo+0x12/0x34", "KCSAN: data-race in foo"),
            ("kernel BUG mm/slub.c:4000!", "kernel BUG mm/slub.c:LINE!"),
            ("stuck at 0xffff88801234 for 22s on CPU#3", "stuck at ADDR for 22s on CPU"),
            ("a 0,1,2 b", "a NUM,NUM,NUM b"),
            ("from 10.0.0.1  twice", "from IP twice"),
            ("syz-executor.3/1234 did", "syz-executor did"),
            ("free called in libjack.so.0.1.0:0xcb77", "free called in libjack.so.0.1.0:0xcb77"),
            ("race of 8 in a.so.1:0x1a2b3c / pd:0x10", "race of NUM in a.so.1:0x1a2b3c / pd:0x10"),
            ("fault in pc:0xffff888012345678", "fault in pc:ADDR"),
            ("lost libjack.so.0.1.0:0xcb77", "lost libjack.so.NUM.NUM.NUM:LINExcb77"),
        ] {
            assert_eq!(normalise(title), wanted, "{title}");
        }
        assert_eq!(normalise(&"x".repeat(500)).len(), MAX_BYTES);
    }
}
