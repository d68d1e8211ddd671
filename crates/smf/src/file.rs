//! A file: its header and where its tracks are.

use crate::error::{ReadError, looks_like};
use crate::finding::{Findings, Oddity};
use crate::merged::Merged;
use crate::scan::{self, Extent};
use crate::source::Source;
use crate::track::Track;
use std::ops::Range;

/// How many bytes at the start of a file are searched for the header. 64 KiB covers the wrappers that are in use.
pub const SEARCHED: usize = 64 * 1024;
/// The bytes of `MThd` and of its length.
const HEADER_START: u64 = 8;
/// The bytes of format, number of tracks and division.
const HEADER_BODY: usize = 6;
/// The ticks of a quarter that are assumed if the header says 0.
const DEFAULT_TICKS: u16 = 96;
/// The ticks of a frame that are assumed if the header says 0: with 25 frames a second a tick is 1 ms.
const DEFAULT_FRAME_TICKS: u8 = 40;

/// How the tracks of a file belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 0: there is one track.
    Single,
    /// 1: all tracks start at the same time.
    Parallel,
    /// 2: the tracks are independent and follow one another.
    Sequential,
}

/// What a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// A part of a quarter, from 1 to 32767 ticks a quarter. The tempo says how long that is.
    Quarter(u16),
    /// A part of a frame. The tempo does not matter.
    Frames {
        /// Frames a second, from 1 to 128; 29 stands for 29.97 (30 frames in 1.001 seconds).
        per_second: u8,
        /// Ticks of a frame, from 1.
        ticks: u8,
    },
}

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// How the tracks belong together.
    pub format: Format,
    /// How many tracks are announced; there may be fewer or more.
    pub tracks: u16,
    /// What a tick is.
    pub division: Division,
}

/// A file whose header was read and whose tracks were found.
#[derive(Clone, Debug)]
pub struct File {
    source: Source,
    header: Header,
    extents: Vec<Extent>,
    findings: Findings,
}

impl File {
    /// Reads the header and finds the tracks.
    ///
    /// # Errors
    /// [`ReadError`] if the bytes cannot be read, have no header in their first 64 KiB, or no track.
    pub fn read(source: &Source) -> Result<Self, ReadError> {
        let mut findings = Findings::default();
        let range = midi_in(source, &mut findings)?;
        let start = range.start + HEADER_START;
        let (body, chunks) = header_body(source, start, range.end, &mut findings)?;
        let word = |at: usize| body.get(at..at + 2).map(|word| [word[0], word[1]]);
        let announced = word(2).map(u16::from_be_bytes);
        let format = match word(0).map(u16::from_be_bytes) {
            Some(0) => Format::Single,
            None | Some(1) => Format::Parallel,
            Some(2) => Format::Sequential,
            Some(_) => {
                findings.note(Oddity::UnknownFormat, None, start);
                Format::Parallel
            }
        };
        let division = division(word(4).unwrap_or([0, 0]), start + 4, &mut findings);
        let announced_count = announced.map(usize::from);
        let extents =
            scan::tracks(source, chunks.min(range.end)..range.end, announced_count, &mut findings)?;
        if extents.is_empty() {
            return Err(ReadError::NoTracks);
        }
        if format == Format::Single && extents.len() > 1 {
            findings.note(Oddity::FormatZeroTracks, None, start);
        }
        let header = Header { format, tracks: announced.unwrap_or(0), division };
        Ok(Self { source: source.clone(), header, extents, findings })
    }

    /// Returns the header. Impossible values are replaced and counted in [`findings`](Self::findings).
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// Returns what was wrong with the header and the chunks. The tracks have findings of their own.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Returns the tracks, which can be read independently.
    pub fn into_tracks(self) -> impl ExactSizeIterator<Item = Track> {
        let Self { source, extents, .. } = self;
        let numbered = extents.into_iter().enumerate();
        numbered.map(move |(number, extent)| Track::new(&source, number, &extent))
    }

    /// Returns all events in order of time, those of one tick in the order of the tracks.
    #[must_use]
    pub fn into_merged(self) -> Merged {
        let (findings, sequential) =
            (self.findings.clone(), self.header.format == Format::Sequential);
        Merged::new(self.into_tracks().collect(), sequential, findings)
    }
}

