//! Limits, clients that die, clients that do not read, and nonsense.

mod common;

use aseqd_abi::event::{Event, EventTime, EventType, QUEUE_DIRECT};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::Address;
use common::random::Random;
use common::seq::{Client, DEVICE, THROUGH};
use common::*;
use rustix::process::Signal;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

/// Number of user clients, which are 128 to 191.
const MAX_USER_CLIENTS: usize = 64;
/// How much more memory the server may hold after nonsense, in KiB.
const GROWTH_KIB: u64 = 4096;
/// How much memory a recording takes, in KiB: a ring, and what was taken out of it.
const RECORDER_KIB: u64 = 20 << 10;
/// Time within which a request must be answered, whatever others do. It is shorter than what they do takes, and longer
/// than a busy machine needs to let every process run.
const SERVED: Duration = Duration::from_secs(20);

fn resident_kib() -> u64 {
    status_of(keeper(), "VmRSS")
}

#[test]
fn the_65th_client_is_refused() {
    inside(|| {
        let mut clients: Vec<_> = (0..MAX_USER_CLIENTS).map(|_| Client::open()).collect();
        let numbers: Vec<_> = clients.iter().map(|client| client.id).collect();
        assert_eq!(numbers, (128..192).collect::<Vec<u8>>());
        for _ in 0..3 {
            let refused = Client::try_open().expect_err("no number is left");
            assert_eq!(refused.raw_os_error(), Some(libc::ENOMEM));
        }
        clients.remove(10);
        assert_eq!(Client::open().id, 138, "a number is free again at once");
    });
}

#[test]
fn a_thousand_rounds_of_open_and_close_leave_nothing() {
    inside(|| {
        let client = Client::open();
        for round in 0..1000 {
            let other = Client::open();
            assert_eq!(other.id, 129, "round {round}");
            let port = other.create_port();
            other.create_queue();
            other.subscribe(port, THROUGH);
        }
        let info = client.system_info();
        assert_eq!((info.cur_clients, info.cur_queues), (3, 0));
        assert_eq!(client.others(), [0, 14]);
        assert_eq!(client.subscribers(THROUGH, false), []);
    });
}

#[test]
fn processes_that_open_at_the_same_time_leave_nothing() {
    inside(|| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..125 {
                        Client::open().create_port();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        let client = Client::open();
        wait_until("all but this one to be gone", || client.others() == [0, 14]);
    });
}

#[test]
fn a_client_that_is_killed_leaves_nothing() {
    inside(|| {
        if role("victim") {
            let client = Client::open();
            let port = client.create_port();
            client.subscribe(THROUGH, port);
            client.subscribe(port, THROUGH);
            let queue = client.create_queue();
            let mut event = Event::direct(EventType::NOTEON);
            (event.queue, event.dest, event.time) = (queue, THROUGH, EventTime::tick(1000));
            // This is more than the pool takes, so the writer is killed while it sleeps in the write.
            let _killed = client.write(&[event; 600]);
            unreachable!("the queue does not run");
        }
        let client = Client::open();
        let victim = Process::start(again("victim"));
        wait_until("it to sleep in its write", || {
            let mut pool = aseqd_abi::seq::ClientPool { client: 129, ..Default::default() };
            let known = seq::ioctl(&client.file, request::GET_CLIENT_POOL, &mut pool);
            known.is_ok() && pool.output_room > 0 && pool.output_free == 0
        });
        victim.signal(Signal::KILL);
        victim.wait();
        wait_until("its client to be gone", || client.others() == [0, 14]);
        assert_eq!(client.system_info().cur_queues, 0);
        assert_eq!(client.subscribers(THROUGH, true), []);
        assert_eq!(client.subscribers(THROUGH, false), []);
        assert_eq!(Client::open().id, 129);
    });
}

