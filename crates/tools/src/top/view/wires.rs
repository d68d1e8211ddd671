//! The wires between the lists of the patchbay.

use super::super::look::{DOWN, LEFT, Look, RIGHT, UP};
use super::canvas::Canvas;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

/// A connection, between lines of the two lists. A line that is scrolled away is negative or below the area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) from: isize,
    pub(super) to: isize,
    /// Whether it is one of the chosen ports'.
    pub(super) chosen: bool,
}

/// Draws wires. All wires of one sender share a lane. Those of the chosen ports are drawn last, and heavy.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, wires: &[Wire]) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    if width < 4 || height == 0 {
        return;
    }
    let mut light = Grid::new(width, height);
    let mut heavy = Grid::new(width, height);
    // The first and the last two columns stay free of lanes, so that both ends are seen.
    let lanes = width - 3;
    let mut senders: Vec<_> = wires.iter().map(|wire| wire.from).collect();
    senders.dedup();
    for wire in wires {
        let order = senders.iter().position(|from| *from == wire.from).unwrap_or_default();
        // Later senders have lanes further left: their wires cross those before them less often.
        let lane = lanes - order % lanes;
        let grid = if wire.chosen { &mut heavy } else { &mut light };
        grid.wire(wire, lane);
    }
    let look = canvas.look;
    for (grid, is_heavy) in [(&light, false), (&heavy, true)] {
        let style = match is_heavy {
            true => look.fg(Color::Green).add_modifier(Modifier::BOLD),
            false => look.dim(),
        };
        for (line, cells) in grid.cells.chunks(width).enumerate() {
            for (column, sides) in cells.iter().enumerate().filter(|(_, sides)| **sides != 0) {
                let c = look.wire(*sides, is_heavy);
                canvas.put(area, column, line, c.encode_utf8(&mut [0; 4]), style);
            }
        }
    }
    for wire in wires {
        if let Some(line) = usize::try_from(wire.to).ok().filter(|line| *line < height) {
            let chosen = wires.iter().any(|other| other.to == wire.to && other.chosen);
            let style = match chosen {
                true => look.fg(Color::Green).add_modifier(Modifier::BOLD),
                false => look.dim(),
            };
            canvas.put(area, width - 1, line, head(look), style);
        }
    }
}

/// Returns the head of an arrow.
const fn head(look: Look) -> &'static str {
    if look.utf8 { "\u{25b6}" } else { ">" }
}

/// By which sides wires leave each cell.
struct Grid {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

impl Grid {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, cells: vec![0; width * height] }
    }

    fn add(&mut self, column: usize, line: isize, sides: u8) {
        if let Ok(line) = usize::try_from(line)
            && line < self.height
        {
            self.cells[line * self.width + column] |= sides;
        }
    }

    /// Adds a wire: to the right into its lane, along the lane, and to the right again.
    fn wire(&mut self, wire: &Wire, lane: usize) {
        for column in 0..lane {
            self.add(column, wire.from, LEFT | RIGHT);
        }
        for column in lane + 1..self.width {
            self.add(column, wire.to, LEFT | RIGHT);
        }
        let (from, to) = match wire.from.cmp(&wire.to) {
            std::cmp::Ordering::Equal => return self.add(lane, wire.from, LEFT | RIGHT),
            std::cmp::Ordering::Less => (DOWN, UP),
            std::cmp::Ordering::Greater => (UP, DOWN),
        };
        self.add(lane, wire.from, LEFT | from);
        self.add(lane, wire.to, RIGHT | to);
        let (first, last) = (wire.from.min(wire.to), wire.from.max(wire.to));
        // Lines outside of the area need no visit, however long the lists are.
        for line in (first + 1).max(0)..last.min(self.height.cast_signed()) {
            self.add(lane, line, UP | DOWN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::buffer::Buffer;

    fn drawn(utf8: bool, wires: &[(isize, isize, bool)]) -> Vec<String> {
        let area = Rect::new(0, 0, 8, 4);
        let mut buffer = Buffer::empty(area);
        let look = Look { utf8, color: false };
        let wires: Vec<_> =
            wires.iter().map(|&(from, to, chosen)| Wire { from, to, chosen }).collect();
        draw(&mut Canvas { buffer: &mut buffer, look }, area, &wires);
        let cells = buffer.content.chunks(8);
        cells.map(|line| line.iter().map(|cell| cell.symbol()).collect()).collect()
    }

    #[test]
    fn wires_turn_split_and_cross() {
        assert_eq!(
            drawn(true, &[(0, 0, false), (0, 2, false), (1, 3, false)]),
            ["─────┬─▶", "────┐│  ", "    │└─▶", "    └──▶"]
        );
        assert_eq!(
            drawn(false, &[(0, 2, false)]),
            ["-----+  ", "     |  ", "     +->", "        "]
        );
    }

    #[test]
    fn chosen_wires_are_heavy_and_on_top() {
        assert_eq!(
            drawn(true, &[(0, 3, false), (2, 2, true)]),
            ["─────┐  ", "     │  ", "━━━━━━━▶", "     └─▶"]
        );
        assert_eq!(drawn(false, &[(1, 0, true)]), ["     #=>", "=====#  ", "        ", "        "]);
    }

    #[test]
    fn wires_to_lines_that_are_scrolled_away_end_at_the_border() {
        assert_eq!(
            drawn(true, &[(1, 99, false), (2, -5, false)]),
            ["    │   ", "────┼┐  ", "────┘│  ", "     │  "]
        );
        assert_eq!(drawn(true, &[(-9, isize::MAX, false)])[0], "     │  ");
    }
}
