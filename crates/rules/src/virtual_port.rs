//! Ports that files ask for: they stay whatever programs come and go.

use crate::origin::Origin;
use std::fmt;

/// The longest name of a client, in bytes: the interface has 64 with the NUL (`snd_seq_client_info`).
const LONGEST_NAME: usize = 63;

/// A client with one port or two, which exists as long as its rules are carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualPort {
    /// The name of the client, and of its port.
    pub name: String,
    /// What it does with events.
    pub kind: PortKind,
    /// Where it stands.
    pub origin: Origin,
}

/// What a virtual port does with events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortKind {
    /// What is written to the port comes out of it again.
    #[default]
    Loopback,
    /// Two ports, A and B: what is written to one comes out of the other.
    Pair,
    /// Others can read from the port, as from a keyboard. It is silent.
    Input,
    /// Others can write to the port, as to a synthesizer. It ignores what comes.
    Output,
}

impl PortKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Loopback, Self::Pair, Self::Input, Self::Output];

    /// Returns whether the port sends on what it receives.
    #[must_use]
    pub const fn sends_on(self) -> bool {
        matches!(self, Self::Loopback | Self::Pair)
    }
}

impl fmt::Display for PortKind {
    /// Writes the word that files have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Pair => "pair",
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

impl VirtualPort {
    /// The most ports that files may ask for. Each is a client; Linux has room for 64 clients of programs, and half of them
    /// is for the programs.
    pub const MOST: usize = 32;

    /// Returns why a name cannot be that of a port, if it cannot.
    #[must_use]
    pub fn name_problem(name: &str) -> Option<String> {
        let bytes = name.len();
        match name {
            "" => Some("the name of a port is empty".to_owned()),
            _ if name.trim() != name => {
                Some("the name of a port begins or ends with a space".to_owned())
            }
            _ if name.chars().any(char::is_control) => {
                Some("the name of a port has a control character".to_owned())
            }
            _ if bytes > LONGEST_NAME => Some(format!(
                "the name of a port has {bytes} bytes, and the sequencer has room for {LONGEST_NAME}"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_sequencer_cannot_keep_are_refused() {
        for (name, problem) in [
            ("Loop", None),
            ("Sch\u{f6}n: 1", None),
            ("", Some("the name of a port is empty")),
            (" x", Some("the name of a port begins or ends with a space")),
            ("a\u{1b}[2J", Some("the name of a port has a control character")),
        ] {
            assert_eq!(VirtualPort::name_problem(name).as_deref(), problem, "{name:?}");
        }
        assert_eq!(VirtualPort::name_problem(&"x".repeat(63)), None);
        let problem = VirtualPort::name_problem(&"\u{f6}".repeat(32));
        assert!(problem.is_some_and(|why| why.contains("64 bytes")));
    }
}
