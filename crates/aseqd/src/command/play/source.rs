//! Where a song's bytes are: in a file that is read as it is played, or in memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// Most bytes that a track reads ahead.
const PIECE: usize = 64 * 1024;
/// Bytes read at once when the chunks of a file are looked for.
const HEADERS: usize = 4096;

/// The bytes of a song. Copies share them.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    bytes: Bytes,
    len: u64,
    piece: usize,
}

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    File(Arc<File>),
}

impl Source {
    /// A file, or `-` for standard input. What has no size, as a pipe, is read to its end here; but not
    /// what cannot be a song.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::drain(io::stdin().lock());
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Self::drain(file);
        }
        Ok(Self { bytes: Bytes::File(Arc::new(file)), len: metadata.len(), piece: PIECE })
    }

    /// Bytes in memory.
    pub(crate) fn memory(bytes: &[u8]) -> Self {
        let len = bytes.len() as u64;
        Self { bytes: Bytes::Memory(bytes.into()), len, piece: PIECE }
    }

    /// The same, but read in other pieces: events lie across their borders.
    #[cfg(test)]
    pub(super) fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    fn drain(mut input: impl io::Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        input.by_ref().take(4).read_to_end(&mut bytes)?;
        if matches!(bytes.as_slice(), b"MThd" | b"RIFF") {
            input.read_to_end(&mut bytes)?;
        }
        Ok(Self::memory(&bytes))
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Puts the bytes from there on behind those of `into`, `len` of them, or fewer if there are not
    /// so many: a file may have become shorter.
    fn read(&self, at: u64, len: usize, into: &mut Vec<u8>) -> io::Result<()> {
        match &self.bytes {
            Bytes::Memory(bytes) => {
                let start = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                into.extend_from_slice(&bytes[start..start.saturating_add(len).min(bytes.len())]);
            }
            Bytes::File(file) => {
                let mut end = into.len();
                into.resize(end + len, 0);
                let mut at = at;
                while end < into.len() {
                    match file.read_at(&mut into[end..], at) {
                        Ok(0) => break,
                        Ok(read) => (end, at) = (end + read, at + read as u64),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => {
                            into.truncate(end);
                            return Err(error);
                        }
                    }
                }
                into.truncate(end);
            }
        }
        Ok(())
    }

    /// The first bytes, as many as there are up to `len`.
    pub(super) fn first(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(at, len, &mut bytes)?;
        Ok(bytes)
    }
}

/// A part of a source, read from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Window {
    source: Source,
    /// What is not in `bytes` yet.
    rest: Range<u64>,
    bytes: Vec<u8>,
    /// How much of `bytes` was consumed.
    consumed: usize,
    /// Size of the next read.
    step: usize,
}

impl Window {
    pub(super) fn new(source: &Source, range: Range<u64>) -> Self {
        // The first event shall be there at once, however many tracks there are.
        let step = (source.piece / 16).max(1);
        Self { source: source.clone(), rest: range, bytes: Vec::new(), consumed: 0, step }
    }

    /// The bytes that are there and were not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    /// All that was not consumed, whether it is there or not.
    pub(super) fn unread(&self) -> u64 {
        self.bytes().len() as u64 + (self.rest.end - self.rest.start)
    }

    pub(super) fn consume(&mut self, len: usize) {
        self.consumed = (self.consumed + len).min(self.bytes.len());
    }

    /// Reads on. False: there is no more.
    pub(super) fn grow(&mut self) -> bool {
        let left = self.rest.end - self.rest.start;
        if left == 0 {
            return false;
        }
        self.bytes.drain(..self.consumed);
        self.consumed = 0;
        // An event that does not fit is met with twice as much each time.
        let wanted = self.step.max(self.bytes.len());
        self.step = (self.step * 2).min(self.source.piece);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(wanted);
        let before = self.bytes.len();
        let read = self.source.read(self.rest.start, len, &mut self.bytes);
        let got = self.bytes.len() - before;
        self.rest.start += got as u64;
        // What a disk or a shorter file does not give is not there; the track is damaged then.
        if read.is_err() || got < len {
            self.rest.end = self.rest.start;
        }
        got > 0
    }
}

