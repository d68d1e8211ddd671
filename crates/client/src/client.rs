//! One open of the sequencer, and what can be asked of it.

use crate::error::{Device, Error, Result};
use crate::ioctl::{errno, ioctl};
use crate::name::{name_field, text};
use crate::open::open;
use crate::port::Port;
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{
    ClientInfo, PortCaps, PortInfo, PortSubscribe, PortType, QUERY_SUBS_READ, QUERY_SUBS_WRITE,
    QuerySubs, QueueStatus, QueueTempo, VERSION,
};
use aseqd_abi::{Address, Errno, Event};
use rustix::fs::OFlags;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of one read: a full FIFO of default size.
const READ_SIZE: usize = 200 * aseqd_abi::event::EVENT_SIZE;

/// One open of the device; reads and writes do not sleep.
#[derive(Debug)]
pub struct Client {
    descriptor: OwnedFd,
    id: u8,
    /// Events that were read and not asked for yet.
    pending: RefCell<VecDeque<(Event, Vec<u8>)>>,
}
impl Client {
    /// Opens the device file and names the client.
    ///
    /// # Errors
    /// [`Error::Open`] if there is no such file or it may not be opened, [`Error::WrongDevice`] if it is something else.
    pub fn open(path: &Path, name: &str) -> Result<Self> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK;
        let descriptor = open(path, Device::Sequencer, flags, request::PVERSION)?;
        let mut id = 0_i32;
        let asked = ioctl(descriptor.as_fd(), request::CLIENT_ID, &mut id);
        let id = asked.and_then(|_| u8::try_from(id).map_err(|_| Errno::EIO));
        let id = id.map_err(|errno| Error::WrongDevice {
            device: Device::Sequencer,
            path: path.to_owned(),
            errno,
        })?;
        let client = Self { descriptor, id, pending: RefCell::default() };
        // Old kernels do not know it; then nothing depends on it either.
        let _unknown = client.ioctl(request::USER_PVERSION, &mut VERSION.clone());
        let what = "the client cannot be named";
        let missing = Error::Call { what, errno: Errno::ENOENT };
        let mut info = client.info(id)?.ok_or(missing)?;
        info.name = name_field(name);
        client.ioctl(request::SET_CLIENT_INFO, &mut info).map_err(Error::of(what))?;
        Ok(client)
    }

    /// The own number.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// Makes any request of the sequencer's interface.
    ///
    /// # Errors
    /// The sequencer's error number.
    pub fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> std::result::Result<i32, Errno> {
        ioctl(self.descriptor.as_fd(), code, argument)
    }

    /// Writes events, each followed by its data if it has any, and returns how many bytes were taken: whole events.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room for the first event; [`Error::would_block`] says so. Otherwise what the sequencer
    /// answers for the first event.
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        rustix::io::retry_on_intr(|| rustix::io::write(&self.descriptor, bytes))
            .map_err(errno)
            .map_err(Error::of("events cannot be sent"))
    }

    /// Is there an event that was read and not asked for yet?
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// Returns the next event with its data, if there is one.
    ///
    /// # Errors
    /// [`Error::EventsLost`] once after events were lost, because they came faster than they were read.
    pub fn read_event(&self) -> Result<Option<(Event, Vec<u8>)>> {
        if let Some(event) = self.pending.borrow_mut().pop_front() {
            return Ok(Some(event));
        }
        let mut buffer = vec![0; READ_SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.descriptor, &mut buffer));
        let bytes = match read.map_err(errno) {
            Ok(read) => &buffer[..read],
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::ENOSPC) => return Err(Error::EventsLost),
            Err(errno) => return Err(Error::of("the sequencer cannot be read")(errno)),
        };
        let mut pending = self.pending.borrow_mut();
        pending.extend(split(bytes));
        Ok(pending.pop_front())
    }

    /// A client's information; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn info(&self, client: u8) -> Result<Option<ClientInfo>> {
        let mut info = ClientInfo { client: client.into(), ..ClientInfo::default() };
        let found = self.ioctl(request::GET_CLIENT_INFO, &mut info);
        optional(found, "clients cannot be asked").map(|found| found.then_some(info))
    }

    /// Every client, ascending.
    ///
    /// # Errors
    /// As a sentence.
    pub fn clients(&self) -> Result<Vec<ClientInfo>> {
        let mut clients = Vec::new();
        let mut info = ClientInfo { client: -1, ..ClientInfo::default() };
        while optional(
            self.ioctl(request::QUERY_NEXT_CLIENT, &mut info),
            "clients cannot be listed",
        )? {
            clients.push(info);
        }
        Ok(clients)
    }

    /// Every port of a client, ascending.
    ///
    /// # Errors
    /// As a sentence.
    pub fn ports_of(&self, client: u8) -> Result<Vec<PortInfo>> {
        let mut ports = Vec::new();
        // The number before 0, since the next one is asked for.
        let addr = Address::new(client, u8::MAX);
        let mut info = PortInfo { addr, ..PortInfo::default() };
        while optional(self.ioctl(request::QUERY_NEXT_PORT, &mut info), "ports cannot be listed")? {
            ports.push(info);
            if info.addr.port == u8::MAX {
                break;
            }
            info = PortInfo { addr: info.addr, ..PortInfo::default() };
        }
        Ok(ports)
    }

    /// Every port.
    ///
    /// # Errors
    /// As a sentence.
    pub fn ports(&self) -> Result<Vec<Port>> {
        let mut all = Vec::new();
        for client in self.clients()? {
            let number = u8::try_from(client.client).unwrap_or(u8::MAX);
            all.extend(self.ports_of(number)?.into_iter().map(|port| Port {
                address: port.addr,
                client_name: text(&client.name),
                name: text(&port.name),
                caps: PortCaps::from_bits_retain(port.capability),
                port_type: PortType::from_bits_retain(port.port_type),
            }));
        }
        Ok(all)
    }

    /// Where a port's events go to.
    ///
    /// # Errors
    /// As a sentence.
    pub fn outgoing(&self, port: Address) -> Result<Vec<QuerySubs>> {
        self.subscriptions(port, QUERY_SUBS_READ)
    }

    /// Where a port's events come from.
    ///
    /// # Errors
    /// As a sentence.
    pub fn incoming(&self, port: Address) -> Result<Vec<QuerySubs>> {
        self.subscriptions(port, QUERY_SUBS_WRITE)
    }

    fn subscriptions(&self, root: Address, query_type: i32) -> Result<Vec<QuerySubs>> {
        let mut all = Vec::new();
        for index in 0.. {
            let mut query = QuerySubs { root, query_type, index, ..QuerySubs::default() };
            let found = self.ioctl(request::QUERY_SUBS, &mut query);
            if !optional(found, "connections cannot be listed")? {
                break;
            }
            all.push(query);
        }
        Ok(all)
    }

    /// Creates a port; its address.
    ///
    /// # Errors
    /// As a sentence.
    pub fn create_port(&self, name: &str, caps: PortCaps, port_type: PortType) -> Result<Address> {
        let mut info = PortInfo {
            addr: Address::new(self.id, 0),
            name: name_field(name),
            capability: caps.bits(),
            port_type: port_type.bits(),
            midi_channels: 16,
            ..PortInfo::default()
        };
        self.ioctl(request::CREATE_PORT, &mut info)
            .map_err(Error::of("a port cannot be created"))?;
        Ok(info.addr)
    }

    /// Connects two ports.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn subscribe(&self, subscription: &PortSubscribe) -> Result<()> {
        let made = self.ioctl(request::SUBSCRIBE_PORT, &mut subscription.clone());
        made.map(drop).map_err(Error::of("ports cannot be connected"))
    }

    /// Disconnects two ports.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn unsubscribe(&self, subscription: &PortSubscribe) -> Result<()> {
        let cut = self.ioctl(request::UNSUBSCRIBE_PORT, &mut subscription.clone());
        cut.map(drop).map_err(Error::of("ports cannot be disconnected"))
    }

    /// Where a queue is; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn queue_status(&self, queue: u8) -> Result<Option<QueueStatus>> {
        let mut status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        let found = self.ioctl(request::GET_QUEUE_STATUS, &mut status);
        optional(found, "a queue cannot be asked").map(|found| found.then_some(status))
    }

    /// A queue's tempo; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn queue_tempo(&self, queue: u8) -> Result<Option<QueueTempo>> {
        let mut tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        let found = self.ioctl(request::GET_QUEUE_TEMPO, &mut tempo);
        optional(found, "a queue cannot be asked").map(|found| found.then_some(tempo))
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// An answer that says there is none is no error.
fn optional(result: std::result::Result<i32, Errno>, what: &'static str) -> Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT | Errno::ENXIO | Errno::EINVAL) => Ok(false),
        Err(errno) => Err(Error::Call { what, errno }),
    }
}

