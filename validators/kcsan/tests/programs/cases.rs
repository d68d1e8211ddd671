//! Small programs, chosen by name. Each has a race, and its twin `no-...` has none. Two threads repeat their accesses
//! for a given time.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[repr(align(64))]
struct Memory([u8; 256]);
static mut MEMORY: Memory = Memory([0; 256]);
static LOCK: Mutex<()> = Mutex::new(());
static OTHER: Mutex<()> = Mutex::new(());

unsafe extern "C" {
    fn memset(to: *mut u8, byte: i32, size: usize) -> *mut u8;
    fn memcpy(to: *mut u8, from: *const u8, size: usize) -> *mut u8;
    fn fork() -> i32;
    fn waitpid(child: i32, status: *mut i32, flags: i32) -> i32;
    fn mmap(at: *mut u8, size: usize, protection: i32, flags: i32, file: i32, at: i64) -> *mut u8;
}

/// Returns a place in the memory that the threads share.
fn at<T>(offset: usize) -> *mut T {
    (&raw mut MEMORY).cast::<u8>().wrapping_add(offset).cast()
}

#[inline(never)]
fn store<T>(place: *mut T, value: T) {
    unsafe { *place = value }
}

#[inline(never)]
fn load<T: Copy>(place: *mut T) -> T {
    black_box(unsafe { *place })
}

#[inline(never)]
fn add(place: *mut u64) {
    unsafe { *place += 1 }
}

fn atomic(offset: usize) -> &'static AtomicU32 {
    unsafe { AtomicU32::from_ptr(at(offset)) }
}

fn time() -> Duration {
    let text = std::env::args().nth(2).unwrap_or_default();
    Duration::from_millis(text.parse().unwrap_or(100))
}

/// Repeats both functions, each in a thread.
fn both(one: impl Fn(u64) + Sync, other: impl Fn(u64) + Sync) {
    let (stop, end) = (AtomicBool::new(false), Instant::now() + time());
    let again = |what: &(dyn Fn(u64) + Sync)| {
        let mut turn = 0;
        while !stop.load(Ordering::Relaxed) {
            (0..64).for_each(|_| {
                turn += 1;
                what(turn);
            });
            if Instant::now() > end {
                stop.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| again(&one));
        again(&other);
    });
}

/// Repeats both functions, with one lock around each, or with a lock of its own around each.
fn locked(one: impl Fn(u64) + Sync, other: impl Fn(u64) + Sync, same: bool) {
    let second = if same { &LOCK } else { &OTHER };
    both(
        |turn| {
            let _guard = LOCK.lock();
            one(turn);
        },
        |turn| {
            let _guard = second.lock();
            other(turn);
        },
    );
}

