//! A callback returns without releasing a lock.

use lockdep::{SpinLock, hardirq_enter};

static MIXER: SpinLock<u32> = SpinLock::named("mixer", 0);

fn main() {
    let _section = hardirq_enter("callback");
    std::mem::forget(MIXER.lock());
}
