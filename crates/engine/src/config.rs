//! What can be set when an engine is made.

use crate::limits::DYNAMIC_CLIENTS;

/// Settings of an engine. The default is what Debian's Linux 6.12 shows, with exact queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Programs can create user-driven timers, which need a door that can hand out descriptors.
    /// Without, `CREATE` is `ENOTTY`, as on a kernel that was built without them.
    pub user_timers: bool,
    /// Every queue steps by the period of its timer, as the kernel's do. Without, only those whose
    /// timer a program has asked for; the others are exact.
    pub quantise: bool,
    /// Ticks of the system timer in a second, the kernel's `HZ`: 1 to 10000, others are made the
    /// nearest of these.
    pub hz: u32,
    /// How many clients can be open at a time, at most
    /// [`MOST_CLIENTS`](crate::limits::MOST_CLIENTS). Linux takes
    /// [`DYNAMIC_CLIENTS`](crate::limits::DYNAMIC_CLIENTS). Clients of kernel type with a number of
    /// their own do not count.
    pub clients: u8,
    /// When a client goes, end the notes and lift the pedals that it leaves behind. Linux does not.
    pub notes_off: bool,
}

impl Config {
    /// Period of the system timer, in nanoseconds.
    pub(crate) fn jiffy_ns(self) -> u64 {
        1_000_000_000 / u64::from(self.hz.clamp(1, 10_000))
    }
}

impl Default for Config {
    /// No user-driven timers, exact queues, 250 Hz, as many clients as Linux, notes left as they are.
    fn default() -> Self {
        Self {
            user_timers: false,
            quantise: false,
            hz: 250,
            clients: DYNAMIC_CLIENTS,
            notes_off: false,
        }
    }
}
