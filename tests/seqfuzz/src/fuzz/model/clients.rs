//! Clients of the model: opening, closing, and the requests about them and their pools.

use super::record::{CELL, Record, WIDE, get, get_i, name_of, put, put_i, put_name};
use super::world::{Done, World};
use crate::device::Access;
use aseqd_abi::Errno;
use std::collections::BTreeMap;

/// First number of user clients.
pub(super) const FIRST: u8 = 128;
/// How many client numbers there are.
const NUMBERS: u8 = 192;
/// Number of Midi Through.
const THROUGH: u8 = 14;
/// How many cells a client of the server's own has for input.
const INPUT_OF_KERNEL: usize = 2000;
/// The protocol versions from which a client's MIDI version, and a queue's tempo base, count.
pub(super) const MIDI_VERSION_FROM: u32 = 0x01_00_03;
pub(super) const TEMPO_BASE_FROM: u32 = 0x01_00_04;
/// The version that the sequencer has.
const VERSION: u32 = 0x01_00_05;
/// Maximum number of cells of a pool.
const MOST_CELLS: i32 = 2000;

/// Bits of a client's filter.
pub(super) const FILTER_BOUNCE: u32 = 1 << 2;
pub(super) const FILTER_NO_CONVERT: u32 = 1 << 30;
pub(super) const FILTER_USE_EVENT: u32 = 1 << 31;

/// Bits of a port's capability.
pub(super) const READ: u32 = 1;
pub(super) const WRITE: u32 = 1 << 1;
pub(super) const SUBS_READ: u32 = 1 << 5;
pub(super) const SUBS_WRITE: u32 = 1 << 6;
pub(super) const NO_EXPORT: u32 = 1 << 7;
pub(super) const INACTIVE: u32 = 1 << 8;
pub(super) const UMP_ENDPOINT: u32 = 1 << 9;

/// A port.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) name: [u8; 64],
    pub(super) capability: u32,
    pub(super) kind: u32,
    /// MIDI channels, MIDI voices, synth voices.
    pub(super) counts: [u32; 3],
    /// Time stamping, real time, MIDI 1.0.
    pub(super) flags: u32,
    pub(super) time_queue: u8,
    pub(super) direction: u8,
    pub(super) group: u8,
    /// Whether its subscriptions as sender, and as destination, are exclusive.
    pub(super) exclusive: [bool; 2],
    /// What a UMP receiver remembers of each channel.
    pub(super) banks: [super::convert::Bank; 16],
}

/// A client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) kernel: bool,
    pub(super) card: i32,
    pub(super) name: [u8; 64],
    pub(super) filter: u32,
    pub(super) event_filter: [u8; 32],
    pub(super) lost: u32,
    pub(super) midi_version: u32,
    pub(super) group_filter: u32,
    pub(super) user_version: u32,
    /// Whether its pointers have 32 bits.
    pub(super) narrow: bool,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) ports: BTreeMap<u8, Port>,
    pub(super) endpoint: Option<u8>,
    /// Endpoint and blocks, as they were set.
    pub(super) told: BTreeMap<i32, Vec<u8>>,
    pub(super) output: usize,
    pub(super) room: usize,
    pub(super) allocated: bool,
    pub(super) input: usize,
    pub(super) unread: Vec<Record>,
    pub(super) overflow: bool,
    /// Whether its calls sleep.
    pub(super) blocks: bool,
}

impl Client {
    pub(super) fn new(name: &str, kernel: bool) -> Self {
        Self {
            kernel,
            card: -1,
            name: name_of(name.as_bytes()),
            filter: 0,
            event_filter: [0; 32],
            lost: 0,
            midi_version: 0,
            group_filter: 0,
            user_version: 0,
            narrow: false,
            reads: true,
            writes: true,
            ports: BTreeMap::new(),
            endpoint: None,
            told: BTreeMap::new(),
            output: 500,
            room: 0,
            allocated: false,
            input: if kernel { 0 } else { 200 },
            unread: Vec::new(),
            overflow: false,
            blocks: false,
        }
    }

    /// Returns the size of the records that it reads.
    pub(super) const fn record_size(&self) -> usize {
        if self.midi_version > 0 { WIDE } else { CELL }
    }

    /// Returns the cells of its unread events.
    pub(super) fn unread_cells(&self) -> usize {
        self.unread.iter().map(Record::cells).sum()
    }
}

