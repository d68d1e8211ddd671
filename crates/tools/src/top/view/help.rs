//! The help.

use super::super::keys::BINDINGS;
use super::canvas::Canvas;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The columns of the keys.
const KEYS: usize = 28;

/// What the help says besides keys.
const NOTES: &[(&str, &str)] = &[
    ("", ""),
    ("Mouse", "click: choose a port or a page; wheel: scroll;"),
    ("", "drag from a sender to a receiver: connect or cut them"),
    ("", ""),
    ("Lamp before a sender", "bright: events now; small: within the last second;"),
    ("", "dot: none; no lamp: the port is not watched"),
    ("(name)", "a port that other programs may not connect"),
    ("", ""),
    ("Watching", "is a connection from the port to this command. What a"),
    ("", "program sends directly to another port is not seen."),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, from: usize) {
    let look = canvas.look;
    let bindings = BINDINGS.iter().filter(|binding| !binding.shown.is_empty());
    let bindings = bindings.map(|binding| (binding.shown, binding.help));
    let all: Vec<_> = bindings.chain(NOTES.iter().copied()).collect();
    let lines = usize::from(area.height);
    let from = from.min(all.len().saturating_sub(lines.saturating_sub(1)));
    for (line, (keys, help)) in all.iter().skip(from).take(lines).enumerate() {
        canvas.put(area, 1, line, keys, look.bold());
        canvas.put(area, 1 + KEYS, line, help, Style::new());
    }
}
