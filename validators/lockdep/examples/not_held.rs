//! Code relies on a lock that its caller forgot to take.

use lockdep::{Mutex, assert_held};

static CLIENTS: Mutex<u32> = Mutex::named("clients", 0);

fn remove_client() {
    assert_held!(CLIENTS);
}

fn main() {
    remove_client();
}
