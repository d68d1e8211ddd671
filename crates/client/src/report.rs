//! The report of a flight recorder: what `aseqd serve --flight-recorder` has kept.

use crate::error::{Error, Result};
use crate::ioctl::ioctl;
use aseqd_abi::Errno;
use aseqd_wire::proc_text::Piece;
use aseqd_wire::report::REPORT;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Time between two questions whether the report is there. It takes milliseconds, or a second for a large one.
const INTERVAL: Duration = Duration::from_millis(5);

/// Returns the recording that the flight recorder behind this open device file has. It waits until that is put together.
///
/// # Errors
/// [`Error::Call`] with `ENOTTY` if the device is not aseqd's, `ENODATA` if it has no flight recorder, `EPERM` if this
/// is neither the user of the server nor root, `EBUSY` if another program gets a report now, `EIO` if the flight
/// recorder has ended.
pub fn report(device: BorrowedFd<'_>) -> Result<Vec<u8>> {
    served(device).map_err(Error::of("there is no report"))
}

fn served(device: BorrowedFd<'_>) -> std::result::Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    loop {
        let offset = u32::try_from(bytes.len()).map_err(|_| Errno::EIO)?;
        let mut piece = Piece::question(0, offset);
        match ioctl(device, REPORT, &mut piece) {
            Err(Errno::EAGAIN) => {
                std::thread::sleep(INTERVAL);
                continue;
            }
            Err(Errno::EINTR) => continue,
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
