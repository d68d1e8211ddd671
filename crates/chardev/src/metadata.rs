//! Requests about names and attributes, and those that a device does not support. No server sees them.

use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, MAX_WRITE};
use crate::error::ReceiveError;
use crate::fs::{Directory, Inode};
use crate::message::Message;
use crate::wire;

/// Answers a request that is not a call on a node. A device file has no `directory`, and gets no such request.
pub(crate) fn answer(
    connection: &mut Connection,
    directory: Option<&mut Directory>,
    inode: Inode,
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
            let attr = directory.getattr(inode);
            connection.reply(unique, attr.as_bytes(), &[])
        }
        wire::FUSE_SETATTR => {
            let (change, _) = message.argument::<wire::SetattrIn>()?;
            match directory.setattr(inode, &change) {
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
        // What a character device without that operation answers.
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
        // FLUSH, ACCESS, extended attributes and all that is unknown: the kernel remembers this answer, does
        // what is right without the operation, and does not ask again.
        _ => connection.reply_errno(unique, Errno::NOSYS),
    };
    Ok(())
}
