//! Why a file is refused.

use std::fmt;
use std::io;

/// Why a file cannot be read at all. It prints as a sentence without the file's name.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes cannot be read.
    Io(io::Error),
    /// The file is not a MIDI file; the text says why.
    NotMidi(&'static str),
    /// The file has a header but no track.
    NoTracks,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::NotMidi(why) => write!(f, "not a MIDI file: {why}"),
            Self::NoTracks => f.write_str("it has no tracks to play"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::NotMidi(_) | Self::NoTracks => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns why a file without a header is refused, judged by its first bytes.
pub(crate) fn looks_like(start: &[u8]) -> &'static str {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
        (b"BZh", "it is compressed with bzip2; unpack it first"),
        (b"\xfd7zXZ\0", "it is compressed with xz; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"),
        (b"PK\x03\x04", "it is a ZIP archive; unpack it first"),
        (b"SMF2CLIP", "it is a MIDI clip file, which `Clip` reads"),
        (b"RIFF", "there is no MIDI data in its RIFF"),
        (b"MTrk", "its header (MThd) is missing"),
    ];
    if start.is_empty() {
        return "it is empty";
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return what;
    }
    let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..);
    match start.iter().take(512).all(text) {
        true => "it is a text",
        false => "it has no header (MThd or SMF2CLIP)",
    }
}
