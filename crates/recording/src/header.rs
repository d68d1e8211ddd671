//! What a recording says about itself before its first record.

use crate::error::Malformed;
use aseqd_engine::{Config, REFERENCE_KERNEL};
use std::fmt::Write as _;

/// Maximum length of a header as text, in bytes.
pub(crate) const MAX: usize = 1 << 16;

/// What a recording says about itself.
///
/// In the file it is text, one `key = value` a line. A key that this version does not know is kept in
/// [`others`](Self::others).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The version of aseqd that made it.
    pub version: String,
    /// The Linux release that this version imitates.
    pub kernel: String,
    /// The settings of the engine.
    pub config: Config,
    /// When the recording began, in seconds since 1970. A recording without it says nothing about that.
    pub began: Option<u64>,
    /// The other lines, in their order.
    pub others: Vec<(String, String)>,
}

impl Header {
    /// Returns the header of a recording that this version makes of an engine with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: REFERENCE_KERNEL.to_owned(),
            config,
            began: None,
            others: Vec::new(),
        }
    }

    /// Returns it as the text that stands in the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Config { user_timers, quantise, hz, clients, notes_off, ump, .. } = self.config;
        let mut text = format!(
            "aseqd = {}\nkernel = {}\nuser_timers = {user_timers}\nquantise = {quantise}\n\
             hz = {hz}\nclients = {clients}\nnotes_off = {notes_off}\nump = {ump}\n",
            line(&self.version),
            line(&self.kernel),
        );
        if let Some(began) = self.began {
            let _infallible = writeln!(text, "began = {began}");
        }
        for (key, value) in &self.others {
            let _infallible = writeln!(text, "{} = {}", line(key), line(value));
        }
        text
    }

    /// Reads the text. A setting that is not there has its default.
    pub(crate) fn from_text(text: &str) -> Result<Self, Malformed> {
        let mut header = Self {
            version: String::new(),
            kernel: String::new(),
            config: Config::default(),
            began: None,
            others: Vec::new(),
        };
        for text in text.lines().filter(|line| !line.trim().is_empty()) {
            let line = line(text);
            let (key, value) =
                line.split_once('=').ok_or(Malformed("a line of the header has no value"))?;
            let (key, value) = (key.trim(), value.trim());
            let config = &mut header.config;
            match key {
                "aseqd" => value.clone_into(&mut header.version),
                "kernel" => value.clone_into(&mut header.kernel),
                "user_timers" => config.user_timers = parse(value)?,
                "quantise" => config.quantise = parse(value)?,
                "hz" => config.hz = parse(value)?,
                "clients" => config.clients = parse(value)?,
                "notes_off" => config.notes_off = parse(value)?,
                "ump" => config.ump = parse(value)?,
                "began" => header.began = Some(parse(value)?),
                _ => header.others.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(header)
    }
}

fn parse<T: std::str::FromStr>(value: &str) -> Result<T, Malformed> {
    value.parse().map_err(|_| Malformed("a setting of the header has no such value"))
}

/// Returns the text with spaces for what would end its line, or confuse a terminal.
fn line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
