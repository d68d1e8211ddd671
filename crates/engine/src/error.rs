//! Why a call failed: the errno for the program, a clause for people.

use aseqd_abi::Errno;
use core::fmt;

/// The error of a call. The program sees the number; logs and tests see the clause.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::error_impl_error,
    reason = "the engine has this one error; callers say aseqd_engine::Error"
)]
pub struct Error {
    /// The number that the program gets.
    pub errno: Errno,
    /// What went wrong, in one clause.
    pub why: &'static str,
}

impl Error {
    /// Creates an error from its two parts.
    #[must_use]
    pub const fn new(errno: Errno, why: &'static str) -> Self {
        Self { errno, why }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.errno, self.why)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Error {}
