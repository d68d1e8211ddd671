//! Takes off what stands before the text of a line: syslog heads, levels, times, callers.

use super::text::{split_once, trim_start};
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
    /// A process, by number: `==123== ` of Valgrind, or `program[123]: ` of syslog.
    Process(u32),
}

impl Context {
    /// Returns `task 12`, `cpu 1`, `console`, or `None` if nothing is known.
    pub(crate) fn words(self) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Console => Some("console".to_owned()),
            Self::Task(number) => Some(format!("task {number}")),
            Self::Cpu(number) => Some(format!("cpu {number}")),
            Self::Process(number) => Some(format!("process {number}")),
        }
    }
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
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let bytes = line.as_bytes();
    // Most lines begin with a time, and most others with none of these characters.
    if bytes.first() == Some(&b'[')
        && let Some(found) = after_time(line)
    {
        return found;
    }
    if bytes.first() == Some(&b'=')
        && let Some(found) = valgrind(line)
    {
        return found;
    }
    if let Some(found) = syslog(line) {
        return found;
    }
    if let Some(found) = level(line).or_else(|| iso(line)) {
        return found;
    }
    let plain = Line { text: line, context: Context::Plain, time_us: None };
    // All that follow have one of these.
    if memchr::memchr3(b'[', b'=', b';', head(line, MAX_GARBAGE).as_bytes()).is_none() {
        return plain;
    }
    if let Some(found) = device(line).or_else(|| program(line)) {
        return found;
    }
    behind_garbage(line).or_else(|| valgrind_behind(line)).unwrap_or(plain)
}

/// Reads `==123== text` of Valgrind, or with `--time-stamp=yes` `==00:00:00:01.234 123== text`.
fn valgrind(line: &str) -> Option<Line<'_>> {
    let (number, rest) = split_once(line.strip_prefix("==")?, "==")?;
    let is_time = |text: &str| {
        text.len() == "00:00:00:01.234".len()
            && text.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte))
    };
    let number = number
        .split_once(' ')
        .filter(|(time, _)| is_time(time))
        .map_or(number, |(_, number)| number);
    let text = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
    // Sanitizers have the number in the first line only.
    if text.starts_with("ERROR: ") || text.starts_with("WARNING: ") {
        return None;
    }
    let context = Context::Process(number.parse().ok()?);
    Some(Line { text, context, time_us: None })
}

/// Reads `6,416,1735,-,caller=T123;text` of `/dev/kmsg` and of netconsole, which may print the release before it.
fn device(line: &str) -> Option<Line<'_>> {
    let head = head(line, 100);
    let (fields, _) = head.split_once(';')?;
    let text = &line[fields.len() + 1..];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut fields = fields.split(',').skip_while(|field| !digits(field));
    let (level, sequence, time) = (fields.next()?, fields.next()?, fields.next()?);
    if !digits(level) || !digits(sequence) || !digits(time) {
        return None;
    }
    fields.next()?;
    let named = fields.find_map(|field| field.strip_prefix("caller="));
    let context = named.and_then(name).unwrap_or(Context::Console);
    Some(Line { text, context, time_us: time.parse().ok() })
}

/// Reads `2026-11-24T18:26:06,123456+00:00 text` of `dmesg --time-format=iso`.
fn iso(line: &str) -> Option<Line<'_>> {
    let bytes = line.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd,dddddd";
    let fits = |(&wanted, &byte): (&u8, &u8)| {
        if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted }
    };
    if bytes.len() < shape.len() + 7 || !shape.iter().zip(bytes).all(fits) {
        return None;
    }
    let (_, text) = line[shape.len()..].split_once(' ')?;
    let (context, text) = caller(text).map_or((Context::Console, text), |(context, rest)| {
        (context, rest.strip_prefix(' ').unwrap_or(rest))
    });
    Some(Line { text, context, time_us: None })
}

/// Reads `Nov 24 18:26:06 host program[123]: text`.
fn program(line: &str) -> Option<Line<'_>> {
    let head = head(line, 100);
    let end = memmem::find(head.as_bytes(), b"]: ")?;
    let open = head[..end].rfind('[')?;
    // A date and the names of the host and the program stand before the number.
    if !head[..open].contains(':') || head[..open].split(' ').count() < 3 {
        return None;
    }
    let context = Context::Process(head[open + 1..end].parse().ok()?);
    let line = Line { text: &line[end + "]: ".len()..], context, time_us: None };
    Some(valgrind(line.text).unwrap_or(line))
}

/// Reads `[   12.345678][ T123] text`, or the same with a date, with or without the time since the line before.
fn after_time(line: &str) -> Option<Line<'_>> {
    let inner = line.strip_prefix('[')?;
    let end = closing(inner, 60)?;
    let time = &inner[..end];
    // `dmesg -d` and `dmesg -H` print a difference.
    let time = match time.strip_suffix('>').and_then(|time| time.rsplit_once('<')) {
        Some((time, difference)) if microseconds(difference).is_some() => match time.trim_end() {
            "" => "+0.0",
            time => time,
        },
        _ => time,
    };
    let time_us = match microseconds(time) {
        Some(time) => Some(time),
        None if is_date(time) || is_difference(time) => None,
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
    let near = &text.as_bytes()[..text.len().min(limit + 1)];
    memchr::memchr(b']', near)
}

