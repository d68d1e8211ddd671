//! A callback takes a mutex. The mutex is free, but the callback might have to wait.

use lockdep::{Mutex, hardirq_enter};

static SETTINGS: Mutex<f32> = Mutex::named("settings", 1.0);

fn main() {
    let _section = hardirq_enter("callback");
    let _gain = *SETTINGS.lock();
}
