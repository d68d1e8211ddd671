//! The tables of clients and queues, and what happens to them as a whole.

mod client;
mod deadline;
mod fifo;
mod file;
mod heap;
pub(crate) mod ioctl;
mod pool;
mod port;
pub mod prioq;
pub(crate) mod proc;
mod queue;
mod route;
mod sounding;
mod stepper;
mod subscription;
mod system;
mod tempo;
mod ump;
mod undelivered;

use crate::contract::FileId;
use crate::limits::{FIRST_DYNAMIC_CLIENT, MAX_CLIENTS, MAX_QUEUES};
use crate::name::{Name, name};
use crate::timer::Timers;
use crate::{Access, Config, Error, Identity, Time};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use aseqd_abi::event::EventData;
use aseqd_abi::seq::{CLIENT_DUMMY, CLIENT_SYSTEM, ClientFilter, PortCaps, PortType};
use aseqd_abi::{Address, Errno, EventType};
use client::{Client, ClientKind};
use core::mem;
use port::Port;
use prioq::{Data, Removed};
use queue::Queue;
use sounding::Sounding;

/// The sequencer's state.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Seq {
    /// The clients by number. The table has an entry for every number of 8 bits, so that no look-up
    /// is out of bounds.
    #[cfg_attr(feature = "serde", serde(with = "crate::state::table"))]
    clients: Box<[Option<Box<Client>>; 256]>,
    /// The number of a client that is being closed, which keeps it until then.
    closing: Option<u8>,
    peak_clients: usize,
    /// The queues by number.
    queues: Vec<Option<Box<Queue>>>,
    /// The timers that queues and the files of the timer device are bound to.
    pub(crate) timers: Timers,
    /// Files to report as ready, each at most once, and their clients.
    ready: VecDeque<(FileId, u8)>,
    /// When the next event of each queue is due, as of the last refresh.
    deadlines: [Option<Time>; MAX_QUEUES as usize],
    /// The queues that were touched since, one bit for each.
    stale_deadlines: u32,
    /// The earliest deadline and its queue (the lowest of several), once no queue is stale.
    next_due: Option<(Time, u8)>,
    /// An upper bound of the variable events that wait: those that were removed are still counted.
    data_waiting: usize,
    /// Buffers of variable events that are done, for the next ones.
    #[cfg_attr(feature = "serde", serde(skip))]
    #[expect(clippy::vec_box, reason = "they go into cells as they are")]
    spare_data: Vec<Box<Data>>,
    now: Time,
    /// While queued events are delivered, the instant at which they are due, which may be before
    /// `now`. What they do to queues happens at that instant.
    instant: Time,
    /// Whether there is UMP.
    pub(crate) ump: bool,
    /// What clients have begun and not ended, if that is tracked.
    sounding: BTreeMap<u8, Sounding>,
    /// Whether the defect of the feature `planted-bug` is there.
    #[cfg(feature = "planted-bug")]
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) has_planted_bug: bool,
}

impl Seq {
    pub(crate) fn new(config: Config) -> Self {
        let mut seq = Self {
            clients: Box::new([const { None }; 256]),
            closing: None,
            peak_clients: 0,
            queues: (0..MAX_QUEUES).map(|_| None).collect(),
            timers: Timers::new(config),
            ready: VecDeque::with_capacity(MAX_CLIENTS.into()),
            deadlines: [None; MAX_QUEUES as usize],
            stale_deadlines: 0,
            next_due: None,
            data_waiting: 0,
            #[cfg(feature = "planted-bug")]
            has_planted_bug: false,
            spare_data: Vec::new(),
            now: Time(0),
            instant: Time(0),
            ump: config.ump,
            sounding: BTreeMap::new(),
        };
        seq.add_client(system::client());
        let mut dummy = Client::built_in(CLIENT_DUMMY, ClientKind::Dummy, "Midi Through");
        if config.ump {
            // What passes through is converted for its receivers only.
            dummy.filter = ClientFilter::NO_CONVERT;
        }
        let mut through = Port::new(0);
        through.name = name("Midi Through Port-0");
        through.capability =
            PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        through.port_type = (PortType::MIDI_GENERIC | PortType::SOFTWARE | PortType::PORT).bits();
        through.direction = 3;
        if config.notes_off {
            through.watch();
        }
        dummy.ports.push(through);
        seq.add_client(dummy);
        seq
    }

    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    pub(crate) const fn instant(&self) -> Time {
        self.instant
    }

