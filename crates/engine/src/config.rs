//! The settings of an engine.

use crate::limits::DYNAMIC_CLIENTS;

/// The Linux release whose behaviour the engine has, except for the differences of `docs/known-differences.txt`.
pub const REFERENCE_KERNEL: &str = "7.3.4";

/// The settings of an engine. The default is what Debian's Linux 7.3 shows, with exact queues.
/// Write `..Config::default()` at the end: later versions may have more settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// Whether programs can create user-driven timers. If not, `CREATE` is `ENOTTY`, as on a kernel that
    /// was built without them. A driver that cannot give a program the descriptor answers the same.
    pub user_timers: bool,
    /// Whether every queue steps by the period of its timer, as the kernel's do. If not, only those
    /// queues step whose timer a program has chosen; the others are exact.
    pub quantise: bool,
    /// The rate of the system timer in Hz, the kernel's `HZ`: 1 to 10000. Other values are replaced
    /// by the nearest of these.
    pub hz: u32,
    /// Maximum number of open clients, up to [`MOST_CLIENTS`](crate::limits::MOST_CLIENTS). Linux
    /// has [`DYNAMIC_CLIENTS`](crate::limits::DYNAMIC_CLIENTS). Clients of kernel type with a
    /// number of their own do not count.
    pub clients: u8,
    /// Whether the notes and pedals that a client leaves behind are ended when it goes. Linux does
    /// not do this.
    pub notes_off: bool,
    /// Whether programs can use UMP (MIDI 2.0), as on kernels that are built with it. If not, the
    /// requests about it are `ENOTTY`, and only the records of legacy events exist.
    pub ump: bool,
}

impl Config {
    /// Returns the period of the system timer, in nanoseconds.
    pub(crate) fn jiffy_ns(self) -> u64 {
        1_000_000_000 / u64::from(self.hz.clamp(1, 10_000))
    }
}

impl Default for Config {
    /// No user-driven timers, exact queues, 250 Hz, as many clients as Linux, notes left as they are,
    /// no UMP.
    fn default() -> Self {
        Self {
            user_timers: false,
            quantise: false,
            hz: 250,
            clients: DYNAMIC_CLIENTS,
            notes_off: false,
            ump: false,
        }
    }
}
