//! The session behind a door that writes down what it is told, on a virtual clock.

mod user_timers;

use super::*;
use crate::budget;
use crate::clock::{Clock as _, VirtualClock};
use aseqd_abi::event::{EVENT_SIZE, EventData, EventTime, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{PortCaps, PortInfo, QueueInfo};
use aseqd_abi::{Address, Event};
use aseqd_engine::Access;
use aseqd_wire::proc_text::{PIECE_SIZE, Piece, ProcText};
use zerocopy::{FromBytes, IntoBytes};

/// What a door was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Opened(u32, FileId),
    Created(u32, FileId, u32),
    Read(u32, usize),
    Written(u32, usize),
    Controlled(u32, Vec<u8>),
    Polled(u32, bool, bool),
    Failed(u32, Errno),
    Woken(char),
    Shown(FileId, bool, bool),
}

#[derive(Debug, Default)]
struct FakeDoor {
    told: Vec<Told>,
    /// Nobody takes the answers to opens.
    gone: bool,
    /// Files whose state it shows.
    shows: Vec<FileId>,
    /// Whether it can give programs descriptors with the answer to an ioctl.
    gives: bool,
}

impl Door for FakeDoor {
    type Token = u32;
    type Wakeup = char;

    fn answer(&mut self, token: u32, answer: Answer<'_>) -> bool {
        self.told.push(match answer {
            Answer::Opened { file, .. } => Told::Opened(token, file),
            Answer::Created { file, info, .. } => Told::Created(token, file, info.id),
            Answer::Read(data) => Told::Read(token, data.len()),
            Answer::Written(count) => Told::Written(token, count),
            Answer::Ioctl(Ok(out)) => Told::Controlled(token, out.to_vec()),
            Answer::Polled(state) => Told::Polled(token, state.readable, state.writable),
            Answer::Ioctl(Err(errno)) | Answer::Failed(errno) => Told::Failed(token, errno),
        });
        !self.gone
    }
    fn gives_descriptors(&self, _token: u32) -> bool {
        self.gives
    }
    fn wake(&mut self, wakeup: char) {
        self.told.push(Told::Woken(wakeup));
    }
    fn shows(&self, file: FileId) -> bool {
        self.shows.contains(&file)
    }
    fn show(&mut self, file: FileId, state: Readiness, _fresh: bool) {
        self.told.push(Told::Shown(file, state.readable, state.writable));
    }
}

/// A session, a door, a clock that stands still, and numbers for calls.
struct Stage {
    session: Session<FakeDoor>,
    door: FakeDoor,
    clock: VirtualClock,
    next: u32,
}

impl Stage {
    fn new() -> Self {
        Self {
            session: Session::new(aseqd_engine::Config::default(), false),
            door: FakeDoor::default(),
            clock: VirtualClock::default(),
            next: 0,
        }
    }

    /// One turn with one call; its number.
    fn call(&mut self, kind: CallKind<'_, u32, char>) -> u32 {
        self.next += 1;
        let call = Call { token: self.next, thread: 7, kind };
        let now = self.clock.now();
        self.session.pass_time(now, &mut self.door);
        self.session.call(now, call, &mut self.door);
        self.session.go_on(now, &mut self.door);
        self.next
    }

    /// A turn for nothing but the time.
    fn pass(&mut self, nanoseconds: u64) {
        self.clock.advance_to(self.clock.now() + nanoseconds);
        let now = self.clock.now();
        self.session.pass_time(now, &mut self.door);
        self.session.go_on(now, &mut self.door);
    }

    fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.door.told)
    }

    /// An open file of a user's, if it can be had.
    fn open(&mut self, node: Node, user: u32) -> Result<FileId, Errno> {
        self.call(CallKind::Open { node, access: Access::ReadWrite, pid: 7, user });
        match self.told()[..] {
            [Told::Opened(_, file)] => Ok(file),
            [Told::Failed(_, errno)] => Err(errno),
            ref told => panic!("an answer: {told:?}"),
        }
    }

    /// A client with a port that anybody may write to.
    fn client(&mut self) -> (FileId, Address) {
        self.call(CallKind::Open {
            node: Node::Sequencer,
            access: Access::ReadWrite,
            pid: 7,
            user: 7,
        });
        let [Told::Opened(_, file)] = self.told()[..] else { panic!("it opens") };
        let id: i32 = self.ioctl(file, request::CLIENT_ID, 0);
        let addr = Address::new(u8::try_from(id).expect("a number"), 0);
        let capability = (PortCaps::WRITE | PortCaps::SUBS_WRITE).bits();
        let port = PortInfo { addr, capability, ..PortInfo::default() };
        self.ioctl(file, request::CREATE_PORT, port);
        (file, addr)
    }

    fn ioctl<T: IntoBytes + FromBytes + zerocopy::Immutable>(
        &mut self,
        file: FileId,
        request: u32,
        arg: T,
    ) -> T {
        let arg = arg.as_bytes().to_vec();
        let out_size = aseqd_abi::ioctl::size(request);
        let call = engine::Call::Ioctl { request, compat: false, arg: &arg };
        self.call(CallKind::File { file, call, out_size, wakeup: None });
        let told = self.told();
        let Some(Told::Controlled(_, out)) = told.last() else { panic!("it succeeds: {told:?}") };
        T::read_from_bytes(out).expect("the struct")
    }

    fn read(&mut self, file: FileId) -> u32 {
        self.call(CallKind::on(file, engine::Call::Read { len: 1000, nonblock: false }))
    }

    fn write(&mut self, file: FileId, event: &Event) -> u32 {
        let data = event.as_bytes().to_vec();
        self.call(CallKind::on(file, engine::Call::Write { data: &data, nonblock: false }))
    }
}

fn note(dest: Address) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = dest;
    event
}

#[test]
fn a_sleeping_read_is_answered_before_the_write_that_wakes_it() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let read = stage.read(file);
    assert_eq!(stage.told(), [], "nothing to read");
    let write = stage.write(file, &note(port));
    assert_eq!(stage.told(), [Told::Read(read, EVENT_SIZE), Told::Written(write, EVENT_SIZE)]);
}

#[test]
fn a_poll_is_woken_once_and_before_the_write_returns() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let poll = stage.call(CallKind::File {
        file,
        call: engine::Call::Poll,
        out_size: 0,
        wakeup: Some('p'),
    });
    assert_eq!(stage.told(), [Told::Polled(poll, false, true)]);
    let write = stage.write(file, &note(port));
    assert_eq!(stage.told(), [Told::Woken('p'), Told::Written(write, EVENT_SIZE)]);
    let write = stage.write(file, &note(port));
    assert_eq!(stage.told(), [Told::Written(write, EVENT_SIZE)], "nobody polls any more");
}

#[test]
fn a_state_that_the_door_shows_is_told_before_the_answer() {
    let mut stage = Stage::new();
    let (reader, to) = stage.client();
    let (writer, _) = stage.client();
    stage.door.shows = vec![reader];
    let write = stage.write(writer, &note(to));
    assert_eq!(stage.told(), [Told::Shown(reader, true, true), Told::Written(write, EVENT_SIZE)]);
    let read = stage.read(reader);
    assert_eq!(stage.told(), [Told::Shown(reader, false, true), Told::Read(read, EVENT_SIZE)]);
    // One that sleeps takes the event at once.
    let read = stage.read(reader);
    let write = stage.write(writer, &note(to));
    let shown = Told::Shown(reader, false, true);
    let told = stage.told();
    assert_eq!(told.last(), Some(&Told::Written(write, EVENT_SIZE)));
    assert!(told.contains(&Told::Read(read, EVENT_SIZE)) && told.contains(&shown), "{told:?}");
    assert!(!told.contains(&Told::Shown(reader, true, true)), "{told:?}");
}

