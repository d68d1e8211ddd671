//! The places through which functions are called: slots that the dynamic linker has filled with addresses.
//!
//! These are the tables for calls between libraries, of virtual functions, and a program's own tables of functions. An
//! address that a program computes itself is in none of them, and neither are direct calls within a file.

#![expect(clippy::disallowed_types, reason = "a list of this library's own")]

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::preload;
use lockdep::preload::named;

use super::objects::{self, Object, Slot};
use super::{FUNCTIONS, TABLE, entry, note, wanted};

/// What is known about the files of the process.
#[derive(Default)]
pub(crate) struct Known {
    /// Files whose functions were looked at.
    objects: Vec<Object>,
    /// The number of the function at an address.
    numbers: BTreeMap<usize, usize>,
    /// The functions that other files find by their names.
    exported: BTreeMap<String, Vec<usize>>,
    /// Where the files are that were there at the start, in the order in which the dynamic linker searches them.
    first: Vec<Range<usize>>,
    /// How many functions there are.
    count: usize,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// The lock of what is known.
pub(crate) type Guard = MutexGuard<'static, Option<Known>>;

/// Locks what is known while the process forks.
pub(crate) fn lock() -> Guard {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at the files that are loaded now, and exchanges the addresses of the functions in all slots.
pub(super) fn refresh() {
    let mut known = lock();
    let objects = objects::all();
    let first = || objects.iter().map(|object| object.memory.clone()).collect();
    let known = known.get_or_insert_with(|| Known { first: first(), ..Known::default() });
    let gone = |address: usize| !objects.iter().any(|object| object.memory.contains(&address));
    for (&address, &number) in &known.numbers {
        TABLE[number].is_gone.store(gone(address), Ordering::Relaxed);
    }
    for object in &objects {
        if !known.objects.contains(object) {
            known.look_at(object);
        }
    }
    if !known.numbers.is_empty() {
        for object in objects.iter().filter(|object| !object.is_ours()) {
            object.slots(|slot| known.exchange(object, &slot));
        }
    }
    known.objects = objects;
}

/// Returns the entry of a function, or its address if it is not named.
pub(super) fn found(function: usize) -> usize {
    match lock().as_ref().and_then(|known| known.numbers.get(&function).copied()) {
        Some(number) => TABLE[number].entry(number),
        None => function,
    }
}

/// Returns whether the file of some code has a list of folders of its own in which it searches libraries.
pub(super) fn has_search_path(code: usize) -> bool {
    objects::all().iter().any(|object| object.memory.contains(&code) && object.has_search_path)
}

impl super::Function {
    /// Returns the entry, and notes that something may call it.
    fn entry(&self, number: usize) -> usize {
        note(self.names.load(Ordering::Relaxed), named::HAS_SLOT);
        entry::at(number)
    }
}

impl Known {
    /// Finds the named functions of a file.
    fn look_at(&mut self, object: &Object) {
        if object.is_ours() {
            return;
        }
        let fitting = |raw: &str, readable: &dyn Fn() -> String| {
            let fits = wanted().iter().enumerate().filter(|(_, one)| one.fits(raw, readable));
            fits.fold(0_u64, |names, (index, _)| names | 1 << index)
        };
        preload::functions(&object.path, |function| {
            let names = fitting(function.name, &|| function.readable());
            if names == 0 {
                return;
            }
            note(names, named::EXISTS);
            let address = object.base.wrapping_add(function.address);
            let readable = function.readable();
            let Some(number) = self.number(address, names, &readable) else {
                note(names, named::LEFT_OUT);
                return;
            };
            if function.is_exported {
                let named = self.exported.entry(function.name.to_owned()).or_default();
                if !named.contains(&number) {
                    named.push(number);
                }
            }
        });
    }

    /// Returns the number of a function, and gives it one if it has none. There is none left if there are too many.
    fn number(&mut self, address: usize, names: u64, readable: &str) -> Option<usize> {
        let is_same =
            |number: &usize| TABLE[*number].name.get().is_some_and(|old| *old == readable);
        let number = match self.numbers.get(&address).copied().filter(is_same) {
            Some(number) => number,
            None if self.count < FUNCTIONS => {
                self.count += 1;
                self.count - 1
            }
            None => return None,
        };
        let function = &TABLE[number];
        function.name.get_or_init(|| String::leak(readable.to_owned()));
        function.names.store(names, Ordering::Relaxed);
        function.is_gone.store(false, Ordering::Relaxed);
        function.address.store(address, Ordering::Release);
        self.numbers.insert(address, number);
        Some(number)
    }

    /// Puts the entry of a function into a slot that has the function's address.
    fn exchange(&self, object: &Object, slot: &Slot<'_>) {
        let value = slot.value();
        if entry::number_of(value).is_some() {
            return;
        }
        let number = match self.numbers.get(&value).copied() {
            Some(number) => number,
            // A call that was not made yet: the slot leads into the file's own code, which looks the function up.
            None if slot.is_call() && object.memory.contains(&value) => {
                let Some(number) = slot.name.and_then(|name| self.resolve(name)) else { return };
                number
            }
            None => return,
        };
        if object.write(slot, entry::at(number)) {
            TABLE[number].entry(number);
        }
    }

    /// Returns the function that a call by a name leads to, if that is known without the dynamic linker: its lock may be
    /// held by a thread that waits for the one of this list.
    fn resolve(&self, name: &CStr) -> Option<usize> {
        let candidates = self.exported.get(name.to_str().ok()?)?;
        let address = |number: usize| TABLE[number].address.load(Ordering::Relaxed);
        let alive =
            candidates.iter().copied().filter(|&one| !TABLE[one].is_gone.load(Ordering::Relaxed));
        // Of the files that were there at the start, the first one counts.
        let first = self
            .first
            .iter()
            .find_map(|memory| alive.clone().find(|&number| memory.contains(&address(number))));
        first.or_else(|| {
            // Of several others, which one depends on how they were loaded.
            let mut others = alive.clone();
            let one = others.next()?;
            others.next().is_none().then_some(one)
        })
    }
}
