//! A callback takes a lock that other code holds with interrupts on.

use lockdep::{SpinLock, hardirq_enter};

static TIMER: SpinLock<u64> = SpinLock::named("timer", 0);

fn callback() {
    let _section = hardirq_enter("callback");
    *TIMER.lock() += 1;
}

fn main() {
    callback();
    *TIMER.lock() += 1; // lock_irqsave() would keep the callback out
}
