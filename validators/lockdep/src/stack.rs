//! Recognises stacks that were unwound before, without unwinding them again.
//!
//! A callback with a defect may allocate thousands of times in a second, and unwinding a stack takes microseconds.
//! So the places on the stack at which return addresses lie are remembered. If the same thread comes by again at the
//! same depth and each place has the same address in it, then the stack is the same one. Comparing them takes
//! some ten nanoseconds.

#![expect(unsafe_code, reason = "reads return addresses from the thread's own stack")]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::context;
use crate::trace::Trace;
use crate::unwind;

/// Maximum number of return addresses of a remembered stack. Deeper ones are unwound each time.
const MAX_FRAMES: usize = 64;
/// Stands for the place of the return address that is not on the stack.
const HIDDEN: u32 = u32::MAX;
/// Number of remembered stacks. With more, the oldest ones are unwound again, and nothing is lost.
const STACKS: usize = 128;
/// Number of places where one stack may be remembered.
const WAYS: usize = 4;

/// A stack that was unwound.
struct Seen {
    /// Whether a thread reads or writes it.
    busy: AtomicBool,
    /// The thread, its depth, and the call, as one number; 0 for none.
    what: AtomicU64,
    /// The hash of all return addresses.
    key: AtomicU64,
    length: AtomicUsize,
    /// How far above the depth each return address lies, in bytes.
    offsets: [AtomicU32; MAX_FRAMES],
    addresses: [AtomicUsize; MAX_FRAMES],
}

impl Seen {
    const fn new() -> Self {
        Self {
            busy: AtomicBool::new(false),
            what: AtomicU64::new(0),
            key: AtomicU64::new(0),
            length: AtomicUsize::new(0),
            offsets: [const { AtomicU32::new(0) }; MAX_FRAMES],
            addresses: [const { AtomicUsize::new(0) }; MAX_FRAMES],
        }
    }

    /// Calls `f` unless another thread, or the code that a signal handler has interrupted, is in here.
    fn enter<R>(&self, f: impl FnOnce(&Self) -> Option<R>) -> Option<R> {
        if self.busy.swap(true, Ordering::Acquire) {
            return None;
        }
        let result = f(self);
        self.busy.store(false, Ordering::Release);
        result
    }

    /// Returns the hash of the stack if it is this one.
    fn is(&self, what: u64, depth: usize) -> Option<u64> {
        if self.what.load(Ordering::Relaxed) != what {
            return None;
        }
        let length = self.length.load(Ordering::Relaxed);
        for (offset, address) in self.offsets.iter().zip(&self.addresses).take(length) {
            let (offset, address) =
                (offset.load(Ordering::Relaxed), address.load(Ordering::Relaxed));
            if offset == HIDDEN {
                if hidden() != address {
                    return None;
                }
                continue;
            }
            let slot = depth.wrapping_add(offset as usize);
            let slot = std::ptr::with_exposed_provenance::<usize>(slot);
            // SAFETY: the thread's own stack is above its depth. This thread has found a return address at this
            // offset of the same depth before, below a caller that is still active, as the slots compared so far show.
            let now = unsafe { slot.read_volatile() };
            if now != address {
                return None;
            }
        }
        Some(self.key.load(Ordering::Relaxed))
    }
}

static SEEN: [Seen; STACKS] = [const { Seen::new() }; STACKS];
/// Which of its ways a new stack takes.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Returns a number that the current stack of a thread shares with no other one, and the stack itself if it had to be
/// unwound. `call` tells calls of one place apart.
#[inline(never)]
pub(crate) fn look(thread: u32, call: u64) -> (u64, Option<Trace>) {
    let here = 0_u8;
    // A pointer to this variable must not reach beyond it, and the compiler reads the variable whatever is added. What the
    // compiler cannot see through is an address on the stack.
    let depth = std::hint::black_box((&raw const here).expose_provenance());
    let mut hasher = DefaultHasher::new();
    (thread, depth, call).hash(&mut hasher);
    let what = hasher.finish() | 1;
    let ways = ways(what);
    if let Some(key) = ways.iter().find_map(|seen| seen.enter(|seen| seen.is(what, depth))) {
        return (key, None);
    }
    let (key, addresses) = unwind(what, call, depth, ways);
    (key, Some(Trace::of_addresses(&addresses)))
}