#[test]
fn a_client_that_is_killed_while_it_reads_or_polls_leaves_nothing() {
    inside(|| {
        if role("reader") {
            let client = Client::open();
            client.create_port();
            let _killed = client.read();
            unreachable!("nobody writes");
        }
        if role("poller") {
            let client = Client::open();
            client.create_port();
            client.readable_within(DEADLINE * 2);
            unreachable!("nobody writes");
        }
        let client = Client::open();
        for what in ["reader", "poller"] {
            let victim = Process::start(again(what));
            wait_until("it to be there", || {
                client.client_info(129).is_some_and(|info| info.num_ports == 1)
            });
            // Then it sleeps. It can be killed wherever it is.
            victim.signal(Signal::KILL);
            victim.wait();
            wait_until("its client to be gone", || client.others() == [0, 14]);
        }
    });
}

#[test]
fn a_reader_that_never_reads_loses_its_own_events_and_slows_nobody() {
    const EVENTS: u8 = 250;
    const ROUNDS: usize = 10;
    inside(|| {
        let (lazy, eager, writer) = (Client::nonblocking(), Client::open(), Client::open());
        // Events reach the client that does not read first.
        for client in [&lazy, &eager] {
            client.subscribe(THROUGH, client.create_port());
        }
        let queue = writer.create_queue();
        let mut due = Event::direct(EventType::NOTEON);
        (due.queue, due.dest) = (queue, THROUGH);
        let start = Instant::now();
        for round in 0..ROUNDS {
            for number in 0..EVENTS {
                due.data.0[1] = number;
                assert_eq!(writer.write(&[due]).expect("room"), size_of::<Event>());
                if number % 50 == 49 {
                    let mut read = Vec::new();
                    while read.len() < 50 {
                        read.extend(eager.read().expect("events"));
                    }
                    let numbers: Vec<_> = read.iter().map(|event| event.data.0[1]).collect();
                    let wanted: Vec<_> = (number - 49..=number).collect();
                    assert_eq!(numbers, wanted, "round {round}");
                }
            }
        }
        assert!(start.elapsed() < DEADLINE, "nobody waited");
        // The sender of a direct event learns that one client did not get it; the other one did.
        due.queue = QUEUE_DIRECT;
        let refused = writer.write(&[due]).expect_err("one is full");
        assert_eq!(refused.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(eager.read().expect("the event").len(), 1);

        // The client is told once that all was lost. From then on it gets events again.
        let told = lazy.read().expect_err("an overflow");
        assert_eq!(told.raw_os_error(), Some(libc::ENOSPC));
        let empty = lazy.read().expect_err("nothing is left");
        assert_eq!(empty.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(writer.write(&[due]).expect("all have room"), size_of::<Event>());
        assert_eq!(lazy.read().expect("the event").len(), 1);
    });
}

/// Known bug K60 of Linux: a giant write stalls the machine.
///
/// `ASEQD_WRITE_MIB` is the size, 4096 for the whole 4 GiB.
#[test]
fn a_giant_write_of_zeros_neither_hangs_nor_grows_the_server() {
    const DEFAULT_MIB: usize = 64;
    /// Maximum number of bytes that one call of `write` takes.
    const PART: usize = 1 << 30;
    inside(|| {
        if role("writer") {
            let mebibytes = number_from("ASEQD_WRITE_MIB", DEFAULT_MIB);
            let client = Client::open();
            assert_eq!(client.create_queue(), 0, "the queue that zeros are for");
            // The buffer is never touched, so it takes no memory.
            let zeros = vec![0; PART.min(mebibytes << 20)];
            let mut left = mebibytes << 20;
            while left >= size_of::<Event>() {
                let part = left.min(PART);
                left -= (&client.file).write(&zeros[..part]).expect("a write that goes on");
            }
            return;
        }
        let client = Client::open();
        let before = resident_kib();
        let mut writer = Process::start(again("writer"));
        let mut slowest = Duration::ZERO;
        let end = Instant::now() + DEADLINE * 20;
        while writer.child.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < end, "the write ends");
            let asked = Instant::now();
            client.system_info();
            slowest = slowest.max(asked.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        }
        let ended = writer.wait();
        assert!(ended.status.success(), "{ended:#?}");
        assert!(slowest < SERVED, "others are served meanwhile: {slowest:?}");
        let after = resident_kib();
        eprintln!(
            "giant write: {before} KiB before, {after} KiB after; slowest answer {slowest:?}"
        );
        let recorder = std::env::var_os("ASEQD_RECORD").map_or(0, |_| RECORDER_KIB);
        let most = before + GROWTH_KIB + recorder;
        assert!(after < most, "{before} KiB before, {after} KiB after");

        // A client that is killed in the middle of the write is gone at once.
        let mut command = again("writer");
        command.env("ASEQD_WRITE_MIB", "1000000");
        let writer = Process::start(command);
        wait_until("its queue", || client.system_info().cur_queues == 1);
        writer.signal(Signal::KILL);
        writer.wait();
        wait_until("its client to be gone", || client.others() == [0, 14]);
    });
}

/// Gives random bytes and almost right structs to every call.
///
/// `ASEQD_FUZZ_SECONDS` sets how long, `ASEQD_FUZZ_SEED` the seed.
#[test]
fn nonsense_neither_ends_nor_hangs_nor_grows_the_server() {
    const DEFAULT_SECONDS: usize = 4;
    inside(|| {
        for (number, name) in ["one", "two"].into_iter().enumerate() {
            if role(name) {
                let seed = number_from("ASEQD_FUZZ_SEED", 1) * 2 + number;
                return Fuzzer::new(seed).run();
            }
        }
        let client = Client::nonblocking();
        let run = |seconds: usize| {
            let fuzzers = ["one", "two"].map(|name| {
                let mut command = again(name);
                command.env("ASEQD_FUZZ_SECONDS", seconds.to_string());
                Process::start(command)
            });
            let end = Instant::now() + Duration::from_secs(seconds as u64) + DEADLINE;
            for mut fuzzer in fuzzers {
                while fuzzer.child.try_wait().expect("a child").is_none() {
                    assert!(Instant::now() < end, "the fuzzer ends");
                    // Others are served, whatever these clients do.
                    let asked = Instant::now();
                    client.system_info();
                    assert!(asked.elapsed() < SERVED, "others are served");
                    let _nobodys = client.read();
                    std::thread::sleep(Duration::from_millis(10));
                }
                let ended = fuzzer.wait();
                assert!(ended.status.success(), "{ended:#?}");
                for line in ended.stderr.lines().filter(|line| line.starts_with("fuzzer")) {
                    eprintln!("{line}");
                }
            }
            wait_until("their clients to be gone", || client.others() == [0, 14]);
            resident_kib()
        };
        // The server makes all the tables that it needs in the first second.
        let before = run(1);
        let after = run(number_from("ASEQD_FUZZ_SECONDS", DEFAULT_SECONDS));
        eprintln!("fuzzing: {before} KiB before, {after} KiB after");
        assert!(after < before + GROWTH_KIB, "{before} KiB before, {after} KiB after");
        // It still works.
        let port = client.create_port();
        let mut event = Event::direct(EventType::NOTEON);
        event.dest = port;
        assert_eq!(client.write(&[event]).expect("room"), size_of::<Event>());
        while client.read().expect("the event").last()
            != Some(&Event { source: Address::new(client.id, 0), ..event })
        {}
    });
}

fn number_from(variable: &str, default: usize) -> usize {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable} is a number"))
}

