//! The greeting: kernel and device agree on a version of the protocol and on its options.

use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::connection::{Connection, MAX_WRITE};
use crate::cuse::Character;
use crate::error::ReceiveError;
use crate::message::Message;
use crate::wire;

/// The oldest minor version that is accepted: Linux 3.15. Older kernels want shorter answers.
const OLDEST_MINOR: u32 = 23;
/// The minor version of Linux 5.4, the first long-term kernel in which files opened as streams have no position.
pub(crate) const STREAM_MINOR: u32 = 31;
/// The minor version of Linux 6.2, the first with `FOPEN_PARALLEL_DIRECT_WRITES`.
pub(crate) const PARALLEL_WRITES_MINOR: u32 = 38;

/// The flags with which every node is opened: no page cache, no position, no flush at close, and no inode
/// lock around a write. `NONSEEKABLE` is for kernels that do not know `STREAM`. `NOFLUSH` also avoids that
/// `close` waits for another program's blocked write, since some kernels flush under the inode's lock. Kernels
/// ignore the bits that they do not know.
pub(crate) const OPEN_FLAGS: u32 = wire::FOPEN_DIRECT_IO
    | wire::FOPEN_NONSEEKABLE
    | wire::FOPEN_STREAM
    | wire::FOPEN_NOFLUSH
    | wire::FOPEN_PARALLEL_DIRECT_WRITES;

/// Answers the greeting of `/dev/fuse`. Returns the kernel's minor version, or `None` if the kernel will ask
/// again.
pub(crate) fn answer_fuse(
    connection: &mut Connection,
    message: &Message<'_>,
) -> Result<Option<u32>, ReceiveError> {
    let unique = message.header.unique;
    let (init, _) = message.argument::<wire::InitIn>()?;
    let wire::InitIn { major, minor, max_readahead, flags } = init;
    let mut answer = wire::InitOut {
        major: wire::FUSE_KERNEL_VERSION,
        minor: wire::FUSE_KERNEL_MINOR_VERSION,
        ..Default::default()
    };
    if major > wire::FUSE_KERNEL_VERSION {
        // The kernel asks again with our version.
        connection.reply(unique, answer.as_bytes(), &[]);
        return Ok(None);
    }
    if major < wire::FUSE_KERNEL_VERSION || minor < OLDEST_MINOR {
        connection.reply_errno(unique, Errno::PROTO);
        return Err(ReceiveError::Unsupported { major, minor });
    }
    // Not FUSE_ATOMIC_O_TRUNC: with it the kernel sets the inode's size to 0 in an open with
    // O_TRUNC, and every later write is past the end, and so takes the inode's lock. Without it
    // a truncation arrives as a SETATTR, and its answer keeps the size.
    answer.flags =
        flags & (wire::FUSE_BIG_WRITES | wire::FUSE_PARALLEL_DIROPS | wire::FUSE_MAX_PAGES);
    answer.max_readahead = max_readahead;
    answer.max_background = 64;
    answer.congestion_threshold = 48;
    answer.max_write = MAX_WRITE;
    // One page more, for a buffer that does not start at a page. The kernel may allow fewer.
    let pages = MAX_WRITE as usize / rustix::param::page_size() + 1;
    answer.max_pages = u16::try_from(pages).unwrap_or(u16::MAX);
    answer.time_gran = 1;
    connection.reply(unique, answer.as_bytes(), &[]);
    Ok(Some(minor))
}

/// Answers the greeting of `/dev/cuse` for `character`. Returns the minor version whose rules hold.
pub(crate) fn answer_cuse(
    connection: &mut Connection,
    character: Option<&Character>,
    message: &Message<'_>,
) -> Result<u32, ReceiveError> {
    let unique = message.header.unique;
    let (init, _) = message.argument::<wire::CuseInitIn>()?;
    let wire::CuseInitIn { major, minor, .. } = init;
    let Some(character) = character else {
        connection.reply_errno(unique, Errno::PROTO);
        return Err(message.malformed("a greeting of /dev/cuse from another device").into());
    };
    if major != wire::FUSE_KERNEL_VERSION || minor < OLDEST_MINOR {
        connection.reply_errno(unique, Errno::PROTO);
        return Err(ReceiveError::Unsupported { major, minor });
    }
    let (answer, information) = (character.answer(), character.information());
    connection.reply(unique, answer.as_bytes(), &information);
    // As for a stream, the position counts from the start of the call, in every version.
    Ok(minor.max(STREAM_MINOR))
}