#[test]
fn a_signal_ends_a_sleeping_call_and_finds_no_other() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let read = stage.read(file);
    stage.call(CallKind::Interrupt { target: read });
    assert_eq!(stage.told(), [Told::Failed(read, Errno::EINTR)]);
    stage.call(CallKind::Interrupt { target: read });
    let write = stage.write(file, &note(port));
    assert_eq!(stage.told(), [Told::Written(write, EVENT_SIZE)], "the read is gone");
}

#[test]
fn a_queued_event_answers_a_sleeping_read_at_its_instant() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let queue = stage.ioctl(file, request::CREATE_QUEUE, QueueInfo::default()).queue;
    let queue = u8::try_from(queue).expect("a queue");
    let mut start = Event::direct(EventType::START);
    start.data = EventData::from_queue(queue, 0, 0);
    stage.write(file, &start);
    let mut later = note(port);
    later.queue = queue;
    later.flags = aseqd_abi::EventFlags::REAL_TIME;
    later.time = EventTime::real(2, 0);
    stage.write(file, &later);
    let read = stage.read(file);
    stage.told();
    let now = stage.clock.now();
    assert_eq!(stage.session.deadline(now), Some(Time(2_000_000_000)));
    stage.pass(1_999_999_999);
    assert_eq!(stage.told(), []);
    stage.pass(1);
    assert_eq!(stage.told(), [Told::Read(read, EVENT_SIZE)]);
    assert_eq!(stage.session.deadline(stage.clock.now()), None, "nothing is due any more");
}

#[test]
fn a_full_pool_puts_a_write_to_sleep_and_a_signal_returns_what_it_did() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let queue = stage.ioctl(file, request::CREATE_QUEUE, QueueInfo::default()).queue;
    let mut event = note(port);
    event.queue = u8::try_from(queue).expect("a queue");
    event.time = EventTime::tick(1);
    let data = event.as_bytes().repeat(600);
    let write =
        stage.call(CallKind::on(file, engine::Call::Write { data: &data, nonblock: false }));
    assert_eq!(stage.told(), [], "500 cells hold 500 events");
    stage.call(CallKind::Interrupt { target: write });
    assert_eq!(stage.told(), [Told::Written(write, 500 * EVENT_SIZE)]);
}

#[test]
fn a_long_write_goes_on_in_later_turns() {
    let mut stage = Stage::new();
    let (file, _) = stage.client();
    let data = Event::direct(EventType::NONE).as_bytes().repeat(2500);
    let write = stage.call(CallKind::on(file, engine::Call::Write { data: &data, nonblock: true }));
    let now = stage.clock.now();
    assert_eq!(stage.session.deadline(now), Some(now), "it wants to go on at once");
    stage.pass(0);
    assert_eq!(stage.told(), [Told::Written(write, 2500 * EVENT_SIZE)]);
    assert_eq!(stage.session.deadline(now), None);
}

#[test]
fn an_open_that_nobody_takes_leaves_no_client() {
    let mut stage = Stage::new();
    let before = stage.session.engine().clients();
    stage.door.gone = true;
    stage.call(CallKind::Open { node: Node::Sequencer, access: Access::Read, pid: 7, user: 7 });
    assert_eq!(stage.session.engine().clients(), before);
    assert_eq!(stage.session.processes().count(), 0);
}

#[test]
fn closing_a_file_answers_its_calls_and_frees_its_client() {
    let mut stage = Stage::new();
    let before = stage.session.engine().clients();
    let (file, _) = stage.client();
    let read = stage.read(file);
    stage.call(CallKind::Close { file });
    assert_eq!(stage.told(), [Told::Failed(read, Errno::EBADF)]);
    assert_eq!(stage.session.engine().clients(), before);
}

