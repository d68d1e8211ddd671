//! A thin client of `/dev/snd/timer` that shows the cases every answer.

use crate::case::skip;
use crate::client::{Mode, PATIENCE, patterned, wait_until};
use crate::sys::{self, errno};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::{timers as t, timers_old as old};
use aseqd_abi::timer::{
    CLASS_GLOBAL, CLASS_NONE, CLASS_SLAVE, GLOBAL_HRTIMER, GLOBAL_SYSTEM, GLOBAL_UDRIVEN,
    ParamsFlags, SCLASS_APPLICATION, SCLASS_NONE, SCLASS_SEQUENCER, TimerEvent as E, TimerGinfo,
    TimerGparams, TimerGstatus, TimerId, TimerInfo, TimerParams, TimerRead, TimerSelect,
    TimerStatus, TimerTread, TimerUinfo,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, IntoBytes};

static DEVICE: OnceLock<String> = OnceLock::new();

/// A millisecond in ticks of HRTIMER, which are nanoseconds. It is the shortest possible period.
pub(crate) const MS: u32 = 1_000_000;
/// A period that is longer than any case runs.
pub(crate) const LONG: u32 = 1_000_000_000;

/// The timer of jiffies.
pub(crate) const SYSTEM: TimerId = global(GLOBAL_SYSTEM, 0);
/// The timer of nanoseconds.
pub(crate) const HRTIMER: TimerId = global(GLOBAL_HRTIMER, 0);
/// No timer. It stands for the begin and the end of the list.
pub(crate) const NONE: TimerId =
    TimerId { dev_class: CLASS_NONE, dev_sclass: SCLASS_NONE, card: -1, device: -1, subdevice: -1 };
/// A global timer that no kernel has.
pub(crate) const MISSING: TimerId = global(99, 0);

/// STATUS with a time of 32 bits, which a 64-bit program may ask for too.
pub(crate) const STATUS_OLD: u32 = old::STATUS;
/// The first codes of START, CONTINUE and PAUSE. That of STOP, 0x5421, is FIONBIO.
pub(crate) const OLD_START: u32 = old::START;
/// See [`OLD_START`].
pub(crate) const OLD_CONTINUE: u32 = old::CONTINUE;
/// See [`OLD_START`].
pub(crate) const OLD_PAUSE: u32 = old::PAUSE;

/// Returns the filter of these records.
pub(crate) fn filter(events: &[E]) -> u32 {
    events.iter().fold(0, |filter, event| filter | 1 << event.0)
}

/// Returns the filter of every record that may be asked for.
pub(crate) fn everything() -> u32 {
    let askable = E::ALL.iter().map(|(_, event)| *event).filter(|event| *event != E::EARLY);
    filter(&askable.collect::<Vec<_>>())
}

/// Returns a global timer.
pub(crate) const fn global(device: i32, subdevice: i32) -> TimerId {
    TimerId { dev_class: CLASS_GLOBAL, dev_sclass: SCLASS_NONE, card: -1, device, subdevice }
}

/// Returns a slave of a class, by the number of its master.
pub(crate) const fn slave(dev_sclass: i32, device: i32) -> TimerId {
    TimerId { dev_class: CLASS_SLAVE, dev_sclass, card: -1, device, subdevice: 0 }
}

/// Returns a slave of this program's first timer.
pub(crate) fn own_slave() -> TimerId {
    slave(SCLASS_APPLICATION, pid())
}

/// Returns a slave of a sequencer queue.
pub(crate) const fn queue_slave(queue: i32) -> TimerId {
    slave(SCLASS_SEQUENCER, queue)
}

/// This program's process id.
pub(crate) fn pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Sets the device under test. Called once, at the start.
pub(crate) fn set_device(path: &str) {
    DEVICE.get_or_init(|| path.to_owned());
}

/// Returns the time of the monotonic clock.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    time_of(now.tv_sec, now.tv_nsec)
}

/// Returns a time of the ABI as a duration.
pub(crate) fn time_of(sec: i64, nsec: i64) -> Duration {
    let nsec = u32::try_from(nsec).expect("nanoseconds");
    assert!(nsec < 1_000_000_000, "less than a second of nanoseconds");
    Duration::new(sec.try_into().expect("seconds"), nsec)
}

/// Event and value of a record.
pub(crate) type Told = (E, u32);

