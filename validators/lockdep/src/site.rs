//! Places in the code, by a key, so that a held lock carries a word instead of a stack trace.
//!
//! A place is a line (`#[track_caller]`) or an address (calls from C). The first visit of a place
//! records the stack there; that is how a report can name the function of a line later.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, held for look-ups only")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::frame::Frame;
use crate::symbols::{self, Modules};
use crate::trace::Trace;
use crate::words::Place;

const SITES: usize = 1 << 14;
/// Stop filling a table that is nearly full: probing would get slow.
const MAX_FILLED: usize = SITES / 8 * 7;

static KEYS: [AtomicUsize; SITES] = [const { AtomicUsize::new(0) }; SITES];
static FILLED: AtomicUsize = AtomicUsize::new(0);
static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(Mutex::default);

/// The places that were visited, by key.
pub(crate) type Places = HashMap<usize, (Place, Trace)>;

/// Locks the places.
pub(crate) fn lock() -> MutexGuard<'static, Places> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    #[inline]
    pub(crate) fn key(self) -> usize {
        match self {
            Self::Line(location) => std::ptr::from_ref(location).addr(),
            Self::Address(address) => address << 1 | 1,
        }
    }
}

/// The key of a place, whose stack is recorded when it is new.
#[inline]
pub(crate) fn of(place: Place) -> usize {
    let key = place.key();
    let mut index = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - SITES.ilog2());
    loop {
        match KEYS[index].load(Ordering::Acquire) {
            found if found == key => return key,
            0 => {
                register(place, index);
                return key;
            }
            _ => index = (index + 1) % SITES,
        }
    }
}

#[cold]
fn register(place: Place, index: usize) {
    crate::sud::allowing_syscalls(|| fill(place, index));
}

fn fill(place: Place, mut index: usize) {
    let trace = Trace::here();
    let mut places = lock();
    if FILLED.load(Ordering::Relaxed) >= MAX_FILLED {
        return;
    }
    let key = place.key();
    // Another thread may have taken the slot, or registered the same place, meanwhile.
    loop {
        match KEYS[index].load(Ordering::Acquire) {
            0 => break,
            found if found == key => return,
            _ => index = (index + 1) % SITES,
        }
    }
    places.insert(key, (place, trace));
    FILLED.fetch_add(1, Ordering::Relaxed);
    KEYS[index].store(key, Ordering::Release);
}

/// The frames of a place, for a report: what is inlined there first, then the function itself. The
/// function of a line is known if the stack of the first visit has it.
pub(crate) fn frames(site: usize) -> Vec<Frame> {
    let found = lock().get(&site).cloned();
    let frames = match found {
        None => Vec::new(),
        Some((Place::Address(address), _)) => symbols::resolve(&Modules::now(), address),
        Some((Place::Line(location), trace)) => {
            let is_at = |frame: &Frame| frame.is_at(location.file(), location.line());
            let mut frames = trace.frames();
            let start = frames.iter().position(is_at);
            frames.drain(..start.unwrap_or(frames.len()));
            let end = frames.iter().position(|frame| frame.extent.is_some());
            frames.truncate(end.map_or(frames.len(), |last| last + 1));
            if frames.is_empty() {
                frames.push(Frame::of_line(location.file(), location.line()));
            }
            frames
        }
    };
    if frames.is_empty() { vec![Frame::unknown()] } else { frames }
}

/// The frame of a place that is in the program's own code: the innermost one whose line is in no header of the system.
pub(crate) fn frame(site: usize) -> Frame {
    let frames = frames(site);
    let own = frames.iter().find(|frame| !frame.is_in_system_header());
    own.or_else(|| frames.first()).cloned().unwrap_or_else(Frame::unknown)
}
