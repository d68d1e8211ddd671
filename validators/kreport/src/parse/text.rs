//! Searches in short texts. Each line of a report goes through many, and those of the standard library first prepare
//! themselves for long ones.

/// Takes white space off both ends, as `str::trim` does.
pub(crate) fn trim(text: &str) -> &str {
    let mut bytes = text.as_bytes();
    while let [b' ', rest @ ..] = bytes {
        bytes = rest;
    }
    let start = text.len() - bytes.len();
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    let text = &text[start..start + bytes.len()];
    match bytes {
        [] => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Takes white space off the start, as `str::trim_start` does.
pub(crate) fn trim_start(text: &str) -> &str {
    let mut bytes = text.as_bytes();
    while let [b' ', rest @ ..] = bytes {
        bytes = rest;
    }
    let text = &text[text.len() - bytes.len()..];
    if bytes.first().is_none_or(u8::is_ascii_graphic) { text } else { text.trim_start() }
}

/// Returns whether a text contains some words.
pub(crate) fn contains(text: &str, words: &str) -> bool {
    find(text, words).is_some()
}

/// Returns where some words first are in a text, as `str::find` does.
pub(crate) fn find(text: &str, words: &str) -> Option<usize> {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    let Some(first) = words.first() else { return Some(0) };
    let last = text.len().checked_sub(words.len())?;
    memchr::memchr_iter(*first, &text[..=last]).find(|&at| text[at..].starts_with(words))
}

/// Returns what is before and behind some words where they first are in a text, as `str::split_once` does.
pub(crate) fn split_once<'a>(text: &'a str, words: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, words)?;
    Some((&text[..at], &text[at + words.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn searches_are_those_of_the_standard_library(
            text in "[ ab\t\n\r\u{a0}\u{3000}é]{0,12}",
            words in "[ abé]{0,3}",
        ) {
            prop_assert_eq!(trim(&text), text.trim());
            prop_assert_eq!(trim_start(&text), text.trim_start());
            prop_assert_eq!(contains(&text, &words), text.contains(&words));
            prop_assert_eq!(find(&text, &words), text.find(&words));
            prop_assert_eq!(split_once(&text, &words), text.split_once(&words));
        }
    }
}