/// How the chunks of a file say how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A MIDI file: most significant byte first.
    Midi,
    /// A RIFF file: least significant byte first, padded to even lengths.
    Riff,
}

/// The chunks of a file: four letters, and where the bytes are; the last one may be cut off. Walked
/// here because midly 0.5 panics over a frame rate of 128, and wants the whole file.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    source: &'a Source,
    kind: Kind,
    rest: Range<u64>,
    /// Bytes that were read ahead, and where they are: a file may be nothing but empty chunks.
    ahead: Vec<u8>,
    ahead_at: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(source: &'a Source, kind: Kind, range: Range<u64>) -> Self {
        Self { source, kind, rest: range, ahead: Vec::new(), ahead_at: 0 }
    }

    /// The eight bytes that a chunk begins with.
    fn header(&mut self, at: u64) -> Option<[u8; 8]> {
        let known = |ahead: &[u8], ahead_at| {
            let offset = usize::try_from(at.checked_sub(ahead_at)?).ok()?;
            ahead.get(offset..)?.first_chunk().copied()
        };
        if let Some(header) = known(&self.ahead, self.ahead_at) {
            return Some(header);
        }
        self.ahead = self.source.first(at, HEADERS).ok()?;
        self.ahead_at = at;
        known(&self.ahead, at)
    }
}

impl Iterator for Chunks<'_> {
    type Item = ([u8; 4], Range<u64>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.start.checked_add(8).filter(|start| *start <= self.rest.end)?;
        let [a, b, c, d, len @ ..] = self.header(self.rest.start)?;
        let (len, padded) = match self.kind {
            Kind::Midi => (u32::from_be_bytes(len), u32::from_be_bytes(len).into()),
            Kind::Riff => {
                let len = u32::from_le_bytes(len);
                (len, u64::from(len).next_multiple_of(2))
            }
        };
        let end = (start + u64::from(len)).min(self.rest.end);
        self.rest.start = (start + padded).min(self.rest.end);
        Some(([a, b, c, d], start..end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_file_and_memory_give_the_same_and_no_more_than_there_is() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        let sources = [Source::open(file.path()).unwrap(), Source::memory(b"0123456789")];
        for source in sources {
            assert_eq!(source.len(), 10);
            assert_eq!(source.first(2, 3).unwrap(), b"234");
            assert_eq!(source.first(8, 9).unwrap(), b"89");
            assert_eq!(source.first(11, 1).unwrap(), b"");
            let mut window = Window::new(&source.in_pieces(3), 1..9);
            let mut seen = Vec::new();
            while window.grow() {
                let next = window.bytes().len().min(2);
                seen.extend_from_slice(&window.bytes()[..next]);
                window.consume(next);
            }
            seen.extend_from_slice(window.bytes());
            assert_eq!(seen, b"12345678");
        }
    }

    #[test]
    fn a_file_that_becomes_shorter_ends_there() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"0123456789").unwrap();
        let source = Source::open(file.path()).unwrap();
        let mut window = Window::new(&source.in_pieces(64), 0..10);
        assert!(window.grow());
        assert_eq!(window.bytes(), b"0123");
        file.as_file().set_len(6).unwrap();
        assert!(window.grow());
        assert_eq!((window.bytes(), window.unread()), (b"012345".as_slice(), 6));
        assert!(!window.grow());
    }

    #[test]
    fn chunks_are_found_and_cut_at_the_end() {
        let bytes = b"abcd\0\0\0\x02xyMTrk\0\0\0\x09z";
        let source = Source::memory(bytes);
        let chunks: Vec<_> = Chunks::new(&source, Kind::Midi, 0..source.len()).collect();
        assert_eq!(chunks, [(*b"abcd", 8..10), (*b"MTrk", 18..19)]);
        let source = Source::memory(b"abcd\x01\0\0\0x\0data\x02\0\0\0yz");
        let chunks: Vec<_> = Chunks::new(&source, Kind::Riff, 0..source.len()).collect();
        assert_eq!(chunks, [(*b"abcd", 8..9), (*b"data", 18..20)]);
        let many = b"abcd\0\0\0\0".repeat(2000);
        let source = Source::memory(&many);
        assert_eq!(Chunks::new(&source, Kind::Midi, 0..source.len()).count(), 2000);
    }
}
