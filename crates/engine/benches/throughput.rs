//! Measures events a second of the engine alone: `cargo bench -p aseqd-engine --bench throughput`.

mod workload;

use divan::Bencher;
use divan::counter::ItemsCount;
use workload::{BATCH, Bench};

fn main() {
    divan::main();
}

/// Measures events delivered at once to this many subscribers, counted as read.
#[divan::bench(args = [1, 8, 63])]
fn direct(bencher: Bencher<'_, '_>, readers: usize) {
    let mut bench = Bench::new(readers);
    let notes = bench.notes(false);
    bencher
        .counter(ItemsCount::new(BATCH * readers))
        .bench_local(|| assert_eq!(bench.direct(&notes), BATCH * readers));
}

/// Measures events that wait in a queue.
#[divan::bench(args = [1, 8])]
fn queued(bencher: Bencher<'_, '_>, readers: usize) {
    let mut bench = Bench::new(readers);
    let notes = bench.notes(true);
    bencher
        .counter(ItemsCount::new(BATCH * readers))
        .bench_local(|| assert_eq!(bench.queued(&notes), BATCH * readers));
}
