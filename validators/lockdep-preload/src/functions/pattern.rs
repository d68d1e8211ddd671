//! Names of functions, in which asterisks stand for any text.

/// A name, and a part of it by which most others are told apart.
pub(super) struct Pattern {
    text: String,
    /// A word that the mangled name of a function has if the name fits it.
    word: String,
}

/// Returns the names in a list, which are separated by commas. `lockdep-run` does the same.
pub(super) fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let last = text.rsplit("::").next().unwrap_or_default();
        let words = last.split(|letter| !is_letter(letter));
        // Mangled names have codes for operators and closures.
        let has_code = text.contains(['{', '<', '(']) || last.contains("operator");
        let word = if has_code { None } else { words.max_by_key(|word| word.len()) };
        Self { text: text.to_owned(), word: word.unwrap_or_default().to_owned() }
    }

    /// Returns whether the name fits a function with this name in its file. `readable` returns the name as reports show it.
    pub(super) fn fits(&self, raw: &str, readable: &dyn Fn() -> String) -> bool {
        raw.contains(&self.word) && (fits(&self.text, raw) || fits(&self.text, &readable()))
    }
}

/// Returns whether a text fits a pattern.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(end)
}
