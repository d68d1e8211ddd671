//! A callee releases a lock on which its caller relies.

use lockdep::SpinLock;

fn main() {
    let lock = SpinLock::named("state", 0);
    let guard = lock.lock();
    guard.pin();
    drop(guard);
}
