//! The chosen line of a list of ports.

use aseqd_abi::Address;

/// The chosen port of a list, and the part of the list that is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Pick {
    /// The chosen port. It stays chosen while lines come and go around it.
    pub(in super::super) port: Option<Address>,
    /// Its line in the list.
    pub(in super::super) row: usize,
    /// The first line that is on the screen.
    pub(in super::super) top: usize,
}

impl Pick {
    /// Fits the choice to a list, of which `lines` lines are on the screen. If the chosen port is gone, the one that took
    /// its place is chosen.
    pub(super) fn settle(&mut self, list: &[Address], lines: usize) {
        let found = self.port.and_then(|port| list.iter().position(|other| *other == port));
        self.row = found.unwrap_or(self.row).min(list.len().saturating_sub(1));
        self.port = list.get(self.row).copied();
        let lines = lines.max(1);
        self.top = self.top.min(self.row).max((self.row + 1).saturating_sub(lines));
        self.top = self.top.min(list.len().saturating_sub(lines));
    }

    /// Chooses a line.
    pub(super) fn choose(&mut self, row: usize, list: &[Address]) {
        self.row = row.min(list.len().saturating_sub(1));
        self.port = list.get(self.row).copied();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ports: &[u8]) -> Vec<Address> {
        ports.iter().map(|port| Address::new(128, *port)).collect()
    }

    #[test]
    fn a_port_stays_chosen_while_others_come_and_go() {
        let mut pick = Pick::default();
        pick.settle(&list(&[1, 2, 3]), 10);
        assert_eq!(pick.port, Some(Address::new(128, 1)));
        pick.choose(1, &list(&[1, 2, 3]));
        pick.settle(&list(&[0, 1, 2]), 10);
        assert_eq!((pick.port, pick.row), (Some(Address::new(128, 2)), 2));
        pick.settle(&list(&[0, 1]), 10);
        assert_eq!((pick.port, pick.row), (Some(Address::new(128, 1)), 1), "it has gone");
        pick.settle(&[], 10);
        assert_eq!((pick.port, pick.row), (None, 0));
    }

    #[test]
    fn the_chosen_line_is_on_the_screen() {
        let all = list(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let mut pick = Pick::default();
        for (row, top) in [(0, 0), (3, 0), (4, 1), (9, 6), (6, 6), (5, 5), (99, 6)] {
            pick.choose(row, &all);
            pick.settle(&all, 4);
            assert_eq!(pick.top, top, "line {row}");
        }
        pick.settle(&all, 20);
        assert_eq!(pick.top, 0, "the whole list fits");
        pick.settle(&all, 0);
    }
}
