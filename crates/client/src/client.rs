//! One open of the sequencer, and what the sequencer says about clients.

use crate::device_file::{DeviceFile, Direction};
use crate::error::{Device, Error, Result};
use crate::name::name_field;
use crate::open::{open, set_nonblocking, wait};
use crate::ump::Protocol;
use crate::unread::Unread;
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{ClientInfo, ClientPool, SystemInfo, VERSION};
use rustix::fs::OFlags;
use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use zerocopy::{FromBytes, IntoBytes};

/// A client of the sequencer: one open device file. Dropping it closes the client with its ports and queues.
///
/// Reads and writes return at once, unless [`OpenOptions::blocking`] or [`Client::set_nonblocking`] says otherwise.
/// [`Client::wait`] waits for an event in both cases; [`AsFd`] gives the descriptor for a `poll` of your own.
#[derive(Debug)]
pub struct Client<F = OwnedFd> {
    pub(crate) file: F,
    id: u8,
    pub(crate) unread: RefCell<Unread>,
    /// What the client speaks, which says how long the records are that it reads.
    pub(crate) protocol: Cell<Protocol>,
}

/// How to open the sequencer.
///
/// ```no_run
/// use aseqd_client::{Access, DEVICE, OpenOptions};
///
/// let options = OpenOptions::new().access(Access::Write).blocking(true);
/// let client = options.open(DEVICE, "a metronome")?;
/// # Ok::<(), aseqd_client::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    access: Access,
    blocking: bool,
}

/// The directions in which a device file is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Events can be received, and not sent. The client has no output pool.
    Read,
    /// Events can be sent, and not received. The client has no input pool.
    Write,
    /// Both.
    #[default]
    ReadWrite,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenOptions {
    /// Returns the options of [`Client::open`]: both directions, and no call sleeps.
    #[must_use]
    pub const fn new() -> Self {
        Self { access: Access::ReadWrite, blocking: false }
    }

    /// Sets the directions.
    #[must_use]
    pub const fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Sets whether reads sleep until there is an event, and writes until there is room.
    #[must_use]
    pub const fn blocking(self, blocking: bool) -> Self {
        Self { blocking, ..self }
    }

    /// Opens the device file and names the client. At most 63 bytes of the name are used; without a name the
    /// sequencer gives one.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open(&self, path: impl AsRef<Path>, name: &str) -> Result<Client> {
        let path = path.as_ref();
        let device = Device::Sequencer;
        let file = self.open_file(path)?;
        let id = id_of(&file);
        let id = id.map_err(|errno| Error::WrongDevice { device, path: path.to_owned(), errno })?;
        Client::introduced(file, id, name)
    }

    /// Opens the device file, asks for its version and closes it again: the shortest way to know whether a
    /// sequencer is there.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<()> {
        self.open_file(path).map(drop)
    }

    /// Opens the device file and does nothing more with it: the client keeps the name that the sequencer gives it. For
    /// programs that make every request themselves, with the methods of [`DeviceFile`].
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open_file(&self, path: impl AsRef<Path>) -> Result<OwnedFd> {
        let mut flags = match self.access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        flags.set(OFlags::NONBLOCK, !self.blocking);
        open(path.as_ref(), Device::Sequencer, flags, request::PVERSION)
    }
}

impl Client {
    /// Opens the device file for reading and writing without sleeping, and names the client.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open(path: impl AsRef<Path>, name: &str) -> Result<Self> {
        OpenOptions::new().open(path, name)
    }
}

/// Asks an open sequencer for the number of the client that it is.
fn id_of(file: &impl DeviceFile) -> std::result::Result<u8, Errno> {
    let mut id = 0_i32;
    file.ioctl(request::CLIENT_ID, id.as_mut_bytes())?;
    u8::try_from(id).map_err(|_| Errno::EIO)
}

impl<F: DeviceFile> Client<F> {
    /// Makes a client of a sequencer that is open already, and names it. Its reads and writes sleep if those of the
    /// file do.
    ///
    /// # Errors
    /// `ENOTTY` if it is not a sequencer.
    pub fn over(file: F, name: &str) -> Result<Self> {
        let id = id_of(&file).map_err(Error::of("the client has no number"))?;
        Self::introduced(file, id, name)
    }

    fn introduced(file: F, id: u8, name: &str) -> Result<Self> {
        let client = Self { file, id, unread: RefCell::default(), protocol: Cell::default() };
        // Linux before 6.5 does not know this request, and does nothing that depends on it.
        let _unknown = client.ioctl(request::USER_PVERSION, &mut VERSION.clone());
        client.set_name(name)?;
        Ok(client)
    }

    /// Returns the open file, to look at.
    #[must_use]
    pub const fn file(&self) -> &F {
        &self.file
    }

    /// Returns the number of this client.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// Makes any request of the sequencer's interface: those of [`aseqd_abi::ioctl::sequencer`].
    ///
    /// # Errors
    /// The sequencer's error number; `ENOTTY` for a request of another interface.
    pub fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> std::result::Result<i32, Errno> {
        self.file.ioctl(code, argument.as_mut_bytes())
    }

    /// Makes a request that changes something.
    pub(crate) fn set<T: FromBytes + IntoBytes + Clone>(
        &self,
        code: u32,
        argument: &T,
        what: &'static str,
    ) -> Result<()> {
        self.ioctl(code, &mut argument.clone()).map(drop).map_err(Error::of(what))
    }

