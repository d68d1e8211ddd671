//! Programs in one process, without a device file.

use super::*;
use aseqd_abi::event::{EVENT_SIZE, EventData, EventFlags, EventTime, EventType};
use aseqd_abi::ioctl::sequencer as request;
use aseqd_abi::seq::{ClientInfo, PortCaps, PortInfo, QueueInfo};
use aseqd_abi::{Address, Event};
use std::time::Instant;
use zerocopy::{FromBytes, Immutable, IntoBytes};

fn client(sequencer: &Sequencer) -> File {
    sequencer.open(Node::Sequencer, Access::ReadWrite).expect("a client")
}

fn ask<T: IntoBytes + FromBytes + Immutable>(file: &File, request: u32, mut argument: T) -> T {
    file.ioctl(request, argument.as_mut_bytes()).expect("it succeeds");
    argument
}

/// A port that anybody may write to.
fn port(file: &File) -> Address {
    let id = ask(file, request::CLIENT_ID, 0_i32);
    let addr = Address::new(u8::try_from(id).expect("a number"), 0);
    let capability = PortCaps::WRITE.bits();
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

fn note(dest: Address) -> Event {
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = dest;
    event
}

fn note_at(seconds: u32, nanoseconds: u32, queue: u8, dest: Address) -> Event {
    let mut event = note(dest);
    (event.queue, event.flags) = (queue, EventFlags::REAL_TIME);
    event.time = EventTime::real(seconds, nanoseconds);
    event
}

fn read(file: &File) -> Result<Event, Errno> {
    let mut buffer = [0; EVENT_SIZE];
    let count = file.read(&mut buffer)?;
    Ok(Event::read_from_bytes(&buffer[..count]).expect("an event"))
}

#[test]
fn an_event_of_one_program_is_read_by_another() {
    let sequencer = Sequencer::in_virtual_time();
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let to = port(&reader);
    assert_eq!(reader.poll(), Ok(Readiness { readable: false, writable: true }));
    assert_eq!(writer.write(note(to).as_bytes()), Ok(EVENT_SIZE));
    assert_eq!(reader.poll(), Ok(Readiness { readable: true, writable: true }));
    let event = read(&reader).expect("the event");
    assert_eq!((event.event_type, event.dest), (EventType::NOTEON, to));
    assert_eq!(sequencer.now(), Duration::ZERO);
}

#[test]
fn a_read_that_sleeps_moves_virtual_time_to_its_event() {
    let sequencer = Sequencer::in_virtual_time();
    let file = client(&sequencer);
    let (to, queue) = (port(&file), queue(&file));
    file.write(note_at(7200, 5, queue, to).as_bytes()).expect("room");
    file.write(note_at(3600, 0, queue, to).as_bytes()).expect("room");
    read(&file).expect("the second");
    assert_eq!(sequencer.now(), Duration::from_secs(3600));
    read(&file).expect("the first");
    assert_eq!(sequencer.now(), Duration::new(7200, 5));
}

#[test]
fn a_wait_ends_with_an_event_or_its_timeout() {
    let sequencer = Sequencer::in_virtual_time();
    let file = client(&sequencer);
    let (to, queue) = (port(&file), queue(&file));
    file.write(note_at(10, 0, queue, to).as_bytes()).expect("room");
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(file.wait(Direction::Read, seconds(4)), Ok(false));
    assert_eq!(sequencer.now(), Duration::from_secs(4));
    assert_eq!(file.wait(Direction::Read, seconds(100)), Ok(true));
    assert_eq!(sequencer.now(), Duration::from_secs(10));
    read(&file).expect("the event");
    assert_eq!(file.wait(Direction::Read, seconds(2)), Ok(false));
    sequencer.advance(Duration::from_secs(3));
    assert_eq!(sequencer.now(), Duration::from_secs(15));
}

#[test]
fn a_write_that_sleeps_has_room_when_time_has_emptied_the_pool() {
    let sequencer = Sequencer::in_virtual_time();
    let file = client(&sequencer);
    let (to, queue) = (port(&file), queue(&file));
    let events: Vec<_> = (1..=600).map(|number| note_at(0, number * 1000, queue, to)).collect();
    file.set_nonblocking(true).expect("it can");
    assert_eq!(file.write(events.as_bytes()), Ok(500 * EVENT_SIZE), "as many as the pool has room");
    assert_eq!(file.write(events[500..].as_bytes()), Err(Errno::EAGAIN));
    file.set_nonblocking(false).expect("it can");
    assert_eq!(file.write(events[500..].as_bytes()), Ok(100 * EVENT_SIZE));
    assert_eq!(sequencer.now(), Duration::from_micros(100), "when the hundredth has gone");
}

#[test]
fn a_long_write_is_finished_when_it_returns() {
    let sequencer = Sequencer::in_virtual_time();
    let file = client(&sequencer);
    let events = Event::direct(EventType::NONE).as_bytes().repeat(2500);
    assert_eq!(file.write(&events), Ok(events.len()));
    assert_eq!(sequencer.now(), Duration::ZERO);
}

#[test]
fn errors_are_those_of_the_device() {
    let sequencer = Sequencer::in_virtual_time();
    let reader = sequencer.open(Node::Sequencer, Access::Read).expect("a client");
    assert_eq!(reader.write(note(Address::new(0, 0)).as_bytes()), Err(Errno::ENXIO));
    reader.set_nonblocking(true).expect("it can");
    assert_eq!(read(&reader), Err(Errno::EAGAIN));
    assert_eq!(reader.ioctl(request::CLIENT_ID, &mut [0; 2]), Err(Errno::EFAULT));
    assert_eq!(reader.ioctl(0x5301, &mut []), Err(Errno::ENOTTY));
    let config = Config { clients: 2, ..Config::default() };
    let small = Sequencer::new(TimeSource::Virtual, config);
    let files = [client(&small), client(&small)];
    let refused = small.open(Node::Sequencer, Access::Read).expect_err("there is no third");
    assert_eq!(refused, Errno::ENOMEM);
    drop(files);
    client(&small);
}

#[test]
fn a_thread_that_sleeps_is_woken_by_another_in_real_time() {
    let sequencer = Sequencer::new(TimeSource::Real, Config::default());
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let (to, queue) = (port(&reader), queue(&writer));
    let reads = std::thread::spawn(move || {
        read(&reader).expect("the first");
        read(&reader).expect("the second");
        reader.wait(Direction::Read, Some(Duration::from_millis(1)))
    });
    let start = Instant::now();
    writer.write(note(to).as_bytes()).expect("room");
    writer.write(note_at(0, 20_000_000, queue, to).as_bytes()).expect("room");
    assert_eq!(reads.join().expect("both are read"), Ok(false));
    // The queue was started before.
    assert!(start.elapsed() > Duration::from_millis(10), "{:?}", start.elapsed());
}

#[test]
fn threads_that_wait_do_not_keep_each_other_awake() {
    let sequencer = Sequencer::new(TimeSource::Real, Config::default());
    let waits = || {
        let file = client(&sequencer);
        std::thread::spawn(move || file.wait(Direction::Read, Some(Duration::from_millis(100))))
    };
    let threads: Vec<_> = (0..4).map(|_| waits()).collect();
    for thread in threads {
        assert_eq!(thread.join().expect("it waited"), Ok(false));
    }
    // Once for each, and again when another one has opened or closed its file.
    let waits = sequencer.shared.lock().waits;
    assert!(waits < 100, "{waits} waits");
}

#[test]
fn a_deadline_that_comes_while_a_thread_waits_is_met() {
    let sequencer = Sequencer::new(TimeSource::Real, Config::default());
    let (reader, writer) = (client(&sequencer), client(&sequencer));
    let (to, queue) = (port(&reader), queue(&writer));
    let waits =
        std::thread::spawn(move || reader.wait(Direction::Read, Some(Duration::from_secs(60))));
    let start = Instant::now();
    while sequencer.shared.lock().waiting == 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not wait");
        std::thread::yield_now();
    }
    writer.write(note_at(0, 50_000_000, queue, to).as_bytes()).expect("room");
    assert_eq!(waits.join().expect("it waited"), Ok(true));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_file_is_of_the_device_and_the_process_that_it_was_opened_for() {
    let sequencer = Sequencer::in_virtual_time();
    let timer = sequencer.open(Node::Timer, Access::Read).expect("a timer file");
    assert_ne!(ask(&timer, aseqd_abi::ioctl::timers::PVERSION, 0_i32), 0);
    assert_eq!(timer.ioctl(request::CLIENT_ID, &mut [0; 4]), Err(Errno::ENOTTY));
    let other = Process { pid: 4711, user: 1 };
    let client = sequencer.open_as(other, Node::Sequencer, Access::Read).expect("a client");
    let number = ask(&client, request::CLIENT_ID, 0_i32);
    let info = ClientInfo { client: number, ..ClientInfo::default() };
    assert_eq!(ask(&client, request::GET_CLIENT_INFO, info).pid, 4711);
}
