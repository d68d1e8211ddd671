//! What is written is read; what is cut, damaged or of another version is told apart.

use aseqd_engine::{Access, Call, Config, FileId, Identity, Input, Node, Time};
use aseqd_recording::{
    Compression, End, Entry, Header, MAX_DATA, ReadError, Reader, Record, State, Writer, encode,
    from_text, to_text,
};
use proptest::prelude::*;
use std::io::{self, Write};

/// An entry that owns what it carries.
#[derive(Clone, Debug, PartialEq)]
struct Own {
    elapsed: u64,
    outputs: u32,
    check: u8,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Timeout,
    Open(Node, Access, i32),
    OpenKernel(Option<u8>, i32, String),
    Ioctl(u32, u32, bool, Vec<u8>),
    Read(u32, usize, bool),
    Write(u32, Vec<u8>, bool),
    Poll(u32),
    Close(u32),
    Thread(u32, i32),
    BecomeUserTimer(u32, u64),
    Rest(u32, usize, bool),
    Checkpoint(u32),
    Note(Option<u32>, String),
}

impl Kind {
    fn record(&self) -> Record<'_> {
        let input = match self {
            Self::Timeout => Input::Timeout,
            &Self::Open(node, access, pid) => {
                Input::Open { node, access, identity: Identity::User { pid } }
            }
            Self::OpenKernel(number, card, name) => Input::Open {
                node: Node::Sequencer,
                access: Access::ReadWrite,
                identity: Identity::Kernel { number: *number, card: *card, name },
            },
            &Self::Ioctl(file, request, compat, ref arg) => {
                Input::Call { file: FileId(file), call: Call::Ioctl { request, compat, arg } }
            }
            &Self::Read(file, len, nonblock) => {
                Input::Call { file: FileId(file), call: Call::Read { len, nonblock } }
            }
            &Self::Write(file, ref data, nonblock) => {
                Input::Call { file: FileId(file), call: Call::Write { data, nonblock } }
            }
            &Self::Poll(file) => Input::Call { file: FileId(file), call: Call::Poll },
            &Self::Close(file) => Input::Close { file: FileId(file) },
            &Self::Thread(file, thread) => Input::Thread { file: FileId(file), thread },
            &Self::BecomeUserTimer(file, resolution) => {
                Input::BecomeUserTimer { file: FileId(file), resolution }
            }
            &Self::Rest(file, done, nonblock) => {
                return Record::Rest { file: FileId(file), done, nonblock };
            }
            &Self::Checkpoint(hash) => return Record::Checkpoint(hash),
            Self::Note(file, text) => return Record::Note { file: file.map(FileId), text },
        };
        Record::Input(input)
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let node = prop_oneof![Just(Node::Sequencer), Just(Node::Timer), Just(Node::Control)];
    let access = prop_oneof![Just(Access::Read), Just(Access::Write), Just(Access::ReadWrite)];
    let file = || prop_oneof![0..200_u32, any::<u32>()];
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        Just(Kind::Timeout),
        (node, access, any::<i32>()).prop_map(|(node, access, pid)| Kind::Open(node, access, pid)),
        (any::<Option<u8>>(), any::<i32>(), ".{0,70}")
            .prop_map(|(number, card, name)| Kind::OpenKernel(number, card, name)),
        (file(), any::<u32>(), any::<bool>(), bytes())
            .prop_map(|(file, code, compat, arg)| Kind::Ioctl(file, code, compat, arg)),
        (file(), any::<usize>(), any::<bool>()).prop_map(|(a, b, c)| Kind::Read(a, b, c)),
        (file(), bytes(), any::<bool>()).prop_map(|(a, b, c)| Kind::Write(a, b, c)),
        file().prop_map(Kind::Poll),
        file().prop_map(Kind::Close),
        (file(), any::<i32>()).prop_map(|(a, b)| Kind::Thread(a, b)),
        (file(), any::<u64>()).prop_map(|(a, b)| Kind::BecomeUserTimer(a, b)),
        (file(), any::<usize>(), any::<bool>()).prop_map(|(a, b, c)| Kind::Rest(a, b, c)),
        any::<u32>().prop_map(Kind::Checkpoint),
        (any::<Option<u32>>(), ".{0,40}").prop_map(|(a, b)| Kind::Note(a.map(|a| a / 2), b)),
    ]
}

