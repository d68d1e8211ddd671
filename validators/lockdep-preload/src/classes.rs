//! The classes of the locks of programs.
//!
//! The line that initialises locks is their class, if its function also allocates what they are in: it is a constructor. Otherwise the
//! line is often in a wrapper of the program, such as `my_init(m)`, and its locks do not belong together. So if such a class
//! seems to show a defect, it is given up, and each of its locks gets a class.
//!
//! A lock that no call initialises has a class of its own, named after its variable.

#![expect(clippy::disallowed_types, reason = "tables of this library's own")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::raw::{self, Class};
use lockdep::{Place, Wait, preload};

use crate::{blocks, callbacks, defects, functions, realtime, sections, std_locks};

/// Number of return addresses that tell ways to a constructor apart.
const CHAIN: usize = 6;
/// Maximum number of classes that one line gives up its class for. Classes are scarce, and further locks of the line are
/// in none that is checked.
const MAX_WAYS: usize = 256;
/// Greatest distance of two calls that are taken for calls of one function, in bytes.
const NEAR: usize = 512;

/// What is known about a lock.
#[derive(Clone)]
struct Known {
    class: Class,
    /// The line that has made the lock, and the way to it, or the lock itself.
    made: Option<(usize, u64)>,
}

/// A line that initialises locks. It may have several addresses, because it may be inlined in several places.
struct Line {
    name: String,
    class: Class,
    wait: Wait,
    /// The way to the line when it made its first lock, or that lock.
    first: u64,
    /// The classes of all ways, when the class was given up.
    ways: BTreeMap<u64, Class>,
}

/// The known locks, by address.
static LOCKS: Mutex<BTreeMap<usize, Known>> = Mutex::new(BTreeMap::new());
static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());
/// The names of lines, by address.
static NAMES: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());

/// The lowest and the highest address of a lock that was seen. Most memory that is freed is far from them.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

fn locks() -> MutexGuard<'static, BTreeMap<usize, Known>> {
    LOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lines() -> MutexGuard<'static, Vec<Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The locks of the tables, while this thread forks. Nothing is dropped at the end of a thread.
    static TABLES: ManuallyDrop<Cell<Option<Tables>>> = const { ManuallyDrop::new(Cell::new(None)) };
}

type Guard<T> = MutexGuard<'static, T>;
type Tables = (
    Guard<BTreeMap<usize, String>>,
    Guard<Vec<Line>>,
    Guard<BTreeMap<usize, Known>>,
    Guard<BTreeSet<usize>>,
    realtime::Guard,
    sections::Guard,
    std_locks::Guard,
    callbacks::Guard,
    functions::Guard,
);

/// Takes the locks of the tables, so that no other thread has one when the process is copied.
pub(crate) fn before_fork() {
    raw::unchecked(|| {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = (
            names,
            lines(),
            locks(),
            defects::lock(),
            realtime::lock(),
            sections::lock(),
            std_locks::lock(),
            callbacks::lock(),
            functions::lock(),
        );
        TABLES.with(|all| all.set(Some(tables)));
    });
}

/// Releases the locks of the tables.
pub(crate) fn after_fork() {
    raw::unchecked(|| drop(TABLES.with(|tables| tables.take())));
}

/// Notes that a lock of this size is initialised. A function that allocates nothing but the lock is a wrapper.
pub(crate) fn init(lock: usize, caller: usize, wait: Wait, size: usize) {
    raw::unchecked(|| {
        let name = {
            let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
            let describe = || raw::describe(Place::Address(caller));
            names.entry(caller).or_insert_with(describe).clone()
        };
        let is_constructor = blocks::is_from(lock, caller, NEAR) && blocks::size() > size;
        let way = if is_constructor { preload::chain(caller, CHAIN) } else { lock as u64 };
        let mut lines = lines();
        let index = match lines.iter().position(|line| line.name == name) {
            Some(index) => index,
            None => {
                let Some(class) = Class::new(&name, wait) else { return };
                lines.push(Line { name, class, wait, first: way, ways: BTreeMap::new() });
                lines.len() - 1
            }
        };
        let line = &lines[index];
        if way != line.first && !is_constructor {
            preload::mix(line.class);
        }
        let class = line.class;
        drop(lines);
        locks().insert(lock, Known { class, made: Some((index, way)) });
        is_seen(lock);
        defects::made(lock);
    });
}

fn is_seen(lock: usize) {
    LOWEST.fetch_min(lock, Ordering::Relaxed);
    HIGHEST.fetch_max(lock, Ordering::Relaxed);
}

/// Returns the class of a lock.
pub(crate) fn class_of(lock: usize, caller: usize, wait: Wait) -> Option<Class> {
    raw::unchecked(|| {
        let known = locks().get(&lock).cloned();
        let class = match known {
            Some(Known { class, made: Some((line, way)) }) if preload::is_split(class) => {
                class_of_way(line, way).unwrap_or(class)
            }
            Some(known) => return Some(known.class),
            None => {
                let name = raw::variable(lock).map_or_else(
                    || raw::describe(Place::Address(caller)),
                    |name| format!("&{name}"),
                );
                Class::new(&name, wait)?
            }
        };
        locks().insert(lock, Known { class, made: None });
        is_seen(lock);
        Some(class)
    })
}

/// Returns the class of one of the ways to a line whose class was given up.
fn class_of_way(line: usize, way: u64) -> Option<Class> {
    let mut lines = lines();
    let line = lines.get_mut(line)?;
    if let Some(class) = line.ways.get(&way) {
        return Some(*class);
    }
    if line.ways.len() >= MAX_WAYS {
        return None;
    }
    let class = Class::new(&line.name, line.wait)?;
    line.ways.insert(way, class);
    Some(class)
}

/// Returns the class of a lock that was seen before.
pub(crate) fn known(lock: usize) -> Option<Class> {
    raw::unchecked(|| locks().get(&lock).map(|known| known.class))
}

/// Forgets the locks in memory that is freed.
pub(crate) fn forget(memory: Range<usize>) {
    let is_far = memory.end <= LOWEST.load(Ordering::Relaxed)
        || memory.start > HIGHEST.load(Ordering::Relaxed);
    if is_far || raw::is_busy() {
        return;
    }
    defects::forget(&memory);
    raw::unchecked(|| {
        let mut locks = locks();
        let gone: Vec<usize> = locks.range(memory).map(|(address, _)| *address).collect();
        for address in gone {
            locks.remove(&address);
        }
    });
}
