//! The shipped turn, pace and alarm on a virtual clock: programs that call when a script says so, an alarm
//! that is late by chance, and a seed for all of it.

use super::*;
use crate::clock::VirtualClock;
use crate::door::{Answer, Call, CallKind, Door};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{PortCaps, PortInfo, QueueInfo};
use aseqd_abi::{Address, Errno, Event};
use aseqd_engine::{self as engine, Access, FileId, Node};
use std::collections::VecDeque;
use std::time::Duration;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const MICROSECOND: u64 = 1000;
const SECOND: u64 = 1_000_000_000;

/// A door whose programs call at the instants of a script. It writes down when it was told what.
#[derive(Debug)]
struct Script {
    clock: VirtualClock,
    /// By instant.
    calls: VecDeque<Planned>,
    told: Vec<(Time, u32, Told)>,
    gone: bool,
}

/// A call, with its bytes apart.
#[derive(Debug)]
struct Planned {
    at: Time,
    token: u32,
    kind: CallKind<'static, u32, ()>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Opened(FileId),
    Bytes(Vec<u8>),
    Written(usize),
    Polled,
    Failed(Errno),
}

impl Door for Script {
    type Token = u32;
    type Wakeup = ();

    fn answer(&mut self, token: u32, answer: Answer<'_>) -> bool {
        let told = match answer {
            Answer::Opened { file, .. } | Answer::Created { file, .. } => Told::Opened(file),
            Answer::Read(bytes) | Answer::Ioctl(Ok(bytes)) => Told::Bytes(bytes.to_vec()),
            Answer::Written(count) => Told::Written(count),
            Answer::Polled(_) => Told::Polled,
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => Told::Failed(errno),
        };
        self.told.push((self.clock.now(), token, told));
        true
    }

    fn wake(&mut self, (): ()) {}
}

impl Transport for Script {
    type Buffer = Vec<u8>;

    fn receive<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Received<'b, u32, ()> {
        if self.gone {
            return Received::Disconnected;
        }
        let now = self.clock.now();
        if self.calls.front().is_none_or(|call| call.at > now) {
            return Received::Nothing;
        }
        let Some(Planned { token, kind, bytes, .. }) = self.calls.pop_front() else {
            return Received::Nothing;
        };
        *buffer = bytes;
        Received::Call(Call { token, thread: 7, kind: kind.with_bytes(buffer) })
    }

    fn is_ready(&self) -> bool {
        self.gone || self.calls.front().is_some_and(|call| call.at <= self.clock.now())
    }
}

/// A thread on several processors that nobody schedules.
#[derive(Debug)]
struct Spinning;

impl Thread for Spinning {
    fn processors(&self) -> usize {
        2
    }

    fn called(&mut self, _now: Time, _caller: Option<i32>) {}

    fn idle(&mut self, _now: Time, _load: Load) {}
}

/// A sequencer whose programs follow a script.
struct Stage<T: Thread> {
    clock: VirtualClock,
    core: Core<VirtualClock, Script, T>,
    next: u32,
}

/// Numbers that follow from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ number >> 31) % end
    }
}

impl<T: Thread> Stage<T> {
    fn new(thread: T, timing: &Timing) -> Self {
        let clock = VirtualClock::at(Time(SECOND));
        let (calls, told) = (VecDeque::new(), Vec::new());
        let script = Script { clock: clock.clone(), calls, told, gone: false };
        let session = Session::new(timing.engine(), false);
        let core = Core::new(clock.clone(), script, thread, session, timing);
        Self { clock, core, next: 0 }
    }

    /// Has a program call at an instant, after those that call before and at it. Returns the call's name.
    fn calls_at(&mut self, at: Time, kind: CallKind<'static, u32, ()>, bytes: &[u8]) -> u32 {
        self.next += 1;
        let calls = &mut self.core.doors_mut().calls;
        let place = calls.partition_point(|call| call.at <= at);
        calls.insert(place, Planned { at, token: self.next, kind, bytes: bytes.to_vec() });
        self.next
    }

    /// A call at once. Returns what it was told.
    fn call(&mut self, kind: CallKind<'static, u32, ()>, bytes: &[u8]) -> Told {
        self.calls_at(self.clock.now(), kind, bytes);
        assert_eq!(self.core.turn().expect("a turn"), Turn::Served(1));
        let (_, _, told) = self.core.doors_mut().told.pop().expect("an answer");
        told
    }

