//! Accounts for what connections take, by user.

use crate::budget::{self, Budget, CONNECTIONS, UNFINISHED_BYTES};
use rustix::process::{Resource, getrlimit};
use std::cell::RefCell;
use std::rc::Rc;

/// The accounts of all connections.
#[derive(Debug)]
pub(super) struct Accounts(Rc<RefCell<Budgets>>);

/// What all connections may take.
#[derive(Debug)]
struct Budgets {
    connections: Budget,
    unfinished: Budget,
}

/// What one connection takes. It is given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    accounts: Rc<RefCell<Budgets>>,
    user: u32,
    /// The bytes of unfinished messages that are taken.
    bytes: u64,
}

impl Accounts {
    pub(super) fn new() -> Self {
        let connections = Budget::new(CONNECTIONS);
        let unfinished = Budget::new(UNFINISHED_BYTES);
        Self(Rc::new(RefCell::new(Budgets { connections, unfinished })))
    }

    /// Takes one more connection of a user; `None` if the user or the server has too many.
    pub(super) fn open(&self, user: u32) -> Option<Share> {
        let mut budgets = self.0.borrow_mut();
        // A quarter of the descriptors is kept for files and for the server itself.
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = budgets.connections.held() < descriptors / 4 * 3;
        if !room || !budgets.connections.take(user, 1) {
            budget::tell(user, "connections");
            return None;
        }
        Some(Share { accounts: Rc::clone(&self.0), user, bytes: 0 })
    }
}

impl Share {
    /// Takes more bytes of an unfinished message. Returns whether there is room for them.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let fits = self.accounts.borrow_mut().unfinished.take(self.user, bytes);
        if fits {
            self.bytes += bytes;
        } else {
            budget::tell(self.user, "bytes of unfinished messages");
        }
        fits
    }

    /// Gives all bytes of the unfinished message back.
    pub(super) fn shrink(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.accounts.borrow_mut().unfinished.give_back(self.user, bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink();
        self.accounts.borrow_mut().connections.give_back(self.user, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_takes_ends_with_it() {
        let accounts = Accounts::new();
        let whole = usize::try_from(UNFINISHED_BYTES.per_user).expect("a number");
        let (mut one, mut two) = (accounts.open(1).expect("room"), accounts.open(1).expect("room"));
        assert!(one.grow(whole - 1) && two.grow(1));
        assert!(!two.grow(1), "the user has enough");
        assert!(accounts.open(2).expect("room").grow(whole), "another user's own");
        drop(one);
        assert!(two.grow(whole - 1));
        two.shrink();
        drop(two);
        let budgets = accounts.0.borrow();
        assert_eq!((budgets.connections.held(), budgets.unfinished.held()), (0, 0));
    }
}
