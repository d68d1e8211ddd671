//! Random calls in random order at random times: nothing panics or loops, no cell is lost, and the
//! same inputs give the same history.

mod rig;

use crate::rig::{Rig, TestClient};
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::{self, sequencer as s, sequencer32 as s32};
use aseqd_abi::seq::{ClientPool, PortCaps, QueueInfo, QueueStatus, VERSION};
use aseqd_abi::ump::UmpEvent;
use aseqd_engine::{Access, Call, Config, Identity, Input, Output, Reply, Time};
use proptest::prelude::*;
use std::io::Write as _;

/// Maximum number of calls that the engine may want at one instant: one pass for every thousand
/// cells.
const CALLS_AT_ONE_INSTANT: usize = 1000;
/// Files that are open at a time.
const FILES: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Open(u8),
    Close(usize),
    Ioctl {
        file: usize,
        request: usize,
        compat: bool,
        arg: Vec<u8>,
    },
    Write {
        file: usize,
        data: Vec<u8>,
        nonblock: bool,
    },
    Read {
        file: usize,
        len: usize,
    },
    Poll(usize),
    Pass(u64),
    /// A change of the MIDI version and the filters of a client.
    Version {
        file: usize,
        version: u32,
        filter: u32,
        groups: u32,
    },
}

fn file() -> impl Strategy<Value = usize> {
    0..FILES
}

/// Generates a byte that is likely to mean something.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => 0..4_u8,
        4 => 128..133_u8,
        2 => prop::sample::select(vec![5, 6, 14, 30, 31, 33, 35, 38, 253, 254, 255]),
        1 => any::<u8>(),
    ]
}

/// Generates an argument: zeros with a few bytes set, mostly the first ones.
fn arg() -> impl Strategy<Value = Vec<u8>> {
    let patches = prop::collection::vec((prop_oneof![0..24_usize, 0..520_usize], byte()), 0..8);
    (byte(), byte(), patches).prop_map(|(first, second, patches)| {
        let mut arg = vec![0; 520];
        (arg[0], arg[1]) = (first, if second < 4 { second } else { 0 });
        for (at, value) in patches {
            arg[at] = value;
        }
        arg
    })
}

/// Generates a record without data, of any type.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let queue = prop_oneof![4 => 0..3_u8, 2 => Just(253), 1 => byte()];
    let kind = prop_oneof![
        3 => Just(6_u8),
        3 => Just(5),
        4 => prop::sample::select(vec![30_u8, 31, 32, 33, 34, 35, 38]),
        1 => any::<u8>(),
    ];
    let flags = prop::sample::select(vec![0_u8, 1, 2, 3, 16, 17, 12, 8]);
    let time = prop_oneof![Just(0_u32), 0..20_u32, any::<u32>()];
    let to = prop_oneof![
        3 => (128..132_u8, 0..2_u8),
        2 => Just((0, 0)),
        1 => Just((14, 0)),
        1 => Just((254, 0)),
        1 => (any::<u8>(), any::<u8>()),
    ];
    let words = prop::collection::vec(prop_oneof![0..4_u32, Just(0x10000), any::<u32>()], 2);
    (kind, flags, queue, time.clone(), time, to, byte(), words).prop_map(
        |(kind, flags, queue, tick, nsec, to, first, words)| {
            let mut bytes = vec![kind, flags, 0, queue];
            bytes.extend(tick.to_ne_bytes());
            bytes.extend(nsec.to_ne_bytes());
            bytes.extend([0, 0, to.0, to.1, first & 3, 60, 100, 50]);
            bytes.extend(words[0].to_ne_bytes());
            bytes.extend(words[1].to_ne_bytes());
            assert_eq!(bytes.len(), EVENT_SIZE);
            bytes
        },
    )
}

/// Generates a record with data.
fn variable() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0..100_u32, Just(5572), Just(5573), Just(13_972), Just(13_973)];
    (record(), len).prop_map(|(mut bytes, len)| {
        (bytes[0], bytes[1]) = (130, (bytes[1] & 0x13) | 4);
        bytes[16..20].copy_from_slice(&len.to_ne_bytes());
        bytes.resize(EVENT_SIZE + len as usize, 7);
        bytes
    })
}

