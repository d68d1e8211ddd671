//! A client: one open file of the device, or one of the kernel's own.

use super::fifo::Fifo;
use super::pool::Pool;
use super::port::Port;
use super::ump::endpoint::Endpoint;
use crate::contract::FileId;
use crate::limits::{
    DEFAULT_INPUT_CELLS, DEFAULT_OUTPUT_CELLS, MAX_CELLS, MAX_PORTS, MAX_SUBSCRIPTIONS,
    MAX_SUBSCRIPTIONS_BY_OTHERS,
};
use crate::name::{Name, name};
use crate::{Access, Error};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use aseqd_abi::seq::{ClientFilter, KERNEL_CLIENT, USER_CLIENT};
use aseqd_abi::ump::CLIENT_LEGACY_MIDI;
use aseqd_abi::{Errno, EventType};

/// The kind of a client: it decides what becomes of events to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum ClientKind {
    /// A program.
    User,
    /// A client of kernel type with a file: hardware or a bridge in the server.
    Kernel,
    /// Client 0.
    System,
    /// Midi Through.
    Dummy,
}

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Client {
    pub(crate) number: u8,
    pub(crate) kind: ClientKind,
    /// The open file; `None` for the built-in clients.
    pub(crate) file: Option<FileId>,
    pub(crate) access: Access,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::plain"))]
    pub(crate) name: Name,
    #[cfg_attr(feature = "serde", serde(with = "crate::state::flags"))]
    pub(crate) filter: ClientFilter,
    pub(crate) event_filter: [u8; 32],
    pub(crate) group_filter: u32,
    pub(crate) event_lost: i32,
    pub(crate) midi_version: u32,
    pub(crate) card: i32,
    pub(crate) pid: i32,
    /// The protocol version that the program declared.
    pub(crate) user_pversion: u32,
    /// Whether the program declared that it is a 32-bit one.
    pub(crate) convert32: bool,
    /// Ascending by number.
    pub(crate) ports: Vec<Port>,
    /// The number of the port with `UMP_ENDPOINT`.
    pub(crate) ump_endpoint: Option<u8>,
    /// Whether the client has ever used UMP, so that input and ports are prepared for packets.
    pub(crate) wide: bool,
    /// What the program has said about its endpoint.
    pub(crate) endpoint: Option<Box<Endpoint>>,
    /// Output pool.
    pub(crate) pool: Pool,
    /// Unread events; `None` if the client cannot receive.
    pub(crate) fifo: Option<Fifo>,
    /// Whether an [`Output::Ready`](crate::Output::Ready) is on its way.
    pub(crate) ready: bool,
}

impl Client {
    pub(crate) fn user(number: u8, file: FileId, access: Access, pid: i32) -> Self {
        let fifo = access.reads().then(|| Fifo::new(DEFAULT_INPUT_CELLS));
        let name = name(&format!("Client-{number}"));
        Self {
            file: Some(file),
            access,
            fifo,
            ..Self::new(number, ClientKind::User, name, -1, pid)
        }
    }

    pub(crate) fn kernel(
        number: u8,
        file: FileId,
        access: Access,
        card: i32,
        client_name: &str,
    ) -> Self {
        let fifo = access.reads().then(|| Fifo::new(MAX_CELLS));
        let name = name(client_name);
        Self {
            file: Some(file),
            access,
            fifo,
            ..Self::new(number, ClientKind::Kernel, name, card, -1)
        }
    }

    pub(crate) fn built_in(number: u8, kind: ClientKind, client_name: &str) -> Self {
        Self::new(number, kind, name(client_name), -1, -1)
    }

    fn new(number: u8, kind: ClientKind, name: Name, card: i32, pid: i32) -> Self {
        Self {
            number,
            kind,
            file: None,
            access: Access::ReadWrite,
            name,
            filter: ClientFilter::empty(),
            event_filter: [0; 32],
            group_filter: 0,
            event_lost: 0,
            midi_version: 0,
            card,
            pid,
            user_pversion: 0,
            convert32: false,
            ports: Vec::new(),
            ump_endpoint: None,
            wide: false,
            endpoint: None,
            pool: Pool::new(DEFAULT_OUTPUT_CELLS),
            fifo: None,
            ready: false,
        }
    }

