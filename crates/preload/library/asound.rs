//! The texts of `/proc/asound`: asked of the server in pieces, handed to the program as a file in memory.

use crate::exchange::Call;
use crate::sys::{self, Outcome};
use crate::{file, hints, paths};
use aseqd_wire::asound::{Piece, TEXT};
use aseqd_wire::preload::{Request, kind, node};
use libc::c_int;
use zerocopy::IntoBytes as _;

/// Opens a text as it is now.
pub(crate) fn open(number: u32, flags: c_int) -> Outcome<c_int> {
    if flags & libc::O_ACCMODE != libc::O_RDONLY {
        return Err(libc::EACCES);
    }
    // The device of timers shows nobody that it is open.
    let device = file::device(node::TIMER, libc::O_RDONLY | libc::O_CLOEXEC)?;
    // Its number may be known as that of another file, which was closed.
    hints::changed(device);
    let filled = sys::memory_file(c"asound").and_then(|memory| {
        let done = fill(device, memory, number).and_then(|()| reopened(memory, flags));
        let _closed = sys::close(memory);
        done
    });
    let _closed = sys::close(device);
    file::closed();
    let fd = filled?;
    hints::changed(fd);
    Ok(fd)
}

/// Copies the text.
fn fill(device: c_int, memory: c_int, number: u32) -> Outcome<()> {
    let name = hints::identify(device).ok_or(libc::EIO)?;
    let mut offset = 0;
    loop {
        let mut piece = Piece::question(number, offset);
        let request = Request {
            kind: kind::IOCTL,
            server: name.server,
            file: name.key,
            code: TEXT,
            ..Request::default()
        };
        let bytes = piece.as_mut_bytes();
        let call = Call {
            data: bytes.as_ptr(),
            data_len: bytes.len(),
            into: bytes.as_mut_ptr(),
            into_len: bytes.len(),
            fd: device,
            ..Call::new(request)
        };
        call.make()?;
        let given = piece.bytes.get(..piece.len as usize).ok_or(libc::EIO)?;
        let mut left = given;
        while !left.is_empty() {
            let written = sys::write(memory, left)?;
            left = left.get(written..).ok_or(libc::EIO)?;
        }
        offset += piece.len;
        // A piece of nothing would be asked for without end.
        if given.is_empty() || offset >= piece.total {
            return Ok(());
        }
    }
}

/// The same file from its beginning, for reading alone.
fn reopened(memory: c_int, flags: c_int) -> Outcome<c_int> {
    let mut name = [0; 32];
    let link = paths::descriptor_link(memory, &mut name).ok_or(libc::EIO)?;
    let kept = libc::O_CLOEXEC | libc::O_NONBLOCK;
    sys::open(link, libc::O_RDONLY | (flags & kept))
}
