//! The slow path of an access: it may hit a watchpoint, and it may get one.

#![expect(unsafe_code, reason = "reads the memory that the program is about to access")]

use std::hint::spin_loop;
use std::ptr::with_exposed_provenance;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::runtime::access::{Access, GRANULE, kind};
use crate::runtime::heat;
use crate::runtime::options;
use crate::runtime::print::{self, Found};
use crate::runtime::process;
use crate::runtime::region;
use crate::runtime::stack;
use crate::runtime::table::{self, Count, SLOTS, TABLES, Table, Watchpoint};
use crate::runtime::thread::{Place, Thread, current, keep_errno, now};

/// A watcher that has not removed its watchpoint this long after its end, in ns, is dead.
const DEAD_NS: u64 = 2_000_000_000;
/// Maximum time that a watcher waits for the finder's description of its access, in ns.
const TELL_NS: u64 = 500_000_000;
/// Maximum time that a watcher waits for a finder's write, which comes after its call, in ns. The second value holds
/// after [`MAX_FRUITLESS`] waits without a change, because such a program mostly writes the value that was there.
const SETTLE_NS: [u64; 2] = [20_000_000, 100_000];
const MAX_FRUITLESS: u32 = 32;
static FRUITLESS: AtomicU32 = AtomicU32::new(0);
/// Minimum delay, in ns. In less time, other threads do not get to their accesses.
const MIN_DELAY_NS: u64 = 1_000;
/// A delay from this length on is slept, in ns. The system ends shorter sleeps too late.
const SLEEP_NS: u64 = 100_000;

/// Handles an access that its entry has counted. `place` is the return address of the entry.
#[inline]
pub(crate) fn access(access: Access, place: usize) {
    let thread = current();
    if thread.place.get() == Place::Runtime {
        if thread.skip.get() < 0 {
            thread.skip.set(options::SKIP.load(Ordering::Relaxed));
        }
        return;
    }
    let enabled = thread.disabled.get() == 0;
    // Only a watcher can see whether certain bits changed.
    if enabled && thread.mask.get() == 0 && find(thread, access) {
        return;
    }
    if access.is(kind::ATOMIC) {
        return;
    }
    if thread.rest_until.get() == 0 {
        begin(thread);
    }
    if thread.skip.get() < 0 && may_watch(thread, enabled) {
        keep_errno(|| watch(thread, choose(thread, access), thread.mask.get(), None));
    } else if heat::visit(place)
        && enabled
        && let Some(most) = rare_delay(thread, access)
    {
        keep_errno(|| watch(thread, choose(thread, access), thread.mask.get(), Some(most)));
    }
}

/// Returns the access to watch: the thread's own, or one that an assertion of an open scope is about.
fn choose(thread: &Thread, access: Access) -> Access {
    let has_scopes = !thread.scopes.get().is_null() && thread.mask.get() == 0;
    if has_scopes { thread.choose(access) } else { access }
}

/// Prepares a thread at its first access. Chance decides when its first watchpoint comes.
#[cold]
fn begin(thread: &Thread) {
    thread.rest_until.set(1);
    let skip = options::SKIP.load(Ordering::Relaxed);
    let part = thread.random(skip.unsigned_abs().into());
    thread.skip.set(i32::try_from(part).unwrap_or(0));
    if thread.tid() != process::pid() {
        heat::second_thread();
    }
}

/// Returns the maximum delay of a watchpoint at a place that runs rarely, in ns, if there may be one now. A process
/// with one thread has them only in memory that it shares with others.
fn rare_delay(thread: &Thread, access: Access) -> Option<u64> {
    if thread.place.get() != Place::Program || !process::is_ready() {
        return None;
    }
    if !heat::has_threads() {
        if table::processes() < 2 {
            return None;
        }
        thread.place.set(Place::Runtime);
        let is_shared = keep_errno(|| region::place(access.address).is_some());
        thread.place.set(Place::Program);
        if !is_shared {
            return None;
        }
    }
    heat::allowance(now())
}

/// Returns whether the thread runs the program, and its accesses are checked.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_in_program(thread: &Thread) -> bool {
    thread.place.get() == Place::Program && thread.disabled.get() == 0
}

/// Calls `f`, during which accesses of the thread, such as those of a signal handler, pass.
#[cfg(target_arch = "x86_64")]
pub(crate) fn in_runtime<R>(thread: &Thread, f: impl FnOnce() -> R) -> R {
    let before = thread.place.replace(Place::Runtime);
    let result = keep_errno(f);
    thread.place.set(before);
    result
}