/// An open device file, non-blocking unless a function says otherwise.
#[derive(Debug)]
pub(crate) struct Timer {
    /// The descriptor.
    pub fd: OwnedFd,
}

impl Timer {
    /// Opens the device with flags. Skips the case if the device does not exist.
    pub(crate) fn try_open_with(mode: Mode, flags: OFlags) -> Result<Self, Errno> {
        let access = match mode {
            Mode::Read => OFlags::RDONLY,
            Mode::Write => OFlags::WRONLY,
            Mode::ReadWrite => OFlags::RDWR,
        };
        let path = DEVICE.get().map_or("/dev/snd/timer", String::as_str);
        let opened = openat(CWD, path, access | flags | OFlags::CLOEXEC, FileMode::empty());
        match opened.map_err(errno) {
            Ok(fd) => Ok(Self { fd }),
            Err(Errno::ENOENT) => skip("there is no timer device"),
            Err(error) => Err(error),
        }
    }

    /// Opens the device, bound to nothing.
    pub(crate) fn open() -> Self {
        Self::open_as(Mode::ReadWrite)
    }

    /// Opens the device in a mode, bound to nothing.
    pub(crate) fn open_as(mode: Mode) -> Self {
        Self::try_open_with(mode, OFlags::NONBLOCK).expect("the device opens")
    }

    /// Opens the device so that reads block, bound to nothing.
    pub(crate) fn open_blocking() -> Self {
        Self::try_open_with(Mode::ReadWrite, OFlags::empty()).expect("the device opens")
    }

    /// Opens the device, bound to a timer, with plain records.
    #[track_caller]
    pub(crate) fn plain(id: TimerId) -> Self {
        let timer = Self::open();
        assert_eq!(timer.select(id), Ok(()), "SELECT");
        timer
    }

    /// Opens the device, bound to a timer, with records that have event and time.
    #[track_caller]
    pub(crate) fn tread(id: TimerId) -> Self {
        let timer = Self::open();
        assert_eq!(timer.format(t::TREAD64, 1), Ok(()), "TREAD64");
        assert_eq!(timer.select(id), Ok(()), "SELECT");
        timer
    }

