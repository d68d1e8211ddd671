//! What a server records makes a fresh engine give the same answers, and a recording that fails takes nothing else with
//! it.

mod replay;

use aseqd_abi::event::{EVENT_SIZE, Event, EventData, EventFlags, EventTime, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{PortCaps, PortInfo, QueueInfo};
use aseqd_abi::{Address, Errno};
use aseqd_client::DeviceFile as _;
use aseqd_engine::{Access, Config, Node};
use aseqd_recording::{End, Reader};
use aseqd_server::embedded::{File, Sequencer, TimeSource};
use aseqd_server::recorder::Recording;
use aseqd_wire::proc_text::Piece;
use aseqd_wire::report::REPORT;
use replay::replay;
use std::fs;
use std::io::Read as _;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The allocator of the validators: they report what is allocated while something is recorded.
#[cfg(feature = "validate")]
#[global_allocator]
static ALLOC: lockdep::Alloc = lockdep::Alloc::new();

/// Midi Through, which takes everything.
const THROUGH: Address = Address::new(14, 0);

/// A random generator (xorshift): the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("small")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("small")
    }
}

/// A sequencer that records into a file of its own.
fn recorded(folder: &tempfile::TempDir, time: TimeSource, config: Config) -> Sequencer {
    let recording = Recording::create(&folder.path().join("run.aseq"), "test").expect("a file");
    Sequencer::recorded(time, config, recording)
}

fn bytes(folder: &tempfile::TempDir) -> Vec<u8> {
    fs::read(folder.path().join("run.aseq")).expect("a file")
}

fn client(sequencer: &Sequencer) -> File {
    sequencer.open(Node::Sequencer, Access::ReadWrite).expect("a client")
}

fn ask<T: IntoBytes + FromBytes + Immutable>(file: &File, request: u32, mut argument: T) -> T {
    file.ioctl(request, argument.as_mut_bytes()).expect("it succeeds");
    argument
}

/// A port that anybody may write to and read from.
fn port(file: &File) -> Address {
    let id = ask(file, request::CLIENT_ID, 0_i32);
    let addr = Address::new(u8::try_from(id).expect("a number"), 0);
    let capability = (PortCaps::WRITE | PortCaps::READ).bits();
    ask(file, request::CREATE_PORT, PortInfo { addr, capability, ..PortInfo::default() });
    addr
}

/// A queue that was started right now.
fn queue(file: &File) -> u8 {
    let queue = ask(file, request::CREATE_QUEUE, QueueInfo::default()).queue;
    let queue = u8::try_from(queue).expect("a queue");
    let mut start = Event::direct(EventType::START);
    start.data = EventData::from_queue(queue, 0, 0);
    assert_eq!(file.write(start.as_bytes()), Ok(EVENT_SIZE));
    queue
}

fn note_at(milliseconds: u32, queue: u8, dest: Address) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    (event.queue, event.flags, event.dest) = (queue, EventFlags::REAL_TIME, dest);
    event.time = EventTime::real(milliseconds / 1000, milliseconds % 1000 * 1_000_000);
    event
}

#[test]
fn a_replay_gives_the_same_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let sequencer = recorded(&folder, TimeSource::Virtual, Config::default());
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let (to, queue) = (port(&reader), queue(&writer));
    for number in 0..400 {
        writer.write(note_at(number * 10, queue, to).as_bytes()).expect("room");
        let mut event = [0; EVENT_SIZE];
        assert_eq!(reader.read(&mut event), Ok(EVENT_SIZE));
    }
    drop((reader, writer));
    sequencer.open(Node::Timer, Access::Read).expect("a timer");
    drop(sequencer);
    let replayed = replay(&bytes(&folder));
    assert!(replayed.inputs > 1200, "{replayed:?}");
    assert_eq!(replayed.checkpoints, (replayed.inputs - 1) / 256 + 1);
    assert_eq!(replayed.end, End::Whole);
    let name = fs::read_to_string("/proc/self/comm").expect("a name");
    let note = format!("process {} is {}", std::process::id(), name.trim_end());
    assert!(replayed.notes.contains(&note), "{:?}", replayed.notes);
}

