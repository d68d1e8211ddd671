//! One of the two accesses is in code that no compiler instrumented.

#![expect(unsafe_code, reason = "assembly, which no tool has instrumented")]

use std::hint::black_box;

use super::{Case, TURNS, look_again};
use crate::tool::{Mutex, Plain};

/// One of the two accesses is in code that no compiler instrumented.
pub(super) struct UninstrumentedCode {
    fixed: bool,
    value: Plain<u32>,
    lock: Mutex<()>,
}

impl UninstrumentedCode {
    pub(super) fn new(fixed: bool) -> Self {
        Self { fixed, value: Plain::new(0), lock: Mutex::new(()) }
    }
}

impl Case for UninstrumentedCode {
    fn first(&self) {
        for _ in 0..TURNS {
            let _held = self.fixed.then(|| self.lock.lock().unwrap());
            black_box(self.value.get());
            look_again();
        }
    }

    fn second(&self) {
        let _held = self.fixed.then(|| self.lock.lock().unwrap());
        let place: *const Plain<u32> = &self.value;
        // This takes long enough for the other thread to make its access meanwhile.
        for _ in 0..1000 {
            // SAFETY: the place is that of the value. The race is the purpose.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                std::arch::asm!("inc dword ptr [{}]", in(reg) place);
            }
        }
    }
}
