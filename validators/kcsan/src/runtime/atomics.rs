//! Atomic accesses. The compiler replaces them by calls, so they are made here, after a look into the tables.
//!
//! The program gets at least the memory order that it asks for. On x86-64 all orders are the same instruction, except
//! for a store that is more than a release.

#![expect(unsafe_code, reason = "exports under the compiler's names")]

use std::arch::{asm, global_asm};
use std::ffi::c_int;
use std::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, compiler_fence, fence,
};

use crate::runtime::access::kind;
use crate::runtime::delayed;
use crate::runtime::watch::marked;

const SEQ_CST: c_int = 5;
const READ: u32 = kind::READ;
const WRITE: u32 = kind::WRITE;
const CHANGE: u32 = kind::WRITE | kind::COMPOUND;

// Exports functions that get their return address as a further argument.
macro_rules! with_place {
    ($registers:ident; $($name:ident)*) => { $(
        global_asm!(
            ".pushsection .text,\"ax\",@progbits",
            concat!(".globl ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ":"),
            ".cfi_startproc",
            $registers!(),
            ".cfi_endproc",
            ".popsection",
            function = sym $name,
        );
    )* };
}
#[cfg(target_arch = "x86_64")]
macro_rules! after_three {
    () => {
        "mov rcx, [rsp]\njmp {function}"
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! after_four {
    () => {
        "mov r8, [rsp]\njmp {function}"
    };
}
// Elsewhere nobody looks at the place.
#[cfg(not(target_arch = "x86_64"))]
macro_rules! after_three {
    () => {
        "b {function}"
    };
}
#[cfg(not(target_arch = "x86_64"))]
macro_rules! after_four {
    () => {
        "b {function}"
    };
}

macro_rules! atomic {
    ($registers:ident, $number:ident, $atomic:ident, $load:ident $store:ident $exchange:ident
     $strong:ident $weak:ident $val:ident
     $($fetch:ident = $method:ident)*) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $load(place: *const $atomic, _order: c_int) -> $number {
            marked(place.addr(), size_of::<$number>(), READ);
            // SAFETY: the program accesses it.
            unsafe { &*place }.load(Ordering::SeqCst)
        }

        with_place!($registers; $store $exchange $($fetch)*);

        unsafe extern "C" fn $store(
            place: *const $atomic,
            value: $number,
            order: c_int,
            caller: usize,
        ) {
            marked(place.addr(), size_of::<$number>(), WRITE);
            // SAFETY: the program accesses it.
            let place = unsafe { &*place };
            if order == SEQ_CST {
                place.store(value, Ordering::SeqCst);
            } else {
                place.store(value, Ordering::Release);
            }
            delayed::behind(order, caller);
        }

        unsafe extern "C" fn $exchange(
            place: *const $atomic,
            value: $number,
            order: c_int,
            caller: usize,
        ) -> $number {
            marked(place.addr(), size_of::<$number>(), CHANGE);
            // SAFETY: the program accesses it.
            let found = unsafe { &*place }.swap(value, Ordering::SeqCst);
            delayed::behind(order, caller);
            found
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $val(
            place: *const $atomic,
            old: $number,
            new: $number,
            _order: c_int,
            _failure: c_int,
        ) -> $number {
            marked(place.addr(), size_of::<$number>(), CHANGE);
            // Whether it orders anything depends on its success, so it counts as if it did.
            delayed::forget();
            // SAFETY: the program accesses it.
            let place = unsafe { &*place };
            match place.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(found) | Err(found) => found,
            }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $strong(
            place: *const $atomic,
            old: *mut $number,
            new: $number,
            order: c_int,
            failure: c_int,
        ) -> c_int {
            // SAFETY: the caller's own variable.
            let expected = unsafe { old.read() };
            // SAFETY: the caller's arguments.
            let found = unsafe { $val(place, expected, new, order, failure) };
            if found != expected {
                // SAFETY: the caller's own variable.
                unsafe { old.write(found) };
            }
            (found == expected).into()
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $weak(
            place: *const $atomic,
            old: *mut $number,
            new: $number,
            order: c_int,
            failure: c_int,
        ) -> c_int {
            // SAFETY: the caller's arguments.
            unsafe { $strong(place, old, new, order, failure) }
        }

        $(
            unsafe extern "C" fn $fetch(
                place: *const $atomic,
                value: $number,
                order: c_int,
                caller: usize,
            ) -> $number {
                marked(place.addr(), size_of::<$number>(), CHANGE);
                // SAFETY: the program accesses it.
                let found = unsafe { &*place }.$method(value, Ordering::SeqCst);
                delayed::behind(order, caller);
                found
            }
        )*
    };
}

atomic! { after_three, u8, AtomicU8,
    __tsan_atomic8_load __tsan_atomic8_store __tsan_atomic8_exchange
    __tsan_atomic8_compare_exchange_strong __tsan_atomic8_compare_exchange_weak
    __tsan_atomic8_compare_exchange_val
    __tsan_atomic8_fetch_add = fetch_add
    __tsan_atomic8_fetch_sub = fetch_sub
    __tsan_atomic8_fetch_and = fetch_and
    __tsan_atomic8_fetch_or = fetch_or
    __tsan_atomic8_fetch_xor = fetch_xor
    __tsan_atomic8_fetch_nand = fetch_nand
}
atomic! { after_three, u16, AtomicU16,
    __tsan_atomic16_load __tsan_atomic16_store __tsan_atomic16_exchange
    __tsan_atomic16_compare_exchange_strong __tsan_atomic16_compare_exchange_weak
    __tsan_atomic16_compare_exchange_val
    __tsan_atomic16_fetch_add = fetch_add
    __tsan_atomic16_fetch_sub = fetch_sub
    __tsan_atomic16_fetch_and = fetch_and
    __tsan_atomic16_fetch_or = fetch_or
    __tsan_atomic16_fetch_xor = fetch_xor
    __tsan_atomic16_fetch_nand = fetch_nand
}
atomic! { after_three, u32, AtomicU32,
    __tsan_atomic32_load __tsan_atomic32_store __tsan_atomic32_exchange
    __tsan_atomic32_compare_exchange_strong __tsan_atomic32_compare_exchange_weak
    __tsan_atomic32_compare_exchange_val
    __tsan_atomic32_fetch_add = fetch_add
    __tsan_atomic32_fetch_sub = fetch_sub
    __tsan_atomic32_fetch_and = fetch_and
    __tsan_atomic32_fetch_or = fetch_or
    __tsan_atomic32_fetch_xor = fetch_xor
    __tsan_atomic32_fetch_nand = fetch_nand
}
atomic! { after_three, u64, AtomicU64,
    __tsan_atomic64_load __tsan_atomic64_store __tsan_atomic64_exchange
    __tsan_atomic64_compare_exchange_strong __tsan_atomic64_compare_exchange_weak
    __tsan_atomic64_compare_exchange_val
    __tsan_atomic64_fetch_add = fetch_add
    __tsan_atomic64_fetch_sub = fetch_sub
    __tsan_atomic64_fetch_and = fetch_and
    __tsan_atomic64_fetch_or = fetch_or
    __tsan_atomic64_fetch_xor = fetch_xor
    __tsan_atomic64_fetch_nand = fetch_nand
}

/// Atomics of sixteen bytes, by the processor's own instructions, because Rust has no type for them.
#[repr(C, align(16))]
struct AtomicU128([u64; 2]);

impl AtomicU128 {
    fn compare_exchange(
        &self,
        old: u128,
        new: u128,
        _success: Ordering,
        _failure: Ordering,
    ) -> Result<u128, u128> {
        let [old_low, old_high] = halves(old);
        let [new_low, new_high] = halves(new);
        let (low, high): (u64, u64);
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the place is aligned. What was found is written back if it differs, so that both halves are of one
        // moment.
        unsafe {
            asm!(
                "2:",
                "ldaxp {low}, {high}, [{place}]",
                "cmp {low}, {old_low}",
                "ccmp {high}, {old_high}, #0, eq",
                "csel {put_low}, {new_low}, {low}, eq",
                "csel {put_high}, {new_high}, {high}, eq",
                "stlxp {failed:w}, {put_low}, {put_high}, [{place}]",
                "cbnz {failed:w}, 2b",
                low = out(reg) low,
                high = out(reg) high,
                put_low = out(reg) _,
                put_high = out(reg) _,
                failed = out(reg) _,
                place = in(reg) std::ptr::from_ref(self),
                old_low = in(reg) old_low,
                old_high = in(reg) old_high,
                new_low = in(reg) new_low,
                new_high = in(reg) new_high,
                options(nostack)
            );
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the place is aligned; rbx, which the compiler keeps for itself, is put back.
        unsafe {
            asm!(
                "xchg {new_low}, rbx",
                "lock cmpxchg16b [{place}]",
                "mov rbx, {new_low}",
                new_low = inout(reg) new_low => _,
                place = in(reg) std::ptr::from_ref(self),
                inout("rax") old_low => low,
                inout("rdx") old_high => high,
                in("rcx") new_high,
                options(nostack)
            );
        }
        let found = u128::from(high) << 64 | u128::from(low);
        if found == old { Ok(found) } else { Err(found) }
    }

    fn load(&self, _order: Ordering) -> u128 {
        match self.compare_exchange(0, 0, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(found) | Err(found) => found,
        }
    }

    fn update(&self, change: impl Fn(u128) -> u128) -> u128 {
        let mut old = self.load(Ordering::SeqCst);
        loop {
            match self.compare_exchange(old, change(old), Ordering::SeqCst, Ordering::SeqCst) {
                Ok(found) => return found,
                Err(found) => old = found,
            }
        }
    }

    fn store(&self, value: u128, _order: Ordering) {
        self.update(|_| value);
    }

    fn swap(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|_| value)
    }

    fn fetch_add(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| old.wrapping_add(value))
    }

    fn fetch_sub(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| old.wrapping_sub(value))
    }

    fn fetch_and(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| old & value)
    }

    fn fetch_or(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| old | value)
    }

    fn fetch_xor(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| old ^ value)
    }

    fn fetch_nand(&self, value: u128, _order: Ordering) -> u128 {
        self.update(|old| !(old & value))
    }
}

fn halves(value: u128) -> [u64; 2] {
    let [low, high] = [value & u128::from(u64::MAX), value >> 64];
    [low, high].map(|half| u64::try_from(half).unwrap_or(u64::MAX))
}

// A value of sixteen bytes takes two registers.
atomic! { after_four, u128, AtomicU128,
    __tsan_atomic128_load __tsan_atomic128_store __tsan_atomic128_exchange
    __tsan_atomic128_compare_exchange_strong __tsan_atomic128_compare_exchange_weak
    __tsan_atomic128_compare_exchange_val
    __tsan_atomic128_fetch_add = fetch_add
    __tsan_atomic128_fetch_sub = fetch_sub
    __tsan_atomic128_fetch_and = fetch_and
    __tsan_atomic128_fetch_or = fetch_or
    __tsan_atomic128_fetch_xor = fetch_xor
    __tsan_atomic128_fetch_nand = fetch_nand
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_atomic_thread_fence(_order: c_int) {
    delayed::forget();
    fence(Ordering::SeqCst);
}

#[unsafe(no_mangle)]
extern "C" fn __tsan_atomic_signal_fence(_order: c_int) {
    compiler_fence(Ordering::SeqCst);
}