/// Reads seconds with a fraction, as printk writes them.
fn microseconds(text: &str) -> Option<u64> {
    let text = trim_start(text);
    let dot = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (seconds, fraction) = (&text[..dot], text[dot..].strip_prefix('.')?);
    if fraction.len() > 9 || fraction.is_empty() || seconds.is_empty() || seconds.len() > 12 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
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

/// Returns whether a text has the form of `dmesg -T`, `Mon Nov 24 18:26:06 2026` in any language, or that of
/// `dmesg -H`, `Nov24 18:26`.
fn is_date(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = |word: &str| {
        let parts = word.split(':').filter(|part| part.len() == 2 && digits(part)).count();
        parts == word.split(':').count() && (2..=3).contains(&parts)
    };
    let words = || text.split_ascii_whitespace();
    let count = words().count();
    let (last, before) =
        (words().next_back().unwrap_or_default(), words().rev().nth(1).unwrap_or_default());
    let year = |word: &str| word.len() == 4 && digits(word);
    match count {
        2 => {
            is_clock(last)
                && before.ends_with(|letter: char| letter.is_ascii_digit())
                && !digits(before)
        }
        // The last word may be the zone.
        _ => count >= 4 && words().skip(2).any(is_clock) && words().any(year),
    }
}

/// Returns whether a text is `  +0.000012`, the time since the line before.
fn is_difference(text: &str) -> bool {
    text.trim_start().strip_prefix('+').is_some_and(|time| microseconds(time).is_some())
}

/// Reads `[ T123]` or `[    C1]`, perhaps behind a space.
fn caller(text: &str) -> Option<(Context, &str)> {
    let inner = text.strip_prefix(" [").or_else(|| text.strip_prefix('['))?;
    let end = closing(inner, 16)?;
    Some((name(inner[..end].trim())?, &inner[end + 1..]))
}

/// Reads `T123` or `C1`.
fn name(name: &str) -> Option<Context> {
    let number = name.get(1..)?.trim_start().parse().ok()?;
    match name.as_bytes()[0] {
        b'T' => Some(Context::Task(number)),
        b'C' => Some(Context::Cpu(number)),
        _ => None,
    }
}

/// The facilities of syslog as `dmesg -x` pads them.
const FACILITIES: [&str; 8] =
    ["kern  :", "user  :", "mail  :", "daemon:", "auth  :", "syslog:", "lpr   :", "news  :"];

static KERNEL: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(" kernel: "));

/// Reads `Nov 24 18:26:06 host kernel: text`, and what `dmesg -x` writes.
fn syslog(line: &str) -> Option<Line<'_>> {
    let head = head(line, 100);
    let text = if let Some(at) = KERNEL.find(head.as_bytes()) {
        &line[at + " kernel: ".len()..]
    } else if let Some(rest) = line.strip_prefix("kernel: ") {
        rest
    } else if line.as_bytes().get(6) == Some(&b':')
        && FACILITIES.iter().any(|facility| line.starts_with(facility))
    {
        // The level takes six bytes.
        line.get("kern  :".len()..)?.get("warn  ".len()..)?.strip_prefix(": ")?
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
    after_time(text).or_else(|| iso(text)).unwrap_or(Line {
        text,
        context: Context::Console,
        time_us: None,
    })
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

/// Reads `==123== text` of Valgrind behind the prefix of another program.
fn valgrind_behind(line: &str) -> Option<Line<'_>> {
    let at = memmem::find(head(line, MAX_GARBAGE).as_bytes(), b"==")?;
    valgrind(&line[at..])
}

/// Returns the first bytes of a line, cut at the border of a character.
pub(super) fn head(line: &str, limit: usize) -> &str {
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
            ("[Di Nov 24 18:26:06 2026] x", "x", Context::Console, None),
            ("[mar. nov. 24 18:26:06 2026]  x", " x", Context::Console, None),
            ("[火 11月 24 18:26:06 2026] x", "x", Context::Console, None),
            ("[Nov24 18:26] x", "x", Context::Console, None),
            ("[  +0.000012] x", "x", Context::Console, None),
            ("[   12.345678 <    0.000012>] x", "x", Context::Console, Some(12_345_678)),
            ("[<    0.000012>] x", "x", Context::Console, None),
            ("[Tue Nov 24 18:26:06 2026 <    0.000012>] x", "x", Context::Console, None),
            ("2026-11-24T18:26:06,123456+00:00 x", "x", Context::Console, None),
            ("2026-11-24T18:26:06,123456+00:00 [ T123] x", "x", Context::Task(123), None),
            ("[  10.0] [  T777] x", "x", Context::Task(777), Some(10_000_000)),
            ("6,416,1735,-;x", "x", Context::Console, Some(1735)),
            ("6,416,1735,-,caller=T123;x", "x", Context::Task(123), Some(1735)),
            ("6.12.0,6,416,1735,-,caller=C1;x", "x", Context::Cpu(1), Some(1735)),
            ("==123==    at 0x1: f (a.c:1)", "   at 0x1: f (a.c:1)", Context::Process(123), None),
            ("==123==", "", Context::Process(123), None),
            ("==123==ERROR: x", "==123==ERROR: x", Context::Plain, None),
            ("Nov 24 18:26:06 host prog[12]: x", "x", Context::Process(12), None),
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
