//! Checks the locks of pthreads.

#![expect(unsafe_code, reason = "exports under the C library's names")]

use std::arch::naked_asm;

use libc::c_int;
use lockdep::raw;
use lockdep::{How, Place, Wait, preload};

use crate::classes::{class_of, forget, init, known};
use crate::next::{Verdict, next};
use crate::{defects, handlers, threads, waits};

type Pthread = *mut libc::c_void;

/// Checks an acquisition of a lock for readers and writers, which glibc refuses to the thread that has it for writing
/// (`EDEADLK`).
fn acquire_rwlock(call: &'static str, lock: Pthread, caller: usize, how: How) {
    if raw::is_held_alone(lock.addr()) {
        raw::refusing(|| acquire(call, lock, caller, how, Wait::Sleep));
    } else {
        acquire(call, lock, caller, how, Wait::Sleep);
    }
}

/// Checks an acquisition. `call` is the name of the function that may wait.
fn acquire(call: &'static str, lock: Pthread, caller: usize, how: How, wait: Wait) {
    if raw::is_busy() {
        return;
    }
    let place = Place::Address(caller);
    handlers::check(call);
    // The mutex of the thread's own wait for a condition belongs to that wait.
    if threads::is_wait_mutex(lock.addr()) {
        return;
    }
    defects::destroyed(lock.addr(), place);
    if wait == Wait::Sleep && !how.is_attempt() {
        raw::may_wait(call, place);
    }
    if let Some(class) = class_of(lock.addr(), caller, wait) {
        if wait == Wait::Sleep {
            defects::attempt(class, how.is_attempt(), place);
        }
        let is_known = wait == Wait::Sleep && preload::is_only_in_context();
        class.acquire(lock.addr(), if is_known { how.attempt() } else { how }, place);
    }
}

fn release(lock: Pthread, caller: usize, wait: Wait) {
    if raw::is_busy()
        || threads::is_wait_mutex(lock.addr())
        || threads::was_cancelled_with(lock.addr())
    {
        return;
    }
    if let Some(class) = class_of(lock.addr(), caller, wait) {
        class.release(lock.addr(), Place::Address(caller));
    }
}

/// Returns whether a call with this result has taken the lock. The holder of a robust mutex may have ended, and then the
/// lock is taken as well (`pthread_mutexattr_setrobust(3)`).
fn is_taken(result: c_int) -> bool {
    result == 0 || result == libc::EOWNERDEAD
}

/// Takes a lock that was checked, and forgets it if that fails: another thread has made it unusable, its holder takes it
/// once more, or too many readers have it.
fn take(
    lock: Pthread,
    caller: usize,
    attempt: fn(Pthread) -> c_int,
    wait: fn(Pthread) -> c_int,
) -> c_int {
    let result = take_measured(lock, caller, attempt, wait);
    if !is_taken(result) {
        release(lock, caller, Wait::Sleep);
    }
    result
}

/// Takes a lock by `wait`, and measures the wait if `attempt` shows that the lock is not free. Only the waits of
/// sections are measured, for `lockdep-run`.
fn take_measured(
    lock: Pthread,
    caller: usize,
    attempt: fn(Pthread) -> c_int,
    wait: fn(Pthread) -> c_int,
) -> c_int {
    if !raw::is_measured() {
        return wait(lock);
    }
    match attempt(lock) {
        libc::EBUSY => {}
        result => return result,
    }
    let waiting = raw::wait_begins(lock.addr());
    let result = wait(lock);
    if let Some(waiting) = waiting {
        let class = known(lock.addr());
        waiting.ends(class, Place::Address(caller));
    }
    result
}

/// Returns how a mutex is taken. A recursive mutex, which its holder may take again, protects itself. One that checks
/// for errors refuses its holder, so that call is an attempt.
fn how_of_mutex(mutex: Pthread) -> How {
    /// Offset of the kind in glibc's `pthread_mutex_t` on x86-64 (`bits/struct_mutex.h`), and two of the kinds.
    const KIND: usize = 16;
    const RECURSIVE: c_int = 1;
    const ERRORCHECK: c_int = 2;
    let kind = mutex.wrapping_byte_add(KIND).cast::<c_int>();
    // SAFETY: the caller promises a mutex, and the kind is an aligned int inside it.
    let kind = unsafe { kind.read() };
    match kind & 3 {
        RECURSIVE => How::EXCLUSIVE.under(mutex.addr()),
        ERRORCHECK if raw::is_held(mutex.addr()) => How::EXCLUSIVE.attempt(),
        _ => How::EXCLUSIVE,
    }
}

