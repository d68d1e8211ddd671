//! One open of the sequencer, and what can be asked of it.

use crate::ioctl::{errno, ioctl};
use crate::name::{name_field, text};
use crate::port::{Port, list, resolve};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{
    ClientInfo, PortCaps, PortInfo, PortSubscribe, PortType, QUERY_SUBS_READ, QUERY_SUBS_WRITE,
    QuerySubs, QueueStatus, QueueTempo, VERSION,
};
use aseqd_abi::{Address, Errno, Event};
use aseqd_host::error::{Context as _, Fail, reason};
use rustix::fs::{CWD, Mode, OFlags, openat};
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
    /// Opens the device and takes a name.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn open(path: &Path, name: &str) -> Result<Self, Fail> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let descriptor = openat(CWD, path, flags, Mode::empty()).map_err(|error| {
            use rustix::io::Errno as Open;
            let why = match error {
                Open::NOENT | Open::NODEV | Open::NXIO => {
                    "there is no sequencer; run this under `aseqd run -- CMD`, or start `aseqd serve`".to_owned()
                }
                Open::ACCESS => "permission denied; join the group that may open it, often `audio`".to_owned(),
                Open::NOMEM => "all client numbers are taken".to_owned(),
                error => reason(&error),
            };
            Fail::new(format!("{} cannot be opened: {why}", path.display()))
        })?;
        let what = || format!("{} is not a sequencer", path.display());
        let mut version = 0_i32;
        ioctl(descriptor.as_fd(), request::PVERSION, &mut version).with_context(what)?;
        let mut id = 0_i32;
        ioctl(descriptor.as_fd(), request::CLIENT_ID, &mut id).with_context(what)?;
        let id = u8::try_from(id).with_context(what)?;
        let client = Self { descriptor, id, pending: RefCell::default() };
        // Old kernels do not know it; then nothing depends on it either.
        let _unknown = client.ioctl(request::USER_PVERSION, &mut VERSION.clone());
        let mut info = client.info(id)?.ok_or_else(|| {
            Fail::new("the sequencer does not find the client that it has just made")
        })?;
        info.name = name_field(name);
        client.ioctl(request::SET_CLIENT_INFO, &mut info).context("the client cannot be named")?;
        Ok(client)
    }

    /// The own number.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// Any request.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn ioctl<T: FromBytes + IntoBytes>(
        &self,
        code: u32,
        argument: &mut T,
    ) -> Result<i32, Errno> {
        ioctl(self.descriptor.as_fd(), code, argument)
    }

    /// `write`: whole events; how many bytes were taken.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        rustix::io::retry_on_intr(|| rustix::io::write(&self.descriptor, bytes)).map_err(errno)
    }

    /// Is there an event that was read and not asked for yet?
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// The next event with its data, if there is one.
    ///
    /// # Errors
    /// `ENOSPC` when events were lost, or what else a read says.
    pub fn try_read_event(&self) -> Result<Option<(Event, Vec<u8>)>, Errno> {
        if let Some(event) = self.pending.borrow_mut().pop_front() {
            return Ok(Some(event));
        }
        let mut buffer = vec![0; READ_SIZE];
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&self.descriptor, &mut buffer));
        let bytes = match read {
            Ok(read) => &buffer[..read],
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(errno(error)),
        };
        let mut pending = self.pending.borrow_mut();
        pending.extend(split(bytes));
        Ok(pending.pop_front())
    }

    /// The next event with its data, if there is one.
    ///
    /// # Errors
    /// As a sentence.
    pub fn read_event(&self) -> Result<Option<(Event, Vec<u8>)>, Fail> {
        self.try_read_event().map_err(|error| match error {
            Errno::ENOSPC => Fail::new("events were lost: they came faster than they were read"),
            error => Fail::new(format!("the sequencer cannot be read: {}", reason(&error))),
        })
    }

    /// A client's information; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn info(&self, client: u8) -> Result<Option<ClientInfo>, Fail> {
        let mut info = ClientInfo { client: client.into(), ..ClientInfo::default() };
        let found = self.ioctl(request::GET_CLIENT_INFO, &mut info);
        optional(found, "clients cannot be asked").map(|found| found.then_some(info))
    }

    /// Every client, ascending.
    ///
    /// # Errors
    /// As a sentence.
    pub fn clients(&self) -> Result<Vec<ClientInfo>, Fail> {
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
    pub fn ports_of(&self, client: u8) -> Result<Vec<PortInfo>, Fail> {
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
    pub fn ports(&self) -> Result<Vec<Port>, Fail> {
        let mut all = Vec::new();
        for client in self.clients()? {
            let number = u8::try_from(client.client).context("a client number")?;
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
    pub fn outgoing(&self, port: Address) -> Result<Vec<QuerySubs>, Fail> {
        self.subscriptions(port, QUERY_SUBS_READ)
    }

    /// Where a port's events come from.
    ///
    /// # Errors
    /// As a sentence.
    pub fn incoming(&self, port: Address) -> Result<Vec<QuerySubs>, Fail> {
        self.subscriptions(port, QUERY_SUBS_WRITE)
    }

    fn subscriptions(&self, root: Address, query_type: i32) -> Result<Vec<QuerySubs>, Fail> {
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
    pub fn create_port(
        &self,
        name: &str,
        caps: PortCaps,
        port_type: PortType,
    ) -> Result<Address, Fail> {
        let mut info = PortInfo {
            addr: Address::new(self.id, 0),
            name: name_field(name),
            capability: caps.bits(),
            port_type: port_type.bits(),
            midi_channels: 16,
            ..PortInfo::default()
        };
        self.ioctl(request::CREATE_PORT, &mut info).context("a port cannot be created")?;
        Ok(info.addr)
    }

    /// Connects two ports.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn subscribe(&self, subscription: &PortSubscribe) -> Result<(), Errno> {
        self.ioctl(request::SUBSCRIBE_PORT, &mut subscription.clone()).map(drop)
    }

    /// Disconnects two ports.
    ///
    /// # Errors
    /// The sequencer's.
    pub fn unsubscribe(&self, subscription: &PortSubscribe) -> Result<(), Errno> {
        self.ioctl(request::UNSUBSCRIBE_PORT, &mut subscription.clone()).map(drop)
    }

    /// Where a queue is; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn queue_status(&self, queue: u8) -> Result<Option<QueueStatus>, Fail> {
        let mut status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        let found = self.ioctl(request::GET_QUEUE_STATUS, &mut status);
        optional(found, "a queue cannot be asked").map(|found| found.then_some(status))
    }

    /// A queue's tempo; none if it does not exist.
    ///
    /// # Errors
    /// As a sentence.
    pub fn queue_tempo(&self, queue: u8) -> Result<Option<QueueTempo>, Fail> {
        let mut tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        let found = self.ioctl(request::GET_QUEUE_TEMPO, &mut tempo);
        optional(found, "a queue cannot be asked").map(|found| found.then_some(tempo))
    }

    /// The port that a text means: `128:0`, `128`, a client's name, or `name:port`, where the port is
    /// a number or a name. Names may be cut, if what is left means one port only.
    ///
    /// # Errors
    /// A sentence that says what was asked for, and what exists.
    pub fn find_port(&self, wanted: &str) -> Result<Address, Fail> {
        let ports = self.ports()?;
        resolve(wanted, &ports)?
            .ok_or_else(|| Fail::new(format!("there is no port {wanted}; {}", list(&ports))))
    }

    /// A sentence that names the ports of all others.
    ///
    /// # Errors
    /// As a sentence.
    pub fn list_ports(&self) -> Result<String, Fail> {
        let mut ports = self.ports()?;
        ports.retain(|port| port.address.client != self.id);
        Ok(list(&ports))
    }

    /// As [`Client::find_port`], but none if there is no such port yet. Ports of this client do not count.
    ///
    /// # Errors
    /// A sentence, also if several ports are meant.
    pub fn look_for_port(&self, wanted: &str) -> Result<Option<Address>, Fail> {
        let mut ports = self.ports()?;
        ports.retain(|port| port.address.client != self.id);
        resolve(wanted, &ports)
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// An answer that says there is none is no error.
fn optional(result: Result<i32, Errno>, what: &str) -> Result<bool, Fail> {
    match result {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT | Errno::ENXIO | Errno::EINVAL) => Ok(false),
        Err(error) => Err(error).context(what),
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
