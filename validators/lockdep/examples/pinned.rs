//! A lock that a callee gives back though its caller relies on it.

use lockdep::SpinLock;

fn main() {
    let lock = SpinLock::named("state", 0);
    let guard = lock.lock();
    guard.pin();
    drop(guard);
}