fn entries() -> impl Strategy<Value = Vec<Own>> {
    let outputs = prop_oneof![0..10_u32, any::<u32>()];
    let elapsed = prop_oneof![Just(0), 0..1_000_000_u64, 0..u64::MAX >> 12];
    let entry = (elapsed, outputs, any::<u8>(), kinds())
        .prop_map(|(elapsed, outputs, check, kind)| Own { elapsed, outputs, check, kind });
    // The same ones over and over: making each takes longer than writing and reading it.
    let some = proptest::collection::vec(entry, 0..20);
    (some, 1..60_usize).prop_map(|(some, times)| vec![some; times].concat())
}

fn compressions() -> impl Strategy<Value = Compression> {
    prop_oneof![Just(Compression::None), Just(Compression::Quick), Just(Compression::Small)]
}

/// Writes entries, and returns the file. The first times are after `begin`.
fn write(entries: &[Own], begin: u64, compression: Compression) -> Vec<u8> {
    let header = Header::new(Config::default());
    let mut writer = Writer::new(Vec::new(), &header, compression).unwrap();
    let mut now = begin;
    for Own { elapsed, outputs, check, kind } in entries {
        now += elapsed;
        writer.push(Time(now), *outputs, *check, &kind.record()).unwrap();
    }
    writer.finish(None).unwrap()
}

