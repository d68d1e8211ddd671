//! The gate is opened by a callee, and then opened again by the one who had closed it.

use lockdep::{irqsave, local_irq_enable};

fn main() {
    let flags = irqsave();
    local_irq_enable();
    flags.restore();
}
