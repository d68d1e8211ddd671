//! A client of the sequencer, for requests exactly as a test wants them.

use super::sys;
use aseqd_abi::event::Event;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{
    Address, ClientInfo, PortCaps, PortInfo, PortSubscribe, QUERY_SUBS_READ, QUERY_SUBS_WRITE,
    QuerySubs, QueueInfo, SystemInfo,
};
use rustix::event::{PollFd, PollFlags, poll};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use zerocopy::{FromBytes, FromZeros as _, Immutable, IntoBytes};

pub(crate) const DEVICE: &str = "/dev/snd/seq";
pub(crate) const THROUGH: Address = Address::new(14, 0);
pub(crate) const ANNOUNCE: Address = Address::new(0, 1);

/// One open of the device.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) file: File,
    pub(crate) id: u8,
}

impl Client {
    pub(crate) fn open() -> Self {
        Self::try_open().expect("a client")
    }

    pub(crate) fn try_open() -> io::Result<Self> {
        Self::of(OpenOptions::new().read(true).write(true).open(DEVICE)?)
    }

    pub(crate) fn nonblocking() -> Self {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        Self::of(options.open(DEVICE).expect("a client")).expect("a client")
    }

    fn of(file: File) -> io::Result<Self> {
        let mut id = 0_i32;
        ioctl(&file, request::CLIENT_ID, &mut id)?;
        Ok(Self { file, id: u8::try_from(id).map_err(io::Error::other)? })
    }

    pub(crate) fn ioctl<T: IntoBytes + FromBytes>(&self, code: u32, argument: &mut T) {
        ioctl(&self.file, code, argument).unwrap_or_else(|error| panic!("{code:#x}: {error}"));
    }

    /// Creates a port that everybody may connect to and write to.
    pub(crate) fn create_port(&self) -> Address {
        let mut port = PortInfo::default();
        port.addr.client = self.id;
        let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        port.capability = caps.bits();
        port.name[..4].copy_from_slice(b"port");
        self.ioctl(request::CREATE_PORT, &mut port);
        port.addr
    }

    /// Changes the client's name.
    pub(crate) fn rename(&self, name: &str) {
        let mut info = self.client_info(self.id).expect("its own client");
        info.name.fill(0);
        info.name[..name.len()].copy_from_slice(name.as_bytes());
        self.ioctl(request::SET_CLIENT_INFO, &mut info);
    }

    pub(crate) fn create_queue(&self) -> u8 {
        let mut queue = QueueInfo { owner: self.id.into(), locked: 1, ..QueueInfo::default() };
        self.ioctl(request::CREATE_QUEUE, &mut queue);
        u8::try_from(queue.queue).expect("a queue number")
    }

    pub(crate) fn subscribe(&self, sender: Address, dest: Address) {
        let mut subscription = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.ioctl(request::SUBSCRIBE_PORT, &mut subscription);
    }

    pub(crate) fn system_info(&self) -> SystemInfo {
        let mut info = SystemInfo::default();
        self.ioctl(request::SYSTEM_INFO, &mut info);
        info
    }

    pub(crate) fn client_info(&self, client: u8) -> Option<ClientInfo> {
        let mut info = ClientInfo { client: client.into(), ..ClientInfo::default() };
        ioctl(&self.file, request::GET_CLIENT_INFO, &mut info).ok().map(|()| info)
    }

    /// Returns the numbers of all clients but this one.
    pub(crate) fn others(&self) -> Vec<u8> {
        (0..192)
            .filter(|client| *client != self.id)
            .filter(|client| self.client_info(*client).is_some())
            .collect()
    }

    /// Returns the client with a name.
    pub(crate) fn named(&self, name: &str) -> Option<u8> {
        self.others().into_iter().find(|client| {
            self.client_info(*client).is_some_and(|info| until_nul(&info.name) == name.as_bytes())
        })
    }

    /// Waits until a process has a port, and returns its address.
    pub(crate) fn port_of(&self, process: &mut super::Process) -> Address {
        let pid = process.pid();
        let mut port = Address::default();
        process.wait_until("its port", |_| {
            let mut clients =
                self.others().into_iter().filter_map(|client| self.client_info(client));
            let found = clients.find(|info| info.pid == pid && info.num_ports > 0);
            let client = found.and_then(|info| u8::try_from(info.client).ok());
            port.client = client.unwrap_or_default();
            client.is_some()
        });
        port
    }

    /// Returns the ports that are connected from (`true`) or to a port.
    pub(crate) fn subscribers(&self, port: Address, from: bool) -> Vec<Address> {
        let query_type = if from { QUERY_SUBS_READ } else { QUERY_SUBS_WRITE };
        let mut found = Vec::new();
        for index in 0.. {
            let mut query = QuerySubs { root: port, query_type, index, ..QuerySubs::default() };
            if ioctl(&self.file, request::QUERY_SUBS, &mut query).is_err() {
                break;
            }
            found.push(query.addr);
        }
        found
    }

    pub(crate) fn write(&self, events: &[Event]) -> io::Result<usize> {
        (&self.file).write(events.as_bytes())
    }

    /// Waits for at least one event, and returns all that can be read. For events of fixed length.
    pub(crate) fn read(&self) -> io::Result<Vec<Event>> {
        let mut events = vec![Event::new_zeroed(); 512];
        let read = (&self.file).read(events.as_mut_bytes())?;
        assert_eq!(read % aseqd_abi::event::EVENT_SIZE, 0, "whole events");
        events.truncate(read / aseqd_abi::event::EVENT_SIZE);
        Ok(events)
    }

    /// Returns whether the file becomes readable within a time.
    pub(crate) fn readable_within(&self, limit: std::time::Duration) -> bool {
        let mut descriptors = [PollFd::new(&self.file, PollFlags::IN)];
        let limit = rustix::time::Timespec::try_from(limit).expect("a short time");
        poll(&mut descriptors, Some(&limit)).is_ok_and(|ready| ready == 1)
    }
}

/// Makes an ioctl with a struct as its argument.
pub(crate) fn ioctl<T: IntoBytes + FromBytes>(
    file: &File,
    code: u32,
    argument: &mut T,
) -> io::Result<()> {
    sys::ioctl(file, code, argument.as_mut_bytes()).map(drop)
}

fn until_nul(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Returns the bytes of a value, to compare them.
pub(crate) fn bytes<T: IntoBytes + Immutable>(value: &T) -> &[u8] {
    value.as_bytes()
}
