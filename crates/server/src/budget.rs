//! Bounds what the server holds for its clients: by user, and in all.
//!
//! Each bound stands here with its reason, and in `docs/limits.md` with what a program sees when it is
//! reached. No bound may be within reach of a program that Linux would serve.

use aseqd_host::log;

/// The bounds of one kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The most that one user can have.
    pub per_user: u64,
    /// The most that all users together can have.
    pub in_all: u64,
}

/// Open files of `/dev/snd/timer`, which have no number that could run out. Each takes about 3 KiB, or
/// up to 24 KiB for its records if it is bound to a timer. Programs have one or two; Linux binds 1000 to
/// timers and 1000 more to these.
pub const TIMER_FILES: Bound = Bound { per_user: 2048, in_all: 4096 };

/// Bytes of writes that wait for room, or for their turn, where 64 clients can be open. A program waits
/// in one for each of its threads, with at most 1 MiB: this is one for each client.
pub const WAITING_BYTES: Bound = Bound { per_user: 64 << 20, in_all: 256 << 20 };

/// Returns [`WAITING_BYTES`] for this many clients at a time: the same for up to 64, and more in proportion.
pub fn waiting_bytes(clients: u8) -> Bound {
    let Bound { per_user, in_all } = WAITING_BYTES;
    let clients = u64::from(clients.max(64));
    Bound { per_user: per_user / 64 * clients, in_all: in_all / 64 * clients }
}

/// Calls that wait, of about 100 bytes each. A thread waits in one.
pub const WAITING_CALLS: Bound = Bound { per_user: 4096, in_all: 16_384 };

/// The bounds of files and of what waits on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileBounds {
    /// Open files of `/dev/snd/timer`.
    pub timer_files: Bound,
    /// Calls that wait.
    pub waiting_calls: Bound,
    /// Bytes of writes that wait.
    pub waiting_bytes: Bound,
    /// Whether the log says that one is reached.
    pub logged: bool,
}

impl FileBounds {
    /// Returns the bounds of a server for this many clients at a time.
    #[must_use]
    pub fn for_clients(clients: u8) -> Self {
        Self {
            timer_files: TIMER_FILES,
            waiting_calls: WAITING_CALLS,
            waiting_bytes: waiting_bytes(clients),
            logged: true,
        }
    }
}

/// Bytes of texts of `/proc/asound` that were begun and not read to the end. New ones take the place of the
/// oldest. The text of a full sequencer has about 100 KB, the largest possible one 25 MB.
pub const TEXT_BYTES: Bound = Bound { per_user: 32 << 20, in_all: 64 << 20 };

/// Connections of the library in programs: one for each thread that waits in a call. Each takes a
/// descriptor, of which three in four may be connections, and about 200 bytes.
pub const CONNECTIONS: Bound = Bound { per_user: 2048, in_all: 4096 };

/// Bytes of messages whose end has not come. Writes have up to 1 MiB, and 64 clients may each be in the middle
/// of one.
pub const UNFINISHED_BYTES: Bound = Bound { per_user: 64 << 20, in_all: 128 << 20 };

/// Logs that a user has reached a bound.
pub fn tell(user: u32, what: &'static str) {
    log::tell(what, format_args!("user {user} has too many {what}: see docs/limits.md"));
}

/// How much is held of one kind of thing, by user.
#[derive(Debug)]
pub struct Budget {
    bound: Bound,
    /// Users who hold something. Few, so that a search from the start is quick.
    users: Vec<(u32, u64)>,
    all: u64,
}

impl Budget {
    /// Returns a budget with nothing taken.
    pub const fn new(bound: Bound) -> Self {
        Self { bound, users: Vec::new(), all: 0 }
    }

    /// Counts this much for a user. Returns `false`, and counts nothing, if it would be more than a bound.
    #[must_use]
    pub fn take(&mut self, user: u32, amount: u64) -> bool {
        let held = self.held_by(user).saturating_add(amount);
        let all = self.all.saturating_add(amount);
        if held > self.bound.per_user || all > self.bound.in_all {
            return false;
        }
        self.all = all;
        match self.users.iter_mut().find(|(known, _)| *known == user) {
            Some((_, known)) => *known = held,
            None => self.users.push((user, held)),
        }
        true
    }

    /// Counts this much less for a user.
    pub fn give_back(&mut self, user: u32, amount: u64) {
        let Some(at) = self.users.iter().position(|(known, _)| *known == user) else { return };
        let held = &mut self.users[at].1;
        *held = held.saturating_sub(amount);
        if *held == 0 {
            self.users.swap_remove(at);
        }
        self.all = self.all.saturating_sub(amount);
    }

    /// Returns how much a user holds.
    pub fn held_by(&self, user: u32) -> u64 {
        self.users.iter().find(|(known, _)| *known == user).map_or(0, |(_, held)| *held)
    }

    /// Returns how much all users hold together.
    pub const fn held(&self) -> u64 {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_refused_at_the_users_bound_and_everybody_at_the_other() {
        let mut budget = Budget::new(Bound { per_user: 10, in_all: 15 });
        assert!(budget.take(1, 10));
        assert!(!budget.take(1, 1), "the user has enough");
        assert!(budget.take(2, 5), "another user's own");
        assert!(!budget.take(2, 1), "all have enough");
        assert!(!budget.take(3, u64::MAX));
        budget.give_back(1, 4);
        assert!(budget.take(2, 4));
        assert_eq!((budget.held_by(1), budget.held_by(2), budget.held()), (6, 9, 15));
        budget.give_back(1, 6);
        budget.give_back(2, 9);
        assert_eq!(
            (budget.held(), budget.users.len()),
            (0, 0),
            "users that hold nothing are forgotten"
        );
    }
}
