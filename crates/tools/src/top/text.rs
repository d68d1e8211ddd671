//! Text of other programs, made harmless for a terminal and cut to its columns.

use super::look::Look;
use aseqd_client::{Port, printable};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Returns a text that takes the columns that a terminal is expected to give it: no control character, none that turns
/// the direction of text, none that is invisible or joins others. Without UTF-8, other characters than those of ASCII
/// become `?`.
pub(super) fn clean(text: &str, look: Look) -> String {
    let visible = |c: &char| {
        // Combining marks belong to the letter before them. Joiners, marks of direction, variation selectors and tags
        // make terminals disagree about the width.
        c.width().is_some_and(|width| width > 0) || matches!(c, '\u{300}'..='\u{36f}')
    };
    let known = |c: char| if look.utf8 || c.is_ascii() { c } else { '?' };
    printable(text).chars().filter(visible).map(known).collect()
}

/// Returns a text cut to this many columns. A text that is cut ends with an ellipsis.
pub(super) fn fit(text: &str, columns: usize, look: Look) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let end = look.ellipsis();
    let mut room = columns.saturating_sub(end.width());
    let mut cut = String::new();
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > room {
            break;
        }
        room -= width;
        cut.push(c);
    }
    cut.push_str(if columns >= end.width() { end } else { "" });
    cut
}

/// Returns a text of exactly this many columns: cut, or filled up with spaces.
pub(super) fn column(text: &str, columns: usize, look: Look) -> String {
    let mut text = fit(text, columns, look);
    let missing = columns.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Returns the name of a port: that of its client too, unless the port's own begins with it.
pub(super) fn name(port: &Port, look: Look) -> String {
    let (client, own) = (clean(&port.client_name, look), clean(&port.name, look));
    match () {
        () if own.is_empty() => client,
        () if client.is_empty() || own.starts_with(&client) => own,
        () => format!("{client}: {own}"),
    }
}

/// Returns a number in at most four columns: `999`, `1.2k`, `45k`.
pub(super) fn short(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..10_000 => format!("{}.{}k", number / 1000, number / 100 % 10),
        10_000..1_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", (number / 1_000_000).min(999)),
    }
}

/// Returns a count with its noun in the singular or the plural.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;

    const UTF8: Look = Look { utf8: true, color: false };
    const ASCII: Look = Look { utf8: false, color: false };

    #[test]
    fn text_of_others_has_the_width_that_it_seems_to_have() {
        for (text, utf8, ascii) in [
            ("a\u{1b}[2Jb\u{9b}c\n", "a?[2Jb?c?", "a?[2Jb?c?"),
            ("\u{202e}evil\u{2066}", "?evil?", "?evil?"),
            ("a\u{200f}b\u{200d}c\u{fe0f}d\u{feff}", "abcd", "abcd"),
            ("\u{5d0}\u{5d1} \u{4e2d}", "\u{5d0}\u{5d1} \u{4e2d}", "?? ?"),
            ("e\u{301}", "e\u{301}", "e?"),
        ] {
            assert_eq!(clean(text, UTF8), utf8, "{text:?}");
            assert_eq!(clean(text, ASCII), ascii, "{text:?}");
        }
    }

    #[test]
    fn text_is_cut_to_columns_and_filled_up() {
        assert_eq!(fit("abcdef", 6, UTF8), "abcdef");
        assert_eq!(fit("abcdef", 4, UTF8), "abc\u{2026}");
        assert_eq!(fit("abcdef", 4, ASCII), "abc~");
        assert_eq!(fit("\u{4e2d}\u{6587}\u{5b57}", 4, UTF8), "\u{4e2d}\u{2026}");
        assert_eq!(fit("ab", 0, UTF8), "");
        assert_eq!(column("\u{4e2d}", 4, UTF8), "\u{4e2d}  ");
        assert_eq!(column("abcdef", 3, ASCII), "ab~");
    }

    #[test]
    fn a_port_is_named_with_its_client_unless_it_repeats_it() {
        let port = |client, name| Port::new(Address::new(1, 0), client, name);
        assert_eq!(name(&port("Midi Through", "Midi Through Port-0"), UTF8), "Midi Through Port-0");
        assert_eq!(name(&port("synth", "in"), UTF8), "synth: in");
        assert_eq!(name(&port("synth", ""), UTF8), "synth");
        assert_eq!(name(&port("", "in"), UTF8), "in");
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1250, "1.2k"), (45_678, "45k"), (7_000_000, "7M")]
        {
            assert_eq!(short(number), text);
        }
        assert_eq!((count(1, "port"), count(0, "port")), ("1 port".into(), "0 ports".into()));
    }
}
