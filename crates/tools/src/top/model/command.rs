//! What keys do.

use super::super::change::Change;
use super::super::graph::{Connection, Side};
use super::super::keys::{Command, command};
use super::super::layout::Tab;
use super::super::text;
use super::{Action, Model};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The longest text that can be searched for: longer than any name.
const MAX_SEARCH: usize = 64;

impl Model {
    pub(super) fn key(&mut self, key: &KeyEvent) -> Vec<Action> {
        if self.search.typing && self.edit(key) {
            return Vec::new();
        }
        let Some(command) = command(key) else { return Vec::new() };
        self.message = None;
        match command {
            Command::Quit => return vec![Action::Quit],
            Command::Suspend => return vec![Action::Suspend],
            Command::Redraw => return vec![Action::Redraw],
            Command::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Command::Escape => {
                if self.help.take().is_none() {
                    self.search.text.clear();
                }
            }
            Command::Up | Command::Down | Command::PageUp | Command::PageDown
                if self.help.is_some() =>
            {
                self.scroll_help(command);
            }
            Command::First | Command::Last if self.help.is_some() => self.scroll_help(command),
            command => {
                // Each other key leaves the help, and does what the help says.
                self.help = None;
                return self.act(command);
            }
        }
        Vec::new()
    }

    /// Does what a key asks for, on the page that is shown.
    fn act(&mut self, command: Command) -> Vec<Action> {
        match command {
            Command::Tab(number) => self.tab = Tab::ALL[number],
            Command::Senders => self.focus = Side::Senders,
            Command::Receivers => self.focus = Side::Receivers,
            Command::OtherSide => {
                self.focus = match self.focus {
                    Side::Senders => Side::Receivers,
                    Side::Receivers => Side::Senders,
                };
            }
            Command::Up | Command::Down | Command::PageUp | Command::PageDown => self.step(command),
            Command::First | Command::Last => self.step(command),
            Command::Toggle => return self.toggle(),
            Command::CutAll => return self.cut_all(),
            Command::Undo => return self.undo(),
            Command::Search => {
                self.search.text.clear();
                self.search.typing = true;
            }
            Command::NextMatch => self.find(1),
            Command::PreviousMatch => self.find(-1),
            Command::Watch => return self.switch_watch(),
            Command::Only => {
                self.only = !self.only;
                self.back = 0;
            }
            Command::System => self.system = !self.system,
            Command::Pause => self.paused = !self.paused,
            Command::Clear => {
                self.log = Default::default();
                self.lates = Default::default();
                self.roll.clear();
                self.back = 0;
            }
            // These concern more than a page.
            Command::Quit | Command::Suspend | Command::Redraw => {}
            Command::Help | Command::Escape => {}
        }
        Vec::new()
    }

