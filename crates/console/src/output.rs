//! Standard output and standard error of the commands.

use anstyle::{AnsiColor, Style};
use aseqd_host::error::{Fail, harmless, reason};
use std::fmt;
use std::io::Write as _;

/// Style of the name before a message, as clap has it.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Prints a message of this program on standard error: `aseqd: MESSAGE`.
///
/// A standard error that cannot be written (`/dev/full`, a pipe whose reader has ended) changes nothing: the
/// exit status is the same.
pub fn say(message: &dyn fmt::Display) {
    let message = harmless(&message.to_string());
    let _unheard = writeln!(anstream::stderr(), "{ERROR}aseqd:{ERROR:#} {message}");
}

/// Prints what clap says of the command line, in the same style, and returns the exit status.
#[must_use]
pub fn say_usage(error: &clap::Error) -> u8 {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        // clap names the kind of a message where we name the program.
        let _unheard = write!(anstream::stderr(), "{}", text.replacen("error:", "aseqd:", 1));
    } else if let Err(error) = print(&text) {
        say(&error);
        return 1;
    }
    u8::try_from(error.exit_code()).unwrap_or(2)
}

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

/// Prints as [`print()`] does, for a command that has something to clean up. False: the reader has had enough.
///
/// # Errors
/// What else keeps it from being written.
pub fn is_wanted(text: &str) -> Result<bool, Fail> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Fail::new(format!("standard output cannot be written: {}", reason(&error))))
        }
        Ok(()) => Ok(true),
    }
}
