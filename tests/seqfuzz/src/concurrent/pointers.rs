//! Pointers at which not all of a buffer is, and what calls answer that pass them.
//!
//! Linux takes what is there: whole events of a write before it comes to the end, and the struct of a request before it does
//! anything. The file layers of doors may look at a pointer before anything else, as `docs/compatibility.md` says, so
//! `EFAULT` is right where another error is, unless a part of the buffer is there.

use crate::device::{Device, EngineDevice};
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventLength};
use aseqd_abi::ioctl;
use aseqd_abi::ioctl::sequencer::{SET_CLIENT_POOL, SET_QUEUE_CLIENT};

/// What a pointer points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// Nothing: it is null.
    Null,
    /// Memory that may not be accessed.
    Unmapped,
    /// The whole buffer, in memory that may only be read.
    ReadOnly,
    /// This many bytes before memory that may not be accessed.
    Edge(usize),
}

/// What may come of a call.
pub(super) enum Expected {
    /// One of these errors, and nothing is done.
    Fails(Vec<Errno>),
    /// The call is made with what is there. `EFAULT` comes of it if it succeeds.
    MadeThenFails,
    /// A write takes the first bytes only.
    Shorter(usize),
    /// A read takes out what fits into the first bytes. `EFAULT` comes of it, or its answer where the file layer passes on no more.
    Part(usize),
    /// The call is made as if the pointer were good.
    Made,
    /// Nobody knows what the call has changed, or answers.
    Unknown,
}

impl Pointer {
    /// Returns the pointer of a number in programs: 0 null, 1 unmapped, 2 read-only, and from 3 on that of which 0 and
    /// more bytes are there.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        match number {
            0 => Self::Null,
            1 => Self::Unmapped,
            2 => Self::ReadOnly,
            #[expect(clippy::cast_possible_truncation, reason = "small")]
            more => Self::Edge((more - 3) as usize & 0xffff),
        }
    }

    /// Returns its number in programs.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Null => 0,
            Self::Unmapped => 1,
            Self::ReadOnly => 2,
            Self::Edge(there) => there as u64 + 3,
        }
    }

    /// Returns how much of a buffer can be read.
    pub(super) const fn there(self, len: usize) -> usize {
        match self {
            Self::Null | Self::Unmapped => 0,
            Self::ReadOnly => len,
            Self::Edge(there) => there,
        }
    }

    /// Returns what may come of a call on a file of a device in this state.
    pub(super) fn expected(self, device: &EngineDevice, file: usize, step: &Step) -> Expected {
        let fails = |error: Errno| match self {
            Self::Edge(_) => Expected::Fails(vec![error]),
            _ => Expected::Fails(vec![error, Errno::EFAULT]),
        };
        match step {
            Step::Write(_, data) if self.there(data.len()) < data.len() => {
                if data.len() < EVENT_SIZE {
                    return Expected::Fails(vec![Errno::EFAULT, Errno::EINVAL, Errno::EBADF]);
                }
                let there = self.there(data.len());
                let taken = |data: &[u8]| device.clone().write(file, data);
                match (taken(&data[..there]), taken(data)) {
                    (Err(Errno::EBADF), _) => fails(Errno::EBADF),
                    // FUSE passes on what is there.
                    _ if there < EVENT_SIZE => Expected::Fails(vec![Errno::EFAULT, Errno::EINVAL]),
                    (Ok(_), _) => Expected::Shorter(there),
                    (Err(one), Err(other)) if one == other && !has_data(data) => fails(one),
                    // The data of an event is not all there, or what it lacks is asked for first. Doors read it before they
                    // know whether the event's queue and destination are there.
                    (Err(one), _) => Expected::Fails(vec![Errno::EFAULT, one]),
                }
            }
            Step::Read(_, len) => {
                let there = if let Self::Edge(there) = self { there.min(*len) } else { 0 };
                match device.clone().read(file, &mut vec![0; *len]) {
                    _ if there == *len => Expected::Made,
                    Ok(read) if read <= there => Expected::Made,
                    Ok(_) => Expected::Part(there),
                    // FUSE asks for no less than an event.
                    Err(error) if there < EVENT_SIZE => Expected::Fails(vec![error, Errno::EFAULT]),
                    Err(error) => fails(error),
                }
            }
            Step::Ioctl { code, argument, .. } => {
                let size = argument.len();
                // Linux knows its requests before it looks at a pointer, and FUSE does not.
                let unknown = [Errno::ENOTTY, Errno::ENOSYS];
                if let Err(error) = device.clone().ioctl(file, *code, &mut argument.clone())
                    && unknown.contains(&error)
                {
                    return Expected::Fails([&[error, Errno::EFAULT][..], &unknown].concat());
                }
                let (in_, out) = (
                    ioctl::direction(*code) & ioctl::WRITE != 0,
                    ioctl::direction(*code) & ioctl::READ != 0,
                );
                let read = self.there(size) >= size;
                if size == 0 || (read && self != Self::ReadOnly) {
                    Expected::Made
                } else if in_ && !read {
                    Expected::Fails(vec![Errno::EFAULT])
                } else if out {
                    Expected::MadeThenFails
                } else if matches!(*code, SET_QUEUE_CLIENT | SET_CLIENT_POOL) {
                    // They copy back though their codes do not say so, where the door can do that.
                    Expected::Unknown
                } else {
                    Expected::Made
                }
            }
            _ => Expected::Made,
        }
    }
}

/// Returns whether the first event of a write is of a type that has data behind it.
fn has_data(data: &[u8]) -> bool {
    let Some([kind, flags]) = data.first_chunk() else { return false };
    let flags = EventFlags::from_bits_retain(*flags);
    flags.length() == EventLength::VARIABLE && (130..=139).contains(kind)
}

/// Returns whether an answer is one of these errors.
pub(super) fn is_one_of(answer: &Answer, errors: &[Errno]) -> bool {
    answer.value.is_err_and(|error| errors.contains(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_pointers_are_read_as_they_are_written() {
        for number in [0, 1, 2, 3, 31, 3 + 56] {
            assert_eq!(Pointer::of(number).number(), number);
        }
        assert_eq!(Pointer::of(31), Pointer::Edge(28));
    }
}
