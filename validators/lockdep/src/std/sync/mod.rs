//! [`std::sync`] with checked locks: same names, same methods, same poisoning.
//!
//! Everything that can make a thread wait is checked. Everything else, such as [`Arc`], is the standard library's.

mod barrier;
mod condvar;
mod lazy_lock;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
mod rwlock;

#[doc(no_inline)]
pub use ::std::sync::*;

pub use barrier::Barrier;
pub use condvar::{Condvar, WaitTimeoutResult};
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard};
#[expect(deprecated, reason = "std has it, and old programs use it")]
pub use once::ONCE_INIT;
pub use once::Once;
pub use once_lock::OnceLock;
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Changes the guard of a result, whether the lock is poisoned or not.
fn map_guard<G, H>(result: LockResult<G>, change: impl FnOnce(G) -> H) -> LockResult<H> {
    match result {
        Ok(guard) => Ok(change(guard)),
        Err(poisoned) => Err(PoisonError::new(change(poisoned.into_inner()))),
    }
}

/// Changes the guard of the result of an attempt, whether the lock is poisoned or not.
fn map_attempt<G, H>(result: TryLockResult<G>, change: impl FnOnce(G) -> H) -> TryLockResult<H> {
    match result {
        Ok(guard) => Ok(change(guard)),
        Err(TryLockError::Poisoned(poisoned)) => {
            Err(TryLockError::Poisoned(PoisonError::new(change(poisoned.into_inner()))))
        }
        Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
    }
}
