//! The holder of a lock that a callback takes waits for a lock that is held with interrupts on.

use lockdep::{SpinLock, hardirq_enter};

static TIMER: SpinLock<u64> = SpinLock::named("timer", 0);
static LOG: SpinLock<u64> = SpinLock::named("log", 0);

fn main() {
    {
        let _section = hardirq_enter("callback");
        *TIMER.lock() += 1;
    }
    *LOG.lock() += 1; // with interrupts on
    let timer = TIMER.lock_irqsave();
    *LOG.lock() += *timer; // the callback may now wait for the holder of the log
}
