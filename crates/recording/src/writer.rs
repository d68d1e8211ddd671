//! Writes recordings.

use crate::chunk::{CUT, ChunkMaker, MAGIC, MAX_REASON, kind};
use crate::error::Malformed;
use crate::format::FORMAT;
use crate::header::Header;
use crate::record::{self, Record};
use crate::varint;
use aseqd_engine::Time;
use std::io::{self, Write};

/// How hard a [`Writer`] tries to make a recording small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: a single event takes about 35 bytes.
    None,
    /// A little, with the least work: about 10 bytes.
    #[default]
    Quick,
    /// A lot: about 8 bytes.
    Small,
}

impl Compression {
    const fn level(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Quick => 1,
            Self::Small => 6,
        }
    }
}

/// The engine in the middle of its life, from which a recording goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// How many inputs it has had.
    pub index: u64,
    /// The time of the latest one.
    pub now: Time,
    /// The [running hash](crate::AnswerHash) up to here.
    pub hash: u32,
    /// The engine, as bytes that mean nothing here.
    pub engine: &'a [u8],
}

/// Writes a recording: the header at once, records in chunks of 64 KiB. Each chunk is one call of
/// [`Write::write_all`].
///
/// Records that are not in a whole chunk are lost if this is dropped without [`finish`](Self::finish).
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    maker: ChunkMaker,
    /// The head and the records of the next chunk.
    plain: Vec<u8>,
    /// Length of the head in it; 0 if there are no records yet.
    begun: usize,
    index: u64,
    now: Time,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn new(out: W, header: &Header, compression: Compression) -> io::Result<Self> {
        let mut writer = Self {
            out,
            maker: ChunkMaker::new(compression.level()),
            plain: Vec::with_capacity(2 * CUT),
            begun: 0,
            index: 0,
            now: Time(0),
        };
        let text = header.to_text();
        if text.len() > crate::header::MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the header is too long"));
        }
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&FORMAT.to_le_bytes());
        start.extend_from_slice(&[0; 2]);
        start.extend_from_slice(writer.maker.make(kind::HEADER, text.as_bytes()));
        writer.out.write_all(&start)?;
        Ok(writer)
    }

    /// Writes the state of the engine, from which the records go on. It is before the first record, or in its place
    /// among them if the output keeps the last ones only.
    ///
    /// # Errors
    /// The errors of the output; `InvalidInput` if the state is longer than 64 MiB.
    pub fn state(&mut self, state: &State<'_>) -> io::Result<()> {
        self.flush()?;
        (self.index, self.now) = (state.index, state.now);
        let mut plain = Vec::with_capacity(state.engine.len() + 32);
        number(&mut plain, state.index);
        number(&mut plain, state.now.0);
        plain.extend_from_slice(&state.hash.to_le_bytes());
        plain.extend_from_slice(state.engine);
        if plain.len() > crate::chunk::MAX_STATE {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the state is too long"));
        }
        self.out.write_all(self.maker.make(kind::STATE, &plain))
    }

    /// Adds a record. A time before that of the last record counts as the same time, as it does for the engine.
    ///
    /// # Errors
    /// The errors of the output; `InvalidInput` if the record carries more than [`MAX_DATA`](crate::MAX_DATA) bytes.
    pub fn push(
        &mut self,
        now: Time,
        outputs: u32,
        check: u8,
        record: &Record<'_>,
    ) -> io::Result<()> {
        let (head, carried) = record::encode(now - self.now, outputs, check, record);
        if carried.len() > record::MAX_DATA {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record carries too much"));
        }
        let len = head.as_bytes().len() + carried.len();
        self.begin(len)?;
        self.plain.extend_from_slice(head.as_bytes());
        self.plain.extend_from_slice(carried);
        self.now = self.now.max(now);
        self.index += u64::from(record.is_input());
        Ok(())
    }

    /// Adds whole records as [`encode`](crate::encode) makes them, each relative to the one before, and shows each.
    ///
    /// # Errors
    /// The errors of the output; `InvalidData` if these are no whole records.
    pub fn append(
        &mut self,
        mut encoded: &[u8],
        mut seen: impl FnMut(&Record<'_>),
    ) -> io::Result<()> {
        while !encoded.is_empty() {
            let mut rest = encoded;
            let decoded = record::decode(&mut rest)
                .map_err(|Malformed(why)| io::Error::new(io::ErrorKind::InvalidData, why))?;
            let (one, rest) = encoded.split_at(encoded.len() - rest.len());
            self.begin(one.len())?;
            self.plain.extend_from_slice(one);
            self.now = self.now + decoded.elapsed;
            self.index += u64::from(decoded.record.is_input());
            seen(&decoded.record);
            encoded = rest;
        }
        Ok(())
    }

    /// Makes room for a record: cuts the chunk if it would become too long, and begins one if there is none.
    fn begin(&mut self, len: usize) -> io::Result<()> {
        if self.begun > 0 && self.plain.len() + len > CUT {
            self.flush()?;
        }
        if self.begun == 0 {
            number(&mut self.plain, self.index);
            number(&mut self.plain, self.now.0);
            self.begun = self.plain.len();
        }
        Ok(())
    }

    /// Writes the records that are not written yet, as a chunk.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.begun > 0 {
            self.out.write_all(self.maker.make(kind::RECORDS, &self.plain))?;
            self.plain.clear();
            self.begun = 0;
        }
        Ok(())
    }

    /// Ends the recording. A reason says why it ends before its time.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(mut self, reason: Option<&str>) -> io::Result<W> {
        self.flush()?;
        let end = end(reason);
        self.out.write_all(&end)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Compresses the chunks that begin from now on so hard.
    pub fn set_compression(&mut self, compression: Compression) {
        self.maker.set_level(compression.level());
    }

    /// Returns the output, without an end and without what is not in a whole chunk yet.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Returns the output. What is not in a whole chunk yet is not there.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Returns the output, to look at.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// Returns how many inputs there are so far, and the time of the last record.
    #[must_use]
    pub const fn position(&self) -> (u64, Time) {
        (self.index, self.now)
    }
}

/// Returns the chunk that ends a recording, for an output from which nothing else can be had any more.
#[must_use]
pub fn end(reason: Option<&str>) -> Vec<u8> {
    let reason = reason.unwrap_or_default();
    let reason = &reason.as_bytes()[..reason.len().min(MAX_REASON)];
    ChunkMaker::new(0).make(kind::END, reason).to_vec()
}

fn number(to: &mut Vec<u8>, value: u64) {
    let mut bytes = [0; varint::MAX];
    let len = varint::put(&mut bytes, value);
    to.extend_from_slice(&bytes[..len]);
}