    /// Opens the device, periodic on HRTIMER, with every record.
    #[track_caller]
    pub(crate) fn periodic(ticks: u32) -> Self {
        let timer = Self::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::AUTO, ticks, everything()), Ok(()), "PARAMS");
        timer
    }

    /// Opens the device, for one expiry of HRTIMER, with every record.
    #[track_caller]
    pub(crate) fn once(ticks: u32) -> Self {
        let timer = Self::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::empty(), ticks, everything()), Ok(()), "PARAMS");
        timer
    }

    /// Opens the device as a slave that has a master, with every record.
    #[track_caller]
    pub(crate) fn slave(id: TimerId) -> Self {
        let timer = Self::tread(id);
        assert_eq!(timer.set(ParamsFlags::AUTO, LONG, everything()), Ok(()), "PARAMS");
        timer
    }

    /// Makes a request with a struct, which takes up the answer.
    pub(crate) fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> Result<i32, Errno> {
        sys::ioctl(&self.fd, code, argument)
    }

    /// Makes a request with a struct, and returns the struct that comes back.
    pub(crate) fn query<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        mut argument: T,
    ) -> Result<T, Errno> {
        self.ioctl(code, &mut argument).map(|_| argument)
    }

    /// Makes a request without argument.
    pub(crate) fn order(&self, code: u32) -> Result<(), Errno> {
        self.ioctl(code, &mut 0_u64).map(|value| assert_eq!(value, 0, "{code:#x} returns 0"))
    }

    /// Makes the request TREAD or TREAD64.
    pub(crate) fn format(&self, code: u32, value: i32) -> Result<(), Errno> {
        self.query(code, value).map(drop)
    }

    /// Makes the request SELECT.
    pub(crate) fn select(&self, id: TimerId) -> Result<(), Errno> {
        self.query(t::SELECT, TimerSelect { id, ..TimerSelect::default() }).map(drop)
    }

    /// Makes the request PARAMS.
    pub(crate) fn params(&self, params: TimerParams) -> Result<(), Errno> {
        self.query(t::PARAMS, params).map(drop)
    }

    /// Makes the request PARAMS without a change of the queue's length.
    pub(crate) fn set(&self, flags: ParamsFlags, ticks: u32, filter: u32) -> Result<(), Errno> {
        let flags = flags.bits();
        self.params(TimerParams { flags, ticks, filter, ..TimerParams::default() })
    }

    /// Makes the request START.
    pub(crate) fn start(&self) -> Result<(), Errno> {
        self.order(t::START)
    }

    /// Makes the request STOP.
    pub(crate) fn stop(&self) -> Result<(), Errno> {
        self.order(t::STOP)
    }

    /// Makes the request CONTINUE.
    pub(crate) fn resume(&self) -> Result<(), Errno> {
        self.order(t::CONTINUE)
    }

    /// Makes the request PAUSE.
    pub(crate) fn pause(&self) -> Result<(), Errno> {
        self.order(t::PAUSE)
    }

    /// Makes the request INFO, and returns every byte of the answer.
    pub(crate) fn try_info(&self) -> Result<TimerInfo, Errno> {
        self.query(t::INFO, patterned())
    }

    /// Returns the id of the timer to which the file is bound.
    pub(crate) fn bound(&self) -> Result<String, Errno> {
        self.try_info().map(|info| text(&info.id))
    }

    /// Makes the request STATUS.
    pub(crate) fn try_status(&self) -> Result<TimerStatus, Errno> {
        self.query(t::STATUS, patterned())
    }

    /// Returns the answer to STATUS of a file that is bound.
    #[track_caller]
    pub(crate) fn status(&self) -> TimerStatus {
        self.try_status().expect("STATUS")
    }

    /// Returns when the instance was last started, stopped, continued or paused.
    #[track_caller]
    pub(crate) fn stamp(&self) -> Duration {
        let status = self.status();
        time_of(status.tv_sec, status.tv_nsec)
    }

    /// Makes the request GINFO.
    pub(crate) fn ginfo(&self, tid: TimerId) -> Result<TimerGinfo, Errno> {
        self.query(t::GINFO, TimerGinfo { tid, ..patterned() })
    }

    /// Makes the request GSTATUS.
    pub(crate) fn gstatus(&self, tid: TimerId) -> Result<TimerGstatus, Errno> {
        self.query(t::GSTATUS, TimerGstatus { tid, ..patterned() })
    }

    /// Makes the request GPARAMS for a period of one millisecond.
    pub(crate) fn gparams(&self, tid: TimerId) -> Result<(), Errno> {
        let wanted =
            TimerGparams { tid, period_num: 1, period_den: 1000, ..TimerGparams::default() };
        self.query(t::GPARAMS, wanted).map(drop)
    }

    /// Makes the request NEXT_DEVICE.
    #[track_caller]
    pub(crate) fn next(&self, id: TimerId) -> TimerId {
        self.query(t::NEXT_DEVICE, id).expect("NEXT_DEVICE")
    }

    /// Calls `read`.
    pub(crate) fn read(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0xa5; len];
        let read = rustix::io::read(&self.fd, &mut buffer).map_err(errno)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Returns how many bytes of records can be read now.
    pub(crate) fn read_len(&self, len: usize) -> Result<usize, Errno> {
        self.read(len).map(|bytes| bytes.len())
    }

    /// Reads the waiting records of a timer that was opened with [`Timer::tread`].
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<TimerTread> {
        self.all()
    }

    /// Reads the waiting records, and returns their events and values.
    #[track_caller]
    pub(crate) fn told(&self) -> Vec<Told> {
        self.records().iter().map(|record| (E(record.event), record.val)).collect()
    }

    /// Reads the waiting records, and returns their events.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<E> {
        self.records().iter().map(|record| E(record.event)).collect()
    }

    /// Reads the waiting plain records.
    #[track_caller]
    pub(crate) fn plain_records(&self) -> Vec<TimerRead> {
        self.all()
    }

    #[track_caller]
    fn all<T: FromBytes>(&self) -> Vec<T> {
        match self.read(64 * 1024) {
            Ok(bytes) => {
                assert_eq!(bytes.len() % size_of::<T>(), 0, "whole records");
                let records = bytes.chunks(size_of::<T>());
                records.filter_map(|record| T::read_from_bytes(record).ok()).collect()
            }
            Err(Errno::EAGAIN) => Vec::new(),
            Err(error) => panic!("read: {error}"),
        }
    }

    /// Discards what can be read now.
    pub(crate) fn discard(&self) {
        while self.read(64 * 1024).is_ok_and(|bytes| !bytes.is_empty()) {}
    }

    /// Waits until a number of ticks have come, and returns all records up to then.
    #[track_caller]
    pub(crate) fn wait_ticks(&self, ticks: u32) -> Vec<TimerTread> {
        let end = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        while ticks_of(&all) < u64::from(ticks) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{ticks} ticks in time, got {all:?}");
            self.poll_events(PollFlags::IN, left);
            all.extend(self.records());
        }
        all
    }

    /// Waits until a number of records can be read, and leaves them.
    #[track_caller]
    pub(crate) fn wait_queue(&self, records: u32) {
        wait_until("records wait", || self.status().queue >= records);
    }

    /// Returns what `poll` reports now about reading and writing.
    pub(crate) fn poll(&self) -> PollFlags {
        self.poll_events(PollFlags::all(), Duration::ZERO)
    }

    /// Returns whether there is something to read.
    pub(crate) fn readable(&self) -> bool {
        self.poll().contains(PollFlags::IN)
    }

    /// Waits for events of `poll`.
    pub(crate) fn poll_events(&self, events: PollFlags, timeout: Duration) -> PollFlags {
        let mut fds = [PollFd::new(&self.fd, events)];
        let timeout = timeout.try_into().expect("a timeout");
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&timeout))).expect("poll");
        fds[0].revents()
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Returns the sum of the ticks in records.
pub(crate) fn ticks_of(records: &[TimerTread]) -> u64 {
    let ticks = records.iter().filter(|record| E(record.event) == E::TICK);
    ticks.map(|record| u64::from(record.val)).sum()
}