/// Watches a store that was made, as if it were still to come.
#[cfg(target_arch = "x86_64")]
pub(crate) fn delayed(thread: &Thread, access: Access) {
    if let Some(most) = rare_delay(thread, access) {
        keep_errno(|| watch(thread, access, 0, Some(most)));
    }
}

/// Handles an access that is not counted yet. Most find no watchpoint and set none.
#[inline]
pub(crate) fn counted_access(access: Access, place: usize) {
    if access.size == 0 {
        return;
    }
    let thread = current();
    let mut left = 0;
    if !access.is(kind::ATOMIC) {
        left = thread.skip.get().wrapping_sub(1);
        thread.skip.set(left);
    }
    if left < 0 || heat::is_cold(place) || !is_unwatched(access) {
        slow_access(access, place);
    }
}

#[cold]
#[inline(never)]
fn slow_access(access: Access, place: usize) {
    self::access(access, place);
}

/// Returns whether the slots of an access's granules are free.
#[inline(always)]
fn is_unwatched(access: Access) -> bool {
    let (first, last) = access.granules();
    for granule in first..=last.min(first + SLOTS - 1) {
        if !TABLES.private.is_free(granule) || !TABLES.shared.is_free(granule) {
            return false;
        }
    }
    true
}

/// Handles a marked access, which may hit a watchpoint and never gets one.
#[inline(always)]
pub(crate) fn marked(address: usize, size: usize, kind: u32) {
    let granule = address / GRANULE;
    if TABLES.private.peek(granule).is_some() || TABLES.shared.peek(granule).is_some() {
        marked_slow(address, size, kind);
    }
}

#[cold]
#[inline(never)]
fn marked_slow(address: usize, size: usize, bits: u32) {
    access(Access::new(address, size, bits | kind::ATOMIC), 0);
}

/// Looks for a watchpoint with which the access races, and hits it.
#[inline]
fn find(thread: &Thread, access: Access) -> bool {
    let (first, last) = access.granules();
    (first..=last.min(first + SLOTS - 1)).any(|granule| {
        if let Some(watchpoint) = TABLES.private.peek(granule)
            && watchpoint.races_with(access.address as u64, access)
            && hit(thread, &TABLES.private, watchpoint, access)
        {
            return true;
        }
        match TABLES.shared.peek(granule) {
            Some(watchpoint) => find_shared(thread, watchpoint, access),
            None => false,
        }
    })
}

/// The same in the table that processes share.
fn find_shared(thread: &Thread, watchpoint: Watchpoint, access: Access) -> bool {
    // The offsets in their pages tell most places apart, without a look at the mappings.
    const PAGE: u64 = 4096;
    let in_page = access.address as u64 % PAGE;
    let watched = watchpoint.key() % PAGE;
    let near = |distance: u64| distance < GRANULE as u64 || distance > PAGE - GRANULE as u64;
    if access.size <= GRANULE && !near(watched.wrapping_sub(in_page) % PAGE) {
        return false;
    }
    // A signal handler must not read the list of mappings while it is written.
    let before = thread.place.replace(Place::Runtime);
    let is_hit = keep_errno(|| {
        let entry = TABLES.shared.entry(watchpoint.slot);
        if now() > entry.deadline.load(Ordering::Relaxed) {
            TABLES.shared.clear_dead(watchpoint);
            return false;
        }
        let races = |place: Option<region::FilePlace>| {
            place.is_some_and(|place| {
                watchpoint.races_with(place.key(), access)
                    && place.device == entry.device.load(Ordering::Relaxed)
                    && place.inode == entry.inode.load(Ordering::Relaxed)
            })
        };
        races(region::place(access.address))
            && races(region::place_now(access.address))
            && hit(thread, &TABLES.shared, watchpoint, access)
    });
    thread.place.set(before);
    is_hit
}

/// Hits a watchpoint and tells its watcher about the access.
#[cold]
#[inline(never)]
fn hit(thread: &Thread, table: &Table, watchpoint: Watchpoint, access: Access) -> bool {
    if !table.hit(watchpoint) {
        return false;
    }
    let place = thread.place.replace(Place::Runtime);
    keep_errno(|| {
        table::count(Count::Hits);
        let entry = table.entry(watchpoint.slot);
        let finder = &entry.finder;
        finder.kind.store(access.kind, Ordering::Relaxed);
        finder.address.store(access.address as u64, Ordering::Relaxed);
        finder.size.store(access.size as u64, Ordering::Relaxed);
        finder.pid.store(process::pid(), Ordering::Relaxed);
        finder.tid.store(thread.tid(), Ordering::Relaxed);
        finder.cpu.store(print::cpu(), Ordering::Relaxed);
        stack::capture(&finder.frames);
        entry.ready.store(1, Ordering::Release);
    });
    thread.place.set(place);
    true
}

