//! Small bounds of what the session holds, which programs reach, and whether the session keeps them.

use super::door::{Begun, Seeded};
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_server::budget::{Bound, FileBounds};

/// Small bounds. A stretch has five calls.
pub(super) const SMALL: FileBounds = FileBounds {
    timer_files: Bound { per_user: 3, in_all: 5 },
    waiting_calls: Bound { per_user: 2, in_all: 3 },
    waiting_bytes: Bound { per_user: 56, in_all: 84 },
    logged: false,
};

/// Returns the user of a process.
pub(super) const fn user_of(process: usize) -> u32 {
    if process == 1 { 1001 } else { 1000 }
}

impl Seeded {
    /// Returns what is wrong with the answer to a call, as far as the bounds decide it.
    pub(super) fn against_bounds(&self, begun: &Begun, told: &Answer) -> Option<String> {
        let bounds = self.bounds?;
        let user = user_of(begun.process);
        let (held, bound) = match begun.step {
            Step::OpenTimer(_) | Step::CreateTimer(..) => {
                let timers = || self.files.values().filter(|file| file.timer);
                let own = timers().filter(|file| user_of(file.process) == user).count();
                ((own, timers().count()), bounds.timer_files)
            }
            Step::Read(..) if told.value == Err(Errno::ENOMEM) => {
                (self.waiting(user), bounds.waiting_calls)
            }
            _ => return None,
        };
        let full = held.0 as u64 >= bound.per_user || held.1 as u64 >= bound.in_all;
        let refused = told.value == Err(Errno::ENOMEM);
        let wrong = if refused { !full } else { full && told.value.is_ok() };
        wrong.then(|| {
            format!(
                "{:?} is answered with {:?}, but user {user} holds {} of {bound:?}, and all hold {}",
                begun.step, told.value, held.0, held.1
            )
        })
    }

    /// Returns what is wrong with the calls that wait.
    pub(super) fn waits_beyond_bounds(&self) -> Option<String> {
        let bound = self.bounds?.waiting_calls;
        let waiting = [1000, 1001].map(|user| self.waiting(user));
        let most = waiting.into_iter().map(|(own, _)| own).max().unwrap_or(0);
        let over = most as u64 > bound.per_user || waiting[0].1 as u64 > bound.in_all;
        over.then(|| format!("calls wait beyond {bound:?}: {waiting:?}"))
    }

    /// Returns how many calls of a user wait, and how many of all.
    fn waiting(&self, user: u32) -> (usize, usize) {
        let waits = |begun: &&Begun| matches!(begun.step, Step::Read(..) | Step::Write(..));
        let all = || self.asked.values().filter(waits);
        (all().filter(|begun| user_of(begun.process) == user).count(), all().count())
    }
}
