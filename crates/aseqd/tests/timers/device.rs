//! An open timer device, for requests exactly as a test wants them.

use crate::common::seq;
use aseqd_abi::ioctl::timers as request;
use aseqd_abi::timer::{
    CLASS_GLOBAL, GLOBAL_HRTIMER, GLOBAL_SYSTEM, ParamsFlags, TimerEvent, TimerGinfo, TimerId,
    TimerParams, TimerSelect, TimerTread,
};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use zerocopy::{FromBytes, FromZeros as _, IntoBytes};

pub(crate) const DEVICE: &str = "/dev/snd/timer";
pub(crate) const SYSTEM: TimerId = global(GLOBAL_SYSTEM);
pub(crate) const HRTIMER: TimerId = global(GLOBAL_HRTIMER);
pub(crate) const MILLISECOND: u32 = 1_000_000;

const fn global(device: i32) -> TimerId {
    TimerId { dev_class: CLASS_GLOBAL, dev_sclass: 0, card: -1, device, subdevice: 0 }
}

/// An open timer device whose reads do not block.
#[derive(Debug)]
pub(crate) struct Timer(pub(crate) File);

impl Timer {
    pub(crate) fn open() -> Self {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        Self(options.open(DEVICE).expect("the timer device"))
    }

    /// Opens the device and binds it to a timer.
    pub(crate) fn bound(id: TimerId) -> Self {
        let timer = Self::open();
        timer.select(id).expect("it can be bound");
        timer
    }

    pub(crate) fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> io::Result<()> {
        seq::ioctl(&self.0, code, argument)
    }

    /// Makes a request without an argument.
    pub(crate) fn order(&self, code: u32) -> io::Result<()> {
        self.ioctl(code, &mut ())
    }

    pub(crate) fn select(&self, id: TimerId) -> io::Result<()> {
        self.ioctl(request::SELECT, &mut TimerSelect { id, ..TimerSelect::default() })
    }

    /// Asks for periodic records of TICK, and of START, STOP and the like.
    pub(crate) fn periodic(&self, ticks: u32, flags: ParamsFlags) -> io::Result<()> {
        let events = [TimerEvent::TICK, TimerEvent::START, TimerEvent::STOP, TimerEvent::PAUSE];
        let filter = events.iter().fold(0, |filter, event| filter | 1 << event.0);
        let flags = (ParamsFlags::AUTO | flags).bits();
        let mut params = TimerParams { flags, ticks, filter, ..TimerParams::default() };
        self.ioctl(request::PARAMS, &mut params)
    }

    /// Returns a timer whose records have times, started with a period of one millisecond.
    pub(crate) fn ticking() -> Self {
        let timer = Self::open();
        timer.ioctl(request::TREAD64, &mut 1_i32).expect("TREAD");
        timer.select(HRTIMER).expect("SELECT");
        timer.periodic(MILLISECOND, ParamsFlags::empty()).expect("PARAMS");
        timer.order(request::START).expect("START");
        timer
    }

    /// Reads the waiting records, in the format with times.
    pub(crate) fn records(&self) -> io::Result<Vec<TimerTread>> {
        let mut records = vec![TimerTread::new_zeroed(); 128];
        let read = (&self.0).read(records.as_mut_bytes())?;
        assert_eq!(read % size_of::<TimerTread>(), 0, "whole records");
        records.truncate(read / size_of::<TimerTread>());
        Ok(records)
    }

    /// Returns how many instances are bound to a timer.
    pub(crate) fn users_of(&self, id: TimerId) -> u32 {
        let mut info = TimerGinfo { tid: id, ..TimerGinfo::default() };
        self.ioctl(request::GINFO, &mut info).expect("GINFO");
        info.clients
    }
}
