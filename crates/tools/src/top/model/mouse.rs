//! What the mouse does.

use super::super::graph::Side;
use super::{Action, Model};
use aseqd_abi::Address;
use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Lines that a step of the wheel moves.
const WHEEL: isize = 3;

impl Model {
    pub(super) fn mouse(&mut self, mouse: &MouseEvent) -> Vec<Action> {
        let at = Position::new(mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.press(at);
                Vec::new()
            }
            MouseEventKind::Up(MouseButton::Left) => self.release(at),
            MouseEventKind::ScrollUp => self.wheel(at, -WHEEL),
            MouseEventKind::ScrollDown => self.wheel(at, WHEEL),
            _ => Vec::new(),
        }
    }

    fn press(&mut self, at: Position) {
        self.message = None;
        self.pressed = None;
        if self.help.take().is_some() {
            return;
        }
        if let Some(tab) = self.layout().title_at(at) {
            self.tab = tab;
        } else if let Some((side, row, port)) = self.port_at(at) {
            self.focus = side;
            let list = self.list(side);
            self.pick_mut(side).choose(row, &list);
            self.pressed = Some((side, port));
        }
    }

    /// Connects or cuts the port at which the button was pressed and the one of the other side at which it is released.
    fn release(&mut self, at: Position) -> Vec<Action> {
        let (Some((from, port)), Some((side, row, _))) = (self.pressed.take(), self.port_at(at))
        else {
            return Vec::new();
        };
        // The list may have moved in between.
        if from == side || self.pick(from).port != Some(port) {
            return Vec::new();
        }
        let list = self.list(side);
        self.pick_mut(side).choose(row, &list);
        self.toggle()
    }

    fn wheel(&mut self, at: Position, lines: isize) -> Vec<Action> {
        if let Some((side, _)) = self.layout().list_at(at).filter(|_| self.help.is_none()) {
            let row = self.pick(side).row.saturating_add_signed(lines);
            let list = self.list(side);
            self.pick_mut(side).choose(row, &list);
        } else if let Some(line) = &mut self.help {
            *line = line.saturating_add_signed(lines);
        } else if self.layout().events.is_some_and(|events| events.contains(at)) {
            self.back = self.back.saturating_add_signed(-lines);
        }
        Vec::new()
    }

    /// Returns the port at a place: its side, its line in the whole list, and its address.
    fn port_at(&self, at: Position) -> Option<(Side, usize, Address)> {
        let (side, line) = self.layout().list_at(at)?;
        let row = self.pick(side).top + line;
        self.list(side).get(row).map(|port| (side, row, *port))
    }
}
