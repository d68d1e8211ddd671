//! A spin lock without validators, like the raw lock inside lockdep's.

#![expect(unsafe_code, reason = "the data behind a lock of our own")]

use std::cell::UnsafeCell;
use std::hint;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

/// A mutual exclusion lock that spins.
pub(crate) struct RawSpin<T> {
    is_held: AtomicBool,
    data: UnsafeCell<T>,
}

/// A guard that gives access to the data.
pub(crate) struct RawGuard<'a, T> {
    lock: &'a RawSpin<T>,
    /// Keeps the guard from being sent to or shared with other threads.
    thread: PhantomData<*const ()>,
}

// SAFETY: the data goes from thread to thread only with the lock.
unsafe impl<T: Send> Sync for RawSpin<T> {}

impl<T> RawSpin<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { is_held: AtomicBool::new(false), data: UnsafeCell::new(value) }
    }

    #[inline]
    pub(crate) fn lock(&self) -> RawGuard<'_, T> {
        while self.is_held.swap(true, Ordering::Acquire) {
            while self.is_held.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        }
        RawGuard { lock: self, thread: PhantomData }
    }
}

impl<T> Drop for RawGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.is_held.store(false, Ordering::Release);
    }
}

impl<T> Deref for RawGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for RawGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock.
        unsafe { &mut *self.lock.data.get() }
    }
}
