//! Reads a text of `/proc/asound` from the server, and gives it to the program as a file in memory.

use crate::exchange::Call;
use crate::sys::{self, Outcome};
use crate::{file, hints, paths};
use aseqd_wire::preload::{Request, kind, node};
use aseqd_wire::proc_text::{PROC_TEXT, Piece};
use libc::c_int;
use zerocopy::IntoBytes as _;

/// Opens the text with this number, as it is now.
pub(crate) fn open(number: u32, flags: c_int) -> Outcome<c_int> {
    if flags & libc::O_ACCMODE != libc::O_RDONLY {
        return Err(libc::EACCES);
    }
    // Other programs do not notice that the timer device is open.
    let device = file::device(node::TIMER, libc::O_RDONLY | libc::O_CLOEXEC)?;
    // The library may remember the number as that of a file which was closed.
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

/// Copies the text with this number from an open device to a file in memory.
fn fill(device: c_int, memory: c_int, number: u32) -> Outcome<()> {
    let name = hints::identify(device).ok_or(libc::EIO)?;
    let mut offset = 0;
    loop {
        let mut piece = Piece::question(number, offset);
        let request = Request {
            kind: kind::IOCTL,
            server: name.server,
            file: name.key,
            code: PROC_TEXT,
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
        // An empty piece would never lead to the end.
        if given.is_empty() || offset >= piece.total {
            return Ok(());
        }
    }
}

/// Opens the file in memory again, at its beginning and for reading only.
fn reopened(memory: c_int, flags: c_int) -> Outcome<c_int> {
    let mut name = [0; 32];
    let link = paths::descriptor_link(memory, &mut name).ok_or(libc::EIO)?;
    let kept = libc::O_CLOEXEC | libc::O_NONBLOCK;
    sys::open(link, libc::O_RDONLY | (flags & kept))
}
