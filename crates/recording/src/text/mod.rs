//! The text form of a recording: a line a record, and back without loss.
//!
//! ```text
//! aseqd-recording 0
//! aseqd = 0.1.0
//! hz = 250
//!
//! 1000.000000000 0 00 open sequencer rw pid 4242
//! 1000.000012345 0 c1 ioctl 0 80045301 - ; CLIENT_ID
//! 1000.000056789 1 7f write 0 06000000... ; NOTEON to 14:0
//! end
//! ```
//!
//! A line has the time in seconds, the number of outputs, the check in hexadecimal, and the record. What stands after
//! ` ; ` is for people. Bytes are hexadecimal, `-` for none; texts are in quotes.

mod parse;
mod print;

pub use parse::from_text;
pub use print::to_text;