/// Returns the header's bytes after its length, six or fewer, and where the chunks begin.
fn header_body(
    source: &Source,
    start: u64,
    end: u64,
    findings: &mut Findings,
) -> Result<(Vec<u8>, u64), ReadError> {
    let cut = ReadError::NotMidi("it ends within its header");
    let len = source.bytes(start - 4, 4)?;
    let Some(len) = len.first_chunk().map(|len| u64::from(u32::from_be_bytes(*len))) else {
        return Err(cut);
    };
    let usual = HEADER_BODY as u64;
    if len != usual {
        // More bytes are allowed. With fewer, some of the six are missing or the length is wrong.
        let behind = start + len;
        let fits = match len > usual {
            true => behind < end && scan::chunk_at(source, behind, end)?,
            false => scan::is_track_at(source, behind)?,
        };
        if len < usual || !fits {
            findings.note(Oddity::HeaderLength, None, start - 4);
        }
        if fits {
            let known = usize::try_from(len).unwrap_or(HEADER_BODY).min(HEADER_BODY);
            return Ok((source.bytes(start, known)?, behind));
        }
    }
    let body = source.bytes(start, HEADER_BODY)?;
    if body.len() < HEADER_BODY { Err(cut) } else { Ok((body, start + usual)) }
}

/// Returns whether bytes contain the start of a header. The first [`SEARCHED`] bytes of a file that
/// can be read do.
#[must_use]
pub fn has_header(bytes: &[u8]) -> bool {
    header_in(bytes).is_some() || bytes.starts_with(b"MThd")
}

fn header_in(bytes: &[u8]) -> Option<usize> {
    // The length is six nearly everywhere, and its first bytes are 0 everywhere.
    memchr::memmem::find(bytes, b"MThd\0\0\0")
}

/// Returns the part of a source that is a MIDI file, from its `MThd` on.
fn midi_in(source: &Source, findings: &mut Findings) -> Result<Range<u64>, ReadError> {
    let mut range = 0..source.len();
    let start = source.bytes(0, SEARCHED)?;
    // A clip may carry such a file in its packets.
    if start.starts_with(b"SMF2CLIP") {
        return Err(ReadError::NotMidi(looks_like(&start)));
    }
    if start.starts_with(b"RIFF")
        && start.get(8..12) == Some(b"RMID")
        && let Some(data) = riff_data(source, findings)?
    {
        range = data;
    }
    let within = usize::try_from(range.start).unwrap_or(usize::MAX);
    let body = start.get(within.min(start.len())..).unwrap_or_default();
    if body.starts_with(b"MThd") {
        return Ok(range);
    }
    match header_in(&start) {
        Some(at) => {
            let at = at as u64;
            if at > 0 && !start.starts_with(b"RIFF") {
                findings.note(Oddity::LeadingBytes, None, 0);
            } else if at > 0 {
                findings.note(Oddity::RiffLength, None, 4);
            }
            Ok(at..source.len())
        }
        None => Err(ReadError::NotMidi(looks_like(&start))),
    }
}

/// Returns the MIDI data in a RIFF file. Its chunks have little-endian lengths, and are padded to even ones.
fn riff_data(source: &Source, findings: &mut Findings) -> Result<Option<Range<u64>>, ReadError> {
    let len_at = |at| -> Result<Option<u64>, ReadError> {
        let bytes = source.bytes(at, 4)?;
        Ok(bytes.first_chunk().map(|len| u64::from(u32::from_le_bytes(*len))))
    };
    let end = source.len();
    let is_riff_chunk = |at: u64| -> Result<bool, ReadError> {
        let named = source.bytes(at, 4)?.iter().all(|byte| matches!(byte, b' '..=b'~'));
        Ok(named && len_at(at + 4)?.is_some_and(|len| at + 8 + len <= end))
    };
    let stated_end = len_at(4)?.map_or(end, |len| len + 8);
    let mut at = 12;
    while let Some(len) = len_at(at + 4)? {
        let start = at + 8;
        if source.bytes(at, 4)? == b"data" {
            let behind = start + len.next_multiple_of(2);
            // A writer that was interrupted leaves a length of 0.
            let fits = len > 0 && (start + len >= end || behind == end || is_riff_chunk(behind)?);
            if stated_end > end || start + len > end || !fits {
                findings.note(Oddity::RiffLength, None, 4);
            }
            return Ok(Some(start..if fits { (start + len).min(end) } else { end }));
        }
        at = start + len.next_multiple_of(2);
    }
    Ok(None)
}

fn division([high, low]: [u8; 2], at: u64, findings: &mut Findings) -> Division {
    if high < 0x80 {
        let ticks = u16::from_be_bytes([high, low]);
        if ticks == 0 {
            findings.note(Oddity::DivisionZero, None, at);
        }
        return Division::Quarter(if ticks == 0 { DEFAULT_TICKS } else { ticks });
    }
    let per_second = high.wrapping_neg();
    if !matches!(per_second, 24 | 25 | 29 | 30) {
        findings.note(Oddity::UnknownFrameRate, None, at);
    }
    if low == 0 {
        findings.note(Oddity::DivisionZero, None, at);
    }
    Division::Frames { per_second, ticks: if low == 0 { DEFAULT_FRAME_TICKS } else { low } }
}
