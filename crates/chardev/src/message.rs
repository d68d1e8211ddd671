//! Decodes messages of the kernel: header and body, and the calls on nodes.

use zerocopy::FromBytes;

use crate::error::Malformed;
use crate::request::{Caller, IoctlAbi, Operation, PollHandle};
use crate::wire;

/// A message cut into header and body. Its lengths have been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) header: wire::InHeader,
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let bad = |why, opcode| Malformed { why, opcode, length: bytes.len() };
        let Ok((header, body)) = wire::InHeader::read_from_prefix(bytes) else {
            return Err(bad("shorter than the header", 0));
        };
        if header.len as usize != bytes.len() {
            return Err(bad("length field and length differ", header.opcode));
        }
        // Extensions (7.38) stand behind the body; none of ours has any, so they are cut off.
        let extensions = usize::from(header.total_extlen) * 8;
        let Some(end) = body.len().checked_sub(extensions) else {
            return Err(bad("extensions are longer than the message", header.opcode));
        };
        Ok(Self { header, body: &body[..end] })
    }

    pub(crate) fn malformed(&self, why: &'static str) -> Malformed {
        Malformed {
            why,
            opcode: self.header.opcode,
            length: size_of::<wire::InHeader>() + self.body.len(),
        }
    }

    /// Returns the argument struct at the start of the body, and the bytes behind it.
    pub(crate) fn argument<T: FromBytes>(&self) -> Result<(T, &'a [u8]), Malformed> {
        T::read_from_prefix(self.body).map_err(|_| self.malformed("body is too short"))
    }

    /// Returns the body as a file name, without its terminating zero.
    pub(crate) fn name(&self) -> Result<&'a [u8], Malformed> {
        let end = self.body.iter().position(|&byte| byte == 0);
        end.map(|end| &self.body[..end]).ok_or_else(|| self.malformed("name without its end"))
    }

    pub(crate) fn caller(&self) -> Caller {
        let wire::InHeader { pid, uid, gid, .. } = self.header;
        Caller { pid, uid, gid }
    }
}

/// A decoded call on a node. The device applies its own rules to it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) handle: u64,
    /// The position in the file: not 0 for the second and later parts of a call that the kernel split.
    pub(crate) offset: u64,
    /// Whether the kernel reads for its page cache and not for a `read` of a program.
    pub(crate) page_cache: bool,
    pub(crate) flags: u32,
    pub(crate) operation: Operation<'a>,
}

/// Decodes a call on a node. Returns `None` for any other opcode.
pub(crate) fn decode_call<'a>(message: &Message<'a>) -> Result<Option<Call<'a>>, Malformed> {
    let nonblock = |flags: u32| flags & rustix::fs::OFlags::NONBLOCK.bits() != 0;
    let call = match message.header.opcode {
        wire::FUSE_OPEN => {
            let (open, _) = message.argument::<wire::OpenIn>()?;
            let operation = Operation::Open { flags: open.flags };
            Call { handle: 0, offset: 0, page_cache: false, flags: open.flags, operation }
        }
        wire::FUSE_RELEASE => {
            let (release, _) = message.argument::<wire::ReleaseIn>()?;
            let operation = Operation::Release;
            Call {
                handle: release.fh,
                offset: 0,
                page_cache: false,
                flags: release.flags,
                operation,
            }
        }
        wire::FUSE_READ => {
            let (read, _) = message.argument::<wire::ReadIn>()?;
            let operation = Operation::Read { size: read.size, nonblock: nonblock(read.flags) };
            Call {
                handle: read.fh,
                offset: read.offset,
                // The kernel names the lock owner in the reads of programs only (fs/fuse/file.c,
                // fuse_send_read).
                page_cache: read.read_flags & wire::FUSE_READ_LOCKOWNER == 0,
                flags: read.flags,
                operation,
            }
        }
        wire::FUSE_WRITE => {
            let (write, data) = message.argument::<wire::WriteIn>()?;
            if data.len() != write.size as usize {
                return Err(message.malformed("size of the written data differs from its length"));
            }
            let operation = Operation::Write { data, nonblock: nonblock(write.flags) };
            Call {
                handle: write.fh,
                offset: write.offset,
                page_cache: false,
                flags: write.flags,
                operation,
            }
        }
        wire::FUSE_IOCTL => {
            let (ioctl, data) = message.argument::<wire::IoctlIn>()?;
            if data.len() != ioctl.in_size as usize {
                return Err(message.malformed("size of the ioctl data differs from its length"));
            }
            let operation = Operation::Ioctl {
                request: ioctl.cmd,
                argument: ioctl.arg,
                data,
                out_size: ioctl.out_size,
                abi: ioctl_abi(ioctl.flags),
            };
            Call { handle: ioctl.fh, offset: 0, page_cache: false, flags: ioctl.flags, operation }
        }
        wire::FUSE_POLL => {
            let (poll, _) = message.argument::<wire::PollIn>()?;
            let wanted = poll.flags & wire::FUSE_POLL_SCHEDULE_NOTIFY != 0;
            let notify = wanted.then_some(PollHandle(poll.kh));
            let operation = Operation::Poll { events: poll.events, notify };
            Call { handle: poll.fh, offset: 0, page_cache: false, flags: poll.flags, operation }
        }
        _ => return Ok(None),
    };
    Ok(Some(call))
}

