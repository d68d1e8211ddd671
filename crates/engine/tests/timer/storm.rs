//! Any calls in any order on several files: nothing panics, every reader has been woken, and all
//! counts are right.

use crate::rig::{HRTIMER, Rig, SYSTEM, TestClient, at_time, follower, key, user_driven};
use aseqd_abi::EventType;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ioctl::{timers as t, timers_old as old};
use aseqd_abi::seq::QueueTimer;
use aseqd_abi::timer::{TimerEvent, TimerGinfo, TimerId, TimerParams};
use aseqd_engine::{Call, Config, FileId, Input, Output, Reply};
use proptest::prelude::*;

const FILES: usize = 6;
const QUEUES: u8 = 2;
/// Maximum number of calls that the engine may want at one instant while it catches up.
const CALLS_AT_ONE_INSTANT: usize = 5_000;

#[derive(Clone, Debug)]
enum Step {
    Command(usize, u32),
    Select(usize, TimerId),
    Params(usize, TimerParams),
    Tread(usize, i32),
    Reopen(usize),
    Read(usize, usize),
    Create,
    Trigger(usize),
    Drop(usize),
    Control(u8, EventType),
    Choose(u8, TimerId, u32),
    Event(u8, u32),
    Use(u8, bool),
    Pass(u64),
    Jump(u64),
}

fn any_timer() -> impl Strategy<Value = TimerId> {
    prop_oneof![
        6 => prop::sample::select(vec![SYSTEM, HRTIMER]),
        2 => (0..3).prop_map(user_driven),
        4 => (1..4, -1..8).prop_map(|(class, number)| follower(class, number)),
        1 => any::<[i32; 2]>().prop_map(|[dev_class, device]| TimerId { dev_class, device, ..SYSTEM }),
    ]
}