/// Returns whether the thread, whose count has run out, may set a watchpoint now. It also restarts the count.
fn may_watch(thread: &Thread, enabled: bool) -> bool {
    let skip = options::SKIP.load(Ordering::Relaxed);
    let part = thread.random(skip.unsigned_abs().into());
    thread.skip.set(skip - i32::try_from(part).unwrap_or(0));
    let may = enabled && thread.place.get() == Place::Program && process::is_ready();
    may && now() >= thread.rest_until.get()
}

/// Returns the part of an access that a watchpoint covers: all of it, or what lies in one of its granules.
fn piece(thread: &Thread, access: Access) -> Access {
    let (first, last) = access.granules();
    let granule = first + usize::try_from(thread.random((last - first + 1) as u64)).unwrap_or(0);
    let start = access.address.max(granule * GRANULE);
    let end = (access.address + access.size).min((granule + 1) * GRANULE);
    Access::new(start, end - start, access.kind)
}

/// Sets a watchpoint, waits, and decides whether there was a race. At a place that runs rarely, it waits for `rare` ns
/// at most.
#[cold]
#[inline(never)]
fn watch(thread: &Thread, access: Access, mask: u64, rare: Option<u64>) {
    if options::PLAIN_WRITES_ATOMIC.load(Ordering::Relaxed) && is_atomic_write(access) {
        return;
    }
    let piece = piece(thread, access);
    thread.place.set(Place::Runtime);
    let place = region::place(piece.address);
    let (table, key) = match place {
        Some(place) => (&TABLES.shared, place.key()),
        None => (&TABLES.private, piece.address as u64),
    };
    let Some(slot) = table.take(key) else {
        table::count(Count::Full);
        thread.place.set(Place::Program);
        return;
    };
    let start = now();
    let delay = delay(thread, access, rare);
    let entry = table.entry(slot);
    entry.ready.store(0, Ordering::Relaxed);
    entry.deadline.store(start + delay + DEAD_NS, Ordering::Relaxed);
    if let Some(place) = place {
        entry.device.store(place.device, Ordering::Relaxed);
        entry.inode.store(place.inode, Ordering::Relaxed);
    }
    table.set(slot, key, piece);
    let old = Value::read(piece);
    table::count(Count::Watchpoints);
    thread.place.set(Place::Watching);
    delay_until(start + delay);
    thread.place.set(Place::Runtime);
    let is_hit = table.end(slot);
    if is_hit {
        let until = now() + TELL_NS;
        wait_until(until, || entry.ready.load(Ordering::Acquire) != 0);
        if entry.finder.kind.load(Ordering::Relaxed) & kind::WRITE != 0 {
            settle(|| Value::read(piece) != old);
        }
    }
    let new = Value::read(piece);
    judge(access, old.change(new, mask), mask, is_hit.then_some(entry));
    table.free(slot);
    let duty = u64::from(options::DUTY.load(Ordering::Relaxed));
    let end = now();
    // Time that other programs took of the processor does not count.
    let spent = (end - start).min(2 * delay);
    if rare.is_some() {
        heat::pay(start, spent);
    }
    heat::start_again();
    thread.rest_until.set(end + spent * (100 - duty) / duty);
    thread.place.set(Place::Program);
}

/// Decides whether what the watcher has seen is a race to report.
fn judge(
    access: Access,
    change: Option<(u64, u64, usize)>,
    mask: u64,
    entry: Option<&table::Entry>,
) {
    let finder = entry.filter(|entry| entry.ready.load(Ordering::Acquire) != 0);
    let is_assert = access.is(kind::ASSERT);
    match (finder, change) {
        // Another thread's access was seen.
        (Some(entry), _) => {
            let finder = &entry.finder;
            // For an assertion about certain bits, only a change of those counts.
            let other_bits = mask != 0 && change.is_none();
            let same_value = options::VALUE_CHANGE_ONLY.load(Ordering::Relaxed)
                && change.is_none()
                && !is_assert
                && !access.is(kind::REORDERED);
            let atomic = options::PLAIN_WRITES_ATOMIC.load(Ordering::Relaxed)
                && is_atomic_write(Access::new(
                    usize::try_from(finder.address.load(Ordering::Relaxed)).unwrap_or(0),
                    usize::try_from(finder.size.load(Ordering::Relaxed)).unwrap_or(0),
                    finder.kind.load(Ordering::Relaxed),
                ))
                && access.is(kind::ATOMIC | kind::WRITE);
            if !other_bits && !same_value && !atomic {
                print::race(&Found { access, change, mask, finder: Some(finder) });
            }
        }
        // No access was seen, but the value has changed.
        (None, Some(_)) => {
            // A store that was made already changes nothing any more, and what another thread wrote may be in order.
            let is_delayed = access.is(kind::REORDERED);
            if options::UNKNOWN_ORIGIN.load(Ordering::Relaxed) && !is_delayed || is_assert {
                print::race(&Found { access, change, mask, finder: None });
            }
        }
        (None, None) => {}
    }
}

