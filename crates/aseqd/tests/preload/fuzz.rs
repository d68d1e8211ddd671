//! Random messages from programs that know the secret of the run.

use crate::common::random::Random;
use crate::common::seq::{Client, THROUGH};
use crate::common::*;
use crate::door::plain;
use aseqd_abi::event::{Event, EventType};
use aseqd_abi::ioctl::{sequencer, timers};
use aseqd_wire::preload::{FileKey, FileName, MAX_DATA, Reply, Request, Secret, VERSION, kind};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect,
    recvmsg, send, sendmsg, shutdown, socket_with,
    sockopt::{Timeout, socket_timeout},
};
use std::ffi::{OsStr, OsString};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// How much more memory the server may hold after nonsense, in KiB.
const GROWTH_KIB: u64 = 4096;
/// How long the fuzzer runs in an ordinary run of the tests.
const DEFAULT_SECONDS: u64 = 2;
/// Maximum number of files that a hostile program has open.
const CONNECTIONS: usize = 24;
const FILES: usize = 12;

/// `ASEQD_FUZZ_SECONDS` sets how long, `ASEQD_FUZZ_SEED` the seed.
#[test]
fn nonsense_from_programs_of_the_run_reaches_nobody_else() {
    let start = |arguments: &[&OsStr]| {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--via", "preload", "--"]).args(arguments);
        command
    };
    inside_of(start, || {
        for (number, name) in ["one", "two"].into_iter().enumerate() {
            if role(name) {
                return Peer::new(number_from("ASEQD_FUZZ_SEED", 1) * 2 + number as u64).run();
            }
        }
        let client = Client::nonblocking();
        let port = client.create_port();
        let descriptors =
            || std::fs::read_dir(format!("/proc/{}/fd", keeper())).expect("it runs").count();
        let run = |seconds: u64| {
            let peers = ["one", "two"].map(|name| {
                let mut command = again(name);
                command.env("ASEQD_FUZZ_SECONDS", seconds.to_string());
                Process::start(command)
            });
            let end = Instant::now() + Duration::from_secs(seconds) + DEADLINE;
            let mut round = 0_u32;
            for mut peer in peers {
                while peer.child.try_wait().expect("a child").is_none() {
                    assert!(Instant::now() < end, "the peer ends");
                    // Others are served, whatever these programs do: they get what they sent and nothing else.
                    let asked = Instant::now();
                    let mut event = Event::direct(EventType::USR0);
                    (event.dest, event.source.client) = (port, client.id);
                    event.data = aseqd_abi::event::EventData(std::array::from_fn(|_| {
                        round.to_ne_bytes()[0]
                    }));
                    client.write(&[event]).expect("room");
                    let read = client.read().expect("the event");
                    let own: Vec<_> =
                        read.iter().filter(|read| read.source.client == client.id).collect();
                    assert_eq!(own, [&event]);
                    assert!(asked.elapsed() < Duration::from_secs(5), "others are served");
                    round += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
                let ended = peer.wait();
                assert!(ended.status.success(), "{ended:#?}");
                for line in ended.stderr.lines().filter(|line| line.starts_with("peer")) {
                    eprintln!("{line}");
                }
            }
            wait_until("their clients to be gone", || client.others() == [0, 14]);
            (status_of(keeper(), "VmRSS"), descriptors())
        };
        // The server makes all the tables that it needs in the first second.
        let (before, open_before) = run(1);
        let (after, open_after) = run(number_from("ASEQD_FUZZ_SECONDS", DEFAULT_SECONDS));
        eprintln!("fuzzing: {before} KiB before, {after} KiB after");
        assert!(after < before + GROWTH_KIB, "{before} KiB before, {after} KiB after");
        assert_eq!(open_after, open_before, "descriptors of the server");
        client.subscribe(port, THROUGH);
    });
}

fn number_from(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable} is a number"))
}

/// A file that the server has opened.
struct Opened {
    end: OwnedFd,
    name: FileName,
    key: FileKey,
}

/// A hostile program whose actions come from one seed.
struct Peer {
    random: Random,
    server: OsString,
    secret: Secret,
    connections: Vec<OwnedFd>,
    files: Vec<Opened>,
    sent: u64,
    answers: u64,
    good: u64,
}