/// Generates a packet: mostly a message of a channel or of the system.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let head = prop_oneof![
        6 => (prop::sample::select(vec![1_u8, 2, 3, 4]), 0..3_u8, 8..16_u8, any::<u16>()),
        1 => (0..16_u8, 0..16_u8, 0..16_u8, any::<u16>()),
    ];
    (record(), head, any::<[u32; 3]>()).prop_map(|(mut bytes, head, words)| {
        let (message_type, group, status, rest) = head;
        bytes[1] |= 0x20;
        let first = u32::from(message_type) << 28
            | u32::from(group) << 24
            | u32::from(status) << 20
            | u32::from(rest);
        bytes.truncate(16);
        bytes.extend([first, words[0], words[1], words[2]].map(u32::to_ne_bytes).concat());
        bytes
    })
}

/// Generates a change of a client that makes it use UMP, or not any more.
fn version() -> impl Strategy<Value = Step> {
    let filter = prop::sample::select(vec![0_u32, 0, 0, 4, 1 << 30, 1 << 31]);
    let groups = prop_oneof![4 => Just(0_u32), 1 => any::<u32>()];
    (file(), 0..3_u32, filter, groups).prop_map(|(file, version, filter, groups)| Step::Version {
        file,
        version,
        filter,
        groups,
    })
}