/// Returns whether an access is a plain write that the processor makes in one step.
fn is_atomic_write(access: Access) -> bool {
    access.is(kind::WRITE)
        && !access.is(kind::COMPOUND | kind::ASSERT)
        && access.size.is_power_of_two()
        && access.size <= 8
        && access.address.is_multiple_of(access.size)
}

/// Returns the delay of a watchpoint: a random part less than the option says, and a smaller part less for accesses
/// that are more valuable to watch.
fn delay(thread: &Thread, access: Access, rare: Option<u64>) -> u64 {
    let delay = rare.unwrap_or_else(|| options::DELAY_NS.load(Ordering::Relaxed));
    let is_valuable = access.is(kind::COMPOUND | kind::ASSERT) || rare.is_some();
    let part = if is_valuable { delay / 2 } else { delay };
    (delay - thread.random(part)).max(MIN_DELAY_NS)
}

/// Waits for a finder to write.
fn settle(has_changed: impl Fn() -> bool) {
    let is_impatient = FRUITLESS.load(Ordering::Relaxed) >= MAX_FRUITLESS;
    wait_until(now() + SETTLE_NS[usize::from(is_impatient)], &has_changed);
    if !has_changed() {
        FRUITLESS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until a time without leaving the processor, as the kernel does. If the time is long, or there is only one
/// processor, other threads get it meanwhile.
fn delay_until(instant: u64) {
    while let Some(left @ SLEEP_NS..) = instant.checked_sub(now()) {
        let time = libc::timespec { tv_sec: 0, tv_nsec: left.cast_signed() };
        // SAFETY: the time is there. If a signal ends the sleep, another one follows.
        unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) };
    }
    if process::has_one_processor() {
        return wait_until(instant, || false);
    }
    while now() < instant {
        (0..8).for_each(|_| spin_loop());
    }
}

/// Waits until a time or a condition, and lets other threads run.
fn wait_until(instant: u64, condition: impl Fn() -> bool) {
    while !condition() && now() < instant {
        // SAFETY: there is nothing to promise.
        unsafe { libc::sched_yield() };
        spin_loop();
    }
}

/// The bytes of a piece of memory, with the first one lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    bytes: u128,
    size: usize,
}

impl Value {
    /// Reads the memory that the program is about to access.
    fn read(piece: Access) -> Self {
        let Access { address, size, .. } = piece;
        let pointer = with_exposed_provenance::<u8>(address);
        let aligned = address.is_multiple_of(size);
        let bytes = match size {
            // SAFETY: the program is about to access these bytes, or says that they are there; aligned.
            2 if aligned => unsafe { pointer.cast::<u16>().read_volatile() }.into(),
            // SAFETY: as above.
            4 if aligned => unsafe { pointer.cast::<u32>().read_volatile() }.into(),
            // SAFETY: as above.
            8 if aligned => unsafe { pointer.cast::<u64>().read_volatile() }.into(),
            _ => (0..size).rev().fold(0, |sum, index| {
                // SAFETY: as above.
                let byte = unsafe { pointer.wrapping_add(index).read_volatile() };
                sum << 8 | u128::from(byte)
            }),
        };
        Self { bytes, size }
    }

    /// Returns the change to a new value in the bits of the mask, if there is one: old and new value, and their length in
    /// bytes. Of more than eight bytes, it is the half that changed.
    fn change(self, new: Self, mask: u64) -> Option<(u64, u64, usize)> {
        let low = |value: u128| u64::try_from(value & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        let size = self.size.min(8);
        let parts =
            [(low(self.bytes), low(new.bytes)), (low(self.bytes >> 64), low(new.bytes >> 64))];
        let bits = if mask == 0 { u64::MAX } else { mask };
        parts
            .into_iter()
            .find(|(old, new)| (old ^ new) & bits != 0)
            .map(|(old, new)| (old, new, size))
    }
}
