//! What the terminal can show: characters and colours.

use ratatui::style::{Color, Modifier, Style};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether it shows UTF-8. Otherwise all is drawn in ASCII.
    pub(super) utf8: bool,
    /// Whether there are colours. Everything that a colour says is said without, too.
    pub(super) color: bool,
}

/// The characters of wires, by which sides of its cell a wire leaves: the sum of [`UP`], [`DOWN`], [`LEFT`] and
/// [`RIGHT`].
type Wires = [char; 16];

pub(super) const UP: u8 = 1;
pub(super) const DOWN: u8 = 2;
pub(super) const LEFT: u8 = 4;
pub(super) const RIGHT: u8 = 8;

#[rustfmt::skip]
const LIGHT: Wires = [' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'];
#[rustfmt::skip]
const HEAVY: Wires = [' ', '╹', '╻', '┃', '╸', '┛', '┓', '┫', '╺', '┗', '┏', '┣', '━', '┻', '┳', '╋'];
#[rustfmt::skip]
const ASCII: Wires = [' ', '|', '|', '|', '-', '+', '+', '+', '-', '+', '+', '+', '-', '+', '+', '+'];
#[rustfmt::skip]
const ASCII_HEAVY: Wires = [' ', '#', '#', '#', '=', '#', '#', '#', '=', '#', '#', '#', '=', '#', '#', '#'];

impl Look {
    /// Returns what a terminal can show whose locale is in these variables. The first one that is set decides, as in
    /// `setlocale(3)`.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>, color: bool) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Self { utf8: locale.contains("utf-8") || locale.contains("utf8"), color }
    }

    /// Returns the character of a wire that leaves its cell by these sides.
    pub(super) fn wire(self, sides: u8, heavy: bool) -> char {
        let wires = match (self.utf8, heavy) {
            (true, false) => LIGHT,
            (true, true) => HEAVY,
            (false, false) => ASCII,
            (false, true) => ASCII_HEAVY,
        };
        wires[usize::from(sides & 15)]
    }

    /// Returns what ends a text that was cut.
    pub(super) const fn ellipsis(self) -> &'static str {
        if self.utf8 { "\u{2026}" } else { "~" }
    }

    /// Returns the arrow of a connection.
    pub(super) const fn arrow(self) -> &'static str {
        if self.utf8 { "\u{2192}" } else { "->" }
    }

    /// Returns the lamp of a port by how long ago the last event was: now, within the last second, longer ago.
    pub(super) const fn lamp(self, age: Age) -> &'static str {
        match (age, self.utf8) {
            (Age::Now, true) => "\u{25cf}",
            (Age::Now, false) => "*",
            (Age::Recent, true) => "\u{2022}",
            (Age::Recent, false) => "+",
            (Age::Old, true) => "\u{b7}",
            (Age::Old, false) => ".",
            (Age::Unknown, _) => " ",
        }
    }

    /// Returns what a bar of this many eighths of a column ends with.
    pub(super) const fn eighths(self, eighths: usize) -> &'static str {
        const BLOCKS: [&str; 9] = [
            "", "\u{258f}", "\u{258e}", "\u{258d}", "\u{258c}", "\u{258b}", "\u{258a}", "\u{2589}",
            "\u{2588}",
        ];
        match (self.utf8, eighths) {
            (_, 0) => "",
            (true, 1..=8) => BLOCKS[eighths],
            (true, _) => BLOCKS[8],
            (false, 1..=3) => "",
            (false, _) => "#",
        }
    }

    /// Returns the style of something in a colour, if there are colours.
    pub(super) const fn fg(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    /// Returns the style of a MIDI channel.
    pub(super) const fn channel(self, channel: u8) -> Style {
        const COLORS: [Color; 12] = [
            Color::Cyan,
            Color::Green,
            Color::Yellow,
            Color::Magenta,
            Color::Blue,
            Color::Red,
            Color::LightCyan,
            Color::LightGreen,
            Color::LightYellow,
            Color::LightMagenta,
            Color::LightBlue,
            Color::LightRed,
        ];
        self.fg(COLORS[channel as usize % COLORS.len()])
    }

    /// Returns the style of what is of less interest.
    pub(super) const fn dim(self) -> Style {
        if self.color { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }

    /// Returns the style of what is chosen in the side that has the keys.
    pub(super) const fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Returns the style of headings.
    pub(super) const fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

/// How long ago a port had its last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Less than a fifth of a second.
    Now,
    /// Less than a second.
    Recent,
    /// Longer, or never.
    Old,
    /// Nobody watches the port.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_says_which_characters_there_are() {
        let of = |set: &[(&str, &str)]| {
            let value =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            Look::of(|name| value(name).map(str::to_owned), false).utf8
        };
        assert!(!of(&[]) && !of(&[("LANG", "C")]) && of(&[("LANG", "de_DE.UTF-8")]));
        assert!(!of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]));
        assert!(of(&[("LANG", "C"), ("LC_CTYPE", "C.utf8"), ("LC_ALL", "")]));
    }

    #[test]
    fn without_utf8_all_is_ascii() {
        let look = Look { utf8: false, color: true };
        for sides in 0..16 {
            assert!(look.wire(sides, true).is_ascii() && look.wire(sides, false).is_ascii());
        }
        for age in [Age::Now, Age::Recent, Age::Old, Age::Unknown] {
            assert!(look.lamp(age).is_ascii());
        }
        for eighths in 0..9 {
            assert!(look.eighths(eighths).is_ascii());
        }
        assert!(look.ellipsis().is_ascii() && look.arrow().is_ascii());
    }

    #[test]
    fn without_colour_no_style_has_one() {
        let look = Look { utf8: true, color: false };
        for style in [look.fg(Color::Red), look.channel(3), look.dim(), look.cursor(), look.bold()]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