/// Returns when a record was made.
pub(crate) fn time(record: &TimerTread) -> Duration {
    time_of(record.tv_sec, record.tv_nsec)
}

/// Returns how many instances are bound to a timer, which exists.
#[track_caller]
pub(crate) fn clients(id: TimerId) -> u32 {
    Timer::open().ginfo(id).expect("GINFO").clients
}

/// Skips the case if other programs use a timer: they would disturb it and be disturbed.
pub(crate) fn alone_on(id: TimerId) {
    Timer::plain(id);
    // A server may close a program's files a little after the program has ended.
    let end = Instant::now() + Duration::from_millis(200);
    while clients(id) != 0 {
        if Instant::now() > end {
            skip("others use the timer");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the length of a tick of the system timer, in ns.
pub(crate) fn jiffy() -> u32 {
    let resolution = Timer::open().gstatus(SYSTEM).expect("GSTATUS").resolution;
    u32::try_from(resolution).expect("a resolution")
}

/// Returns the text of a name.
pub(crate) fn text(name: &[u8]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns whether all bytes are zero.
pub(crate) fn zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// A timer that ticks when this program tells it to.
#[derive(Debug)]
pub(crate) struct UserTimer {
    /// The descriptor that owns it.
    pub fd: OwnedFd,
    /// Its number.
    pub number: u32,
}

impl UserTimer {
    /// Makes the request CREATE.
    pub(crate) fn try_create(resolution: u64) -> Result<Self, Errno> {
        let wanted = TimerUinfo { resolution, ..TimerUinfo::default() };
        let info = Timer::open().query(t::CREATE, wanted)?;
        Ok(Self { fd: sys::adopt(info.fd), number: info.id })
    }

    /// Creates a timer with a resolution in ns. Skips the case if there are no such timers.
    pub(crate) fn create(resolution: u64) -> Self {
        match Self::try_create(resolution) {
            Ok(timer) => timer,
            Err(Errno::ENOTTY) => skip("user-driven timers are not offered"),
            Err(error) => panic!("CREATE: {error}"),
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> TimerId {
        global(GLOBAL_UDRIVEN, self.number.try_into().expect("a number"))
    }

    /// Makes the request TRIGGER a number of times.
    #[track_caller]
    pub(crate) fn trigger(&self, times: u32) {
        for _ in 0..times {
            assert_eq!(sys::ioctl(&self.fd, t::TRIGGER, &mut 0_u64), Ok(0), "TRIGGER");
        }
    }
}