    pub(crate) fn client(&self, number: u8) -> Option<&Client> {
        self.clients[usize::from(number)].as_deref()
    }

    pub(crate) fn client_mut(&mut self, number: u8) -> Option<&mut Client> {
        self.clients[usize::from(number)].as_deref_mut()
    }

    /// Returns the client that makes a call. The driver's files name only clients that exist.
    pub(crate) fn own(&mut self, number: u8) -> Result<&mut Client, Error> {
        self.client_mut(number).ok_or(Error::new(Errno::ENXIO, "the client is gone"))
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().flatten().map(Box::as_ref)
    }

    pub(crate) fn cells_in_use(&self) -> usize {
        let unread = |client: &Client| client.fifo.as_ref().map_or(0, |fifo| fifo.pool.used);
        self.clients().map(|client| client.pool.used + unread(client)).sum()
    }

    pub(crate) fn client_count(&self) -> usize {
        self.clients().count()
    }

    pub(crate) const fn peak_clients(&self) -> usize {
        self.peak_clients
    }

    pub(crate) fn port(&self, address: Address) -> Option<&Port> {
        self.client(address.client)?.port(address.port)
    }

    pub(crate) fn port_mut(&mut self, address: Address) -> Option<&mut Port> {
        self.client_mut(address.client)?.port_mut(address.port)
    }

    pub(crate) fn queue(&self, number: i32) -> Option<&Queue> {
        self.queues.get(usize::try_from(number).ok()?)?.as_deref()
    }

    /// Returns a queue to change. Its deadline will be recomputed.
    pub(crate) fn queue_mut(&mut self, number: i32) -> Option<&mut Queue> {
        let queue = self.queues.get_mut(usize::try_from(number).ok()?)?.as_deref_mut()?;
        self.stale_deadlines |= 1 << queue.number;
        Some(queue)
    }

