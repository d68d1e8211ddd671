//! Reads recordings.

use crate::chunk::{ChunkHead, HEAD, MAGIC, kind};
use crate::error::{Malformed, ReadError};
use crate::format::FORMAT;
use crate::header::Header;
use crate::record::{self, Entry};
use crate::varint;
use crate::writer::State;
use aseqd_engine::Time;
use std::io::{self, Read};

/// How a recording ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It was ended on purpose.
    Whole,
    /// It ended before its time, and says why.
    Stopped(String),
    /// Its last chunk is missing, incomplete or damaged, as when the recorder was killed. The records before it are
    /// right.
    Torn {
        /// Where the last whole chunk ends in the file, in bytes.
        offset: u64,
    },
}

/// Reads a recording, chunk by chunk: memory does not grow with the file. Any bytes are safe to read.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    header: Header,
    /// Where the next chunk begins in the file.
    offset: u64,
    /// Where the chunk in `plain` begins.
    chunk_offset: u64,
    stored: Vec<u8>,
    /// The chunk whose records are read.
    plain: Vec<u8>,
    /// How much of it is read.
    read: usize,
    index: u64,
    now: Time,
    state: Option<OwnedState>,
    any_records: bool,
    end: Option<End>,
}

#[derive(Debug)]
struct OwnedState {
    index: u64,
    now: Time,
    hash: u32,
    engine: Vec<u8>,
}

/// What the next chunk is.
enum Next {
    Chunk(u8),
    Torn,
}

impl<R: Read> Reader<R> {
    /// Reads the header, and the state of the engine if the recording begins with one.
    ///
    /// # Errors
    /// [`ReadError`], if this is no recording or not of this format.
    pub fn new(mut from: R) -> Result<Self, ReadError> {
        let mut start = [0; MAGIC.len() + 4];
        if fill(&mut from, &mut start)? < start.len() || start[..MAGIC.len()] != MAGIC {
            return Err(ReadError::NotARecording);
        }
        let version = u16::from_le_bytes([start[MAGIC.len()], start[MAGIC.len() + 1]]);
        if version != FORMAT {
            return Err(ReadError::Version(version));
        }
        let mut reader = Self {
            from,
            header: Header::new(aseqd_engine::Config::default()),
            offset: start.len() as u64,
            chunk_offset: 0,
            stored: Vec::new(),
            plain: Vec::new(),
            read: 0,
            index: 0,
            now: Time(0),
            state: None,
            any_records: false,
            end: None,
        };
        match reader.next_chunk()? {
            Next::Chunk(kind::HEADER) => {
                let text = str::from_utf8(&reader.plain);
                let text = text.map_err(|_| Malformed("the header is not UTF-8"));
                let header = text.and_then(Header::from_text);
                reader.header = header.map_err(|why| reader.malformed(why))?;
            }
            Next::Chunk(_) => return Err(reader.malformed(Malformed("there is no header"))),
            Next::Torn => return Err(ReadError::NotARecording),
        }
        reader.plain.clear();
        reader.next_records()?;
        Ok(reader)
    }

