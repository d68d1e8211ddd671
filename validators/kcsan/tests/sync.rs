//! Correct programs: accesses that the standard library and another crate's ring buffer synchronise are no race. This
//! is an ordinary test. `tools.rs` runs it under `cargo kcsan`, where it must stay silent.

#![expect(clippy::disallowed_types, reason = "these are what is tested")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock, mpsc};
use std::thread;

const TURNS: u64 = 20_000;

/// A value that takes several accesses.
#[derive(Clone, Debug, Default, PartialEq)]
struct Note {
    time: u64,
    key: u8,
    data: [u32; 6],
}

impl Note {
    fn new(time: u64) -> Self {
        let low = u32::try_from(time % 1000).expect("small");
        Self { time, key: 60, data: [low; 6] }
    }

    fn is_whole(&self) -> bool {
        self.data.iter().all(|word| u64::from(*word) == self.time % 1000)
    }
}

#[test]
fn a_mutex() {
    let note = Mutex::new(Note::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..TURNS {
                    let mut note = note.lock().expect("no panic");
                    *note = Note::new(note.time + 1);
                }
            });
        }
    });
    assert_eq!(note.lock().expect("no panic").time, 2 * TURNS);
}

#[test]
fn a_condition() {
    let place = (Mutex::new(None), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..TURNS / 4 {
                let guard = place.0.lock().expect("no panic");
                let full = |note: &mut Option<Note>| note.is_some();
                let mut guard = place.1.wait_while(guard, full).expect("no panic");
                *guard = Some(Note::new(turn));
                place.1.notify_all();
            }
        });
        for turn in 0..TURNS / 4 {
            let guard = place.0.lock().expect("no panic");
            let empty = |note: &mut Option<Note>| note.is_none();
            let mut guard = place.1.wait_while(guard, empty).expect("no panic");
            assert_eq!(guard.take(), Some(Note::new(turn)));
            place.1.notify_all();
        }
    });
}

#[test]
fn channels() {
    let (to, from) = mpsc::channel();
    let (to_bounded, from_bounded) = mpsc::sync_channel(8);
    thread::scope(|scope| {
        scope.spawn(move || {
            for turn in 0..TURNS {
                to.send(Box::new(Note::new(turn))).expect("somebody listens");
            }
        });
        scope.spawn(move || {
            for turn in 0..TURNS {
                to_bounded.send(Note::new(turn)).expect("somebody listens");
            }
        });
        for turn in 0..TURNS {
            assert_eq!(*from.recv().expect("one more"), Note::new(turn));
            assert_eq!(from_bounded.recv().expect("one more"), Note::new(turn));
        }
    });
}

#[test]
fn a_ring_buffer() {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(16);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut turn = 0;
            while turn < TURNS {
                if producer.push(Note::new(turn)).is_ok() {
                    turn += 1;
                } else {
                    thread::yield_now();
                }
            }
        });
        let mut turn = 0;
        while turn < TURNS {
            match consumer.pop() {
                Ok(note) => {
                    assert_eq!(note, Note::new(turn));
                    turn += 1;
                }
                Err(_) => thread::yield_now(),
            }
        }
    });
}

#[test]
fn readers_and_writers() {
    let note = RwLock::new(Note::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..TURNS {
                *note.write().expect("no panic") = Note::new(turn);
            }
        });
        for _ in 0..TURNS {
            assert!(note.read().expect("no panic").is_whole());
        }
    });
}

#[test]
fn once_and_counts_of_references() {
    for turn in 0..200 {
        let cell = Arc::new((OnceLock::new(), Barrier::new(2)));
        let other = Arc::clone(&cell);
        let thread = thread::spawn(move || {
            other.1.wait();
            other.0.get_or_init(|| Note::new(turn)).clone()
        });
        cell.1.wait();
        assert_eq!(*cell.0.get_or_init(|| Note::new(turn)), Note::new(turn));
        assert_eq!(thread.join().expect("no panic"), Note::new(turn));
    }
}

#[test]
fn publication_by_release_and_acquire() {
    let (value, is_there) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 1..=TURNS {
                while is_there.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                value.store(turn, Ordering::Relaxed);
                is_there.store(true, Ordering::Release);
            }
        });
        for turn in 1..=TURNS {
            while !is_there.load(Ordering::Acquire) {
                thread::yield_now();
            }
            assert_eq!(value.load(Ordering::Relaxed), turn);
            is_there.store(false, Ordering::Release);
        }
    });
}

#[test]
fn marks_without_the_runtime_are_nothing() {
    let mut value = 5_u64;
    kcsan::assert_exclusive_writer!(value);
    kcsan::assert_exclusive_access!(value);
    kcsan::assert_exclusive_bits!(value, 1);
    kcsan::check_read(&raw const value, 8);
    kcsan::check_write(&raw const value, 8);
    assert_eq!(kcsan::data_race!(value + 1), 6);
    kcsan::data_race!(value += 1);
    assert_eq!(value, 6);
}
