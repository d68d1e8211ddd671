//! A mutex in a callback. It is free: that it may wait is the defect.

use lockdep::{Mutex, hardirq_enter};

static SETTINGS: Mutex<f32> = Mutex::named("settings", 1.0);

fn main() {
    let _section = hardirq_enter("callback");
    let _gain = *SETTINGS.lock();
}