    /// Makes a request that asks about something, which may not exist.
    pub(crate) fn get<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        mut argument: T,
        what: &'static str,
    ) -> Result<Option<T>> {
        match self.ioctl(code, &mut argument) {
            Ok(_) => Ok(Some(argument)),
            Err(Errno::ENOENT | Errno::ENXIO | Errno::EINVAL) => Ok(None),
            Err(errno) => Err(Error::Call { what, errno }),
        }
    }

    /// Chooses whether reads and writes return at once when there is no event or no room.
    ///
    /// # Errors
    /// Never for an open sequencer.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        set_nonblocking(&self.file, nonblocking)
    }

    /// Waits until there is an event to read. Returns `false` if the timeout passes first.
    ///
    /// # Errors
    /// [`Error::Ended`] if the sequencer has ended.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        if self.has_event() {
            return Ok(true);
        }
        wait(&self.file, Device::Sequencer, Direction::Read, timeout)
    }

    /// Waits until the output pool has room again, for a client whose writes do not sleep. Returns `false` if the
    /// timeout passes first.
    ///
    /// # Errors
    /// [`Error::Ended`] if the sequencer has ended.
    pub fn wait_for_room(&self, timeout: Option<Duration>) -> Result<bool> {
        wait(&self.file, Device::Sequencer, Direction::Write, timeout)
    }

    /// Returns whether there is an event that was read from the device and not asked for yet. A `poll` of the
    /// descriptor does not know of it.
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.unread.borrow().is_empty()
    }

    /// Returns the sequencer's limits, and how many clients and queues there are.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn system_info(&self) -> Result<SystemInfo> {
        let mut info = SystemInfo::default();
        let asked = self.ioctl(request::SYSTEM_INFO, &mut info);
        asked.map_err(Error::of("the sequencer cannot be asked"))?;
        Ok(info)
    }

    /// Returns the information of a client, if it exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn info(&self, client: u8) -> Result<Option<ClientInfo>> {
        let info = ClientInfo { client: client.into(), ..ClientInfo::default() };
        self.get(request::GET_CLIENT_INFO, info, "clients cannot be asked")
    }

    /// Returns the information of every client, this one included, in the order of their numbers.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn clients(&self) -> Result<Vec<ClientInfo>> {
        let mut clients = Vec::new();
        let mut last = ClientInfo { client: -1, ..ClientInfo::default() };
        let what = "clients cannot be listed";
        while let Some(next) = self.get(request::QUERY_NEXT_CLIENT, last, what)? {
            clients.push(next);
            last = next;
        }
        Ok(clients)
    }

    /// Changes the information of this client: name, filters, MIDI version. Start from what [`Client::info`] returns.
    ///
    /// # Errors
    /// `EPERM` for the number of another client, `EINVAL` for a change of the type, or for a MIDI version that the
    /// sequencer does not have ([`Client::set_protocol`] says so in words).
    pub fn set_info(&self, info: &ClientInfo) -> Result<()> {
        self.set(request::SET_CLIENT_INFO, info, "the client cannot be changed")?;
        // Linux before 6.5 does not look at the version. So it is asked which one it has taken.
        let asked = match info.midi_version {
            0 => None,
            _ => self.info(self.id)?,
        };
        let taken = asked.and_then(|info| Protocol::of(info.midi_version));
        self.protocol.set(taken.unwrap_or_default());
        Ok(())
    }

    /// Renames this client. At most 63 bytes of the name are used.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn set_name(&self, name: &str) -> Result<()> {
        let what = "the client cannot be named";
        let missing = Error::Call { what, errno: Errno::ENOENT };
        let mut info = self.info(self.id)?.ok_or(missing)?;
        info.name = name_field(name);
        self.set(request::SET_CLIENT_INFO, &info, what)
    }

    /// Returns the sizes of a client's memory pools and how much of them is free, if the client exists.
    ///
    /// # Errors
    /// If the sequencer has ended.
    pub fn pools(&self, client: u8) -> Result<Option<ClientPool>> {
        let pools = ClientPool { client: client.into(), ..ClientPool::default() };
        self.get(request::GET_CLIENT_POOL, pools, "pools cannot be asked")
    }

    /// Changes the sizes of this client's memory pools, in cells: 1 to 2000. An event needs one cell, and one more for
    /// every 28 bytes of its data. A writer wakes once `output_room` cells are free. A number out of range leaves
    /// what it stands for as it is.
    ///
    /// Unread events are lost when the size of the input pool changes.
    ///
    /// # Errors
    /// `EBUSY` while events of this client wait in queues.
    pub fn set_pools(&self, output: u32, input: u32, output_room: u32) -> Result<()> {
        let cells = |cells: u32| i32::try_from(cells).unwrap_or(i32::MAX);
        let pools = ClientPool {
            client: self.id.into(),
            output_pool: cells(output),
            input_pool: cells(input),
            output_room: cells(output_room),
            ..ClientPool::default()
        };
        self.set(request::SET_CLIENT_POOL, &pools, "the pools cannot be changed")?;
        if input > 0 {
            self.unread.borrow_mut().fit(usize::try_from(input).unwrap_or_default());
        }
        Ok(())
    }
}

impl<F: AsFd> AsFd for Client<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