    /// Returns what the recording says about itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the engine from which the recording goes on. With `None` it begins with a fresh one.
    #[must_use]
    pub fn state(&self) -> Option<State<'_>> {
        self.state.as_ref().map(|state| State {
            index: state.index,
            now: state.now,
            hash: state.hash,
            engine: &state.engine,
        })
    }

    /// Returns the next record, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Io`] and [`ReadError::Malformed`]. A torn end is no error: see [`end`](Self::end).
    pub fn read(&mut self) -> Result<Option<Entry<'_>>, ReadError> {
        if self.read == self.plain.len() && !self.next_records()? {
            return Ok(None);
        }
        let mut rest = &self.plain[self.read..];
        let before = rest.len();
        let decoded = record::decode(&mut rest)
            .map_err(|Malformed(why)| ReadError::Malformed { offset: self.chunk_offset, why })?;
        self.read += before - rest.len();
        self.now = self.now + decoded.elapsed;
        let index = self.index;
        self.index += u64::from(decoded.record.is_input());
        let record::Decoded { outputs, check, record, .. } = decoded;
        Ok(Some(Entry { index, now: self.now, outputs, check, record }))
    }

    /// Returns how the recording ends, once [`read`](Self::read) has returned `None`.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Makes the next chunk that has records the one that is read. Returns whether there is one.
    fn next_records(&mut self) -> Result<bool, ReadError> {
        while self.end.is_none() {
            match self.next_chunk()? {
                Next::Chunk(kind::RECORDS) => {
                    self.begin_records().map_err(|why| self.malformed(why))?;
                    if self.read < self.plain.len() {
                        return Ok(true);
                    }
                }
                Next::Chunk(kind::STATE) => {
                    // One among the records says what a replay has come to by itself.
                    if !self.any_records && self.state.is_none() {
                        let state = self.take_state().map_err(|why| self.malformed(why))?;
                        (self.index, self.now) = (state.index, state.now);
                        self.state = Some(state);
                    }
                }
                Next::Chunk(kind::END) => {
                    let reason = String::from_utf8_lossy(&self.plain).into_owned();
                    self.end =
                        Some(if reason.is_empty() { End::Whole } else { End::Stopped(reason) });
                }
                Next::Chunk(kind::OPTIONAL..) => {}
                Next::Chunk(_) => {
                    return Err(self.malformed(Malformed("a chunk has an unknown kind")));
                }
                Next::Torn => self.end = Some(End::Torn { offset: self.offset }),
            }
        }
        self.plain.clear();
        self.read = 0;
        Ok(false)
    }

    /// Reads the head of a chunk of records.
    fn begin_records(&mut self) -> Result<(), Malformed> {
        let mut rest = &self.plain[..];
        let (index, now) = (varint::take(&mut rest)?, Time(varint::take(&mut rest)?));
        let goes_on = self.any_records || self.state.is_some();
        if index != self.index || goes_on && now != self.now {
            return Err(Malformed("records are missing before it"));
        }
        self.now = now;
        self.read = self.plain.len() - rest.len();
        self.any_records = true;
        Ok(())
    }

    fn take_state(&mut self) -> Result<OwnedState, Malformed> {
        let mut rest = &self.plain[..];
        let (index, now) = (varint::take(&mut rest)?, Time(varint::take(&mut rest)?));
        let (hash, engine) = rest.split_first_chunk().ok_or(Malformed("a state is incomplete"))?;
        Ok(OwnedState { index, now, hash: u32::from_le_bytes(*hash), engine: engine.to_vec() })
    }

    /// Reads the next chunk into `plain`.
    fn next_chunk(&mut self) -> Result<Next, ReadError> {
        let mut bytes = [0; HEAD];
        if fill(&mut self.from, &mut bytes)? < HEAD {
            return Ok(Next::Torn);
        }
        // An impossible head is most likely the rest of a file system's block.
        let Ok(head) = ChunkHead::read(&bytes) else { return Ok(Next::Torn) };
        self.stored.clear();
        // Memory grows with what is there, not with what the head promises.
        let stored = (&mut self.from).take(head.stored as u64).read_to_end(&mut self.stored)?;
        if stored < head.stored || !head.is_whole(&bytes, &self.stored) {
            return Ok(Next::Torn);
        }
        self.chunk_offset = self.offset;
        self.offset += (HEAD + stored) as u64;
        head.open(&self.stored, &mut self.plain).map_err(|why| self.malformed(why))?;
        self.read = self.plain.len();
        Ok(Next::Chunk(head.kind))
    }

    const fn malformed(&self, Malformed(why): Malformed) -> ReadError {
        ReadError::Malformed { offset: self.chunk_offset, why }
    }
}

/// Reads as many bytes as there are, up to the length of `to`.
fn fill(from: &mut impl Read, to: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < to.len() {
        match from.read(&mut to[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
