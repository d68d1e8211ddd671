//! Writes files while they are played, so that a writer that is killed leaves a file that can be played.
//!
//! The bytes on disk are a whole file after every single write, not only after a commit. New events go behind the end
//! of the track, where readers do not look. Then the length grows over them, and at last one write takes the old end
//! away: one byte that makes the End of Track an empty text, or one word that replaces the End of Clip.

use crate::clip_writer::{ClipWriter, END_WORDS};
use crate::event::EventKind;
use crate::file::Division;
use crate::writer::{TrackWriter, division_bytes};
use std::io;

/// Where the division stands in a file.
const DIVISION_AT: u64 = 12;
/// Where the length of the first track stands.
const LENGTH_AT: u64 = 18;
/// Where the events of the first track begin.
const EVENTS_AT: u64 = 22;
/// An End of Track, without a pause before it.
const END_OF_TRACK: [u8; 4] = [0, 0xff, 0x2f, 0];
/// The type of an empty text, which takes the place of an End of Track.
const TEXT: u8 = 0x01;
/// Where the ticks of a quarter note stand in a clip file: in the word behind the first Delta Clockstamp.
const RESOLUTION_AT: u64 = 12;
/// The bytes of an End of Clip message.
const END_OF_CLIP: usize = 4 * END_WORDS;

/// Bytes that can be written at any position.
pub trait WriteAt {
    /// Writes all bytes from a position on. A write of up to 4 bytes must be seen whole or not at all, as a `pwrite` to a
    /// file is.
    ///
    /// # Errors
    /// Any error of the file, such as a full disk.
    fn write_all_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

#[cfg(unix)]
impl WriteAt for std::fs::File {
    fn write_all_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }
}

/// Appends events to a Standard MIDI File of format 0 that can be played at any moment.
///
/// Each [`commit`](Self::commit) leaves an empty text of 4 bytes in the track.
///
/// ```no_run
/// use aseqd_smf::{ChannelMessage, Division, EventKind, TrackAppender, Voice};
///
/// let mut take = TrackAppender::create(std::fs::File::create("take.mid")?, Division::Quarter(480))?;
/// let voice = Voice::NoteOn { key: 60, velocity: 100 };
/// take.push(0, &EventKind::Channel(ChannelMessage { channel: 0, voice }))?;
/// take.commit()?; // from here on, the note is in the file
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TrackAppender<W> {
    out: W,
    track: TrackWriter,
    /// The bytes of the track in the file, with its End of Track.
    len: u32,
}

impl<W: WriteAt> TrackAppender<W> {
    /// Writes a file with one track that has no events.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a [`Division`] out of its range. Errors of `out`.
    pub fn create(mut out: W, division: Division) -> io::Result<Self> {
        let mut bytes = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
        bytes.extend(division_bytes(division)?);
        bytes.extend(b"MTrk\0\0\0\x04");
        bytes.extend(END_OF_TRACK);
        out.write_all_at(0, &bytes)?;
        Ok(Self { out, track: TrackWriter::new(), len: 4 })
    }

    /// Changes what a tick is, for events that are in the file already, too.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn set_division(&mut self, division: Division) -> io::Result<()> {
        self.out.write_all_at(DIVISION_AT, &division_bytes(division)?)
    }

    /// Takes an event that is due at a tick from the start of the track. The next commit writes it.
    ///
    /// # Errors
    /// As [`TrackWriter::push`].
    pub fn push(&mut self, tick: u32, event: &EventKind) -> io::Result<()> {
        self.track.push(tick, event)
    }

    /// Writes the events that were pushed. If it fails or the process is killed meanwhile, the file has those of the
    /// commits before, or these too.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the track would have 4 GiB or more. Errors of the file.
    pub fn commit(&mut self) -> io::Result<()> {
        let mut bytes = self.track.take();
        if bytes.is_empty() {
            return Ok(());
        }
        bytes.extend(END_OF_TRACK);
        let added = u32::try_from(bytes.len()).ok();
        let len = added.and_then(|added| self.len.checked_add(added));
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a track of 4 GiB or more");
        let len = len.ok_or_else(too_long)?;
        let end = EVENTS_AT + u64::from(self.len);
        self.out.write_all_at(end, &bytes)?;
        self.out.write_all_at(LENGTH_AT, &len.to_be_bytes())?;
        self.out.write_all_at(end - 2, &[TEXT])?;
        self.len = len;
        Ok(())
    }
}

