//! Checks the locks of pthreads.

#![expect(unsafe_code, reason = "exports under the C library's names")]
#![expect(clippy::disallowed_types, reason = "a table of this library's own")]

use std::arch::naked_asm;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use libc::c_int;
use lockdep::raw::{self, Class};
use lockdep::{How, Place, Wait};

use crate::next::next;

type Pthread = *mut libc::c_void;

/// The classes of known locks, by the address of the lock.
static CLASSES: Mutex<BTreeMap<usize, Class>> = Mutex::new(BTreeMap::new());
/// The classes of the lines that initialise locks. A line may have several addresses, because it may be inlined in
/// several places.
static LINES: Mutex<BTreeMap<String, Class>> = Mutex::new(BTreeMap::new());
/// The names of lines, by address.
static NAMES: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());

fn classes() -> std::sync::MutexGuard<'static, BTreeMap<usize, Class>> {
    CLASSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the class of a lock that is initialised here. Each such line is a class.
fn init(lock: Pthread, caller: usize, wait: Wait) {
    raw::unchecked(|| {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let name = names.entry(caller).or_insert_with(|| raw::describe(Place::Address(caller)));
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let class = match lines.get(name) {
            Some(class) => *class,
            None => {
                let Some(class) = Class::new(name, wait) else { return };
                lines.insert(name.clone(), class);
                class
            }
        };
        classes().insert(lock.addr(), class);
    });
}

/// Returns the class of a lock. A lock without an initialising call has a class of its own, named after its variable.
fn class_of(lock: Pthread, caller: usize, wait: Wait) -> Option<Class> {
    raw::unchecked(|| {
        if let Some(class) = classes().get(&lock.addr()) {
            return Some(*class);
        }
        let name = raw::variable(lock.addr())
            .map_or_else(|| raw::describe(Place::Address(caller)), |name| format!("&{name}"));
        let class = Class::new(&name, wait)?;
        classes().insert(lock.addr(), class);
        Some(class)
    })
}

/// Forgets the locks in memory that is freed.
pub(crate) fn forget(memory: Range<usize>) {
    if raw::is_busy() {
        return;
    }
    raw::unchecked(|| {
        let mut classes = classes();
        let gone: Vec<usize> = classes.range(memory).map(|(address, _)| *address).collect();
        for address in gone {
            classes.remove(&address);
        }
    });
}

fn acquire(lock: Pthread, caller: usize, how: How, wait: Wait) {
    if raw::is_busy() {
        return;
    }
    let place = Place::Address(caller);
    if wait == Wait::Sleep && !how.is_attempt() {
        lockdep::might_sleep_at(place);
    }
    if let Some(class) = class_of(lock, caller, wait) {
        class.acquire(lock.addr(), how, place);
    }
}

fn release(lock: Pthread, caller: usize, wait: Wait) {
    if raw::is_busy() {
        return;
    }
    if let Some(class) = class_of(lock, caller, wait) {
        class.release(lock.addr(), Place::Address(caller));
    }
}

/// Returns how a mutex is taken. A recursive mutex, which its holder may take again, protects itself.
fn how_of_mutex(mutex: Pthread) -> How {
    /// Offset of the kind in glibc's `pthread_mutex_t` on x86-64, and the kind of a recursive mutex
    /// (`bits/struct_mutex.h`).
    const KIND: usize = 16;
    const RECURSIVE: c_int = 1;
    let kind = mutex.wrapping_byte_add(KIND).cast::<c_int>();
    // SAFETY: the caller promises a mutex, and the kind is an aligned int inside it.
    let kind = unsafe { kind.read() };
    let nest = if kind & 3 == RECURSIVE { mutex.addr() } else { 0 };
    How::EXCLUSIVE.under(nest)
}

