//! Reads a log in parts, so that its length does not matter.

use crate::input::{Decoder, Unreadable};
use crate::model::Report;
use crate::parse::split::Carry;

/// Number of bytes of text that are looked at together. Reports that go over the end are looked at twice: with a tenth
/// of this, twice as much work; with ten times as much, ten times the memory.
const PART: usize = 4 << 20;
/// Maximum number of bytes that an open report can hold back. Reports have less than 20,000 lines, but messages of other
/// tasks may stand between.
const MAX_PART: usize = 64 << 20;

/// A log that comes in parts.
#[derive(Debug, Default)]
pub struct Stream {
    decoder: Decoder,
    carry: Carry,
    /// The text that is not done with.
    text: String,
    /// The length of the text at which it is looked at.
    enough: usize,
    lines: usize,
}

impl Stream {
    /// Takes the next bytes, and calls `each` for each report that has ended, in the order of their ends.
    ///
    /// # Errors
    ///
    /// Returns what the input is if it is no log: a compressed or binary file.
    pub fn push(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Report<'_>),
    ) -> Result<(), Unreadable> {
        let before = self.text.len();
        self.decoder.push(bytes, &mut self.text)?;
        self.count(before);
        if self.text.len() >= self.enough.max(PART) {
            self.look(self.text.len() >= MAX_PART, each);
            // A part that is held back is not looked at again before it has doubled.
            self.enough = self.text.len() * 2;
        }
        Ok(())
    }

    /// Calls `each` for each report that has ended, also if little was read since the last time.
    pub fn poll(&mut self, each: &mut dyn FnMut(Report<'_>)) {
        self.look(false, each);
    }

    /// Ends the file: the next bytes begin on a line of their own, and may have another form.
    ///
    /// # Errors
    ///
    /// Returns what the input is if it is no log.
    pub fn end_of_file(&mut self) -> Result<(), Unreadable> {
        let before = self.text.len();
        self.decoder.finish(&mut self.text)?;
        self.count(before);
        Ok(())
    }

    /// Ends all reports that are open.
    pub fn flush(&mut self, each: &mut dyn FnMut(Report<'_>)) {
        self.look(true, each);
        self.enough = 0;
    }

    /// Returns how many lines were read.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    fn count(&mut self, from: usize) {
        self.lines += memchr::memchr_iter(b'\n', &self.text.as_bytes()[from..]).count();
    }

    fn look(&mut self, last: bool, each: &mut dyn FnMut(Report<'_>)) {
        let (pieces, done) = self.carry.split(&self.text, last);
        pieces.into_iter().filter_map(Report::read).for_each(each);
        self.text.drain(..done);
    }
}
