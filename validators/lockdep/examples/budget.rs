//! One turn handles more items than its limit.

use lockdep::hardirq_enter;

fn main() {
    let turn = hardirq_enter("turn").max_items(1000);
    for _ in 0..4000 {
        turn.item();
    }
}
