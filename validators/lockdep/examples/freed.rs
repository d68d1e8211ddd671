//! A lock is freed while it is held.

use lockdep::Mutex;

fn main() {
    let lock = Box::new(Mutex::named("short-lived", 0));
    std::mem::forget(lock.lock());
    drop(lock);
}
