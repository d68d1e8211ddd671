//! Nonsense made of recordings and their texts: nothing panics or hangs, memory is bounded, and what is read can be
//! written and read again. `ASEQD_FUZZ_SECONDS=600` runs longer.

use aseqd_engine::{Access, Call, Config, FileId, Identity, Input, Node, Time};
use aseqd_recording::{Compression, Header, Reader, Record, State, Writer, from_text, to_text};
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// How long the test runs without the variable.
const SECONDS: u64 = 2;
/// Length of the magic and the version.
const START: usize = 12;
/// Length of a chunk's head.
const HEAD: usize = 16;
/// Bytes that have a meaning in recordings.
const TELLING: [u8; 12] = [0, 1, 2, 3, 4, 0x0f, 0x1f, 0x7f, 0x80, 0xe0, 0xfe, 0xff];

/// A random generator (xorshift): the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        match self.below(3) {
            0 => self.next().to_le_bytes()[3],
            _ => TELLING[self.below(TELLING.len())],
        }
    }
}

/// Returns a recording with a record of each kind, several times.
fn sample(compression: Compression, with_state: bool) -> Vec<u8> {
    let header = Header::new(Config { ump: true, ..Config::default() });
    let mut writer = Writer::new(Vec::new(), &header, compression).unwrap();
    if with_state {
        writer.state(&State { index: 3, now: Time(10), hash: 7, engine: &[1; 200] }).unwrap();
    }
    let file = FileId(1);
    let call = |call| Record::Input(Input::Call { file, call });
    let open = |identity| {
        let (node, access) = (Node::Sequencer, Access::ReadWrite);
        Record::Input(Input::Open { node, access, identity })
    };
    for round in 0..40 {
        let records = [
            open(Identity::User { pid: 4242 }),
            open(Identity::Kernel { number: Some(14), card: -1, name: "Midi Through" }),
            call(Call::Ioctl { request: 0xc0bc_5310, compat: false, arg: &[9; 188] }),
            call(Call::Ioctl { request: 1, compat: true, arg: &[] }),
            call(Call::Read { len: 56_000, nonblock: true }),
            call(Call::Write { data: &[6; 28 * 30], nonblock: false }),
            call(Call::Poll),
            Record::Rest { file, done: 28, nonblock: false },
            Record::Input(Input::Thread { file, thread: 77 }),
            Record::Input(Input::BecomeUserTimer { file, resolution: 1_000_000 }),
            Record::Input(Input::Timeout),
            Record::Input(Input::Close { file }),
            Record::Checkpoint(0x1234_5678),
            Record::Note { file: Some(file), text: "aplaymidi" },
        ];
        for (number, record) in records.iter().enumerate() {
            let now = Time(round * 1_000_000 + number as u64 * 77);
            writer.push(now, u32::from(round % 9 == 0) * 9, 0x3f, record).unwrap();
        }
        if round % 10 == 0 {
            writer.flush().unwrap();
        }
    }
    writer.finish(Some("the disk is full")).unwrap()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(6) {
            0 if random.below(8) == 0 => bytes.truncate(at),
            0 | 1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, random.byte()),
            3 => {
                let copy: Vec<_> = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ => {
                let byte = random.byte();
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
}

/// Changes one chunk and makes its lengths and its CRC right again, so that the reader believes it.
fn mutate_inside(bytes: &mut Vec<u8>, random: &mut Random) {
    let (mut chunks, mut at) = (Vec::new(), START);
    while let Some(head) = bytes.get(at..at + HEAD) {
        let stored = u32::from_le_bytes(head[4..8].try_into().unwrap());
        let end = at + HEAD + usize::try_from(stored).unwrap();
        if end > bytes.len() {
            break;
        }
        chunks.push(at..end);
        at = end;
    }
    let chunk = chunks[random.below(chunks.len())].clone();
    let mut head = bytes[chunk.start..chunk.start + HEAD].to_vec();
    let mut payload = bytes[chunk.start + HEAD..chunk.end].to_vec();
    if random.below(8) == 0 {
        head[0] = random.byte();
    }
    mutate(&mut payload, random);
    let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
    head[4..8].copy_from_slice(&len);
    if head[1] & 1 == 0 {
        head[8..12].copy_from_slice(&len);
    }
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..12]);
    crc.update(&payload);
    head[12..].copy_from_slice(&crc.finalize().to_le_bytes());
    head.extend(payload);
    bytes.splice(chunk, head);
}

/// Returns how long this thread has run: other programs of a busy machine do not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it is not negative")
}

/// Reads a file in every way, and writes what it has again.
fn check(file: &[u8]) {
    let Ok(mut reader) = Reader::new(file) else { return };
    let mut writer = Writer::new(Vec::new(), reader.header(), Compression::None).unwrap();
    if let Some(state) = reader.state() {
        writer.state(&state).unwrap();
    }
    let mut count = 0;
    let whole = loop {
        match reader.read() {
            Ok(Some(entry)) => {
                count += 1;
                writer.push(entry.now, entry.outputs, entry.check, &entry.record).unwrap();
            }
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let copy = writer.finish(None).unwrap();
    let mut again = Reader::new(&copy[..]).unwrap();
    let mut text = Vec::new();
    to_text(&mut again, &mut text).unwrap();
    let from_text = from_text(&text[..], Vec::new(), Compression::None).unwrap();
    let (mut first, mut second) =
        (Reader::new(file).unwrap(), Reader::new(&from_text[..]).unwrap());
    assert_eq!(first.state(), second.state());
    for _ in 0..count {
        assert_eq!(first.read().unwrap(), second.read().unwrap());
    }
    if whole {
        assert_eq!(first.read().unwrap(), None);
        assert!(first.end().is_some());
        assert!(second.read().unwrap().is_none());
    }
}

#[test]
fn nonsense_neither_panics_nor_hangs() {
    let seconds = env::var("ASEQD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let samples = [
        sample(Compression::None, false),
        sample(Compression::None, true),
        sample(Compression::Quick, false),
        sample(Compression::Small, true),
    ];
    for sample in &samples {
        check(sample);
    }
    let texts = samples.each_ref().map(|sample| {
        let mut text = Vec::new();
        to_text(&mut Reader::new(&sample[..]).unwrap(), &mut text).unwrap();
        text
    });
    let mut tried = 0_u64;
    let mut slowest = (Duration::ZERO, 0);
    while Instant::now() < end {
        tried += 1;
        let mut random = Random(tried.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let which = random.below(samples.len());
        let is_text = random.below(4) == 0;
        let mut bytes = if is_text { &texts[which] } else { &samples[which] }.clone();
        match (is_text, random.below(4)) {
            (true, _) | (false, 0) => mutate(&mut bytes, &mut random),
            (false, _) => {
                (0..=random.below(3)).for_each(|_| mutate_inside(&mut bytes, &mut random))
            }
        }
        let begun = processor_time();
        let tried_one = catch_unwind(AssertUnwindSafe(|| match is_text {
            true => {
                if let Ok(file) = from_text(&bytes[..], Vec::new(), Compression::Quick) {
                    check(&file);
                }
            }
            false => check(&bytes),
        }));
        if let Err(panic) = tried_one {
            eprintln!("case {tried}");
            resume_unwind(panic);
        }
        slowest = slowest.max((processor_time() - begun, tried));
    }
    assert!(slowest.0 < Duration::from_secs(2), "case {}: {:?}", slowest.1, slowest.0);
    assert!(tried > 20, "{tried}");
    eprintln!("{tried} cases, the slowest took {:?}", slowest.0);
}
