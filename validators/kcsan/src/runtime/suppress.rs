//! Suppressions: a file with a pattern per line, of races not to report.
//!
//! A pattern is compared with every function and every `file:line` of both stacks. `*` stands for anything. `race:`
//! may stand before it, as in ThreadSanitizer's files. `#` begins a comment.

use std::sync::OnceLock;

use kreport::print::{Frame, Race};

use crate::reason::reason;

static PATTERNS: OnceLock<Vec<String>> = OnceLock::new();

/// Reads the file of suppressions.
pub(crate) fn read(path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("suppressions: {path}: {}", reason(&error)))?;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let patterns = lines.map(|line| line.strip_prefix("race:").unwrap_or(line).to_owned());
    let _ = PATTERNS.set(patterns.collect());
    Ok(())
}

/// Returns whether a pattern matches one of the frames.
pub(crate) fn covers(race: &Race) -> bool {
    let Some(patterns) = PATTERNS.get() else { return false };
    let second = race.second.iter().flat_map(|access| &access.trace.0);
    race.first
        .trace
        .0
        .iter()
        .chain(second)
        .any(|frame| patterns.iter().any(|pattern| names(pattern, frame)))
}

fn names(pattern: &str, frame: &Frame) -> bool {
    let place = frame.location.as_ref().map(|(file, line)| format!("{file}:{line}"));
    matches(pattern, &frame.function) || place.is_some_and(|place| matches(pattern, &place))
}

/// Returns whether a pattern, with `*` for anything, matches the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}
