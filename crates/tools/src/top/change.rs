//! Changes of connections, and the way back.

use super::graph::Connection;

/// A change of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Connect two ports.
    Connect(Connection),
    /// Disconnect them.
    Cut(Connection),
}

impl Change {
    /// Returns the change that undoes this one.
    pub(super) const fn inverse(self) -> Self {
        match self {
            Self::Connect(connection) => Self::Cut(connection),
            Self::Cut(connection) => Self::Connect(connection),
        }
    }

    /// Returns the connection.
    pub(super) const fn connection(&self) -> &Connection {
        match self {
            Self::Connect(connection) | Self::Cut(connection) => connection,
        }
    }
}

/// How many changes can be undone.
const DEPTH: usize = 100;

/// The changes that were made here, the last one at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct History(Vec<Vec<Change>>);

impl History {
    /// Adds changes that were made at once, and that are undone at once.
    pub(super) fn add(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        if self.0.len() == DEPTH {
            self.0.remove(0);
        }
        self.0.push(changes);
    }

    /// Takes the last changes, and returns those that undo them, in the order in which to make them.
    pub(super) fn take(&mut self) -> Option<Vec<Change>> {
        let changes = self.0.pop()?;
        Some(changes.into_iter().rev().map(Change::inverse).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::Address;

    #[test]
    fn the_last_changes_are_undone_first_and_backwards() {
        let to = |port| Connection::plain(Address::new(128, 0), Address::new(129, port));
        let mut history = History::default();
        history.add(vec![Change::Connect(to(1))]);
        history.add(vec![Change::Cut(to(2)), Change::Cut(to(3))]);
        history.add(vec![]);
        assert_eq!(history.take(), Some(vec![Change::Connect(to(3)), Change::Connect(to(2))]));
        assert_eq!(history.take(), Some(vec![Change::Cut(to(1))]));
        assert_eq!(history.take(), None);
        for _ in 0..2 * DEPTH {
            history.add(vec![Change::Cut(to(2))]);
        }
        assert_eq!(history.0.len(), DEPTH);
    }
}