/// Random calls from one seed.
struct Fuzzer {
    random: Random,
    files: Vec<File>,
    calls: u64,
    accepted: u64,
}

impl Fuzzer {
    fn new(seed: usize) -> Self {
        let random = Random::new(seed as u64);
        Self { random, files: Vec::new(), calls: 0, accepted: 0 }
    }

    fn next(&mut self) -> u64 {
        self.random.next()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn run(mut self) {
        let seconds = number_from("ASEQD_FUZZ_SECONDS", 1);
        let end = Instant::now() + Duration::from_secs(seconds as u64);
        while Instant::now() < end {
            self.step();
        }
        let (calls, accepted) = (self.calls, self.accepted);
        eprintln!("fuzzer: {calls} calls, {accepted} accepted");
        assert!(accepted > 0, "some are right");
    }

    fn step(&mut self) {
        if self.files.is_empty() || (self.files.len() < 6 && self.below(200) == 0) {
            let (read, write) = [(true, true), (true, false), (false, true)][self.below(3)];
            let mut options = OpenOptions::new();
            // A blocking write would sleep for ever, and rightly so.
            options.read(read).write(write).custom_flags(libc::O_NONBLOCK);
            self.files.extend(options.open(DEVICE).ok());
            return;
        }
        let which = self.below(self.files.len());
        self.calls += 1;
        let accepted = match self.below(20) {
            0..10 => self.ioctl(which),
            10..16 => self.write(which),
            16..18 => {
                let size = self.below(2000);
                let mut buffer = vec![0; size];
                (&self.files[which]).read(&mut buffer).is_ok()
            }
            18 => {
                let file = &self.files[which];
                let flags = rustix::event::PollFlags::IN | rustix::event::PollFlags::OUT;
                let mut descriptors = [rustix::event::PollFd::new(file, flags)];
                let at_once = rustix::time::Timespec::default();
                rustix::event::poll(&mut descriptors, Some(&at_once)).is_ok()
            }
            _ => {
                if self.below(20) == 0 {
                    self.files.swap_remove(which);
                }
                true
            }
        };
        self.accepted += u64::from(accepted);
    }

    fn ioctl(&mut self, which: usize) -> bool {
        let known = self.below(request::ALL.len());
        let code = match self.below(10) {
            // Any request code of this letter, of any size and direction.
            0 => u32::try_from(self.next() >> 32).expect("32 bits") & !0xff00 | 0x5300,
            _ => request::ALL[known].1,
        };
        // As large as the largest size that a code can have.
        let mut argument = vec![0; 1 << 14];
        let kind = self.below(3);
        self.fill(&mut argument[..256], kind);
        sys::ioctl(&self.files[which], code, &mut argument).is_ok()
    }

    fn write(&mut self, which: usize) -> bool {
        let kind = self.below(3);
        let count = if kind == 0 { self.below(2000) } else { 28 * (1 + self.below(20)) };
        let mut bytes = vec![0; count];
        self.fill(&mut bytes, kind);
        if kind != 0 {
            for event in bytes.chunks_mut(28) {
                self.plausible_event(event);
            }
        }
        (&self.files[which]).write(&bytes).is_ok()
    }

    /// 0: any bytes. 1: mostly zeros. 2: small words.
    fn fill(&mut self, bytes: &mut [u8], kind: usize) {
        match kind {
            0 => bytes.iter_mut().for_each(|byte| *byte = self.byte()),
            1 => {
                for _ in 0..self.below(8) {
                    let at = self.below(bytes.len());
                    bytes[at] = self.byte();
                }
            }
            _ => {
                for word in bytes.chunks_exact_mut(4) {
                    word[0] = self.byte() & if self.below(2) == 0 { 3 } else { 0xff };
                }
            }
        }
        // The addresses in a struct are often those of a client.
        if bytes.len() >= 4 && self.below(2) == 0 {
            bytes[0] = 128 + self.byte() % 6;
            bytes[1..4].fill(0);
        }
    }

    fn plausible_event(&mut self, event: &mut [u8]) {
        let types =
            [0, 5, 6, 7, 10, 13, 14, 20, 30, 31, 32, 33, 34, 35, 36, 60, 130, 131, 135, 150];
        event[0] = types[self.below(types.len())];
        event[1] &= 0b1_0011;
        if event[0] >= 130 {
            event[1] |= 4;
        }
        event[3] = if self.below(2) == 0 { QUEUE_DIRECT } else { self.byte() % 4 };
        event[14] = [0, 14, 128, 129, 130, 254, 255][self.below(7)];
        event[15] = self.byte() % 3;
        if event[0] >= 130 && event.len() == 28 {
            event[16..28].fill(0);
            event[16] = self.byte() % 100;
        }
    }
}
