//! Two locks of one class are taken one inside the other, and not marked as nested.

use lockdep::Mutex;

fn main() {
    let ports: Vec<Mutex<u32>> = (0..2).map(Mutex::new).collect();
    let first = ports[0].lock();
    *ports[1].lock() += *first; // lock_nested(1) would mark this as the inner one
}
