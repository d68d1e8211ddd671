//! What happens inside of a server, and never by a call of a program.

use super::Access;

/// Something that a server does to its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Opens a client of kernel type, such as a bridge's.
    OpenKernel {
        /// For reading, writing or both.
        access: Access,
        /// The client's number; without one it gets the lowest free number of those for programs.
        number: Option<u8>,
        /// Number of its sound card, or -1.
        card: i32,
        /// Its name.
        name: String,
    },
    /// Opens the control device of the card.
    OpenControl(Access),
    /// Makes a file of the timer device that of a user-driven timer with this resolution, in nanoseconds.
    BecomeUserTimer(usize, u64),
    /// Names the thread that makes the next call on a file.
    Thread(usize, i32),
    /// Says whether later calls on a file sleep. A call that sleeps is interrupted at once.
    Blocking(usize, bool),
    /// Reads the texts of `/proc/asound`, which a program can do as well.
    Texts,
}

impl Inside {
    /// Returns whether it opens a file.
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(self, Self::OpenKernel { .. } | Self::OpenControl(_))
    }

    /// Returns the file that it is about.
    #[must_use]
    pub const fn file(&self) -> Option<usize> {
        match self {
            Self::BecomeUserTimer(file, _) | Self::Thread(file, _) | Self::Blocking(file, _) => {
                Some(*file)
            }
            Self::OpenKernel { .. } | Self::OpenControl(_) | Self::Texts => None,
        }
    }

    /// Returns the same about another file.
    #[must_use]
    pub fn about(&self, file: usize) -> Self {
        match self {
            Self::BecomeUserTimer(_, resolution) => Self::BecomeUserTimer(file, *resolution),
            Self::Thread(_, thread) => Self::Thread(file, *thread),
            Self::Blocking(_, on) => Self::Blocking(file, *on),
            other => other.clone(),
        }
    }
}
