//! The events in the bytes of a write, as the device cuts them.

use aseqd_engine::abi::event::{Event, EventFlags};
use std::ops::Range;
use zerocopy::FromBytes as _;

/// Size of a UMP record.
const UMP_SIZE: usize = size_of::<Event>() + 4;

/// Returns the events of a write, each with the place of what it carries: the packet of a UMP record beyond the
/// first 16 bytes, or the data that follows a variable event. A record that is not whole ends the list.
pub fn events(data: &[u8]) -> impl Iterator<Item = (Event, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (event, _) = Event::read_from_prefix(data.get(at..)?).ok()?;
        let carried = if event.flags.contains(EventFlags::UMP) {
            at + size_of::<Event>() - event.data.0.len()..at + UMP_SIZE
        } else if event.is_variable() {
            let [a, b, c, d, ..] = event.data.0;
            // The two highest bits of the length are flags for use in the kernel.
            let len = u32::from_ne_bytes([a, b, c, d]) & 0x3fff_ffff;
            let begin = at + size_of::<Event>();
            begin..begin.checked_add(usize::try_from(len).ok()?)?
        } else {
            let end = at + size_of::<Event>();
            end..end
        };
        at = carried.end;
        (at <= data.len()).then_some((event, carried))
    })
}