#[test]
fn the_bytes_of_a_write_that_sleeps_are_recorded_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let sequencer = recorded(&folder, TimeSource::Virtual, Config::default());
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let (to, queue) = (port(&reader), queue(&writer));
    let events: Vec<_> = (0..5000).map(|number| note_at(number, queue, to)).collect();
    // The pool has room for 500 of them.
    assert_eq!(writer.write(events.as_bytes()), Ok(5000 * EVENT_SIZE));
    drop((reader, writer, sequencer));
    let bytes = bytes(&folder);
    let replayed = replay(&bytes);
    assert!(replayed.rests > 8, "{replayed:?}");
    let mut written = 0;
    let mut recording = Reader::new(&bytes[..]).expect("a recording");
    while let Some(entry) = recording.read().expect("a record") {
        let (_, carried) = aseqd_recording::encode(0, 0, 0, &entry.record);
        written += carried.len();
    }
    assert!(written < 5020 * EVENT_SIZE, "{written}");
}

#[test]
fn random_programs_are_replayed() {
    for seed in 1..=20 {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { ump: seed % 2 == 0, clients: 8, ..Config::default() };
        let sequencer = recorded(&folder, TimeSource::Virtual, config);
        run_at_random(&sequencer, seed);
        drop(sequencer);
        let replayed = replay(&bytes(&folder));
        assert!(replayed.inputs > 1000, "{replayed:?}");
        assert_eq!(replayed.end, End::Whole);
    }
}

/// Makes calls of all kinds.
fn run_at_random(sequencer: &Sequencer, seed: u64) {
    let mut random = Random(seed);
    let mut below = |end: usize| random.below(end);
    let requests: Vec<_> = [Node::Sequencer, Node::Timer, Node::Control]
        .into_iter()
        .flat_map(aseqd_engine::requests)
        .map(|request| request.code)
        .collect();
    let mut files: Vec<File> = Vec::new();
    for _ in 0..2000 {
        let which = below(files.len().max(1));
        match (files.get(which), below(20)) {
            (None, _) | (_, 0) => {
                let node = [Node::Sequencer, Node::Sequencer, Node::Timer, Node::Control][below(4)];
                let access = [Access::Read, Access::Write, Access::ReadWrite][below(3)];
                if let Ok(file) = sequencer.open(node, access) {
                    file.set_nonblocking(true).expect("it can");
                    files.push(file);
                }
            }
            (Some(_), 1) => drop(files.swap_remove(which)),
            (Some(file), 2..=9) => {
                let code = requests[below(requests.len())];
                let mut argument = [0_u8; 4096];
                for byte in argument.iter_mut().take(24) {
                    *byte = [0, 0, 0, 1, 2, 3, 128, 129, 255][below(9)];
                }
                let _any = file.ioctl(code, &mut argument);
            }
            (Some(file), 10..=13) => {
                let mut events = Vec::new();
                for _ in 0..below(40) {
                    let dest = Address::new([14, 128, 129, 254][below(4)], 0);
                    let mut event = note_at(u32::try_from(below(3000)).unwrap_or(0), 0, dest);
                    if below(2) == 0 {
                        event.queue = 253;
                    }
                    events.push(event);
                }
                let _any = file.write(events.as_bytes());
            }
            (Some(file), 14..=16) => {
                let _any = file.read(&mut [0; 300]);
            }
            (Some(file), 17) => {
                let _any = file.poll();
            }
            (Some(_), _) => sequencer.advance(Duration::from_millis(below(50) as u64)),
        }
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let file = fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
    // Not even the header has room.
    let recording = Recording::of(file);
    let sequencer = Sequencer::recorded(TimeSource::Virtual, Config::default(), recording);
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = port(&reader);
    for _ in 0..1000 {
        assert_eq!(writer.write(event.as_bytes()), Ok(EVENT_SIZE));
        assert_eq!(reader.read(&mut [0; EVENT_SIZE]), Ok(EVENT_SIZE));
    }
}

#[test]
fn a_small_disk_keeps_what_it_has_room_for() {
    if !rustix::process::geteuid().is_root() {
        return skip::skip("only root can mount a small file system");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let options = c"size=256k";
    let flags = rustix::mount::MountFlags::empty();
    let mounted = rustix::mount::mount("tmpfs", folder.path(), "tmpfs", flags, options);
    if let Err(error) = mounted {
        return skip::skip(&format!("a small file system cannot be mounted here: {error}"));
    }
    let sequencer = recorded(&folder, TimeSource::Virtual, Config::default());
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let to = port(&reader);
    let mut random = Random(1);
    for _ in 0..30_000 {
        let mut event = Event::direct(EventType::NOTEON);
        event.dest = to;
        event.data.0.fill_with(|| random.byte());
        assert_eq!(writer.write(event.as_bytes()), Ok(EVENT_SIZE));
        assert_eq!(reader.read(&mut [0; EVENT_SIZE]), Ok(EVENT_SIZE));
    }
    drop((reader, writer, sequencer));
    let bytes = bytes(&folder);
    let unmounted = rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH);
    unmounted.expect("it is unmounted");
    assert!(bytes.len() <= 256 << 10);
    let replayed = replay(&bytes);
    assert!(replayed.inputs > 4000, "{replayed:?}");
    // There may be no room to say why.
    let why = End::Stopped("no space left on device".to_owned());
    let torn = matches!(replayed.end, End::Torn { .. });
    assert!(torn || replayed.end == why, "{:?}", replayed.end);
}

#[test]
fn a_slow_disk_ends_the_recording_and_delays_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.aseq");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    // Without a reader there is no pipe to write to.
    let alone = Recording::create(&path, "test").expect_err("nobody reads");
    assert!(alone.to_string().contains("run.aseq"), "{alone}");
    let mut options = fs::OpenOptions::new();
    let mut pipe = options.read(true).write(true).open(&path).expect("a pipe");
    let sequencer = recorded(&folder, TimeSource::Virtual, Config::default());
    let writer = client(&sequencer);
    let mut events = vec![Event::direct(EventType::NOTEON); 1000];
    let mut random = Random(1);
    let begin = Instant::now();
    for _ in 0..400 {
        for event in &mut events {
            event.dest = THROUGH;
            // What deflate cannot make shorter.
            event.data.0.fill_with(|| random.byte());
        }
        assert_eq!(writer.write(events.as_bytes()), Ok(1000 * EVENT_SIZE));
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut buffer = [0; 65536];
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            let count = pipe.read(&mut buffer).expect("it is open");
            bytes.extend_from_slice(&buffer[..count]);
            if bytes.ends_with(b"more slowly than they come") {
                break;
            }
        }
        bytes
    });
    let replayed = replay(&reading.join().expect("it reads"));
    assert!(replayed.inputs > 10, "{replayed:?}");
    let End::Stopped(why) = replayed.end else { panic!("{:?}", replayed.end) };
    assert!(why.contains("more slowly"), "{why}");
    drop((writer, sequencer));
}