    /// Edits the text that is searched for. Returns whether the key was one for that.
    fn edit(&mut self, key: &KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return true;
        }
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Enter => self.search.typing = false,
            KeyCode::Esc => self.search = Default::default(),
            KeyCode::Backspace => {
                self.search.text.pop();
                self.find(0);
            }
            KeyCode::Char(c) if plain => {
                if self.search.text.len() < MAX_SEARCH && !c.is_control() {
                    self.search.text.push(c);
                }
                self.find(0);
            }
            // Keys that move, for example, end the typing, and do what they do.
            _ => {
                self.search.typing = false;
                return false;
            }
        }
        true
    }

    /// Chooses a port that is searched for: the next one, the one before, or with 0 the chosen one, if it is one.
    fn find(&mut self, direction: isize) {
        if self.search.text.is_empty() {
            return;
        }
        let other = match self.focus {
            Side::Senders => Side::Receivers,
            Side::Receivers => Side::Senders,
        };
        for side in [self.focus, other] {
            let list = self.list(side);
            let here = self.pick(side).row;
            // From the chosen line on, and around.
            let found = (0..list.len()).find_map(|step| {
                let step = step.cast_signed() + direction.abs();
                let step = if direction < 0 { -step } else { step };
                let row = (here.cast_signed() + step).rem_euclid(list.len().cast_signed());
                let row = row.cast_unsigned();
                self.matches(list[row]).then_some(row)
            });
            if let Some(row) = found {
                self.focus = side;
                self.pick_mut(side).choose(row, &list);
                return;
            }
        }
        self.message =
            Some(format!("no port matches {}", text::clean(&self.search.text, self.look)));
    }

    fn scroll_help(&mut self, command: Command) {
        let page = usize::from(self.size.1.saturating_sub(4)).max(1);
        let Some(line) = &mut self.help else { return };
        *line = match command {
            Command::Up => line.saturating_sub(1),
            Command::Down => line.saturating_add(1),
            Command::PageUp => line.saturating_sub(page),
            Command::PageDown => line.saturating_add(page),
            Command::First => 0,
            _ => usize::MAX,
        };
        // The view knows how long the help is; further than this it cannot be.
        *line = (*line).min(super::super::keys::BINDINGS.len());
    }

    /// Moves the choice, or the list of events on its page.
    fn step(&mut self, command: Command) {
        let layout = self.layout();
        if self.tab == Tab::Events {
            let page = layout.events.map_or(1, |events| usize::from(events.height).max(2) - 1);
            self.back = match command {
                Command::Up => self.back.saturating_add(1),
                Command::Down => self.back.saturating_sub(1),
                Command::PageUp => self.back.saturating_add(page),
                Command::PageDown => self.back.saturating_sub(page),
                Command::First => usize::MAX,
                _ => 0,
            };
            return;
        }
        let side = if self.tab == Tab::Patchbay { self.focus } else { Side::Senders };
        let page = layout.patchbay.map_or(10, |it| usize::from(it.list(side).height).max(1));
        let row = self.pick(side).row;
        let row = match command {
            Command::Up => row.saturating_sub(1),
            Command::Down => row.saturating_add(1),
            Command::PageUp => row.saturating_sub(page),
            Command::PageDown => row.saturating_add(page),
            Command::First => 0,
            _ => usize::MAX,
        };
        let list = self.list(side);
        self.pick_mut(side).choose(row, &list);
    }

    /// Connects the chosen sender and receiver, or cuts them.
    pub(super) fn toggle(&mut self) -> Vec<Action> {
        let (Some(sender), Some(dest)) = (self.senders.port, self.receivers.port) else {
            self.message = Some("there is nothing to connect".to_owned());
            return Vec::new();
        };
        let change = match self.graph.connection(sender, dest) {
            Some(connection) => Change::Cut(*connection),
            None => Change::Connect(Connection::plain(sender, dest)),
        };
        vec![Action::Change { changes: vec![change], undo: false }]
    }

    /// Cuts all connections of the chosen port on its side.
    fn cut_all(&mut self) -> Vec<Action> {
        let Some(port) = self.pick(self.focus).port else { return Vec::new() };
        let of_side = |connection: &&Connection| match self.focus {
            Side::Senders => connection.sender == port,
            Side::Receivers => connection.dest == port,
        };
        let connections = self.graph.connections.iter().filter(of_side);
        let changes: Vec<_> = connections.copied().map(Change::Cut).collect();
        if changes.is_empty() {
            self.message = Some(format!("{port} is not connected"));
            return Vec::new();
        }
        vec![Action::Change { changes, undo: false }]
    }

    fn undo(&mut self) -> Vec<Action> {
        let Some(changes) = self.history.take() else {
            self.message = Some("nothing was changed here".to_owned());
            return Vec::new();
        };
        vec![Action::Change { changes, undo: true }]
    }

    fn switch_watch(&mut self) -> Vec<Action> {
        let Some(port) = self.senders.port else { return Vec::new() };
        let on = !self.watched.contains(&port);
        self.switched.insert(port, on);
        self.unwatched.remove(&port);
        let not = if on { "" } else { "no longer " };
        self.message = Some(format!("{port} is {not}watched"));
        vec![Action::Watch(port, on)]
    }
}
