//! The timer device in tests.

use super::Rig;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers as t;
use aseqd_abi::timer::{
    self, ParamsFlags, TimerEvent, TimerGinfo, TimerId, TimerParams, TimerRead, TimerSelect,
    TimerStatus, TimerTread, TimerUinfo,
};
use aseqd_engine::{Access, Call, Error, FileId, Identity, Input, Node, Output, READABLE, Reply};
use zerocopy::{FromBytes, IntoBytes};

/// A global timer without a device.
pub(crate) const GLOBAL: TimerId = TimerId {
    dev_class: timer::CLASS_GLOBAL,
    dev_sclass: timer::SCLASS_NONE,
    card: -1,
    device: 0,
    subdevice: 0,
};
/// The system timer.
pub(crate) const SYSTEM: TimerId = GLOBAL;
/// The high-resolution timer.
pub(crate) const HRTIMER: TimerId = TimerId { device: timer::GLOBAL_HRTIMER, ..GLOBAL };

/// Returns the id of a user-driven timer.
pub(crate) const fn user_driven(number: i32) -> TimerId {
    TimerId { device: timer::GLOBAL_UDRIVEN, subdevice: number, ..GLOBAL }
}

/// Returns the id of a slave of the instance with a class and number.
pub(crate) const fn follower(sclass: i32, number: i32) -> TimerId {
    TimerId {
        dev_class: timer::CLASS_SLAVE,
        dev_sclass: sclass,
        card: 0,
        device: number,
        subdevice: 0,
    }
}

/// Returns a filter of these events.
pub(crate) fn mask(events: &[TimerEvent]) -> u32 {
    events.iter().fold(0, |bits, event| bits | 1 << event.0)
}

impl Rig {
    /// Opens the timer device as a process.
    pub(crate) fn timer_file(&mut self, pid: i32) -> FileId {
        let identity = Identity::User { pid };
        let file = self.engine.open_node(self.now, Node::Timer, Access::ReadWrite, identity);
        file.expect("a file")
    }

    /// Opens the timer device and binds the file.
    pub(crate) fn bound(&mut self, pid: i32, id: TimerId) -> FileId {
        let file = self.timer_file(pid);
        self.select(file, id).expect("SELECT");
        file
    }

    /// Opens the timer device with records of 32 bytes, and binds the file.
    pub(crate) fn bound_tread(&mut self, pid: i32, id: TimerId) -> FileId {
        let file = self.timer_file(pid);
        self.query(file, t::TREAD64, 1_i32).expect("TREAD64");
        self.select(file, id).expect("SELECT");
        file
    }

    /// Binds a file by SELECT.
    pub(crate) fn select(&mut self, file: FileId, id: TimerId) -> Result<(), Error> {
        self.query(file, t::SELECT, TimerSelect { id, ..TimerSelect::default() }).map(drop)
    }

    /// Sets PARAMS with a filter. The queue size stays.
    pub(crate) fn params(
        &mut self,
        file: FileId,
        flags: ParamsFlags,
        ticks: u32,
        filter: u32,
    ) -> Result<(), Error> {
        let params = TimerParams { flags: flags.bits(), ticks, filter, ..TimerParams::default() };
        self.query(file, t::PARAMS, params).map(drop)
    }

    /// Makes a request without an argument, such as START.
    pub(crate) fn command(&mut self, file: FileId, request: u32) -> Result<(), Error> {
        self.query(file, request, ())
    }

    /// Returns the STATUS of a file.
    pub(crate) fn timer_status(&mut self, file: FileId) -> Result<TimerStatus, Error> {
        self.query(file, t::STATUS, TimerStatus::default())
    }

    /// Returns the number of instances that are bound to a timer.
    pub(crate) fn timer_clients(&mut self, file: FileId, tid: TimerId) -> u32 {
        let info = self.query(file, t::GINFO, TimerGinfo { tid, ..TimerGinfo::default() });
        info.expect("GINFO").clients
    }

    /// Creates a user-driven timer. Returns its file and number.
    pub(crate) fn create_timer(
        &mut self,
        file: FileId,
        resolution: u64,
    ) -> Result<(FileId, i32), Error> {
        let info = TimerUinfo { resolution, fd: -1, ..TimerUinfo::default() };
        let info = self.query(file, t::CREATE, info)?;
        Ok((FileId(info.fd.cast_unsigned()), info.id.cast_signed()))
    }

    /// Reads at most `len` bytes.
    pub(crate) fn read_timer(
        &mut self,
        file: FileId,
        len: usize,
        nonblock: bool,
    ) -> (Reply, Vec<u8>) {
        let mut out = Vec::new();
        let reply = self.engine.handle(
            self.now,
            Input::Call { file, call: Call::Read { len, nonblock } },
            &mut out,
        );
        (reply, out)
    }

    /// Reads all plain records. Returns resolution and ticks of each.
    pub(crate) fn plain_records(&mut self, file: FileId) -> Vec<(u32, u32)> {
        let records: Vec<TimerRead> = self.records(file);
        records.iter().map(|record| (record.resolution, record.ticks)).collect()
    }

    /// Reads all records with events. Returns event, time in nanoseconds, and value of each.
    pub(crate) fn timed_records(&mut self, file: FileId) -> Vec<(TimerEvent, u64, u32)> {
        let records: Vec<TimerTread> = self.records(file);
        let time = |record: &TimerTread| {
            record.tv_sec.cast_unsigned() * 1_000_000_000 + record.tv_nsec.cast_unsigned()
        };
        records.iter().map(|record| (TimerEvent(record.event), time(record), record.val)).collect()
    }

    /// Reads all records. Returns event and value of each.
    pub(crate) fn timer_events(&mut self, file: FileId) -> Vec<(TimerEvent, u32)> {
        self.timed_records(file).into_iter().map(|(event, _, value)| (event, value)).collect()
    }

    fn records<T: FromBytes + IntoBytes>(&mut self, file: FileId) -> Vec<T> {
        let (reply, bytes) = self.read_timer(file, size_of::<T>() * 1024, true);
        match reply.finish() {
            Err(error) if error.errno == Errno::EAGAIN => return Vec::new(),
            result => assert_eq!(result, Ok(bytes.len())),
        }
        let records = bytes.chunks(size_of::<T>());
        records.map(|record| T::read_from_bytes(record).expect("a whole record")).collect()
    }

    /// Returns whether there is a record to read.
    pub(crate) fn timer_readable(&mut self, file: FileId) -> bool {
        let reply =
            self.engine.handle(self.now, Input::Call { file, call: Call::Poll }, &mut Vec::new());
        let bits = reply.finish().expect("an open file");
        assert_eq!(bits & !READABLE, 0);
        bits != 0
    }

    /// Returns the files that the engine reports as ready, in order.
    pub(crate) fn ready_files(&mut self) -> Vec<FileId> {
        std::iter::from_fn(|| self.engine.poll_output()).map(|Output::Ready(file)| file).collect()
    }

    /// Closes a file of any device.
    pub(crate) fn close_file(&mut self, file: FileId) {
        let reply = self.engine.handle(self.now, Input::Close { file }, &mut Vec::new());
        reply.finish().expect("an open file");
    }
}
