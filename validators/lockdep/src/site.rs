//! Places in the code, by a key, so that a held lock carries a word instead of a stack trace.
//!
//! A place is a line (`#[track_caller]`) or an address (calls from C). The first visit of a place
//! records the stack there; that is how a report can name the function of a line later.

#![expect(clippy::disallowed_types, reason = "the validator's own lock, held for look-ups only")]

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::frame::{Frame, short_path};
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

/// Returns the frames of a place, for a report: what is inlined there first, then the function itself. They are the
/// program's: a place in the validators' own code is shown by its caller. The list is empty if nothing is known.
pub(crate) fn frames(site: usize) -> Vec<Frame> {
    let found = lock().get(&site).cloned();
    match found {
        Some((Place::Address(address), trace)) => {
            of_address(address).unwrap_or_else(|| to_function(trace.frames()))
        }
        Some((Place::Line(location), trace)) => of_line(location, trace.frames()),
        // The table was full. The key of an address has the address in it.
        None if site & 1 != 0 => of_address(site >> 1).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// Returns the frames of a return address, unless it is in the validators' own code. A function may end with a jump to one of
/// ours, so that we return to whoever called it, such as the code of ours that calls a callback.
fn of_address(address: usize) -> Option<Vec<Frame>> {
    let frames = symbols::resolve(&Modules::now(), address);
    (!frames.iter().any(Frame::is_of_validator)).then_some(frames)
}

/// Returns the frames of a line. Its function is known if the stack of the first visit has it.
fn of_line(location: &Location<'_>, mut frames: Vec<Frame>) -> Vec<Frame> {
    let (file, line) = (location.file(), location.line());
    if let Some(start) = frames.iter().position(|frame| frame.is_at(file, line)) {
        frames.drain(..start);
        return to_function(frames);
    }
    // Without debug information, the stack begins with the function that the line is in.
    let mut first = to_function(frames);
    match first.as_mut_slice() {
        [function] if function.line.is_none() => {
            function.line = Some((short_path(file), line));
            first
        }
        _ => vec![Frame::of_line(file, line)],
    }
}

/// Cuts a stack behind its first function that is not inlined.
fn to_function(mut frames: Vec<Frame>) -> Vec<Frame> {
    let end = frames.iter().position(|frame| frame.extent.is_some());
    frames.truncate(end.map_or(frames.len(), |last| last + 1));
    frames
}

/// Returns the frame of a place that is in the program's own code: the innermost one whose line is in no header of the
/// system. There is none if nothing is known about the place.
pub(crate) fn frame(site: usize) -> Option<Frame> {
    let frames = frames(site);
    let own = frames.iter().find(|frame| !frame.is_in_system_header());
    own.or_else(|| frames.first()).cloned()
}

/// Returns the line of a place as `file.c:12`, or its function if no line is known.
pub(crate) fn line_or_function(site: usize) -> String {
    frame(site).map_or_else(|| UNKNOWN.to_owned(), |frame| frame.line_or_function())
}

/// What reports say of a place about which nothing is known.
pub(crate) const UNKNOWN: &str = "an unknown place";

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, is_inlined: bool, line: Option<(&str, u32)>) -> Frame {
        Frame {
            extent: (!is_inlined).then_some((1, 2)),
            line: line.map(|(file, line)| (file.to_owned(), line)),
            ..Frame::of_function(1, function.to_owned())
        }
    }

    fn texts(frames: Vec<Frame>) -> Vec<String> {
        frames.iter().map(|frame| crate::print::frame(frame).to_string()).collect()
    }

    #[test]
    fn a_line_has_its_function_if_the_stack_has_it() {
        let here = Location::caller();
        let line = here.line();
        let at =
            |function, is_inlined, line| frame(function, is_inlined, Some((here.file(), line)));
        let file = short_path(here.file());
        let stack = vec![
            at("locks", true, 1),
            at("plays", true, line),
            at("turns", false, 2),
            at("main", false, 3),
        ];
        assert_eq!(
            texts(of_line(here, stack)),
            [format!("plays {file}:{line} [inline]"), format!("turns+0x1/0x2 {file}:2")]
        );
        // Without debug information.
        let stack = vec![frame("plays", false, None), frame("main", false, None)];
        assert_eq!(texts(of_line(here, stack)), [format!("plays+0x1/0x2 {file}:{line}")]);
        // The line is nowhere on the stack, or there is none.
        let stack = vec![frame("plays", false, Some(("other.rs", 7)))];
        assert_eq!(texts(of_line(here, stack)), [format!("{file}:{line}")]);
        assert_eq!(texts(of_line(here, Vec::new())), [format!("{file}:{line}")]);
    }

    #[test]
    fn a_place_that_is_not_known_has_no_function() {
        assert_eq!(texts(frames(2)), [""; 0]);
        assert_eq!(line_or_function(2), UNKNOWN);
        // The key of an address says it, unless the function is one of the validators.
        let found = |function: usize| texts(frames(Place::Address(function + 1).key()));
        assert_eq!(found(line_or_function as *const () as usize), [""; 0]);
        let free = found(libc::free as *const () as usize);
        assert!(free.iter().any(|text| text.contains("free+0x1/")), "{free:?}");
    }
}
