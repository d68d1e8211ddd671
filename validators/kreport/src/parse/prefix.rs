//! Takes off what stands before the text of a line: syslog heads, levels, times, callers.

use memchr::memmem;
use std::sync::LazyLock;

/// What printed a line, as far as its prefix says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Context {
    /// Unknown: the line has no prefix.
    #[default]
    Plain,
    /// Unknown: the prefix has a time or a level, but no caller.
    Console,
    /// A task, by number: `[T123]`.
    Task(u32),
    /// A processor in interrupt context: `[C1]`.
    Cpu(u32),
}

/// A line without its prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// The text, with the leading spaces that belong to it.
    pub text: &'a str,
    /// What printed the line.
    pub context: Context,
    /// When, in microseconds since the kernel started.
    pub time_us: Option<u64>,
}

/// Prompts and the like stand before a prefix at most this many bytes long.
const MAX_GARBAGE: usize = 200;

/// Takes the prefix off a line.
#[must_use]
pub fn strip(line: &str) -> Line<'_> {
    let line = line.trim_end_matches('\r').trim_start_matches('\r');
    let bytes = line.as_bytes();
    // Most lines begin with a time, and most others with none of these characters.
    if bytes.first() == Some(&b'[')
        && let Some(found) = after_time(line)
    {
        return found;
    }
    if let Some(found) = syslog(line) {
        return found;
    }
    if let Some(found) = level(line) {
        return found;
    }
    behind_garbage(line).unwrap_or(Line { text: line, context: Context::Plain, time_us: None })
}

/// Reads `[   12.345678][ T123] text`, or the same with a date.
fn after_time(line: &str) -> Option<Line<'_>> {
    let inner = line.strip_prefix('[')?;
    let end = closing(inner, 40)?;
    let time_us = match microseconds(&inner[..end]) {
        Some(time) => Some(time),
        None if is_date(&inner[..end]) => None,
        None => return None,
    };
    let rest = &inner[end + 1..];
    let (context, rest) = caller(rest).unwrap_or((Context::Console, rest));
    let text = rest.strip_prefix(' ').unwrap_or(rest);
    if context == Context::Console
        && let Some(text) = behind_host(text)
    {
        // The kernel's own time is the exact one of the two.
        let found = self::inner(text);
        return Some(Line { time_us: found.time_us.or(time_us), ..found });
    }
    Some(Line { text, context, time_us })
}

/// Returns what follows `HOST kernel: `. `journalctl -o short-monotonic` prints a time before it.
fn behind_host(text: &str) -> Option<&str> {
    let host = memchr::memchr(b' ', text.as_bytes())?;
    text[host..].strip_prefix(" kernel: ").filter(|_| host > 0)
}

/// Returns where the first closing bracket is, if it is near.
fn closing(text: &str, limit: usize) -> Option<usize> {
    text.bytes().take(limit + 1).position(|byte| byte == b']')
}

/// Reads seconds with a fraction, as printk writes them.
fn microseconds(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.trim_start().split_once('.')?;
    if fraction.len() > 9 || fraction.is_empty() || seconds.is_empty() || seconds.len() > 12 {
        return None;
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let scaled = format_micros(fraction)?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(scaled)
}

fn format_micros(fraction: &str) -> Option<u64> {
    let value: u64 = fraction.parse().ok()?;
    let mut scaled = value;
    for _ in fraction.len()..6 {
        scaled *= 10;
    }
    for _ in 6..fraction.len() {
        scaled /= 10;
    }
    Some(scaled)
}

/// Returns whether a text has the form of `dmesg -T`: `Mon Nov 24 18:26:06 2026`.
fn is_date(text: &str) -> bool {
    const DAYS: [&str; 7] = ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "];
    text.len() > 15 && text.contains(':') && DAYS.iter().any(|day| text.starts_with(day))
}

/// Reads `[ T123]` or `[    C1]`.
fn caller(text: &str) -> Option<(Context, &str)> {
    let inner = text.strip_prefix('[')?;
    let end = closing(inner, 16)?;
    let name = inner[..end].trim();
    let number = name.get(1..)?.trim_start().parse().ok()?;
    let context = match name.as_bytes()[0] {
        b'T' => Context::Task(number),
        b'C' => Context::Cpu(number),
        _ => return None,
    };
    Some((context, &inner[end + 1..]))
}

static KERNEL: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(" kernel: "));

