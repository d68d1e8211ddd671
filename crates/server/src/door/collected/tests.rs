//! Programs whose calls arrive in an order that a seed chooses, and the answers that they get.

use super::*;
use crate::door::in_process::{InProcess, OwnCall, Reply};
use crate::stepped::Stepped;
use crate::timing::Timing;
use aseqd_abi::Errno;
use aseqd_abi::event::{EVENT_SIZE, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{PortCaps, PortInfo};
use aseqd_abi::{Address, Event};
use aseqd_engine::{Access, Node, Time};
use zerocopy::{FromZeros as _, IntoBytes as _};

const START: Time = Time(1_000_000_000_000);
/// Threads 101 to 105. The rank of each is its number less 100.
const THREADS: std::ops::RangeInclusive<i32> = 101..=105;

fn rank(thread: i32) -> u64 {
    u64::try_from(thread - 100).ok().filter(|rank| *rank <= 5).unwrap_or(u64::MAX)
}

/// Numbers that follow from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let number = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let chosen = (number ^ number >> 27) % (end as u64 + 1);
            items.swap(end, usize::try_from(chosen).unwrap());
        }
    }
}

struct Stage {
    server: Stepped<InProcess>,
    numbers: Numbers,
    /// What each thread was told, in the order in which the threads are looked at.
    told: Vec<(i32, Reply)>,
}

impl Stage {
    fn new(order: Order, seed: u64) -> Self {
        let server = Stepped::new(InProcess::default(), order, START, false, &Timing::default());
        Self { server, numbers: Numbers(seed), told: Vec::new() }
    }

    /// Makes calls, which arrive in an order of the seed's choice, and serves them. Returns the replies in the order
    /// of the calls; `None` for one that sleeps.
    fn calls(&mut self, calls: Vec<(i32, OwnCall, Vec<u8>)>) -> Vec<Option<Reply>> {
        let mut places: Vec<_> = (0..calls.len()).collect();
        self.numbers.shuffle(&mut places);
        let mut tokens: Vec<_> = places
            .iter()
            .map(|place| {
                let (thread, kind, bytes) = &calls[*place];
                (*place, self.server.door_mut().call(*thread, kind.clone(), bytes))
            })
            .collect();
        self.serve();
        tokens.sort_unstable_by_key(|(place, _)| *place);
        let replies: Vec<_> =
            tokens.iter().map(|(_, token)| self.server.door_mut().answer_to(*token)).collect();
        for ((thread, ..), reply) in calls.iter().zip(&replies) {
            self.told.extend(reply.clone().map(|reply| (*thread, reply)));
        }
        replies
    }

    fn serve(&mut self) {
        while self.server.collect().unwrap() > 0 {
            self.server.serve(START, &rank).unwrap();
        }
    }
}

fn opens(thread: i32) -> (i32, OwnCall, Vec<u8>) {
    let (node, access) = (Node::Sequencer, Access::ReadWrite);
    (thread, CallKind::Open { node, access, pid: thread, user: 0 }, Vec::new())
}

fn on(thread: i32, file: FileId, call: engine::Call<'static>) -> (i32, OwnCall, Vec<u8>) {
    (thread, CallKind::on(file, call), Vec::new())
}

fn ioctl(thread: i32, file: FileId, request: u32, bytes: &[u8]) -> (i32, OwnCall, Vec<u8>) {
    let call = engine::Call::Ioctl { request, compat: false, arg: &[] };
    (thread, CallKind::on(file, call), bytes.to_vec())
}

