//! Two locks of one class, one inside the other, without saying that they are nested.

use lockdep::Mutex;

fn main() {
    let ports: Vec<Mutex<u32>> = (0..2).map(Mutex::new).collect();
    let first = ports[0].lock();
    *ports[1].lock() += *first; // lock_nested(1) would say that this is the inner one
}
