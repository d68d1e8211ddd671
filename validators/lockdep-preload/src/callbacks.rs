//! Callbacks that programs register with JACK, PipeWire, PortAudio, ALSA and SDL.
//!
//! Such a callback is a section while it runs. Each gets an entry of its own, which a library calls in its place.

#![expect(unsafe_code, reason = "entries that are called like the functions they stand for")]
#![expect(clippy::disallowed_types, reason = "a list of this library's own")]

use std::arch::global_asm;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lockdep::{Place, preload, raw};

use crate::errno;
use crate::exports::before;
use crate::handlers;
use crate::next::{Arguments, Verdict};
use crate::realtime;
use crate::threads;

/// Number of entries. A program with more different callbacks has the others unchecked.
const ENTRIES: usize = 256;
/// Size of a pointer in bytes.
const WORD: usize = size_of::<usize>();
/// Size of an entry in bytes.
const SIZE: usize = 16;

/// A function that an entry stands for.
struct Callback {
    /// The address of the function; 0 for none.
    function: AtomicUsize,
    kind: AtomicU8,
}

/// When a callback is a section.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Whichever thread runs it.
    Always,
    /// In threads that run real-time code. PipeWire may run it in the program's main loop.
    InRealTime,
    /// It is a signal handler.
    Signal,
}

static CALLBACKS: [Callback; ENTRIES] =
    [const { Callback { function: AtomicUsize::new(0), kind: AtomicU8::new(0) } }; ENTRIES];

global_asm!(
    ".pushsection .text.lockdep_callbacks,\"ax\",@progbits",
    ".p2align 4",
    ".hidden lockdep_callbacks",
    ".globl lockdep_callbacks",
    ".type lockdep_callbacks, @function",
    "lockdep_callbacks:",
    ".set lockdep_callback, 0",
    ".rept {entries}",
    ".p2align 4",
    "mov eax, lockdep_callback",
    "jmp lockdep_call",
    ".set lockdep_callback, lockdep_callback + 1",
    ".endr",
    ".p2align 4",
    "lockdep_call:",
    ".cfi_startproc",
    "push rbx",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbx, 0",
    "sub rsp, 16",
    ".cfi_adjust_cfa_offset 16",
    "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9",
    ".cfi_adjust_cfa_offset 48",
    "sub rsp, 64",
    ".cfi_adjust_cfa_offset 64",
    "movsd [rsp], xmm0", "movsd [rsp + 8], xmm1", "movsd [rsp + 16], xmm2", "movsd [rsp + 24], xmm3",
    "mov edi, eax",
    "call {begin}",
    "mov r11, rax",
    // What `begin` wants to be told at the end.
    "mov [rsp + 120], rdx",
    "movsd xmm0, [rsp]", "movsd xmm1, [rsp + 8]", "movsd xmm2, [rsp + 16]", "movsd xmm3, [rsp + 24]",
    "add rsp, 64",
    ".cfi_adjust_cfa_offset -64",
    "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
    ".cfi_adjust_cfa_offset -48",
    "call r11",
    "mov rbx, rax",
    "movsd [rsp], xmm0",
    "mov rdi, [rsp + 8]",
    "call {end}",
    "movsd xmm0, [rsp]",
    "mov rax, rbx",
    "add rsp, 16",
    ".cfi_adjust_cfa_offset -16",
    "pop rbx",
    ".cfi_adjust_cfa_offset -8",
    ".cfi_restore rbx",
    "ret",
    ".cfi_endproc",
    ".size lockdep_callbacks, . - lockdep_callbacks",
    ".popsection",
    entries = const ENTRIES,
    begin = sym begin,
    end = sym end,
);

unsafe extern "C" {
    fn lockdep_callbacks();
}

/// Returns the entry of a callback.
pub(crate) fn entry_of(callback: usize, kind: Kind) -> usize {
    if callback == 0 || callback != original(callback) {
        return callback;
    }
    for (number, known) in CALLBACKS.iter().enumerate() {
        let none =
            known.function.compare_exchange(0, callback, Ordering::AcqRel, Ordering::Acquire);
        if none.is_ok() || none == Err(callback) {
            known.kind.store(kind as u8, Ordering::Release);
            return lockdep_callbacks as *const () as usize + number * SIZE;
        }
    }
    callback
}

