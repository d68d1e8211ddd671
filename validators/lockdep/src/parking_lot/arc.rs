//! Guards that keep their lock alive, with the feature `arc_lock`.

#![expect(unsafe_code, reason = "an Arc of the lock inside, from an Arc of the lock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RawThreadId;
use parking_lot::lock_api::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};

use super::{
    FairMutex, Mutex, RawFairMutex, RawMutex, RawRwLock, ReentrantMutex, RwLock, fair_mutex, mutex,
    reentrant, rwlock,
};

/// Declares the methods of an `Arc` of a lock.
macro_rules! arc {
    ($lock:ident in $module:ident:
        $($doc:literal fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*
    ) => {
        impl<T: ?Sized> $lock<T> {
            fn inner(self: &Arc<Self>) -> Arc<$module::Inner<T>> {
                let pointer = Arc::into_raw(Arc::clone(self)) as *const $module::Inner<T>;
                // SAFETY: the wrapper is transparent, so both types have one layout.
                unsafe { Arc::from_raw(pointer) }
            }

            $(
                #[doc = $doc]
                #[track_caller]
                pub fn $name(self: &Arc<Self>, $($arg: $type),*) -> $result {
                    self.inner().$name($($arg),*)
                }
            )*
        }
    };
}

arc! { Mutex in mutex:
    "Waits for the lock." fn lock_arc() -> ArcMutexGuard<RawMutex, T>;
    "Takes the lock if it is free." fn try_lock_arc() -> Option<ArcMutexGuard<RawMutex, T>>;
    "Waits for the lock, at most for a time."
        fn try_lock_arc_for(timeout: Duration) -> Option<ArcMutexGuard<RawMutex, T>>;
    "Waits for the lock, at most until an instant."
        fn try_lock_arc_until(timeout: Instant) -> Option<ArcMutexGuard<RawMutex, T>>;
}

arc! { FairMutex in fair_mutex:
    "Waits for the lock." fn lock_arc() -> ArcMutexGuard<RawFairMutex, T>;
    "Takes the lock if it is free." fn try_lock_arc() -> Option<ArcMutexGuard<RawFairMutex, T>>;
    "Waits for the lock, at most for a time."
        fn try_lock_arc_for(timeout: Duration) -> Option<ArcMutexGuard<RawFairMutex, T>>;
    "Waits for the lock, at most until an instant."
        fn try_lock_arc_until(timeout: Instant) -> Option<ArcMutexGuard<RawFairMutex, T>>;
}

arc! { ReentrantMutex in reentrant:
    "Waits for the lock." fn lock_arc() -> ArcReentrantMutexGuard<RawMutex, RawThreadId, T>;
    "Takes the lock if no other thread has it."
        fn try_lock_arc() -> Option<ArcReentrantMutexGuard<RawMutex, RawThreadId, T>>;
    "Waits for the lock, at most for a time." fn try_lock_arc_for(timeout: Duration)
        -> Option<ArcReentrantMutexGuard<RawMutex, RawThreadId, T>>;
    "Waits for the lock, at most until an instant." fn try_lock_arc_until(timeout: Instant)
        -> Option<ArcReentrantMutexGuard<RawMutex, RawThreadId, T>>;
}

arc! { RwLock in rwlock:
    "Waits until there is no writer." fn read_arc() -> ArcRwLockReadGuard<RawRwLock, T>;
    "Takes the lock for reading if there is no writer."
        fn try_read_arc() -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits until there is no writer, at most for a time."
        fn try_read_arc_for(timeout: Duration) -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits until there is no writer, at most until an instant."
        fn try_read_arc_until(timeout: Instant) -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits as a reader that may read again."
        fn read_arc_recursive() -> ArcRwLockReadGuard<RawRwLock, T>;
    "Takes the lock as a reader that may read again, if there is no writer."
        fn try_read_recursive_arc() -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits as a reader that may read again, at most for a time."
        fn try_read_arc_recursive_for(timeout: Duration) -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits as a reader that may read again, at most until an instant."
        fn try_read_arc_recursive_until(timeout: Instant) -> Option<ArcRwLockReadGuard<RawRwLock, T>>;
    "Waits until no other thread has the lock, and takes it alone."
        fn write_arc() -> ArcRwLockWriteGuard<RawRwLock, T>;
    "Takes the lock alone if it is free."
        fn try_write_arc() -> Option<ArcRwLockWriteGuard<RawRwLock, T>>;
    "Waits for the lock alone, at most for a time."
        fn try_write_arc_for(timeout: Duration) -> Option<ArcRwLockWriteGuard<RawRwLock, T>>;
    "Waits for the lock alone, at most until an instant."
        fn try_write_arc_until(timeout: Instant) -> Option<ArcRwLockWriteGuard<RawRwLock, T>>;
    "Waits as a reader that may become a writer."
        fn upgradable_read_arc() -> ArcRwLockUpgradableReadGuard<RawRwLock, T>;
    "Takes the lock as a reader that may become a writer, if nobody has to be waited for."
        fn try_upgradable_read_arc() -> Option<ArcRwLockUpgradableReadGuard<RawRwLock, T>>;
    "Waits as a reader that may become a writer, at most for a time."
        fn try_upgradable_read_arc_for(timeout: Duration)
            -> Option<ArcRwLockUpgradableReadGuard<RawRwLock, T>>;
    "Waits as a reader that may become a writer, at most until an instant."
        fn try_upgradable_read_arc_until(timeout: Instant)
            -> Option<ArcRwLockUpgradableReadGuard<RawRwLock, T>>;
}
