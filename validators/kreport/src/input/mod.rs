//! From the bytes of a file to the text of a log: colours, encoded names, and logs in other forms.

mod demangle;
mod form;
mod json;

use memchr::memchr;
use std::borrow::Cow;

pub use form::Unreadable;

/// Returns the bytes of a log as text: without colours, with decoded names of functions. Bytes that are not UTF-8
/// become replacement characters. Lines stay lines.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    // The check alone is several times faster than the conversion.
    let text =
        std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let text = match memchr(ESCAPE, text.as_bytes()) {
        Some(_) => Cow::Owned(without_colours(&text)),
        None => text,
    };
    match demangle::demangle(&text) {
        Cow::Owned(changed) => Cow::Owned(changed),
        Cow::Borrowed(_) => text,
    }
}

const ESCAPE: u8 = 0x1b;

/// Takes out the escape sequences of terminals: `ESC [ 31 m` and `ESC ] 0 ; title BEL`.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(ESCAPE, rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let sequence = &rest[at + 1..];
        let length = match sequence.as_bytes().first() {
            Some(b'[') => {
                end(&sequence[1..], |byte| (0x40..0x7f).contains(&byte)).map(|end| end + 1)
            }
            Some(b']') => end(&sequence[1..], |byte| byte == 0x07).map(|end| end + 1),
            Some(b'(' | b')') => {
                let set = sequence[1..].chars().next().filter(|&letter| letter != '\n');
                Some(1 + set.map_or(0, char::len_utf8))
            }
            Some(byte) if byte.is_ascii_graphic() => Some(1),
            _ => Some(0),
        };
        rest = &sequence[length.unwrap_or(0)..];
    }
    out.push_str(rest);
    out
}

/// Returns the offset behind the byte that ends a sequence. A sequence ends within its line.
fn end(text: &str, last: impl Fn(u8) -> bool) -> Option<usize> {
    let found =
        text.bytes().take(200).position(|byte| last(byte) || byte == b'\n' || !byte.is_ascii())?;
    Some(if last(text.as_bytes()[found]) { found + 1 } else { found })
}

/// Makes the text of a log out of bytes that come in parts.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The form of the log, once it is known.
    form: Option<form::Form>,
    /// Bytes of a line, or of a record, that has not ended.
    pending: Vec<u8>,
    state: json::State,
}

/// Maximum number of bytes that are kept to find out the form of a log, or until a record ends. A longer record is
/// taken as it is.
const MAX_PENDING: usize = 16 << 20;
/// Number of bytes that tell the form of a log, unless it ends before.
const ENOUGH: usize = 4096;

impl Decoder {
    /// Takes the next bytes, and appends the text of all lines that are whole to `text`.
    ///
    /// # Errors
    ///
    /// Returns what the input is if it is no text: a compressed or binary file.
    pub fn push(&mut self, bytes: &[u8], text: &mut String) -> Result<(), Unreadable> {
        self.pending.extend_from_slice(bytes);
        if self.form.is_none() && self.pending.len() < ENOUGH && !self.pending.contains(&b'\n') {
            return Ok(());
        }
        let form = self.form()?;
        if form == form::Form::Export {
            json::export(&mut self.pending, &mut self.state, text, false);
            return Ok(());
        }
        let end = match memchr::memrchr(b'\n', &self.pending) {
            Some(end) => end + 1,
            None if self.pending.len() > MAX_PENDING => self.pending.len(),
            None => return Ok(()),
        };
        self.convert(end, text);
        Ok(())
    }

    /// Appends the text of what is left after the last bytes.
    ///
    /// # Errors
    ///
    /// Returns what the input is if it is no text.
    pub fn finish(&mut self, text: &mut String) -> Result<(), Unreadable> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.form()? == form::Form::Export {
            json::export(&mut self.pending, &mut self.state, text, true);
        } else {
            self.convert(self.pending.len(), text);
        }
        // The next file begins on a line of its own, and may have another form.
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        *self = Self::default();
        Ok(())
    }

    fn form(&mut self) -> Result<form::Form, Unreadable> {
        if let Some(form) = self.form {
            return Ok(form);
        }
        let form = form::detect(&self.pending)?;
        self.form = Some(form);
        Ok(form)
    }

    fn convert(&mut self, end: usize, text: &mut String) {
        let bytes = &self.pending[..end];
        match self.form {
            Some(form::Form::Journal) => json::journal(bytes, &mut self.state, text),
            Some(form::Form::Dmesg) => json::dmesg(bytes, &mut self.state, text),
            Some(form::Form::Verbose) => json::verbose(bytes, &mut self.state, text),
            _ => text.push_str(&decode(bytes)),
        }
        self.pending.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        for (text, wanted) in [
            ("\u{1b}[31mBUG: x\u{1b}[0m", "BUG: x"),
            ("\u{1b}]0;title\u{7}BUG: x", "BUG: x"),
            ("\u{1b}(BBUG: x", "BUG: x"),
            ("\u{1b}[31", ""),
            ("a\u{1b}[1;2\nb", "a\nb"),
            ("\u{1b}", ""),
            ("\u{1b}é", "é"),
            // A sequence that is cut off ends with its line.
            ("a\u{1b})\nb\n", "a\nb\n"),
            ("a\u{1b}(", "a"),
            ("a\u{1b}(éb", "ab"),
            ("a\u{1b}\nb", "a\nb"),
            ("a\u{1b}]0;title\nb", "a\nb"),
        ] {
            let found = decode(text.as_bytes());
            assert!(
                found == wanted || text == "\u{1b}[31" && found.len() <= 3,
                "{text:?}: {found:?}"
            );
        }
    }
}
