//! Memory of models: cells, objects that can be freed, pointers, lists.
#![expect(clippy::disallowed_types, reason = "one task runs at a time; the locks never wait")]

use super::task::{access, allocated, fail, freed, new_id, point, touch};
use crate::report::Checker;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The value of a cell.
#[derive(Debug)]
struct Cell<T>(Mutex<T>);

impl<T> Cell<T> {
    const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A variable with plain accesses: what two tasks do at the same time is a data race, unless both read.
#[derive(Clone, Debug)]
pub struct Plain<T>(Arc<(usize, Cell<T>)>);

impl<T: Copy> Plain<T> {
    /// Makes a variable.
    pub fn new(value: T) -> Self {
        Self(Arc::new((new_id(), Cell::new(value))))
    }

    /// Reads it.
    #[must_use]
    pub fn get(&self) -> T {
        access(self.0.0, false, true);
        self.0.1.with(|value| *value)
    }

    /// Reads it by a marked access, such as `READ_ONCE`.
    #[must_use]
    pub fn get_marked(&self) -> T {
        access(self.0.0, false, false);
        self.0.1.with(|value| *value)
    }

    /// Writes it.
    pub fn set(&self, value: T) {
        access(self.0.0, true, true);
        self.0.1.with(|place| *place = value);
        touch();
    }

    /// Reads it, and writes what `change` makes of the value. Others can come between.
    pub fn update(&self, change: impl FnOnce(T) -> T) {
        let value = self.get();
        self.set(change(value));
    }
}

/// A variable whose accesses are all atomic.
#[derive(Clone, Debug)]
pub struct Atomic<T>(Arc<(usize, Cell<T>)>);

impl<T: Copy> Atomic<T> {
    /// Makes a variable.
    pub fn new(value: T) -> Self {
        Self(Arc::new((new_id(), Cell::new(value))))
    }

    /// Reads it.
    #[must_use]
    pub fn get(&self) -> T {
        access(self.0.0, false, false);
        self.0.1.with(|value| *value)
    }

    /// Writes it.
    pub fn set(&self, value: T) {
        let _before = self.change(|_| value);
    }

    /// Changes it in one step. Returns the value before.
    pub fn change(&self, change: impl FnOnce(T) -> T) -> T {
        access(self.0.0, true, false);
        let before = self.0.1.with(|place| {
            let before = *place;
            *place = change(before);
            before
        });
        touch();
        before
    }
}

/// An object that is allocated and freed by hand. A reference to it can be kept for too long.
#[derive(Debug)]
pub struct Ref<T>(Arc<Object<T>>);

#[derive(Debug)]
struct Object<T> {
    id: usize,
    gone: AtomicBool,
    value: T,
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Ref<T> {
    /// Allocates an object. It must be freed before the end.
    pub fn new(value: T) -> Self {
        let id = new_id();
        allocated(id);
        Self(Arc::new(Object { id, gone: AtomicBool::new(false), value }))
    }

    /// Returns what is in the object. Reports a use after free.
    #[must_use]
    pub fn get(&self) -> &T {
        point();
        if self.0.gone.load(Ordering::Relaxed) {
            fail(Checker::Memory, "KASAN: slab-use-after-free");
        }
        &self.0.value
    }

    /// Frees the object. Reports a second time.
    pub fn free(&self) {
        point();
        if self.0.gone.swap(true, Ordering::Relaxed) {
            fail(Checker::Memory, "KASAN: double-free");
        }
        freed(self.0.id);
    }

    /// Returns whether two references are to the same object.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

/// Reports the use of a null pointer.
pub fn null() {
    fail(Checker::Memory, "general protection fault");
}

/// A pointer that is read and written in one step.
#[derive(Debug)]
pub struct Slot<T>(Arc<(usize, Cell<Option<Ref<T>>>)>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    /// Makes a pointer.
    pub fn new(target: Option<Ref<T>>) -> Self {
        Self(Arc::new((new_id(), Cell::new(target))))
    }

    /// Returns the object that it points to.
    #[must_use]
    pub fn get(&self) -> Option<Ref<T>> {
        access(self.0.0, false, false);
        self.0.1.with(|target| target.clone())
    }

    /// Lets it point to another object. Returns the one before.
    pub fn swap(&self, target: Option<Ref<T>>) -> Option<Ref<T>> {
        access(self.0.0, true, false);
        let before = self.0.1.with(|place| std::mem::replace(place, target));
        touch();
        before
    }
}

/// A linked list. Adding twice and removing twice is reported, as the kernel's list debugging does.
#[derive(Debug)]
pub struct List<T>(Arc<Cell<Vec<Ref<T>>>>);

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Arc::new(Cell::new(Vec::new())))
    }
}

impl<T> List<T> {
    /// Adds an object at the end.
    pub fn add(&self, object: &Ref<T>) {
        point();
        if self.holds(object) {
            fail(Checker::Memory, "BUG: corrupted list");
        }
        self.0.with(|list| list.push(object.clone()));
        touch();
    }

    /// Removes an object.
    pub fn remove(&self, object: &Ref<T>) {
        point();
        if !self.holds(object) {
            fail(Checker::Memory, "BUG: corrupted list");
        }
        self.0.with(|list| list.retain(|other| !other.is(object)));
        touch();
    }

    /// Returns whether an object is in it.
    #[must_use]
    pub fn holds(&self, object: &Ref<T>) -> bool {
        self.0.with(|list| list.iter().any(|other| other.is(object)))
    }

    /// Returns the first object.
    #[must_use]
    pub fn first(&self) -> Option<Ref<T>> {
        point();
        self.0.with(|list| list.first().cloned())
    }

    /// Removes and returns the first object.
    #[must_use]
    pub fn take_first(&self) -> Option<Ref<T>> {
        point();
        let first = self.0.with(|list| (!list.is_empty()).then(|| list.remove(0)));
        touch();
        first
    }

    /// Returns the objects as they are now.
    #[must_use]
    pub fn all(&self) -> Vec<Ref<T>> {
        point();
        self.0.with(|list| list.clone())
    }
}
