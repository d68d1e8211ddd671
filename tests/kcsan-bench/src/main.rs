//! `kcsan-bench WORK` does one piece of work and prints how long it took, in ms. `scripts/kcsan-bench` builds this
//! source plain, with TSan and with KCSAN, and runs the builds in turn.

#[path = "../../../crates/engine/benches/workload/mod.rs"]
mod workload;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use workload::{BATCH, Bench};

/// Steps of the random-access loop. Each is a read and a write.
const STEPS: u32 = 20_000_000;
/// Number of words over which the loop walks, a power of two. They take 8 MiB.
const WORDS: usize = 1 << 20;
/// Number of batches of events.
const BATCHES: usize = 20_000;
/// Number of subscribers in the fan-out: all clients of a sequencer except the sender.
const FANOUT: usize = 63;

const WORKS: [(&str, fn()); 5] = [
    ("random-access", || random_access(STEPS)),
    ("random-access-2-threads", two_threads),
    ("engine-direct", || events(1, false, BATCHES)),
    ("engine-queued", || events(1, true, BATCHES / 4)),
    ("engine-fanout", || events(FANOUT, false, BATCHES / 20)),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((_, work)) = WORKS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = WORKS.iter().map(|(name, _)| *name).collect();
        eprintln!("kcsan-bench: one of: {}", names.join(" "));
        return ExitCode::from(2);
    };
    let start = Instant::now();
    work();
    println!("{:.3}", start.elapsed().as_secs_f64() * 1e3);
    ExitCode::SUCCESS
}

fn random_access(steps: u32) {
    let mut words = vec![1_u64; WORDS];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..steps {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state).unwrap_or(0) & (WORDS - 1);
        words[index] = words[index].wrapping_add(state);
    }
    black_box(words);
}

fn two_threads() {
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| random_access(STEPS / 2));
        }
    });
}

fn events(readers: usize, queued: bool, batches: usize) {
    let mut bench = Bench::new(readers);
    let notes = bench.notes(queued);
    for _ in 0..batches {
        let read = if queued { bench.queued(&notes) } else { bench.direct(&notes) };
        assert_eq!(read, BATCH * readers, "every event arrives");
    }
}
