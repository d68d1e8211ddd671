//! A thin client of the sequencer that shows the cases every answer.

mod events;
mod requests;
mod through;
mod transfer;
mod ump;
mod watcher;

pub(crate) use events::{
    Received, at_tick, at_time, batch, control, note_of, note_on, split, variable,
};
pub(crate) use through::Through;
pub(crate) use ump::{
    LEGACY, MIDI1, MIDI2, NO_PACKETS, NOTE1, NOTE2, UMP_SIZE, UmpReceived, contents, legacy,
    packet, packet_at_tick, split_ump,
};
pub(crate) use watcher::{Watcher, told};

use crate::sys::{self, errno};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE, PORT_SYSTEM_TIMER, PortCaps};
use aseqd_abi::{Address, Errno};
use rustix::fs::{CWD, Mode as FileMode, OFlags, openat};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, IntoBytes};

static DEVICE: OnceLock<String> = OnceLock::new();

/// How long a case waits for an event before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The port that announces changes.
pub(crate) const ANNOUNCE: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_ANNOUNCE);
/// The port that controls queues.
pub(crate) const TIMER: Address = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
/// Midi Through.
pub(crate) const THROUGH: Address = Address::new(aseqd_abi::seq::CLIENT_DUMMY, 0);

/// A port of a client that can never exist.
pub(crate) const NOBODY: Address = Address::new(250, 0);

/// Every capability that matters.
pub(crate) const OPEN_PORT: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// Sets the device under test. Called once, at the start.
pub(crate) fn set_device(path: &str) {
    DEVICE.get_or_init(|| path.to_owned());
}

/// Returns the device under test.
pub(crate) fn device() -> &'static str {
    DEVICE.get().map_or("/dev/snd/seq", String::as_str)
}

/// How a client opens the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `O_RDONLY`.
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`.
    ReadWrite,
}

/// An open device file, non-blocking unless a function says otherwise.
#[derive(Debug)]
pub(crate) struct Client {
    /// The descriptor.
    pub fd: OwnedFd,
    /// The client number.
    pub id: u8,
}

impl Client {
    /// Opens the device, or returns the error.
    pub(crate) fn try_open(mode: Mode) -> Result<Self, Errno> {
        Self::try_open_with(mode, OFlags::NONBLOCK)
    }

    /// Opens the device with further flags.
    pub(crate) fn try_open_with(mode: Mode, flags: OFlags) -> Result<Self, Errno> {
        let access = match mode {
            Mode::Read => OFlags::RDONLY,
            Mode::Write => OFlags::WRONLY,
            Mode::ReadWrite => OFlags::RDWR,
        };
        let flags = access | flags | OFlags::CLOEXEC;
        let fd = openat(CWD, device(), flags, FileMode::empty()).map_err(errno)?;
        let mut id = 0_i32;
        sys::ioctl(&fd, s::CLIENT_ID, &mut id)?;
        Ok(Self { fd, id: u8::try_from(id).expect("a client number") })
    }

    /// Opens the device for reading and writing.
    pub(crate) fn open() -> Self {
        Self::open_as(Mode::ReadWrite)
    }

    /// Opens the device.
    pub(crate) fn open_as(mode: Mode) -> Self {
        Self::try_open(mode).expect("the device opens")
    }

    /// Opens the device so that calls block.
    pub(crate) fn open_blocking(mode: Mode) -> Self {
        Self::try_open_with(mode, OFlags::empty()).expect("the device opens")
    }

    /// Opens a client with one port, number 0, that anybody may use.
    pub(crate) fn with_port() -> Self {
        let client = Self::open();
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(0)));
        client
    }

    /// Returns the address of one of its ports.
    pub(crate) fn port(&self, port: u8) -> Address {
        Address::new(self.id, port)
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

    /// Opens a client with ports 0 to `count` - 1, which anybody may use.
    pub(crate) fn with_ports(count: u8) -> Self {
        let client = Self::open();
        for port in 0..count {
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(port)));
        }
        client
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Returns a name as the ABI has it.
pub(crate) fn name(text: &str) -> [u8; 64] {
    let mut name = [0; 64];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// Returns the text of a name.
pub(crate) fn text(name: &[u8; 64]) -> String {
    let bytes = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a struct with every byte 0xa5, to see which bytes an answer leaves alone.
pub(crate) fn patterned<T: FromBytes>() -> T {
    let Ok(value) = T::read_from_bytes(&vec![0xa5; size_of::<T>()]) else {
        unreachable!("as many bytes as it has")
    };
    value
}

/// Puts a number of events that are not due into a new queue of a client. Returns the client and the queue.
pub(crate) fn with_pending(client: Client, events: usize) -> (Client, u8) {
    let queue = client.create_queue();
    client.write_pending(queue, events);
    (client, queue)
}

/// Waits until a condition holds, at most for [`PATIENCE`].
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
