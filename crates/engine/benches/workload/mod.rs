//! The work of the benches: the calls that a server makes for programs.
#![allow(dead_code, reason = "each program uses a part of it")]

use aseqd_abi::event::{EventData, EventTime, EventType, Note};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{
    CLIENT_SYSTEM, ClientInfo, ClientPool, PORT_SYSTEM_TIMER, PortCaps, PortInfo, PortSubscribe,
    QueueInfo, VERSION_1_0_3,
};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Address, Event};
use aseqd_engine::{Access, Call, Config, Engine, FileId, Identity, Input, Time};
use zerocopy::{FromBytes, IntoBytes};

/// Number of events of a write.
pub(crate) const BATCH: usize = 100;
/// The size of a program's buffer for reads, in bytes: what alsa-lib reads at a time.
const READ: usize = 500 * size_of::<Event>();

/// The MIDI versions of sender and readers: 0 for legacy events, 1 and 2 for packets.
#[derive(Clone, Copy, Default)]
pub(crate) struct Forms {
    /// Whether there is UMP.
    pub(crate) ump: bool,
    pub(crate) sender: u32,
    pub(crate) readers: u32,
}

/// One sender, some readers that subscribe to it, a queue.
pub(crate) struct Bench {
    engine: Engine,
    forms: Forms,
    now: Time,
    sender: FileId,
    readers: Vec<FileId>,
    queue: u8,
    out: Vec<u8>,
}

impl Bench {
    /// Returns a sender with this many readers, all of legacy events.
    pub(crate) fn new(readers: usize) -> Self {
        Self::of_forms(readers, Forms::default())
    }

    /// Returns a sender with this many readers.
    pub(crate) fn of_forms(readers: usize, forms: Forms) -> Self {
        let config = Config { ump: forms.ump, ..Config::default() };
        let mut bench = Self {
            engine: Engine::with_config(config),
            forms,
            now: Time(1_000_000_000),
            sender: FileId(0),
            readers: Vec::new(),
            queue: 0,
            out: Vec::new(),
        };
        let (sender, from) = bench.client(forms.sender);
        bench.sender = sender;
        for _ in 0..readers {
            let (reader, to) = bench.client(forms.readers);
            let subscribe = PortSubscribe { sender: from, dest: to, ..PortSubscribe::default() };
            bench.ioctl(reader, request::SUBSCRIBE_PORT, subscribe);
            bench.readers.push(reader);
        }
        let queue = bench.ioctl(sender, request::CREATE_QUEUE, QueueInfo::default());
        bench.queue = u8::try_from(queue.queue).expect("a queue number");
        let mut start = Event::direct(EventType::START);
        start.dest = Address::new(CLIENT_SYSTEM, PORT_SYSTEM_TIMER);
        start.data = EventData::from_queue(bench.queue, 0, 0);
        bench.write(start.as_bytes());
        bench
    }

    fn client(&mut self, midi_version: u32) -> (FileId, Address) {
        let file = self.engine.open(self.now, Access::ReadWrite, Identity::User { pid: 1 });
        let file = file.expect("a client number");
        let number: i32 = self.ioctl(file, request::CLIENT_ID, 0);
        let mut addr = Address::new(u8::try_from(number).expect("a client number"), 0);
        let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
        let port = PortInfo { addr, capability: caps.bits(), ..PortInfo::default() };
        addr = self.ioctl(file, request::CREATE_PORT, port).addr;
        let pool = ClientPool {
            client: number,
            output_pool: 2000,
            input_pool: 2000,
            output_room: 1000,
            ..ClientPool::default()
        };
        self.ioctl(file, request::SET_CLIENT_POOL, pool);
        if midi_version > 0 {
            self.ioctl(file, request::USER_PVERSION, VERSION_1_0_3);
            let info = ClientInfo { client: number, ..ClientInfo::default() };
            let mut info: ClientInfo = self.ioctl(file, request::GET_CLIENT_INFO, info);
            info.midi_version = midi_version;
            self.ioctl(file, request::SET_CLIENT_INFO, info);
        }
        (file, addr)
    }

    fn ioctl<T: FromBytes + IntoBytes + zerocopy::Immutable>(
        &mut self,
        file: FileId,
        request: u32,
        arg: T,
    ) -> T {
        let input =
            Input::Call { file, call: Call::Ioctl { request, compat: false, arg: arg.as_bytes() } };
        let reply = self.engine.handle(self.now, input, &mut self.out);
        reply.finish().expect("the ioctl succeeds");
        T::read_from_bytes(&self.out).unwrap_or(arg)
    }

    fn write(&mut self, data: &[u8]) {
        let input = Input::Call { file: self.sender, call: Call::Write { data, nonblock: true } };
        let written = self.engine.handle(self.now, input, &mut self.out).finish();
        assert_eq!(written.ok(), Some(data.len()), "the write is taken whole");
    }

    /// Does what a server does after each input.
    fn drain(&mut self) {
        while self.engine.poll_output().is_some() {}
        std::hint::black_box(self.engine.poll_timeout());
    }

    fn read_all(&mut self) -> usize {
        let legacy = self.forms.readers == 0;
        let record = if legacy { size_of::<Event>() } else { size_of::<UmpEvent>() };
        let mut events = 0;
        for index in 0..self.readers.len() {
            let file = self.readers[index];
            let input = Input::Call { file, call: Call::Read { len: READ, nonblock: true } };
            let read = self.engine.handle(self.now, input, &mut self.out).finish();
            events += read.expect("events") / record;
            self.drain();
        }
        events
    }

    /// Returns notes to the subscribers.
    pub(crate) fn notes(&self, queued: bool) -> Vec<u8> {
        let mut notes = Vec::new();
        for note in 0..BATCH {
            let mut event = Event::direct(EventType::NOTEON);
            event.dest = Address::new(aseqd_abi::event::ADDRESS_SUBSCRIBERS, 0);
            let note = u8::try_from(note).unwrap_or(0);
            event.data = EventData::from_note(Note { note, velocity: 90, ..Note::default() });
            if queued {
                event.queue = self.queue;
                event.flags |= aseqd_abi::event::EventFlags::RELATIVE;
                // In the next tick of 5.2 ms, in some order.
                event.time = EventTime::tick(u32::from(note % 7));
            }
            if self.forms.sender == 0 {
                notes.extend_from_slice(event.as_bytes());
                continue;
            }
            let words = match self.forms.sender {
                1 => [0x2090_005a | u32::from(note) << 8, 0],
                _ => [0x4090_0000 | u32::from(note) << 8, 0xb400_0000],
            };
            event.event_type = EventType(0);
            event.flags |= aseqd_abi::event::EventFlags::UMP;
            event.data = EventData::default();
            event.data.0[..8].copy_from_slice(words.as_bytes());
            notes.extend_from_slice(event.as_bytes());
            notes.extend_from_slice(&[0; 4]);
        }
        notes
    }

    /// Makes one write of notes that are delivered at once, and the reads. Returns the number of
    /// events read.
    pub(crate) fn direct(&mut self, notes: &[u8]) -> usize {
        self.now.0 += 1_000_000;
        self.write(notes);
        self.drain();
        self.read_all()
    }

    /// Makes one write of notes for the next 7 ticks, lets that time pass, and makes the reads.
    pub(crate) fn queued(&mut self, notes: &[u8]) -> usize {
        self.write(notes);
        self.drain();
        self.now.0 += 50_000_000;
        let _done = self.engine.handle(self.now, Input::Timeout, &mut self.out);
        self.drain();
        self.read_all()
    }
}