impl World {
    /// Returns the lowest free number of those for programs. If there may be more clients than Linux has, these get the numbers
    /// below, from the highest down.
    fn free_number(&self) -> Result<u8, Errno> {
        let below = (1..FIRST).rev().filter(|number| *number != THROUGH);
        let mut numbers = (FIRST..NUMBERS).chain(below).take(self.settings.clients.into());
        numbers.find(|number| !self.clients.contains_key(number)).ok_or(Errno::ENOMEM)
    }

    /// Opens a client of a program.
    pub(super) fn open(&mut self, access: Access) -> Result<u8, Errno> {
        let number = self.free_number()?;
        let client = Client::new(&format!("Client-{number}"), false);
        self.enter(number, client, access);
        Ok(number)
    }

    /// Opens a client of the server's own.
    pub(super) fn open_kernel(
        &mut self,
        access: Access,
        number: Option<u8>,
        card: i32,
        name: &str,
    ) -> Result<u8, Errno> {
        let number = match number {
            None => self.free_number()?,
            Some(FIRST..) => return Err(Errno::EINVAL),
            Some(number) if self.clients.contains_key(&number) => return Err(Errno::EBUSY),
            Some(number) => number,
        };
        let client = Client { card, input: INPUT_OF_KERNEL, ..Client::new(name, true) };
        self.enter(number, client, access);
        Ok(number)
    }

    fn enter(&mut self, number: u8, mut client: Client, access: Access) {
        client.reads = access != Access::Write;
        client.writes = access != Access::Read;
        if !client.reads {
            client.input = 0;
        }
        self.clients.insert(number, client);
        self.sounding.insert(number, Vec::new());
        self.announce(60, &[number, 0]);
    }

