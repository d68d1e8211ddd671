//! The commands: each a client of the sequencer like any other.

pub mod bench;
pub mod connect;
pub mod demo;
pub mod doctor;
pub mod ls;
pub mod monitor;
pub mod play;
pub mod timers;
pub mod wait;

use crate::error::{Fail, reason};
use std::io::Write as _;

/// Prints to standard output. A reader that has had enough, as `head`, ends the program quietly.
///
/// # Errors
/// What else keeps it from being written.
pub fn print(text: &str) -> Result<(), Fail> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            Err(Fail::new(format!("standard output cannot be written: {}", reason(&error))))
        }
        Ok(()) => Ok(()),
    }
}
