//! The bytes of a file, and parts of them that are read piece by piece.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The most bytes that a track reads ahead by default: more gains no speed, and each track has them.
const PIECE: usize = 64 * 1024;
/// The first read of a track is smaller by this factor, so that the first event of a file with many tracks is there
/// at once.
const FIRST_SHARE: usize = 16;

/// Bytes that can be read at any position.
pub trait ReadAt: Send + Sync {
    /// Reads some bytes from a position on, and returns how many: 0 at the end.
    ///
    /// # Errors
    /// Any error ends the track that reads, except [`io::ErrorKind::Interrupted`]: then this is called again.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let len = buf.len().min(self.len() - start);
        buf[..len].copy_from_slice(&self[start..start + len]);
        Ok(len)
    }
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }
}

/// The bytes of a file. Clones share them.
#[derive(Clone)]
pub struct Source {
    bytes: Arc<dyn ReadAt>,
    len: u64,
    piece: usize,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Source {
    /// Takes `len` bytes that are read when they are needed.
    pub fn new(bytes: impl ReadAt + 'static, len: u64) -> Self {
        Self { bytes: Arc::new(bytes), len, piece: PIECE }
    }

    /// Takes bytes in memory.
    pub fn memory(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len() as u64;
        Self::new(bytes, len)
    }

    /// Limits how many bytes are read ahead in each track. The default is 64 KiB.
    #[must_use]
    pub fn in_pieces(self, piece: usize) -> Self {
        Self { piece: piece.max(1), ..self }
    }

    /// Returns how many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends `len` bytes from a position on to `into`, or fewer if a file has become shorter.
    fn read(&self, at: u64, len: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let mut end = into.len();
        into.resize(end + len, 0);
        let mut at = at;
        let mut outcome = Ok(());
        while end < into.len() {
            match self.bytes.read_at(at, &mut into[end..]) {
                Ok(0) => break,
                Ok(read) => {
                    let read = read.min(into.len() - end);
                    (end, at) = (end + read, at + read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        into.truncate(end);
        outcome
    }

    /// Returns the bytes from a position on, `len` of them or as many as there are.
    pub(crate) fn bytes(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        self.read(at, len.min(left), &mut bytes)?;
        Ok(bytes)
    }
}

/// A part of a source, read from its start to its end.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    source: Source,
    /// What is not in `bytes` yet.
    rest: Range<u64>,
    bytes: Vec<u8>,
    /// How many of `bytes` were consumed.
    consumed: usize,
    /// Size of the next read.
    step: usize,
    failed: bool,
}

impl Window {
    pub(crate) fn new(source: &Source, range: Range<u64>) -> Self {
        let step = (source.piece / FIRST_SHARE).max(1);
        let rest = range.start..range.end.max(range.start);
        Self { source: source.clone(), rest, bytes: Vec::new(), consumed: 0, step, failed: false }
    }

    /// Returns the bytes that were read and not consumed.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    /// Returns the bytes that come next: at least `wanted`, if there are that many.
    #[inline]
    pub(crate) fn fill(&mut self, wanted: usize) -> &[u8] {
        while self.bytes.len() - self.consumed < wanted && self.grow(wanted) {}
        self.bytes()
    }

    /// Returns the position of the next byte in the file.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.rest.start - self.bytes().len() as u64
    }

    /// Returns how many bytes were not consumed, whether read or not.
    pub(crate) fn unread(&self) -> u64 {
        self.rest.end - self.position()
    }

    /// Returns whether reading failed or the file has become shorter.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    #[inline]
    pub(crate) fn consume(&mut self, len: usize) {
        self.consumed = (self.consumed + len).min(self.bytes.len());
    }

    /// Passes over bytes without reading them.
    pub(crate) fn skip(&mut self, len: u64) {
        let read = self.bytes().len();
        let here = usize::try_from(len).unwrap_or(usize::MAX).min(read);
        self.consume(here);
        let rest = (len - here as u64).min(self.rest.end - self.rest.start);
        self.rest.start += rest;
    }

    /// Returns the next bytes and consumes them: `len`, or as many as there are.
    pub(crate) fn take(&mut self, len: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < len {
            let bytes = self.fill(1);
            let part = bytes.len().min(len - taken.len());
            if part == 0 {
                break;
            }
            taken.extend_from_slice(&bytes[..part]);
            self.consume(part);
        }
        taken
    }

    /// Passes over bytes while a condition holds, and returns the last one.
    pub(crate) fn skip_while(&mut self, condition: impl Fn(u8) -> bool) -> Option<u8> {
        let mut last = None;
        loop {
            let bytes = self.fill(1);
            let len = bytes.iter().position(|byte| !condition(*byte)).unwrap_or(bytes.len());
            if len == 0 {
                return last;
            }
            last = Some(bytes[len - 1]);
            self.consume(len);
        }
    }

    /// Reads more bytes. Returns whether there were any.
    #[cold]
    fn grow(&mut self, wanted: usize) -> bool {
        let left = self.rest.end - self.rest.start;
        if left == 0 {
            return false;
        }
        self.bytes.drain(..self.consumed);
        self.consumed = 0;
        let before = self.bytes.len();
        let len = self.step.max(wanted.saturating_sub(before));
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(len);
        self.step = (self.step * 2).min(self.source.piece);
        let outcome = self.source.read(self.rest.start, len, &mut self.bytes);
        let got = self.bytes.len() - before;
        self.rest.start += got as u64;
        // Bytes that cannot be read count as missing.
        if outcome.is_err() || got < len {
            self.rest.end = self.rest.start;
            self.failed = true;
        }
        got > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_gives_the_bytes_of_its_range_in_any_pieces() {
        for piece in [1, 3, 64] {
            let source = Source::memory(*b"0123456789").in_pieces(piece);
            let mut window = Window::new(&source, 1..9);
            assert_eq!((window.position(), window.unread()), (1, 8));
            assert_eq!(&window.fill(2)[..2], b"12");
            window.consume(1);
            assert_eq!(window.take(3), b"234");
            window.skip(1);
            assert_eq!((window.position(), window.unread()), (6, 3));
            assert_eq!(window.skip_while(|byte| byte < b'8'), Some(b'7'));
            assert_eq!(window.fill(9), b"8");
            assert_eq!(window.take(9), b"8");
            assert_eq!(window.fill(1), b"");
            window.skip(7);
            assert_eq!((window.position(), window.unread(), window.failed()), (9, 0, false));
        }
    }

    #[test]
    fn a_source_that_is_shorter_than_it_says_ends_there() {
        let source = Source::new(b"0123".to_vec(), 9).in_pieces(2);
        let mut window = Window::new(&source, 0..9);
        assert_eq!(window.take(9), b"0123");
        assert_eq!((window.unread(), window.failed()), (0, true));
    }
}