impl Peer {
    fn new(seed: u64) -> Self {
        let secret = std::env::var_os("ASEQD_SECRET").expect("the secret of the run");
        Self {
            random: Random::new(seed),
            server: std::env::var_os("ASEQD_SOCKET").expect("the socket of the run"),
            secret: Secret::parse(secret.as_bytes()).expect("a secret"),
            connections: Vec::new(),
            files: Vec::new(),
            sent: 0,
            answers: 0,
            good: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.random.next()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn run(mut self) {
        let seconds = number_from("ASEQD_FUZZ_SECONDS", DEFAULT_SECONDS);
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            self.step();
        }
        let Self { sent, answers, good, .. } = self;
        eprintln!("peer: {sent} messages, {answers} answers, {good} of them good");
        assert!(answers > 0 && good > 0, "some are understood");
    }

    fn step(&mut self) {
        if self.connections.is_empty()
            || (self.connections.len() < CONNECTIONS && self.below(8) == 0)
        {
            return self.connect();
        }
        let which = self.below(self.connections.len());
        match self.below(24) {
            0 => {
                let len = self.one_of(&[0, 1, 47, 48, 49, 200, MAX_DATA, MAX_DATA + 49, 100_000]);
                let message = self.bytes(len);
                self.send(which, &message, 0);
            }
            1 => {
                let how = self.one_of(&[Shutdown::Read, Shutdown::Write, Shutdown::Both]);
                let _gone = shutdown(&self.connections[which], how);
            }
            2 => drop(self.connections.swap_remove(which)),
            3..7 => self.receive(which),
            7 => self.spoil_file(),
            _ => {
                let (request, data) = self.call();
                let descriptors = if self.below(12) == 0 { 1 + self.below(5) } else { 0 };
                let mut message = [request.as_bytes(), &data].concat();
                if self.below(20) == 0 {
                    let len = self.below(message.len());
                    message.truncate(len);
                }
                self.send(which, &message, descriptors);
                if self.below(4) > 0 {
                    self.receive(which);
                }
            }
        }
    }

    fn connect(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
        let socket = socket.expect("a socket");
        // EAGAIN if too many connections wait already.
        if connect(&socket, &SocketAddrUnix::new(&self.server).expect("an address")).is_err() {
            return;
        }
        self.connections.push(socket);
        let which = self.connections.len() - 1;
        let version = if self.below(20) == 0 { 9 } else { VERSION };
        let mut message = Request { code: version, ..plain(kind::HELLO) }.as_bytes().to_vec();
        message.extend(match self.below(20) {
            0 => self.bytes(16),
            1 => Vec::new(),
            2 => self.secret.server.to_vec(),
            _ => self.secret.program.to_vec(),
        });
        if self.below(20) > 0 {
            self.send(which, &message, 0);
        }
    }

    /// Returns a request that is almost right, with bytes that follow it.
    fn call(&mut self) -> (Request, Vec<u8>) {
        let random = self.next();
        let about = if self.files.is_empty() { 0 } else { self.below(self.files.len()) };
        let file = self.files.get(about).map(|file| (file.name, file.key));
        let kinds = [
            kind::HELLO,
            kind::OPEN,
            kind::OPEN,
            kind::IOCTL,
            kind::IOCTL,
            kind::IOCTL,
            kind::READ,
            kind::READ,
            kind::WRITE,
            kind::WRITE,
            kind::INTERRUPT,
            kind::SYNC,
            kind::KEY,
            kind::KEY,
            0,
            9,
            u32::MAX,
        ];
        let codes = [
            0,
            1,
            2,
            u32::MAX,
            aseqd_wire::proc_text::PROC_TEXT,
            sequencer::CLIENT_ID,
            sequencer::CREATE_PORT,
            sequencer::CREATE_QUEUE,
            sequencer::SET_CLIENT_POOL,
            sequencer::SYSTEM_INFO,
            sequencer::QUERY_NEXT_CLIENT,
            timers::SELECT,
            timers::START,
            timers::PARAMS,
        ];
        let low = |number: u64| u32::try_from(number & 0xffff_ffff).expect("32 bits");
        let nobodys = FileName { server: random, key: 0, nonce: 0, access: 0, node: 0 };
        let (name, key) = file.unwrap_or_else(|| (nobodys, FileKey::default()));
        let wrong = self.below(16) == 0;
        let request = Request {
            kind: self.one_of(&kinds),
            serial: low(self.next()) % 4,
            server: if wrong { random } else { name.server },
            file: self.one_of(&[name.key, name.key, name.key, name.key + 1, random]),
            thread: self.one_of(&[0, 0, -1, i32::MAX]),
            // Most messages are sent whole, and without waiting.
            flags: self.one_of(&[1, 1, 1, 1, 1, 1, 1, 1, 0, 3, 2, u32::MAX]),
            code: if wrong { low(random) } else { self.one_of(&codes) },
            access: self.one_of(&[0, 1, 2, 2, 2, 77]),
            len: self.one_of(&[0, 28, 27, 14_000, 56_000, u64::MAX, 1 << 40]),
        };
        let data = match self.below(8) {
            _ if request.kind == kind::KEY && self.below(3) > 0 => key.as_bytes().to_vec(),
            0 => Vec::new(),
            1 => {
                let len = self.below(MAX_DATA + 1);
                vec![0x90; len]
            }
            2..5 => {
                let mut event = self.bytes(28);
                (event[0], event[1], event[3]) = (self.one_of(&[6, 30, 70, 130, 200]), 0, 253);
                event[14] = self.one_of(&[14, 128, 129, 130, 254]);
                event.repeat(1 + self.below(5))
            }
            _ => {
                let len =
                    self.one_of(&[4, 16, 28, 44, 168, 188, aseqd_abi::ioctl::size(request.code)]);
                self.bytes(len)
            }
        };
        (request, data)
    }

    fn send(&mut self, which: usize, message: &[u8], descriptors: usize) {
        let socket = &self.connections[which];
        let null = std::fs::File::open("/dev/null").expect("a file");
        let all: Vec<_> = (0..descriptors)
            .map(|number| match self.files.get(number) {
                Some(file) => file.end.as_fd(),
                None if number == 3 => socket.as_fd(),
                None => null.as_fd(),
            })
            .collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(5))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !all.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&all));
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = sendmsg(socket, &[IoSlice::new(message)], &mut control, flags).is_ok();
        self.sent += u64::from(sent);
    }

    /// Reads an answer if one comes soon.
    fn receive(&mut self, which: usize) {
        let socket = &self.connections[which];
        let mut ends = [rustix::event::PollFd::new(socket, rustix::event::PollFlags::IN)];
        let limit = rustix::time::Timespec { tv_sec: 0, tv_nsec: 300_000 };
        if rustix::event::poll(&mut ends, Some(&limit)) != Ok(1) {
            return;
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; 1 << 17];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let Ok(received) = recvmsg(socket, &mut parts, &mut control, flags) else { return };
        let descriptor = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        let Ok((reply, _)) = Reply::read_from_prefix(&bytes[..received.bytes]) else {
            assert_eq!(received.bytes, 0, "an answer has a head");
            self.connections.swap_remove(which);
            return;
        };
        self.answers += 1;
        self.good += u64::from(reply.value >= 0);
        let Some(end) = descriptor else { return };
        let seconds = |option| socket_timeout(&end, option).expect("it").expect("it").as_secs();
        let key = FileKey { receive: seconds(Timeout::Recv), send: seconds(Timeout::Send) };
        let address = rustix::net::getpeername(&end).expect("a name").expect("a name");
        let address = SocketAddrUnix::try_from(address).expect("of a Unix socket");
        let name = FileName::parse(address.abstract_name().expect("it")).expect("a file");
        self.files.push(Opened { end, name, key });
        if self.files.len() > FILES {
            let which = self.below(self.files.len());
            self.files.swap_remove(which);
        }
    }

    /// Misuses the program's end of a file, as no library does.
    fn spoil_file(&mut self) {
        if self.files.is_empty() {
            return;
        }
        let which = self.below(self.files.len());
        let len = self.below(5000);
        let bytes = self.bytes(len);
        let end = &self.files[which].end;
        match len % 4 {
            0 => drop(self.files.swap_remove(which)),
            1 => drop(shutdown(end, Shutdown::Write)),
            _ => drop(send(end, &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)),
        }
    }
}
