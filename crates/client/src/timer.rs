//! The timer device: which timers there are and who uses them ([`Timers`]), and an own use of one ([`Instance`]).

mod instance;

pub use instance::Instance;

use crate::error::{Device, Error, Result};
use crate::ioctl::ioctl;
use crate::open::open;
use crate::proc_text;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as request;
use aseqd_abi::timer::{
    CLASS_GLOBAL, CLASS_NONE, CLASS_PCM, GLOBAL_UDRIVEN, TimerGinfo, TimerGstatus, TimerId,
};
use aseqd_wire::proc_text::ProcText;
use rustix::fs::OFlags;
use std::fmt;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// Where programs look for the timers.
pub const DEVICE: &str = "/dev/snd/timer";

/// User-driven timers that can exist at once (`sound/core/timer.c` of Linux 6.12: 128).
const MAX_USER_TIMERS: i32 = 128;
/// Timers that are listed at most: what never comes to its end is no enumeration.
const MAX_TIMERS: usize = 100_000;

/// One open of the timer device.
#[derive(Debug)]
pub struct Timers {
    descriptor: OwnedFd,
}

/// A timer, as the device describes it.
#[derive(Clone, Debug)]
pub struct Timer {
    /// Which one.
    pub id: TimerId,
    /// What GINFO says: names, the length of a tick, bound instances.
    pub info: TimerGinfo,
    /// What GSTATUS says: the exact length of a tick, as a fraction of a second.
    pub status: TimerGstatus,
}

/// Who is bound to a timer. Slaves are not: they follow one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub owner: Owner,
    /// Started, and not stopped or paused since.
    pub running: bool,
}

/// Whose an instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A program's: the thread that bound it, as the server or the kernel numbers it.
    Application(i32),
    /// A queue's of the sequencer; -1 for one that has its first timer, and no number in its name.
    Queue(i32),
    /// Somebody else's.
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

impl Timers {
    /// Opens the device file.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        // Requests do not look at the access mode; alsa-lib opens it so too.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let descriptor = open(path.as_ref(), Device::Timer, flags, request::PVERSION)?;
        Ok(Self { descriptor })
    }

    /// Every timer, in the device's order.
    ///
    /// # Errors
    /// As a sentence.
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
            // Of these the device lists the first only.
            if id.dev_class == CLASS_GLOBAL && id.device == GLOBAL_UDRIVEN {
                for subdevice in id.subdevice + 1..MAX_USER_TIMERS {
                    timers.extend(self.describe(TimerId { subdevice, ..id })?);
                }
            }
        }
        Ok(timers)
    }

    /// A timer; none if it has gone meanwhile.
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

    /// Who is bound to each of these timers.
    ///
    /// # Errors
    /// As a sentence: a container, for one, may have the device and not the kernel's procfs.
    pub fn holders(&self, timers: &[Timer]) -> Result<Vec<Vec<Holder>>> {
        let text = proc_text::text(self.descriptor.as_fd(), ProcText::Timers)?;
        Ok(assign(&text, timers))
    }
}

/// Gives the lines of `/proc/asound/timers` to the timers that they are about. Both lists have the same
/// order; where one timer has come or gone between them, the others still find theirs.
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

/// What begins a timer's line. User-driven timers share theirs, and stand in their order.
fn proc_name(id: &TimerId) -> String {
    match id.dev_class {
        CLASS_GLOBAL => format!("G{}", id.device),
        CLASS_PCM => format!("P{}-{}-{}", id.card, id.device, id.subdevice),
        _ => format!("C{}-{}", id.card, id.device),
    }
}

/// `OWNER : running`.
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
