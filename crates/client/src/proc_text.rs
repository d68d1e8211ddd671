//! The texts of `/proc/asound`, of any sequencer: ours gives them through its device files, Linux in
//! procfs.

use crate::ioctl::ioctl;
use aseqd_abi::Errno;
use aseqd_host::error::{Context as _, Fail};
use aseqd_wire::asound::{Piece, TEXT, Text};
use std::os::fd::BorrowedFd;

/// How often a text is begun, where others need the room for theirs.
const BEGINNINGS: usize = 5;

/// A text, of the server behind this open device file.
///
/// # Errors
/// As a sentence: where the device is the kernel's, also that its procfs is not to be seen here.
pub fn text(device: BorrowedFd<'_>, text: Text) -> Result<String, Fail> {
    match served(device, text) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(Errno::ENOTTY) => {
            let path = format!("/proc/asound/{}", text.name());
            let bytes = std::fs::read(&path).with_context(|| format!("{path} cannot be read"))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Err(error) => Err(error).with_context(|| format!("the text of {}", text.name())),
    }
}

/// From a server of ours; `ENOTTY` from anybody else.
fn served(device: BorrowedFd<'_>, text: Text) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut begun = 1;
    loop {
        let offset = u32::try_from(bytes.len()).map_err(|_| Errno::ENOMEM)?;
        let mut piece = Piece::question(text.number(), offset);
        match ioctl(device, TEXT, &mut piece) {
            // The server has given the text up for others that were begun since.
            Err(Errno::EINVAL) if offset > 0 && begun < BEGINNINGS => {
                begun += 1;
                bytes.clear();
                continue;
            }
            asked => asked?,
        };
        let given = piece.bytes.get(..piece.len as usize).ok_or(Errno::EIO)?;
        bytes.extend_from_slice(given);
        // A piece of nothing would be asked for without end.
        if given.is_empty() || bytes.len() >= piece.total as usize {
            return Ok(bytes);
        }
    }
}
