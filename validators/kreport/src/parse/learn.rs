//! Learns the prefix of a log's lines from the line that begins a report.
//!
//! Loggers, consoles of CI systems and mail programs put something before each line that no list can name. Whatever
//! stands before `BUG:` in one line stands, with other numbers, before the text of the next lines.

use super::prefix::{Context, Line};

/// Prefixes of more bytes are text.
const MAX_BYTES: usize = 160;
/// Maximum number of prefixes that one log may have.
pub(crate) const MAX_LEARNED: usize = 8;

/// A part of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A number, perhaps with spaces before it.
    Digits,
    /// A word.
    Word,
    /// One or more spaces.
    Spaces,
    /// This byte.
    Byte(u8),
}

/// What stands before the text in each line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Learned {
    parts: Vec<Part>,
    /// How many spaces end the prefix. More belong to the text.
    spaces: usize,
}

/// Returns the prefixes that a line with a header may have, the longest first. `before` is what stands before the
/// header.
pub(crate) fn candidates(before: &str) -> Vec<Learned> {
    let mut found = Vec::new();
    // Sanitizers print the process ID in their first line only: `==123==ERROR: `, and older ones a space behind it.
    let process = before
        .strip_suffix("== ")
        .or_else(|| before.strip_suffix("=="))
        .map(|text| text.trim_end_matches(|letter: char| letter.is_ascii_digit()));
    let mut rest = process.and_then(|text| text.strip_suffix("==")).unwrap_or(before);
    loop {
        found.extend(Learned::new(rest));
        // Some headers have a bracket or the name of a subsystem before them: `[ BUG: `, `watchdog: BUG: `.
        let trimmed = rest.trim_end();
        let shorter = match trimmed.strip_suffix('[') {
            Some(shorter) => shorter,
            None => match trimmed.strip_suffix(':') {
                Some(shorter) => {
                    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                    shorter.trim_end_matches(|letter: char| u8::try_from(letter).is_ok_and(name))
                }
                None => break,
            },
        };
        if shorter.len() >= rest.len() || found.len() == 3 {
            break;
        }
        rest = shorter;
    }
    found
}

impl Learned {
    /// Reads a prefix. Returns `None` if it looks like text: words, spaces, and colons only.
    fn new(before: &str) -> Option<Self> {
        if before.trim().is_empty() || before.len() > MAX_BYTES {
            return None;
        }
        let bytes = before.as_bytes();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (part, end) = part(bytes, at);
            parts.push(part);
            at = end;
        }
        let spaces = bytes.iter().rev().take_while(|&&byte| byte == b' ').count();
        if spaces > 0 {
            parts.pop();
        }
        let odd = |part: &Part| {
            matches!(part, Part::Digits) || matches!(part, Part::Byte(byte) if *byte != b':')
        };
        parts.iter().any(odd).then_some(Self { parts, spaces })
    }

    /// Takes the prefix off a line that has it.
    pub(crate) fn strip<'a>(&self, line: &'a str) -> Option<Line<'a>> {
        let bytes = line.as_bytes();
        let mut at = 0;
        let mut context = Context::Plain;
        for (index, part) in self.parts.iter().enumerate() {
            let start = at;
            match part {
                Part::Byte(byte) => {
                    if bytes.get(at) != Some(byte) {
                        return None;
                    }
                    at += 1;
                }
                Part::Spaces => {
                    at += run(&bytes[at..], |byte| byte == b' ');
                    let padded =
                        matches!(self.parts.get(index + 1), Some(Part::Digits | Part::Byte(_)));
                    if at == start && !padded {
                        return None;
                    }
                }
                Part::Digits => {
                    at += run(&bytes[at..], |byte| byte == b' ');
                    let digits = run(&bytes[at..], |byte| byte.is_ascii_digit());
                    if digits == 0 {
                        return None;
                    }
                    at += digits;
                }
                Part::Word => {
                    at += run(&bytes[at..], |byte| byte == b' ');
                    let letters = run(&bytes[at..], is_word);
                    if letters == 0 {
                        return None;
                    }
                    if let Some(found) = caller(&line[at..at + letters])
                        && bytes.get(at + letters) == Some(&b']')
                    {
                        context = found;
                    }
                    at += letters;
                }
            }
        }
        let spaces = run(&bytes[at..], |byte| byte == b' ').min(self.spaces);
        // A blank line may have lost its last spaces.
        if spaces < self.spaces && at + spaces < bytes.len() {
            return None;
        }
        Some(Line { text: line.get(at + spaces..)?, context, time_us: None })
    }
}

/// Reads `T123` or `C1`.
fn caller(word: &str) -> Option<Context> {
    let number = word.get(1..)?.parse().ok()?;
    match word.as_bytes()[0] {
        b'T' => Some(Context::Task(number)),
        b'C' => Some(Context::Cpu(number)),
        _ => None,
    }
}

fn part(bytes: &[u8], at: usize) -> (Part, usize) {
    let rest = &bytes[at..];
    match rest[0] {
        b' ' => (Part::Spaces, at + run(rest, |byte| byte == b' ')),
        byte if is_word(byte) => {
            let length = run(rest, is_word);
            let digits = rest[..length].iter().all(u8::is_ascii_digit);
            (if digits { Part::Digits } else { Part::Word }, at + length)
        }
        byte => (Part::Byte(byte), at + 1),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn run(bytes: &[u8], of: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !of(byte)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_one_line_fit_the_next() {
        // What stands before the header, another line, and its text.
        let cases = [
            (
                "01-02 03:04:05.678     0     0 E KERNEL  : ",
                "01-02 03:04:06.001     0    12 W KERNEL  :  f+0x1/0x2",
                " f+0x1/0x2",
            ),
            ("E/KERNEL  (    0): ", "W/KERNEL  (12345): Call Trace:", "Call Trace:"),
            ("> ", ">  f+0x1/0x2", " f+0x1/0x2"),
            (
                "2026-11-24T18:26:06.1234567Z ",
                "2026-11-24T18:26:07.7654321Z RIP: 0010:f",
                "RIP: 0010:f",
            ),
            ("app-1  | ", "app-1  | x", "x"),
            ("[2026-11-24 18:26:06.123] ", "[2026-11-24 18:26:06.124]  x", " x"),
            ("6,416,1735,-;", "4,417,1739,-;x", "x"),
            ("> [ ", "> x", "x"),
            ("12:00 watchdog: ", "12:01 x", "x"),
        ];
        for (before, line, text) in cases {
            let found = candidates(before).into_iter().find_map(|learned| learned.strip(line));
            assert_eq!(found.map(|line| line.text), Some(text), "{before}");
        }
    }

    #[test]
    fn text_is_no_prefix() {
        for before in ["", "  ", "watchdog: ", "usb hub: ", "rcu: "] {
            assert_eq!(candidates(before), [], "{before}");
        }
    }

    #[test]
    fn callers_are_read() {
        let learned = candidates("[2026-11-24 18:26] [ T12] ");
        let line = learned[0].strip("[2026-11-24 18:26] [   C3]  x").expect("the same form");
        assert_eq!((line.text, line.context), (" x", Context::Cpu(3)));
    }
}
