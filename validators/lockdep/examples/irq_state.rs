//! A callee turns interrupts on, and then its caller, which had turned them off, restores them.

use lockdep::{irqsave, local_irq_enable};

fn main() {
    let flags = irqsave();
    local_irq_enable();
    flags.restore();
}
