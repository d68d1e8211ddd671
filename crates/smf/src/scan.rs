//! Finds the tracks of a file.
//!
//! A file whose chunks follow one another as their lengths say is walked from chunk to chunk, which reads
//! only a few bytes of each. If anything does not fit, the lengths are not trusted: the file is searched for
//! `MTrk`, and a track reaches up to the next one, unless it ends before.

use crate::finding::{Findings, Oddity};
use crate::source::Source;
use std::io;
use std::ops::Range;

/// How many bytes are read at once when a file is walked, so that a file of many empty chunks takes few reads.
const WALK_PIECE: usize = 4096;
/// How many bytes are read at once when a file is searched.
const SEARCH_PIECE: usize = 64 * 1024;
/// The most bytes of a file that are searched: 256 MiB, which takes at most a second. A larger damaged file is not
/// a song, and may be a whole disk.
const MAX_SEARCHED: u64 = 256 << 20;
/// The bytes of a chunk's name and length.
const CHUNK_HEADER: u64 = 8;
/// The usual length of the header of a song.
const HEADER_LEN: u32 = 6;
/// The most tracks that a header can announce.
pub(crate) const MAX_TRACKS: usize = u16::MAX as usize;

/// Where a track is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The position after the chunk's header.
    pub(crate) start: u64,
    /// The latest position at which the track can end.
    pub(crate) end: u64,
    /// Where the track ends by its chunk's length.
    pub(crate) stated_end: u64,
    pub(crate) file_end: u64,
}

