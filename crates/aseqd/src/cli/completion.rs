//! The completion of a shell: it asks this program for the words that may follow.

use aseqd_host::error::Fail;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

/// Names the shell that asks for words. The command line after `--` is then what was typed.
const VARIABLE: &str = "ASEQD_COMPLETE";

/// Bash splits words at colons, which ports have, and does not quote. So its script is not the general one.
const BASH: &str = include_str!("completion.bash");

/// The call with which zsh's script offers words, and the same for which upper and lower case are alike: names of ports are
/// completed in any case, and zsh would leave those out that begin otherwise.
const ZSH: [&str; 2] = [
    "_describe -V 'values' other",
    "_describe -V 'values' other -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}'",
];

/// Answers a shell that asks for words, and returns whether one did.
///
/// # Errors
/// If the variable names no shell that is known, or standard output cannot be written.
pub fn answer() -> Result<bool, Fail> {
    let environment = CompleteEnv::with_factory(super::command).var(VARIABLE);
    let here = std::env::current_dir().ok();
    let answered = environment.try_complete(std::env::args_os(), here.as_deref());
    answered.map_err(|error| Fail::new(error.to_string()))
}

/// Returns the script with which a shell learns to ask.
///
/// # Errors
/// If there is none for this shell.
pub fn script(shell: Shell) -> Result<String, Fail> {
    if shell == Shell::Bash {
        return Ok(BASH.to_owned());
    }
    let name = shell.to_string();
    let shells = Shells::builtins();
    let none = || Fail::new(format!("there is no completion script for {name}"));
    let completer = shells.completer(&name).ok_or_else(none)?;
    let mut script = Vec::new();
    let written = completer.write_registration(VARIABLE, "aseqd", "aseqd", "aseqd", &mut script);
    written.map_err(|error| Fail::new(error.to_string()))?;
    let script = String::from_utf8_lossy(&script);
    Ok(if shell == Shell::Zsh { script.replace(ZSH[0], ZSH[1]) } else { script.into_owned() })
}
