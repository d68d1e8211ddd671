//! The choice of colours.

use std::ffi::OsString;
use std::fmt;

/// When messages and listings have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal. NO_COLOR, CLICOLOR and CLICOLOR_FORCE are respected
    Auto,
    /// Also in files and pipes
    Always,
    /// Nowhere
    Never,
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

impl Color {
    /// Returns the choice in a command line, which need not be valid: errors about the command line have colours, too.
    #[must_use]
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments = arguments.into_iter().take_while(|argument| argument != "--");
        while let Some(argument) = arguments.next() {
            let Some(argument) = argument.to_str() else { continue };
            let value = match argument.strip_prefix("--color") {
                Some("") => arguments.next().and_then(|value| value.into_string().ok()),
                Some(value) => value.strip_prefix('=').map(str::to_owned),
                None => continue,
            };
            let choice = value.and_then(|value| clap::ValueEnum::from_str(&value, false).ok());
            return choice.unwrap_or(Self::Auto);
        }
        Self::Auto
    }

    /// Applies this choice to everything that is printed from here on.
    pub fn set(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
