//! Errors in words, for the programs and the runtime.

use std::io;

/// Returns an error without its number, which says nothing to people.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
