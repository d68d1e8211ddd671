//! A program on `/dev/snd/timer`, as the cases use it: thin, and every answer is visible.

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

/// A millisecond in ticks of HRTIMER, which are nanoseconds: the shortest period there is.
pub(crate) const MS: u32 = 1_000_000;
/// A period that no case lives to see the end of.
pub(crate) const LONG: u32 = 1_000_000_000;

/// The timer of jiffies.
pub(crate) const SYSTEM: TimerId = global(GLOBAL_SYSTEM, 0);
/// The timer of nanoseconds.
pub(crate) const HRTIMER: TimerId = global(GLOBAL_HRTIMER, 0);
/// No timer: begin and end of the list.
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

/// The filter of these records.
pub(crate) fn filter(events: &[E]) -> u32 {
    events.iter().fold(0, |filter, event| filter | 1 << event.0)
}

/// The filter of every record that may be asked for.
pub(crate) fn everything() -> u32 {
    let askable = E::ALL.iter().map(|(_, event)| *event).filter(|event| *event != E::EARLY);
    filter(&askable.collect::<Vec<_>>())
}

/// A global timer.
pub(crate) const fn global(device: i32, subdevice: i32) -> TimerId {
    TimerId { dev_class: CLASS_GLOBAL, dev_sclass: SCLASS_NONE, card: -1, device, subdevice }
}

/// A slave of a class, by the number of its master.
pub(crate) const fn slave(dev_sclass: i32, device: i32) -> TimerId {
    TimerId { dev_class: CLASS_SLAVE, dev_sclass, card: -1, device, subdevice: 0 }
}

/// A slave of this program's first timer.
pub(crate) fn own_slave() -> TimerId {
    slave(SCLASS_APPLICATION, pid())
}

/// A slave of a sequencer queue.
pub(crate) const fn queue_slave(queue: i32) -> TimerId {
    slave(SCLASS_SEQUENCER, queue)
}

/// This program's process id.
pub(crate) fn pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// Which device is under test. Once, at the start.
pub(crate) fn set_device(path: &str) {
    DEVICE.get_or_init(|| path.to_owned());
}

/// The monotonic clock.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    time_of(now.tv_sec, now.tv_nsec)
}

/// A time of the ABI.
pub(crate) fn time_of(sec: i64, nsec: i64) -> Duration {
    let nsec = u32::try_from(nsec).expect("nanoseconds");
    assert!(nsec < 1_000_000_000, "less than a second of nanoseconds");
    Duration::new(sec.try_into().expect("seconds"), nsec)
}

/// Event and value of a record.
pub(crate) type Told = (E, u32);

/// One open of the device. Non-blocking unless said otherwise.
#[derive(Debug)]
pub(crate) struct Timer {
    /// The descriptor.
    pub fd: OwnedFd,
}

impl Timer {
    /// Opens the device with flags. Where it does not exist there is no case.
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

    /// Opens the device so that reads sleep, bound to nothing.
    pub(crate) fn open_blocking() -> Self {
        Self::try_open_with(Mode::ReadWrite, OFlags::empty()).expect("the device opens")
    }

    /// Bound to a timer, with plain records.
    #[track_caller]
    pub(crate) fn plain(id: TimerId) -> Self {
        let timer = Self::open();
        assert_eq!(timer.select(id), Ok(()), "SELECT");
        timer
    }

    /// Bound to a timer, with records that have event and time.
    #[track_caller]
    pub(crate) fn tread(id: TimerId) -> Self {
        let timer = Self::open();
        assert_eq!(timer.format(t::TREAD64, 1), Ok(()), "TREAD64");
        assert_eq!(timer.select(id), Ok(()), "SELECT");
        timer
    }

