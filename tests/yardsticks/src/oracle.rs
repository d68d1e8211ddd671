//! Virtual machines, by `tests/oracle/run` or a program with its options.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

/// Exit status of the program if the time ran out.
const TIMED_OUT: i32 = 124;
/// Exit status of the program if the machine did not start.
const NOT_STARTED: i32 = 125;

/// Runs commands under a kernel.
#[derive(Debug)]
pub(crate) struct Oracle<'a> {
    program: &'a str,
    refused: bool,
}

/// What came of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It ran. What it wrote to standard output, and whether it succeeded.
    Ran(String, bool),
    /// The machine gave no answer, for this reason.
    None(String),
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(program: &'a str) -> Self {
        let refused = std::env::var_os("ASEQD_ORACLE").is_some_and(|value| value == "no");
        Self { program, refused }
    }

    /// Runs a command, given as options of the program and words after `--`. What it says on standard error is
    /// passed on.
    pub(crate) fn ask(&self, options: &[&str], command: &[&str]) -> io::Result<Answer> {
        if self.refused {
            return Ok(Answer::None("ASEQD_ORACLE=no refuses virtual machines".into()));
        }
        if !Path::new(self.program).is_file() {
            return Ok(Answer::None(format!("no virtual machine: there is no {}", self.program)));
        }
        let output = Command::new(self.program).args(options).arg("--").args(command).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        match output.status.code() {
            Some(NOT_STARTED) => Ok(Answer::None(format!("no virtual machine: {last}"))),
            Some(code) if code < TIMED_OUT => {
                io::stderr().write_all(&output.stderr)?;
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                Ok(Answer::Ran(text, code == 0))
            }
            _ => {
                let why = format!("the virtual machine gave no answer ({}): {last}", output.status);
                Ok(Answer::None(why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn statuses_of_the_machine_are_told_from_those_of_the_command() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("run");
        // The command's status is what stands behind the two dashes.
        fs::write(&program, "#!/bin/sh\necho \"$1 said\"; echo why >&2; exit $3\n")
            .expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        let oracle = Oracle { program: program.to_str().expect("a name"), refused: false };
        let ask = |status: &str| oracle.ask(&["--bare"], &[status]).expect("an answer");
        assert_eq!(ask("0"), Answer::Ran("--bare said\n".into(), true));
        assert_eq!(ask("1"), Answer::Ran("--bare said\n".into(), false));
        assert_eq!(ask("125"), Answer::None("no virtual machine: why".into()));
        let Answer::None(why) = ask("124") else { panic!("it timed out") };
        assert!(why.starts_with("the virtual machine gave no answer"), "{why}");

        let refused = Oracle { refused: true, ..oracle };
        assert!(matches!(refused.ask(&[], &["0"]), Ok(Answer::None(_))));
        let missing = Oracle { program: "/nonexistent/run", refused: false };
        assert!(matches!(missing.ask(&[], &["0"]), Ok(Answer::None(_))));
    }
}