fn main() {
    let case = std::env::args().nth(1).unwrap_or_default();
    let (name, bad) = match case.strip_prefix("no-") {
        Some(name) => (name, false),
        None => (case.as_str(), true),
    };
    let good = !bad;
    // The twins of these differ by the place or by the lock.
    let far = if good { 128 } else { 0 };
    match name {
        "write-write" => locked(|t| store(at(0), t), |t| store(at(0), !t), good),
        "read-write-1" => locked(|t| store(at(0), t as u8), |_| drop(load::<u8>(at(0))), good),
        "read-write-2" => locked(|t| store(at(0), t as u16), |_| drop(load::<u16>(at(0))), good),
        "read-write-4" => locked(|t| store(at(0), t as u32), |_| drop(load::<u32>(at(0))), good),
        "read-write-8" => locked(|t| store(at(0), t), |_| drop(load::<u64>(at(0))), good),
        // This is one byte inside a word. The twin's byte is right behind the word.
        "overlap" => {
            let byte = if good { 4 } else { 2 };
            both(|t| store(at(0), t as u32 * 0x0101_0101), |_| drop(load::<u8>(at(byte))));
        }
        "overlap-wide" => {
            let word = if good { 8 } else { 4 };
            both(|t| store(at(word), t as u32), |_| drop(load::<u64>(at(0))));
        }
        "unaligned" => {
            let byte = if good { 5 } else { 4 };
            let write = |t: u64| unsafe { at::<u32>(1).write_unaligned(t as u32 * 0x0101_0101) };
            both(write, |_| drop(load::<u8>(at(byte))));
        }
        // These cross a border of sixteen bytes.
        "border" => {
            let byte = if good { 18 } else { 16 };
            let write = |t: u64| unsafe { at::<u32>(14).write_unaligned(t as u32 * 0x0101_0101) };
            both(write, |_| drop(load::<u8>(at(byte))));
        }
        "counter" => locked(|_| add(at(0)), |_| add(at(0)), good),
        "marked-write" => {
            let write = |t: u64| atomic(0).store(t as u32, Ordering::Release);
            if good {
                both(write, |_| drop(black_box(atomic(0).load(Ordering::Relaxed))));
            } else {
                both(write, |_| drop(load::<u32>(at(0))));
            }
        }
        "marked-read" => {
            let read = |_| drop(black_box(atomic(0).load(Ordering::Relaxed)));
            if good {
                both(|t| atomic(0).store(t as u32, Ordering::Release), read);
            } else {
                both(|t| store(at(0), t as u32), read);
            }
        }
        "marked-change" => {
            let change = |_| drop(atomic(0).fetch_add(1, Ordering::AcqRel));
            if good { both(change, change) } else { both(change, |_| drop(load::<u32>(at(0)))) }
        }
        "marked-exchange" => {
            let change = |t: u64| {
                let place = unsafe { AtomicU8::from_ptr(at(0)) };
                let _ = place.compare_exchange(t as u8, !t as u8, Ordering::AcqRel, Ordering::Relaxed);
            };
            if good { both(change, change) } else { both(change, |t| store(at(0), t as u8)) }
        }
        // Readers alone never race. The defect has one writer among them.
        "readers" => {
            let write = |t: u64| if bad && t % 64 == 0 { store(at(0), t) } else { drop(load::<u64>(at(0))) };
            both(write, |_| drop(load::<u64>(at(0))));
        }
        "unknown" => {
            let write = |t: u64| drop(unsafe { memset(at(0), t as i32, 8) });
            locked(write, |_| drop(load::<u64>(at(0))), good);
        }
        // The C library writes the value that is there already.
        "unknown-same" => {
            let write = |t: u64| drop(unsafe { memset(at(0), if bad { t as i32 } else { 0 }, 8) });
            both(write, |_| drop(load::<u64>(at(0))));
        }
        "same-value" => {
            store(at(0), 7_u64);
            both(|_| store(at(0), 7_u64), |_| drop(load::<u64>(at(far))));
        }
        "assert-writer" => both(
            |t| {
                if bad {
                    atomic(0).store(t as u32, Ordering::Relaxed);
                } else {
                    black_box(atomic(0).load(Ordering::Relaxed));
                }
            },
            |_| kcsan::assert_exclusive_writer!(*atomic(0)),
        ),
        "assert-writer-scoped" => both(
            |t| {
                if bad {
                    atomic(0).store(t as u32, Ordering::Relaxed);
                } else {
                    black_box(atomic(0).load(Ordering::Relaxed));
                }
            },
            |t| {
                kcsan::assert_exclusive_writer_scoped!(*atomic(0));
                (0..50).for_each(|turn| store(at(64), t + turn));
            },
        ),
        "assert-access-scoped" => both(
            |_| drop(black_box(atomic(far).load(Ordering::Relaxed))),
            |t| {
                kcsan::assert_exclusive_access_scoped!(*atomic(0));
                (0..50).for_each(|turn| store(at(64), t + turn));
            },
        ),
        "assert-access" => both(
            |_| drop(black_box(atomic(far).load(Ordering::Relaxed))),
            |_| kcsan::assert_exclusive_access!(*atomic(0)),
        ),
        "assert-bits" => both(
            |_| drop(atomic(0).fetch_xor(if bad { 1 } else { 2 }, Ordering::Relaxed)),
            |_| kcsan::assert_exclusive_bits!(*atomic(0), 1),
        ),
        "data-race" => {
            let one = |t: u64| if bad { store(at(0), t) } else { kcsan::data_race!(store(at(0), t)) };
            let two = |_| drop(if bad { load::<u64>(at(0)) } else { kcsan::data_race!(load(at(0))) });
            both(one, two);
        }
        "checked-copy" => {
            let copy = |_| {
                let mut to = [0_u8; 64];
                kcsan::check_read(at::<u8>(0), 64);
                black_box(unsafe { memcpy(to.as_mut_ptr(), at(0), 64) });
            };
            locked(copy, |t| store(at(40), t), good);
        }
        "checked-fill" => {
            let fill = |t: u64| {
                kcsan::check_write(at::<u8>(0), 64);
                unsafe { memset(at(0), t as i32, 64) };
            };
            locked(fill, |_| drop(load::<u16>(at(62))), good);
        }
        // Two locks guard two flags, which are in one byte, or in a byte each.
        "flags" => {
            let place = if good { 1 } else { 0 };
            let flip = |place: usize, bit: u8| store(at(place), load::<u8>(at(place)) ^ bit);
            locked(|_| flip(0, 1), |_| flip(place, 2), false);
        }
        // The flag announces that the value is there.
        "double-check" => {
            let ready = unsafe { AtomicBool::from_ptr(at(64)) };
            let read = |_| {
                let is_ready = if good { ready.load(Ordering::Acquire) } else { load(at(64)) };
                if is_ready && good { drop(load::<u64>(at(0))) }
            };
            let write = |_| {
                if good {
                    if !ready.load(Ordering::Acquire) {
                        store(at(0), 1_u64);
                        ready.store(true, Ordering::Release);
                    }
                } else {
                    store(at(64), !load::<bool>(at(64)));
                }
            };
            both(read, write);
        }
        // An atomic hands plain accesses from one thread to the other.
        "hand-over" => {
            let turn = |mine: u64| {
                move |_| {
                    let turn = unsafe { AtomicU64::from_ptr(at(64)) };
                    if bad || turn.load(Ordering::Acquire) % 2 == mine {
                        add(at(0));
                        turn.fetch_add(1, Ordering::AcqRel);
                    }
                }
            };
            both(turn(0), turn(1));
        }
        "child" => {
            // The mapping is shared and anonymous, readable and writable.
            let memory = unsafe { mmap(std::ptr::null_mut(), 4096, 3, 0x21, -1, 0) }.addr();
            let place = move |offset| std::ptr::with_exposed_provenance_mut::<u64>(memory + offset);
            let end = Instant::now() + time();
            let child = unsafe { fork() };
            let mut turn = 0;
            while Instant::now() < end {
                turn += 1;
                if child == 0 { store(place(far), turn) } else { drop(load(place(0))) }
            }
            if child != 0 {
                let mut status = 0;
                unsafe { waitpid(child, &raw mut status, 0) };
                if status != 0 {
                    std::process::exit(66);
                }
            }
        }
        // Two processes of this program map one file.
        "file-write" | "file-read" => {
            let file = std::fs::File::options().read(true).write(true).open("memory");
            let file = std::os::fd::IntoRawFd::into_raw_fd(file.expect("a file of two pages"));
            // The reader has other memory at the address where the writer has the file.
            if name == "file-read" {
                unsafe { mmap(std::ptr::null_mut(), 1 << 20, 3, 0x21, -1, 0) };
            }
            let memory = unsafe { mmap(std::ptr::null_mut(), 8192, 3, 1, file, 0) };
            memory.expose_provenance();
            println!("{memory:?}");
            let flag = |offset: usize| memory.wrapping_add(4096 + offset).cast::<u8>();
            let end = Instant::now() + time();
            let mut turn = 0_u8;
            while Instant::now() < end {
                turn = turn.wrapping_add(1);
                if name == "file-write" { store(flag(0), turn) } else { drop(load(flag(far / 2))) }
            }
        }
        _ => panic!("no such case: {name}"),
    }
}