    /// Periodic on HRTIMER, with every record.
    #[track_caller]
    pub(crate) fn periodic(ticks: u32) -> Self {
        let timer = Self::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::AUTO, ticks, everything()), Ok(()), "PARAMS");
        timer
    }

    /// Once on HRTIMER, with every record.
    #[track_caller]
    pub(crate) fn once(ticks: u32) -> Self {
        let timer = Self::tread(HRTIMER);
        assert_eq!(timer.set(ParamsFlags::empty(), ticks, everything()), Ok(()), "PARAMS");
        timer
    }

    /// A slave, with every record. It has a master.
    #[track_caller]
    pub(crate) fn slave(id: TimerId) -> Self {
        let timer = Self::tread(id);
        assert_eq!(timer.set(ParamsFlags::AUTO, LONG, everything()), Ok(()), "PARAMS");
        timer
    }

    /// A request with a struct, which is changed by what comes back.
    pub(crate) fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> Result<i32, Errno> {
        sys::ioctl(&self.fd, code, argument)
    }

    /// A request with a struct; what the struct is afterwards.
    pub(crate) fn query<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        mut argument: T,
    ) -> Result<T, Errno> {
        self.ioctl(code, &mut argument).map(|_| argument)
    }

    /// A request without argument.
    pub(crate) fn order(&self, code: u32) -> Result<(), Errno> {
        self.ioctl(code, &mut 0_u64).map(|value| assert_eq!(value, 0, "{code:#x} returns 0"))
    }

    /// TREAD or TREAD64.
    pub(crate) fn format(&self, code: u32, value: i32) -> Result<(), Errno> {
        self.query(code, value).map(drop)
    }

    /// SELECT.
    pub(crate) fn select(&self, id: TimerId) -> Result<(), Errno> {
        self.query(t::SELECT, TimerSelect { id, ..TimerSelect::default() }).map(drop)
    }

    /// PARAMS.
    pub(crate) fn params(&self, params: TimerParams) -> Result<(), Errno> {
        self.query(t::PARAMS, params).map(drop)
    }

    /// PARAMS with a length of the queue that stays.
    pub(crate) fn set(&self, flags: ParamsFlags, ticks: u32, filter: u32) -> Result<(), Errno> {
        let flags = flags.bits();
        self.params(TimerParams { flags, ticks, filter, ..TimerParams::default() })
    }

    /// START.
    pub(crate) fn start(&self) -> Result<(), Errno> {
        self.order(t::START)
    }

    /// STOP.
    pub(crate) fn stop(&self) -> Result<(), Errno> {
        self.order(t::STOP)
    }

    /// CONTINUE.
    pub(crate) fn resume(&self) -> Result<(), Errno> {
        self.order(t::CONTINUE)
    }

    /// PAUSE.
    pub(crate) fn pause(&self) -> Result<(), Errno> {
        self.order(t::PAUSE)
    }

    /// INFO, every byte of it.
    pub(crate) fn try_info(&self) -> Result<TimerInfo, Errno> {
        self.query(t::INFO, patterned())
    }

    /// The id of the timer that it is bound to.
    pub(crate) fn bound(&self) -> Result<String, Errno> {
        self.try_info().map(|info| text(&info.id))
    }

    /// STATUS.
    pub(crate) fn try_status(&self) -> Result<TimerStatus, Errno> {
        self.query(t::STATUS, patterned())
    }

    /// STATUS of one that is bound.
    #[track_caller]
    pub(crate) fn status(&self) -> TimerStatus {
        self.try_status().expect("STATUS")
    }

    /// When it was last started, stopped, continued or paused.
    #[track_caller]
    pub(crate) fn stamp(&self) -> Duration {
        let status = self.status();
        time_of(status.tv_sec, status.tv_nsec)
    }

    /// GINFO.
    pub(crate) fn ginfo(&self, tid: TimerId) -> Result<TimerGinfo, Errno> {
        self.query(t::GINFO, TimerGinfo { tid, ..patterned() })
    }

    /// GSTATUS.
    pub(crate) fn gstatus(&self, tid: TimerId) -> Result<TimerGstatus, Errno> {
        self.query(t::GSTATUS, TimerGstatus { tid, ..patterned() })
    }

    /// GPARAMS, for a period of a millisecond.
    pub(crate) fn gparams(&self, tid: TimerId) -> Result<(), Errno> {
        let wanted =
            TimerGparams { tid, period_num: 1, period_den: 1000, ..TimerGparams::default() };
        self.query(t::GPARAMS, wanted).map(drop)
    }

    /// NEXT_DEVICE.
    #[track_caller]
    pub(crate) fn next(&self, id: TimerId) -> TimerId {
        self.query(t::NEXT_DEVICE, id).expect("NEXT_DEVICE")
    }

    /// `read`.
    pub(crate) fn read(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0xa5; len];
        let read = rustix::io::read(&self.fd, &mut buffer).map_err(errno)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    /// How long the records are that can be read now, together.
    pub(crate) fn read_len(&self, len: usize) -> Result<usize, Errno> {
        self.read(len).map(|bytes| bytes.len())
    }

    /// The records of a timer that was opened with [`Timer::tread`] that can be read now.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<TimerTread> {
        self.all()
    }

    /// Event and value of what can be read now.
    #[track_caller]
    pub(crate) fn told(&self) -> Vec<Told> {
        self.records().iter().map(|record| (E(record.event), record.val)).collect()
    }

    /// The events of what can be read now.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<E> {
        self.records().iter().map(|record| E(record.event)).collect()
    }

    /// The plain records that can be read now.
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

    /// Throws away what can be read now.
    pub(crate) fn discard(&self) {
        while self.read(64 * 1024).is_ok_and(|bytes| !bytes.is_empty()) {}
    }

    /// Waits until this many ticks came, and gives all records up to then.
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

    /// Waits until this many records wait to be read, and leaves them.
    #[track_caller]
    pub(crate) fn wait_queue(&self, records: u32) {
        wait_until("records wait", || self.status().queue >= records);
    }

    /// What `poll` says now of reading and writing.
    pub(crate) fn poll(&self) -> PollFlags {
        self.poll_events(PollFlags::all(), Duration::ZERO)
    }

    /// Is there something to read?
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