    fn open(&mut self) -> FileId {
        let (node, access) = (Node::Sequencer, Access::ReadWrite);
        let told = self.call(CallKind::Open { node, access, pid: 7, user: 7 }, &[]);
        let Told::Opened(file) = told else { panic!("a file: {told:?}") };
        file
    }

    fn ioctl<S: IntoBytes + FromBytes + Immutable>(
        &mut self,
        file: FileId,
        request: u32,
        arg: &S,
    ) -> S {
        let call = engine::Call::Ioctl { request, compat: false, arg: &[] };
        let told = self.call(CallKind::on(file, call), arg.as_bytes());
        let Told::Bytes(bytes) = told else { panic!("bytes: {told:?}") };
        S::read_from_bytes(&bytes).expect("the struct")
    }

    /// A port that anybody may write to.
    fn port(&mut self, file: FileId) -> Address {
        let id: i32 = self.ioctl(file, request::CLIENT_ID, &0);
        let addr = Address::new(u8::try_from(id).expect("a number"), 0);
        let capability = PortCaps::WRITE.bits();
        let port = PortInfo { addr, capability, ..PortInfo::default() };
        self.ioctl(file, request::CREATE_PORT, &port);
        addr
    }

    /// A queue that was started right now.
    fn queue(&mut self, file: FileId) -> u8 {
        let queue = self.ioctl(file, request::CREATE_QUEUE, &QueueInfo::default()).queue;
        let queue = u8::try_from(queue).expect("a queue");
        let mut start = Event::direct(EventType::START);
        start.data = EventData::from_queue(queue, 0, 0);
        assert_eq!(self.call(write(file), start.as_bytes()), Told::Written(EVENT_SIZE));
        queue
    }

    /// Lets time pass until nobody calls any more and nothing is due: what the server's loop does with an
    /// epoll and a timer. The alarm rings late, by less than `latest` nanoseconds.
    fn run(&mut self, numbers: &mut Numbers, latest: u64) {
        loop {
            let alarm = self.core.rest();
            self.core.sleeps();
            let call = self.core.doors().calls.front().map(|call| call.at);
            let rings = alarm.map(|set| set.max(self.clock.now()) + numbers.below(latest));
            match (rings, call) {
                (None, None) => return,
                (Some(rings), call) if call.is_none_or(|call| rings < call) => {
                    self.clock.advance_to(rings);
                    self.core.woken(alarm.expect("it was set"));
                }
                (_, call) => self.clock.advance_to(call.expect("one of both")),
            }
            assert!(matches!(self.core.turn().expect("a turn"), Turn::Served(_)));
        }
    }
}

const fn write(file: FileId) -> CallKind<'static, u32, ()> {
    CallKind::on(file, engine::Call::Write { data: &[], nonblock: false })
}

const fn read(file: FileId) -> CallKind<'static, u32, ()> {
    CallKind::on(file, engine::Call::Read { len: EVENT_SIZE, nonblock: false })
}

/// An event for an instant of a queue, as nanoseconds since it was started.
fn event_at(nanoseconds: u64, dest: Address, queue: u8) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    let part = |number: u64| u32::try_from(number).expect("it fits");
    event.time = EventTime::real(part(nanoseconds / SECOND), part(nanoseconds % SECOND));
    (event.dest, event.queue, event.flags) = (dest, queue, EventFlags::REAL_TIME);
    event
}

/// A program writes events for later at any time, another reads them. Returns when each was due and when it was
/// read, in the order in which they were read.
fn history<T: Thread>(seed: u64, thread: T, timing: &Timing, latest: u64) -> Vec<(Time, Time)> {
    const EVENTS: u64 = 150;
    let mut numbers = Numbers(seed);
    let mut stage = Stage::new(thread, timing);
    let (reader, writer) = (stage.open(), stage.open());
    let (port, queue) = (stage.port(reader), stage.queue(writer));
    let start = stage.clock.now();
    let mut reads = Vec::new();
    for _ in 0..EVENTS {
        let at = numbers.below(SECOND);
        let due = at + numbers.below(SECOND);
        stage.calls_at(start + at, write(writer), event_at(due, port, queue).as_bytes());
        reads.push(stage.calls_at(start + numbers.below(2 * SECOND), read(reader), &[]));
    }
    stage.run(&mut numbers, latest);
    let told = std::mem::take(&mut stage.core.doors_mut().told);
    let failed = told.iter().find(|(.., told)| matches!(told, Told::Failed(_)));
    assert_eq!(failed, None, "no call fails");
    let read =
        told.into_iter().filter(|(_, call, _)| reads.contains(call)).map(|(now, _, told)| {
            let Told::Bytes(bytes) = told else { panic!("an event: {told:?}") };
            let event = Event::read_from_bytes(&bytes).expect("an event");
            let EventTime { tick_or_sec: seconds, nsec: nanoseconds } = event.time;
            (start + (u64::from(seconds) * SECOND + u64::from(nanoseconds)), now)
        });
    let read: Vec<_> = read.collect();
    assert_eq!(read.len() as u64, EVENTS, "each event is read, and each read answered");
    read
}

