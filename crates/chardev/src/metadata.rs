//! What the device answers by itself: lookups, attributes, listings, and requests that a device has not.

use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, MAX_WRITE};
use crate::error::ReceiveError;
use crate::fs::{Directory, Target};
use crate::message::Message;
use crate::wire;

/// Answers a request that is not a call on an open file. A device file (no `directory`) has none.
pub(crate) fn answer(
    connection: &mut Connection,
    directory: Option<&mut Directory>,
    target: Target,
    message: &Message<'_>,
) -> Result<(), ReceiveError> {
    let wire::InHeader { opcode, unique, nodeid, .. } = message.header;
    let Some(directory) = directory else {
        connection.reply_errno(unique, Errno::NOSYS);
        return Ok(());
    };
    match opcode {
        wire::FUSE_LOOKUP => match directory.lookup(nodeid, message.name()?) {
            Ok(entry) => connection.reply(unique, entry.as_bytes(), &[]),
            Err(errno) => connection.reply_errno(unique, errno),
        },
        wire::FUSE_GETATTR => {
            let attr = directory.getattr(target);
            connection.reply(unique, attr.as_bytes(), &[])
        }
        wire::FUSE_SETATTR => {
            let (change, _) = message.argument::<wire::SetattrIn>()?;
            match directory.setattr(target, &change) {
                Ok(attr) => connection.reply(unique, attr.as_bytes(), &[]),
                Err(errno) => connection.reply_errno(unique, errno),
            }
        }
        wire::FUSE_OPENDIR => connection.reply(unique, wire::OpenOut::default().as_bytes(), &[]),
        wire::FUSE_READDIR => {
            let (read, _) = message.argument::<wire::ReadIn>()?;
            let size = read.size.min(MAX_WRITE) as usize;
            let entries = directory.readdir(read.offset, size);
            connection.reply(unique, &entries, &[])
        }
        wire::FUSE_STATFS => {
            let statfs = directory.statfs();
            connection.reply(unique, statfs.as_bytes(), &[])
        }
        wire::FUSE_RELEASEDIR | wire::FUSE_FSYNCDIR => connection.reply(unique, &[], &[]),
        // As a character device without that operation.
        wire::FUSE_FSYNC | wire::FUSE_READLINK | wire::FUSE_COPY_FILE_RANGE => {
            connection.reply_errno(unique, Errno::INVAL)
        }
        wire::FUSE_FALLOCATE => connection.reply_errno(unique, Errno::NODEV),
        wire::FUSE_SYMLINK
        | wire::FUSE_MKNOD
        | wire::FUSE_MKDIR
        | wire::FUSE_UNLINK
        | wire::FUSE_RMDIR
        | wire::FUSE_RENAME
        | wire::FUSE_RENAME2
        | wire::FUSE_LINK
        | wire::FUSE_CREATE
        | wire::FUSE_TMPFILE => connection.reply_errno(unique, Errno::ROFS),
        // To FLUSH, ACCESS, the xattrs and all that is unknown: the kernel remembers that there
        // is no such thing here, does what is right then, and does not ask again.
        _ => connection.reply_errno(unique, Errno::NOSYS),
    };
    Ok(())
}
