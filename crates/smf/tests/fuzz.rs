//! Nonsense made of odd files: nothing panics or hangs, ticks never go back, there are no more events than
//! bytes, and the size of reads makes no difference. `ASEQD_FUZZ_SECONDS=600` runs longer.

#[path = "kinds/mod.rs"]
mod kinds;

use aseqd_smf::{EventKind, File, Findings, Source, TrackEvent};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};
use std::{array, env};

/// How long the test runs without the variable.
const SECONDS: u64 = 2;
/// The length up to which mutations let files grow, in bytes.
const MAX_LEN: usize = 4096;
/// Bytes that have a meaning in files.
const TELLING: [u8; 16] = [
    0x00, 0x01, 0x7f, 0x80, 0x81, 0x90, 0xb0, 0xc0, 0xf0, 0xf2, 0xf7, 0xf8, 0xff, 0x2f, 0x51, 0x4d,
];
const TELLING_WORDS: [&[u8]; 8] = [
    b"MTrk\0\0\0\x04",
    b"MThd\0\0\0\x06",
    b"\xff\xff\xff\x7f",
    b"\0\xff\x2f\0",
    b"\0\xf0\x05",
    b"\x80\x80\x80\x80\x80",
    b"\0\xff\x01\x90\x80\0",
    b"RIFF\xff\0\0\0RMIDdata",
];

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

fn mutate(bytes: &mut Vec<u8>, random: &mut Random, others: &[kinds::OddFile]) {
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, random.byte()),
            3 => {
                let word = TELLING_WORDS[random.below(TELLING_WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            4 => {
                let other = &others[random.below(others.len())].bytes;
                let from = random.below(other.len() + 1);
                bytes.splice(at..end, other[from..].iter().copied());
            }
            5 => {
                let copy: Vec<_> = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let byte = random.byte();
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
    bytes.truncate(MAX_LEN);
}

type Read = Option<(Vec<(usize, TrackEvent)>, Findings)>;

fn read(source: &Source) -> Read {
    let mut events = File::read(source).ok()?.into_merged();
    let all = events.by_ref().collect();
    Some((all, events.findings()))
}

fn check(bytes: &[u8], piece: usize) {
    let source = Source::memory(bytes);
    let whole = read(&source);
    assert_eq!(whole, read(&source.clone().in_pieces(piece)), "in pieces of {piece}");
    let Some((events, findings)) = whole else { return };
    assert!(events.len() <= bytes.len(), "events of nothing");
    assert!(events.is_sorted_by_key(|(_, event)| event.tick), "ticks go back");
    for (_, event) in &events {
        assert!(event.offset < bytes.len() as u64);
        if let EventKind::Channel(message) = event.kind {
            let [status, data @ ..] = message.to_bytes();
            assert!((0x80..=0xef).contains(&status) && data.iter().all(|byte| *byte < 0x80));
        }
    }
    for finding in &findings {
        assert!(finding.count > 0 && finding.offset <= bytes.len() as u64, "{finding}");
    }
    // Each track, read alone, gives the same.
    let file = File::read(&source).expect("it was read before");
    let alone: usize = file.into_tracks().map(Iterator::count).sum();
    assert!(alone >= events.len());
}

fn checked(bytes: &[u8], piece: usize) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(bytes, piece))) {
        eprintln!("in pieces of {piece}: {bytes:02x?}");
        resume_unwind(panic);
    }
}

#[test]
fn files_cut_at_any_byte_are_read() {
    for kind in kinds::all() {
        for len in 0..=kind.bytes.len() {
            checked(&kind.bytes[..len], 1 + len % 7);
        }
    }
}

#[test]
fn nonsense_is_read_without_panic() {
    let seconds = env::var("ASEQD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let seed = seconds.map_or(1, |_| u64::from(std::process::id()));
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let kinds = kinds::all();
    // Mutations build on one another; a pool keeps some of them.
    let mut pool: [Vec<u8>; 256] = array::from_fn(|at| kinds[at % kinds.len()].bytes.clone());
    let mut runs = 0_u64;
    while Instant::now() < until {
        let slot = random.below(pool.len());
        let mut bytes = match random.below(4) {
            0 => kinds[random.below(kinds.len())].bytes.clone(),
            _ => pool[slot].clone(),
        };
        mutate(&mut bytes, &mut random, &kinds);
        checked(&bytes, 1 + random.below(200));
        if bytes.len() > 14 && File::read(&Source::memory(&*bytes)).is_ok() {
            pool[slot] = bytes;
        }
        runs += 1;
    }
    println!("{runs} files, seed {seed}");
    assert!(runs > 100);
}