next! {
    fn next_mutex_init = c"pthread_mutex_init"(lock: Pthread, attributes: Pthread);
    fn next_mutex_destroy = c"pthread_mutex_destroy"(lock: Pthread);
    fn next_mutex_lock = c"pthread_mutex_lock"(lock: Pthread);
    fn next_mutex_trylock = c"pthread_mutex_trylock"(lock: Pthread);
    fn next_mutex_timedlock = c"pthread_mutex_timedlock"(lock: Pthread, until: Pthread);
    fn next_mutex_unlock = c"pthread_mutex_unlock"(lock: Pthread);
    fn next_rwlock_init = c"pthread_rwlock_init"(lock: Pthread, attributes: Pthread);
    fn next_rwlock_destroy = c"pthread_rwlock_destroy"(lock: Pthread);
    fn next_rwlock_rdlock = c"pthread_rwlock_rdlock"(lock: Pthread);
    fn next_rwlock_tryrdlock = c"pthread_rwlock_tryrdlock"(lock: Pthread);
    fn next_rwlock_wrlock = c"pthread_rwlock_wrlock"(lock: Pthread);
    fn next_rwlock_trywrlock = c"pthread_rwlock_trywrlock"(lock: Pthread);
    fn next_rwlock_unlock = c"pthread_rwlock_unlock"(lock: Pthread);
    fn next_spin_init = c"pthread_spin_init"(lock: Pthread, shared: c_int);
    fn next_spin_destroy = c"pthread_spin_destroy"(lock: Pthread);
    fn next_spin_lock = c"pthread_spin_lock"(lock: Pthread);
    fn next_spin_trylock = c"pthread_spin_trylock"(lock: Pthread);
    fn next_spin_unlock = c"pthread_spin_unlock"(lock: Pthread);
    fn next_cond_wait = c"pthread_cond_wait"(condition: Pthread, lock: Pthread);
    fn next_cond_timedwait = c"pthread_cond_timedwait"(
        condition: Pthread, lock: Pthread, until: Pthread
    );
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
    pthread_mutex_trylock("rsi") => mutex_trylock;
    pthread_mutex_timedlock("rdx") => mutex_timedlock;
    pthread_mutex_unlock("rsi") => mutex_unlock;
    pthread_rwlock_init("rdx") => rwlock_init;
    pthread_rwlock_destroy("rsi") => rwlock_destroy;
    pthread_rwlock_rdlock("rsi") => rwlock_rdlock;
    pthread_rwlock_tryrdlock("rsi") => rwlock_tryrdlock;
    pthread_rwlock_wrlock("rsi") => rwlock_wrlock;
    pthread_rwlock_trywrlock("rsi") => rwlock_trywrlock;
    pthread_rwlock_unlock("rsi") => rwlock_unlock;
    pthread_spin_init("rdx") => spin_init;
    pthread_spin_destroy("rsi") => spin_destroy;
    pthread_spin_lock("rsi") => spin_lock;
    pthread_spin_trylock("rsi") => spin_trylock;
    pthread_spin_unlock("rsi") => spin_unlock;
    pthread_cond_wait("rdx") => cond_wait;
    pthread_cond_timedwait("rcx") => cond_timedwait;
}

extern "C" fn mutex_init(lock: Pthread, attributes: Pthread, caller: usize) -> c_int {
    init(lock, caller, Wait::Sleep);
    next_mutex_init(lock, attributes)
}

extern "C" fn mutex_lock(lock: Pthread, caller: usize) -> c_int {
    acquire(lock, caller, how_of_mutex(lock), Wait::Sleep);
    next_mutex_lock(lock)
}

extern "C" fn mutex_timedlock(lock: Pthread, until: Pthread, caller: usize) -> c_int {
    lockdep::might_sleep_at(Place::Address(caller));
    let result = next_mutex_timedlock(lock, until);
    if result == 0 {
        acquire(lock, caller, how_of_mutex(lock).attempt(), Wait::Sleep);
    }
    result
}

extern "C" fn mutex_trylock(lock: Pthread, caller: usize) -> c_int {
    let result = next_mutex_trylock(lock);
    if result == 0 {
        acquire(lock, caller, how_of_mutex(lock).attempt(), Wait::Sleep);
    }
    result
}