    pub(crate) fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.iter().flatten().map(Box::as_ref)
    }

    fn add_client(&mut self, client: Client) {
        let number = usize::from(client.number);
        self.clients[number] = Some(Box::new(client));
        self.peak_clients = self.peak_clients.max(self.client_count());
    }

    /// Opens a file, which is a new client.
    #[inline(never)]
    pub(crate) fn open(
        &mut self,
        file: FileId,
        access: Access,
        identity: Identity<'_>,
    ) -> Result<u8, Error> {
        let client = match identity {
            Identity::User { pid } => Client::user(self.free_number()?, file, access, pid),
            Identity::Kernel { number: None, card, name } => {
                Client::kernel(self.free_number()?, file, access, card, name)
            }
            Identity::Kernel { number: Some(number), card, name } => {
                if number >= FIRST_DYNAMIC_CLIENT {
                    return Err(Error::new(Errno::EINVAL, "the number is not a kernel client's"));
                }
                if self.client(number).is_some() || self.closing == Some(number) {
                    return Err(Error::new(Errno::EBUSY, "the client number is taken"));
                }
                Client::kernel(number, file, access, card, name)
            }
        };
        let number = client.number;
        if self.timers.config().notes_off {
            self.sounding.insert(number, Sounding::new());
        }
        self.add_client(client);
        self.announce(EventType::CLIENT_START, EventData::from_address(Address::new(number, 0)));
        Ok(number)
    }

    /// Returns the first free number: of those that Linux gives to programs, then of those below,
    /// from the highest down. The numbers of cards begin at 16, so they are taken late.
    fn free_number(&self) -> Result<u8, Error> {
        let below = (CLIENT_SYSTEM + 1..FIRST_DYNAMIC_CLIENT).rev();
        (FIRST_DYNAMIC_CLIENT..MAX_CLIENTS)
            .chain(below.filter(|number| *number != CLIENT_DUMMY))
            .take(self.timers.config().clients.into())
            .find(|number| self.client(*number).is_none() && self.closing != Some(*number))
            .ok_or(Error::new(Errno::ENOMEM, "no client number is free"))
    }

    /// Closes a file: its client goes with all that belongs to it, in the kernel's order.
    #[inline(never)]
    pub(crate) fn close(&mut self, number: u8) {
        let Some(mut client) = self.clients[usize::from(number)].take() else { return };
        self.closing = Some(number);
        if let Some(sounding) = self.sounding.remove(&number) {
            self.end_sounding(&sounding);
        }
        self.forget_sounding(&|gone| gone.client == number);
        for port in mem::take(&mut client.ports) {
            let address = Address::new(number, port.number);
            self.announce(EventType::PORT_EXIT, EventData::from_address(address));
            self.cut_subscriptions(number, port);
        }
        for queue in 0..MAX_QUEUES {
            match self.queue(queue.into()) {
                Some(owned) if owned.owner == number => self.delete_queue(queue),
                Some(_) => self.leave_queue(queue, number),
                None => {}
            }
        }
        if let Some(file) = client.file {
            self.ready.retain(|(other, _)| *other != file);
        }
        self.closing = None;
        self.announce(EventType::CLIENT_EXIT, EventData::from_address(Address::new(number, 0)));
    }

    /// Deletes a queue. Its cells go back to their owners.
    pub(crate) fn delete_queue(&mut self, number: u8) {
        let Some(slot) = self.queues.get_mut(usize::from(number)) else { return };
        let Some(mut queue) = slot.take() else { return };
        let instant = self.instant;
        queue.timer.stop(&mut self.timers, instant);
        queue.timer.close(&mut self.timers, instant);
        let mut removed = Removed::default();
        queue.remove_all(&mut removed);
        self.stale_deadlines |= 1 << number;
        self.give_back(&removed);
    }

    /// Takes a client that is gone out of a queue. Its cells are removed even if it no longer
    /// counts as a user: the kernel waits there until they are due.
    fn leave_queue(&mut self, queue: u8, client: u8) {
        let now = self.now;
        #[cfg(feature = "planted-bug")]
        let has_planted_bug = self.has_planted_bug;
        let Some((queue, timers)) = self.queue_and_timers(queue.into()) else { return };
        let used = queue.used_by(client);
        let mut removed = Removed::default();
        #[cfg(feature = "planted-bug")]
        let waiting = queue.events();
        queue.remove_sent_by(client, &mut removed, |_| true);
        #[cfg(feature = "planted-bug")]
        assert!(
            !has_planted_bug || !used || waiting - queue.events() < 2,
            "the planted bug: two events of a client that is gone"
        );
        if used {
            queue.remove_sent_to(client, &mut removed);
            queue.set_used(timers, now, client, false);
        }
        self.give_back(&removed);
    }

    /// Creates a queue with the lowest free number.
    pub(crate) fn create_queue(
        &mut self,
        owner: u8,
        locked: bool,
        queue_name: impl FnOnce(u8) -> Name,
    ) -> Result<&mut Queue, Error> {
        let now = self.now;
        let free = (0..MAX_QUEUES).find(|number| self.queue(i32::from(*number)).is_none());
        let number = free.ok_or(Error::new(Errno::ENOMEM, "all queues are in use"))?;
        let mut queue = Queue::new(number, owner, locked, queue_name(number));
        self.stale_deadlines |= 1 << number;
        // As on Linux, the timer opens before the queue has its number, and shows -1.
        queue.set_used(&mut self.timers, now, owner, true);
        queue.timer.shown_number = number.into();
        Ok(self.queues[usize::from(number)].insert(Box::new(queue)))
    }

    /// Returns cells to their pools, and wakes writers that have room now.
    pub(crate) fn give_back(&mut self, removed: &Removed) {
        self.data_waiting = self.data_waiting.saturating_sub(removed.buffers);
        for (owner, cells) in removed.owners() {
            self.give_back_to(owner, cells);
        }
    }

    /// Returns cells to one pool.
    pub(crate) fn give_back_to(&mut self, owner: u8, cells: usize) {
        let Some(client) = self.client_mut(owner) else { return };
        client.pool.give_back(cells);
        if client.pool.has_room() && !client.ready {
            self.mark_ready(owner);
        }
    }

    /// Tells the driver that a client's file may be ready.
    pub(crate) fn mark_ready(&mut self, number: u8) {
        let Some(client) = self.client_mut(number) else { return };
        let Some(file) = client.file else { return };
        if !mem::replace(&mut client.ready, true) {
            self.ready.push_back((file, number));
        }
    }

    pub(crate) fn take_ready(&mut self) -> Option<FileId> {
        let (file, number) = self.ready.pop_front()?;
        if let Some(client) = self.client_mut(number) {
            client.ready = false;
        }
        Some(file)
    }
}
