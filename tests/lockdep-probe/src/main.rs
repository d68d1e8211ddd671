//! `lockdep-probe KIND COUNT` takes a lock COUNT times and prints what it counted.
//!
//! The kinds are `raw-mutex`, `mutex`, `raw-rwlock`, `rwlock`, `raw-spin` and `spin`. `sizes` prints the sizes of raw
//! locks and guards beside lockdep's. `bounds` prints whether they are `Send` and `Sync`. Each loop is a function with
//! an unmangled name, so that a profiler can count its instructions.

#![expect(clippy::disallowed_types, reason = "std's locks are what is compared with")]

mod bounds;
mod raw;

use std::any::TypeId;
use std::hint::black_box;
use std::sync::PoisonError;

use lockdep::std::sync as ours;
use raw::{RawGuard, RawSpin};

#[inline(never)]
fn loop_raw_mutex(lock: &std::sync::Mutex<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

#[inline(never)]
fn loop_mutex(lock: &lockdep::Mutex<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).lock() += 1;
    }
}

#[inline(never)]
fn loop_raw_rwlock(lock: &std::sync::RwLock<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).write().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

#[inline(never)]
fn loop_rwlock(lock: &lockdep::RwLock<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).write() += 1;
    }
}

#[inline(never)]
fn loop_raw_spin(lock: &RawSpin<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).lock() += 1;
    }
}

#[inline(never)]
fn loop_spin(lock: &lockdep::SpinLock<u64>, count: u64) {
    for _ in 0..count {
        *black_box(lock).lock_irqsave() += 1;
    }
}

/// Prints the sizes of each pair.
fn sizes() {
    println!("mutex {} {}", size_of::<std::sync::Mutex<u64>>(), size_of::<lockdep::Mutex<u64>>());
    println!(
        "mutex-guard {} {}",
        size_of::<std::sync::MutexGuard<'_, u64>>(),
        size_of::<lockdep::MutexGuard<'_, u64>>()
    );
    println!(
        "rwlock {} {}",
        size_of::<std::sync::RwLock<u64>>(),
        size_of::<lockdep::RwLock<u64>>()
    );
    println!(
        "rwlock-guard {} {}",
        size_of::<std::sync::RwLockWriteGuard<'_, u64>>(),
        size_of::<lockdep::RwLockWriteGuard<'_, u64>>()
    );
    println!("spin {} {}", size_of::<RawSpin<u64>>(), size_of::<lockdep::SpinLock<u64>>());
    println!(
        "spin-guard {} {}",
        size_of::<RawGuard<'_, u64>>(),
        size_of::<lockdep::SpinGuard<'_, u64>>()
    );
    println!("same-mutex 1 {}", is_same::<std::sync::Mutex<u64>, ours::Mutex<u64>>());
    println!(
        "same-sender 1 {}",
        is_same::<std::sync::mpsc::Sender<u64>, ours::mpsc::Sender<u64>>()
    );
    println!("section 0 {}", size_of::<lockdep::Section>());
    println!("flags 0 {}", size_of::<lockdep::IrqFlags>());
    println!("map 0 {}", size_of::<lockdep::Map>());
}

/// Returns 1 if two types are one: without the feature, the standard library below `lockdep` is the standard library.
fn is_same<A: 'static, B: 'static>() -> u8 {
    u8::from(TypeId::of::<A>() == TypeId::of::<B>())
}

/// Prints the expected bounds of each type, the actual ones, and the name.
fn print_bounds() {
    for (name, wanted, is) in bounds::rows() {
        println!("{}/{} {}/{} {name}", wanted.send, wanted.sync, is.send, is.sync);
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let kind = words.next().unwrap_or_default();
    let count = words.next().and_then(|word| word.parse().ok()).unwrap_or(1000);
    let counted = match kind.as_str() {
        "raw-mutex" => {
            let lock = std::sync::Mutex::new(0);
            loop_raw_mutex(&lock, count);
            lock.into_inner().unwrap_or_default()
        }
        "mutex" => {
            let lock = lockdep::Mutex::new(0);
            loop_mutex(&lock, count);
            lock.into_inner()
        }
        "raw-rwlock" => {
            let lock = std::sync::RwLock::new(0);
            loop_raw_rwlock(&lock, count);
            lock.into_inner().unwrap_or_default()
        }
        "rwlock" => {
            let lock = lockdep::RwLock::new(0);
            loop_rwlock(&lock, count);
            *lock.read()
        }
        "raw-spin" => {
            let lock = RawSpin::new(0);
            loop_raw_spin(&lock, count);
            *lock.lock()
        }
        "spin" => {
            let lock = lockdep::SpinLock::new(0);
            loop_spin(&lock, count);
            *lock.lock()
        }
        "bounds" => {
            print_bounds();
            return;
        }
        _ => {
            sizes();
            return;
        }
    };
    println!("{counted}");
}