fn always(callback: usize) -> usize {
    entry_of(callback, Kind::Always)
}

/// Returns the callback that an entry stands for; anything else is returned as it is.
pub(crate) fn original(entry: usize) -> usize {
    let first = lockdep_callbacks as *const () as usize;
    match entry.checked_sub(first).map(|offset| offset / SIZE) {
        Some(number) if number < ENTRIES => CALLBACKS[number].function.load(Ordering::Acquire),
        _ => entry,
    }
}

/// A callback, and what to do when it has returned.
#[repr(C)]
struct Begun {
    function: usize,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum End {
    Nothing,
    Section,
    Signal,
}

/// Begins the section of a callback.
extern "C" fn begin(entry: usize) -> Begun {
    let callback = &CALLBACKS[entry % ENTRIES];
    let function = callback.function.load(Ordering::Acquire);
    let kind = callback.kind.load(Ordering::Acquire);
    let end = if raw::is_busy() {
        End::Nothing
    } else if kind == Kind::Signal as u8 {
        if handlers::begin(function) { End::Signal } else { End::Nothing }
    } else if kind == Kind::Always as u8 || realtime::is_checked(false) {
        // An address in a function, as if it had made a call.
        let place = function + 1;
        crate::waits::begins(place);
        threads::with(|data| data.runs_callbacks = true);
        crate::sections::push(preload::hardirq_enter_at("callback", Place::Address(place)));
        End::Section
    } else {
        End::Nothing
    };
    Begun { function, end }
}

/// Ends the section of a callback.
extern "C" fn end(end: End) {
    match end {
        End::Nothing => {}
        End::Section => errno::keeping(crate::sections::pop),
        End::Signal => handlers::end(),
    }
}

/// Puts the entry in the place of a callback in a copy of a struct. Returns the address of the copy, which is never
/// freed, because the library may keep it.
fn copy_with_entry(from: usize, size: usize, callback: usize, kind: Kind) -> usize {
    let original = std::ptr::with_exposed_provenance::<u8>(from);
    if original.is_null() {
        return from;
    }
    raw::unchecked(|| {
        // SAFETY: the caller knows how large the struct is.
        let mut copy = unsafe { std::slice::from_raw_parts(original, size) }.to_vec();
        let Some(slot) = copy.get_mut(callback..callback + size_of::<usize>()) else { return from };
        let mut address = [0; size_of::<usize>()];
        address.copy_from_slice(slot);
        slot.copy_from_slice(&entry_of(usize::from_ne_bytes(address), kind).to_ne_bytes());
        copy.leak().as_ptr().cast::<c_void>().expose_provenance()
    })
}

/// The callbacks of PipeWire that were registered, each with the stream or filter that it is for, or 0 if that is not made
/// yet.
static FOR_PIPEWIRE: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Locks the callbacks of PipeWire while the process forks.
pub(crate) fn lock() -> Guard {
    FOR_PIPEWIRE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock of the callbacks of PipeWire.
pub(crate) type Guard = MutexGuard<'static, Vec<(usize, usize)>>;

/// Notes the callback of a stream or filter, or of the next one that is connected if `of` is 0.
fn registers(of: usize, callback: usize) {
    let callback = original(callback);
    if callback == 0 {
        return;
    }
    raw::unchecked(|| {
        let mut all = lock();
        // The call that makes a stream or filter with its callback may make this one itself.
        all.retain(|known| *known != (0, callback));
        all.push((of, callback));
    });
}

/// Notes that a stream or filter is connected. `is_real_time` says that PipeWire runs its callback in a thread that must
/// not wait, whatever policy the system grants that thread.
fn connects(of: usize, is_real_time: bool) {
    raw::unchecked(|| {
        let mut all = lock();
        // Those that a call makes with their callback are connected in the order in which they are made.
        if !all.iter().any(|(own, _)| *own == of)
            && let Some((own, _)) = all.iter_mut().find(|(own, _)| *own == 0)
        {
            *own = of;
        }
        all.iter().filter(|(own, _)| is_real_time && *own == of).for_each(|(_, callback)| {
            entry_of(*callback, Kind::Always);
        });
        all.retain(|(own, _)| *own != of);
    });
}

/// The flags by which a program asks PipeWire to run the callback of a stream or filter in such a thread.
const STREAM_RT_PROCESS: usize = 1 << 4;
const FILTER_RT_PROCESS: usize = 1 << 2;

before! {
    |call| {
        connects(call.first, call.fourth & STREAM_RT_PROCESS != 0);
        Verdict::Passes
    };
    pw_stream_connect
}
before! {
    |call| {
        connects(call.first, call.second & FILTER_RT_PROCESS != 0);
        Verdict::Passes
    };
    pw_filter_connect
}

/// Returns a word of a struct, or 0 if there is no struct.
fn word_at(structure: usize, index: usize) -> usize {
    let words = std::ptr::with_exposed_provenance::<usize>(structure);
    // SAFETY: the caller knows that the struct has this many words.
    if words.is_null() { 0 } else { unsafe { words.wrapping_add(index).read() } }
}

/// `struct pw_stream_events` of version 2: a version, and eleven functions. The ninth word is `process`.
fn stream_events(of: usize, events: usize) -> usize {
    let version = std::ptr::with_exposed_provenance::<u32>(events);
    // SAFETY: each version of the struct begins with its number.
    let version = if version.is_null() { 0 } else { unsafe { version.read() } };
    let words = if version >= 2 { 12 } else { 10 };
    registers(of, word_at(events, 8));
    copy_with_entry(events, words * WORD, 8 * WORD, Kind::InRealTime)
}

/// `struct pw_filter_events` of version 1: a version, and nine functions. The eighth word is `process`.
fn filter_events(of: usize, events: usize) -> usize {
    let version = std::ptr::with_exposed_provenance::<u32>(events);
    // SAFETY: as above.
    let version = if version.is_null() { 0 } else { unsafe { version.read() } };
    let words = if version >= 1 { 10 } else { 9 };
    registers(of, word_at(events, 7));
    copy_with_entry(events, words * WORD, 7 * WORD, Kind::InRealTime)
}

/// `SDL_AudioSpec`: 16 bytes of numbers, the callback, and its argument. SDL writes what it has got into the second of
/// its arguments, not into this struct.
fn sdl_spec(spec: usize) -> usize {
    copy_with_entry(spec, 32, 16, Kind::Always)
}

/// SDL's older call may write what it has got into this struct, so the struct itself gets the entry.
fn sdl_own_spec(spec: usize) -> usize {
    let words = std::ptr::with_exposed_provenance_mut::<usize>(spec);
    if !words.is_null() {
        let callback = words.wrapping_add(2);
        // SAFETY: the program passes a struct that it may change.
        let own = unsafe { callback.read() };
        // SAFETY: as above.
        unsafe { callback.write(always(own)) };
    }
    spec
}

/// Lets a function of arguments change one of them.
macro_rules! registers {
    ($($name:ident: $register:ident = $replace:expr;)*) => { $(
        before! {
            |call: &mut Arguments| {
                let replace: fn(usize) -> usize = $replace;
                call.$register = replace(call.$register);
                Verdict::Passes
            };
            $name
        }
    )* };
}

registers! {
    jack_set_process_callback: second = always;
    jack_set_sync_callback: second = always;
    jack_set_timebase_callback: third = always;
    Pa_OpenStream: sixth = always;
    Pa_OpenDefaultStream: sixth = always;
    snd_async_add_pcm_handler: third = always;
    SDL_OpenAudioDevice: third = sdl_spec;
    SDL_OpenAudio: first = sdl_own_spec;
}

before! {
    |call| {
        call.third = stream_events(call.first, call.third);
        Verdict::Passes
    };
    pw_stream_add_listener
}
before! {
    |call| {
        call.fourth = stream_events(0, call.fourth);
        Verdict::Passes
    };
    pw_stream_new_simple
}
before! {
    |call| {
        call.third = filter_events(call.first, call.third);
        Verdict::Passes
    };
    pw_filter_add_listener
}
before! {
    |call| {
        call.fourth = filter_events(0, call.fourth);
        Verdict::Passes
    };
    pw_filter_new_simple
}
