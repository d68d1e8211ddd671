//! A recording from its text form.

use crate::error::{Malformed, ReadError};
use crate::format::{FIRST_LINE, FORMAT};
use crate::header::Header;
use crate::record::{MAX_DATA, Record};
use crate::writer::{Compression, State, Writer};
use aseqd_engine::{Access, Call, FileId, Identity, Input, Node, Time};
use std::io::{BufRead, Read as _, Write};
use std::str::FromStr;

/// Maximum length of a line, in bytes: that of the largest state in hexadecimal. Other lines are much shorter.
const MAX_LINE: u64 = (64 << 20) * 2 + 1024;

/// Reads the text form of a recording, and writes the recording. Returns the output. Without a line `end`, the end of the
/// recording is missing as well.
///
/// # Errors
/// [`ReadError::Line`] for a line that makes no sense; [`ReadError::NotARecording`] and [`ReadError::Version`] for the
/// first line; those of input and output.
pub fn from_text<W: Write>(
    mut from: impl BufRead,
    out: W,
    compression: Compression,
) -> Result<W, ReadError> {
    let mut line = String::new();
    let mut number = 1;
    next_line(&mut from, &mut line, number)?;
    let version = line.trim_end().strip_prefix(FIRST_LINE).and_then(|version| version.parse().ok());
    match version {
        Some(FORMAT) => {}
        Some(version) => return Err(ReadError::Version(version)),
        None => return Err(ReadError::NotARecording),
    }
    let mut header = String::new();
    loop {
        number += 1;
        if !next_line(&mut from, &mut line, number)? || line.trim().is_empty() {
            break;
        }
        if header.len() + line.len() > crate::header::MAX {
            return Err(ReadError::Line { number, why: "the header is too long" });
        }
        header.push_str(&line);
    }
    let at = |number: usize| move |Malformed(why)| ReadError::Line { number, why };
    let header = Header::from_text(&header).map_err(at(number))?;
    let mut writer = Writer::new(out, &header, compression)?;
    let mut bytes = Vec::new();
    let mut any = false;
    loop {
        number += 1;
        if !next_line(&mut from, &mut line, number)? {
            writer.flush()?;
            return Ok(writer.into_inner());
        }
        let mut words = Words(line.trim());
        match words.0.split_ascii_whitespace().next() {
            None => continue,
            Some("end") => {
                words.next().map_err(at(number))?;
                let reason = match words.is_over() {
                    true => None,
                    false => Some(words.text().map_err(at(number))?),
                };
                return Ok(writer.finish(reason.as_deref())?);
            }
            Some("state") if !any => {
                let state = state(&mut words, &mut bytes).map_err(at(number))?;
                writer.state(&state)?;
            }
            Some(_) => {
                push(&mut words, &mut bytes, &mut writer).map_err(|error| match error {
                    Problem::Line(malformed) => at(number)(malformed),
                    Problem::Io(error) => ReadError::Io(error),
                })?;
            }
        }
        any = true;
    }
}

enum Problem {
    Line(Malformed),
    Io(std::io::Error),
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::Line(malformed)
    }
}

/// Reads a line. Returns whether there was one.
fn next_line(from: &mut impl BufRead, line: &mut String, number: usize) -> Result<bool, ReadError> {
    line.clear();
    let len = from.take(MAX_LINE).read_line(line).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => ReadError::Line { number, why: "it is not UTF-8" },
        _ => ReadError::Io(error),
    })?;
    if len as u64 == MAX_LINE {
        return Err(ReadError::Line { number, why: "it is too long" });
    }
    Ok(len > 0)
}

fn state<'a>(words: &mut Words<'_>, bytes: &'a mut Vec<u8>) -> Result<State<'a>, Malformed> {
    words.next()?;
    let index = words.number()?;
    let now = words.time()?;
    let hash = words.hex()?;
    words.bytes(bytes, usize::MAX)?;
    words.end()?;
    Ok(State { index, now, hash, engine: bytes })
}

