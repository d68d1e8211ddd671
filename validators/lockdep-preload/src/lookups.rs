//! What `dlsym` returns.

#![expect(unsafe_code, reason = "an export under a name of the C library")]

use std::arch::naked_asm;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::Ordering;

use lockdep::raw;

use crate::functions;
use crate::next::{Next, all, find_dlsym, global, real};

/// Finds functions as the C library does. What a program finds in a library of its own choice, and what this library
/// exports too, is replaced: programs load libjack in this way. So is a function that is named (`functions`).
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn dlsym() {
    naked_asm!(
        // RTLD_DEFAULT and RTLD_NEXT depend on the caller, so they go to the C library with its return address.
        "cmp rdi, -1",
        "je 2f",
        "test rdi, rdi",
        "jne {found}",
        "2:",
        "push rdi",
        "push rsi",
        "sub rsp, 8",
        "call {find}",
        "add rsp, 8",
        "pop rsi",
        "pop rdi",
        "test rax, rax",
        "je 3f",
        "jmp rax",
        "3:",
        "mov rax, rdx",
        "ret",
        found = sym find_in,
        find = sym find_by_caller,
    )
}

/// Where to look a function up, or, if that is 0, what was found.
#[repr(C)]
struct Found {
    find: usize,
    found: usize,
}

/// Finds a function that is named in the whole program. Everything else is found for the caller.
extern "C" fn find_by_caller(handle: *mut c_void, name: *const c_char) -> Found {
    let is_ours = handle.is_null() && functions::are_wanted() && !raw::is_busy();
    let found = if is_ours { global(name) } else { 0 };
    match functions::found(found) {
        entry if entry != found => Found { find: 0, found: entry },
        _ => Found { find: find_dlsym(), found: 0 },
    }
}

extern "C" fn find_in(handle: *mut c_void, name: *const c_char) -> usize {
    let found = real(handle, name);
    if found == 0 || raw::is_busy() {
        return found;
    }
    let entry = functions::found(found);
    if entry != found {
        return entry;
    }
    // SAFETY: the caller has promised a C string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if !LATE.iter().any(|start| name.starts_with(start)) {
        return found;
    }
    let is_it = |next: &&Next| next.name().as_bytes() == name;
    match all().iter().find(is_it).and_then(|next| Some((next, next.export?))) {
        Some((next, export)) if export as usize != found => {
            next.address.store(found, Ordering::Relaxed);
            export as usize
        }
        _ => found,
    }
}

/// How names of functions begin that are not the C library's.
const LATE: [&[u8]; 7] = [b"jack_", b"pw_", b"Pa_", b"SDL_", b"snd_", b"dbus_", b"sd_bus_"];