fn step(data: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Step> {
    let jump = prop_oneof![
        Just(0),
        0..10_000_000_u64,
        0..100_000_000_000_u64,
        any::<u64>(),
        Just(u64::MAX),
    ];
    prop_oneof![
        2 => (0..8_u8).prop_map(Step::Open),
        1 => file().prop_map(Step::Close),
        12 => (file(), any::<usize>(), prop::bool::weighted(0.1), arg()).prop_map(
            |(file, request, compat, arg)| Step::Ioctl { file, request, compat, arg }
        ),
        8 => (file(), data, any::<bool>())
            .prop_map(|(file, data, nonblock)| Step::Write { file, data, nonblock }),
        3 => (file(), prop_oneof![0..200_usize, Just(20_000)])
            .prop_map(|(file, len)| Step::Read { file, len }),
        1 => file().prop_map(Step::Poll),
        3 => jump.prop_map(Step::Pass),
        2 => version(),
    ]
}

/// A run on a rig that starts with some clients, ports, subscriptions and a queue.
struct Run {
    rig: Rig,
    files: [Option<TestClient>; FILES],
    /// Everything that came out, in order.
    log: Vec<u8>,
}

impl Run {
    fn new(ump: bool) -> Self {
        let mut rig = Rig::with_config(Config { ump, ..Config::default() });
        let files = [(); FILES].map(|()| Some(rig.client_with_port()));
        let mut run = Self { rig, files, log: Vec::new() };
        let [Some(first), Some(second), ..] = run.files else { unreachable!() };
        run.rig.create_queue(first).unwrap();
        run.rig.use_queue(second, 0, true).unwrap();
        run.rig.subscribe(first, first.port(0), second.port(0)).unwrap();
        run.rig.subscribe(first, rig::TIMER, second.port(0)).unwrap();
        run.rig.subscribe(first, rig::ANNOUNCE, second.port(0)).unwrap();
        run
    }

    fn handle(&mut self, input: Input<'_>) -> Reply {
        let mut out = Vec::new();
        let reply = self.rig.engine.handle(self.rig.now, input, &mut out);
        if let Reply::Done(count) = reply
            && matches!(input, Input::Call { call: Call::Read { .. }, .. })
        {
            assert_eq!(out.len(), count);
            assert!(count % EVENT_SIZE == 0 || count % size_of::<UmpEvent>() == 0);
        }
        write!(self.log, "{reply:?} ").unwrap();
        self.log.extend(&out);
        while let Some(Output::Ready(file)) = self.rig.engine.poll_output() {
            writeln!(self.log, "ready {file:?}").unwrap();
        }
        reply
    }

    fn take(&mut self, step: &Step) {
        let files = self.files;
        let of = |file: usize| files[file];
        match step {
            Step::Open(kind) => self.open(*kind),
            Step::Close(file) => {
                if let Some(client) = self.files[*file].take() {
                    let reply = self.handle(Input::Close { file: client.file });
                    assert_eq!(reply, Reply::Done(0));
                }
            }
            Step::Ioctl { file, request, compat, arg } => {
                let Some(client) = of(*file) else { return };
                let codes = [s::ALL, s32::ALL].concat();
                let (_, request) = codes[request % codes.len()];
                let arg = &arg[..ioctl::size(request)];
                let _reply = self.handle(Input::Call {
                    file: client.file,
                    call: Call::Ioctl { request, compat: *compat, arg },
                });
            }
            Step::Write { file, data, nonblock } => {
                let Some(client) = of(*file) else { return };
                let (file, nonblock) = (client.file, *nonblock);
                let reply = self.handle(Input::Call { file, call: Call::Write { data, nonblock } });
                if let Reply::Done(count) | Reply::More(count) | Reply::Wait(count) = reply {
                    assert!(count <= data.len());
                }
                assert!(!(nonblock && matches!(reply, Reply::Wait(_))));
            }
            Step::Read { file, len } => {
                let Some(client) = of(*file) else { return };
                let _reply = self.handle(Input::Call {
                    file: client.file,
                    call: Call::Read { len: *len, nonblock: true },
                });
            }
            Step::Poll(file) => {
                let Some(client) = of(*file) else { return };
                let _reply = self.handle(Input::Call { file: client.file, call: Call::Poll });
            }
            Step::Pass(nanoseconds) => self.pass(*nanoseconds),
            Step::Version { file, version, filter, groups } => {
                if let Some(client) = of(*file) {
                    self.set_version(client, *version, *filter, *groups);
                }
            }
        }
        self.settle();
    }

    fn open(&mut self, kind: u8) {
        let Some(slot) = self.files.iter().position(Option::is_none) else { return };
        let access = [Access::ReadWrite, Access::Read, Access::Write][usize::from(kind % 3)];
        let identity = if kind == 7 {
            Identity::Kernel { number: None, card: 0, name: "Bridge" }
        } else {
            Identity::User { pid: 1 }
        };
        let opened = self.rig.engine.open(self.rig.now, access, identity);
        let file = opened.expect("few clients");
        let id: i32 = self.rig.query(file, s::CLIENT_ID, 0).unwrap();
        let client = TestClient { file, number: u8::try_from(id).unwrap() };
        self.files[slot] = Some(client);
        self.rig.create_port(client, rig::OPEN_PORT).unwrap();
    }

    /// Changes a client, and gives it an endpoint port if it has none.
    fn set_version(&mut self, client: TestClient, version: u32, filter: u32, groups: u32) {
        self.rig.query(client.file, s::USER_PVERSION, VERSION).unwrap();
        let mut info = self.rig.info(client, client.number.into()).unwrap();
        (info.midi_version, info.filter, info.group_filter) = (version, filter, groups);
        // Refused if there is no UMP.
        let _set = self.rig.query(client.file, s::SET_CLIENT_INFO, info);
        let _second = self.rig.create_port(client, rig::OPEN_PORT | PortCaps::UMP_ENDPOINT);
    }

    /// Lets time pass, at once or with a stop at a few deadlines.
    fn pass(&mut self, nanoseconds: u64) {
        let end = self.rig.now + nanoseconds;
        for _ in 0..20 {
            match self.rig.engine.poll_timeout() {
                Some(deadline) if deadline <= end => {
                    self.rig.now = self.rig.now.max(deadline);
                    let _done = self.handle(Input::Timeout);
                }
                _ => break,
            }
        }
        self.rig.now = end;
        let _done = self.handle(Input::Timeout);
    }

    /// Calls the engine until nothing is due now.
    fn settle(&mut self) {
        for _ in 0..CALLS_AT_ONE_INSTANT {
            if self.rig.engine.poll_timeout().is_none_or(|deadline| deadline > self.rig.now) {
                return;
            }
            let _done = self.handle(Input::Timeout);
        }
        panic!("at {:?} the engine wants {:?}", self.rig.now, self.rig.engine.poll_timeout());
    }

    fn clients(&self) -> Vec<TestClient> {
        self.files.iter().flatten().copied().collect()
    }

    fn pools(&mut self) -> Vec<ClientPool> {
        self.clients().iter().map(|client| self.rig.pool(*client).unwrap()).collect()
    }

    /// Returns the output cells in use and the events that wait in queues.
    fn taken_and_waiting(&mut self) -> (i32, i32) {
        let text = self.rig.engine.proc_clients();
        let in_use = |pool: &str| -> i32 {
            let line =
                pool.lines().find_map(|line| line.trim().strip_prefix("Cells in use       : "));
            line.expect("a line of the pool").parse().expect("a number")
        };
        let taken = text.split("  Output pool :\n").skip(1).map(in_use).sum();
        let Some(caller) = self.clients().first().copied() else { return (taken, 0) };
        let waiting = (0..32).filter_map(|queue| {
            let status = QueueStatus { queue, ..QueueStatus::default() };
            self.rig.ioctl(caller, s::GET_QUEUE_STATUS, status).ok()
        });
        (taken, waiting.map(|status| status.events).sum())
    }

    /// Deletes all queues and reads all input: every cell must be free then.
    fn drain(&mut self) {
        for client in self.clients() {
            for queue in 0..32 {
                let info = QueueInfo { queue, ..QueueInfo::default() };
                let _not_its_own = self.rig.ioctl(client, s::DELETE_QUEUE, info);
            }
            while self.rig.readable(client) {
                // The first read may report an overflow.
                let _bytes = self.rig.read_bytes(client, 60_000);
            }
        }
        for pool in self.pools() {
            assert!(pool.output_free == pool.output_pool || pool.output_free == 0, "{pool:?}");
            assert_eq!(pool.input_free, pool.input_pool);
        }
        assert_eq!(self.taken_and_waiting(), (0, 0));
        assert_eq!(self.rig.engine.poll_timeout(), None);
    }

    fn texts(&self) -> String {
        let engine = &self.rig.engine;
        [engine.proc_clients(), engine.proc_queues(), engine.proc_timer()].concat()
    }
}

fn run(ump: bool, steps: &[Step]) -> Run {
    let mut run = Run::new(ump);
    for step in steps {
        run.take(step);
    }
    run
}

fn any_data() -> impl Strategy<Value = Vec<u8>> {
    let records =
        prop_oneof![3 => record().boxed(), 1 => variable().boxed(), 2 => packet().boxed()];
    prop_oneof![
        8 => prop::collection::vec(records, 1..6).prop_map(|records| records.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn fixed_data() -> impl Strategy<Value = Vec<u8>> {
    let records = prop_oneof![2 => record().boxed(), 1 => packet().boxed()];
    prop::collection::vec(records, 1..6).prop_map(|records| records.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_inputs_give_the_same_history(
        ump in any::<bool>(),
        steps in prop::collection::vec(step(any_data()), 1..60),
    ) {
        let (first, second) = (run(ump, &steps), run(ump, &steps));
        prop_assert!(first.log == second.log);
        prop_assert_eq!(first.texts(), second.texts());
    }

    #[test]
    fn every_cell_is_free_when_nothing_waits(
        ump in any::<bool>(),
        steps in prop::collection::vec(step(any_data()), 1..60),
    ) {
        run(ump, &steps).drain();
    }

    #[test]
    fn each_waiting_event_without_data_has_one_cell(
        ump in any::<bool>(),
        steps in prop::collection::vec(step(fixed_data()), 1..40),
    ) {
        let mut run = Run::new(ump);
        for step in &steps {
            run.take(step);
            let (taken, waiting) = run.taken_and_waiting();
            prop_assert_eq!(taken, waiting);
        }
    }

    #[test]
    fn bytes_without_meaning_do_no_harm(
        data in prop::collection::vec(any::<u8>(), 0..2000),
        len in 0..3000_usize,
        version in 0..3_u32,
    ) {
        let mut run = Run::new(true);
        run.take(&Step::Version { file: 0, version, filter: 0, groups: 0 });
        run.take(&Step::Write { file: 0, data, nonblock: true });
        run.take(&Step::Read { file: 1, len });
        run.drain();
    }

    #[test]
    fn a_late_call_sees_what_punctual_calls_saw(
        records in prop::collection::vec((0..200_u32, any::<bool>(), 0..5_u32), 1..40)
    ) {
        let heard = |punctual: bool| {
            let mut rig = Rig::new();
            let client = rig.client_with_port();
            let stamper = rig.client();
            rig.create_queue(client).unwrap();
            let port = rig.create_stamping_port(stamper, 0, false).unwrap();
            rig.control(client, aseqd_abi::EventType::START, 0, [0, 0]).unwrap();
            for (at, real, duration) in &records {
                let mut event = rig::key(port, 60);
                event.event_type = aseqd_abi::EventType::NOTE;
                event.data.0[4..8].copy_from_slice(&duration.to_ne_bytes());
                let event = if *real {
                    rig::at_time(event, 0, 0, at * 5_000_000)
                } else {
                    rig::at_tick(event, 0, *at)
                };
                rig.send(client, event).unwrap();
            }
            if punctual {
                rig.pass(10_000_000_000);
            } else {
                rig.now = Time(10_000_000_000);
                rig.timeout();
            }
            rig.receive_all(stamper).iter().map(|event| event.event_type).collect::<Vec<_>>()
        };
        prop_assert_eq!(heard(true), heard(false));
    }
}
