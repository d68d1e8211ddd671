//! The two ends of a link.

use aseqd_host::error::Fail;

/// The sending end.
pub(super) trait Sender {
    /// Sends messages with numbers from `first` on, in one call where there is one; sleeps when there
    /// is no room.
    fn send(&mut self, first: u32, count: u32) -> Result<(), Fail>;
}

/// The receiving end.
pub(super) trait Receiver {
    /// Sleeps until there are messages; their numbers, and when each was in the program's hands.
    fn receive(&mut self, into: &mut Vec<(u32, u64)>) -> Result<(), Fail>;

    /// Messages that the transport says it has dropped; none if it does not count them.
    fn told_losses(&self) -> u64 {
        0
    }
}