/// Waits for the only file in a folder to be a recording with an end.
fn report_in(folder: &tempfile::TempDir) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let entries = fs::read_dir(folder.path()).expect("a folder");
        let files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        assert!(files.len() < 2, "{files:?}");
        if let Some(file) = files.first() {
            let bytes = fs::read(file).expect("a file");
            let mut reader = Reader::new(&bytes[..]).ok();
            while let Some(Ok(Some(_))) = reader.as_mut().map(Reader::read) {}
            let end = reader.as_ref().and_then(Reader::end);
            if matches!(end, Some(End::Whole | End::Stopped(_))) {
                fs::remove_file(file).expect("a file");
                return bytes;
            }
        }
        assert!(Instant::now() < end, "a report is written");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_flight_recorder_keeps_the_latest_part() {
    const SIZE: usize = 64 << 10;
    let folder = tempfile::tempdir().expect("a folder");
    let recording = Recording::in_memory(SIZE, folder.path().to_owned());
    let config = Config { ump: true, ..Config::default() };
    let sequencer = Sequencer::recorded(TimeSource::Virtual, config, recording);
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let (to, queue) = (port(&reader), queue(&writer));
    assert!(sequencer.report());
    let first = replay(&report_in(&folder));
    assert_eq!(first.before, 0);
    let mut random = Random(1);
    let mut latest = 0;
    for round in 1..=8_u32 {
        // A write that sleeps while the engine is copied: what was recorded of it may be gone.
        let events: Vec<_> =
            (0..1500).map(|number| note_at(round * 10_000 + number, queue, to)).collect();
        assert_eq!(writer.write(events.as_bytes()), Ok(1500 * EVENT_SIZE));
        for _ in 0..3000 {
            let mut event = Event::direct(EventType::NOTEON);
            event.dest = THROUGH;
            event.data.0.fill_with(|| random.byte());
            assert_eq!(writer.write(event.as_bytes()), Ok(EVENT_SIZE));
        }
        // Nothing is due any more.
        sequencer.advance(Duration::from_secs(20));
        // Time for the other thread to ask for the engine, and a turn to send it in.
        std::thread::sleep(Duration::from_millis(600));
        sequencer.advance(Duration::from_millis(1));
        assert!(sequencer.report());
        let bytes = report_in(&folder);
        let replayed = replay(&bytes);
        assert_eq!(replayed.end, End::Whole);
        latest = replayed.before;
        // All four parts, the states, and one more part that is not full yet.
        assert!(bytes.len() < 3 * SIZE + (64 << 10), "{}", bytes.len());
    }
    assert!(latest > 10_000, "{latest}");
    assert!(!Sequencer::in_virtual_time().report());
}

