//! Standard output and standard error of the commands.

use anstyle::{AnsiColor, Style};
use aseqd_host::error::{Fail, harmless, reason};
use std::fmt;
use std::io::Write as _;
use std::sync::OnceLock;

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
    let written = if is_plain(text) {
        // Looking for colours in it costs more than all the rest.
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    } else {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    };
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Fail::new(format!("standard output cannot be written: {}", reason(&error))))
        }
        Ok(()) => Ok(true),
    }
}

/// Returns whether a text has no control character but spaces, so that it is the same with and without colours.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != 0x7f || byte.is_ascii_whitespace())
}

/// Returns a style if standard output has colours, and otherwise none. For output that is so long that taking the colours
/// out again would cost too much; [`print()`] does that for any other.
#[must_use]
pub fn on_stdout(style: Style) -> Style {
    static COLORED: OnceLock<bool> = OnceLock::new();
    let colored = || anstream::stdout().current_choice() != anstream::ColorChoice::Never;
    if *COLORED.get_or_init(colored) { style } else { Style::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_what_has_nothing_to_take_out() {
        for (text, plain) in [
            ("128:0    96\tNOTEON\r\n", true),
            ("Flügel – 1", true),
            ("", true),
            ("\x1b[36m128:0\x1b[0m", false),
            ("\u{7f}", false),
            ("\u{8}", false),
        ] {
            assert_eq!(is_plain(text), plain, "{text:?}");
            if plain {
                assert_eq!(anstream::adapter::strip_str(text).to_string(), text);
            }
        }
    }
}
