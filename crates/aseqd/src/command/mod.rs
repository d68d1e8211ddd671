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
    if !is_wanted(text)? {
        std::process::exit(0);
    }
    Ok(())
}

/// Prints as [`print`] does, for a command that has something to clean up. False: the reader has had enough.
///
/// # Errors
/// What else keeps it from being written.
fn is_wanted(text: &str) -> Result<bool, Fail> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Fail::new(format!("standard output cannot be written: {}", reason(&error))))
        }
        Ok(()) => Ok(true),
    }
}
