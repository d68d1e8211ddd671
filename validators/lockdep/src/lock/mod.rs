//! Locks with a class. Without the feature `validate` each is its raw lock and nothing else.

pub(crate) mod mutex;
pub(crate) mod rwlock;
pub(crate) mod spin;

use crate::{Map, Place};

/// A lock's part of a guard: gives the class back when the guard goes.
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
impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        self.map.release(self.place);
    }
}
