//! Prints what was read: as text, as JSON, as a timeline, and for CI systems.

mod ci;
pub mod json;
mod text;
mod timeline;

pub use ci::{baseline, junit, kcidb, sarif};
pub use text::{Text, report, text, titles};
pub use timeline::timeline;

use crate::model::Report;
use crate::parse::frame::Frame;
use std::fmt::Write as _;

/// Finds the source lines of functions for which the log has none.
pub trait Locate {
    /// Returns the `file:line` of a place in a function.
    fn locate(&self, frame: &Frame<'_>) -> Option<String>;

    /// Returns the functions that were inlined at a place in a function, innermost first, with their `file:line`.
    fn inlined(&self, _: &Frame<'_>) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// Knows no source lines but those of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsPrinted;

impl Locate for AsPrinted {
    fn locate(&self, _: &Frame<'_>) -> Option<String> {
        None
    }
}

/// Returns `file:line` from the log, or else from the symbols.
fn place(frame: &Frame<'_>, symbols: &dyn Locate) -> Option<String> {
    frame.location().or_else(|| symbols.locate(frame))
}

/// Prints seconds as the kernel does.
fn seconds(time_us: u64) -> String {
    format!("{}.{:06}", time_us / 1_000_000, time_us % 1_000_000)
}

/// Returns the title, with the sentence above the header where that says more.
fn headline(report: &Report<'_>) -> String {
    let mut line = report.title.clone();
    if let Some(message) = report.message {
        let _ = write!(line, ": {message}");
    }
    line
}