extern "C" fn mutex_unlock(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Sleep);
    next_mutex_unlock(lock)
}

/// Size of the smallest lock in bytes, which is enough to find the lock that is destroyed.
const LOCK_SIZE: usize = 4;

fn destroyed(lock: Pthread) {
    let memory = lock.addr()..lock.addr() + LOCK_SIZE;
    raw::frees(memory.clone());
    forget(memory);
}

extern "C" fn mutex_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroyed(lock);
    next_mutex_destroy(lock)
}

extern "C" fn rwlock_init(lock: Pthread, attributes: Pthread, caller: usize) -> c_int {
    init(lock, caller, Wait::Sleep);
    next_rwlock_init(lock, attributes)
}

extern "C" fn rwlock_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroyed(lock);
    next_rwlock_destroy(lock)
}

/// How a thread takes a lock for reading. By default glibc's readers go before waiting writers, so a thread may read
/// twice at a time (`pthread_rwlockattr_setkind_np(3)`).
extern "C" fn rwlock_rdlock(lock: Pthread, caller: usize) -> c_int {
    acquire(lock, caller, How::SHARED_RECURSIVE, Wait::Sleep);
    next_rwlock_rdlock(lock)
}

extern "C" fn rwlock_tryrdlock(lock: Pthread, caller: usize) -> c_int {
    let result = next_rwlock_tryrdlock(lock);
    if result == 0 {
        acquire(lock, caller, How::SHARED_RECURSIVE.attempt(), Wait::Sleep);
    }
    result
}

extern "C" fn rwlock_wrlock(lock: Pthread, caller: usize) -> c_int {
    acquire(lock, caller, How::EXCLUSIVE, Wait::Sleep);
    next_rwlock_wrlock(lock)
}

extern "C" fn rwlock_trywrlock(lock: Pthread, caller: usize) -> c_int {
    let result = next_rwlock_trywrlock(lock);
    if result == 0 {
        acquire(lock, caller, How::EXCLUSIVE.attempt(), Wait::Sleep);
    }
    result
}

extern "C" fn rwlock_unlock(lock: Pthread, caller: usize) -> c_int {
    release(lock, caller, Wait::Sleep);
    next_rwlock_unlock(lock)
}

extern "C" fn spin_init(lock: Pthread, shared: c_int, caller: usize) -> c_int {
    init(lock, caller, Wait::Config);
    next_spin_init(lock, shared)
}

extern "C" fn spin_destroy(lock: Pthread, _caller: usize) -> c_int {
    destroyed(lock);
    next_spin_destroy(lock)
}

extern "C" fn spin_lock(lock: Pthread, caller: usize) -> c_int {
    raw::spin_enter();
    acquire(lock, caller, How::EXCLUSIVE, Wait::Config);
    next_spin_lock(lock)
}

extern "C" fn spin_trylock(lock: Pthread, caller: usize) -> c_int {
    let result = next_spin_trylock(lock);
    if result == 0 {
        raw::spin_enter();
        acquire(lock, caller, How::EXCLUSIVE.attempt(), Wait::Config);
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
fn wait(lock: Pthread, caller: usize, wait: impl FnOnce() -> c_int) -> c_int {
    let turn = crate::waits::turn_begins(caller);
    release(lock, caller, Wait::Sleep);
    let result = wait();
    if turn {
        crate::waits::turn_ends();
    }
    // The wait for the mutex is part of the wait for the condition, so it counts as an attempt.
    let how = how_of_mutex(lock);
    acquire(lock, caller, if turn { how.attempt() } else { how }, Wait::Sleep);
    result
}

extern "C" fn cond_wait(condition: Pthread, lock: Pthread, caller: usize) -> c_int {
    wait(lock, caller, || next_cond_wait(condition, lock))
}

extern "C" fn cond_timedwait(
    condition: Pthread,
    lock: Pthread,
    until: Pthread,
    caller: usize,
) -> c_int {
    wait(lock, caller, || next_cond_timedwait(condition, lock, until))
}
