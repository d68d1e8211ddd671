//! Files that are odd in one way each, made here or stored in `tests/data`.
#![allow(dead_code, reason = "each test binary uses a part of it")]

/// An odd file.
#[derive(Debug)]
pub(crate) struct OddFile {
    /// The file's name without `.mid`.
    pub(crate) name: &'static str,
    /// What is odd.
    pub(crate) what: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Returns all odd files. Every song is two tracks of four short notes, or a part of that.
pub(crate) fn all() -> Vec<OddFile> {
    let made = [events(), metas(), numbers(), packets(), chunks(), headers(), wrappers(), cuts()];
    let made = made.into_iter().flatten();
    let made = made.map(|(name, what, bytes)| OddFile { name, what, bytes });
    made.chain(from_files()).collect()
}

type Made = Vec<(&'static str, &'static str, Vec<u8>)>;

macro_rules! files {
    ($($name:literal: $what:literal,)*) => {
        fn from_files() -> Vec<OddFile> {
            vec![$(OddFile {
                name: $name,
                what: $what,
                bytes: include_bytes!(concat!("../data/", $name, ".mid")).to_vec(),
            },)*]
        }
    };
}

files! {
    "bigdelta": "a delta time of three hours",
    "cc_ff": "a controller's value of 255",
    "div_0": "a quarter of 0 ticks",
    "empty_trk": "a track of no bytes",
    "eot_far": "an End of Track hours after the last note",
    "fmt0_two": "two tracks in format 0",
    "fmt2": "format 2",
    "hdr8": "a header of 8 bytes",
    "keysig0": "a key signature of 0 bytes",
    "keysig1": "a key signature of 1 byte",
    "len_long3": "a track's length that is 3 too large",
    "len_short": "track lengths that are 4 too small",
    "no_eot": "no End of Track",
    "note_hi": "a key of 253",
    "pc_hi": "a program of 128",
    "riff_cut": "a RIFF wrapper that is cut",
    "rmid": "a RIFF wrapper",
}

const END: &[u8] = &[0, 0xff, 0x2f, 0];
const TEMPO: &[u8] = &[0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20];
/// Returns a header: format 1, two tracks, 96 ticks a quarter.
const USUAL: &[u8] = b"MThd\0\0\0\x06\0\x01\0\x02\0\x60";

fn note(channel: u8, key: u8) -> Vec<u8> {
    vec![0, 0x90 | channel, key, 100, 24, 0x80 | channel, key, 0]
}

fn notes(channel: u8, first: u8, count: u8) -> Vec<u8> {
    (first..first + count).flat_map(|key| note(channel, key)).collect()
}

/// Returns a chunk whose length is too large by this much.
fn chunk_off(id: &[u8], body: &[u8], off: i64) -> Vec<u8> {
    let len = u32::try_from(i64::try_from(body.len()).unwrap() + off).unwrap();
    [id, &len.to_be_bytes(), body].concat()
}

fn chunk(id: &[u8], body: &[u8]) -> Vec<u8> {
    chunk_off(id, body, 0)
}

fn first_body() -> Vec<u8> {
    [TEMPO, &notes(0, 60, 4), END].concat()
}

fn first() -> Vec<u8> {
    chunk(b"MTrk", &first_body())
}

fn second() -> Vec<u8> {
    chunk(b"MTrk", &[&notes(1, 40, 4), END].concat())
}

/// Returns the usual song with bytes in the middle of its first track.
fn with(odd: &[u8]) -> Vec<u8> {
    let body = [TEMPO, &notes(0, 60, 2), odd, &notes(0, 62, 2), END].concat();
    [USUAL, &chunk(b"MTrk", &body), &second()].concat()
}

/// Returns the usual song with other bytes where the first track ends.
fn ending(odd: &[u8]) -> Vec<u8> {
    let body = [TEMPO, &notes(0, 60, 4), odd].concat();
    [USUAL, &chunk(b"MTrk", &body), &second()].concat()
}

fn with_header(header: &[u8]) -> Vec<u8> {
    [header, &first(), &second()].concat()
}

fn song() -> Vec<u8> {
    with_header(USUAL)
}

fn events() -> Made {
    vec![
        ("well_formed", "nothing", song()),
        ("hi_note_off", "a note off of key 189, velocity 192", with(&[0, 0x80, 0xbd, 0xc0])),
        ("hi_velocity", "a velocity of 228", with(&[0, 0x90, 72, 0xe4, 0, 0x80, 72, 0])),
        ("hi_bend", "a pitch bend of bytes above 127", with(&[0, 0xe0, 0x81, 0xc0])),
        ("hi_pressure", "pressures above 127", with(&[0, 0xd0, 0xff, 0, 0xa0, 0xbc, 0x80])),
        ("realtime", "real-time messages", with(&[0, 0xf8, 0, 0xfa, 0, 0xfe])),
        (
            "common",
            "system common messages",
            with(&[0, 0xf1, 5, 0, 0xf2, 16, 32, 0, 0xf3, 4, 0, 0xf6]),
        ),
        ("undefined", "undefined messages", with(&[0, 0xf4, 0, 0xf5, 0, 0xf9, 0, 0xfd])),
        (
            "running_meta",
            "running status over a text",
            with(&[0, 0x90, 72, 100, 0, 0xff, 1, 1, b'x', 24, 72, 0]),
        ),
        (
            "running_sysex",
            "running status over a SysEx",
            with(&[0, 0x90, 72, 100, 0, 0xf0, 2, 0x7d, 0xf7, 24, 72, 0]),
        ),
        ("no_status", "data bytes before the first status", {
            let body = [&[0, 60, 64][..], &notes(0, 60, 4), END].concat();
            [USUAL, &chunk(b"MTrk", &body), &second()].concat()
        }),
        (
            "after_end",
            "notes after the End of Track",
            ending(&[END, &notes(0, 70, 1), END].concat()),
        ),
        ("two_ends", "two End of Track", ending(&[END, END].concat())),
    ]
}

fn metas() -> Made {
    vec![
        (
            "smpte_range",
            "an SMPTE offset of 112 minutes",
            with(b"\0\xff\x54\x05\x60\x70\x70\x70\x70"),
        ),
        ("smpte_short", "an SMPTE offset of 2 bytes", with(b"\0\xff\x54\x02\x60\x01")),
        ("tempo_0", "a tempo of 0", with(b"\0\xff\x51\x03\0\0\0")),
        ("tempo_2", "a tempo of 2 bytes", with(b"\0\xff\x51\x02\x07\xa1")),
        ("tempo_4", "a tempo of 4 bytes", with(b"\0\xff\x51\x04\x07\xa1\x20\0")),
        ("time_2", "a time signature of 2 bytes", with(b"\0\xff\x58\x02\x04\x02")),
        ("port_0", "an output of 0 bytes", with(b"\0\xff\x21\0")),
        ("number_0", "a sequence number of 0 bytes", with(b"\0\xff\0\0")),
        ("meta_60", "a meta event of an unknown type", with(b"\0\xff\x60\x03abc")),
        ("meta_80", "a meta event of a type above 127", with(b"\0\xff\x80\x01a")),
        ("end_1", "an End of Track of 1 byte", ending(b"\0\xff\x2f\x01\0")),
        ("key_99", "a key of 99 sharps", with(b"\0\xff\x59\x02\x63\0")),
    ]
}

fn numbers() -> Made {
    let endless = [&[0x80; 20][..], &[0]].concat();
    vec![
        ("delta_5", "a delta time of 5 bytes", with(b"\x80\x80\x80\x80\0\xc0\x05")),
        ("length_5", "a text's length of 5 bytes", with(b"\0\xff\x01\x80\x80\x80\x80\x02hi")),
        ("delta_20", "a delta time of 21 bytes", with(&[&endless[..], &[0xc0, 5]].concat())),
        (
            "delta_2_35",
            "a delta time of 2^35 ticks",
            ending(b"\xff\xff\xff\xff\x7f\xc0\x05\0\xff\x2f\0"),
        ),
        (
            "text_beyond",
            "a text that is longer than its track",
            ending(b"\0\xff\x01\xff\x7fabc\0\xff\x2f\0"),
        ),
        (
            "tempo_beyond",
            "a tempo that is longer than its track",
            with(b"\0\xff\x51\xff\x7f\x07\xa1\x20"),
        ),
    ]
}

fn packets() -> Made {
    vec![
        ("sysex", "nothing: a SysEx", with(b"\0\xf0\x04\x7d\x01\x02\xf7")),
        (
            "sysex_parts",
            "nothing: a SysEx in parts",
            with(b"\0\xf0\x02\x7d\x01\0\xf7\x01\x02\0\xf7\x02\x03\xf7"),
        ),
        ("sysex_open", "a SysEx without an end", with(b"\0\xf0\x02\x7d\x01")),
        ("sysex_raw", "a SysEx without a length", with(b"\0\xf0\x7e\x7f\x09\x01\xf7")),
        ("sysex_high", "bytes above 127 in a SysEx", with(b"\0\xf0\x04\x7d\x81\x92\xf7")),
        (
            "sysex_beyond",
            "a SysEx that is longer than its track",
            ending(b"\0\xf0\xff\x7f\x7d\x01\x02\0\xff\x2f\0"),
        ),
        ("sysex_0", "a SysEx of 0 bytes", with(b"\0\xf0\0")),
        ("escape", "nothing: an escaped real-time message", with(b"\0\xf7\x01\xfa")),
    ]
}

fn chunks() -> Made {
    let body = first_body();
    let off = |off| [USUAL, &chunk_off(b"MTrk", &body, off), &second()].concat();
    let len = i64::try_from(body.len()).unwrap();
    let rest = i64::try_from(second().len()).unwrap();
    vec![
        ("len_0", "a track's length of 0", off(-len)),
        ("len_1_short", "a track's length that is 1 too small", off(-1)),
        ("len_half", "a track's length of half of it", off(-len / 2)),
        ("len_beyond", "a track's length beyond the file", off(1_000_000)),
        ("len_rest", "a track's length that covers the next track", off(rest)),
        (
            "junk",
            "bytes between two tracks",
            [USUAL, &first(), b"\xde\xad\xbe\xef\x01", &second()].concat(),
        ),
        (
            "junk_first",
            "bytes before the first track",
            [USUAL, b"\0\0\0", &first(), &second()].concat(),
        ),
        ("trailing", "bytes after the last track", [song(), vec![0; 40]].concat()),
        ("trailing_open", "no End of Track, and bytes after the last track", {
            let tracks = [notes(0, 60, 4), notes(1, 40, 4)].map(|notes| chunk(b"MTrk", &notes));
            [USUAL, &tracks.concat(), &[0; 40]].concat()
        }),
        ("trailing_3", "three bytes after the last track", [song(), b"\r\n\x1a".to_vec()].concat()),
        (
            "unknown",
            "nothing: an unknown chunk",
            [USUAL, &chunk(b"XFIH", b"hello"), &first(), &second()].concat(),
        ),
        (
            "unknown_off",
            "an unknown chunk of a wrong length",
            [USUAL, &first(), &chunk_off(b"XFIH", b"hello", 40), &second()].concat(),
        ),
        ("all_open", "no End of Track, and lengths of 0", {
            let open = |notes: &[u8]| [b"MTrk\0\0\0\0", notes].concat();
            [USUAL, &open(&notes(0, 60, 4)), &open(&notes(1, 40, 4))].concat()
        }),
    ]
}

fn headers() -> Made {
    let header = |format, count, division: [u8; 2]| {
        with_header(&[&b"MThd\0\0\0\x06\0"[..], &[format, 0, count], &division].concat())
    };
    vec![
        ("hdr_4", "a header whose length says 4", with_header(b"MThd\0\0\0\x04\0\x01\0\x02\0\x60")),
        (
            "hdr_short",
            "a header of 4 bytes, without a division",
            with_header(b"MThd\0\0\0\x04\0\x01\0\x02"),
        ),
        (
            "hdr_huge",
            "a header whose length says 2^31",
            with_header(b"MThd\x80\0\0\0\0\x01\0\x02\0\x60"),
        ),
        ("frames_25", "nothing: ticks of 1/1000 second", header(1, 2, [0xe7, 40])),
        ("frames_20", "20 frames a second", header(1, 2, [0xec, 40])),
        ("frames_0", "frames of 0 ticks", header(1, 2, [0xe7, 0])),
        ("format_7", "format 7", header(7, 2, [0, 96])),
        ("count_1", "one track announced, two there", header(1, 1, [0, 96])),
        ("count_3", "three tracks announced, two there", header(1, 3, [0, 96])),
        ("count_0", "no track announced, two there", header(1, 0, [0, 96])),
        ("no_tracks", "no tracks", USUAL.to_vec()),
        ("no_header", "no header", [first(), second()].concat()),
    ]
}

fn wrappers() -> Made {
    let le = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    let riff = |before: &[u8], data_len: usize| {
        let data = [before, b"data", &le(data_len)[..], &song()].concat();
        [b"RIFF", &le(data.len() + 4)[..], b"RMID", &data].concat()
    };
    vec![
        ("leading", "a line before the header", [b"a song\r\n", &song()[..]].concat()),
        ("leading_128", "128 bytes before the header", [&[0; 128], &song()[..]].concat()),
        (
            "rmid_list",
            "nothing: a RIFF wrapper with a list",
            riff(b"LIST\x05\0\0\0INFOx\0", song().len()),
        ),
        (
            "rmid_short",
            "a RIFF wrapper with a length that is too small",
            riff(b"", song().len() - 30),
        ),
        ("two_songs", "another song after the first", [song(), song()].concat()),
        ("two_songs_junk", "another song after bytes that are none", {
            [&song(), &b"\x1a\0\0"[..], &song()].concat()
        }),
        ("rmid_0", "a RIFF wrapper with data of length 0", riff(b"", 0)),
        ("rmid_huge", "a RIFF wrapper with a huge length", riff(b"", 1 << 30)),
        ("empty", "no bytes", Vec::new()),
        ("text", "a text", b"#!/bin/sh\nexec true\n".to_vec()),
        ("gzip", "compressed", [b"\x1f\x8b\x08\0", &[0; 20][..]].concat()),
    ]
}

fn cuts() -> Made {
    let cut = |bytes: usize| {
        let song = song();
        song[..song.len() - bytes].to_vec()
    };
    vec![
        ("cut_end", "the last 4 bytes are missing", cut(4)),
        ("cut_event", "the last 6 bytes are missing", cut(6)),
        ("cut_half", "half of the second track is missing", cut(20)),
        ("cut_chunk", "all but 6 bytes of the second track is missing", cut(second().len() - 6)),
        ("cut_track", "the second track is missing", cut(second().len())),
        ("cut_header", "all but 12 bytes are missing", song()[..12].to_vec()),
    ]
}
