//! Where a song's bytes come from: a file that is read as it is played, or a pipe.

use smf::{SEARCHED, Source, has_header};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A file, or `-` for standard input. What has no size, as a pipe, is read to its end here; but not
/// what cannot be a song.
pub(crate) fn open(path: &Path) -> io::Result<Source> {
    if path == Path::new("-") {
        return drain(io::stdin().lock());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return drain(file);
    }
    Ok(Source::new(file, metadata.len()))
}

fn drain(mut input: impl io::Read) -> io::Result<Source> {
    let mut bytes = Vec::new();
    input.by_ref().take(SEARCHED as u64).read_to_end(&mut bytes)?;
    if has_header(&bytes) {
        input.read_to_end(&mut bytes)?;
    }
    Ok(Source::memory(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_song_is_not_read_to_its_end() {
        let endless = io::repeat(b' ');
        assert_eq!(drain(endless).unwrap().len(), SEARCHED as u64);
        let song = b"RIFF\0\0\0\0RMIDdata\0\0\0\0MThd".chain(io::repeat(0).take(100_000));
        assert_eq!(drain(song).unwrap().len(), 100_024);
    }
}
