//! Prints records of a timer file, without values that differ from run to run: times, and numbers of ticks.

use super::hex;
use aseqd_abi::timer::{TimerEvent, TimerRead, TimerTread};
use std::fmt::Write as _;
use zerocopy::FromBytes;

/// Prints what a read returned, a record a line.
pub(super) fn records(bytes: &[u8], with_events: bool) -> String {
    let mut text = format!("= {}", bytes.len());
    let size = if with_events { size_of::<TimerTread>() } else { size_of::<TimerRead>() };
    for record in bytes.chunks(size) {
        let told = match (TimerTread::read_from_bytes(record), TimerRead::read_from_bytes(record)) {
            (Ok(record), _) => with_event(&record),
            (_, Ok(record)) => {
                let ticks = if record.ticks == 0 { "0" } else { "some" };
                format!("resolution={} ticks={ticks}", record.resolution)
            }
            _ => format!("rest {}", hex(record)),
        };
        let _infallible = write!(text, "\n{told}");
    }
    text
}

fn with_event(record: &TimerTread) -> String {
    let event = TimerEvent(record.event);
    let name = TimerEvent::ALL.iter().find(|(_, known)| *known == event);
    let mut text = name.map_or_else(|| record.event.to_string(), |(name, _)| (*name).to_owned());
    if event == TimerEvent::TICK {
        text += if record.val == 0 { " 0" } else { " some" };
    } else {
        let _infallible = write!(text, " {}", record.val);
    }
    if record.tv_sec == 0 && record.tv_nsec == 0 {
        text += " time=0";
    }
    if record.pad1 != 0 || record.pad2 != 0 {
        let _infallible = write!(text, " pads={:#x},{:#x}", record.pad1, record.pad2);
    }
    text
}
