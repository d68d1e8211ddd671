//! A timer that this program drives.

use crate::error::{Device, Error, Result};
use crate::ioctl::{create_timer, ioctl};
use crate::open::open;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as request;
use aseqd_abi::timer::{CLASS_GLOBAL, GLOBAL_UDRIVEN, TimerId, TimerUinfo};
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use rustix::fs::OFlags;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A user-driven timer: others use it as any timer, and it ticks when this program says so. Dropping it removes it from
/// the device and from everybody who uses it.
///
/// It is for clocks that only a program knows, such as that of a sound card it plays on. A queue follows it through
/// [`QueueTimer`](aseqd_abi::seq::QueueTimer).
///
/// ```no_run
/// use aseqd_client::timer::{DEVICE, Instance, UserTimer};
///
/// let clock = UserTimer::create(DEVICE, 1_000_000)?; // 1 ms a tick
/// let listener = Instance::open(DEVICE, clock.id())?;
/// listener.tick_every(1)?;
/// listener.start()?;
/// clock.trigger()?;
/// # Ok::<(), aseqd_client::Error>(())
/// ```
#[derive(Debug)]
pub struct UserTimer {
    descriptor: OwnedFd,
    number: i32,
}

impl UserTimer {
    /// Creates a timer whose ticks are said to be `resolution_ns` long, in nanoseconds. The lowest free number of 128 is
    /// its subdevice.
    ///
    /// # Errors
    /// [`Error::Open`] and [`Error::WrongDevice`] as for [`Timers::open`](super::Timers::open); [`Error::Unsupported`] on
    /// a kernel without such timers (Linux before 6.12, or built without `CONFIG_SND_UTIMER`, as Debian's is);
    /// `EINVAL` for a resolution of 0, `ENOSPC` if there are 128 already.
    #[doc(alias = "SNDRV_TIMER_IOCTL_CREATE")]
    pub fn create(path: impl AsRef<Path>, resolution_ns: u64) -> Result<Self> {
        let what = "a user-driven timer cannot be created";
        let device = open(path.as_ref(), Device::Timer, OFlags::RDONLY, request::PVERSION)?;
        let mut info = TimerUinfo { resolution: resolution_ns, ..TimerUinfo::default() };
        // Through aseqd's FUSE door no second descriptor can be had. Linux does not know this request.
        let descriptor = match ioctl(device.as_fd(), BECOME_USER_TIMER, &mut info) {
            Err(Errno::ENOTTY) => create_timer(device.as_fd(), &mut info),
            became => became.map(|_| device),
        };
        let descriptor = descriptor.map_err(|errno| match errno {
            Errno::ENOTTY => Error::Unsupported {
                what,
                needs: "it takes aseqd, or Linux 6.12 built with CONFIG_SND_UTIMER",
            },
            errno => Error::Call { what, errno },
        })?;
        let number = i32::try_from(info.id).map_err(|_| Error::Call { what, errno: Errno::EIO })?;
        Ok(Self { descriptor, number })
    }

    /// Returns the id by which others find the timer.
    #[must_use]
    pub fn id(&self) -> TimerId {
        TimerId {
            dev_class: CLASS_GLOBAL,
            device: GLOBAL_UDRIVEN,
            subdevice: self.number,
            ..TimerId::default()
        }
    }

    /// Lets the timer tick once. The callbacks of its users run before this returns.
    ///
    /// # Errors
    /// If the device has ended.
    #[doc(alias = "SNDRV_TIMER_IOCTL_TRIGGER")]
    pub fn trigger(&self) -> Result<()> {
        ioctl(self.descriptor.as_fd(), request::TRIGGER, &mut ())
            .map(drop)
            .map_err(Error::of("the timer cannot tick"))
    }
}

impl AsFd for UserTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
