//! When there are colours.

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
    /// What the arguments ask for, whether they are right or not: errors about them have colours, too.
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

    /// Makes this the choice for all that is printed from here on.
    pub fn set(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
