//! The text of `/proc/asound/timers`.

use super::Timers;
use super::instance::State;
use alloc::string::String;
use core::fmt::{self, Write as _};

pub(crate) fn timers(timers: &Timers) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _infallible = write_timers(timers, &mut text);
    text
}

fn write_timers(timers: &Timers, out: &mut String) -> fmt::Result {
    for (key, timer) in &timers.timers {
        let (us, ns) = (timer.resolution / 1000, timer.resolution % 1000);
        let (device, name, ticks) = (key.device, timer.name(), timer.max_ticks);
        writeln!(out, "G{device}: {name} : {us}.{ns:03}us ({ticks} ticks)")?;
        for instance in timer.instances.iter().filter_map(|id| timers.instance(*id)) {
            let state = if instance.state == State::Idle { "stopped" } else { "running" };
            writeln!(out, "  Client {} : {state}", instance.label)?;
        }
    }
    Ok(())
}