/// Reads `Nov 24 18:26:06 host kernel: text`, and what `dmesg -x` writes.
fn syslog(line: &str) -> Option<Line<'_>> {
    let head = head(line, 100);
    let text = if let Some(at) = KERNEL.find(head.as_bytes()) {
        &line[at + " kernel: ".len()..]
    } else if let Some(rest) = line.strip_prefix("kernel: ") {
        rest
    } else if line.starts_with("kern  :") {
        let (_, rest) = line.get("kern  :".len()..)?.split_once(": ")?;
        rest
    } else {
        return None;
    };
    Some(inner(text))
}

/// Reads `<4>[   12.345678] text` or `<4>text`.
fn level(line: &str) -> Option<Line<'_>> {
    let inner_text = line.strip_prefix('<')?;
    let end = inner_text.find('>').filter(|&end| (1..=3).contains(&end))?;
    let digits = inner_text[..end].bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| inner(&inner_text[end + 1..]))
}

/// Returns what follows another program's head.
fn inner(text: &str) -> Line<'_> {
    if let Some(found) = level(text) {
        return found;
    }
    after_time(text).unwrap_or(Line { text, context: Context::Console, time_us: None })
}

/// Reads a prefix behind a prompt, or behind the output of a program that shares the console.
fn behind_garbage(line: &str) -> Option<Line<'_>> {
    let head = head(line, MAX_GARBAGE);
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'[', &head.as_bytes()[from..]) {
        let start = from + at;
        let candidate = &line[start..];
        // Only a time with six decimals is one: other brackets are text.
        if let Some(end) = memchr::memchr(b']', candidate.as_bytes())
            && end > 8
            && candidate.as_bytes()[end - 7] == b'.'
            && let Some(found) = after_time(candidate)
            && found.time_us.is_some()
        {
            return Some(found);
        }
        from = start + 1;
    }
    None
}

/// Returns the first bytes of a line, cut at the border of a character.
fn head(line: &str, limit: usize) -> &str {
    if line.len() <= limit {
        return line;
    }
    let end = (0..=limit).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_off() {
        let cases: &[(&str, &str, Context, Option<u64>)] = &[
            ("BUG: x", "BUG: x", Context::Plain, None),
            ("[   12.345678] BUG: x\r", "BUG: x", Context::Console, Some(12_345_678)),
            ("[   12.345678][ T123] BUG: x", "BUG: x", Context::Task(123), Some(12_345_678)),
            ("[    0.000001][    C1]  f+0x1/0x2", " f+0x1/0x2", Context::Cpu(1), Some(1)),
            ("<4>[   12.345678] x", "x", Context::Console, Some(12_345_678)),
            ("<4>x", "x", Context::Console, None),
            ("Nov 24 18:26:06 host kernel: [  1.5] x", "x", Context::Console, Some(1_500_000)),
            ("2026-11-24T18:26:06+00:00 host kernel: x", "x", Context::Console, None),
            ("[   12.345678] host kernel: BUG: x", "BUG: x", Context::Console, Some(12_345_678)),
            ("[   12.345678] host kernel:  f+0x1", " f+0x1", Context::Console, Some(12_345_678)),
            ("[   12.345678] host kernel x", "host kernel x", Context::Console, Some(12_345_678)),
            ("1764379017.123456 host kernel: x", "x", Context::Console, None),
            ("[Tue Nov 24 18:26:06 2026] x", "x", Context::Console, None),
            ("kern  :warn  : [    1.000000] x", "x", Context::Console, Some(1_000_000)),
            ("vm login: [   88.737064][ T5611] x", "x", Context::Task(5611), Some(88_737_064)),
            (
                "el.service [0m.[  288.564375][T21583] x",
                "x",
                Context::Task(21583),
                Some(288_564_375),
            ),
            (
                "[<ffffffff8361b960>] f+0x1/0x2",
                "[<ffffffff8361b960>] f+0x1/0x2",
                Context::Plain,
                None,
            ),
            (
                "[ BUG: Invalid wait context ]",
                "[ BUG: Invalid wait context ]",
                Context::Plain,
                None,
            ),
        ];
        for &(line, text, context, time_us) in cases {
            assert_eq!(strip(line), Line { text, context, time_us }, "{line}");
        }
    }
}