/// Reads a file to its end. Compares what it has with a prefix of the entries, and returns the length of that prefix.
fn compare(file: &[u8], entries: &[Own], begin: u64) -> (usize, End) {
    let mut reader = Reader::new(file).unwrap();
    let (mut now, mut index, mut count) = (begin, 0, 0);
    while let Some(entry) = reader.read().unwrap() {
        let Own { elapsed, outputs, check, kind } = &entries[count];
        now += elapsed;
        let record = kind.record();
        let expected = Entry { index, now: Time(now), outputs: *outputs, check: *check, record };
        assert_eq!(entry, expected);
        index += u64::from(record.is_input());
        count += 1;
    }
    (count, reader.end().unwrap().clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        entries in entries(), begin in 0..u64::MAX >> 2, compression in compressions(),
    ) {
        let file = write(&entries, begin, compression);
        prop_assert_eq!(compare(&file, &entries, begin), (entries.len(), End::Whole));
    }

    #[test]
    fn a_cut_file_is_read_up_to_the_cut(
        entries in entries(), compression in compressions(), cut in any::<prop::sample::Index>(),
    ) {
        let file = write(&entries, 0, compression);
        let cut = cut.index(file.len());
        match Reader::new(&file[..cut]) {
            // The header is not there.
            Err(error) => prop_assert!(matches!(error, ReadError::NotARecording)),
            Ok(_) => {
                let (count, end) = compare(&file[..cut], &entries, 0);
                prop_assert!(count <= entries.len());
                let End::Torn { offset } = end else { panic!("{end:?}") };
                prop_assert!(offset <= cut as u64);
            }
        }
    }

    #[test]
    fn a_damaged_byte_is_never_read(
        entries in entries(), compression in compressions(), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let mut file = write(&entries, 0, compression);
        let at = at.index(file.len());
        file[at] ^= 1_u8 << bit;
        match Reader::new(&file[..]) {
            Err(ReadError::NotARecording | ReadError::Version(_)) => {}
            Err(error) => panic!("{error}"),
            // What stands before it is right, and the two bytes after the version mean nothing.
            Ok(_) => {
                let (count, end) = compare(&file, &entries, 0);
                let means_nothing = (10..12).contains(&at) && count == entries.len();
                let torn = matches!(end, End::Torn { .. });
                prop_assert!(torn || means_nothing);
            }
        }
    }

    #[test]
    fn encoded_records_are_appended_as_they_are(entries in entries(), pieces in 1..50_usize) {
        let header = Header::new(Config::default());
        let mut writer = Writer::new(Vec::new(), &header, Compression::Quick).unwrap();
        for piece in entries.chunks(pieces) {
            let mut bytes = Vec::new();
            for Own { elapsed, outputs, check, kind } in piece {
                let (head, carried) = encode_kind(*elapsed, *outputs, *check, kind);
                bytes.extend_from_slice(&head);
                bytes.extend_from_slice(&carried);
            }
            let mut seen = 0;
            writer.append(&bytes, |_| seen += 1).unwrap();
            prop_assert_eq!(seen, piece.len());
        }
        let file = writer.finish(None).unwrap();
        prop_assert_eq!(file, write(&entries, 0, Compression::Quick));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_text_form_loses_nothing(entries in entries(), begin in 0..u64::MAX >> 2, cut: bool) {
        let mut file = write(&entries, begin, Compression::Quick);
        if cut {
            file.truncate(file.len() - 1);
        }
        let mut text = Vec::new();
        to_text(&mut Reader::new(&file[..]).unwrap(), &mut text).unwrap();
        let again = from_text(&text[..], Vec::new(), Compression::None).unwrap();
        let (count, end) = compare(&again, &entries, begin);
        prop_assert_eq!(count, entries.len());
        prop_assert_eq!(matches!(end, End::Torn { .. }), cut);
        let mut text_again = Vec::new();
        to_text(&mut Reader::new(&again[..]).unwrap(), &mut text_again).unwrap();
        prop_assert_eq!(text, text_again);
    }
}

#[test]
fn the_text_form_names_requests_and_events() {
    let header = Header::new(Config::default());
    let mut writer = Writer::new(Vec::new(), &header, Compression::None).unwrap();
    writer.state(&State { index: 9, now: Time(5), hash: 0xab, engine: b"ok" }).unwrap();
    let mut push = |now, input| writer.push(Time(now), 1, 0x3f, &Record::Input(input)).unwrap();
    let request = 0x8004_5301;
    let call = Call::Ioctl { request, compat: false, arg: &[] };
    push(1_000_000_001, Input::Call { file: FileId(2), call });
    let mut note = [0; 28];
    (note[0], note[14], note[15]) = (6, 14, 1);
    let data = note.repeat(6);
    let call = Call::Write { data: &data, nonblock: true };
    push(1_000_000_002, Input::Call { file: FileId(2), call });
    let identity = Identity::Kernel { number: None, card: -1, name: "a \"\\\n\u{e9}" };
    let node = Node::Sequencer;
    push(1_000_000_003, Input::Open { node, access: Access::Read, identity });
    let file = writer.finish(Some("the disk is full")).unwrap();
    let mut text = Vec::new();
    to_text(&mut Reader::new(&file[..]).unwrap(), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = format!(
        "aseqd-recording 0\n{}\nstate 9 0.000000005 000000ab 6f6b\n\
         1.000000001 1 3f ioctl 2 80045301 - ; CLIENT_ID\n\
         1.000000002 1 3f write 2 nonblock {hex} ; NOTEON to 14:1, NOTEON to 14:1, \
         NOTEON to 14:1, NOTEON to 14:1, ...\n\
         1.000000003 1 3f open sequencer r kernel - -1 \"a \\\"\\\\\\u{{a}}\\u{{e9}}\"\n\
         end \"the disk is full\"\n",
        header.to_text()
    );
    assert_eq!(text, expected);
    assert_eq!(from_text(text.as_bytes(), Vec::new(), Compression::None).unwrap(), file);
}

#[test]
fn a_line_that_makes_no_sense_is_named() {
    let lines = [
        ("1.0 0 00 timeout now", "something is left over at its end"),
        ("1.0 0 00 rest", "something is missing at its end"),
        ("1.0 0 100 timeout", "a hexadecimal number is wrong or too large"),
        ("1.0000000000 0 00 timeout", "a time is no number of seconds"),
        ("1.0 0 00 write 0 0", "bytes are no pairs of hexadecimal digits"),
        ("1.0 0 00 note - \"a", "a text is not in quotes, or has an unknown escape"),
        ("1.0 0 00 sing 0", "there is no such record"),
        ("end well", "a text is not in quotes, or has an unknown escape"),
    ];
    for (line, why) in lines {
        let text = format!("aseqd-recording 0\nhz = 100\n\n0.5 0 00 timeout ; fine\n\n{line}\n");
        let error = from_text(text.as_bytes(), Vec::new(), Compression::None).unwrap_err();
        assert_eq!(error.to_string(), format!("line 6 makes no sense: {why}"));
    }
    let error = from_text(&b"aseqd-recording 7\n"[..], Vec::new(), Compression::None).unwrap_err();
    assert!(matches!(error, ReadError::Version(7)), "{error}");
    let error = from_text(&b"MThd"[..], Vec::new(), Compression::None).unwrap_err();
    assert!(matches!(error, ReadError::NotARecording), "{error}");
}

fn encode_kind(elapsed: u64, outputs: u32, check: u8, kind: &Kind) -> (Vec<u8>, Vec<u8>) {
    let record = kind.record();
    let (head, carried) = encode(elapsed, outputs, check, &record);
    (head.as_bytes().to_vec(), carried.to_vec())
}

#[test]
fn the_largest_write_fits_and_a_larger_one_is_refused() {
    let header = Header::new(Config::default());
    let mut writer = Writer::new(Vec::new(), &header, Compression::None).unwrap();
    let data = vec![7; MAX_DATA + 1];
    for nonblock in [false, true] {
        let call = Call::Write { data: &data[1..], nonblock };
        let record = Record::Input(Input::Call { file: FileId(3), call });
        writer.push(Time(1), 0, 0, &record).unwrap();
        writer.push(Time(2), 0, 0, &Record::Input(Input::Timeout)).unwrap();
    }
    let call = Call::Write { data: &data, nonblock: false };
    let record = Record::Input(Input::Call { file: FileId(3), call });
    assert!(writer.push(Time(3), 0, 0, &record).is_err());
    let file = writer.finish(Some("the disk is full")).unwrap();
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut lengths = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        if let Record::Input(Input::Call { call: Call::Write { data, .. }, .. }) = entry.record {
            lengths.push(data.len());
        }
    }
    assert_eq!(lengths, [MAX_DATA; 2]);
    assert_eq!(reader.end(), Some(&End::Stopped("the disk is full".to_owned())));
}

#[test]
fn a_recording_goes_on_from_a_state() {
    let header = Header::new(Config { hz: 1000, ump: true, ..Config::default() });
    let mut writer = Writer::new(Vec::new(), &header, Compression::Quick).unwrap();
    let first = State { index: 512, now: Time(77), hash: 0xdead_beef, engine: &[5; 100_000] };
    writer.state(&first).unwrap();
    writer.push(Time(78), 1, 9, &Record::Input(Input::Timeout)).unwrap();
    // Another one among the records changes nothing.
    let second = State { index: 513, now: Time(78), hash: 1, engine: &[6; 10] };
    writer.state(&second).unwrap();
    writer.push(Time(79), 0, 8, &Record::Input(Input::Timeout)).unwrap();
    let file = writer.finish(None).unwrap();
    let mut reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.header(), &header);
    assert_eq!(reader.state(), Some(first));
    let mut seen = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        seen.push((entry.index, entry.now.0));
    }
    assert_eq!(seen, [(512, 78), (513, 79)]);
    assert_eq!(reader.end(), Some(&End::Whole));
}