/// Adds the record of a line.
fn push<W: Write>(
    words: &mut Words<'_>,
    bytes: &mut Vec<u8>,
    writer: &mut Writer<W>,
) -> Result<(), Problem> {
    let now = words.time()?;
    let outputs = words.number()?;
    let check = words.hex::<u8>()?;
    bytes.clear();
    let text;
    let record = match words.next()? {
        "timeout" => Record::Input(Input::Timeout),
        "open" => {
            let node = match words.next()? {
                "sequencer" => Node::Sequencer,
                "timer" => Node::Timer,
                "control" => Node::Control,
                _ => return Err(Malformed("there is no such device").into()),
            };
            let access = match words.next()? {
                "r" => Access::Read,
                "w" => Access::Write,
                "rw" => Access::ReadWrite,
                _ => return Err(Malformed("there is no such access").into()),
            };
            let identity = match words.next()? {
                "pid" => Identity::User { pid: words.number()? },
                "kernel" => {
                    let number = words.optional()?;
                    let card = words.number()?;
                    text = words.text()?;
                    Identity::Kernel { number, card, name: &text }
                }
                _ => return Err(Malformed("there is no such opener").into()),
            };
            Record::Input(Input::Open { node, access, identity })
        }
        kind @ ("ioctl" | "ioctl32") => {
            let file = words.file()?;
            let request = words.hex()?;
            words.bytes(bytes, MAX_DATA)?;
            let call = Call::Ioctl { request, compat: kind == "ioctl32", arg: bytes };
            Record::Input(Input::Call { file, call })
        }
        "read" => {
            let file = words.file()?;
            let nonblock = words.flag("nonblock");
            let call = Call::Read { len: words.number()?, nonblock };
            Record::Input(Input::Call { file, call })
        }
        "write" => {
            let file = words.file()?;
            let nonblock = words.flag("nonblock");
            words.bytes(bytes, MAX_DATA)?;
            let call = Call::Write { data: bytes, nonblock };
            Record::Input(Input::Call { file, call })
        }
        "poll" => Record::Input(Input::Call { file: words.file()?, call: Call::Poll }),
        "close" => Record::Input(Input::Close { file: words.file()? }),
        "thread" => {
            let file = words.file()?;
            Record::Input(Input::Thread { file, thread: words.number()? })
        }
        "user-timer" => {
            let file = words.file()?;
            Record::Input(Input::BecomeUserTimer { file, resolution: words.number()? })
        }
        "rest" => {
            let file = words.file()?;
            let nonblock = words.flag("nonblock");
            Record::Rest { file, done: words.number()?, nonblock }
        }
        "checkpoint" => Record::Checkpoint(words.hex()?),
        "note" => {
            let file = words.optional()?.map(FileId);
            text = words.text()?;
            Record::Note { file, text: &text }
        }
        _ => return Err(Malformed("there is no such record").into()),
    };
    words.end()?;
    writer.push(now, outputs, check, &record).map_err(Problem::Io)
}

/// What is left of a line.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a str, Malformed> {
        let line = self.0.trim_start();
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        if word.is_empty() || word == ";" {
            return Err(Malformed("something is missing at its end"));
        }
        self.0 = rest;
        Ok(word)
    }

    fn number<T: FromStr>(&mut self) -> Result<T, Malformed> {
        self.next()?.parse().map_err(|_| Malformed("a number is wrong or too large"))
    }

    fn file(&mut self) -> Result<FileId, Malformed> {
        self.number().map(FileId)
    }

    fn optional<T: FromStr>(&mut self) -> Result<Option<T>, Malformed> {
        match self.flag("-") {
            true => Ok(None),
            false => self.number().map(Some),
        }
    }

    fn hex<T: TryFrom<u32>>(&mut self) -> Result<T, Malformed> {
        let number = u32::from_str_radix(self.next()?, 16).ok();
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or(Malformed("a hexadecimal number is wrong or too large"))
    }

    /// Reads seconds.
    fn time(&mut self) -> Result<Time, Malformed> {
        let parse = |word: &str| {
            let (seconds, fraction) = word.split_once('.').unwrap_or((word, "0"));
            let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 9)?;
            let fraction = fraction.parse::<u64>().ok()? * 10_u64.pow(9 - digits);
            seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction)
        };
        parse(self.next()?).map(Time).ok_or(Malformed("a time is no number of seconds"))
    }

    /// Takes a word if it is the next one.
    fn flag(&mut self, flag: &str) -> bool {
        let before = self.0;
        let found = self.next().is_ok_and(|word| word == flag);
        if !found {
            self.0 = before;
        }
        found
    }

    /// Reads bytes into a buffer.
    fn bytes(&mut self, to: &mut Vec<u8>, max: usize) -> Result<(), Malformed> {
        const WRONG: Malformed = Malformed("bytes are no pairs of hexadecimal digits");
        to.clear();
        let word = self.next()?;
        if word == "-" {
            return Ok(());
        }
        if word.len() / 2 > max {
            return Err(Malformed("a record carries too many bytes"));
        }
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = word.as_bytes().as_chunks::<2>();
        for [high, low] in pairs {
            to.push(digit(*high).ok_or(WRONG)? << 4 | digit(*low).ok_or(WRONG)?);
        }
        if rest.is_empty() { Ok(()) } else { Err(WRONG) }
    }

    /// Reads a text in quotes.
    fn text(&mut self) -> Result<String, Malformed> {
        const WRONG: Malformed = Malformed("a text is not in quotes, or has an unknown escape");
        let mut chars = self.0.trim_start().strip_prefix('"').ok_or(WRONG)?.chars();
        let mut text = String::new();
        loop {
            match chars.next().ok_or(WRONG)? {
                '"' => break,
                '\\' => match chars.next().ok_or(WRONG)? {
                    char @ ('"' | '\\') => text.push(char),
                    'u' => {
                        let escape = chars.as_str().strip_prefix('{').ok_or(WRONG)?;
                        let (digits, rest) = escape.split_once('}').ok_or(WRONG)?;
                        let code = u32::from_str_radix(digits, 16).map_err(|_| WRONG)?;
                        text.push(char::from_u32(code).ok_or(WRONG)?);
                        chars = rest.chars();
                    }
                    _ => return Err(WRONG),
                },
                char => text.push(char),
            }
        }
        self.0 = chars.as_str();
        Ok(text)
    }

    /// Returns whether nothing is left but a remark.
    fn is_over(&self) -> bool {
        let rest = self.0.trim_start();
        rest.is_empty() || rest.starts_with(';')
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.is_over() { Ok(()) } else { Err(Malformed("something is left over at its end")) }
    }
}
