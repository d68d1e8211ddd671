//! Calls that a program can make on the device files: known ones, and random ones.

use super::common::random::Random;
use super::common::seq::Client;
use super::common::sys;
use super::common::*;
use super::place::{Bystander, STRANGER, number_from, run, serve, serve_with};
use aseqd_abi::seq::Address;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{
    self as calls, Advice, AtFlags, CWD, FallocateFlags, FileType, FlockOperation, Gid, Mode,
    OFlags, RenameFlags, SeekFrom, StatxFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

const NODES: [&str; 2] = ["/dev/snd/seq", "/dev/snd/timer"];
/// Number of random request codes for each device file.
const CODES: usize = 5000;
/// Size of an argument in bytes: more than any request moves, whatever its code says.
const ROOM: usize = 64 * 1024;

/// Requests that kernels carry out on files, whatever these are: `linux/fs.h`, `linux/fsverity.h`,
/// `linux/fscrypt.h`, `linux/falloc.h`.
const OF_FILES: [u32; 24] = [
    0x8008_6601,
    0x4008_6602,
    0x8004_6601,
    0x4004_6602,
    0x801c_581f,
    0x401c_5820,
    0x8008_7601,
    0x4008_7602,
    0xc018_5879,
    0xc004_5877,
    0xc004_5878,
    0x4004_9409,
    0x4020_940d,
    0xc018_9436,
    0x0001,
    0x0002,
    0x541b,
    0x5460,
    0x8100_9431,
    0x4100_9432,
    0x4080_6685,
    0xc004_6686,
    0x8011_1500,
    0x8081_1501,
];

/// What Linux's devices answer to these requests, if the kernel passes them to the server (seen on 6.12 and 7.3).
/// `FS_IOC_SETFLAGS` and `FS_IOC_FSSETXATTR` fail earlier with `EPERM` for everybody but the owner.
const ANSWERED: [(u32, Errno); 6] = [
    (0x8008_6601, Errno::NOTTY),
    (0x801c_581f, Errno::NOTTY),
    (0x8008_7601, Errno::NOTTY),
    (0xc018_5879, Errno::NOTTY),
    (0x4080_6685, Errno::NOTTY),
    (0x5401, Errno::NOTTY),
];

#[test]
fn no_call_of_a_stranger_ends_a_run_by_fuse() {
    run("fuse", || attacked("stranger"));
}

#[test]
fn no_call_of_a_stranger_ends_a_run_by_handover() {
    run("handover", || attacked("stranger"));
}

#[test]
fn no_call_of_a_stranger_ends_a_service() {
    serve(|| attacked("stranger"));
}

/// Since Linux 6.17 everybody can ask for the attributes of a file by its path. The kernel itself opens the file for
/// that.
#[test]
fn a_stranger_who_may_not_open_a_device_opens_no_client_by_asking_about_it() {
    const TIMES: usize = 200;
    serve_with("0600", || {
        if role("asker") {
            let refused = File::open(NODES[0]).expect_err("it may not").kind();
            assert_eq!(refused, std::io::ErrorKind::PermissionDenied);
            for _ in 0..TIMES {
                for path in [c"/dev/snd/seq", c"/dev/snd/timer"] {
                    let answer = sys::file_attributes(path).map_err(|error| errno(&error));
                    let wanted = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTTY];
                    assert!(wanted.map(Err).contains(&answer), "{answer:?}");
                }
            }
            return;
        }
        let listener = Client::nonblocking();
        listener.subscribe(Address::new(0, 1), listener.create_port());
        while listener.read().is_ok() {}
        let ended = again_as(STRANGER, "asker");
        let ended = finish(ended, DEADLINE);
        assert!(ended.status.success(), "{ended:#?}");
        // No client has come or gone.
        let heard = listener.read().expect_err("nothing is announced");
        assert_eq!(heard.raw_os_error(), Some(libc::EAGAIN));
    });
}

/// Makes random calls. `ASEQD_FUZZ_SECONDS` sets how long, `ASEQD_FUZZ_SEED` the seed.
#[test]
fn random_calls_neither_end_nor_grow_a_service() {
    serve(|| attacked("fuzzer"));
}

/// Makes random calls where the server hands over each open.
#[test]
fn random_calls_neither_end_nor_grow_a_run_by_handover() {
    run("handover", || attacked("fuzzer"));
}

