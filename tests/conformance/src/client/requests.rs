//! Requests with a struct, as methods.

use super::Client;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientFilter, ClientInfo, ClientPool, PortCaps, PortInfo, PortSubscribe, QueueClient,
    QueueInfo, QueueStatus, QueueTempo, QueueTimer, RemoveEvents, RemoveMode,
};
use aseqd_abi::{Address, Errno, EventType};

impl Client {
    /// Returns the sequencer's protocol version.
    pub(crate) fn pversion(&self) -> i32 {
        self.query(s::PVERSION, 0).expect("PVERSION")
    }

    /// Declares the program's protocol version.
    pub(crate) fn declare_version(&self, version: i32) {
        self.query(s::USER_PVERSION, version).expect("USER_PVERSION");
    }

    /// Returns a client's information.
    pub(crate) fn client_info(&self, client: i32) -> Result<ClientInfo, Errno> {
        self.query(s::GET_CLIENT_INFO, ClientInfo { client, ..ClientInfo::default() })
    }

    /// Returns the information about this client.
    pub(crate) fn info(&self) -> ClientInfo {
        self.client_info(self.id.into()).expect("GET_CLIENT_INFO")
    }

    /// Changes the information about this client.
    pub(crate) fn set_info(&self, change: impl FnOnce(&mut ClientInfo)) -> Result<(), Errno> {
        let mut info = self.info();
        change(&mut info);
        self.query(s::SET_CLIENT_INFO, info).map(drop)
    }

    /// Asks for bounces of queued events that fail.
    pub(crate) fn want_bounces(&self) {
        self.set_info(|info| info.filter |= ClientFilter::BOUNCE.bits()).expect("SET_CLIENT_INFO");
    }

    /// Makes this client accept events of these types only.
    pub(crate) fn accept_only(&self, types: &[EventType]) {
        self.set_info(|info| {
            info.filter |= ClientFilter::USE_EVENT.bits();
            info.event_filter = [0; 32];
            for EventType(number) in types {
                info.event_filter[usize::from(number / 8)] |= 1 << (number % 8);
            }
        })
        .expect("SET_CLIENT_INFO");
    }

    /// Creates a port with the lowest free number.
    pub(crate) fn create_port(&self, caps: PortCaps) -> Result<Address, Errno> {
        self.create_port_with(|info| info.capability = caps.bits())
    }

    /// Creates a port from a struct with only the address set.
    pub(crate) fn create_port_with(
        &self,
        set: impl FnOnce(&mut PortInfo),
    ) -> Result<Address, Errno> {
        let mut info = PortInfo { addr: self.port(0), ..PortInfo::default() };
        set(&mut info);
        self.query(s::CREATE_PORT, info).map(|info| info.addr)
    }

    /// Deletes a port.
    pub(crate) fn delete_port(&self, port: u8) -> Result<(), Errno> {
        let info = PortInfo { addr: self.port(port), ..PortInfo::default() };
        self.query(s::DELETE_PORT, info).map(drop)
    }

    /// Returns a port's information.
    pub(crate) fn port_info(&self, addr: Address) -> Result<PortInfo, Errno> {
        self.query(s::GET_PORT_INFO, PortInfo { addr, ..PortInfo::default() })
    }

    /// Changes one of its ports.
    pub(crate) fn set_port(&self, port: u8, change: impl FnOnce(&mut PortInfo)) {
        let mut info = self.port_info(self.port(port)).expect("GET_PORT_INFO");
        change(&mut info);
        self.query(s::SET_PORT_INFO, info).expect("SET_PORT_INFO");
    }

    /// Connects two ports.
    pub(crate) fn subscribe(&self, sender: Address, dest: Address) -> Result<(), Errno> {
        self.subscribe_with(sender, dest, |_| {})
    }

    /// Connects two ports with flags, queue, voices.
    pub(crate) fn subscribe_with(
        &self,
        sender: Address,
        dest: Address,
        set: impl FnOnce(&mut PortSubscribe),
    ) -> Result<(), Errno> {
        let mut info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        set(&mut info);
        self.query(s::SUBSCRIBE_PORT, info).map(drop)
    }

    /// Disconnects two ports.
    pub(crate) fn unsubscribe(&self, sender: Address, dest: Address) -> Result<(), Errno> {
        let info = PortSubscribe { sender, dest, ..PortSubscribe::default() };
        self.query(s::UNSUBSCRIBE_PORT, info).map(drop)
    }