next! {
    fn next_mutex_init = c"pthread_mutex_init"(lock: Pthread, attributes: Pthread);
    fn next_mutex_destroy = c"pthread_mutex_destroy"(lock: Pthread);
    fn next_mutex_lock = c"pthread_mutex_lock"(lock: Pthread);
    fn next_mutex_trylock = c"pthread_mutex_trylock"(lock: Pthread);
    fn next_mutex_unlock = c"pthread_mutex_unlock"(lock: Pthread);
    fn next_rwlock_init = c"pthread_rwlock_init"(lock: Pthread, attributes: Pthread);
    fn next_rwlock_destroy = c"pthread_rwlock_destroy"(lock: Pthread);
    fn next_rwlock_rdlock = c"pthread_rwlock_rdlock"(lock: Pthread);
    fn next_rwlock_tryrdlock = c"pthread_rwlock_tryrdlock"(lock: Pthread);
    fn next_rwlock_wrlock = c"pthread_rwlock_wrlock"(lock: Pthread);
    fn next_rwlock_trywrlock = c"pthread_rwlock_trywrlock"(lock: Pthread);
    fn next_rwlock_unlock = c"pthread_rwlock_unlock"(lock: Pthread);
    fn next_mtx_init = c"mtx_init"(lock: Pthread, kind: c_int);
    fn next_mtx_destroy = c"mtx_destroy"(lock: Pthread);
    fn next_mtx_lock = c"mtx_lock"(lock: Pthread);
    fn next_mtx_unlock = c"mtx_unlock"(lock: Pthread);
    fn next_spin_init = c"pthread_spin_init"(lock: Pthread, shared: c_int);
    fn next_spin_destroy = c"pthread_spin_destroy"(lock: Pthread);
    fn next_spin_lock = c"pthread_spin_lock"(lock: Pthread);
    fn next_spin_trylock = c"pthread_spin_trylock"(lock: Pthread);
    fn next_spin_unlock = c"pthread_spin_unlock"(lock: Pthread);
}

/// Exports a function that passes its caller's return address to ours as an additional argument.
macro_rules! export {
    ($($name:ident($register:literal) => $ours:ident;)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() -> c_int {
            naked_asm!(concat!("mov ", $register, ", [rsp]"), "jmp {}", sym $ours)
        }
    )* };
}

export! {
    pthread_mutex_init("rdx") => mutex_init;
    pthread_mutex_destroy("rsi") => mutex_destroy;
    pthread_mutex_lock("rsi") => mutex_lock;
    pthread_mutex_unlock("rsi") => mutex_unlock;
    pthread_rwlock_init("rdx") => rwlock_init;
    pthread_rwlock_destroy("rsi") => rwlock_destroy;
    pthread_rwlock_rdlock("rsi") => rwlock_rdlock;
    pthread_rwlock_wrlock("rsi") => rwlock_wrlock;
    pthread_rwlock_unlock("rsi") => rwlock_unlock;
    mtx_init("rdx") => mtx_init_;
    mtx_destroy("rsi") => mtx_destroy_;
    mtx_lock("rsi") => mtx_lock_;
    mtx_unlock("rsi") => mtx_unlock_;
    pthread_spin_init("rdx") => spin_init;
    pthread_spin_destroy("rsi") => spin_destroy;
    pthread_spin_lock("rsi") => spin_lock;
    pthread_spin_trylock("rsi") => spin_trylock;
    pthread_spin_unlock("rsi") => spin_unlock;
}

/// Sizes of glibc's locks on x86-64, in bytes.
const MUTEX: usize = 40;
const RWLOCK: usize = 56;

extern "C" fn mutex_init(lock: Pthread, attributes: Pthread, caller: usize) -> c_int {
    init(lock.addr(), caller, Wait::Sleep, MUTEX);
    next_mutex_init(lock, attributes)
}

extern "C" fn mutex_lock(lock: Pthread, caller: usize) -> c_int {
    acquire("pthread_mutex_lock", lock, caller, how_of_mutex(lock), Wait::Sleep);
    take(lock, caller, next_mutex_trylock, next_mutex_lock)
}

extern "C" fn mutex_unlock(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Sleep);
    next_mutex_unlock(lock)
}

/// Size of the smallest lock in bytes, which is enough to find the lock that is destroyed.
const LOCK_SIZE: usize = 4;

/// Destroys a lock by `next`, which may refuse: the lock stays as it is if a thread holds it.
fn destroy(lock: Pthread, next: fn(Pthread) -> c_int) -> c_int {
    let memory = lock.addr()..lock.addr() + LOCK_SIZE;
    raw::frees(memory.clone());
    let result = next(lock);
    if result == 0 {
        forget(memory);
        defects::is_destroyed(lock.addr());
    }
    result
}

extern "C" fn mutex_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroy(lock, next_mutex_destroy)
}