/// Attacks as another user, while somebody else is served.
fn attacked(how: &str) {
    if role("stranger") {
        return stranger();
    }
    if role("fuzzer") {
        return Fuzzer::new(number_from("ASEQD_FUZZ_SEED", 1)).run();
    }
    /// How much more memory the server may hold after the attacks, in KiB.
    const GROWTH_KIB: u64 = 8192;
    let mut bystander = Bystander::new();
    let seconds = number_from("ASEQD_FUZZ_SECONDS", 1);
    let end = Instant::now() + Duration::from_secs(seconds) + DEADLINE * 2;
    let mut before = None;
    // The server makes all the tables that it needs in the first round.
    for length in [1, seconds] {
        let mut command = again_as(STRANGER, how);
        command.env("ASEQD_FUZZ_SECONDS", length.to_string());
        let mut attack = Process::start(command);
        while attack.child.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < end, "the attack ends");
            bystander.is_served();
            std::thread::sleep(Duration::from_millis(10));
        }
        let ended = attack.wait();
        assert!(ended.status.success(), "{ended:#?}");
        let told = ended.stderr.lines().find(|line| line.starts_with(how));
        eprintln!("{}", told.expect("it says what it did"));
        bystander.is_served();
        bystander.is_alone();
        before = before.or_else(|| Some(bystander.resident_kib()));
    }
    let (before, after) = (before.expect("a round"), bystander.resident_kib());
    eprintln!("{how}: {before} KiB before, {after} KiB after");
    assert!(after < before + GROWTH_KIB, "{before} KiB before, {after} KiB after");
}

fn stranger() {
    assert_eq!(rustix::process::geteuid().as_raw(), STRANGER);
    let mut fuzzer = Fuzzer::new(1);
    for node in NODES {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(calls::open(node, flags, Mode::empty()).expect("a file"));
        for (code, wanted) in ANSWERED {
            let answer = sys::ioctl(&file, code, &mut [0; ROOM]).map_err(|error| errno(&error));
            assert_eq!(answer, Err(wanted), "{code:#x} on {node}");
        }
        for code in OF_FILES {
            let _any = sys::ioctl(&file, code, &mut [0; ROOM]);
            let _any = sys::ioctl_nowhere(&file, code);
        }
        assert_eq!(calls::fallocate(&file, FallocateFlags::empty(), 0, 9), Err(Errno::NODEV));
        assert_eq!(calls::fsync(&file), Err(Errno::INVAL));
        assert_eq!(calls::ftruncate(&file, 0), Err(Errno::INVAL));
        assert_eq!(calls::seek(&file, SeekFrom::Start(0)), Err(Errno::SPIPE));
        let other = calls::open(node, flags, Mode::empty()).expect("a file");
        let copied = calls::copy_file_range(&file, None, &other, None, 9);
        assert_eq!(copied, Err(Errno::INVAL));
        for _ in 0..CODES {
            let code = fuzzer.code();
            let _any = sys::ioctl(&file, code, fuzzer.noise());
        }
        for call in 0..CALLS {
            fuzzer.files = vec![file.try_clone().expect("a descriptor").into()];
            fuzzer.call(call);
        }
        // Asks about a path, for which the kernel itself opens the file.
        for path in [c"/dev/snd/seq", c"/dev/snd/timer", c"/dev/snd"] {
            let _too_old = sys::file_attributes(path);
        }
    }
    eprintln!("stranger: {} calls, and {CODES} codes of each device", fuzzer.calls);
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).expect("an errno")
}

/// The calls of [`Fuzzer::call`].
const CALLS: usize = 40;

/// Random calls from one seed.
struct Fuzzer {
    random: Random,
    files: Vec<OwnedFd>,
    room: Vec<u8>,
    calls: u64,
    accepted: u64,
}

