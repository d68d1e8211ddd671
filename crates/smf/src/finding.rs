//! What was wrong with a file: kinds, and how often and where first.

use std::fmt;

/// A way in which files break the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Oddity {
    /// The RIFF wrapper says that it is longer than the file, or its parts than the wrapper.
    RiffLength,
    /// Bytes before the header.
    LeadingBytes,
    /// The header's length is wrong.
    HeaderLength,
    /// A format other than 0, 1 and 2.
    UnknownFormat,
    /// Several tracks in a file of format 0.
    FormatZeroTracks,
    /// A quarter or a frame has no ticks.
    DivisionZero,
    /// Frames a second other than 24, 25, 29 and 30.
    UnknownFrameRate,
    /// Fewer tracks than the header announces.
    MissingTracks,
    /// More tracks than the header announces.
    MoreTracks,
    /// More tracks than a header can announce.
    TooManyTracks,
    /// A damaged file that is too large to be searched for its tracks.
    TooLarge,
    /// Another song after the first.
    AnotherSong,
    /// Bytes between two chunks.
    BytesBetweenChunks,
    /// Bytes after the last chunk.
    TrailingBytes,
    /// A track is longer or shorter than its chunk says.
    ChunkLength,
    /// The file ends within a track.
    Truncated,
    /// A track has no End of Track event.
    MissingEnd,
    /// Bytes after the end of a track, which its chunk counts.
    BytesAfterEnd,
    /// A track goes on beyond tick 2^32 - 1.
    TooLate,
    /// The track ends within an event.
    CutEvent,
    /// A delta time or a length of more than four bytes.
    LongNumber,
    /// Bytes that are not a number where a number must be.
    NoNumber,
    /// Data bytes without a status byte.
    StrayData,
    /// A data byte with its highest bit set.
    HighData,
    /// Running status goes on over a meta event or a SysEx.
    RunningStatus,
    /// A message that a file cannot have: `F1` to `F6`, `F8` to `FE`.
    SystemMessage,
    /// A SysEx without the length that a file needs.
    SysExWithoutLength,
    /// A SysEx that does not end before the next message.
    UnendedSysEx,
    /// A meta event whose length is not the standard's.
    MetaLength,
    /// A meta event with a value that the standard does not allow.
    MetaValue,
    /// A tempo of 0.
    TempoZero,
    /// A tempo of fewer than three bytes.
    TempoShort,
    /// Texts longer than the reader keeps.
    LongText,
    /// A clip without ticks per quarter note.
    NoResolution,
    /// Ticks per quarter note for the second time in a clip, or after its start.
    LateResolution,
    /// Time passes before the start of a clip.
    EarlyClock,
    /// A clip without a Start of Clip.
    NoStart,
    /// A second Start of Clip.
    SecondStart,
    /// A clip without an End of Clip.
    NoEnd,
    /// Bytes after the End of Clip.
    AfterClip,
    /// A utility message that belongs to a stream: jitter reduction, for example.
    UtilityMessage,
    /// More than 4 million packets in a row that no receiver gets.
    NothingToPlay,
    /// A clip that ends within a packet.
    CutPacket,
    /// A part of the file cannot be read.
    ReadError,
}

impl Oddity {
    /// Returns whether events that could have been played are missing because of it.
    #[must_use]
    pub fn loses_events(self) -> bool {
        matches!(
            self,
            Self::MissingTracks
                | Self::TooManyTracks
                | Self::TooLarge
                | Self::AnotherSong
                | Self::Truncated
                | Self::TooLate
                | Self::CutEvent
                | Self::NoNumber
                | Self::StrayData
                | Self::TempoShort
                | Self::NothingToPlay
                | Self::CutPacket
                | Self::ReadError
        )
    }

