//! Decides what a line is within a report.

use super::frame::{self, Frame};
use super::text::trim;
use super::words::{
    ENDS, KNOWN, KNOWN_PARTS, MARKS, NUMERIC_POINTERS, POINTERS, REGISTERS, STARTS,
};
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
    /// The source file and line of the function in the line above.
    Place(&'a str, Option<u32>),
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
    let trimmed = trim(text);
    let Some(&first) = trimmed.as_bytes().first() else { return LineClass::Blank };
    if let Some(class) = rule(trimmed, first) {
        return class;
    }
    // Most lines of a report are of a stack.
    if (frame::offset_at(trimmed).is_some()
        || trimmed.ends_with(" [inline]")
        || frame::may_be_decoded(trimmed))
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
            Begin::Pointer => match pointer(&trimmed[word.len()..]) {
                // 32-bit arm and powerpc print the address here, and the function on a line of its own.
                Some(None) if NUMERIC_POINTERS.contains(&word) => return LineClass::Mark,
                Some(frame) => return LineClass::Pointer(frame),
                None => {}
            },
            Begin::Register => return LineClass::Mark,
            Begin::Known => return LineClass::Known,
        }
    }
    if is_heading(trimmed) {
        return LineClass::Start;
    }
    if is_arm_register(trimmed, first) || is_stack_dump(trimmed) {
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
    // s390, mips and loongarch print addresses before the function: `0704c00180000000 00000000013b2a6c (f+0x1/0x2)`.
    let is_address = |word: &str| word.len() >= 8 && is_hexadecimal(word);
    let named =
        rest.split(' ').find(|word| !is_address(word)).filter(|word| !rest.starts_with(word));
    let named = named.filter(|word| word.contains("+0x"));
    if let Some(frame) = named.and_then(|word| frame::parse(word.trim_matches(['(', ')']))) {
        return Some(Some(frame));
    }
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

/// Returns whether a line has registers: `x29: ffff800012345678 x28: ...`, `r10: 8196f000  r9 : ...`.
fn is_arm_register(text: &str, first: u8) -> bool {
    if !matches!(first, b'x' | b'r') {
        return false;
    }
    let Some((name, rest)) = text[1..].split_once(':') else { return false };
    let value = rest.trim_start().split(' ').next().unwrap_or_default();
    name.trim_end().parse::<u8>().is_ok() && value.len() >= 8 && is_hexadecimal(value)
}

/// Returns whether a line dumps words of a stack: `1e40: c0a01e64 c0a01e50 00000000`. Both arm architectures print
/// only the last four digits of the address.
fn is_stack_dump(text: &str) -> bool {
    let Some((address, words)) = text.split_once(':') else { return false };
    let is_word = |word: &str| matches!(word.len(), 8 | 16) && is_hexadecimal(word);
    let mut words = words.split(' ').filter(|word| !word.is_empty()).peekable();
    address.len() == 4 && is_hexadecimal(address) && words.peek().is_some() && words.all(is_word)
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
            ("RIP: 0010:foo (a.c:12 (discriminator 3))", Some("foo")),
            ("IP: [<ffffffff8123>] foo+0x1/0x2", Some("foo")),
        ];
        for (text, function) in cases {
            let LineClass::Pointer(frame) = classify(text) else { panic!("{text}") };
            assert_eq!(frame.map(|frame| frame.function()), function, "{text}");
        }
    }

    #[test]
    fn numeric_pointers_and_dumps_of_arm_and_powerpc_are_registers() {
        for text in [
            "NIP:  c0000000004c8fb8 LR: c0000000004c8f9c CTR: c000000000f0e0b0",
            "pc : [<80a1b2c4>]    lr : [<80a1b2d0>]    psr: 60000013",
            "1e40: c0a01e64 c0a01e50 c0a01e50 c0101234",
            "1ce0: ffff80003d5e7b40 0001000000000000",
            "Exception stack(0xc0a01e40 to 0xc0a01e88)",
            "r10: 8196f000  r9 : 83b41e40  r8 : 00000000",
            "--- interrupt: c00 at 0x7fff9a3d2e74",
        ] {
            assert_eq!(classify(text), LineClass::Mark, "{text}");
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