/// How many ticks records tell.
pub(crate) fn ticks_of(records: &[TimerTread]) -> u64 {
    let ticks = records.iter().filter(|record| E(record.event) == E::TICK);
    ticks.map(|record| u64::from(record.val)).sum()
}

/// When a record was made.
pub(crate) fn time(record: &TimerTread) -> Duration {
    time_of(record.tv_sec, record.tv_nsec)
}

/// Instances that are bound to a timer. It exists.
#[track_caller]
pub(crate) fn clients(id: TimerId) -> u32 {
    Timer::open().ginfo(id).expect("GINFO").clients
}

/// No case where others use a timer, who would disturb it and be disturbed.
pub(crate) fn alone_on(id: TimerId) {
    Timer::plain(id);
    // A server may end a program's files a little after the program.
    let end = Instant::now() + Duration::from_millis(200);
    while clients(id) != 0 {
        if Instant::now() > end {
            skip("others use the timer");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Nanoseconds of a tick of the system timer.
pub(crate) fn jiffy() -> u32 {
    let resolution = Timer::open().gstatus(SYSTEM).expect("GSTATUS").resolution;
    u32::try_from(resolution).expect("a resolution")
}

/// The text of a name.
pub(crate) fn text(name: &[u8]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that are all zero?
pub(crate) fn zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// A timer that ticks when this program says so.
#[derive(Debug)]
pub(crate) struct UserTimer {
    /// The descriptor that owns it.
    pub fd: OwnedFd,
    /// Its number.
    pub number: u32,
}

impl UserTimer {
    /// CREATE.
    pub(crate) fn try_create(resolution: u64) -> Result<Self, Errno> {
        let wanted = TimerUinfo { resolution, ..TimerUinfo::default() };
        let info = Timer::open().query(t::CREATE, wanted)?;
        Ok(Self { fd: sys::adopt(info.fd), number: info.id })
    }

    /// A timer of a resolution in nanoseconds, or no case.
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

    /// TRIGGER, so many times.
    #[track_caller]
    pub(crate) fn trigger(&self, times: u32) {
        for _ in 0..times {
            assert_eq!(sys::ioctl(&self.fd, t::TRIGGER, &mut 0_u64), Ok(0), "TRIGGER");
        }
    }
}
