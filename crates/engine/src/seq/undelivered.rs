//! Why an event did not reach its destination.

use crate::Error;
use aseqd_abi::Errno;

/// The reasons. They take one byte, because every delivery returns one or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    TooManyHops,
    NoSource,
    NoClient,
    NotReading,
    FilteredOut,
    NoPort,
    NotWritable,
    InputFull,
    LargerThanInput,
    NoQueue,
    QueueLocked,
}

impl From<Undelivered> for Error {
    fn from(reason: Undelivered) -> Self {
        let (errno, why) = match reason {
            Undelivered::TooManyHops => (Errno::EMLINK, "the event went through too many clients"),
            Undelivered::NoSource => (Errno::EINVAL, "the source port does not exist"),
            Undelivered::NoClient => (Errno::ENOENT, "no such client"),
            Undelivered::NotReading => (Errno::ENOENT, "the client is not open for reading"),
            Undelivered::FilteredOut => (Errno::ENOENT, "the client filters out the event type"),
            Undelivered::NoPort => (Errno::ENOENT, "no such port"),
            Undelivered::NotWritable => (Errno::EPERM, "the port cannot be written to"),
            Undelivered::InputFull => (Errno::EAGAIN, "the receiver's input is full"),
            Undelivered::LargerThanInput => {
                (Errno::ENOMEM, "the event is larger than the receiver's input")
            }
            Undelivered::NoQueue => (Errno::EINVAL, "no such queue to control"),
            Undelivered::QueueLocked => (Errno::EPERM, "the queue is locked by another client"),
        };
        Self::new(errno, why)
    }
}
