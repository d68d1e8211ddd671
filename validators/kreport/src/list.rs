//! Lists that people write, such as of known reports: how they are read, and what their patterns mean. For the programs of
//! this project.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Maximum number of bytes of a list, which is held in memory.
const MAX_LIST: u64 = 64 << 20;

/// Reads a list. A wrong name such as `/dev/zero` must not take all memory.
///
/// # Errors
/// A sentence with the name of the file, and why it cannot be read or is no list.
pub fn read(path: &Path) -> Result<String, String> {
    text_of(path).map_err(|error| format!("cannot read {}: {}", path.display(), words(&error)))
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if File::open(path)?.take(MAX_LIST + 1).read_to_end(&mut bytes)? as u64 > MAX_LIST {
        return Err(io::Error::other("it has more than 64 MiB"));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| io::Error::other("it is not text in UTF-8"))?;
    // Editors of Windows begin a file with a mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Returns an error without its number, which says nothing to people.
#[must_use]
pub fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Returns whether a text fits a pattern, in which `*` stands for any text.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, wanted) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("WARNING in *", "WARNING in foo", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
