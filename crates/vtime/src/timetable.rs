//! Timers as data: when each is due, what is known about it, and how often it has expired.

use std::collections::{BTreeMap, BTreeSet};

/// How many words of `siginfo_t` are about a timer.
pub(crate) const INFO_SIZE: usize = 4;

/// What stands in the signal in place of the number of a timer: the kernel lets nobody send one that comes from itself,
/// so the tracer sends a timer's, and corrects it when it is delivered.
pub(crate) const REAL_TIMER: i32 = i32::MIN;

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A timerfd, by the kernel's number of the eventfd in its place.
    File(u64),
    /// A POSIX timer, by its process and number.
    Posix(i32, i32),
    /// A process's real-time timer.
    Real(i32),
}

/// When a timer is due next, and every how many ns after that (0: never again).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) due: Option<u64>,
    pub(crate) interval: u64,
}

impl Setting {
    /// Returns how long the timer still runs, in ns; 0 if it does not.
    pub(crate) fn left(&self, now: u64) -> u64 {
        self.due.map_or(0, |due| due.saturating_sub(now))
    }

    /// Returns how often the timer has expired by `now`, and runs on.
    pub(crate) fn expire(&mut self, now: u64) -> u64 {
        let Some(due) = self.due.filter(|due| *due <= now) else { return 0 };
        let missed = (now - due).checked_div(self.interval).unwrap_or(0);
        let next = due.saturating_add((missed + 1).saturating_mul(self.interval));
        self.due = (self.interval > 0).then_some(next);
        missed + 1
    }
}

/// All timers of a run.
#[derive(Default)]
pub(crate) struct Timers {
    settings: BTreeMap<Key, (Setting, u64)>,
    /// When each is due, and the order in which they were armed.
    pub(crate) due: BTreeSet<(u64, u64, Key)>,
    armed: u64,
    pub(crate) posix: BTreeMap<(i32, i32), PosixTimer>,
    pub(crate) files: BTreeMap<u64, FileTimer>,
}

impl Timers {
    /// Returns when the next one is due.
    pub(crate) fn first(&self) -> Option<u64> {
        self.due.first().map(|(time, ..)| *time)
    }

    /// Sets a timer, and returns what it was set to.
    pub(crate) fn set(&mut self, key: Key, setting: Setting) -> Setting {
        let before = self.take(key);
        if setting.due.is_some() {
            self.armed += 1;
            self.put(key, setting, self.armed);
        }
        before
    }

    pub(crate) fn put(&mut self, key: Key, setting: Setting, order: u64) {
        if let Some(due) = setting.due {
            self.due.insert((due, order, key));
            self.settings.insert(key, (setting, order));
        }
    }

    pub(crate) fn take(&mut self, key: Key) -> Setting {
        let Some((setting, order)) = self.settings.remove(&key) else { return Setting::default() };
        if let Some(due) = setting.due {
            self.due.remove(&(due, order, key));
        }
        setting
    }

    pub(crate) fn setting(&self, key: Key) -> Setting {
        self.settings.get(&key).map_or_else(Setting::default, |(setting, _)| *setting)
    }

    /// Removes the timers of a process that has ended.
    pub(crate) fn process_ended(&mut self, process: i32) {
        self.program_ended(process);
        self.take(Key::Real(process));
    }

    /// Removes the timers that a process loses when it executes another program.
    pub(crate) fn program_ended(&mut self, process: i32) {
        let numbers: Vec<_> = self
            .posix
            .range((process, i32::MIN)..=(process, i32::MAX))
            .map(|(key, _)| *key)
            .collect();
        for (process, number) in numbers {
            self.posix.remove(&(process, number));
            self.take(Key::Posix(process, number));
        }
    }

    /// Completes a signal that is being delivered to a process, if it is a timer's: how often that has expired meanwhile. Returns
    /// whether it has changed anything.
    pub(crate) fn delivered(&mut self, process: i32, info: &mut [i64; INFO_SIZE]) -> bool {
        posix_delivered(&mut self.posix, process, info) || real_delivered(info)
    }
}

/// What is known about a POSIX timer apart from its setting.
pub(crate) struct PosixTimer {
    pub(crate) clock: i32,
    /// What happens when it expires, if anything does.
    pub(crate) event: Option<Event>,
    /// Expirations since the signal was sent that is not yet delivered.
    pub(crate) overrun: u64,
    /// What `timer_getoverrun` says: the number of the last delivery.
    pub(crate) delivered: i32,
}

/// The signal of a timer.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) signal: i32,
    pub(crate) value: i64,
    /// The thread that gets it, if it is not for the whole process.
    pub(crate) thread: Option<i32>,
}

/// What is known about a timerfd apart from its setting.
pub(crate) struct FileTimer {
    pub(crate) clock: i32,
    /// The process and descriptor by which it was found last.
    pub(crate) process: i32,
    pub(crate) descriptor: i32,
}

/// Returns the lower half of a word of `siginfo_t`, which is a field of its own.
#[expect(clippy::cast_possible_truncation, reason = "the upper half is another field")]
const fn low(word: i64) -> i32 {
    word as i32
}

/// The signal of a timer is being delivered: says in it how often the timer has expired meanwhile.
fn posix_delivered(
    timers: &mut BTreeMap<(i32, i32), PosixTimer>,
    process: i32,
    info: &mut [i64; INFO_SIZE],
) -> bool {
    // si_code is the third number of 32 bits; the number of the timer and the overrun are the fifth and sixth.
    if low(info[1]) != libc::SI_TIMER {
        return false;
    }
    let Some(timer) = timers.get_mut(&(process, low(info[2]))) else { return false };
    timer.delivered = i32::try_from(std::mem::take(&mut timer.overrun)).unwrap_or(i32::MAX);
    info[2] = info[2] & 0xffff_ffff | i64::from(timer.delivered) << 32;
    true
}

/// The signal of such a timer is being delivered: it comes from the kernel.
fn real_delivered(info: &mut [i64; INFO_SIZE]) -> bool {
    let is_ours = low(info[1]) == libc::SI_TIMER && low(info[2]) == REAL_TIMER;
    if is_ours {
        info[1] = libc::SI_KERNEL.into();
        info[2] = 0;
        info[3] = 0;
    }
    is_ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_expires_once_or_again_and_again() {
        let mut once = Setting { due: Some(10), interval: 0 };
        assert_eq!((once.left(4), once.expire(9)), (6, 0));
        assert_eq!((once.expire(15), once.left(15)), (1, 0));
        let mut often = Setting { due: Some(10), interval: 4 };
        assert_eq!((often.expire(10), often.left(10)), (1, 4));
        assert_eq!((often.expire(23), often.left(23)), (3, 3));
    }

    #[test]
    fn timers_that_are_due_together_keep_the_order_in_which_they_were_armed() {
        let mut timers = Timers::default();
        let at = |due| Setting { due: Some(due), interval: 0 };
        assert_eq!(timers.set(Key::Real(5), at(7)), Setting::default());
        timers.set(Key::File(1), at(7));
        timers.set(Key::Posix(5, 0), at(9));
        assert_eq!(timers.first(), Some(7));
        let order: Vec<_> = timers.due.iter().map(|(.., key)| *key).collect();
        assert_eq!(order, [Key::Real(5), Key::File(1), Key::Posix(5, 0)]);
        assert_eq!(timers.set(Key::Real(5), Setting::default()), at(7));
        timers.process_ended(5);
        assert_eq!(timers.setting(Key::Real(5)), Setting::default());
        assert_eq!(timers.first(), Some(7));
    }
}
