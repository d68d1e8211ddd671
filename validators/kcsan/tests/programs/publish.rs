//! A thread fills boxes and publishes each by its index; another one reads what it finds there. The first argument says in
//! which order, and the second one for how many milliseconds. Each box is filled once.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BOXES: usize = 1 << 20;
const STOP: usize = usize::MAX;

struct Boxes(UnsafeCell<[u64; BOXES]>);

// SAFETY: each is written once, and then read. That is the program's claim.
unsafe impl Sync for Boxes {}

static ALL: Boxes = Boxes(UnsafeCell::new([0; BOXES]));
static LAST: AtomicUsize = AtomicUsize::new(0);

fn place(index: usize) -> *mut u64 {
    ALL.0.get().cast::<u64>().wrapping_add(index % BOXES)
}

#[inline(never)]
fn relaxed(index: usize) {
    // SAFETY: the place is in the array.
    unsafe { *place(index) = 7 };
    LAST.store(index, Ordering::Relaxed);
}

#[inline(never)]
fn release(index: usize) {
    // SAFETY: as above.
    unsafe { *place(index) = 7 };
    LAST.store(index, Ordering::Release);
}

fn main() {
    let mut words = std::env::args().skip(1);
    let publish = if words.next().as_deref() == Some("relaxed") { relaxed } else { release };
    let time = Duration::from_millis(words.next().and_then(|word| word.parse().ok()).unwrap_or(100));
    let reader = std::thread::spawn(|| {
        loop {
            match LAST.load(Ordering::Acquire) {
                STOP => return,
                0 => {}
                // SAFETY: as above.
                index => drop(black_box(unsafe { *place(index) })),
            }
        }
    });
    let start = Instant::now();
    (1..BOXES).take_while(|_| start.elapsed() < time).for_each(publish);
    LAST.store(STOP, Ordering::Release);
    reader.join().expect("the reader");
}