/// Asks for a piece of a report until there is an answer.
fn piece(file: &File, offset: u32) -> Result<Piece, Errno> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut piece = Piece::question(0, offset);
        match file.ioctl(REPORT, piece.as_mut_bytes()) {
            Err(Errno::EAGAIN) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            asked => return asked.map(|_| piece),
        }
    }
}

#[test]
fn one_file_at_a_time_reads_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = Recording::in_memory(64 << 10, folder.path().to_owned());
    let sequencer = Sequencer::recorded(TimeSource::Virtual, Config::default(), recording);
    let (first, second) = (client(&sequencer), client(&sequencer));
    assert_eq!(piece(&first, 4080), Err(Errno::EINVAL), "it was not begun");
    // More than one piece: random bytes cannot be deflated.
    let mut random = Random(7);
    for _ in 0..500 {
        let mut event = Event::direct(EventType::NOTEON);
        event.dest = THROUGH;
        event.data.0.fill_with(|| random.byte());
        assert_eq!(first.write(event.as_bytes()), Ok(EVENT_SIZE));
    }
    let begun = piece(&first, 0).expect("a piece");
    assert!(begun.total > begun.len && begun.len > 4000, "{} {}", begun.total, begun.len);
    assert_eq!(piece(&second, 0), Err(Errno::EBUSY));
    // What comes meanwhile is not in it.
    ask(&first, request::CREATE_QUEUE, QueueInfo::default());
    let mut bytes = begun.bytes[..begun.len as usize].to_vec();
    while bytes.len() < begun.total as usize {
        let more = piece(&first, u32::try_from(bytes.len()).expect("small")).expect("a piece");
        assert_eq!(more.total, begun.total);
        bytes.extend_from_slice(&more.bytes[..more.len as usize]);
    }
    let replayed = replay(&bytes);
    assert_eq!(replayed.end, End::Whole);
    assert!(replayed.inputs > 500);
    // The last piece has ended it, and so does a close in the middle.
    assert_eq!(piece(&first, 4080), Err(Errno::EINVAL));
    piece(&second, 0).expect("a piece");
    drop(second);
    piece(&first, 0).expect("a piece");
    let other = Sequencer::in_virtual_time();
    assert_eq!(piece(&client(&other), 0), Err(Errno::ENODATA));
    // One that records to a file has nothing else.
    let folder = tempfile::tempdir().expect("a folder");
    let filed = recorded(&folder, TimeSource::Virtual, Config::default());
    assert_eq!(piece(&client(&filed), 0), Err(Errno::ENODATA));
    assert!(!filed.report());
}

#[test]
fn a_panic_leaves_the_latest_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = Recording::in_memory(64 << 10, folder.path().to_owned());
    let panicked = std::panic::catch_unwind(|| {
        let sequencer = Sequencer::recorded(TimeSource::Virtual, Config::default(), recording);
        let _file = client(&sequencer);
        panic!("planted");
    });
    panicked.expect_err("it panics");
    let replayed = replay(&report_in(&folder));
    assert!(replayed.inputs > 1, "{replayed:?}");
    assert_eq!(replayed.end, End::Stopped("the server panicked".to_owned()));
}

#[test]
fn random_programs_are_replayed_from_the_middle() {
    let mut later = 0;
    for seed in 1..=6 {
        let folder = tempfile::tempdir().expect("a folder");
        let recording = Recording::in_memory(8 << 10, folder.path().to_owned());
        let config = Config { ump: seed % 2 == 0, clients: 8, ..Config::default() };
        let sequencer = Sequencer::recorded(TimeSource::Virtual, config, recording);
        for part in 0..3 {
            run_at_random(&sequencer, seed * 10 + part);
            std::thread::sleep(Duration::from_millis(400));
            let _file = client(&sequencer);
        }
        run_at_random(&sequencer, seed * 10 + 4);
        assert!(sequencer.report());
        later += u64::from(replay(&report_in(&folder)).before > 0);
    }
    assert!(later >= 4, "{later}");
}
