//! Recordings for tests: calls of programs that were never run, from a seed.
#![allow(dead_code, reason = "each test program uses a part of it")]

use aseqd_abi::event::{EVENT_SIZE, EventData, EventTime, Note};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{
    ClientInfo, PortCaps, PortInfo, PortSubscribe, QueueClient, QueueInfo, QueueStatus, QueueTempo,
};
use aseqd_abi::{Address, Event, EventType};
use aseqd_engine::{Access, FileId, Node, Time};
use aseqd_replay::step::{Action, Step};
use zerocopy::IntoBytes;

/// Random numbers from a seed (xorshift64*).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    fn byte(&mut self, end: u64) -> u8 {
        u8::try_from(self.below(end)).unwrap_or(0)
    }
}

/// Returns an ioctl with a struct.
pub(crate) fn ioctl(
    file: FileId,
    request: u32,
    arg: &(impl IntoBytes + zerocopy::Immutable),
) -> Action {
    Action::Ioctl { file, request, compat: false, arg: arg.as_bytes().to_vec() }
}

/// Returns the opening of a client.
pub(crate) const fn open() -> Action {
    Action::Open { node: Node::Sequencer, access: Access::ReadWrite, pid: 1000 }
}

/// Returns the creation of a port that anybody may use.
pub(crate) fn port(file: FileId, client: u8) -> Action {
    let caps = PortCaps::READ | PortCaps::WRITE | PortCaps::SUBS_READ | PortCaps::SUBS_WRITE;
    let addr = Address::new(client, 0);
    let info = PortInfo { addr, capability: caps.bits(), ..PortInfo::default() };
    ioctl(file, s::CREATE_PORT, &info)
}

/// Returns a note for a port.
pub(crate) fn note(dest: Address, key: u8) -> Event {
    let data = EventData::from_note(Note { note: key, velocity: 100, ..Note::default() });
    Event { dest, data, ..Event::direct(EventType::NOTEON) }
}

/// Returns what programs might do: clients come and go, connect ports, share queues, write and read.
pub(crate) fn random_steps(seed: u64, count: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let mut steps = Vec::with_capacity(count);
    let mut open_files: Vec<u32> = Vec::new();
    let mut now = 1_000_000_000;
    while steps.len() < count {
        now += random.below(3_000_000);
        let choice = random.below(100);
        let few = open_files.len() < 3;
        if few || (choice < 3 && open_files.len() < 12) {
            let file = (0..).find(|file| !open_files.contains(file)).unwrap_or(0);
            steps.push(Step { at: Time(now), action: open() });
            steps.push(Step { at: Time(now), action: port(FileId(file), client(file)) });
            open_files.push(file);
            continue;
        }
        let index = usize::try_from(random.below(open_files.len() as u64)).unwrap_or(0);
        let number = open_files[index];
        let file = FileId(number);
        let other = open_files[usize::try_from(random.below(open_files.len() as u64)).unwrap_or(0)];
        let queue = i32::from(random.byte(4));
        let action = match choice {
            0..6 if open_files.len() > 4 => {
                open_files.remove(index);
                Action::Close { file }
            }
            0..10 => ioctl(file, s::CREATE_QUEUE, &QueueInfo::default()),
            10..14 => {
                let used = QueueClient { queue, used: 1, ..QueueClient::default() };
                ioctl(file, s::SET_QUEUE_CLIENT, &used)
            }
            14..17 => {
                let tempo = QueueTempo { queue, tempo: 400_000, ppq: 96, ..QueueTempo::default() };
                ioctl(file, s::SET_QUEUE_TEMPO, &tempo)
            }
            17..24 => {
                let subscription = PortSubscribe {
                    sender: Address::new(client(number), 0),
                    dest: Address::new(client(other), 0),
                    ..PortSubscribe::default()
                };
                ioctl(file, s::SUBSCRIBE_PORT, &subscription)
            }
            24..30 => {
                let status = QueueStatus { queue, ..QueueStatus::default() };
                ioctl(file, s::GET_QUEUE_STATUS, &status)
            }
            30..34 => {
                let info = ClientInfo { client: client(other).into(), ..ClientInfo::default() };
                ioctl(file, s::GET_CLIENT_INFO, &info)
            }
            34..38 => Action::Poll { file },
            38..42 => Action::Timeout,
            42..66 => Action::Read { file, len: 28 * 64, nonblock: true },
            _ => write(&mut random, file, other),
        };
        steps.push(Step { at: Time(now), action });
    }
    steps.truncate(count);
    steps
}

/// Returns what programs might do, without a queue that runs: nothing depends on when it is done.
pub(crate) fn untimed_steps(seed: u64, count: usize) -> Vec<Step> {
    let mut steps = random_steps(seed, count);
    for step in &mut steps {
        let Action::Write { data, .. } = &mut step.action else { continue };
        for event in data.chunks_mut(EVENT_SIZE) {
            if event[0] == EventType::START.0 {
                event[0] = EventType::CONTROLLER.0;
            }
        }
    }
    steps
}

/// Returns one program that plays two notes through a queue, 400 ms apart, and one that reads them.
pub(crate) fn queued_steps() -> Vec<Step> {
    let (player, listener) = (FileId(0), FileId(1));
    let mut steps = Vec::new();
    let mut at = |ms: u64, action| steps.push(Step { at: Time(ms * 1_000_000), action });
    for (file, client) in [(player, 128), (listener, 129)] {
        at(0, open());
        at(0, port(file, client));
    }
    at(0, ioctl(player, s::CREATE_QUEUE, &QueueInfo::default()));
    let tempo = QueueTempo { queue: 0, tempo: 400_000, ppq: 96, ..QueueTempo::default() };
    at(0, ioctl(player, s::SET_QUEUE_TEMPO, &tempo));
    let start = Event {
        dest: Address::new(0, 0),
        data: EventData::from_queue(0, 0, 0),
        ..Event::direct(EventType::START)
    };
    let mut data = start.as_bytes().to_vec();
    for (tick, key) in [(96, 60), (192, 64)] {
        let event = note(Address::new(129, 0), key);
        let time = EventTime::tick(tick);
        data.extend_from_slice(Event { queue: 0, time, ..event }.as_bytes());
    }
    at(100, Action::Write { file: player, data, nonblock: true });
    for ms in [600, 1000] {
        at(ms, Action::Timeout);
        at(ms, Action::Poll { file: listener });
        at(ms, Action::Read { file: listener, len: 2800, nonblock: true });
    }
    at(1100, Action::Close { file: player });
    steps
}

fn write(random: &mut Random, file: FileId, other: u32) -> Action {
    let mut data = Vec::new();
    for _ in 0..=random.below(4) {
        let dest = match random.below(3) {
            0 => Address::new(client(other), 0),
            1 => Address::new(254, 253),
            _ => Address::new(14, 0),
        };
        let mut event = note(dest, random.byte(128));
        if random.below(2) == 0 {
            event.queue = random.byte(3);
            event.time = EventTime::tick(u32::try_from(random.below(500)).unwrap_or(0));
        }
        if random.below(12) == 0 {
            event.dest = Address::new(0, 0);
            event.event_type = EventType::START;
            event.data = EventData::from_queue(random.byte(3), 0, 0);
        }
        data.extend_from_slice(event.as_bytes());
    }
    Action::Write { file, data, nonblock: true }
}

/// Returns the number of the client that has a file, if nobody else opens files.
fn client(file: u32) -> u8 {
    128 + u8::try_from(file).unwrap_or(0)
}
