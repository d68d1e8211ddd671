//! The two ends of a link.

use aseqd_host::error::Fail;

/// The sending end.
pub(super) trait Sender {
    /// Sends `count` messages, numbered from `first` on, by one call where the link can. It sleeps while there is no
    /// room.
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail>;
}

/// The receiving end.
pub(super) trait Receiver {
    /// Sleeps until there are messages, and adds their numbers and the time when each was read.
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail>;

    /// Returns how often the link has reported lost messages; 0 if it does not report them.
    fn told_losses(&self) -> u64 {
        0
    }
}
