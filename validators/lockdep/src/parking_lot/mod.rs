//! The crate `parking_lot` with checked locks: same names, same methods, same guards.
//!
//! `use lockdep::parking_lot::Mutex;` in the place of `use parking_lot::Mutex;` is all that a file needs. For a whole
//! crate, the package `lockdep-parking_lot` does it with one line in `Cargo.toml`. Without the feature `validate`, this is
//! `parking_lot` itself.
//!
//! The guards are those of `lock_api`, around a checked raw lock. With the feature `send_guard` of `parking_lot`, a guard
//! may end in another thread than the one that took the lock. Then an acquisition is checked against the locks that
//! the thread holds, but it does not count as held itself: no order that begins with such a lock is known.
//!
//! A lock that is made of `RawMutex::INIT` has no line of its own, so each such lock is a class of its own.

#[cfg(feature = "arc_lock")]
mod arc;
mod condvar;
mod fair_mutex;
mod mutex;
mod once;
mod raw;
mod raw_rwlock;
mod reentrant;
mod rwlock;
mod wrapper;

pub(crate) use raw::FILE as RAW_FILE;

#[cfg(feature = "deadlock_detection")]
#[doc(no_inline)]
pub use ::parking_lot::deadlock;
#[doc(no_inline)]
pub use ::parking_lot::lock_api;
#[cfg(feature = "arc_lock")]
#[doc(no_inline)]
pub use ::parking_lot::lock_api::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};
#[doc(no_inline)]
pub use ::parking_lot::{OnceState, RawThreadId};

pub use condvar::{Condvar, WaitTimeoutResult};
pub use fair_mutex::{FairMutex, FairMutexGuard, MappedFairMutexGuard, const_fair_mutex};
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, const_mutex};
pub use once::Once;
pub use raw::{Checked, CheckedRwLock, RawFairMutex, RawMutex, RawRwLock};
pub use reentrant::{
    MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard, const_reentrant_mutex,
};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, const_rwlock,
};