/// Five programs that open, make ports, send to one another, read and close, all at once.
fn history(order: Order, seed: u64) -> Vec<(i32, Reply)> {
    let mut stage = Stage::new(order, seed);
    let opened = stage.calls(THREADS.map(opens).collect());
    let files: Vec<_> = opened
        .into_iter()
        .map(|reply| match reply {
            Some(Reply::Opened(file)) => file,
            other => panic!("{other:?}"),
        })
        .collect();
    let threads: Vec<_> = THREADS.zip(files).collect();
    let each = |call: &dyn Fn(i32, FileId) -> (i32, OwnCall, Vec<u8>)| {
        threads.iter().map(|(thread, file)| call(*thread, *file)).collect::<Vec<_>>()
    };
    let numbers =
        stage.calls(each(&|thread, file| ioctl(thread, file, request::CLIENT_ID, &[0; 4])));
    let clients: Vec<u8> = numbers
        .iter()
        .map(|reply| match reply {
            Some(Reply::Bytes(bytes)) => bytes[0],
            other => panic!("{other:?}"),
        })
        .collect();
    stage.calls(each(&|thread, file| {
        let mut port = PortInfo::new_zeroed();
        port.addr.client = clients[usize::try_from(thread - 101).unwrap()];
        port.capability = (PortCaps::WRITE | PortCaps::READ).bits();
        ioctl(thread, file, request::CREATE_PORT, port.as_bytes())
    }));
    // All send to the first program, which reads what has come first.
    let to = Address::new(clients[0], 0);
    stage.calls(each(&|thread, file| {
        let event = Event { dest: to, ..Event::direct(EventType::NOTEON) };
        let write = engine::Call::Write { data: &[], nonblock: true };
        (thread, CallKind::on(file, write), event.as_bytes().to_vec())
    }));
    let (first, file) = threads[0];
    let len = 5 * EVENT_SIZE;
    let read = engine::Call::Read { len, nonblock: true };
    stage.calls(vec![on(first, file, read)]);
    let ended: Vec<_> = threads
        .iter()
        .map(|(_, file)| (0, CallKind::Close { file: *file }, Vec::new()))
        .chain(THREADS.map(opens))
        .collect();
    // The files are closed first, so that their numbers are free for those that open at the same time.
    stage.calls(ended);
    stage.told
}

#[test]
fn the_order_of_arrival_makes_no_difference() {
    let first = history(Order::Canonical, 0);
    assert!(first.len() > 25, "{first:?}");
    for seed in 1..200 {
        assert_eq!(history(Order::Canonical, seed), first, "seed {seed}");
    }
    // In order of arrival it does, or the test would show nothing.
    let arrived = history(Order::Arrival, 0);
    assert!((1..20).any(|seed| history(Order::Arrival, seed) != arrived));
}

#[test]
fn an_interrupt_ends_a_call_of_the_same_batch() {
    for seed in 0..20 {
        let mut stage = Stage::new(Order::Canonical, seed);
        let [Some(Reply::Opened(file))] = stage.calls(vec![opens(101)])[..] else { panic!() };
        let read = engine::Call::Read { len: EVENT_SIZE, nonblock: false };
        let token = stage.server.door_mut().call(101, CallKind::on(file, read), &[]);
        let interrupt = CallKind::Interrupt { target: token };
        stage.server.door_mut().call(0, interrupt, &[]);
        stage.server.collect().unwrap();
        // The door of the test brings calls in the order in which they were made; the batch has them in any.
        assert!(stage.server.is_asking(101));
        stage.serve();
        assert_eq!(stage.server.door_mut().answer_to(token), Some(Reply::Failed(Errno::EINTR)));
        assert!(!stage.server.is_asking(101));
    }
}

#[test]
fn one_program_at_a_time_gets_an_answer() {
    let mut stage = Stage::new(Order::Canonical, 0);
    let tokens: Vec<_> = THREADS
        .rev()
        .map(|thread| {
            let (_, kind, bytes) = opens(thread);
            stage.server.door_mut().call(thread, kind, &bytes)
        })
        .collect();
    for (at, token) in tokens.iter().rev().enumerate() {
        assert_eq!(stage.server.collect().unwrap(), 5 - at);
        assert_eq!(stage.server.door_mut().answer_to(*token), None);
        stage.server.serve(START, &rank).unwrap();
        assert!(stage.server.door_mut().answer_to(*token).is_some(), "{at}");
    }
    assert_eq!(stage.server.collect().unwrap(), 0);
}

#[test]
fn calls_of_the_server_itself_come_after_those_of_programs() {
    let mut stage = Stage::new(Order::Canonical, 0);
    // A thread of the server opens a file for the process 103, whose rank counts.
    let opener =
        CallKind::Open { node: Node::Sequencer, access: Access::ReadWrite, pid: 103, user: 0 };
    let replies = stage.calls(vec![opens(104), (7, opener, Vec::new()), opens(102)]);
    let file = |reply: &Option<Reply>| match reply {
        Some(Reply::Opened(file)) => file.0,
        other => panic!("{other:?}"),
    };
    assert!(file(&replies[2]) < file(&replies[1]) && file(&replies[1]) < file(&replies[0]));
}
