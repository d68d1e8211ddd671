//! The log is taken under the timer. Later the log is taken with interrupts on.

use lockdep::{SpinLock, hardirq_enter};

static TIMER: SpinLock<u64> = SpinLock::named("timer", 0);
static LOG: SpinLock<u64> = SpinLock::named("log", 0);

fn main() {
    {
        let _section = hardirq_enter("callback");
        *TIMER.lock() += 1;
    }
    {
        let timer = TIMER.lock_irqsave();
        *LOG.lock() += *timer;
    }
    *LOG.lock() += 1; // with interrupts on
}
