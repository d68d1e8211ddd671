//! The texts of `/proc/asound` of any sequencer or timer: aseqd gives them through its device files, Linux through
//! procfs.

use crate::error::{Error, Result};
use crate::ioctl::ioctl;
use aseqd_abi::Errno;
use aseqd_wire::proc_text::{PROC_TEXT, Piece};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

pub use aseqd_wire::proc_text::ProcText;

/// How often a text is begun anew, when the server has dropped it to make room for the texts of others.
const BEGINNINGS: usize = 5;

/// Returns a text of the sequencer or timer behind this open device file.
///
/// # Errors
/// [`Error::ProcText`] if the device is the kernel's, and its procfs cannot be seen here.
pub fn text(device: BorrowedFd<'_>, text: ProcText) -> Result<String> {
    let path = || PathBuf::from(format!("/proc/asound/{}", text.name()));
    let bytes = match served(device, text) {
        Err(Errno::ENOTTY) => std::fs::read(path()).map_err(|error| {
            let number = error.raw_os_error().and_then(|number| u16::try_from(number).ok());
            number.map_or(Errno::EIO, Errno)
        }),
        asked => asked,
    };
    let bytes = bytes.map_err(|errno| Error::ProcText { path: path(), errno })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Asks the server of aseqd. The kernel and other servers answer `ENOTTY`.
fn served(device: BorrowedFd<'_>, text: ProcText) -> std::result::Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut begun = 1;
    loop {
        let offset = u32::try_from(bytes.len()).map_err(|_| Errno::ENOMEM)?;
        let mut piece = Piece::question(text.number(), offset);
        match ioctl(device, PROC_TEXT, &mut piece) {
            // The server has dropped the snapshot, because others were begun since.
            Err(Errno::EINVAL) if offset > 0 && begun < BEGINNINGS => {
                begun += 1;
                bytes.clear();
                continue;
            }
            asked => asked?,
        };
        let given = piece.bytes.get(..piece.len as usize).ok_or(Errno::EIO)?;
        bytes.extend_from_slice(given);
        // Without this an empty piece would be asked for again and again.
        if given.is_empty() || bytes.len() >= piece.total as usize {
            return Ok(bytes);
        }
    }
}