    /// Returns what is odd and what the reader does about it, as a phrase.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::RiffLength => "the RIFF wrapper's length is wrong: ignored",
            Self::LeadingBytes => "bytes before the header: left out",
            Self::HeaderLength => "the header's length is wrong: ignored",
            Self::UnknownFormat => "an unknown format: the tracks are taken to start together",
            Self::FormatZeroTracks => "several tracks in format 0: they start together",
            Self::DivisionZero => "a quarter or frame of 0 ticks: the usual number is assumed",
            Self::UnknownFrameRate => "an unusual number of frames a second: taken as it is",
            Self::MissingTracks => "fewer tracks than the header announces: events are missing",
            Self::MoreTracks => "more tracks than the header announces: all are read",
            Self::TooManyTracks => "more than 65535 tracks: the others are left out",
            Self::TooLarge => "a damaged file of more than 256 MiB: tracks after that are left out",
            Self::AnotherSong => "another song after the first: left out",
            Self::BytesBetweenChunks => "bytes between chunks: left out",
            Self::TrailingBytes => "bytes after the last chunk: left out",
            Self::ChunkLength => "a track's length is wrong: read up to its end",
            Self::Truncated => "the file ends within a track: events are missing",
            Self::MissingEnd => "a track without an End of Track: it ends where its bytes end",
            Self::BytesAfterEnd => "bytes after the end of a track: left out",
            Self::TooLate => "a track goes on beyond tick 4294967295: its rest is left out",
            Self::CutEvent => "an event that is longer than its track: left out",
            Self::LongNumber => "a number of more than four bytes: read whole",
            Self::NoNumber => "bytes that are not a number: skipped",
            Self::StrayData => "data bytes without a status byte: skipped",
            Self::HighData => "data bytes above 127: the highest bit was cleared",
            Self::RunningStatus => "running status over a meta event or SysEx: it goes on",
            Self::SystemMessage => "system messages that a file cannot have: left out",
            Self::SysExWithoutLength => "a SysEx without a length: read up to its F7",
            Self::UnendedSysEx => "a SysEx without an end: taken as it is",
            Self::MetaLength => {
                "a meta event of a wrong length: its values are read, the rest is skipped"
            }
            Self::MetaValue => "a meta event with an impossible value: ignored",
            Self::TempoZero => "a tempo of 0: ignored",
            Self::TempoShort => "a tempo of fewer than 3 bytes: left out",
            Self::LongText => "a text of more than 64 KiB: cut",
            Self::NoResolution => "a clip without ticks per quarter note: 96 are assumed",
            Self::LateResolution => "ticks per quarter note again, or after the start: ignored",
            Self::EarlyClock => "time passes before the start of the clip: ignored",
            Self::NoStart => "a clip without a Start of Clip: all of it is due at once",
            Self::SecondStart => "a second Start of Clip: ignored",
            Self::NoEnd => "a clip without an End of Clip: it ends where its bytes end",
            Self::AfterClip => "bytes after the End of Clip: left out",
            Self::UtilityMessage => "utility messages that a clip cannot have: left out",
            Self::NothingToPlay => {
                "more than 4 million messages in a row with nothing to play: the rest is left out"
            }
            Self::CutPacket => "the file ends within a packet: it is left out",
            Self::ReadError => "a part of the file cannot be read: events are missing",
        }
    }
}

/// One kind of damage in a file, with its count and first place. It prints as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The kind.
    pub oddity: Oddity,
    /// How often it occurred.
    pub count: u64,
    /// The track of the first one, from 0; `None` if it is in no track.
    pub track: Option<usize>,
    /// The position in the file of the first one, in bytes.
    pub offset: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oddity, count, track, offset } = self;
        write!(f, "{} (", oddity.description())?;
        match count {
            1 => write!(f, "once, ")?,
            _ => write!(f, "{count} times, first ")?,
        }
        match track {
            Some(track) => write!(f, "in track {} at byte {offset})", track + 1),
            None => write!(f, "at byte {offset})"),
        }
    }
}

/// What was wrong with a file or a track: each kind of damage once, with a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Returns the kinds, in the order of [`Oddity`].
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Returns whether nothing was wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether events are missing.
    #[must_use]
    pub fn lose_events(&self) -> bool {
        self.iter().any(|finding| finding.oddity.loses_events())
    }

    /// Counts one occurrence.
    pub(crate) fn note(&mut self, oddity: Oddity, track: Option<usize>, offset: u64) {
        self.add(Finding { oddity, count: 1, track, offset });
    }

    /// Adds the counts of others.
    pub(crate) fn extend(&mut self, others: &Self) {
        others.iter().for_each(|finding| self.add(*finding));
    }

    fn add(&mut self, new: Finding) {
        match self.0.binary_search_by_key(&new.oddity, |finding| finding.oddity) {
            Ok(at) => {
                let known = &mut self.0[at];
                let count = known.count.saturating_add(new.count);
                let first = if new.offset < known.offset { new } else { *known };
                *known = Finding { count, ..first };
            }
            Err(at) => self.0.insert(at, new),
        }
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_the_first_place_is_kept() {
        let mut findings = Findings::default();
        findings.note(Oddity::HighData, Some(1), 80);
        findings.note(Oddity::LeadingBytes, None, 0);
        findings.note(Oddity::HighData, Some(0), 30);
        findings.note(Oddity::HighData, Some(2), 90);
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let expected = [
            "bytes before the header: left out (once, at byte 0)",
            "data bytes above 127: the highest bit was cleared (3 times, first in track 1 at byte 30)",
        ];
        assert_eq!(lines, expected);
        assert!(!findings.lose_events());
        findings.note(Oddity::CutEvent, Some(0), 3);
        assert!(findings.lose_events());
    }
}