    /// Creates an unlocked queue.
    pub(crate) fn create_queue(&self) -> u8 {
        let info = self.query(s::CREATE_QUEUE, QueueInfo::default()).expect("CREATE_QUEUE");
        u8::try_from(info.queue).expect("a queue number")
    }

    /// Creates a queue that only this client may control.
    pub(crate) fn create_locked_queue(&self) -> u8 {
        let info = QueueInfo { locked: 1, ..QueueInfo::default() };
        let info = self.query(s::CREATE_QUEUE, info).expect("CREATE_QUEUE");
        u8::try_from(info.queue).expect("a queue number")
    }

    /// Deletes a queue.
    pub(crate) fn delete_queue(&self, queue: u8) -> Result<(), Errno> {
        let info = QueueInfo { queue: queue.into(), ..QueueInfo::default() };
        self.query(s::DELETE_QUEUE, info).map(drop)
    }

    /// Returns a queue's information.
    pub(crate) fn queue_info(&self, queue: i32) -> Result<QueueInfo, Errno> {
        self.query(s::GET_QUEUE_INFO, QueueInfo { queue, ..QueueInfo::default() })
    }

    /// Marks this client as user of a queue, or not.
    pub(crate) fn use_queue(&self, queue: u8, used: bool) -> Result<(), Errno> {
        let used = i32::from(used);
        let info = QueueClient { queue: queue.into(), used, ..QueueClient::default() };
        self.query(s::SET_QUEUE_CLIENT, info).map(drop)
    }

    /// Returns whether this client is a user of a queue.
    pub(crate) fn uses_queue(&self, queue: u8) -> bool {
        let info = QueueClient { queue: queue.into(), ..QueueClient::default() };
        self.query(s::GET_QUEUE_CLIENT, info).expect("GET_QUEUE_CLIENT").used != 0
    }

    /// Returns the status of a queue.
    pub(crate) fn status(&self, queue: u8) -> QueueStatus {
        let status = QueueStatus { queue: queue.into(), ..QueueStatus::default() };
        self.query(s::GET_QUEUE_STATUS, status).expect("GET_QUEUE_STATUS")
    }

    /// Returns a queue's tempo.
    pub(crate) fn tempo(&self, queue: u8) -> QueueTempo {
        let tempo = QueueTempo { queue: queue.into(), ..QueueTempo::default() };
        self.query(s::GET_QUEUE_TEMPO, tempo).expect("GET_QUEUE_TEMPO")
    }

    /// Sets a queue's tempo and resolution.
    pub(crate) fn set_tempo(&self, queue: u8, tempo: u32, ppq: i32) -> Result<(), Errno> {
        let tempo = QueueTempo { queue: queue.into(), tempo, ppq, ..QueueTempo::default() };
        self.query(s::SET_QUEUE_TEMPO, tempo).map(drop)
    }

    /// Returns a queue's timer.
    pub(crate) fn timer(&self, queue: u8) -> QueueTimer {
        let timer = QueueTimer { queue: queue.into(), ..QueueTimer::default() };
        self.query(s::GET_QUEUE_TIMER, timer).expect("GET_QUEUE_TIMER")
    }

    /// Returns the state of this client's pools.
    pub(crate) fn pool(&self) -> ClientPool {
        let pool = ClientPool { client: self.id.into(), ..ClientPool::default() };
        self.query(s::GET_CLIENT_POOL, pool).expect("GET_CLIENT_POOL")
    }

    /// Changes this client's pools.
    pub(crate) fn set_pool(&self, set: impl FnOnce(&mut ClientPool)) -> Result<(), Errno> {
        let mut pool = ClientPool { client: self.id.into(), ..ClientPool::default() };
        set(&mut pool);
        self.query(s::SET_CLIENT_POOL, pool).map(drop)
    }

    /// Removes events.
    pub(crate) fn remove(&self, mode: RemoveMode, set: impl FnOnce(&mut RemoveEvents)) {
        let mut info = RemoveEvents { remove_mode: mode.bits(), ..RemoveEvents::default() };
        set(&mut info);
        self.query(s::REMOVE_EVENTS, info).expect("REMOVE_EVENTS");
    }

    /// Discards what can be read now, and a mark of lost events too.
    pub(crate) fn discard(&self) {
        self.remove(RemoveMode::INPUT, |_| {});
    }
}