#[test]
fn one_seed_has_one_history_and_no_event_is_early() {
    let timing = Timing::default();
    for seed in 0..50 {
        let once = history(seed, Unmanaged, &timing, 100 * MICROSECOND);
        assert_eq!(once, history(seed, Unmanaged, &timing, 100 * MICROSECOND), "seed {seed}");
        assert!(once.is_sorted_by_key(|(due, _)| due), "seed {seed}: in the order of the queue");
        assert!(once.iter().all(|(due, read)| due <= read), "seed {seed}");
    }
    assert_ne!(history(0, Unmanaged, &timing, 100), history(1, Unmanaged, &timing, 100));
}

/// A program waits for each of 200 events, 10 ms apart. Returns how late each was read, in nanoseconds.
fn lateness<T: Thread>(seed: u64, thread: T, timing: &Timing, latest: u64) -> Vec<u64> {
    let mut stage = Stage::new(thread, timing);
    let file = stage.open();
    let (port, queue) = (stage.port(file), stage.queue(file));
    let start = stage.clock.now();
    let dues: Vec<_> = (1..=200).map(|count| count * SECOND / 100).collect();
    for due in &dues {
        stage.calls_at(start, write(file), event_at(*due, port, queue).as_bytes());
        stage.calls_at(start, read(file), &[]);
    }
    stage.run(&mut Numbers(seed), latest);
    let told = stage.core.doors().told.iter();
    let read: Vec<_> = told.filter(|(.., told)| matches!(told, Told::Bytes(_))).collect();
    assert_eq!(read.len(), dues.len());
    read.iter().zip(dues).map(|((now, ..), due)| *now - (start + due)).collect()
}

#[test]
fn an_event_for_which_somebody_waits_is_read_when_the_alarm_rings() {
    let timing = Timing::default();
    assert!(lateness(1, Unmanaged, &timing, 1).iter().all(|late| *late == 0));
    let late = lateness(2, Unmanaged, &timing, 70 * MICROSECOND);
    assert!(late.iter().all(|late| *late < 70 * MICROSECOND), "{late:?}");
    assert!(late.iter().any(|late| *late > 50 * MICROSECOND), "{late:?}");
}

#[test]
fn a_precise_server_is_on_time_although_its_alarm_is_late() {
    let timing = Timing { precise: Some(Duration::from_micros(100)), ..Timing::default() };
    for seed in 0..20 {
        let late = lateness(seed, Spinning, &timing, 60 * MICROSECOND);
        let on_time = late.iter().filter(|late| **late < MICROSECOND).count();
        assert!(on_time > late.len() * 9 / 10, "seed {seed}: {late:?}");
    }
}

#[test]
fn a_server_that_lingers_handles_the_next_call_in_the_same_turn() {
    for (spin, served) in [(0, 1), (50, 2), (10, 1)] {
        let timing = Timing { spin: Duration::from_micros(spin), ..Timing::default() };
        let mut stage = Stage::new(Spinning, &timing);
        let file = stage.open();
        let now = stage.clock.now();
        stage.calls_at(now, read(file), &[]);
        stage.calls_at(now + 20 * MICROSECOND, read(file), &[]);
        assert_eq!(stage.core.turn().expect("a turn"), Turn::Served(served), "{spin} us");
    }
}

#[test]
fn a_turn_ends_when_a_door_is_gone() {
    let mut stage = Stage::new(Unmanaged, &Timing::default());
    stage.open();
    stage.core.doors_mut().gone = true;
    assert_eq!(stage.core.turn().expect("a turn"), Turn::Disconnected);
}
