//! Locks with a class. Without the feature `validate`, each is only its raw lock.

pub(crate) mod mutex;
pub(crate) mod rwlock;
pub(crate) mod spin;

#[cfg(feature = "validate")]
use crate::How;
use crate::{Map, Place};

/// The place that a guard keeps for the release. It is empty without the feature `validate`, so that
/// the guard has the size of a raw one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    #[cfg(feature = "validate")]
    place: Place,
}

impl Kept {
    #[inline(always)]
    pub(crate) fn new(_place: Place) -> Self {
        Self {
            #[cfg(feature = "validate")]
            place: _place,
        }
    }

    /// Returns the place. Without the feature it is any place, since nothing reads it.
    #[inline(always)]
    pub(crate) fn place(self) -> Place {
        #[cfg(feature = "validate")]
        return self.place;
        #[cfg(not(feature = "validate"))]
        Place::here()
    }
}

/// The validators' part of a guard, which notes the release when the guard is dropped.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    #[cfg(feature = "validate")]
    map: &'a Map,
    #[cfg(feature = "validate")]
    place: Place,
    #[cfg(not(feature = "validate"))]
    map: std::marker::PhantomData<&'a Map>,
}

impl<'a> Hold<'a> {
    #[cfg(feature = "validate")]
    #[inline]
    pub(crate) fn new(map: &'a Map, place: Place) -> Self {
        Self { map, place }
    }

    #[cfg(not(feature = "validate"))]
    #[inline(always)]
    pub(crate) fn new(_map: &'a Map, _place: Place) -> Self {
        Self { map: std::marker::PhantomData }
    }
}

#[cfg(feature = "validate")]
impl Hold<'_> {
    /// Returns the class of the lock, or `None` if there are too many classes.
    pub(crate) fn class(&self) -> Option<u16> {
        self.map.class(0)
    }

    /// Checks that the lock is given back and taken again, in another way or after a wait.
    pub(crate) fn take_again(&mut self, how: How, place: Place) {
        self.map.release(self.place);
        self.place = place;
        self.map.acquire(how, place);
    }
}

#[cfg(feature = "validate")]
impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        self.map.release(self.place);
    }
}