extern "C" fn mtx_init_(lock: Pthread, kind: c_int, caller: usize) -> c_int {
    init(lock.addr(), caller, Wait::Sleep, MUTEX);
    next_mtx_init(lock, kind)
}

extern "C" fn mtx_destroy_(lock: Pthread, _caller: usize) -> c_int {
    // `mtx_destroy` returns nothing.
    destroy(lock, |lock| {
        next_mtx_destroy(lock);
        0
    })
}

extern "C" fn mtx_lock_(lock: Pthread, caller: usize) -> c_int {
    acquire("mtx_lock", lock, caller, how_of_mutex(lock), Wait::Sleep);
    let result = next_mtx_lock(lock);
    if !is_taken(result) {
        release(lock, caller, Wait::Sleep);
    }
    result
}

extern "C" fn mtx_unlock_(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Sleep);
    next_mtx_unlock(lock)
}

extern "C" fn rwlock_init(lock: Pthread, attributes: Pthread, caller: usize) -> c_int {
    init(lock.addr(), caller, Wait::Sleep, RWLOCK);
    next_rwlock_init(lock, attributes)
}

extern "C" fn rwlock_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroy(lock, next_rwlock_destroy)
}

/// Returns how a thread takes a lock for reading. By default glibc's readers go before waiting writers, so a thread may
/// read twice at a time. Of one kind of locks they do not (`pthread_rwlockattr_setkind_np(3)`).
fn how_of_reading(lock: Pthread) -> How {
    /// Offset of the kind in glibc's `pthread_rwlock_t` on x86-64 (`bits/struct_rwlock.h`), and that kind.
    const KIND: usize = 48;
    const PREFER_WRITER_NONRECURSIVE: c_int = 2;
    let kind = lock.wrapping_byte_add(KIND).cast::<c_int>();
    // SAFETY: the caller promises a lock, and the kind is an aligned int inside it.
    let kind = unsafe { kind.read() };
    if kind == PREFER_WRITER_NONRECURSIVE { How::SHARED } else { How::SHARED_RECURSIVE }
}

extern "C" fn rwlock_rdlock(lock: Pthread, caller: usize) -> c_int {
    acquire_rwlock("pthread_rwlock_rdlock", lock, caller, how_of_reading(lock));
    take(lock, caller, next_rwlock_tryrdlock, next_rwlock_rdlock)
}

extern "C" fn rwlock_wrlock(lock: Pthread, caller: usize) -> c_int {
    acquire_rwlock("pthread_rwlock_wrlock", lock, caller, How::EXCLUSIVE);
    take(lock, caller, next_rwlock_trywrlock, next_rwlock_wrlock)
}

extern "C" fn rwlock_unlock(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Sleep);
    next_rwlock_unlock(lock)
}

extern "C" fn spin_init(lock: Pthread, shared: c_int, caller: usize) -> c_int {
    init(lock.addr(), caller, Wait::Config, LOCK_SIZE);
    next_spin_init(lock, shared)
}

extern "C" fn spin_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroy(lock, next_spin_destroy)
}

extern "C" fn spin_lock(lock: Pthread, caller: usize) -> c_int {
    raw::spin_enter();
    acquire("pthread_spin_lock", lock, caller, How::EXCLUSIVE, Wait::Config);
    take_measured(lock, caller, next_spin_trylock, next_spin_lock)
}

extern "C" fn spin_trylock(lock: Pthread, caller: usize) -> c_int {
    let result = next_spin_trylock(lock);
    if result == 0 {
        raw::spin_enter();
        acquire("pthread_spin_trylock", lock, caller, How::EXCLUSIVE.attempt(), Wait::Config);
    }
    result
}

extern "C" fn spin_unlock(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Config);
    let result = next_spin_unlock(lock);
    raw::spin_leave();
    result
}

/// Checks a wait for a condition, which releases the mutex and takes it again.
fn wait(
    call: &'static str,
    lock: Pthread,
    (caller, place): (usize, usize),
    is_limited: bool,
    wait: impl FnOnce() -> c_int,
) -> c_int {
    if raw::is_busy() {
        return wait();
    }
    handlers::check(call);
    release(lock, caller, Wait::Sleep);
    let own = waits::is_own_wait(call, Verdict::Waits, (caller, place));
    if own {
        threads::has_wait_mutex(lock.addr());
        waits::begins(caller);
    } else if !is_limited {
        defects::waits(Place::Address(caller));
    }
    threads::has_released(Some(lock.addr()));
    let result = wait();
    threads::has_released(None);
    if own {
        waits::ends(caller);
    }
    // The thread had no such mutex, or nobody can take it any more.
    if [libc::EPERM, libc::ENOTRECOVERABLE].contains(&result) {
        return result;
    }
    // The wait for the mutex is part of the wait for the condition, so it counts as an attempt.
    let how = how_of_mutex(lock).attempt();
    acquire("pthread_mutex_lock", lock, caller, how, Wait::Sleep);
    result
}

