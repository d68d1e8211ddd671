//! A lock that sleeps is taken while a lock that spins is held.

use lockdep::{Mutex, SpinLock};

static POOL: SpinLock<u32> = SpinLock::named("pool", 0);
static FILES: Mutex<u32> = Mutex::named("files", 0);

fn main() {
    let pool = POOL.lock();
    *FILES.lock() += *pool;
}
