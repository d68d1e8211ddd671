//! An engine that was stored and restored goes on as the one that was not.

use aseqd_abi::event::{Event, EventFlags, EventTime, EventType};
use aseqd_abi::{Address, ioctl};
use aseqd_engine::{Access, Call, Config, Engine, FileId, Identity, Input, Node, Time};
use aseqd_recording::{restore, store};
use zerocopy::IntoBytes as _;

/// A random generator (xorshift): the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// Makes a random call on one of the first files, which may be open or not.
fn call(random: &mut Random, requests: &[u32], act: &mut dyn FnMut(Input<'_>)) {
    let file = FileId(u32::try_from(random.below(8)).unwrap());
    match random.below(20) {
        0 | 1 => {
            let node = [Node::Sequencer, Node::Sequencer, Node::Timer, Node::Control];
            let access = [Access::Read, Access::Write, Access::ReadWrite, Access::ReadWrite];
            let identity = Identity::User { pid: i32::try_from(random.below(4)).unwrap() };
            let (node, access) = (node[random.below(4)], access[random.below(4)]);
            act(Input::Open { node, access, identity });
        }
        2 => act(Input::Close { file }),
        3..=10 => {
            let request = requests[random.below(requests.len())];
            let mut arg = [0_u8; 4096];
            for byte in arg.iter_mut().take(24) {
                *byte = [0, 0, 0, 1, 2, 3, 128, 129, 255][random.below(9)];
            }
            let arg = &arg[..ioctl::size(request)];
            act(Input::Call { file, call: Call::Ioctl { request, compat: false, arg } });
        }
        11..=15 => {
            let mut data = Vec::new();
            for _ in 0..random.below(20) {
                let mut event = Event::direct(EventType::NOTEON);
                event.dest = Address::new([14, 128, 129, 254][random.below(4)], 0);
                if random.below(2) == 0 {
                    event.queue = 0;
                    event.flags = EventFlags::REAL_TIME;
                    event.time = EventTime::real(0, u32::try_from(random.below(1 << 29)).unwrap());
                }
                if random.below(4) == 0 {
                    event.event_type = EventType::SYSEX;
                    event.flags |= EventFlags::VARIABLE;
                    event.data.0[..4].copy_from_slice(&40_u32.to_ne_bytes());
                    data.extend_from_slice(event.as_bytes());
                    data.extend_from_slice(&[0xf0; 40]);
                } else {
                    event.event_type = EventType([6, 7, 10, 30, 31, 35][random.below(6)]);
                    data.extend_from_slice(event.as_bytes());
                }
            }
            act(Input::Call { file, call: Call::Write { data: &data, nonblock: true } });
        }
        16..=18 => {
            let len = random.below(500);
            act(Input::Call { file, call: Call::Read { len, nonblock: true } });
        }
        _ => act(Input::Timeout),
    }
}

#[test]
fn a_restored_engine_goes_on_as_before() {
    let nodes = [Node::Sequencer, Node::Sequencer, Node::Timer];
    let requests = nodes.into_iter().flat_map(aseqd_engine::requests);
    let requests: Vec<_> = requests.map(|request| request.code).collect();
    for seed in 1..=30_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (notes_off, ump) = (seed % 3 == 0, seed % 2 == 0);
        let config = Config { user_timers: true, notes_off, ump, ..Config::default() };
        let mut engine = Engine::with_config(config);
        let mut now = Time(1_000_000);
        let mut out = Vec::new();
        for _ in 0..600 {
            now = now + random.below(5_000_000) as u64;
            call(&mut random, &requests, &mut |input| {
                let _any = engine.handle(now, input, &mut out);
            });
        }
        let bytes = store(&engine);
        let mut restored = restore(&bytes).expect("a state");
        assert_eq!(store(&restored), bytes);
        let mut again = Vec::new();
        for _ in 0..600 {
            now = now + random.below(5_000_000) as u64;
            call(&mut random, &requests, &mut |input| {
                let reply = engine.handle(now, input, &mut out);
                assert_eq!(restored.handle(now, input, &mut again), reply, "{input:?}");
                assert_eq!(out, again, "{input:?}");
                assert_eq!(engine.poll_timeout(), restored.poll_timeout(), "{input:?}");
                assert_eq!(engine.poll_output(), restored.poll_output(), "{input:?}");
            });
        }
        assert_eq!(engine.proc_clients(), restored.proc_clients());
        assert_eq!(engine.proc_queues(), restored.proc_queues());
        assert_eq!(engine.proc_timers(), restored.proc_timers());
    }
}

#[test]
fn other_bytes_are_no_state() {
    let mut bytes = store(&Engine::new());
    assert!(restore(&bytes[..bytes.len() - 1]).is_none());
    bytes.push(0);
    assert!(restore(&bytes).is_none());
    assert!(restore(b"").is_none());
}
