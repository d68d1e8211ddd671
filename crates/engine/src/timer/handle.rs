//! An open file of the timer device: records, and how they are read.

use super::{Handle, InstanceId, NANOSECONDS, Timers, insert};
use crate::contract::{FileId, READABLE, Reply};
use crate::{Error, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::timer::{TimerEvent, TimerRead, TimerTread, TimerTread32};
use zerocopy::IntoBytes;

/// The capacity of a new file, in records.
const DEFAULT_CAPACITY: usize = 128;

/// The format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Format {
    /// Resolution and ticks.
    Plain,
    /// Event, time and value, in 32 bytes.
    Tread64,
    /// The same in 16 bytes, for 32-bit processes.
    Tread32,
}

impl Format {
    const fn record_size(self) -> usize {
        match self {
            Self::Plain => size_of::<TimerRead>(),
            Self::Tread64 => size_of::<TimerTread>(),
            Self::Tread32 => size_of::<TimerTread32>(),
        }
    }
}

/// One record. Plain ones have resolution and value, the others event, time and value.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Record {
    #[cfg_attr(feature = "serde", serde(with = "crate::state::event"))]
    event: TimerEvent,
    at: Time,
    resolution: u32,
    value: u32,
}

/// The state of an open file.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct UserHandle {
    pub(super) file: FileId,
    /// The process that opened the file, or the thread that called last. The instance is named
    /// after it, and slaves find it by this number.
    pub(super) pid: i32,
    pub(super) instance: Option<InstanceId>,
    pub(super) format: Format,
    capacity: usize,
    records: VecDeque<Record>,
    /// Number of ticks that START counts.
    pub(super) ticks: u32,
    pub(super) filter: u32,
    /// Number of records lost since the file was opened.
    pub(super) overrun: u32,
    /// The last resolution that the reader was told.
    pub(super) told_resolution: u64,
    /// The time of the last START, STOP, CONTINUE or PAUSE.
    pub(super) changed_at: Time,
    /// Whether the driver has been told that there is something to read.
    pub(super) told: bool,
}

impl UserHandle {
    fn new(file: FileId, pid: i32) -> Self {
        Self {
            file,
            pid,
            instance: None,
            format: Format::Plain,
            capacity: DEFAULT_CAPACITY,
            records: VecDeque::with_capacity(DEFAULT_CAPACITY),
            ticks: 1,
            filter: 0,
            overrun: 0,
            told_resolution: 0,
            changed_at: Time(0),
            told: false,
        }
    }

    /// Sets the format, which drops all records.
    pub(super) fn set_format(&mut self, format: Format) {
        if self.format != format {
            self.format = format;
            self.records.clear();
        }
    }

    /// Drops all records and sets the capacity; 0 keeps the capacity.
    pub(super) fn reset_records(&mut self, capacity: usize) {
        if capacity != 0 {
            self.capacity = capacity;
        }
        self.records.clear();
        self.records.reserve(self.capacity);
    }

    pub(super) fn waiting(&self) -> usize {
        self.records.len()
    }

    fn wants(&self, event: TimerEvent) -> bool {
        self.filter & (1 << event.0) != 0
    }

    /// Adds the record of EARLY_EVENT, all zero but for its event. As on Linux, it wakes no
    /// program.
    pub(super) fn put_early(&mut self) {
        self.append(Record { event: TimerEvent::EARLY, at: Time(0), resolution: 0, value: 0 });
    }

    /// Adds a record of a change of state of the instance or its master. Returns whether to wake
    /// the program: for every record, even if others are unread or there is no room.
    #[expect(clippy::cast_possible_truncation, reason = "records have 32 bits for it")]
    pub(super) fn take_event(&mut self, event: TimerEvent, value: u64, at: Time) -> bool {
        if (TimerEvent::START.0..=TimerEvent::PAUSE.0).contains(&event.0) {
            self.changed_at = at;
        }
        if self.format == Format::Plain || !self.wants(event) {
            return false;
        }
        self.append(Record { event, at, resolution: 0, value: value as u32 });
        true
    }

    /// Adds the ticks of a callback. Returns whether to wake the program: as for
    /// [`Self::take_event`], and for ticks that are added to an unread record.
    pub(super) fn take_ticks(&mut self, resolution: u64, ticks: u64, at: Time) -> bool {
        if self.format == Format::Plain {
            self.take_plain_ticks(resolution, ticks);
            true
        } else {
            self.take_timed_ticks(resolution, ticks, at)
        }
    }

    /// Adds the ticks of `times` callbacks that follow another one at the same resolution, the last
    /// at `at`: the same as calling [`Self::take_ticks`] that often. They wake the program no more
    /// than the first has.
    #[expect(clippy::cast_possible_truncation, reason = "counts wrap at 32 bits, as on Linux")]
    pub(super) fn take_more_ticks(&mut self, resolution: u64, ticks: u64, times: u64, at: Time) {
        let plain = self.format == Format::Plain;
        if ticks == 0 || times == 0 || !plain && !self.wants(TimerEvent::TICK) {
            return;
        }
        let merges = |record: &Record| {
            if plain {
                u64::from(record.resolution) == resolution
            } else {
                record.event == TimerEvent::TICK
            }
        };
        match self.records.back_mut().filter(|record| merges(record)) {
            Some(record) => {
                record.value = record.value.wrapping_add((ticks.wrapping_mul(times)) as u32);
                record.at = at;
            }
            None => self.overrun = self.overrun.wrapping_add(times as u32),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "records have 32 bits for both")]
    fn take_plain_ticks(&mut self, resolution: u64, ticks: u64) {
        let ticks = ticks as u32;
        // As on Linux, a resolution of more than 32 bits is never found again.
        if let Some(newest) = self.records.back_mut()
            && u64::from(newest.resolution) == resolution
        {
            newest.value = newest.value.wrapping_add(ticks);
            return;
        }
        let (event, resolution) = (TimerEvent::TICK, resolution as u32);
        self.append(Record { event, at: Time(0), resolution, value: ticks });
    }

