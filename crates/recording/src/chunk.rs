//! The chunks that a recording consists of.
//!
//! Each has a head of 16 bytes: kind, flags, two bytes of 0, then three numbers of 4 bytes, little-endian: the length
//! of the payload in the file, its length when it is inflated, and a CRC-32 (IEEE) over the 12 bytes before and the
//! payload in the file.

use crate::error::Malformed;
use crate::record::{MAX_DATA, MAX_HEAD};
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress};
use miniz_oxide::inflate;

/// The first bytes of each recording. The byte above 127 and the two line ends show transfers as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89aseq\r\n\x1a";

pub(crate) const HEAD: usize = 16;

/// What a chunk is.
pub(crate) mod kind {
    /// The text of the header. The first chunk of each recording.
    pub(crate) const HEADER: u8 = 1;
    /// Records.
    pub(crate) const RECORDS: u8 = 2;
    /// The state of the engine before the first record.
    pub(crate) const STATE: u8 = 3;
    /// The recording ends. The payload says why, or nothing if it was asked to.
    pub(crate) const END: u8 = 4;
    /// A reader skips chunks of this kind and above if it does not know them.
    pub(crate) const OPTIONAL: u8 = 128;
}

/// The flag of a payload that is deflated (RFC 1951, without a header).
pub(crate) const DEFLATED: u8 = 1;

/// Length of records at which a chunk is cut, in bytes. A longer chunk has one record.
pub(crate) const CUT: usize = 64 * 1024;
/// Maximum length of a chunk of records.
pub(crate) const MAX_RECORDS: usize = CUT + MAX_HEAD + MAX_DATA;
/// Maximum length of a state, in bytes. With all clients and all their events it is about 50 MB.
pub(crate) const MAX_STATE: usize = 64 << 20;
/// Maximum length of the reason why a recording ended.
pub(crate) const MAX_REASON: usize = 4096;

/// The head of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkHead {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stored: usize,
    pub(crate) plain: usize,
    crc: u32,
}

impl ChunkHead {
    /// Reads a head.
    ///
    /// # Errors
    /// If no version writes such a head.
    pub(crate) fn read(bytes: &[u8; HEAD]) -> Result<Self, Malformed> {
        let [kind, flags, zero, zero_too, numbers @ ..] = bytes;
        let number = |at: usize| {
            let number: [u8; 4] = numbers[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(number)
        };
        let size = |at: usize| usize::try_from(number(at)).unwrap_or(usize::MAX);
        let head =
            Self { kind: *kind, flags: *flags, stored: size(0), plain: size(4), crc: number(8) };
        let max = match *kind {
            kind::HEADER => crate::header::MAX,
            kind::RECORDS => MAX_RECORDS,
            kind::END => MAX_REASON,
            _ => MAX_STATE,
        };
        let is_deflated = flags & DEFLATED != 0;
        let fits = if is_deflated { head.stored < head.plain } else { head.stored == head.plain };
        if *zero != 0 || *zero_too != 0 || flags & !DEFLATED != 0 || head.plain > max || !fits {
            return Err(Malformed("a chunk has an impossible head"));
        }
        Ok(head)
    }

    /// Returns whether the payload is what was written.
    pub(crate) fn is_whole(&self, head: &[u8; HEAD], payload: &[u8]) -> bool {
        self.crc == crc(&head[..HEAD - 4], payload)
    }

    /// Puts the payload into `plain`, inflated.
    pub(crate) fn open(&self, payload: &[u8], plain: &mut Vec<u8>) -> Result<(), Malformed> {
        plain.clear();
        if self.flags & DEFLATED == 0 {
            plain.extend_from_slice(payload);
            return Ok(());
        }
        plain.resize(self.plain, 0);
        let inflated =
            inflate::decompress_slice_iter_to_slice(plain, std::iter::once(payload), false, false);
        match inflated {
            Ok(len) if len == self.plain => Ok(()),
            _ => Err(Malformed("a chunk cannot be inflated")),
        }
    }
}

fn crc(head: &[u8], payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    crc.update(payload);
    crc.finalize()
}

/// Makes chunks, in a buffer that it keeps.
pub(crate) struct ChunkMaker {
    level: u8,
    /// Made when it is needed, and kept: it takes 300 KB.
    compressor: Option<Box<CompressorOxide>>,
    chunk: Vec<u8>,
}

impl ChunkMaker {
    /// Returns one that deflates at this level, from 1 (quick) to 9 (small), or not at all at level 0.
    pub(crate) const fn new(level: u8) -> Self {
        Self { level, compressor: None, chunk: Vec::new() }
    }

    /// Changes the level.
    pub(crate) const fn set_level(&mut self, level: u8) {
        self.level = level;
    }

    /// Returns a chunk as it stands in the file.
    pub(crate) fn make(&mut self, kind: u8, plain: &[u8]) -> &[u8] {
        let chunk = &mut self.chunk;
        chunk.clear();
        chunk.resize(HEAD + plain.len(), 0);
        let mut deflated = None;
        if self.level > 0 {
            let compressor = self.compressor.get_or_insert_default();
            compressor.reset();
            compressor.set_format_and_level(DataFormat::Raw, self.level);
            let room = &mut chunk[HEAD..];
            if let (TDEFLStatus::Done, _, len) =
                compress(compressor, plain, room, TDEFLFlush::Finish)
                && len < plain.len()
            {
                deflated = Some(len);
            }
        }
        match deflated {
            Some(len) => chunk.truncate(HEAD + len),
            None => chunk[HEAD..].copy_from_slice(plain),
        }
        let stored = chunk.len() - HEAD;
        let (head, payload) = chunk.split_at_mut(HEAD);
        head[0] = kind;
        head[1] = if deflated.is_some() { DEFLATED } else { 0 };
        // No chunk is longer than 64 MiB.
        let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        head[4..8].copy_from_slice(&number(stored));
        head[8..12].copy_from_slice(&number(plain.len()));
        let crc = crc(&head[..HEAD - 4], payload);
        head[12..].copy_from_slice(&crc.to_le_bytes());
        &self.chunk
    }
}

impl std::fmt::Debug for ChunkMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkMaker").finish_non_exhaustive()
    }
}
