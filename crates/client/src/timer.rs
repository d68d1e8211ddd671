//! The timer device: which timers there are and who uses them ([`Timers`]), an own use of one ([`Instance`]), and a timer
//! that this program drives ([`UserTimer`]).

mod instance;
mod user;

pub use instance::Instance;
pub use user::UserTimer;

use crate::error::{Device, Error, Result};
use crate::ioctl::ioctl;
use crate::open::open;
use crate::proc_text::{self, ProcText};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as request;
use aseqd_abi::timer::{
    CLASS_GLOBAL, CLASS_NONE, CLASS_PCM, GLOBAL_UDRIVEN, TimerGinfo, TimerGstatus, TimerId,
};
use rustix::fs::OFlags;
use std::fmt;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// Where programs look for the timers.
pub const DEVICE: &str = "/dev/snd/timer";

/// How many numbers of user-driven timers are asked for. Linux 6.12 has at most 128 of them (`sound/core/timer.c`), and
/// so has aseqd.
const LISTED_USER_TIMERS: i32 = 128;
/// Maximum number of timers in a list, so that a device that never ends its enumeration does not hang the program.
const MAX_TIMERS: usize = 100_000;

/// One open of the timer device that is bound to no timer: it lists them.
#[derive(Debug)]
pub struct Timers {
    descriptor: OwnedFd,
}

/// A timer, as the device describes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timer {
    /// Its class, card, device and subdevice.
    pub id: TimerId,
    /// Its names, the length of a tick in ns, and how many instances are bound to it.
    pub info: TimerGinfo,
    /// The exact length of a tick, as a fraction of a second.
    pub status: TimerGstatus,
}

/// An instance that is bound to a timer. Slaves are not listed: they follow one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Whose it is.
    pub owner: Owner,
    /// Whether it was started, and not stopped or paused since.
    pub running: bool,
}

/// The owner of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A program: the number of the thread that bound it, in the PID namespace of the server or of the kernel.
    Application(i32),
    /// A queue of the sequencer. The number is -1 while the queue has the timer that it was created with.
    Queue(i32),
    /// Anything else, by the name that the device gives.
    Other(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(pid) => write!(f, "application {pid}"),
            Self::Queue(queue) => write!(f, "sequencer queue {queue}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl From<Timers> for OwnedFd {
    /// Returns the open device file, for programs that make every request themselves.
    fn from(timers: Timers) -> Self {
        timers.descriptor
    }
}

impl Timers {
    /// Opens the device file.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        // Requests need no access mode; alsa-lib also opens the device for reading.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let descriptor = open(path.as_ref(), Device::Timer, flags, request::PVERSION)?;
        Ok(Self { descriptor })
    }

    /// Returns every timer, in the order of the device.
    ///
    /// # Errors
    /// If the device has ended.
    pub fn list(&self) -> Result<Vec<Timer>> {
        let mut timers = Vec::new();
        let mut id = TimerId { dev_class: CLASS_NONE, ..TimerId::default() };
        while timers.len() < MAX_TIMERS {
            ioctl(self.descriptor.as_fd(), request::NEXT_DEVICE, &mut id)
                .map_err(Error::of("timers cannot be listed"))?;
            if id.dev_class < 0 {
                break;
            }
            timers.extend(self.describe(id)?);
            // The device lists only the first of these.
            if id.dev_class == CLASS_GLOBAL && id.device == GLOBAL_UDRIVEN {
                for subdevice in id.subdevice + 1..LISTED_USER_TIMERS {
                    timers.extend(self.describe(TimerId { subdevice, ..id })?);
                }
            }
        }
        Ok(timers)
    }

    /// Returns a timer, unless it has gone in between.
    fn describe(&self, id: TimerId) -> Result<Option<Timer>> {
        let device = self.descriptor.as_fd();
        let mut info = TimerGinfo { tid: id, ..TimerGinfo::default() };
        let mut status = TimerGstatus { tid: id, ..TimerGstatus::default() };
        let asked = ioctl(device, request::GINFO, &mut info)
            .and_then(|_| ioctl(device, request::GSTATUS, &mut status));
        match asked {
            Ok(_) => Ok(Some(Timer { id, info, status })),
            Err(Errno::ENODEV) => Ok(None),
            Err(errno) => Err(Error::of("a timer cannot be asked")(errno)),
        }
    }

    /// Returns the instances that are bound to each of these timers.
    ///
    /// # Errors
    /// [`Error::ProcText`] if the device is the kernel's, and its procfs cannot be seen here, as in some containers.
    pub fn holders(&self, timers: &[Timer]) -> Result<Vec<Vec<Holder>>> {
        let text = proc_text::text(self.descriptor.as_fd(), ProcText::Timers)?;
        Ok(assign(&text, timers))
    }
}

