//! The runtime's own allocator. A report may be made while the program's allocator is locked.

#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::Dlmalloc;

struct Memory {
    taken: AtomicBool,
    heap: UnsafeCell<Dlmalloc>,
}

#[global_allocator]
static MEMORY: Memory =
    Memory { taken: AtomicBool::new(false), heap: UnsafeCell::new(Dlmalloc::new()) };

// SAFETY: only the thread that has set `taken` uses the heap.
unsafe impl Sync for Memory {}

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut Dlmalloc) -> T) -> T {
        while self.taken.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        // SAFETY: `taken` was clear, so no other thread has it. No signal handler comes in between: the
        // runtime allocates in `Place::Runtime`, where it does nothing for a handler.
        let result = work(unsafe { &mut *self.heap.get() });
        self.taken.store(false, Ordering::Release);
        result
    }
}

// SAFETY: dlmalloc keeps what `GlobalAlloc` promises.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and alignment may be asked for.
        self.with(|heap| unsafe { heap.malloc(layout.size(), layout.align()) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller got it here, with this layout.
        self.with(|heap| unsafe { heap.free(pointer, layout.size(), layout.align()) });
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and alignment may be asked for.
        self.with(|heap| unsafe { heap.calloc(layout.size(), layout.align()) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller got it here, with this layout.
        self.with(|heap| unsafe { heap.realloc(pointer, layout.size(), layout.align(), size) })
    }
}