/// A canary: where the validators are on, an allocation in a turn's atomic part is reported.
#[cfg(feature = "validate")]
#[test]
fn the_validators_would_find_an_allocation_in_a_turn() {
    let reports = lockdep::testing::capture(|| {
        let _section = lockdep::hardirq_enter("turn");
        drop(std::hint::black_box(vec![0_u8; 100]));
    });
    assert!(reports.iter().any(|report| report.text.contains("sleeping function called")));
}

#[test]
fn texts_come_in_pieces_of_one_instant_from_both_nodes() {
    let mut stage = Stage::new();
    let (file, _) = stage.client();
    stage.call(CallKind::Open { node: Node::Timer, access: Access::Read, pid: 8, user: 8 });
    let [Told::Opened(_, timer)] = stage.told()[..] else { panic!("it opens") };
    for text in ProcText::ALL.into_iter().chain([ProcText::Version]) {
        for file in [file, timer] {
            let wanted = match text {
                ProcText::Clients => stage.session.engine().proc_clients(),
                ProcText::Queues => stage.session.engine().proc_queues(),
                ProcText::QueueTimers => stage.session.engine().proc_timer(),
                ProcText::Timers => stage.session.engine().proc_timers(),
                ProcText::Version => stage.session.engine().proc_version(),
            };
            let piece = stage.ioctl(file, PROC_TEXT, Piece::question(text.number(), 0));
            assert_eq!(&piece.bytes[..piece.len as usize], wanted.as_bytes(), "{text:?}");
            assert_eq!(piece.total as usize, wanted.len());
        }
    }
    // So many queues are more than one piece, and the second is not of another text.
    for _ in 0..20 {
        stage.ioctl(file, request::CREATE_QUEUE, QueueInfo::default());
    }
    let wanted = stage.session.engine().proc_queues();
    assert!((PIECE_SIZE..2 * PIECE_SIZE).contains(&wanted.len()), "{}", wanted.len());
    let first = stage.ioctl(timer, PROC_TEXT, Piece::question(ProcText::Queues.number(), 0));
    stage.ioctl(file, request::CREATE_QUEUE, QueueInfo::default());
    let offset = first.len;
    let second = stage.ioctl(timer, PROC_TEXT, Piece::question(ProcText::Queues.number(), offset));
    let read = [&first.bytes[..], &second.bytes[..second.len as usize]].concat();
    assert_eq!(String::from_utf8(read).expect("text"), wanted);
    assert!(second.bytes[second.len as usize..].iter().all(|byte| *byte == 0));
}

#[test]
fn questions_for_texts_that_make_no_sense_fail() {
    let mut stage = Stage::new();
    let (file, _) = stage.client();
    let mut fails = |piece: &[u8]| {
        let arg = piece.to_vec();
        let number = stage.call(CallKind::on(
            file,
            engine::Call::Ioctl { request: PROC_TEXT, compat: false, arg: &arg },
        ));
        assert_eq!(stage.told(), [Told::Failed(number, Errno::EINVAL)]);
    };
    fails(Piece { text: 5, ..Piece::question(ProcText::Clients.number(), 0) }.as_bytes());
    fails(Piece::question(ProcText::Clients.number(), 1).as_bytes());
    fails(&[0; 8]);
    let past = stage.ioctl(file, PROC_TEXT, Piece::question(ProcText::Clients.number(), 0));
    assert!(past.len > 0 && past.len == past.total);
}

#[test]
fn timer_files_are_bounded_by_user_and_others_keep_theirs() {
    let mut stage = Stage::new();
    let bound = u32::try_from(budget::TIMER_FILES.per_user).expect("a small number");
    let files: Vec<_> = (0..bound).map(|_| stage.open(Node::Timer, 1).expect("a file")).collect();
    assert_eq!(stage.open(Node::Timer, 1), Err(Errno::ENOMEM));
    stage.open(Node::Sequencer, 1).expect("a client is no timer");
    stage.open(Node::Timer, 2).expect("another user's");
    stage.call(CallKind::Close { file: files[5] });
    stage.open(Node::Timer, 1).expect("one was closed");
    assert_eq!(stage.open(Node::Timer, 1), Err(Errno::ENOMEM));
    // One that nobody takes is not counted.
    stage.call(CallKind::Close { file: files[6] });
    stage.door.gone = true;
    for _ in 0..3 {
        stage.open(Node::Timer, 1).expect("it is made, and gone");
    }
    stage.door.gone = false;
    stage.open(Node::Timer, 1).expect("a file");
}