fn ways(what: u64) -> &'static [Seen] {
    let sets = (STACKS / WAYS) as u64;
    let set = usize::try_from(what >> 32).unwrap_or_default() % sets as usize;
    &SEEN[set * WAYS..(set + 1) * WAYS]
}

/// Returns the return address of the calling thread that is not on the stack.
fn hidden() -> usize {
    context::peek(|thread| thread.hidden_return.get())
}

/// Unwinds the stack and remembers it.
#[inline(never)]
fn unwind(what: u64, call: u64, depth: usize, ways: &[Seen]) -> (u64, Vec<usize>) {
    let mut frames = Vec::with_capacity(MAX_FRAMES);
    unwind::walk(|address, frame| {
        frames.push((address, frame));
        frames.len() < MAX_FRAMES
    });
    let mut hasher = DefaultHasher::new();
    call.hash(&mut hasher);
    let above = frames.iter().filter(|(_, sp)| *sp > depth);
    above.clone().for_each(|(address, _)| address.hash(&mut hasher));
    let key = hasher.finish();
    let slots: Option<Vec<(u32, usize)>> = above
        .clone()
        .map(|&(address, sp)| {
            // The return address is right below the frame. The unwinder may have taken it from elsewhere, as at a
            // signal: such a stack is not remembered. A named function has one that is hidden.
            let offset = u32::try_from(sp.checked_sub(size_of::<usize>() + depth)?).ok()?;
            let slot = depth.wrapping_add(offset as usize);
            let is_aligned = slot.is_multiple_of(align_of::<usize>());
            let slot = std::ptr::with_exposed_provenance::<usize>(slot);
            // SAFETY: the unwinder has just been there, and the thread's stack reaches further up.
            let found = is_aligned && unsafe { slot.read_volatile() } == address;
            let offset = if found { Some(offset) } else { (address == hidden()).then_some(HIDDEN) };
            Some((offset?, address))
        })
        .collect();
    // Below are the unwinder's own.
    let addresses = above.clone().map(|(address, _)| *address).collect();
    if let Some(slots) = slots.filter(|slots| !slots.is_empty() && slots.len() < MAX_FRAMES) {
        let way = &ways[NEXT.fetch_add(1, Ordering::Relaxed) % WAYS];
        way.enter(|seen| {
            for (index, (offset, address)) in slots.iter().enumerate() {
                seen.offsets[index].store(*offset, Ordering::Relaxed);
                seen.addresses[index].store(*address, Ordering::Relaxed);
            }
            seen.length.store(slots.len(), Ordering::Relaxed);
            seen.key.store(key, Ordering::Relaxed);
            seen.what.store(what, Ordering::Relaxed);
            Some(())
        });
    }
    (key, addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn by_one_way(call: u64) -> (u64, Option<Trace>) {
        std::hint::black_box(look(1, call))
    }

    #[inline(never)]
    fn by_another(call: u64) -> (u64, Option<Trace>) {
        std::hint::black_box(look(1, call))
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_stack_is_unwound_once_and_told_apart_from_others() {
        let mut keys = Vec::new();
        for round in 0..3 {
            let (key, trace) = by_one_way(7);
            keys.push(key);
            assert_eq!(trace.is_some(), round == 0, "round {round}");
        }
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        assert_ne!(by_another(7).0, keys[0], "another stack");
        let (key, trace) = by_one_way(8);
        assert!(key != keys[0] && trace.is_some(), "another call");
    }

    #[test]
    fn stacks_that_differ_in_the_middle_only_are_told_apart() {
        #[inline(never)]
        fn middle(way: bool) -> u64 {
            if way { std::hint::black_box(by_one_way(9).0) + 1 } else { by_one_way(9).0 + 1 }
        }
        let keys: Vec<u64> = (0..6).map(|round| middle(round % 2 == 0)).collect();
        assert_ne!(keys[0], keys[1]);
        assert_eq!((keys[0], keys[1]), (keys[4], keys[5]));
    }
}
