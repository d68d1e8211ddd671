//! A library with a race on purpose, and tests with tokio, rayon and C code: clean ones, and ignored ones that race.

use std::cell::UnsafeCell;
use std::sync::Mutex;

/// A counter without a lock, which claims that it needs none.
pub struct Counter(UnsafeCell<u64>);

unsafe impl Sync for Counter {}

impl Counter {
    /// Makes a counter.
    ///
    /// ```
    /// let counter = main::Counter::new();
    /// counter.add();
    /// assert_eq!(counter.get(), 1);
    /// ```
    pub const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    #[inline(never)]
    pub fn add(&self) {
        unsafe { *self.0.get() += 1 };
    }

    pub fn get(&self) -> u64 {
        unsafe { *self.0.get() }
    }
}

/// The same under a lock.
pub static LOCKED: Mutex<u64> = Mutex::new(0);
static COUNTER: Counter = Counter::new();

/// Counts in two threads without a lock.
pub fn race() {
    let run = || (0..200_000).for_each(|_| COUNTER.add());
    std::thread::scope(|scope| {
        scope.spawn(run);
        scope.spawn(run);
    });
}

unsafe extern "C" {
    fn add(more: std::ffi::c_long);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn lock_and_add() {
        *LOCKED.lock().unwrap() += u64::from(macros::two!() as u32) + 1;
    }

    #[test]
    fn clean_rayon() {
        let sum: u64 = (0..100_000_u64).into_par_iter().inspect(|_| lock_and_add()).sum();
        assert_eq!(sum, 4_999_950_000);
        let mut words: Vec<u64> = (0..50_000).rev().collect();
        words.par_sort_unstable();
        assert!(words.is_sorted());
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
    }

    #[test]
    fn clean_tokio() {
        runtime().block_on(async {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(16);
            for task in 0..8_u64 {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for turn in 0..500 {
                        lock_and_add();
                        sender.send(Box::new(task * turn)).await.unwrap();
                    }
                });
            }
            drop(sender);
            let mut sum = 0;
            while let Some(more) = receiver.recv().await {
                sum += *more;
            }
            assert_eq!(sum, 28 * 124_750);
        });
    }

    #[test]
    #[ignore = "races"]
    fn rayon() {
        (0..400_000).into_par_iter().for_each(|_| COUNTER.add());
    }

    #[test]
    #[ignore = "races"]
    fn tokio() {
        runtime().block_on(async {
            let run = || async { (0..200_000).for_each(|_| COUNTER.add()) };
            let tasks = [tokio::spawn(run()), tokio::spawn(run())];
            for task in tasks {
                task.await.unwrap();
            }
        });
    }

    #[test]
    #[ignore = "races"]
    fn code_in_c() {
        let run = || (0..200_000).for_each(|_| unsafe { add(1) });
        std::thread::scope(|scope| {
            scope.spawn(run);
            scope.spawn(run);
        });
    }
}
