//! Prints a race as the kernel would.

#![expect(unsafe_code, reason = "prints on a stack of its own")]

use std::arch::naked_asm;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kreport::print::{Access as Printed, AccessKind, Actor, Change, Origin, Race, RaceKind, Trace};

use crate::runtime::access::{Access, kind};
use crate::runtime::options::{self, NAMES, Sink};
use crate::runtime::output::write_to_sink;
use crate::runtime::process;
use crate::runtime::stack::{self, Frames};
use crate::runtime::suppress;
use crate::runtime::symbols;
use crate::runtime::table::{self, Count, Finder};
use crate::runtime::thread::{current, now};

/// A race that a watcher has found.
pub(crate) struct Found<'a> {
    /// The watcher's own access.
    pub(crate) access: Access,
    /// The value before and after, and its length in bytes.
    pub(crate) change: Option<(u64, u64, usize)>,
    /// The bits that it is about; 0 for all.
    pub(crate) mask: u64,
    /// The other side, if it was seen.
    pub(crate) finder: Option<&'a Finder>,
}

/// Whether a thread prints. Only one may.
static PRINTING: AtomicBool = AtomicBool::new(false);
/// The watcher's stack, while it prints.
static OWN: Frames = Frames::new();

/// Waits until no thread prints, and keeps the others from printing.
pub(crate) fn lock() {
    while PRINTING.swap(true, Ordering::Acquire) {
        // SAFETY: there is nothing to promise.
        unsafe { libc::sched_yield() };
    }
}

/// Lets the next thread print.
pub(crate) fn unlock() {
    PRINTING.store(false, Ordering::Release);
}

/// Prints a race, unless it is suppressed, or a race of the same pair of places was printed a moment ago.
pub(crate) fn race(found: &Found<'_>) {
    lock();
    stack::capture(&OWN);
    let other = found.finder.map_or(0, |finder| finder.frames.top());
    if is_new(OWN.top(), other) {
        on_own_stack(found);
    }
    unlock();
}

/// The pairs of places that were printed: their hash, and the time in ns.
static PAIRS: [(AtomicU64, AtomicU64); 256] =
    [const { (AtomicU64::new(0), AtomicU64::new(0)) }; 256];

fn is_new(one: u64, other: u64) -> bool {
    let once = options::ONCE_NS.load(Ordering::Relaxed);
    if once == 0 {
        return true;
    }
    let (low, high) = (one.min(other), one.max(other));
    let pair = (low.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.rotate_left(32)) | 1;
    let now = now();
    let mut oldest = &PAIRS[0];
    for place in &PAIRS {
        let (found, at) = (place.0.load(Ordering::Relaxed), place.1.load(Ordering::Relaxed));
        if found == pair {
            if now - at < once {
                return false;
            }
            oldest = place;
            break;
        }
        if at < oldest.1.load(Ordering::Relaxed) {
            oldest = place;
        }
    }
    oldest.0.store(pair, Ordering::Relaxed);
    oldest.1.store(now, Ordering::Relaxed);
    true
}

/// Size of the stack on which reports are made, in bytes. Reading debug information takes more than a thread may
/// have left.
const STACK_BYTES: usize = 2 << 20;
static STACK_TOP: AtomicUsize = AtomicUsize::new(0);

fn on_own_stack(found: &Found<'_>) {
    if STACK_TOP.load(Ordering::Relaxed) == 0 {
        // SAFETY: new memory somewhere.
        let stack = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                STACK_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if stack == libc::MAP_FAILED {
            return;
        }
        STACK_TOP.store(stack.addr() + STACK_BYTES, Ordering::Relaxed);
    }
    let top = STACK_TOP.load(Ordering::Relaxed);
    // SAFETY: the stack is nobody else's while the lock is held, and `entry` takes this argument.
    unsafe { call_on(entry, std::ptr::from_ref(found).cast(), top) };
}

/// Calls a function with an argument, on another stack.
#[unsafe(naked)]
unsafe extern "C" fn call_on(
    function: extern "C" fn(*const c_void),
    argument: *const c_void,
    top: usize,
) {
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "mov sp, x2",
        "mov x9, x0",
        "mov x0, x1",
        "blr x9",
        "mov sp, x29",
        ".cfi_def_cfa_register sp",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa_offset 0",
        "ret",
        ".cfi_endproc",
    );
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rdx",
        "mov rax, rdi",
        "mov rdi, rsi",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

extern "C" fn entry(found: *const c_void) {
    // SAFETY: `on_own_stack` passes one.
    let found = unsafe { &*found.cast::<Found<'_>>() };
    let race = describe(found);
    if suppress::covers(&race) {
        return;
    }
    table::count(Count::Reports);
    write(&race.to_string());
}

fn describe(found: &Found<'_>) -> Race {
    let Access { address, size, kind: bits } = found.access;
    let own = Printed {
        kind: printed_kind(bits),
        address: address as u64,
        size: size as u64,
        actor: Actor::Task(current().tid()),
        cpu: cpu(),
        trace: Trace(symbols::frames(&OWN.read(), None)),
    };
    let other = found.finder.map(|finder| {
        let pid = finder.pid.load(Ordering::Relaxed);
        let tid = finder.tid.load(Ordering::Relaxed);
        let of = (pid != process::pid()).then(|| format!("{}-{pid}", finder.frames.comm()));
        Printed {
            kind: printed_kind(finder.kind.load(Ordering::Relaxed)),
            address: finder.address.load(Ordering::Relaxed),
            size: finder.size.load(Ordering::Relaxed),
            // The other side is a signal handler of the watcher itself.
            actor: if tid == current().tid() { Actor::Interrupt } else { Actor::Task(tid) },
            cpu: finder.cpu.load(Ordering::Relaxed),
            trace: Trace(symbols::frames(&finder.frames.read(), of.as_deref())),
        }
    });
    let is_assert = own.kind.assert || other.as_ref().is_some_and(|other| other.kind.assert);
    let change = found.change.map(|(old, new, size)| Change {
        old,
        new,
        size,
        mask: (found.mask != 0).then_some(found.mask),
    });
    let origin = Origin {
        cpu: cpu(),
        release: concat!("kcsan-", env!("CARGO_PKG_VERSION"), " #0").to_owned(),
        tainted: table::counted(Count::Reports) > 0,
        ..Origin::new(OWN.comm(), current().tid())
    };
    let kind = if is_assert { RaceKind::Assert } else { RaceKind::DataRace };
    match other {
        Some(other) => Race { kind, first: other, second: Some(own), change, origin },
        None => Race { kind, first: own, second: None, change, origin },
    }
}

fn printed_kind(bits: u32) -> AccessKind {
    AccessKind {
        read: bits & kind::WRITE == 0 || bits & kind::COMPOUND != 0,
        write: bits & kind::WRITE != 0,
        marked: bits & kind::ATOMIC != 0,
        reordered: bits & kind::REORDERED != 0,
        assert: bits & kind::ASSERT != 0,
    }
}

/// Returns the processor on which the thread runs.
pub(crate) fn cpu() -> u32 {
    // SAFETY: there is nothing to promise.
    let cpu = unsafe { libc::sched_getcpu() };
    u32::try_from(cpu).unwrap_or(0)
}

fn write(text: &str) {
    write_to_sink(text);
    if matches!(NAMES.get().map(|names| &names.sink), Some(Sink::Panic)) {
        // SAFETY: the program is to end here.
        unsafe { libc::abort() };
    }
}