/// Exports a wait for a condition.
macro_rules! conditions {
    ($($name:ident($register:literal, $is_limited:literal) => $ours:ident = $symbol:literal($($more:ident: $type:ty),*);)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() -> c_int {
            naked_asm!(concat!("mov ", $register, ", rsp"), "jmp {}", sym $ours)
        }

        extern "C-unwind" fn $ours(condition: Pthread, lock: Pthread, $($more: $type,)* stack: *const usize) -> c_int {
            next! { extern "C-unwind" fn next = $symbol(condition: Pthread, lock: Pthread $(, $more: $type)*); }
            // SAFETY: the export has passed the address of its return address.
            let caller = unsafe { stack.read() };
            wait(stringify!($name), lock, (caller, stack.addr()), $is_limited, || next(condition, lock, $($more),*))
        }
    )* };
}

conditions! {
    pthread_cond_wait("rdx", false) => cond_wait = c"pthread_cond_wait"();
    pthread_cond_timedwait("rcx", true) => cond_timedwait = c"pthread_cond_timedwait"(until: Pthread);
    pthread_cond_clockwait("r8", true) => cond_clockwait = c"pthread_cond_clockwait"(clock: c_int, until: Pthread);
    cnd_wait("rdx", false) => cnd_wait_ = c"cnd_wait"();
    cnd_timedwait("rcx", true) => cnd_timedwait_ = c"cnd_timedwait"(until: Pthread);
}

/// Exports a function that takes a lock and passes what else it needs to the next library. `waits` says whether it may
/// wait.
macro_rules! takes {
    ($($name:ident($register:literal) => $ours:ident = $symbol:literal($($more:ident: $type:ty),*), $how:expr, $waits:literal;)*) => { $(
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        unsafe extern "C" fn $name() -> c_int {
            naked_asm!(concat!("mov ", $register, ", [rsp]"), "jmp {}", sym $ours)
        }

        extern "C" fn $ours(lock: Pthread, $($more: $type,)* caller: usize) -> c_int {
            next! { fn next = $symbol(lock: Pthread $(, $more: $type)*); }
            if $waits && !raw::is_busy() && !threads::is_wait_mutex(lock.addr()) {
                raw::may_wait(stringify!($name), Place::Address(caller));
            }
            let how: fn(Pthread) -> How = $how;
            let result = next(lock, $($more),*);
            // With a time there is no deadlock: the call fails.
            if is_taken(result) {
                acquire(stringify!($name), lock, caller, how(lock).attempt(), Wait::Sleep);
            }
            result
        }
    )* };
}

takes! {
    pthread_mutex_timedlock("rdx") => mutex_timedlock = c"pthread_mutex_timedlock"(until: Pthread), how_of_mutex, true;
    pthread_mutex_clocklock("rcx") => mutex_clocklock = c"pthread_mutex_clocklock"(clock: c_int, until: Pthread), how_of_mutex, true;
    pthread_mutex_trylock("rsi") => mutex_trylock = c"pthread_mutex_trylock"(), how_of_mutex, false;
    pthread_rwlock_tryrdlock("rsi") => rwlock_tryrdlock = c"pthread_rwlock_tryrdlock"(), how_of_reading, false;
    pthread_rwlock_trywrlock("rsi") => rwlock_trywrlock = c"pthread_rwlock_trywrlock"(), |_| How::EXCLUSIVE, false;
    pthread_rwlock_timedrdlock("rdx") => rwlock_timedrdlock = c"pthread_rwlock_timedrdlock"(until: Pthread), how_of_reading, true;
    pthread_rwlock_timedwrlock("rdx") => rwlock_timedwrlock = c"pthread_rwlock_timedwrlock"(until: Pthread), |_| How::EXCLUSIVE, true;
    pthread_rwlock_clockrdlock("rcx") => rwlock_clockrdlock = c"pthread_rwlock_clockrdlock"(clock: c_int, until: Pthread), how_of_reading, true;
    pthread_rwlock_clockwrlock("rcx") => rwlock_clockwrlock = c"pthread_rwlock_clockwrlock"(clock: c_int, until: Pthread), |_| How::EXCLUSIVE, true;
    mtx_trylock("rsi") => mtx_trylock_ = c"mtx_trylock"(), how_of_mutex, false;
    mtx_timedlock("rdx") => mtx_timedlock_ = c"mtx_timedlock"(until: Pthread), how_of_mutex, true;
}