/// Appends packets to a MIDI clip file that can be played at any moment.
#[derive(Debug)]
pub struct ClipAppender<W> {
    out: W,
    clip: ClipWriter,
    /// Where the End of Clip stands.
    end: u64,
}

impl<W: WriteAt> ClipAppender<W> {
    /// Writes a file of what a clip has so far.
    ///
    /// # Errors
    /// Errors of `out`.
    pub fn create(mut out: W, mut clip: ClipWriter) -> io::Result<Self> {
        let bytes = clip.take();
        out.write_all_at(0, &bytes)?;
        Ok(Self { out, clip, end: (bytes.len() - END_OF_CLIP) as u64 })
    }

    /// Changes how many ticks a quarter note has, for packets that are in the file already, too; 0 counts as 1.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn set_ticks_per_quarter(&mut self, ticks: u16) -> io::Result<()> {
        let word = ClipWriter::resolution(ticks);
        self.out.write_all_at(RESOLUTION_AT, &word.to_be_bytes())
    }

    /// Takes a packet that is due at a tick from the start of the clip. The next commit writes it.
    ///
    /// # Errors
    /// As [`ClipWriter::push`].
    pub fn push(&mut self, tick: u32, packet: &[u32]) -> io::Result<()> {
        self.clip.push(tick, packet)
    }

    /// Writes the packets that were pushed. If it fails or the process is killed meanwhile, the file has those of the
    /// commits before, or these too.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn commit(&mut self) -> io::Result<()> {
        if self.clip.is_taken() {
            return Ok(());
        }
        // At least a packet and its time, then the time and the four words of a new end.
        let bytes = self.clip.take();
        let (word, rest) = bytes.split_at(4);
        let (words, behind) = rest.split_at(END_OF_CLIP - 4);
        self.out.write_all_at(self.end + END_OF_CLIP as u64, behind)?;
        // The old end is still one, whatever stands in its other words.
        self.out.write_all_at(self.end + 4, words)?;
        self.out.write_all_at(self.end, word)?;
        self.end += (bytes.len() - END_OF_CLIP) as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelMessage, Clip, File, Findings, Meta, Source, SysEx, Voice};

    /// A file in memory that remembers how it looked after every write, and after each part of a long one.
    #[derive(Default)]
    struct Disk {
        bytes: Vec<u8>,
        states: Vec<Vec<u8>>,
    }

    impl WriteAt for &mut Disk {
        fn write_all_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            let offset = usize::try_from(offset).unwrap();
            let step = if bytes.len() <= 4 { bytes.len() } else { 1 };
            for (number, part) in bytes.chunks(step).enumerate() {
                let at = offset + number * step;
                self.bytes.resize(self.bytes.len().max(at + part.len()), 0);
                self.bytes[at..at + part.len()].copy_from_slice(part);
                self.states.push(self.bytes.clone());
            }
            Ok(())
        }
    }

    fn note(key: u8) -> EventKind {
        let voice = Voice::NoteOn { key, velocity: 100 };
        EventKind::Channel(ChannelMessage { channel: 3, voice })
    }

    /// Returns what the song of the test has in each commit.
    fn commits() -> Vec<Vec<(u32, EventKind)>> {
        let long = SysEx { start: true, data: [vec![1; 300], vec![0xf7]].concat(), split: false };
        vec![
            vec![(0, EventKind::Meta(Meta::Tempo(500_000)))],
            vec![(0, note(60)), (5, note(61)), (5, note(62))],
            vec![(9, EventKind::SysEx(long)), (9, note(63))],
            vec![(0x1000_0009, note(64))],
            vec![(0x1000_0010, EventKind::Escape(vec![0xf3, 1]))],
        ]
    }

    /// Reads a file, and returns its events without empty texts, and what was wrong with it.
    fn read(bytes: &[u8]) -> (Vec<(u32, EventKind)>, Findings) {
        let mut merged =
            File::read(&Source::memory(bytes)).expect("a header and a track").into_merged();
        let events = merged.by_ref().map(|(_, event)| (event.tick, event.kind));
        let shown = events.filter(|(_, kind)| {
            let empty = Meta::Text { kind: 1, text: Vec::new() };
            *kind != EventKind::Meta(Meta::EndOfTrack) && *kind != EventKind::Meta(empty)
        });
        (shown.collect(), merged.findings())
    }

    #[test]
    fn a_file_is_whole_after_every_write() {
        let mut disk = Disk::default();
        let mut take = TrackAppender::create(&mut disk, Division::Quarter(96)).unwrap();
        let first = take.out.states.len();
        let mut wanted: Vec<(u32, EventKind)> = Vec::new();
        let mut from = first;
        for commit in commits() {
            for (tick, kind) in &commit {
                take.push(*tick, kind).unwrap();
            }
            take.commit().unwrap();
            let before = wanted.clone();
            wanted.extend(commit);
            let states = &take.out.states[from..];
            for (number, state) in states.iter().enumerate() {
                let last = number + 1 == states.len();
                let (found, findings) = read(state);
                assert_eq!(&found, if last { &wanted } else { &before }, "write {number}");
                assert!(!findings.lose_events() && (!last || findings.is_empty()), "{findings:?}");
                assert_eq!(midly::Smf::parse(state).expect("a song").tracks.len(), 1);
            }
            from += states.len();
        }
        take.commit().unwrap();
        assert_eq!(take.out.states.len(), from, "nothing to write");
        take.set_division(Division::Quarter(480)).unwrap();
        assert_eq!(
            File::read(&Source::memory(disk.bytes)).unwrap().header().division,
            Division::Quarter(480)
        );
    }

    #[test]
    fn a_clip_is_whole_after_every_write() {
        let commits: [&[(u32, &[u32])]; 4] = [
            &[(0, &[0x2090_3c64])],
            &[(5, &[0x4090_3c00, 0xc000_0000]), (5, &[0xd010_0000, 50_000_000, 0, 0])],
            &[(0x30_0000, &[0x2080_3c00])],
            &[(0x30_0001, &[0x3006_0102, 0x0304_0506])],
        ];
        let mut disk = Disk::default();
        let mut clip = ClipWriter::new(96);
        clip.configure(&[0xd010_0103, 0x4142_4300, 0, 0]).unwrap();
        let mut take = ClipAppender::create(&mut disk, clip).unwrap();
        let mut from = take.out.states.len();
        let mut wanted = vec![(0, vec![0xd010_0103, 0x4142_4300, 0, 0])];
        for commit in commits {
            for (tick, packet) in commit {
                take.push(*tick, packet).unwrap();
            }
            take.commit().unwrap();
            let before = wanted.clone();
            wanted.extend(commit.iter().map(|(tick, packet)| (*tick, packet.to_vec())));
            let states = &take.out.states[from..];
            for (number, state) in states.iter().enumerate() {
                let last = number + 1 == states.len();
                let mut clip = Clip::read(&Source::memory(state.clone())).expect("a header");
                let found: Vec<_> =
                    clip.by_ref().map(|event| (event.tick, event.packet().to_vec())).collect();
                assert_eq!(&found, if last { &wanted } else { &before }, "write {number}");
                let findings = clip.findings();
                assert!(!findings.lose_events() && (!last || findings.is_empty()), "{findings:?}");
            }
            from += states.len();
        }
        take.set_ticks_per_quarter(480).unwrap();
        assert_eq!(Clip::read(&Source::memory(disk.bytes)).unwrap().ticks_per_quarter(), 480);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_file_as_it_was() {
        /// A disk that takes this many bytes.
        struct Full<'a>(&'a mut Vec<u8>, usize);
        impl WriteAt for Full<'_> {
            fn write_all_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
                let offset = usize::try_from(offset).unwrap();
                let len = bytes.len().min(self.1.saturating_sub(offset));
                self.0.resize(self.0.len().max(offset + len), 0);
                self.0[offset..offset + len].copy_from_slice(&bytes[..len]);
                if len < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            }
        }
        let mut bytes = Vec::new();
        let mut take = TrackAppender::create(Full(&mut bytes, 60), Division::Quarter(96)).unwrap();
        take.push(0, &note(60)).unwrap();
        take.commit().unwrap();
        for key in 0..40 {
            take.push(1, &note(key)).unwrap();
        }
        assert_eq!(take.commit().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(read(&bytes).0, [(0, note(60))]);
    }
}
