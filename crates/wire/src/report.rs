//! The ioctl request by which `aseqd report` gets what a flight recorder has.
//!
//! It comes through the device file, so it works from another container or network namespace than the server's. Linux
//! answers it with `ENOTTY`, like [the request for texts](super::proc_text), whose [`Piece`](super::proc_text::Piece)
//! it shares; the field `text` is 0.
//!
//! The request for offset 0 begins a report. It fails with `EAGAIN` until the report is there: it is made by a thread.
//! The next requests of the same open file return pieces of it. The last piece, or the close of the file, ends it.
//! It fails with `EPERM` for users other than root and the one that the server runs as, with `ENODATA` if there is no
//! flight recorder, with `EBUSY` while another file gets a report, and with `EIO` if the recorder has ended.

/// The request code, valid on both device files. The argument is a [`Piece`](super::proc_text::Piece).
pub const REPORT: u32 = 0xd000_59a7;
