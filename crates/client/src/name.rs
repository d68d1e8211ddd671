//! Names as the interface has them, and as people read them.

/// A name as the ABI has it.
#[must_use]
pub fn name_field(name: &str) -> [u8; 64] {
    let mut field = [0; 64];
    let len = name.len().min(63);
    field[..len].copy_from_slice(&name.as_bytes()[..len]);
    field
}

/// The text of a name.
#[must_use]
pub fn text(name: &[u8; 64]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name as it can be shown: whoever chose it might have put in what moves the cursor.
#[must_use]
pub fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(printable("\u{1b}[2Ja\nb \u{e9}"), "?[2Ja?b \u{e9}");
    }
}
