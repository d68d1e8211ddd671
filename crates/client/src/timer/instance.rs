//! One open of the timer device that is bound to a timer.

use crate::device_file::{self, Direction};
use crate::error::{Device, Error, Result};
use crate::ioctl::ioctl;
use crate::open::{open, set_nonblocking, wait};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as request;
use aseqd_abi::timer::{
    ParamsFlags, TimerEvent, TimerId, TimerInfo, TimerParams, TimerSelect, TimerStatus, TimerTread,
};
use rustix::fs::OFlags;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use zerocopy::{FromBytes, IntoBytes};

/// An instance of a timer: it counts the timer's ticks, and reports them in records with times.
///
/// ```no_run
/// use aseqd_client::aseqd_abi::timer::{CLASS_GLOBAL, GLOBAL_HRTIMER, TimerId, TimerTread};
/// use aseqd_client::timer::{DEVICE, Instance};
///
/// let id = TimerId { dev_class: CLASS_GLOBAL, device: GLOBAL_HRTIMER, ..TimerId::default() };
/// let instance = Instance::open(DEVICE, id)?;
/// let period_ns = instance.info()?.resolution; // of one tick
/// instance.tick_every(u32::try_from(10_000_000 / period_ns.max(1)).unwrap_or(1))?;
/// instance.start()?;
/// let mut records = [TimerTread::default(); 16];
/// while instance.wait(None)? {
///     let read = instance.read(&mut records)?;
///     for record in &records[..read] {
///         println!("{}.{:09}: {} ticks", record.tv_sec, record.tv_nsec, record.val);
///     }
/// }
/// # Ok::<(), aseqd_client::Error>(())
/// ```
#[derive(Debug)]
pub struct Instance {
    descriptor: OwnedFd,
}

impl Instance {
    /// Opens the device file and binds to a timer, or to another instance if the class of `id` is
    /// [`CLASS_SLAVE`](aseqd_abi::timer::CLASS_SLAVE). Reads return at once, unless [`Instance::set_nonblocking`] says
    /// otherwise.
    ///
    /// # Errors
    /// [`Error::Open`] and [`Error::WrongDevice`] as for [`Timers::open`](super::Timers::open); `ENODEV` if there is no
    /// such timer, `EBUSY` if another program uses it exclusively. Linux before 5.10 is too old (`ENOTTY`).
    pub fn open(path: impl AsRef<Path>, id: TimerId) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let descriptor = open(path.as_ref(), Device::Timer, flags, request::PVERSION)?;
        let instance = Self { descriptor };
        instance.set(request::TREAD64, &mut 1_i32, "records cannot have times")?;
        let mut select = TimerSelect { id, ..TimerSelect::default() };
        instance.set(request::SELECT, &mut select, "the timer cannot be used")?;
        Ok(instance)
    }

    /// Makes any request of the timer's interface: those of [`aseqd_abi::ioctl::timers`].
    ///
    /// # Errors
    /// The device's error number.
    pub fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> std::result::Result<i32, Errno> {
        ioctl(self.descriptor.as_fd(), code, argument)
    }

    fn set<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
        what: &'static str,
    ) -> Result<()> {
        self.ioctl(code, argument).map(drop).map_err(Error::of(what))
    }

    /// Chooses whether reads return at once when there is no record.
    ///
    /// # Errors
    /// Never for an open device.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        set_nonblocking(&self.descriptor, nonblocking)
    }

    /// Returns the names of the timer and the length of a tick, in ns.
    ///
    /// # Errors
    /// `EBADFD` if the timer is gone.
    pub fn info(&self) -> Result<TimerInfo> {
        let mut info = TimerInfo::default();
        self.set(request::INFO, &mut info, "the timer cannot be asked")?;
        Ok(info)
    }

    /// Returns when the state last changed, how many records wait, and how many were lost: [`TimerStatus::overrun`].
    ///
    /// # Errors
    /// `EBADFD` if the timer is gone.
    pub fn status(&self) -> Result<TimerStatus> {
        let mut status = TimerStatus::default();
        self.set(request::STATUS, &mut status, "the timer cannot be asked")?;
        Ok(status)
    }

    /// Asks for a record after every `ticks` ticks, and for records of starts, stops and pauses.
    ///
    /// # Errors
    /// As [`Instance::set_params`].
    pub fn tick_every(&self, ticks: u32) -> Result<()> {
        let events = [
            TimerEvent::TICK,
            TimerEvent::START,
            TimerEvent::STOP,
            TimerEvent::CONTINUE,
            TimerEvent::PAUSE,
        ];
        self.set_params(&TimerParams {
            flags: ParamsFlags::AUTO.bits(),
            ticks,
            filter: events.iter().fold(0, |filter, event| filter | 1 << event.0),
            ..TimerParams::default()
        })
    }

    /// Chooses how often there is a record, of which events, and how many unread records are kept. This stops the
    /// instance.
    ///
    /// # Errors
    /// `EINVAL` for no ticks, for ticks that together are shorter than 1 ms, for room for fewer than 32 or more than
    /// 1024 records, and for an event that does not exist.
    pub fn set_params(&self, params: &TimerParams) -> Result<()> {
        self.set(request::PARAMS, &mut params.clone(), "the timer cannot be set")
    }

    /// Starts counting, from the beginning if it counts already. A slave counts while its master does.
    ///
    /// # Errors
    /// `EBADFD` if the timer is gone.
    pub fn start(&self) -> Result<()> {
        self.set(request::START, &mut (), "the timer cannot be started")
    }

    /// Stops counting.
    ///
    /// # Errors
    /// `EBUSY` if it does not count, `EBADFD` if the timer is gone.
    pub fn stop(&self) -> Result<()> {
        self.set(request::STOP, &mut (), "the timer cannot be stopped")
    }

    /// Stops counting, so that [`Instance::resume`] goes on from here.
    ///
    /// # Errors
    /// `EBUSY` if it does not count, `EBADFD` if the timer is gone.
    pub fn pause(&self) -> Result<()> {
        self.set(request::PAUSE, &mut (), "the timer cannot be paused")
    }

    /// Goes on counting after [`Instance::pause`]; without it, does the same as [`Instance::start`].
    ///
    /// # Errors
    /// `EBADFD` if the timer is gone.
    #[doc(alias = "SNDRV_TIMER_IOCTL_CONTINUE")]
    pub fn resume(&self) -> Result<()> {
        self.set(request::CONTINUE, &mut (), "the timer cannot go on")
    }

    /// Waits until there is a record to read. Returns `false` if the timeout passes first.
    ///
    /// # Errors
    /// [`Error::Ended`] if the timer is gone.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        wait(&self.descriptor, Device::Timer, Direction::Read, timeout)
    }

    /// Reads records, and returns how many. Without a record an instance that sleeps waits for one; for others there
    /// are 0.
    ///
    /// # Errors
    /// `ENODEV` if the timer is gone.
    pub fn read(&self, records: &mut [TimerTread]) -> Result<usize> {
        let bytes = records.as_mut_bytes();
        match device_file::read(self.descriptor.as_fd(), bytes) {
            Err(Errno::EAGAIN) => Ok(0),
            read => {
                Ok(read.map_err(Error::of("records cannot be read"))? / size_of::<TimerTread>())
            }
        }
    }
}

impl AsFd for Instance {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
