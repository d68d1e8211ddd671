//! Files that are read in pieces, and files of any bytes.

use super::super::super::source;
use super::*;
use proptest::prelude::*;
use std::io::Write as _;

/// As memory, as memory in pieces of that size, and as a file in such pieces.
fn check_sources(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let file = source::open(file.path(), &file).unwrap().unwrap();
    let memory = Source::memory(bytes);
    let whole = Song::read(&memory).map(listed);
    for source in [memory.in_pieces(piece), file.in_pieces(piece)] {
        match (&whole, Song::read(&source).map(listed)) {
            (Ok((events, song)), Ok((others, other))) => {
                prop_assert_eq!(events, &others);
                prop_assert_eq!(song.end(), other.end());
                prop_assert_eq!(song.findings(), other.findings());
            }
            (Err(why), Err(other)) => prop_assert_eq!(why, &other),
            (_, other) => prop_assert!(false, "{:?}", other.map(|(events, _)| events)),
        }
    }
    Ok(())
}

#[test]
fn events_longer_than_a_piece_are_whole() {
    let long: Vec<u8> = (0..20_000_u32).map(|number| number.to_le_bytes()[0] & 0x7f).collect();
    // 20001 as a variable-length number.
    let sysex = [&[0, 0xf0, 0x81, 0x9c, 0x21][..], &long, &[0xf7]].concat();
    let text = [&[0, 0xff, 1, 0x81, 0x9c, 0x20][..], &long].concat();
    let bytes = file(0, PPQ_96, &[&track(&[&sysex, &text, &[3, 0x90, 60, 1]])]);
    let (events, _) = play(&bytes);
    assert_eq!(events.len(), 2);
    assert_eq!(events[1], "3 NOTEON 0 60 1");
    for piece in [1, 7, 4096, 1 << 20] {
        check_sources(&bytes, piece).unwrap();
    }
}

/// Ticks never go back, tempos are never 0, and it ends.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(mut song) = Song::parse(bytes) else { return Ok(()) };
    let _length = song.clone().measure();
    let mut last = 0;
    for Timed { tick, what, .. } in song.by_ref() {
        prop_assert!(tick >= last);
        prop_assert!(what != What::Tempo(0));
        last = tick;
    }
    prop_assert!(song.next().is_none());
    prop_assert!(song.end() >= last);
    Ok(())
}

proptest! {
    #[test]
    fn a_mutated_song_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
        cut_it: bool,
        piece in 1_usize..200,
    ) {
        let mut bytes = ETUDE.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut_it {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes)?;
        check_sources(&bytes, piece)?;
    }

    #[test]
    fn any_clip_never_panics(
        words in prop::collection::vec(
            prop_oneof![any::<u32>(), Just(0x0030_0060), Just(0xf020_0000), Just(0xd010_0000)],
            0..100,
        ),
        piece in 1_usize..200,
    ) {
        let words = words.iter().flat_map(|word| word.to_be_bytes());
        let bytes: Vec<u8> = b"SMF2CLIP".iter().copied().chain(words).collect();
        check(&bytes)?;
        check_sources(&bytes, piece)?;
    }

    #[test]
    fn any_tracks_never_panic(
        format in 0_u8..3,
        division: [u8; 2],
        tracks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
    ) {
        let tracks: Vec<_> = tracks.iter().map(Vec::as_slice).collect();
        check(&file(format, division, &tracks))?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
        check(&[b"MThd\0\0\0\x06\0\x01\0\x02\0\x60MTrk", bytes.as_slice()].concat())?;
        check(&[b"RIFF\xff\0\0\0RMIDdata", bytes.as_slice()].concat())?;
    }
}
