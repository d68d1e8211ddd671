//! `aseqd run` inside of another program: one that starts itself again under the name `aseqd`.
//!
//! A run starts further processes of its own program, so the program must be able to be each of them.

use crate::cli::{self, Command};
use crate::run;
use aseqd_console::{say, say_usage};
use aseqd_host::process::outlive_file_size_limit;
use std::ffi::OsString;

/// The commands that a run consists of.
const COMMANDS: [&str; 3] = ["run", "probe", "remain"];

/// Returns whether these are the words of a command that [`main`] runs. The first word is the name of the program.
#[must_use]
pub fn is_command(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|command| COMMANDS.iter().any(|name| command == name))
}

/// Runs the command, and returns its exit status. The process must have no other thread.
#[must_use]
pub fn main(words: Vec<OsString>) -> u8 {
    // As the program does: a recording that cannot grow is an error, and the run goes on.
    let _as_before = outlive_file_size_limit();
    let result = match cli::parse_from(words).map(|cli| cli.command) {
        Ok(Command::Run(args)) => return run::status(&args),
        Ok(Command::Probe) => run::probe(),
        Ok(Command::Remain(args)) => run::remain(args),
        // `is_command` has refused it.
        Ok(_) => return 2,
        Err(error) => return say_usage(&error),
    };
    match result {
        Ok(_success) => 0,
        Err(error) => {
            say(&error);
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_of_a_run_are_carried() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(is_command(&words("aseqd run -- true")));
        assert!(is_command(&words("aseqd remain")));
        assert!(!is_command(&words("aseqd ls")));
        assert!(!is_command(&words("aseqd")));
        assert_eq!(main(words("aseqd run --nonsense")), 2);
    }
}