/// Cuts what a read returned into events.
fn split(bytes: &[u8]) -> Vec<(Event, Vec<u8>)> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Ok((event, after)) = Event::read_from_prefix(rest) {
        rest = after;
        let mut data = Vec::new();
        if event.is_variable() {
            let len = (event.data.ext_len() as usize).min(rest.len());
            data.extend_from_slice(&rest[..len]);
            rest = &rest[len.next_multiple_of(aseqd_abi::event::EVENT_SIZE).min(rest.len())..];
        }
        events.push((event, data));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_cut_into_events_and_their_data() {
        let mut event = Event::direct(aseqd_abi::EventType::SYSEX);
        event.flags = aseqd_abi::EventFlags::VARIABLE;
        event.data = aseqd_abi::event::EventData::from_ext_len(3);
        let mut bytes = event.as_bytes().to_vec();
        bytes.extend([0xf0, 1, 0xf7]);
        bytes.resize(2 * aseqd_abi::event::EVENT_SIZE, 0);
        bytes.extend(Event::direct(aseqd_abi::EventType::NOTEON).as_bytes());
        let events = split(&bytes);
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].1, [0xf0, 1, 0xf7]);
        assert_eq!(events[1].0.event_type, aseqd_abi::EventType::NOTEON);
    }
}
