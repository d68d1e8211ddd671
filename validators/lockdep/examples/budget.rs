//! One turn that handles more than it may.

use lockdep::hardirq_enter;

fn main() {
    let turn = hardirq_enter("turn").max_items(1000);
    for _ in 0..4000 {
        turn.item();
    }
}
