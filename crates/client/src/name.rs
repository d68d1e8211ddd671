//! Names, as the interface stores them and as people read them.

/// Returns a name as the structs of the interface store it: at most 63 bytes, ended by a NUL.
#[must_use]
pub fn name_field(name: &str) -> [u8; 64] {
    let mut field = [0; 64];
    let len = name.len().min(63);
    field[..len].copy_from_slice(&name.as_bytes()[..len]);
    field
}

/// Returns the text of a name from a struct of the interface.
#[must_use]
pub fn text(name: &[u8]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a name that is safe to print: control characters, which can move the cursor of a terminal, and those that
/// turn the direction of the text behind them become `?`.
#[must_use]
pub fn printable(name: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().map(|c| if c.is_control() || turns(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(printable("\u{1b}[2Ja\nb \u{e9}"), "?[2Ja?b \u{e9}");
        assert_eq!(printable("\u{9b}2J\u{7f}"), "?2J?");
    }

    #[test]
    fn names_cannot_turn_what_follows_them() {
        assert_eq!(printable("a\u{202e}b\u{2066}c \u{5d0}"), "a?b?c \u{5d0}");
    }
}
