//! Two locks are taken in both orders. No thread waits, but two threads might.

use lockdep::Mutex;

static QUEUE: Mutex<u32> = Mutex::named("queue", 0);
static CLIENT: Mutex<u32> = Mutex::named("client", 0);

fn main() {
    {
        let queue = QUEUE.lock();
        *CLIENT.lock() += *queue;
    }
    let client = CLIENT.lock();
    *QUEUE.lock() += *client;
}
