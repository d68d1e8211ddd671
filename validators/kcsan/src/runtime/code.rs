//! Looks at the program's machine code between two calls of the runtime.
//!
//! A store may only be delayed over code that is known to order nothing. Code of libraries is not instrumented, and may
//! order anything: to unlock a mutex is a function of the C library. So on no way from one call to the other there may be a
//! call of anything else, or an instruction that orders memory.

#![expect(unsafe_code, reason = "reads the program's instructions")]

mod decode;

use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::ops::Range;

use decode::{Instruction, LONGEST, What};

use crate::runtime::stack::is_ours;

/// Maximum number of instructions that are looked at. Larger functions are taken for code that orders something.
const MOST: usize = 4000;
/// Size of a page in bytes.
const PAGE: usize = 4096;

/// Returns whether all ways from one return address lead to the call that returns to another one, and order nothing. A call
/// of the runtime at the very end of the function is a jump, and returns to the function's caller. It is the right one,
/// because the runtime asks for the first call that is possible.
pub(crate) fn orders_nothing(from: usize, to: usize) -> bool {
    let code = code_around(from);
    // Where a way goes on, and whether something on it may have ordered memory.
    let mut ways = vec![(from, false)];
    let mut seen = BTreeSet::new();
    let mut is_reached = false;
    while let Some((mut at, mut is_ordered)) = ways.pop() {
        while seen.insert((at, is_ordered)) {
            if seen.len() > MOST || !code.contains(&at) || at + LONGEST > code.end {
                return false;
            }
            let bytes = std::ptr::with_exposed_provenance::<[u8; LONGEST]>(at);
            // SAFETY: all of it is in the code of the file.
            let bytes = unsafe { bytes.read_unaligned() };
            let Some(Instruction { length, what }) = decode::decode(&bytes) else { return false };
            let next = at + length;
            let there = |distance: isize| next.wrapping_add_signed(distance);
            at = next;
            let called = match what {
                What::Plain => continue,
                What::Orders => {
                    is_ordered = true;
                    continue;
                }
                What::Ends => break,
                // The function may be called again, and come by another way.
                What::Returns | What::JumpsAnywhere => return false,
                What::Branch(distance) => {
                    ways.push((there(distance), is_ordered));
                    continue;
                }
                What::Jump(distance) => {
                    at = there(distance);
                    match runtimes(at, &code) {
                        None => continue,
                        found => found,
                    }
                }
                What::Call(distance) => runtimes(there(distance), &code),
                What::CallOf(distance) => Some(word_at(there(distance))).filter(|at| is_ours(*at)),
            };
            let is_last = next == to || matches!(what, What::Jump(_));
            match called {
                // It forgets the store.
                Some(function) if function == __tsan_func_exit as *const () as usize => break,
                Some(_) if is_last && is_ordered => return false,
                Some(_) if is_last => {
                    is_reached = true;
                    break;
                }
                Some(_) => {}
                None => is_ordered = true,
            }
        }
    }
    is_reached
}

unsafe extern "C" {
    /// What compilers call at the end of a function.
    safe fn __tsan_func_exit();
}

/// Returns the code of the file that has an address in its code.
fn code_around(address: usize) -> Range<usize> {
    struct Found {
        address: usize,
        code: Range<usize>,
    }
    extern "C" fn one(info: *mut libc::dl_phdr_info, _size: usize, found: *mut c_void) -> c_int {
        // SAFETY: the argument is what `code_around` passes.
        let found = unsafe { &mut *found.cast::<Found>() };
        // SAFETY: the loader's own.
        let info = unsafe { &*info };
        // SAFETY: the headers are in memory as long as the file is.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let number = |value: u64| usize::try_from(value).unwrap_or_default();
        for header in headers {
            let start = number(info.dlpi_addr.wrapping_add(header.p_vaddr));
            let end = start + number(header.p_memsz);
            let is_code = header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0;
            if is_code && (start..end).contains(&found.address) {
                // Whole pages are mapped.
                found.code = start..end.next_multiple_of(PAGE);
                return 1;
            }
        }
        0
    }
    let mut found = Found { address, code: 0..0 };
    // SAFETY: the function gets the argument that is passed here.
    unsafe { libc::dl_iterate_phdr(Some(one), (&raw mut found).cast()) };
    found.code
}

/// Returns the function of the runtime to which a call leads: at once, or through an entry of the linker's table for calls.
fn runtimes(target: usize, code: &Range<usize>) -> Option<usize> {
    if is_ours(target) {
        return Some(target);
    }
    if !code.contains(&target) || target + LONGEST > code.end {
        return None;
    }
    // `endbr64` may stand before, and a prefix in front of the jump.
    let bytes = std::ptr::with_exposed_provenance::<[u8; LONGEST]>(target);
    // SAFETY: all of it is in the code of the file.
    let bytes = unsafe { bytes.read_unaligned() };
    let skipped = if bytes.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]) { 4 } else { 0 };
    let rest = &bytes[skipped..];
    let prefix = usize::from(rest.starts_with(&[0xf2]));
    let [0xff, 0x25, a, b, c, d, ..] = rest[prefix..] else { return None };
    let next = target + skipped + prefix + 6;
    let distance = i32::from_le_bytes([a, b, c, d]);
    Some(word_at(next.wrapping_add_signed(distance as isize))).filter(|at| is_ours(*at))
}

/// Returns a word of the linker's table of addresses.
fn word_at(address: usize) -> usize {
    // SAFETY: an instruction of the program calls what the word at this address says.
    unsafe { std::ptr::with_exposed_provenance::<usize>(address).read_unaligned() }
}
