//! What can be wrong with a selector.

use crate::port::Port;
use std::fmt;

/// A text is no selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSelector {
    /// The text; `''` for an empty one.
    pub wanted: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no selector of ports: {}", self.wanted, self.why)
    }
}

impl std::error::Error for BadSelector {}

/// A text that should mean one port means several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The text.
    pub wanted: String,
    /// The ports that it may mean.
    pub ports: Vec<Port>,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports: Vec<_> = self.ports.iter().map(Port::to_string).collect();
        write!(f, "{} means more than one port; there are {}", self.wanted, ports.join(", "))
    }
}

impl std::error::Error for Ambiguous {}