#[test]
fn other_files_and_versions_are_refused_in_a_sentence() {
    for other in [&b""[..], b"MThd\0\0\0\x06", b"\x89aseq\r\n\x1a", b"\x89aseq\n\x1a\0\0\0\0\0\0"] {
        let error = Reader::new(other).unwrap_err();
        assert_eq!(error.to_string(), "this is not a recording of aseqd");
    }
    let mut file = write(&[], 0, Compression::Quick);
    file[8] = 3;
    let error = Reader::new(&file[..]).unwrap_err();
    let text = "the recording has format 3, and this version of aseqd reads format 0";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_header_keeps_what_it_does_not_know() {
    let mut header = Header::new(Config { clients: 12, user_timers: true, ..Config::default() });
    header.began = Some(1_800_000_000);
    header.others.push(("colour".to_owned(), "blue = green".to_owned()));
    let writer = Writer::new(Vec::new(), &header, Compression::None).unwrap();
    let file = writer.finish(None).unwrap();
    assert_eq!(Reader::new(&file[..]).unwrap().header(), &header);
}

/// Counts how often it is written to.
#[derive(Default)]
struct Counted(Vec<Vec<u8>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_chunk_is_written_at_once() {
    let header = Header::new(Config::default());
    let mut writer = Writer::new(Counted::default(), &header, Compression::Quick).unwrap();
    for number in 0..100_000 {
        writer.push(Time(number), 0, 0, &Record::Input(Input::Timeout)).unwrap();
    }
    let pieces = writer.finish(None).unwrap().0;
    // 3 bytes each, cut at 64 KiB; the header, and the end.
    assert_eq!(pieces.len(), 1 + 300_000_usize.div_ceil(64 * 1024) + 1);
}