#[test]
fn waiting_calls_are_bounded_by_user_and_others_keep_theirs() {
    let mut stage = Stage::new();
    let (file, port) = stage.client();
    let other = stage.open(Node::Sequencer, 2).expect("a client");
    let reads: Vec<_> = (0..budget::WAITING_CALLS.per_user).map(|_| stage.read(file)).collect();
    assert_eq!(stage.told(), []);
    let read = stage.read(file);
    assert_eq!(stage.told(), [Told::Failed(read, Errno::ENOMEM)]);
    stage.read(other);
    assert_eq!(stage.told(), [], "another user's waits");
    stage.call(CallKind::Interrupt { target: reads[7] });
    stage.write(file, &note(port));
    stage.told();
    // Two have gone: one by a signal, one with an event.
    stage.read(file);
    stage.read(file);
    assert_eq!(stage.told(), []);
    let read = stage.read(file);
    assert_eq!(stage.told(), [Told::Failed(read, Errno::ENOMEM)]);
    stage.call(CallKind::Close { file });
    stage.call(CallKind::Close { file: other });
    assert_eq!(stage.session.files.held().0, 0);
}

#[test]
fn waiting_bytes_are_bounded_by_user_and_others_keep_theirs() {
    const LONG: usize = 1 << 20;
    let mut stage = Stage::new();
    let (_, port) = stage.client();
    // A file of a user's, and the number of its queue, which does not run.
    let client = |stage: &mut Stage, user| {
        let file = stage.open(Node::Sequencer, user).expect("a client");
        let queue = stage.ioctl(file, request::CREATE_QUEUE, QueueInfo::default()).queue;
        (file, u8::try_from(queue).expect("a queue"))
    };
    let write = |stage: &mut Stage, (file, queue)| {
        let event = Event { queue, time: EventTime::tick(1), ..note(port) };
        let data = event.as_bytes().repeat(LONG / EVENT_SIZE + 1);
        stage.call(CallKind::on(file, engine::Call::Write { data: &data[..LONG], nonblock: false }))
    };
    let (file, other, third) =
        (client(&mut stage, 1), client(&mut stage, 2), client(&mut stage, 1));
    let count = usize::try_from(budget::WAITING_BYTES.per_user).expect("a number") / LONG;
    let first = write(&mut stage, file);
    for _ in 1..count {
        write(&mut stage, file);
    }
    assert_eq!(stage.told(), [], "each client of one user may wait with as much as one write has");
    let late = write(&mut stage, file);
    assert_eq!(stage.told(), [Told::Failed(late, Errno::ENOMEM)]);
    write(&mut stage, other);
    assert_eq!(stage.told(), [], "another user's waits");
    // One that has done a part returns with it.
    let part = write(&mut stage, third);
    assert_eq!(stage.told(), [Told::Written(part, 500 * EVENT_SIZE)]);
    stage.call(CallKind::Interrupt { target: first });
    assert_eq!(stage.told(), [Told::Written(first, 500 * EVENT_SIZE)]);
    write(&mut stage, file);
    assert_eq!(stage.told(), [], "there is room again");
    for (file, _) in [file, other, third] {
        stage.call(CallKind::Close { file });
    }
    assert_eq!(stage.session.files.held(), (0, 0));
    assert!(stage.session.held().iter().all(|(_, held)| *held == 0), "{:?}", stage.session.held());
}
