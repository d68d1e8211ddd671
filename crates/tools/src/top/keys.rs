//! Keys, and what they do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Quit,
    Suspend,
    Redraw,
    Help,
    Escape,
    Tab(usize),
    OtherSide,
    Senders,
    Receivers,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Toggle,
    CutAll,
    Undo,
    Search,
    NextMatch,
    PreviousMatch,
    Watch,
    Only,
    System,
    Pause,
    Clear,
}

/// Keys that do the same.
pub(super) struct Binding {
    keys: &'static [(KeyCode, bool)],
    command: Command,
    /// The keys in words; empty for a binding that help does not name.
    pub(super) shown: &'static str,
    /// What they do.
    pub(super) help: &'static str,
}

const fn plain(c: char) -> (KeyCode, bool) {
    (KeyCode::Char(c), false)
}

const fn ctrl(c: char) -> (KeyCode, bool) {
    (KeyCode::Char(c), true)
}

const fn key(code: KeyCode) -> (KeyCode, bool) {
    (code, false)
}

const fn bind(
    command: Command,
    keys: &'static [(KeyCode, bool)],
    shown: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, command, shown, help }
}

/// All keys, in the order of the help.
#[rustfmt::skip]
pub(super) const BINDINGS: &[Binding] = &[
    bind(Command::Up, &[key(KeyCode::Up), plain('k')], "Up k, Down j", "choose a port; scroll the events"),
    bind(Command::Down, &[key(KeyCode::Down), plain('j')], "", ""),
    bind(Command::OtherSide, &[key(KeyCode::Tab), key(KeyCode::BackTab)], "Tab, Left h, Right l", "go to the other side, to senders, to receivers"),
    bind(Command::Senders, &[key(KeyCode::Left), plain('h')], "", ""),
    bind(Command::Receivers, &[key(KeyCode::Right), plain('l')], "", ""),
    bind(Command::PageUp, &[key(KeyCode::PageUp), ctrl('b')], "PgUp, PgDn, Home g, End G", "go a page on, to the first, to the last"),
    bind(Command::PageDown, &[key(KeyCode::PageDown), ctrl('f')], "", ""),
    bind(Command::First, &[key(KeyCode::Home), plain('g')], "", ""),
    bind(Command::Last, &[key(KeyCode::End), plain('G')], "", ""),
    bind(Command::Toggle, &[key(KeyCode::Enter), plain(' ')], "Enter, Space", "connect the chosen sender and receiver, or cut them"),
    bind(Command::CutAll, &[plain('X'), key(KeyCode::Delete)], "X, Del", "cut all connections of the chosen port"),
    bind(Command::Undo, &[plain('u')], "u", "undo the last change that was made here"),
    bind(Command::Search, &[plain('/')], "/, n, N", "look for a port; next, previous"),
    bind(Command::NextMatch, &[plain('n')], "", ""),
    bind(Command::PreviousMatch, &[plain('N')], "", ""),
    bind(Command::Watch, &[plain('w')], "w", "watch the chosen sender, or no longer"),
    bind(Command::Only, &[plain('o')], "o", "show only events of the chosen sender, or all"),
    bind(Command::System, &[plain('s')], "s", "show the ports of the System client, or hide them"),
    bind(Command::Pause, &[plain('p')], "p", "let events and roll stand still, or go on"),
    bind(Command::Clear, &[plain('c')], "c", "forget events, notes and lateness"),
    bind(Command::Tab(0), &[plain('1'), key(KeyCode::F(1))], "1 to 4, F1 to F4", "patchbay, events, piano roll, lateness"),
    bind(Command::Tab(1), &[plain('2'), key(KeyCode::F(2))], "", ""),
    bind(Command::Tab(2), &[plain('3'), key(KeyCode::F(3))], "", ""),
    bind(Command::Tab(3), &[plain('4'), key(KeyCode::F(4))], "", ""),
    bind(Command::Help, &[plain('?')], "?", "this help"),
    bind(Command::Escape, &[key(KeyCode::Esc)], "", ""),
    bind(Command::Redraw, &[ctrl('l')], "Ctrl-L, Ctrl-Z", "draw the screen anew, suspend"),
    bind(Command::Suspend, &[ctrl('z')], "", ""),
    bind(Command::Quit, &[plain('q'), ctrl('c')], "q, Ctrl-C", "quit; connections stay as they are"),
];

/// Returns what a key asks for, if anything.
pub(super) fn command(event: &KeyEvent) -> Option<Command> {
    if event.kind == KeyEventKind::Release || event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = (event.code, event.modifiers.contains(KeyModifiers::CONTROL));
    let bound = BINDINGS.iter().find(|binding| binding.keys.contains(&pressed));
    bound.map(|binding| binding.command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_has_two_meanings() {
        let mut seen = BTreeSet::new();
        for (code, control) in BINDINGS.iter().flat_map(|binding| binding.keys) {
            assert!(seen.insert(format!("{code:?} {control}")), "{code:?}");
        }
    }

    #[test]
    fn capitals_are_keys_of_their_own() {
        let press = |c, modifiers| command(&KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(press('N', KeyModifiers::SHIFT), Some(Command::PreviousMatch));
        assert_eq!(press('n', KeyModifiers::NONE), Some(Command::NextMatch));
        assert_eq!(press('c', KeyModifiers::CONTROL), Some(Command::Quit));
        assert_eq!(press('c', KeyModifiers::ALT), None);
        assert_eq!(press('z', KeyModifiers::CONTROL), Some(Command::Suspend));
    }
}
