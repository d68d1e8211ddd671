//! Places in the code, numbered, so that a held lock carries four bytes instead of a stack trace.
//!
//! A place is a line (`#[track_caller]`) or an address (calls from C). The first visit of a place
//! records the stack there; that is how a report can name the function of a line later.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, held for look-ups only")]

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::trace::{self, Frame, Trace};

const SITES: usize = 1 << 14;
/// Stop filling a table that is nearly full: probing would get slow.
const MAX_FILLED: usize = SITES / 8 * 7;

static KEYS: [AtomicUsize; SITES] = [const { AtomicUsize::new(0) }; SITES];
static FILLED: AtomicUsize = AtomicUsize::new(0);
static PLACES: LazyLock<Mutex<HashMap<u32, (Place, Trace)>>> =
    LazyLock::new(|| Mutex::new(HashMap::new()));

/// A place in the code.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A line of Rust.
    Line(&'static Location<'static>),
    /// A return address.
    Address(usize),
}

impl Place {
    /// The line that called.
    #[track_caller]
    #[inline]
    #[must_use]
    pub const fn here() -> Self {
        Self::Line(Location::caller())
    }

    #[inline]
    fn key(self) -> usize {
        match self {
            Self::Line(location) => std::ptr::from_ref(location).addr(),
            Self::Address(address) => address << 1 | 1,
        }
    }
}

/// The number of a place; 0 when there are too many places to number.
#[inline]
pub(crate) fn of(place: Place) -> u32 {
    let key = place.key();
    let mut index = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - SITES.ilog2());
    loop {
        match KEYS[index].load(Ordering::Acquire) {
            found if found == key => return number(index),
            0 => return register(place, index),
            _ => index = (index + 1) % SITES,
        }
    }
}

#[inline]
fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or_default()
}

#[cold]
fn register(place: Place, mut index: usize) -> u32 {
    let trace = Trace::here();
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if FILLED.load(Ordering::Relaxed) >= MAX_FILLED {
        return 0;
    }
    let key = place.key();
    // Another thread may have taken the slot, or registered the same place, meanwhile.
    loop {
        match KEYS[index].load(Ordering::Acquire) {
            0 => break,
            found if found == key => return number(index),
            _ => index = (index + 1) % SITES,
        }
    }
    places.insert(number(index), (place, trace));
    FILLED.fetch_add(1, Ordering::Relaxed);
    KEYS[index].store(key, Ordering::Release);
    number(index)
}

/// The frame of a place, for a report: its function if the stack of the first visit has it.
pub(crate) fn frame(site: u32) -> Frame {
    let found = PLACES.lock().unwrap_or_else(PoisonError::into_inner).get(&site).cloned();
    match found {
        None => Frame::unknown(),
        Some((Place::Address(address), _)) => trace::frame_of(address),
        Some((Place::Line(location), trace)) => trace
            .frames()
            .into_iter()
            .find(|frame| frame.is_at(location.file(), location.line()))
            .unwrap_or_else(|| Frame::of_line(location.file(), location.line())),
    }
}