/// Returns the holders of each timer from the text of `/proc/asound/timers`. Both lists have the same order. If a timer
/// has come or gone between them, the others still find their lines.
fn assign(text: &str, timers: &[Timer]) -> Vec<Vec<Holder>> {
    let mut sections: Vec<(&str, Vec<Holder>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("  Client ") {
            Some(client) => {
                if let Some((_, holders)) = sections.last_mut() {
                    holders.extend(holder(client));
                }
            }
            None => sections.extend(line.split_once(':').map(|(name, _)| (name, Vec::new()))),
        }
    }
    let mut find = |timer: &Timer| {
        let at = sections.iter().position(|(name, _)| *name == proc_name(&timer.id))?;
        Some(sections.remove(at).1)
    };
    timers.iter().map(&mut find).map(Option::unwrap_or_default).collect()
}

/// Returns how the line of a timer begins. The lines of user-driven timers begin alike, and stand in their order.
fn proc_name(id: &TimerId) -> String {
    match id.dev_class {
        CLASS_GLOBAL => format!("G{}", id.device),
        CLASS_PCM => format!("P{}-{}-{}", id.card, id.device, id.subdevice),
        _ => format!("C{}-{}", id.card, id.device),
    }
}

/// Parses `OWNER : running`.
fn holder(client: &str) -> Option<Holder> {
    let (name, state) = client.rsplit_once(" : ")?;
    let number = |prefix: &str| name.strip_prefix(prefix)?.parse().ok();
    let owner = number("application ")
        .map(Owner::Application)
        .or_else(|| number("sequencer queue ").map(Owner::Queue))
        .unwrap_or_else(|| Owner::Other(name.to_owned()));
    Some(Holder { owner, running: state == "running" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(device: i32, subdevice: i32) -> Timer {
        let id =
            TimerId { dev_class: CLASS_GLOBAL, card: -1, device, subdevice, ..TimerId::default() };
        Timer { id, info: TimerGinfo::default(), status: TimerGstatus::default() }
    }

    const TEXT: &str = "\
G0: system timer : 4000.000us (10000000 ticks)
  Client application 1234 : stopped
G3: HR timer : 0.001us (1000000000 ticks)
  Client sequencer queue 0 : running
  Client sequencer queue -1 : stopped
  Client a : b : running
G4:  : 1000.000us (1 ticks)
G4:  : 1000.000us (1 ticks)
  Client application 9 : running
";

    #[test]
    fn holders_stand_below_their_timer() {
        let timers = [timer(0, 0), timer(3, 0), timer(4, 0), timer(4, 5)];
        let holders = assign(TEXT, &timers);
        let of = |owner, running| Holder { owner, running };
        assert_eq!(holders[0], [of(Owner::Application(1234), false)]);
        assert_eq!(
            holders[1],
            [
                of(Owner::Queue(0), true),
                of(Owner::Queue(-1), false),
                of(Owner::Other("a : b".to_owned()), true)
            ]
        );
        assert_eq!(holders[2], []);
        assert_eq!(holders[3], [of(Owner::Application(9), true)]);
    }

    #[test]
    fn a_timer_without_a_line_has_no_holders_and_takes_nobodys() {
        let holders = assign(TEXT, &[timer(1, 0), timer(3, 0)]);
        assert_eq!((holders[0].len(), holders[1].len()), (0, 3));
    }

    #[test]
    fn lines_of_cards_have_their_own_names() {
        let id =
            |dev_class| TimerId { dev_class, card: 1, device: 2, subdevice: 3, ..timer(0, 0).id };
        assert_eq!(proc_name(&id(CLASS_PCM)), "P1-2-3");
        assert_eq!(proc_name(&id(aseqd_abi::timer::CLASS_CARD)), "C1-2");
    }
}