impl Fuzzer {
    fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        Self { random, files: Vec::new(), room: vec![0; ROOM], calls: 0, accepted: 0 }
    }

    fn next(&mut self) -> u64 {
        self.random.next()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    /// Returns a number, now and then a huge one.
    fn number(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next(),
            1 => u64::MAX >> self.below(64),
            _ => self.next() >> 52,
        }
    }

    /// Returns a request code of any direction and size, mostly with a letter that some driver uses.
    fn code(&mut self) -> u32 {
        const SIZES: [u32; 12] = [0, 1, 4, 8, 24, 28, 100, 4080, 4095, 4096, 8192, 16383];
        const LETTERS: [u32; 9] = [0x53, 0x54, 0x66, 0x58, 0x55, 0x59, 0xa5, 0x12, 0x94];
        if self.below(10) == 0 {
            return OF_FILES[self.below(OF_FILES.len())];
        }
        let random = u32::try_from(self.next() >> 32).expect("32 bits");
        let letter = if self.below(4) == 0 { random >> 8 & 0xff } else { LETTERS[self.below(9)] };
        let size = if self.below(4) == 0 { random >> 16 & 0x3fff } else { SIZES[self.below(12)] };
        random & 0xc000_00ff | size << 16 | letter << 8
    }

    /// Returns zeros, or bytes that are mostly small.
    fn noise(&mut self) -> &mut [u8] {
        let mut start = self.below(ROOM / 2);
        let wild = self.below(3);
        for _ in 0..32 {
            let value = self.next();
            let word = if wild == 0 { value } else { value & 0x0000_000f_0000_000f };
            self.room[start..start + 8].copy_from_slice(&word.to_ne_bytes());
            start = (start + 8) % (ROOM - 8);
        }
        &mut self.room
    }

    fn run(mut self) {
        assert_eq!(rustix::process::geteuid().as_raw(), STRANGER);
        let seconds = number_from("ASEQD_FUZZ_SECONDS", 1);
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut victim = None;
        let mut renewed = Instant::now();
        while Instant::now() < end {
            for _ in 0..20 {
                let call = self.below(CALLS);
                self.call(call);
            }
            // There is always a process to be killed in the middle of a call that sleeps.
            if victim.is_none() || renewed.elapsed() > Duration::from_millis(200) {
                drop(victim.replace(sleeper()));
                renewed = Instant::now();
            }
        }
        let (calls, accepted) = (self.calls, self.accepted);
        eprintln!("fuzzer: {calls} calls, {accepted} accepted");
        assert!(accepted > 0, "some are right");
    }

    /// Returns a path in the folder of the devices, or elsewhere.
    fn path(&mut self) -> &'static str {
        ["/dev/snd/seq", "/dev/snd/timer", "/dev/snd", "/dev/snd/none", "/dev/snd/seq/x"]
            [self.below(5)]
    }

    /// Makes one of the calls on one of the files.
    fn call(&mut self, call: usize) {
        let nonblocking = OFlags::NONBLOCK | OFlags::CLOEXEC;
        if self.files.is_empty() || self.files.len() < 6 && self.below(100) == 0 {
            let mode = [OFlags::RDWR, OFlags::RDONLY, OFlags::WRONLY][self.below(3)];
            let path = self.path();
            self.files.extend(calls::open(path, mode | nonblocking, Mode::empty()));
            if self.files.is_empty() {
                return;
            }
        }
        let at = self.below(self.files.len());
        let file = self.files[at].try_clone().expect("a descriptor");
        let (path, other) = (self.path(), self.path());
        let (number, more) = (self.number(), self.number());
        let small = number % 4096;
        self.calls += 1;
        let done = match call {
            0..8 => {
                let (file, code) = (File::from(file), self.code());
                if self.below(8) == 0 {
                    sys::ioctl_nowhere(&file, code).is_ok()
                } else {
                    sys::ioctl(&file, code, self.noise()).is_ok()
                }
            }
            8 | 9 => {
                let len = self.below(ROOM);
                rustix::io::write(&file, &self.noise()[..len]).is_ok()
            }
            10 | 11 => rustix::io::read(&file, &mut self.room[..small as usize]).is_ok(),
            12 => rustix::io::pread(&file, &mut self.room[..small as usize], more).is_ok(),
            13 => rustix::io::pwrite(&file, &self.room[..small as usize], more).is_ok(),
            14 => {
                let mut polled = [PollFd::new(&file, PollFlags::IN | PollFlags::OUT)];
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                poll(&mut polled, Some(&now)).is_ok()
            }
            15 => {
                self.files.swap_remove(at);
                true
            }
            16 => calls::fallocate(&file, FallocateFlags::PUNCH_HOLE, number, more).is_ok(),
            17 => calls::ftruncate(&file, number).is_ok(),
            18 => calls::seek(&file, SeekFrom::Data(small)).is_ok(),
            19 => calls::seek(&file, SeekFrom::Start(number >> 1)).is_ok(),
            20 => {
                let to = self.files[0].as_fd();
                let (mut from, mut at) = (number >> 1, more >> 1);
                calls::copy_file_range(&file, Some(&mut from), to, Some(&mut at), 4096).is_ok()
            }
            21 => calls::fsync(&file).is_ok() || calls::fdatasync(&file).is_ok(),
            22 => calls::syncfs(&file).is_ok(),
            23 => calls::fadvise(&file, small, None, Advice::WillNeed).is_ok(),
            24 => calls::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok(),
            25 => {
                let names = ["user.x", "security.capability", "system.posix_acl_access", "x"];
                let name = names[self.below(4)];
                let set = calls::setxattr(path, name, b"x", XattrFlags::empty());
                let got = calls::fgetxattr(&file, name, &mut self.room[..small as usize]);
                let removed = calls::removexattr(path, name);
                set.is_ok() || got.is_ok() || removed.is_ok()
            }
            26 => calls::flistxattr(&file, &mut self.room[..small as usize]).is_ok(),
            27 => calls::statx(CWD, path, AtFlags::STATX_FORCE_SYNC, StatxFlags::ALL).is_ok(),
            28 => calls::statfs(path).is_ok() && calls::fstat(&file).is_ok(),
            29 => calls::chmod(path, Mode::from_raw_mode(small as u32)).is_ok(),
            30 => {
                let (user, group) = (Uid::from_raw(small as u32), Gid::from_raw(small as u32));
                calls::chownat(CWD, path, Some(user), Some(group), AtFlags::empty()).is_ok()
            }
            31 => {
                let time = Timespec { tv_sec: 1, tv_nsec: 1 };
                let times = Timestamps { last_access: time, last_modification: time };
                calls::utimensat(CWD, path, &times, AtFlags::empty()).is_ok()
            }
            32 => calls::readlink(path, Vec::new()).is_ok(),
            33 => {
                let made = calls::mkdir(path, Mode::RWXU).is_ok();
                let linked = calls::symlink("x", path).is_ok() || calls::link(path, other).is_ok();
                let kind = FileType::Fifo;
                made || linked || calls::mknodat(CWD, path, kind, Mode::RWXU, 0).is_ok()
            }
            34 => {
                let flags = RenameFlags::EXCHANGE;
                calls::renameat_with(CWD, path, CWD, other, flags).is_ok()
                    || calls::rename(path, other).is_ok()
            }
            35 => calls::unlink(path).is_ok() || calls::rmdir(path).is_ok(),
            36 => {
                let flags = [OFlags::CREATE, OFlags::TMPFILE, OFlags::TRUNC, OFlags::PATH];
                let flags = flags[self.below(4)] | OFlags::RDWR | nonblocking;
                let opened = calls::open(path, flags, Mode::RWXU);
                let mut room = [std::mem::MaybeUninit::uninit(); 1024];
                opened.is_ok_and(|opened| {
                    calls::RawDir::new(opened, &mut room).next().is_some_and(|entry| entry.is_ok())
                })
            }
            37 => {
                let (out, length) = (self.files[0].as_fd(), small as usize);
                calls::sendfile(out, &file, None, length).is_ok()
            }
            38 => {
                let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
                let flags = rustix::pipe::SpliceFlags::NONBLOCK;
                let length = small as usize;
                let read = rustix::pipe::splice(&file, None, &writer, None, length, flags);
                let written = rustix::pipe::splice(&reader, None, &file, None, length, flags);
                read.is_ok() || written.is_ok()
            }
            _ => {
                let paths = [c"/dev/snd/seq", c"/dev/snd/timer", c"/dev/snd"];
                sys::file_attributes(paths[self.below(3)]).is_ok()
            }
        };
        self.accepted += u64::from(done);
    }
}

/// A process that sleeps in a read, and is killed when it is dropped.
fn sleeper() -> impl Drop {
    struct Sleeper(std::process::Child);
    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _reaped = self.0.wait();
        }
    }
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "exec cat < /dev/snd/seq"]).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    Sleeper(command.spawn().expect("a shell"))
}