    pub(crate) fn is_user(&self) -> bool {
        self.kind == ClientKind::User
    }

    /// Returns whether there may be one more subscription to (`outgoing`) or from its ports. The
    /// kernel's clients have no bound of their own: the user clients at the other ends have one.
    pub(crate) fn has_subscription_to_spare(&self, outgoing: bool, own: bool) -> bool {
        let side =
            |port: &Port| if outgoing { port.outgoing.count() } else { port.incoming.count() };
        let count: i32 = self.ports.iter().map(side).sum();
        let most = if own { MAX_SUBSCRIPTIONS } else { MAX_SUBSCRIPTIONS_BY_OTHERS };
        !self.is_user() || usize::try_from(count).is_ok_and(|count| count < most)
    }

    pub(crate) fn type_number(&self) -> i32 {
        if self.is_user() { USER_CLIENT } else { KERNEL_CLIENT }
    }

    /// Returns whether the program has declared this protocol version or a later one.
    pub(crate) const fn speaks(&self, version: i32) -> bool {
        self.user_pversion >= version.cast_unsigned()
    }

    pub(crate) fn accepts_input(&self) -> bool {
        self.fifo.is_some() || self.file.is_none()
    }

    /// Returns whether the client reads and writes records of UMP.
    pub(crate) const fn uses_ump(&self) -> bool {
        self.midi_version != CLIENT_LEGACY_MIDI
    }

    /// Prepares input and ports for packets.
    pub(crate) fn widen(&mut self) {
        self.wide = true;
        if let Some(fifo) = &mut self.fifo {
            fifo.widen();
        }
        self.ports.iter_mut().for_each(Port::widen);
    }

    /// Returns whether the client's own filter lets a type in.
    pub(crate) fn wants(&self, event_type: EventType) -> bool {
        let EventType(number) = event_type;
        !self.filter.contains(ClientFilter::USE_EVENT)
            || self.event_filter[usize::from(number / 8)] & (1 << (number % 8)) != 0
    }

    pub(crate) fn port(&self, number: u8) -> Option<&Port> {
        // Most clients number their ports from 0 without gaps.
        match self.ports.get(usize::from(number)) {
            Some(port) if port.number == number => Some(port),
            _ => self.port_elsewhere(number),
        }
    }

    #[cold]
    fn port_elsewhere(&self, number: u8) -> Option<&Port> {
        self.port_index(number).ok().map(|index| &self.ports[index])
    }

    pub(crate) fn port_mut(&mut self, number: u8) -> Option<&mut Port> {
        self.port_index(number).ok().map(|index| &mut self.ports[index])
    }

    /// Returns the index of a port.
    pub(crate) fn port_place(&self, number: u8) -> Option<usize> {
        let likely = usize::from(number);
        match self.ports.get(likely) {
            Some(port) if port.number == number => Some(likely),
            _ => self.port_index(number).ok(),
        }
    }

    pub(crate) fn port_index(&self, number: u8) -> Result<usize, usize> {
        self.ports.binary_search_by_key(&number, |port| port.number)
    }

    /// Adds a port with a given number, or with the lowest free one.
    pub(crate) fn add_port(&mut self, given: Option<u8>) -> Result<&mut Port, Error> {
        if self.ports.len() >= MAX_PORTS {
            return Err(Error::new(Errno::EINVAL, "the client cannot have more ports"));
        }
        let number = given.unwrap_or_else(|| self.lowest_free_port());
        match self.port_index(number) {
            Ok(_) => Err(Error::new(Errno::EBUSY, "the port number is taken")),
            Err(index) => {
                let mut port = Port::new(number);
                if self.wide {
                    port.widen();
                }
                self.ports.insert(index, port);
                Ok(&mut self.ports[index])
            }
        }
    }

    fn lowest_free_port(&self) -> u8 {
        (0..=u8::MAX)
            .zip(&self.ports)
            .find(|(number, port)| port.number != *number)
            .map_or_else(|| u8::try_from(self.ports.len()).unwrap_or(u8::MAX), |(number, _)| number)
    }
}
