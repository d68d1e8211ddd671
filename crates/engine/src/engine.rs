//! The border of the engine: it takes an input, finds the client, timer or card behind the file,
//! and replies.

use crate::config::REFERENCE_KERNEL;
use crate::contract::{
    Access, Call, FileId, Identity, Input, Node, OpenClient, Output, READABLE, Reply, WRITABLE,
};
use crate::control::{self, Control};
use crate::name::name_bytes;
use crate::request;
use crate::seq::{Seq, ioctl};
use crate::timer::{self, Handle};
use crate::{Config, Error, Time};
use alloc::string::String;
use alloc::vec::Vec;
use aseqd_abi::Errno;
use aseqd_abi::timer::TimerUinfo;
use zerocopy::{FromBytes, IntoBytes};

/// What an open file belongs to.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum OpenFile {
    /// A client of the sequencer.
    Client(u8),
    /// An open of the timer device.
    Timer(Handle),
    /// The descriptor that keeps a user-driven timer alive: the timer's number.
    UserTimer(u8),
    /// An open of the card's control device.
    Control(Control),
}

/// The sequencer and the timers. See the crate's documentation for the contract.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Engine {
    seq: Seq,
    /// The open files by number.
    files: Vec<Option<OpenFile>>,
    now: Time,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// Creates an engine in the state after loading the kernel's modules: with the System client
    /// and Midi Through, and the default [`Config`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default())
    }

    /// Creates an engine with settings.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self { seq: Seq::new(config), files: Vec::new(), now: Time(0) }
    }

    /// Makes the engine panic when a program ends that uses another one's queue and has two events in it: a defect
    /// to test tools with that look for defects. No part of the stable interface.
    #[cfg(feature = "planted-bug")]
    #[doc(hidden)]
    pub const fn plant_bug(&mut self) {
        self.seq.has_planted_bug = true;
    }

    /// Handles one input that happened at `now`. `out` is cleared, and gets the bytes that go back
    /// to the program.
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        self.now = self.now.max(now);
        self.seq.advance_to(self.now);
        out.clear();
        let reply = self.take_in(input, out);
        self.seq.refresh_deadlines();
        reply
    }

    fn take_in(&mut self, input: Input<'_>, out: &mut Vec<u8>) -> Reply {
        let (file, call) = match input {
            Input::Call { file, call } => (file, call),
            Input::Open { node, access, identity } => {
                return self.handle_open(node, access, identity).into();
            }
            Input::Close { file } => return self.handle_close(file).into(),
            Input::BecomeUserTimer { file, resolution } => {
                return self.become_user_timer(file, resolution).into();
            }
            Input::Thread { file, thread } => {
                if let Ok(OpenFile::Timer(handle)) = self.look_up(file) {
                    self.seq.timers.set_thread(handle, thread);
                }
                return Reply::Done(0);
            }
            Input::Timeout => return Reply::Done(0),
        };
        match self.look_up(file) {
            Ok(OpenFile::Client(client)) => self.call_client(client, call, out),
            Ok(OpenFile::Timer(handle)) => self.call_timer(handle, call, out),
            Ok(OpenFile::UserTimer(number)) => self.call_user_timer(number, call),
            Ok(OpenFile::Control(_)) => self.call_control(file, call, out),
            Err(error) => Reply::Failed(error),
        }
    }

    /// Returns the next time at which something is due, if nothing else happens before. A time in
    /// the past means: at once.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.seq.next_deadline()
    }

    /// Returns the next output, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.seq.take_ready().or_else(|| self.seq.timers.take_ready()).map(Output::Ready)
    }

    /// Opens the sequencer.
    ///
    /// # Errors
    /// `ENOMEM` if no client number is free, `EBUSY` if the wanted one is taken, `EINVAL` if it is
    /// not that of a kernel client.
    pub fn open(
        &mut self,
        now: Time,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<FileId, Error> {
        self.open_node(now, Node::Sequencer, access, identity)
    }

    /// Opens a device file.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open); `EINVAL` if a client of kernel type opens another device than
    /// the sequencer.
    pub fn open_node(
        &mut self,
        now: Time,
        node: Node,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<FileId, Error> {
        let reply = self.handle(now, Input::Open { node, access, identity }, &mut Vec::new());
        let number = u32::try_from(reply.finish()?);
        number.map(FileId).map_err(|_| Error::new(Errno::ENOMEM, "too many files"))
    }

    /// Returns the clients that programs, and bridges in the server, have open.
    pub fn open_clients(&self) -> impl Iterator<Item = OpenClient<'_>> {
        self.seq.clients().filter_map(|client| {
            Some(OpenClient {
                number: client.number,
                file: client.file?,
                pid: client.pid,
                name: String::from_utf8_lossy(name_bytes(&client.name)),
            })
        })
    }

    /// Returns how many cells of all pools hold events. The cost of copying an engine grows with it.
    #[must_use]
    pub fn cells_in_use(&self) -> usize {
        self.seq.cells_in_use()
    }

    /// Returns the number of clients, those of the kernel included.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.seq.client_count()
    }

    /// Returns the text of `/proc/asound/seq/clients`.
    #[must_use]
    pub fn proc_clients(&self) -> String {
        crate::seq::proc::clients(&self.seq)
    }

    /// Returns the text of `/proc/asound/seq/queues`.
    #[must_use]
    pub fn proc_queues(&self) -> String {
        crate::seq::proc::queues(&self.seq)
    }

    /// Returns the text of `/proc/asound/seq/timer`.
    #[must_use]
    pub fn proc_timer(&self) -> String {
        crate::seq::proc::timer(&self.seq)
    }

    /// Returns the text of `/proc/asound/seq/drivers`: empty without sequencer hardware.
    #[must_use]
    pub const fn proc_drivers(&self) -> &'static str {
        ""
    }

    /// Returns the text of `/proc/asound/timers`.
    #[must_use]
    pub fn proc_timers(&self) -> String {
        timer::proc::timers(&self.seq.timers)
    }

    /// Returns the text of `/proc/asound/version`, with the release of [`REFERENCE_KERNEL`].
    #[must_use]
    pub fn proc_version(&self) -> String {
        alloc::format!(
            "Advanced Linux Sound Architecture Driver Version k{REFERENCE_KERNEL}+aseqd.\n"
        )
    }

    // Inlined because most calls are a client's: out of line, `direct` of benches/instructions.rs takes
    // one instruction more per event.
    #[inline(always)]
    fn call_client(&mut self, client: u8, call: Call<'_>, out: &mut Vec<u8>) -> Reply {
        match call {
            Call::Ioctl { request, compat, arg } => {
                let seq = &mut self.seq;
                request::handle(ioctl::TABLE, seq, client, (request, compat), arg, out).into()
            }
            Call::Read { len, nonblock } => self.seq.read(client, len, nonblock, out),
            Call::Write { data, nonblock } => self.seq.write(client, data, nonblock),
            Call::Poll => Reply::Done(self.seq.poll(client)),
        }
    }

    fn call_timer(&mut self, handle: Handle, call: Call<'_>, out: &mut Vec<u8>) -> Reply {
        match call {
            Call::Ioctl { request, compat, arg } => {
                self.handle_timer_ioctl(handle, request, compat, arg, out).into()
            }
            Call::Read { len, nonblock } => self.seq.timers.read(handle, len, nonblock, out),
            Call::Write { .. } => Reply::Failed(NO_WRITE),
            Call::Poll => Reply::Done(self.seq.timers.poll(handle)),
        }
    }

    fn handle_timer_ioctl(
        &mut self,
        handle: Handle,
        request: u32,
        compat: bool,
        arg: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        // Only CREATE opens a file.
        let creates = request == aseqd_abi::ioctl::timers::CREATE;
        let spare = if creates { Some(self.free_slot()?) } else { None };
        let caller = timer::ioctl::Caller { handle, compat, at: self.now };
        let (table, timers) = (timer::ioctl::TABLE, &mut self.seq.timers);
        let value = request::handle(table, timers, caller, (request, compat), arg, out)?;
        if let Some(file) = spare {
            self.open_user_timer(file, out);
        }
        Ok(value)
    }

    /// Opens the file of a user-driven timer that was just created. Its number takes the place of
    /// the descriptor that the program will get.
    fn open_user_timer(&mut self, file: FileId, created: &mut [u8]) {
        if let Ok(mut info) = TimerUinfo::read_from_bytes(created)
            && let Ok(number) = u8::try_from(info.id)
        {
            info.fd = file.0.cast_signed();
            created.copy_from_slice(info.as_bytes());
            self.put(file, OpenFile::UserTimer(number));
        }
    }

    fn become_user_timer(&mut self, file: FileId, resolution: u64) -> Result<usize, Error> {
        let OpenFile::Timer(handle) = self.look_up(file)? else {
            return Err(Error::new(Errno::ENOTTY, "not a file of the timer device"));
        };
        let number = self.seq.timers.create_user_timer(resolution)?;
        self.seq.timers.close_handle(self.now, handle);
        self.put(file, OpenFile::UserTimer(number));
        Ok(number.into())
    }

    fn call_user_timer(&mut self, number: u8, call: Call<'_>) -> Reply {
        match call {
            Call::Ioctl { request: aseqd_abi::ioctl::timers::TRIGGER, .. } => {
                self.seq.trigger(number);
                Reply::Done(0)
            }
            Call::Ioctl { .. } => {
                Reply::Failed(Error::new(Errno::ENOTTY, "a user-driven timer takes only TRIGGER"))
            }
            Call::Read { .. } | Call::Write { .. } => Reply::Failed(NO_WRITE),
            // Linux answers this for files that cannot be polled.
            Call::Poll => Reply::Done(READABLE | WRITABLE),
        }
    }

    fn call_control(&mut self, file: FileId, call: Call<'_>, out: &mut Vec<u8>) -> Reply {
        let Some(Some(OpenFile::Control(control))) = self.files.get_mut(file.0 as usize) else {
            return Reply::Failed(Error::new(Errno::EBADF, "no such file is open"));
        };
        match call {
            Call::Ioctl { request, compat, arg } => {
                request::handle(control::TABLE, control, (), (request, compat), arg, out).into()
            }
            Call::Read { len, nonblock } => control.read(len, nonblock),
            Call::Write { .. } => Reply::Failed(NO_WRITE),
            Call::Poll => Reply::Done(0),
        }
    }

    fn look_up(&self, file: FileId) -> Result<OpenFile, Error> {
        self.files
            .get(file.0 as usize)
            .copied()
            .flatten()
            .ok_or(Error::new(Errno::EBADF, "no such file is open"))
    }

    /// Returns the lowest free number of a file.
    fn free_slot(&self) -> Result<FileId, Error> {
        let slot = self.files.iter().position(Option::is_none).unwrap_or(self.files.len());
        u32::try_from(slot).map(FileId).map_err(|_| Error::new(Errno::ENOMEM, "too many files"))
    }

    fn put(&mut self, file: FileId, open: OpenFile) {
        let slot = file.0 as usize;
        if slot == self.files.len() {
            self.files.push(None);
        }
        self.files[slot] = Some(open);
    }

    fn handle_open(
        &mut self,
        node: Node,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<usize, Error> {
        let file = self.free_slot()?;
        let open = match (node, identity) {
            (Node::Sequencer, _) => OpenFile::Client(self.seq.open(file, access, identity)?),
            (Node::Timer, Identity::User { pid }) => {
                OpenFile::Timer(self.seq.timers.open_handle(file, pid))
            }
            (Node::Control, Identity::User { .. }) => OpenFile::Control(Control::default()),
            (Node::Timer | Node::Control, Identity::Kernel { .. }) => {
                return Err(Error::new(Errno::EINVAL, "only programs open this device"));
            }
        };
        self.put(file, open);
        Ok(file.0 as usize)
    }

    fn handle_close(&mut self, file: FileId) -> Result<usize, Error> {
        let open = self.look_up(file)?;
        self.files[file.0 as usize] = None;
        match open {
            OpenFile::Client(client) => self.seq.close(client),
            OpenFile::Timer(handle) => self.seq.timers.close_handle(self.now, handle),
            OpenFile::UserTimer(number) => self.seq.timers.remove_user_timer(self.now, number),
            OpenFile::Control(_) => {}
        }
        Ok(0)
    }
}

const NO_WRITE: Error = Error::new(Errno::EINVAL, "the file has no such operation");