    #[expect(clippy::cast_possible_truncation, reason = "records have 32 bits for both")]
    fn take_timed_ticks(&mut self, resolution: u64, ticks: u64, at: Time) -> bool {
        let mut took = false;
        if self.wants(TimerEvent::RESOLUTION) && self.told_resolution != resolution {
            let event = TimerEvent::RESOLUTION;
            self.append(Record { event, at, resolution: 0, value: resolution as u32 });
            self.told_resolution = resolution;
            took = true;
        }
        if !self.wants(TimerEvent::TICK) || ticks == 0 {
            return took;
        }
        if let Some(newest) = self.records.back_mut()
            && newest.event == TimerEvent::TICK
        {
            newest.value = newest.value.wrapping_add(ticks as u32);
            newest.at = at;
            return true;
        }
        let event = TimerEvent::TICK;
        self.append(Record { event, at, resolution: 0, value: ticks as u32 });
        true
    }

    fn append(&mut self, record: Record) {
        if self.records.len() >= self.capacity {
            self.overrun = self.overrun.wrapping_add(1);
        } else {
            self.records.push_back(record);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "seconds of 32-bit processes wrap")]
    fn write_record(&self, record: Record, out: &mut Vec<u8>) {
        let (seconds, nanoseconds) = seconds(record.at);
        let Record { event: TimerEvent(event), resolution, value: val, .. } = record;
        match self.format {
            Format::Plain => {
                out.extend_from_slice(TimerRead { resolution, ticks: val }.as_bytes());
            }
            Format::Tread64 => {
                let (tv_sec, tv_nsec) = (seconds, nanoseconds.into());
                let tread = TimerTread { event, tv_sec, tv_nsec, val, ..TimerTread::default() };
                out.extend_from_slice(tread.as_bytes());
            }
            Format::Tread32 => {
                let (tv_sec, tv_nsec) = (seconds as i32, nanoseconds);
                let tread = TimerTread32 { event, tv_sec, tv_nsec, val };
                out.extend_from_slice(tread.as_bytes());
            }
        }
    }
}

/// Returns seconds and nanoseconds of a time.
pub(super) const fn seconds(at: Time) -> (i64, i32) {
    ((at.0 / NANOSECONDS).cast_signed(), (at.0 % NANOSECONDS) as i32)
}

impl Timers {
    /// Sets the thread in whose name the file binds.
    pub(crate) fn set_thread(&mut self, handle: Handle, thread: i32) {
        if let Some(Some(file)) = self.handles.get_mut(handle.0) {
            file.pid = thread;
        }
    }

    /// Opens the device. The file is bound to nothing.
    pub(crate) fn open_handle(&mut self, file: FileId, pid: i32) -> Handle {
        Handle(insert(&mut self.handles, UserHandle::new(file, pid)))
    }

    /// Closes a file: its binding ends, and its records go.
    pub(crate) fn close_handle(&mut self, at: Time, handle: Handle) {
        self.unbind(handle, at);
        if let Some(entry) = self.handles.get_mut(handle.0).and_then(Option::take) {
            self.ready.retain(|file| *file != entry.file);
        }
    }

    /// Ends the binding of a file, if it has one.
    pub(super) fn unbind(&mut self, handle: Handle, at: Time) {
        let Some(instance) = self.handle_mut(handle).and_then(|entry| entry.instance) else {
            return;
        };
        self.close(instance, at);
        if let Some(entry) = self.handle_mut(handle) {
            entry.instance = None;
        }
    }

    pub(super) fn handle(&self, handle: Handle) -> Option<&UserHandle> {
        self.handles.get(handle.0)?.as_ref()
    }

    pub(super) fn handle_mut(&mut self, handle: Handle) -> Option<&mut UserHandle> {
        self.handles.get_mut(handle.0)?.as_mut()
    }

    /// Tells the driver that a file may be ready.
    pub(super) fn wake(&mut self, handle: Handle) {
        let Some(entry) = self.handles.get_mut(handle.0).and_then(Option::as_mut) else { return };
        if !core::mem::replace(&mut entry.told, true) {
            self.ready.push_back(entry.file);
        }
    }

    /// Handles a read: returns as many whole records as fit. A buffer too small for one gets none,
    /// at once.
    pub(crate) fn read(
        &mut self,
        handle: Handle,
        len: usize,
        nonblock: bool,
        out: &mut Vec<u8>,
    ) -> Reply {
        let Some(entry) = self.handle_mut(handle) else { return Reply::Failed(NO_FILE) };
        let fits = len / entry.format.record_size();
        if fits == 0 {
            return Reply::Done(0);
        }
        if entry.records.is_empty() {
            let nothing = Error::new(Errno::EAGAIN, "nothing to read");
            return if nonblock { Reply::Failed(nothing) } else { Reply::Wait(0) };
        }
        for _ in 0..fits {
            let Some(record) = entry.records.pop_front() else { break };
            entry.write_record(record, out);
        }
        Reply::Done(out.len())
    }

    /// Returns the poll bits.
    pub(crate) fn poll(&self, handle: Handle) -> usize {
        let waits = self.handle(handle).is_some_and(|entry| entry.waiting() > 0);
        if waits { READABLE } else { 0 }
    }
}

pub(super) const NO_FILE: Error = Error::new(Errno::EBADF, "no such file is open");
