//! Facts about the process, which every part of the runtime reads. `setup` writes them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static READY: AtomicBool = AtomicBool::new(false);
static ONE_PROCESSOR: AtomicBool = AtomicBool::new(false);
static PID: AtomicU32 = AtomicU32::new(0);

/// Returns whether watchpoints may be set, because the runtime is set up.
pub(crate) fn is_ready() -> bool {
    READY.load(Ordering::Relaxed)
}

/// Allows watchpoints from now on.
pub(crate) fn set_ready() {
    READY.store(true, Ordering::Release);
}

/// Returns the process ID.
pub(crate) fn pid() -> u32 {
    PID.load(Ordering::Relaxed)
}

/// Reads the process ID: at the start, and in a child.
pub(crate) fn renew_pid() {
    PID.store(std::process::id(), Ordering::Relaxed);
}

/// Returns whether the threads of the program share one processor.
pub(crate) fn has_one_processor() -> bool {
    ONE_PROCESSOR.load(Ordering::Relaxed)
}

/// Counts the processors that this process may use.
pub(crate) fn count_processors() {
    let processors = std::thread::available_parallelism();
    ONE_PROCESSOR.store(processors.is_ok_and(|count| count.get() == 1), Ordering::Relaxed);
}
