//! Two threads store to an atomic that one of them owns. To the language that is no data race.
//! `exclusive` is reported, `exclusive fixed` is not.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long the threads run.
const LENGTH: Duration = Duration::from_secs(1);

/// The loudest sample. The meter owns it, and other threads read it.
static PEAK: AtomicU32 = AtomicU32::new(0);
/// Whether the owner is asked to start again.
static WANTS_RESET: AtomicBool = AtomicBool::new(false);

/// Reads and writes in two steps, which is correct as long as no other thread writes.
#[inline(never)]
fn meter(sample: u32) {
    kcsan::assert_exclusive_writer!(PEAK);
    let reset = WANTS_RESET.swap(false, Ordering::Relaxed);
    let peak = if reset { 0 } else { PEAK.load(Ordering::Relaxed) };
    PEAK.store(peak.max(sample), Ordering::Relaxed);
}

/// Resets the peak. The defect writes it directly, and the fix asks the owner.
#[inline(never)]
fn reset_peak(fixed: bool) {
    if fixed {
        WANTS_RESET.store(true, Ordering::Relaxed);
    } else {
        PEAK.store(0, Ordering::Relaxed);
    }
}

fn main() {
    let fixed = std::env::args().nth(1).is_some_and(|word| word == "fixed");
    let end = Instant::now() + LENGTH;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sample = 0_u32;
            while Instant::now() < end {
                sample = sample.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                meter(sample >> 16);
            }
        });
        scope.spawn(|| {
            while Instant::now() < end {
                reset_peak(fixed);
            }
        });
    });
}