fn ioctl_abi(flags: u32) -> IoctlAbi {
    if flags & wire::FUSE_IOCTL_COMPAT_X32 != 0 {
        IoctlAbi::X32
    } else if flags & wire::FUSE_IOCTL_COMPAT != 0 {
        IoctlAbi::Compat32
    } else {
        IoctlAbi::Native
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;

    fn message(opcode: u32, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(size_of::<wire::InHeader>() + body.len()).unwrap();
        let header = wire::InHeader { len, opcode, unique: 8, nodeid: 2, ..Default::default() };
        [header.as_bytes(), body].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Option<Call<'_>>, Malformed> {
        decode_call(&Message::parse(bytes)?)
    }

    #[test]
    fn every_short_message_is_an_error() {
        let whole = message(wire::FUSE_WRITE, wire::WriteIn::default().as_bytes());
        assert!(decode(&whole).is_ok());
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            assert!(decode(&cut).is_err(), "{length} bytes, wrong length field");
            if length >= 4 {
                cut[..4].copy_from_slice(&u32::try_from(length).unwrap().to_ne_bytes());
                assert!(decode(&cut).is_err(), "{length} bytes, right length field");
            }
        }
    }

    #[test]
    fn short_bodies_are_errors_for_every_operation() {
        for opcode in [
            wire::FUSE_OPEN,
            wire::FUSE_RELEASE,
            wire::FUSE_READ,
            wire::FUSE_WRITE,
            wire::FUSE_IOCTL,
            wire::FUSE_POLL,
        ] {
            let error = decode(&message(opcode, &[0; 7])).unwrap_err();
            assert_eq!((error.opcode, error.why), (opcode, "body is too short"));
        }
    }

    #[test]
    fn data_must_be_as_long_as_it_says() {
        let write = wire::WriteIn { size: 3, ..Default::default() };
        assert!(decode(&message(wire::FUSE_WRITE, &[write.as_bytes(), b"abc"].concat())).is_ok());
        assert!(decode(&message(wire::FUSE_WRITE, &[write.as_bytes(), b"ab"].concat())).is_err());
        let ioctl = wire::IoctlIn { in_size: u32::MAX, ..Default::default() };
        assert!(decode(&message(wire::FUSE_IOCTL, &[ioctl.as_bytes(), b"ab"].concat())).is_err());
    }

    #[test]
    fn extensions_are_cut_off_and_may_not_be_longer_than_the_message() {
        let open = wire::OpenIn { flags: 2, open_flags: 0 };
        let mut bytes = message(wire::FUSE_OPEN, &[open.as_bytes(), &[9; 16]].concat());
        let at = std::mem::offset_of!(wire::InHeader, total_extlen);
        bytes[at] = 2;
        assert_eq!(Message::parse(&bytes).unwrap().body.len(), 8);
        bytes[at] = 4;
        assert!(Message::parse(&bytes).is_err());
    }

    #[test]
    fn a_name_ends_with_zero() {
        let bytes = message(wire::FUSE_LOOKUP, b"seq\0");
        assert_eq!(Message::parse(&bytes).unwrap().name().unwrap(), b"seq");
        let bytes = message(wire::FUSE_LOOKUP, b"seq");
        assert!(Message::parse(&bytes).unwrap().name().is_err());
    }

    #[test]
    fn nonblock_and_notify_are_per_request() {
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        let read = wire::ReadIn { size: 5, flags, fh: 7, ..Default::default() };
        let bytes = message(wire::FUSE_READ, read.as_bytes());
        let call = decode(&bytes).unwrap().unwrap();
        assert_eq!(call.operation, Operation::Read { size: 5, nonblock: true });
        assert_eq!(call.handle, 7);
        let poll = wire::PollIn { kh: 3, events: 1, ..Default::default() };
        let bytes = message(wire::FUSE_POLL, poll.as_bytes());
        let call = decode(&bytes).unwrap().unwrap();
        assert_eq!(call.operation, Operation::Poll { events: 1, notify: None });
    }
}
