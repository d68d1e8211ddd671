//! Code that relies on a lock which its caller forgot.

use lockdep::{Mutex, assert_held};

static CLIENTS: Mutex<u32> = Mutex::named("clients", 0);

fn remove_client() {
    assert_held!(CLIENTS);
}

fn main() {
    remove_client();
}
