//! Standard output and standard error of the commands.

use anstyle::{AnsiColor, Style};
use aseqd_host::error::{Fail, harmless, reason};
use std::fmt;
use std::io::Write as _;

/// Style of the program's name before a message: that of clap's `error:`.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Prints a message of this program on standard error: `aseqd: MESSAGE`.
///
/// If standard error cannot be written (`/dev/full`, a pipe whose reader has ended), the message is lost and the exit
/// status stays the same.
pub fn say(message: &dyn fmt::Display) {
    let message = harmless(&message.to_string());
    let _unheard = writeln!(anstream::stderr(), "{ERROR}aseqd:{ERROR:#} {message}");
}

/// Prints clap's message about the command line in the same style, and returns the exit status.
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

/// Prints to standard output. If its reader has ended, as `head` does, this ends the program with status 0.
///
/// # Errors
/// If standard output cannot be written for another reason.
pub fn print(text: &str) -> Result<(), Fail> {
    if !is_wanted(text)? {
        std::process::exit(0);
    }
    Ok(())
}

/// Prints to standard output, and returns whether its reader still reads. For commands that must clean up before they
/// end; others use [`print()`].
///
/// # Errors
/// If standard output cannot be written for another reason.
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
