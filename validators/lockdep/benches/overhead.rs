//! What the validators cost an uncontended lock, as a ratio to the raw lock in the same run.
//!
//! `cargo bench -p lockdep`. Each figure is the least of many rounds, in which raw and checked turns
//! follow one another; with a limit as an argument (`-- 3`) a greater ratio fails, and so does a known finding that takes
//! half as long as a stack trace.

#![expect(clippy::disallowed_types, reason = "std's locks are what is compared with")]

use std::hint::black_box;
use std::time::Instant;

use lockdep::{Mutex, RwLock, SpinLock, hardirq_enter};

const ROUNDS: usize = 200;
const LOCKS: u32 = 5_000;

/// Nanoseconds of one of `LOCKS` turns.
fn time(turn: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..LOCKS {
        turn();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(LOCKS)
}

fn compare(name: &str, raw: &mut dyn FnMut(), checked: &mut dyn FnMut()) -> f64 {
    let (mut least_raw, mut least_checked) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        least_raw = least_raw.min(time(raw));
        least_checked = least_checked.min(time(checked));
    }
    let ratio = least_checked / least_raw;
    println!("{name:<28} raw {least_raw:7.1} ns  on {least_checked:7.1} ns  {ratio:5.2}x");
    ratio
}

fn main() {
    let limit: Option<f64> = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let raw_mutex = std::sync::Mutex::new(0_u64);
    let mutex = Mutex::new(0_u64);
    let raw_rwlock = std::sync::RwLock::new(0_u64);
    let rwlock = RwLock::new(0_u64);
    let spin = SpinLock::new(0_u64);
    let outer = Mutex::new(0_u64);
    let raw_outer = std::sync::Mutex::new(0_u64);
    let lock_raw = || *black_box(&raw_mutex).lock().expect("no panic") += 1;

    let mut ratios = vec![compare("mutex", &mut { lock_raw }, &mut || {
        *black_box(&mutex).lock() += 1;
    })];
    ratios.push(compare(
        "rwlock, write",
        &mut || *black_box(&raw_rwlock).write().expect("no panic") += 1,
        &mut || *black_box(&rwlock).write() += 1,
    ));
    ratios.push(compare(
        "mutex in a mutex",
        &mut || {
            let _outer = black_box(&raw_outer).lock().expect("no panic");
            lock_raw();
        },
        &mut || {
            let _outer = black_box(&outer).lock();
            *black_box(&mutex).lock() += 1;
        },
    ));
    // Not in the limit: there is no raw lock that turns interrupts off, and no raw section.
    compare("spin lock with irqsave", &mut { lock_raw }, &mut || {
        *black_box(&spin).lock_irqsave() += 1;
    });
    let in_section = SpinLock::new(0_u64);
    compare("section with a spin lock", &mut { lock_raw }, &mut || {
        let _section = hardirq_enter("turn");
        *black_box(&in_section).lock() += 1;
    });
    // A stack that was seen before is compared with what is on it, and not unwound.
    let mut known = f64::MAX;
    let reports = lockdep::testing::capture(|| {
        known = compare(
            "a finding, as a stack trace",
            &mut || drop(black_box(std::backtrace::Backtrace::force_capture())),
            &mut || {
                let _section = hardirq_enter("turn");
                lockdep::might_sleep!();
            },
        );
    });
    assert_eq!(reports.len(), 1, "each finding is reported once");
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    println!("worst of an uncontended lock: {worst:.2}x");
    if limit.is_some_and(|limit| worst > limit || known > 0.5) {
        std::process::exit(1);
    }
}