fn any_params() -> impl Strategy<Value = TimerParams> {
    let ticks = prop_oneof![0..20_u32, 900_000..5_000_000_u32, any::<u32>()];
    let queue_size = prop_oneof![Just(0), Just(32), 30..1026_u32];
    let filter = prop_oneof![4 => Just(0xf03f & !64), 1 => Just(0), 1 => any::<u32>()];
    (0..8_u32, ticks, queue_size, filter).prop_map(|(flags, ticks, queue_size, filter)| {
        TimerParams { flags, ticks, queue_size, filter, ..TimerParams::default() }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let file = 0..FILES;
    let command = prop::sample::select(vec![
        t::START,
        t::START,
        t::START,
        t::STOP,
        t::CONTINUE,
        t::PAUSE,
        old::START,
        old::PAUSE,
    ]);
    let control =
        prop::sample::select(vec![EventType::START, EventType::STOP, EventType::CONTINUE]);
    prop_oneof![
        8 => (file.clone(), command).prop_map(|(file, command)| Step::Command(file, command)),
        4 => (file.clone(), any_timer()).prop_map(|(file, id)| Step::Select(file, id)),
        6 => (file.clone(), any_params()).prop_map(|(file, params)| Step::Params(file, params)),
        1 => (file.clone(), 0..3).prop_map(|(file, wanted)| Step::Tread(file, wanted)),
        1 => file.clone().prop_map(Step::Reopen),
        4 => (file.clone(), 0..200_usize).prop_map(|(file, len)| Step::Read(file, len)),
        1 => Just(Step::Create),
        2 => (0..3_usize).prop_map(Step::Trigger),
        1 => (0..3_usize).prop_map(Step::Drop),
        3 => (0..QUEUES, control).prop_map(|(queue, event)| Step::Control(queue, event)),
        2 => (0..QUEUES, any_timer(), 0..300_u32)
            .prop_map(|(queue, id, hz)| Step::Choose(queue, id, hz)),
        3 => (0..QUEUES, 0..50_000_000_u32).prop_map(|(queue, at)| Step::Event(queue, at)),
        1 => (0..QUEUES, any::<bool>()).prop_map(|(queue, used)| Step::Use(queue, used)),
        6 => (0..30_000_000_u64).prop_map(Step::Pass),
        2 => (0..2_000_000_000_u64).prop_map(Step::Jump),
    ]
}

/// One of the files, and whether the driver knows that it is readable.
#[derive(Clone, Copy, Debug)]
struct Open {
    file: FileId,
    told: bool,
    overrun: u32,
}

struct Storm {
    rig: Rig,
    client: TestClient,
    files: [Open; FILES],
    timers: Vec<FileId>,
    log: Vec<u8>,
}

impl Storm {
    fn new(quantise: bool) -> Self {
        let mut rig = Rig::with_config(Config { user_timers: true, quantise, ..Config::default() });
        let client = rig.client_with_port();
        for _ in 0..QUEUES {
            rig.create_queue(client).unwrap();
        }
        let mut pid = 0;
        let files = [(); FILES].map(|()| {
            pid += 1;
            Open { file: rig.timer_file(pid), told: false, overrun: 0 }
        });
        Self { rig, client, files, timers: Vec::new(), log: Vec::new() }
    }

    fn run(steps: &[Step], quantise: bool) -> Self {
        let mut storm = Self::new(quantise);
        for step in steps {
            storm.take(step.clone());
            storm.settle();
            storm.check();
        }
        storm
    }

    fn note<T: std::fmt::Debug>(&mut self, what: T) {
        self.log.extend(format!("{what:?}\n").bytes());
    }

    fn take(&mut self, step: Step) {
        let rig = &mut self.rig;
        match step {
            Step::Command(file, command) => {
                let result = rig.command(self.files[file].file, command);
                self.note(result);
            }
            Step::Select(file, id) => {
                let result = rig.select(self.files[file].file, id);
                self.note(result);
            }
            Step::Params(file, params) => {
                let result = rig.query(self.files[file].file, t::PARAMS, params);
                // As on Linux, the record of EARLY_EVENT wakes no program.
                self.files[file].told = true;
                self.note(result.map(drop));
            }
            Step::Tread(file, wanted) => {
                let result = rig.query(self.files[file].file, t::TREAD64, wanted);
                self.note(result);
            }
            Step::Reopen(file) => {
                rig.close_file(self.files[file].file);
                let pid = i32::try_from(file).unwrap() + 1;
                self.files[file] = Open { file: rig.timer_file(pid), told: false, overrun: 0 };
            }
            Step::Read(file, len) => self.read(file, len),
            Step::Create => {
                if let Ok((timer, _)) = rig.create_timer(self.files[0].file, 1_000_000) {
                    self.timers.push(timer);
                }
            }
            Step::Trigger(timer) => {
                if let Some(timer) = self.timers.get(timer) {
                    rig.command(*timer, t::TRIGGER).unwrap();
                }
            }
            Step::Drop(timer) => {
                if timer < self.timers.len() {
                    rig.close_file(self.timers.remove(timer));
                }
            }
            Step::Control(queue, event) => {
                rig.control(self.client, event, queue, [0, 0]).unwrap();
            }
            Step::Choose(queue, id, resolution) => {
                let queue = queue.into();
                let info = QueueTimer { queue, id, resolution, ..QueueTimer::default() };
                let result = rig.ioctl(self.client, s::SET_QUEUE_TIMER, info).map(drop);
                self.note(result);
            }
            Step::Event(queue, at) => {
                let event = at_time(key(self.client.port(0), 1), queue, 0, at);
                let result = rig.send(self.client, event);
                let seen = rig.receive_all(self.client).len();
                self.note((result, seen));
            }
            Step::Use(queue, used) => rig.use_queue(self.client, queue, used).unwrap(),
            Step::Pass(nanoseconds) => rig.pass(nanoseconds),
            Step::Jump(nanoseconds) => {
                rig.now = rig.now + nanoseconds;
                rig.timeout();
            }
        }
    }

    fn read(&mut self, file: usize, len: usize) {
        let open = &mut self.files[file];
        let (reply, bytes) = self.rig.read_timer(open.file, len, false);
        match reply {
            Reply::Done(count) => assert_eq!(count, bytes.len()),
            // A sleeping reader must be woken by the next record.
            Reply::Wait(count) => {
                assert_eq!(count, 0);
                open.told = false;
            }
            other => panic!("{other:?}"),
        }
        self.note(bytes);
    }

    /// Calls the engine until nothing is due now.
    fn settle(&mut self) {
        for _ in 0..CALLS_AT_ONE_INSTANT {
            if self.rig.engine.poll_timeout().is_none_or(|deadline| deadline > self.rig.now) {
                return;
            }
            self.rig.timeout();
        }
        panic!("at {:?} the engine wants {:?}", self.rig.now, self.rig.engine.poll_timeout());
    }

    fn check(&mut self) {
        while let Some(Output::Ready(file)) = self.rig.engine.poll_output() {
            for open in self.files.iter_mut().filter(|open| open.file == file) {
                open.told = true;
            }
        }
        for index in 0..FILES {
            let open = self.files[index];
            let readable = self.rig.timer_readable(open.file);
            assert!(!readable || open.told, "{open:?} was not told");
            // The driver is told about the next record of an empty file.
            self.files[index].told = readable;
            let Ok(status) = self.rig.timer_status(open.file) else { continue };
            assert!(status.queue <= 1024 && status.lost == 0);
            assert_eq!(status.queue > 0, readable);
            assert!(status.overrun >= open.overrun);
            self.files[index].overrun = status.overrun;
        }
    }

    /// Closes everything. Nothing is bound or ticks then.
    fn end(mut self) -> Vec<u8> {
        let texts = [self.rig.engine.proc_timers(), self.rig.engine.proc_timer()].concat();
        self.log.extend(texts.bytes());
        let watcher = self.rig.timer_file(99);
        for open in self.files {
            self.rig.close_file(open.file);
        }
        for timer in self.timers {
            self.rig.close_file(timer);
        }
        self.rig.close(self.client);
        for tid in [SYSTEM, HRTIMER] {
            let info = TimerGinfo { tid, ..TimerGinfo::default() };
            assert_eq!(self.rig.query(watcher, t::GINFO, info).unwrap().clients, 0);
        }
        assert_eq!(self.rig.engine.poll_timeout(), None);
        // The places of linked slaves are free too.
        for _ in 0..100 {
            self.rig.bound(1, HRTIMER);
        }
        self.log
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 150,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whoever_can_read_was_told_and_all_places_come_back(
        steps in prop::collection::vec(step(), 1..120),
        quantise in any::<bool>(),
    ) {
        Storm::run(&steps, quantise).end();
    }

    #[test]
    fn the_same_calls_give_the_same_records(steps in prop::collection::vec(step(), 1..60)) {
        prop_assert_eq!(Storm::run(&steps, false).end(), Storm::run(&steps, false).end());
    }

    #[test]
    fn bytes_without_meaning_do_no_harm(
        requests in prop::collection::vec((0..t::ALL.len(), prop::collection::vec(any::<u8>(), 248), any::<bool>()), 1..40),
    ) {
        let mut rig = Rig::with_config(Config { user_timers: true, ..Config::default() });
        let file = rig.timer_file(1);
        for (index, arg, compat) in requests {
            let (_, request) = t::ALL[index];
            let input = Input::Call { file, call: Call::Ioctl { request, compat, arg: &arg[..aseqd_abi::ioctl::size(request)] } };
            let mut out = Vec::new();
            let reply = rig.engine.handle(rig.now, input, &mut out);
            prop_assert!(matches!(reply, Reply::Done(0) | Reply::Failed(_)));
            if matches!(reply, Reply::Failed(_)) {
                prop_assert!(out.is_empty());
            }
        }
    }

    #[test]
    fn a_jump_moves_queues_as_punctual_calls_do(
        chosen in prop::collection::vec((prop::sample::select(vec![SYSTEM, HRTIMER]), any::<bool>(),
            prop::sample::select(vec![0_u32, 250, 100, 77])), 3),
        events in prop::collection::vec((0..3_u8, 0..300_u32, 0..4_usize, 0..3_u8), 0..25),
        listens in any::<bool>(),
    ) {
        let run = |punctual: bool| {
            let mut rig = Rig::new();
            let client = rig.client_with_port();
            for (queue, (id, explicit, resolution)) in (0_u8..).zip(&chosen) {
                rig.create_queue(client).unwrap();
                if *explicit {
                    let info = QueueTimer {
                        queue: queue.into(), id: *id, resolution: *resolution, ..QueueTimer::default()
                    };
                    rig.ioctl(client, s::SET_QUEUE_TIMER, info).unwrap();
                }
            }
            let file = rig.timer_file(1);
            if listens {
                rig.select(file, follower(2, 1)).unwrap();
                rig.command(file, t::START).unwrap();
            }
            for queue in 0..3 {
                rig.control(client, EventType::START, queue, [0, 0]).unwrap();
            }
            for (queue, at, what, target) in &events {
                let kinds = [EventType::STOP, EventType::CONTINUE, EventType::START];
                let event = match kinds.get(*what) {
                    Some(kind) => {
                        let mut event = crate::rig::direct(*kind, crate::rig::TIMER);
                        event.data = aseqd_abi::event::EventData::from_queue(*target, 0, 0);
                        event
                    }
                    None => key(client.port(0), *target),
                };
                rig.send(client, at_time(event, *queue, 0, at * 1_000_000)).unwrap();
            }
            if punctual {
                rig.pass(400_000_000);
            } else {
                rig.now = rig.now + 400_000_000;
                rig.timeout();
            }
            let statuses: Vec<_> = (0..3).map(|queue| rig.status(client, queue).unwrap()).collect();
            let records = listens.then(|| rig.plain_records(file));
            (statuses, rig.receive_all(client), records, rig.engine.proc_timers())
        };
        prop_assert_eq!(run(true), run(false));
    }

    #[test]
    fn a_jump_finds_the_records_of_punctual_calls(
        ticks in prop::collection::vec(
            (prop::sample::select(vec![2_u32, 3, 4, 6, 12]), any::<bool>()), 1..4),
        end in 1..400_u64,
    ) {
        let run = |punctual: bool| {
            let mut rig = Rig::new();
            let files: Vec<FileId> = (1..).zip(&ticks).map(|(pid, (ticks, auto))| {
                let file = rig.bound_tread(pid, HRTIMER);
                let flags = u32::from(*auto);
                let filter = 1 << TimerEvent::TICK.0 | 1 << TimerEvent::RESOLUTION.0;
                let ticks = ticks * 500_000;
                let params = TimerParams { flags, ticks, filter, ..TimerParams::default() };
                rig.query(file, t::PARAMS, params).unwrap();
                rig.command(file, t::START).unwrap();
                file
            }).collect();
            if punctual {
                rig.pass(end * 1_000_000);
            } else {
                rig.now = rig.now + end * 1_000_000;
                rig.timeout();
            }
            let next = rig.engine.poll_timeout();
            let records: Vec<_> = files.iter().map(|file| rig.timed_records(*file)).collect();
            (records, next)
        };
        prop_assert_eq!(run(true), run(false));
    }
}
