//! A part of the screen to draw on.

use super::super::look::Look;
use super::super::text::fit;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr as _;

/// The screen, and what it can show.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) look: Look,
}

impl Canvas<'_> {
    /// Draws a text on a line of an area, from a column of the area on, cut at its right border. Returns the column
    /// behind the text.
    pub(super) fn put(
        &mut self,
        area: Rect,
        column: usize,
        line: usize,
        text: &str,
        style: Style,
    ) -> usize {
        let end = column + text.width();
        let (Ok(x), Ok(y)) = (u16::try_from(column), u16::try_from(line)) else { return end };
        let area = area.intersection(self.buffer.area);
        if x >= area.width || y >= area.height {
            return end;
        }
        let room = usize::from(area.width - x);
        self.buffer.set_string(area.x + x, area.y + y, fit(text, room, self.look), style);
        end
    }

    /// Draws a text at the right end of a line of an area, if it has room there.
    pub(super) fn put_right(&mut self, area: Rect, line: usize, text: &str, style: Style) {
        if let Some(column) = usize::from(area.width).checked_sub(text.width()) {
            self.put(area, column, line, text, style);
        }
    }

    /// Gives the cells of a line of an area a style.
    pub(super) fn style_line(&mut self, area: Rect, line: usize, style: Style) {
        let Ok(line) = u16::try_from(line) else { return };
        if line < area.height {
            self.buffer.set_style(Rect { y: area.y + line, height: 1, ..area }, style);
        }
    }
}