/// Finds the tracks in a part of a file after its header.
pub(crate) fn tracks(
    source: &Source,
    range: Range<u64>,
    announced: Option<usize>,
    findings: &mut Findings,
) -> io::Result<Vec<Extent>> {
    let mut walk = Walk { bytes: Ahead::new(source), range: range.clone(), budget: MAX_SEARCHED };
    let mut found = walk.chunks(None)?;
    let as_announced = |found: &[Extent]| announced.is_none_or(|count| found.len() >= count);
    if !found.as_deref().is_some_and(as_announced) {
        found = walk.chunks(Some(findings))?;
        if walk.budget == 0 {
            findings.note(Oddity::TooLarge, None, range.start);
        }
    }
    let mut found = found.unwrap_or_default();
    if found.len() > MAX_TRACKS {
        findings.note(Oddity::TooManyTracks, None, found[MAX_TRACKS].start - CHUNK_HEADER);
        found.truncate(MAX_TRACKS);
    }
    if let Some(announced) = announced {
        match found.len() {
            len if len < announced => findings.note(Oddity::MissingTracks, None, range.end),
            len if len > announced => {
                let first = found[announced].start.saturating_sub(CHUNK_HEADER);
                findings.note(Oddity::MoreTracks, None, first);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Returns whether a chunk can begin at a position or the file ends there.
pub(crate) fn chunk_at(source: &Source, at: u64, end: u64) -> io::Result<bool> {
    Walk { bytes: Ahead::new(source), range: 0..end, budget: 0 }.is_border(at)
}

/// Returns whether a track's chunk begins at a position.
pub(crate) fn is_track_at(source: &Source, at: u64) -> io::Result<bool> {
    Ok(source.bytes(at, 4)? == b"MTrk")
}

struct Walk<'a> {
    bytes: Ahead<'a>,
    range: Range<u64>,
    /// Bytes that may still be searched.
    budget: u64,
}

impl Walk<'_> {
    /// Walks over the chunks. Without `findings` it returns `None` as soon as something does not fit.
    fn chunks(&mut self, mut findings: Option<&mut Findings>) -> io::Result<Option<Vec<Extent>>> {
        let (mut at, end) = (self.range.start, self.range.end);
        let mut found = Vec::new();
        while at < end && found.len() <= MAX_TRACKS {
            let header = if end - at < CHUNK_HEADER { None } else { self.bytes.header(at)? };
            if header.is_some_and(|(id, len)| id == *b"MThd" && len == HEADER_LEN) {
                let Some(findings) = &mut findings else { return Ok(None) };
                findings.note(Oddity::AnotherSong, None, at);
                break;
            }
            let known = header.filter(|(id, _)| id == b"MTrk").map(|(_, len)| len);
            if let Some(len) = known {
                let start = at + CHUNK_HEADER;
                let stated_end = start + u64::from(len);
                let fits = self.is_border(stated_end)?;
                let track_end = match findings {
                    None if !fits => return Ok(None),
                    None => stated_end,
                    Some(_) => match self.next_song_or_track(start)?.unwrap_or(end) {
                        next if fits && stated_end <= next => stated_end,
                        next => next,
                    },
                };
                found.push(Extent { start, end: track_end, stated_end, file_end: end });
                at = track_end;
                continue;
            }
            if let Some((id, len)) = header {
                let next = at + CHUNK_HEADER + u64::from(len);
                if is_name(id) && self.is_border(next)? {
                    at = next;
                    continue;
                }
            }
            let Some(findings) = &mut findings else { return Ok(None) };
            let Some(next) = self.next_song_or_track(at)? else {
                findings.note(Oddity::TrailingBytes, None, at);
                break;
            };
            findings.note(Oddity::BytesBetweenChunks, None, at);
            at = next;
        }
        Ok(Some(found))
    }

    /// Returns whether a chunk can begin here, or the bytes end.
    fn is_border(&mut self, at: u64) -> io::Result<bool> {
        let end = self.range.end;
        if at == end {
            return Ok(true);
        }
        if at > end || end - at < CHUNK_HEADER {
            return Ok(false);
        }
        let Some((id, len)) = self.bytes.header(at)? else { return Ok(false) };
        let fits = at + CHUNK_HEADER + u64::from(len) <= end;
        Ok(id == *b"MTrk" || is_name(id) && fits)
    }

    /// Returns the next position at which a track can begin, or the header of another song before it.
    fn next_song_or_track(&mut self, from: u64) -> io::Result<Option<u64>> {
        let Some(track) = self.next_track(from)? else { return Ok(None) };
        let header = track.checked_sub(CHUNK_HEADER + u64::from(HEADER_LEN));
        if let Some(header) = header.filter(|header| *header >= from)
            && self.bytes.header(header)? == Some((*b"MThd", HEADER_LEN))
        {
            return Ok(Some(header));
        }
        Ok(Some(track))
    }

    /// Returns the next position at which a track can begin.
    fn next_track(&mut self, from: u64) -> io::Result<Option<u64>> {
        let finder = memchr::memmem::Finder::new(b"MTrk");
        let mut at = from;
        while at + CHUNK_HEADER <= self.range.end && self.budget > 0 {
            let block = self.bytes.source.bytes(at, SEARCH_PIECE)?;
            let left = usize::try_from(self.range.end - at).unwrap_or(usize::MAX);
            let block = &block[..block.len().min(left)];
            for found in finder.find_iter(block) {
                match block.get(found + 4) {
                    // The first byte of a length; in a text about MIDI files it is a letter.
                    Some(0..0x10) => return Ok(Some(at + found as u64)),
                    Some(_) => {}
                    None => break,
                }
            }
            // A border may be in the midst of it.
            match (block.len() as u64).saturating_sub(CHUNK_HEADER - 1) {
                0 => break,
                step => {
                    at += step;
                    self.budget = self.budget.saturating_sub(step);
                }
            }
        }
        Ok(None)
    }
}

/// Returns whether four bytes can be the name of a chunk: printable ASCII.
fn is_name(id: [u8; 4]) -> bool {
    id.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Reads headers of chunks, some at a time.
struct Ahead<'a> {
    source: &'a Source,
    bytes: Vec<u8>,
    at: u64,
}

impl<'a> Ahead<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, bytes: Vec::new(), at: 0 }
    }

    /// Returns the name and the length of a chunk, or `None` if the file ends before.
    fn header(&mut self, at: u64) -> io::Result<Option<([u8; 4], u32)>> {
        let known = |bytes: &[u8], start| -> Option<[u8; 8]> {
            let offset = usize::try_from(at.checked_sub(start)?).ok()?;
            bytes.get(offset..)?.first_chunk().copied()
        };
        if known(&self.bytes, self.at).is_none() {
            self.bytes = self.source.bytes(at, WALK_PIECE)?;
            self.at = at;
        }
        Ok(known(&self.bytes, self.at)
            .map(|[a, b, c, d, len @ ..]| ([a, b, c, d], u32::from_be_bytes(len))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(bytes: &[u8]) -> (Vec<(u64, u64, u64)>, Vec<Oddity>) {
        let source = Source::memory(bytes);
        let mut findings = Findings::default();
        let found = tracks(&source, 0..source.len(), None, &mut findings).unwrap();
        (
            found.iter().map(|extent| (extent.start, extent.end, extent.stated_end)).collect(),
            findings.iter().map(|finding| finding.oddity).collect(),
        )
    }

    #[test]
    fn chunks_that_fit_are_walked() {
        let bytes = b"abcd\0\0\0\x02xyMTrk\0\0\0\x04MTrkMTrk\0\0\0\0";
        assert_eq!(scanned(bytes), (vec![(18, 22, 22), (30, 30, 30)], vec![]));
    }

    #[test]
    fn tracks_of_a_wrong_length_reach_up_to_the_next() {
        let long = b"MTrk\0\0\0\x09abMTrk\0\0\0\x02xy";
        assert_eq!(scanned(long).0, [(8, 10, 17), (18, 20, 20)]);
        let short = b"MTrk\0\0\0\x01abMTrk\0\0\0\x02xy";
        assert_eq!(scanned(short).0, [(8, 10, 9), (18, 20, 20)]);
        let beyond = b"MTrk\0\xff\0\x01abMTrk\0\0\0\x09xy";
        assert_eq!(scanned(beyond).0, [(8, 10, 0xff_0009), (18, 20, 27)]);
    }

    #[test]
    fn bytes_between_chunks_are_found_and_texts_are_not_taken_for_tracks() {
        let bytes = b"\0\0MTrk chunkMTrk\0\0\0\x01a\0\0";
        let oddities = vec![Oddity::BytesBetweenChunks];
        assert_eq!(scanned(bytes), (vec![(20, 23, 21)], oddities));
        assert_eq!(scanned(b"\0"), (vec![], vec![Oddity::TrailingBytes]));
    }

    #[test]
    fn a_track_across_the_border_of_two_blocks_is_found() {
        for before in SEARCH_PIECE - 12..SEARCH_PIECE + 2 {
            let bytes = [&vec![0; before][..], b"MTrk\0\0\0\x01a"].concat();
            let start = before as u64 + 8;
            assert_eq!(scanned(&bytes).0, [(start, start + 1, start + 1)], "{before}");
        }
    }

    #[test]
    fn a_disk_is_not_searched_to_its_end() {
        struct Zeros;
        impl crate::ReadAt for Zeros {
            fn read_at(&self, _: u64, buf: &mut [u8]) -> io::Result<usize> {
                buf.fill(0);
                Ok(buf.len())
            }
        }
        let source = Source::new(Zeros, 1 << 50);
        let (bytes, range) = (Ahead::new(&source), 14..source.len());
        let mut walk = Walk { bytes, range, budget: 1 << 20 };
        let mut findings = Findings::default();
        assert_eq!(walk.chunks(Some(&mut findings)).unwrap(), Some(vec![]));
        assert_eq!(walk.budget, 0);
    }

    #[test]
    fn there_are_no_more_tracks_than_a_header_can_announce() {
        let (found, oddities) = scanned(&b"MTrk\0\0\0\0".repeat(MAX_TRACKS + 5));
        assert_eq!((found.len(), oddities), (MAX_TRACKS, vec![Oddity::TooManyTracks]));
    }
}