    /// Closes a client.
    pub(super) fn close(&mut self, number: u8) {
        let Some(client) = self.clients.remove(&number) else { return };
        self.end_sounding(number);
        self.forget_sounding(|place| place.0 == number);
        for port in client.ports.keys() {
            self.announce(64, &[number, *port]);
            self.cut((number, *port));
        }
        let owned: Vec<u8> = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.owner == number)
            .map(|(n, _)| *n)
            .collect();
        for queue in owned {
            self.drop_queue(queue);
        }
        let all: Vec<u8> = self.queues.keys().copied().collect();
        for queue_number in all {
            let Some(queue) = self.queues.get_mut(&queue_number) else { continue };
            let used = queue.users.contains(&number);
            // Linux waits for its own events in queues that it no longer uses. Ours are gone.
            queue.retain(|event| event.source().0 != number && !(used && event.dest().0 == number));
            if used {
                self.use_queue(queue_number, number, false);
            }
        }
        self.announce(61, &[number, 0]);
    }

    /// Returns the cells that a client has in queues.
    pub(super) fn queued_cells(&self, number: u8) -> usize {
        let events = self.queues.values().flat_map(super::queue::Queue::events);
        events.filter(|event| event.source().0 == number).map(Record::cells).sum::<usize>()
            + if self.under_way.is_some_and(|(client, _)| client == number) {
                self.under_way.map_or(0, |(_, cells)| cells)
            } else {
                0
            }
    }

    pub(super) fn client_info(&self, number: u8, arg: &mut [u8]) {
        let Some(client) = self.clients.get(&number) else { return };
        put(arg, 0, number.into());
        put(arg, 4, if client.kernel { 2 } else { 1 });
        put_name(&mut arg[8..72], &client.name);
        put(arg, 72, client.filter);
        arg[84..116].copy_from_slice(&client.event_filter);
        put(arg, 116, super::record::length(client.ports.len()));
        put(arg, 120, client.lost);
        put_i(arg, 124, client.card);
        put_i(arg, 128, if client.kernel { -1 } else { self.process });
        put(arg, 132, client.midi_version);
        put(arg, 136, client.group_filter);
        arg[140..].fill(0);
    }

    pub(super) fn known_client(&self, number: i32) -> Result<u8, Errno> {
        let number = u8::try_from(number).map_err(|_| Errno::ENOENT)?;
        self.clients.contains_key(&number).then_some(number).ok_or(Errno::ENOENT)
    }

    pub(super) fn system_info(&self, arg: &mut [u8]) {
        arg.fill(0);
        for (at, value) in [(0, 32), (4, 192), (8, 254), (12, 256)] {
            put(arg, at, value);
        }
        put(arg, 16, super::record::length(self.clients.len()));
        put(arg, 20, super::record::length(self.queues.len()));
    }

    pub(super) fn pversion(arg: &mut [u8]) {
        put(arg, 0, VERSION);
    }

    pub(super) fn running_mode(&mut self, arg: &[u8]) -> Done {
        self.known_client(arg[0].into())?;
        if arg[1] != 0 || arg[2] > 8 {
            return Err(Errno::EINVAL);
        }
        self.me(arg[0]).narrow = arg[2] < 8;
        Ok(())
    }

    pub(super) fn set_client_info(&mut self, caller: u8, arg: &[u8]) -> Done {
        let ump = self.ump;
        let client = self.me(caller);
        if get_i(arg, 0) != i32::from(caller) {
            return Err(Errno::EPERM);
        }
        if get(arg, 4) != if client.kernel { 2 } else { 1 } {
            return Err(Errno::EINVAL);
        }
        let midi_version = get(arg, 132);
        let knows = client.user_version >= MIDI_VERSION_FROM;
        if knows && (midi_version > 2 || midi_version > 0 && !ump) {
            return Err(Errno::EINVAL);
        }
        if arg[8] != 0 {
            client.name = name_of(&arg[8..72]);
        }
        client.filter = get(arg, 72);
        client.event_filter.copy_from_slice(&arg[84..116]);
        client.lost = get(arg, 120);
        if knows {
            client.midi_version = midi_version;
        }
        client.group_filter = get(arg, 136) & 0x1_ffff;
        self.announce(62, &[caller, 0]);
        Ok(())
    }

    pub(super) fn next_client(&self, arg: &mut [u8]) -> Done {
        let from = get_i(arg, 0).max(-1);
        let next = self.clients.keys().find(|number| i32::from(**number) > from);
        self.client_info(*next.ok_or(Errno::ENOENT)?, arg);
        Ok(())
    }

    pub(super) fn client_pool(&self, number: u8, arg: &mut [u8]) {
        let Some(client) = self.clients.get(&number) else { return };
        arg.fill(0);
        put(arg, 0, number.into());
        if client.kernel {
            return;
        }
        let free = if client.allocated { client.output - self.queued_cells(number) } else { 0 };
        let input_free = if client.reads { client.input - client.unread_cells() } else { 0 };
        let all = [
            (4, client.output),
            (8, client.input),
            (12, client.room),
            (16, free),
            (20, input_free),
        ];
        for (at, value) in all {
            put(arg, at, super::record::length(value));
        }
    }

    pub(super) fn set_client_pool(&mut self, caller: u8, arg: &mut [u8]) -> Done {
        if get_i(arg, 0) != i32::from(caller) {
            return Err(Errno::EINVAL);
        }
        let used = self.queued_cells(caller);
        let client = self.me(caller);
        let size = |at| Some(get_i(arg, at)).filter(|size| (1..=MOST_CELLS).contains(size));
        let size = |at| size(at).and_then(|size| usize::try_from(size).ok());
        if let Some(output) = size(4)
            && (!client.allocated || output != client.output)
        {
            if used > 0 {
                return Err(Errno::EBUSY);
            }
            (client.output, client.room, client.allocated) = (output, output.div_ceil(2), true);
        }
        if let Some(input) = size(8).filter(|input| client.reads && *input != client.input) {
            client.input = input;
            client.unread.clear();
        }
        if let Ok(room) = usize::try_from(get_i(arg, 12))
            && (1..=client.output).contains(&room)
        {
            client.room = room;
        }
        self.client_pool(caller, arg);
        Ok(())
    }

    pub(super) fn ump_info(&mut self, caller: u8, set: bool, arg: &mut [u8]) -> Done {
        if !self.ump {
            return Err(Errno::ENOTTY);
        }
        let (number, kind) = (get_i(arg, 0), get_i(arg, 4));
        if set && number != i32::from(caller) {
            return Err(Errno::EPERM);
        }
        if !(0..=32).contains(&kind) {
            return Err(Errno::EINVAL);
        }
        let number = self.known_client(number)?;
        let client = self.me(number);
        if client.midi_version == 0 {
            return Err(Errno::EBADFD);
        }
        let (size, name) = if kind == 0 { (328, 40) } else { (180, 20) };
        if !set {
            let told = client.told.get(&kind).ok_or(Errno::ENODEV)?;
            arg[8..8 + size].copy_from_slice(told);
            return Ok(());
        }
        let mut told = arg[8..8 + size].to_vec();
        told[name + 127] = 0;
        client.told.insert(kind, told);
        let (event, block) =
            if kind == 0 { (68, 0) } else { (69, super::record::low8(kind.cast_unsigned()) - 1) };
        self.announce(event, &[caller, block]);
        Ok(())
    }
}
