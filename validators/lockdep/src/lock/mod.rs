//! Locks with a class. Without the feature `validate` each is its raw lock and nothing else.

pub(crate) mod mutex;
pub(crate) mod rwlock;
pub(crate) mod spin;

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

    /// Returns the place; any without the feature, since nothing looks at it then.
    #[inline(always)]
    pub(crate) fn place(self) -> Place {
        #[cfg(feature = "validate")]
        return self.place;
        #[cfg(not(feature = "validate"))]
        Place::here()
    }
}

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
