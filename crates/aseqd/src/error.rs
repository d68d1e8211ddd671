//! Errors of the program: a sentence for people, grown on the way up.

use std::fmt;

/// Why something could not be done, in one sentence.
#[derive(Debug)]
pub struct Fail(String);

impl Fail {
    /// A failure with its sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fail {}

/// Says what failed, before why.
pub trait Context<T> {
    /// `what: why`.
    ///
    /// # Errors
    /// The failure, if it is one.
    fn context(self, what: &str) -> Result<T, Fail>;

    /// `what: why`, where `what` is computed.
    ///
    /// # Errors
    /// The failure, if it is one.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Fail>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: &str) -> Result<T, Fail> {
        self.map_err(|error| Fail(format!("{what}: {error}")))
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T, Fail> {
        self.map_err(|error| Fail(format!("{}: {error}", what())))
    }
}
