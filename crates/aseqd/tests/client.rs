//! The library `aseqd-client` at a real device file: each test is a program with a sequencer of its own.

mod common;

use aseqd_client::aseqd_abi::event::EVENT_SIZE;
use aseqd_client::aseqd_abi::seq::{
    CLIENT_DUMMY, CLIENT_SYSTEM, Connect, PortFlags, PortInfo, PortSubscribe, QueueInfo,
    QueueTempo, RemoveEvents, RemoveMode, SubscriptionFlags,
};
use aseqd_client::aseqd_abi::timer::{
    CLASS_GLOBAL, GLOBAL_HRTIMER, TimerEvent, TimerId, TimerTread,
};
use aseqd_client::event::{EventExt as _, controller, note, note_off, note_on, of_type};
use aseqd_client::timer::{self, Instance, Owner, Timers, UserTimer};
use aseqd_client::{
    Access, Address, Announcement, Client, DEVICE, Errno, Error, Event, EventType, OpenOptions,
    PortCaps, PortType, SYSTEM_ANNOUNCE, SYSTEM_TIMER, text,
};
use common::{DEADLINE, inside, inside_with};
use std::thread;
use std::time::{Duration, Instant};

const THROUGH: Address = Address::new(CLIENT_DUMMY, 0);
const ALL: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// A client with a port that allows everything.
fn client(name: &str) -> (Client, Address) {
    let client = Client::open(DEVICE, name).expect("a client");
    let port = client.create_port("port", ALL, PortType::MIDI_GENERIC).expect("a port");
    (client, port)
}

/// The next event, which must come.
#[track_caller]
fn next(client: &Client) -> (Event, Vec<u8>) {
    assert!(client.wait(Some(DEADLINE)).expect("the sequencer"), "an event comes");
    client.read_event().expect("a read").expect("an event")
}

/// The number of the error that a call must end with.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Errno {
    result.expect_err("refused").errno().expect("a number")
}

#[test]
fn a_client_and_its_ports_have_names_and_information() {
    inside(|| {
        let (client, port) = client("first");
        let own = client.info(client.id()).expect("an answer").expect("itself");
        assert_eq!((text(&own.name), own.num_ports), ("first".to_owned(), 1));
        client.set_name("renamed").expect("another name");
        let clients = client.clients().expect("a list");
        let names: Vec<_> = clients.iter().map(|client| text(&client.name)).collect();
        assert_eq!(names, ["System", "Midi Through", "renamed"]);
        assert_eq!(client.info(77).expect("an answer"), None);
        assert_eq!(client.system_info().expect("an answer").cur_clients, 3);

        let mut info = client.port_info(port).expect("an answer").expect("a port");
        assert_eq!((text(&info.name), info.midi_channels), ("port".to_owned(), 16));
        info.name = aseqd_client::name_field("other");
        client.set_port_info(&info).expect("a change");
        let given = PortInfo {
            addr: Address::new(0, 7),
            flags: PortFlags::GIVEN_PORT.bits(),
            ..PortInfo::default()
        };
        let seventh = client.create_port_from(&given).expect("a port").addr;
        assert_eq!(seventh, Address::new(client.id(), 7));
        assert_eq!(refused(client.create_port_from(&given)), Errno::EBUSY);
        let ports = client.ports_of(client.id()).expect("a list");
        assert_eq!(ports.iter().map(|port| port.addr.port).collect::<Vec<_>>(), [0, 7]);
        assert_eq!(client.find_port("renamed:other").expect("a port"), port);
        assert_eq!(client.look_for_port("renamed").expect("an answer"), None, "its own");
        let missing = client.find_port("nobody").expect_err("no port").to_string();
        assert!(missing.starts_with("there is no port nobody; there are 0:0 (System: Timer), "));
        client.delete_port(seventh).expect("it goes");
        assert_eq!(client.port_info(seventh).expect("an answer"), None);
        assert_eq!(refused(client.delete_port(seventh)), Errno::ENOENT);
        assert_eq!(refused(client.delete_port(THROUGH)), Errno::EPERM);
    });
}

#[test]
fn subscriptions_have_attributes() {
    inside(|| {
        let (sender, from) = client("sender");
        let (receiver, to) = client("receiver");
        let queue = sender.create_queue("stamps").expect("a queue");
        sender.start_queue(queue).expect("it starts");
        let flags = SubscriptionFlags::TIMESTAMP | SubscriptionFlags::TIME_REAL;
        let stamped = PortSubscribe {
            sender: from,
            dest: to,
            queue,
            flags: flags.bits(),
            ..Default::default()
        };
        sender.subscribe(&stamped).expect("a connection");
        assert_eq!(refused(sender.subscribe(&stamped)), Errno::EBUSY);
        let found = receiver.subscription(from, to).expect("an answer").expect("a connection");
        assert_eq!((found.queue, found.flags), (queue, flags.bits()));
        let (out, back) =
            (sender.outgoing(from).expect("a list"), sender.incoming(to).expect("a list"));
        assert_eq!((out.len(), out[0].addr, out[0].flags), (1, to, flags.bits()));
        assert_eq!((back.len(), back[0].addr), (1, from));

        let notice = next(&receiver).0;
        let connected = Connect { sender: from, dest: to };
        assert_eq!(Announcement::of(&notice), Some(Announcement::Connected(connected)));
        sender.send(&note_on(0, 60, 100).sent_from(from).sent_to_subscribers()).expect("a note");
        let (event, data) = next(&receiver);
        assert_eq!((event.event_type, event.source, event.queue), (EventType::NOTEON, from, queue));
        assert!(event.flags.contains(aseqd_client::EventFlags::REAL_TIME) && data.is_empty());
        assert_ne!(event.time.nsec, 0, "the time of the queue, which runs");

        sender.unsubscribe(&stamped).expect("the end of it");
        assert_eq!(refused(sender.disconnect(from, to)), Errno::ENOENT);
        assert_eq!(receiver.subscription(from, to).expect("an answer"), None);
        // Others connect third parties.
        sender.connect(to, THROUGH).expect("a connection");
        sender.disconnect(to, THROUGH).expect("the end of it");
        assert_eq!(refused(sender.connect(SYSTEM_TIMER, SYSTEM_ANNOUNCE)), Errno::EPERM);
    });
}

#[test]
fn queues_have_owner_tempo_and_timer_and_deliver_in_time() {
    inside(|| {
        let (client, port) = client("player");
        let queue = client.create_queue("tune").expect("a queue");
        let named = client.named_queue("tune").expect("an answer").expect("the queue");
        assert_eq!((named.queue, named.owner), (queue.into(), client.id().into()));
        assert_eq!(client.named_queue("none").expect("an answer"), None);
        let mut tempo = client.queue_tempo(queue).expect("an answer").expect("a tempo");
        assert_eq!((tempo.tempo, tempo.ppq), (500_000, 96));
        (tempo.tempo, tempo.ppq) = (250_000, 250);
        client.set_queue_tempo(&tempo).expect("a tempo");
        let bad = QueueTempo { ppq: 0, ..tempo };
        assert_eq!(refused(client.set_queue_tempo(&bad)), Errno::EINVAL);
        let mut timer = client.queue_timer(queue).expect("an answer").expect("a timer");
        assert_eq!(timer.id.dev_class, CLASS_GLOBAL);
        timer.id.device = GLOBAL_HRTIMER;
        client.set_queue_timer(&timer).expect("a timer");

        let status = |client: &Client| client.queue_status(queue).expect("an answer").expect("it");
        assert_eq!(status(&client).running, 0);
        client.start_queue(queue).expect("it starts");
        let begun = Instant::now();
        // A tick is 1 ms long. The first is due when the last has long been sent, on a busy machine too.
        let events = [
            note_off(0, 60, 0).at_tick(queue, 260),
            note(0, 60, 100, 20).at_tick(queue, 210),
            controller(0, 7, 1).at_time(queue, Duration::from_millis(205)),
        ];
        let events = events.map(|event| event.sent_from(port).sent_to(port));
        assert_eq!(client.send_all(&events).expect("room"), 3);
        let order =
            [EventType::CONTROLLER, EventType::NOTEON, EventType::NOTEOFF, EventType::NOTEOFF];
        for expected in order {
            assert_eq!(next(&client).0.event_type, expected);
        }
        assert!(begun.elapsed() >= Duration::from_millis(259), "not before its time");
        assert!(status(&client).tick >= 260);
        client.stop_queue(queue).expect("it stops");
        assert_eq!(status(&client).running, 0);
        let stopped = status(&client).tick;
        client.continue_queue(queue).expect("it goes on");
        assert!(status(&client).tick >= stopped && status(&client).running == 1);
        client.control_queue(queue, EventType::SETPOS_TICK, 100_000).expect("a jump");
        assert!(status(&client).tick >= 100_000);

        // Two events that wait, and are taken back.
        let later = note_on(0, 1, 1).sent_from(port).sent_to(port).at_tick(queue, 10_000_000);
        assert_eq!(client.send_all(&[later, later]).expect("room"), 2);
        assert_eq!(status(&client).events, 2);
        let all =
            RemoveEvents { remove_mode: RemoveMode::OUTPUT.bits(), ..RemoveEvents::default() };
        client.remove_events(&all).expect("they go");
        assert_eq!(status(&client).events, 0);

        let other = Client::open(DEVICE, "other").expect("a client");
        assert_eq!(refused(other.set_queue_tempo(&tempo)), Errno::EPERM);
        assert_eq!(refused(other.delete_queue(queue)), Errno::EINVAL);
        assert_eq!(refused(other.stop_queue(queue)), Errno::EPERM);
        let mut info = client.queue_info(queue).expect("an answer").expect("it");
        (info.locked, info.name) = (0, aseqd_client::name_field("shared"));
        client.set_queue_info(&info).expect("a change");
        let through = note_on(0, 1, 1).sent_to(port).at_tick(queue, 10_000_000);
        assert_eq!(refused(other.send(&through)), Errno::EINVAL, "it does not use the queue");
        other.use_queue(queue, true).expect("a use");
        other.send(&through).expect("an event");
        other.stop_queue(queue).expect("it stops");
        assert_eq!(refused(other.stop_queue(31)), Errno::EINVAL, "no such queue");
        client.delete_queue(queue).expect("it goes");
        assert_eq!(other.queue_status(queue).expect("an answer"), None);
        assert_eq!(other.queue_tempo(queue).expect("an answer"), None);
        let own = other.create_queue_from(&QueueInfo::default()).expect("a queue");
        assert!(text(&own.name).starts_with("Queue-"), "a name from the sequencer");
    });
}

#[test]
fn sysex_goes_out_and_comes_back_whole() {
    inside(|| {
        let (client, port) = client("sysex");
        let to_itself = of_type(EventType::SYSEX).sent_from(port).sent_to(port);
        let message = |len: usize| -> Vec<u8> {
            let body = (0..len - 2).map(|at| u8::try_from(at % 128).expect("seven bits"));
            [0xf0].into_iter().chain(body).chain([0xf7]).collect()
        };
        for len in [2, 11, 12, 28, 29, 5000] {
            client.send_with_data(&to_itself, &message(len)).expect("a message");
            let (event, data) = next(&client);
            assert_eq!((event.event_type, data), (EventType::SYSEX, message(len)));
        }
        // More than a pool of default size takes: neither out nor in.
        let long = message(20_000);
        let small = client.send_with_data(&to_itself, &long).expect_err("too long");
        assert_eq!(small.errno(), Some(Errno::ENOMEM), "{small}");
        assert_eq!(client.read_event().expect_err("a loss"), Error::EventsLost);
        client.set_pools(2000, 2000, 1000).expect("larger pools");
        let pools = client.pools(client.id()).expect("an answer").expect("pools");
        assert_eq!((pools.output_pool, pools.input_pool, pools.output_room), (2000, 2000, 1000));
        client.send_with_data(&to_itself, &long).expect("a message");
        client.send(&note_on(0, 1, 2).sent_from(port).sent_to(port)).expect("a note");
        assert_eq!(next(&client).1, long);
        assert_eq!(next(&client).0.event_type, EventType::NOTEON);
        let notes = note_on(0, 1, 2).sent_from(port).sent_to(port);
        assert_eq!(refused(client.send_with_data(&notes, b"data")), Errno::EINVAL);
    });
}

#[test]
fn what_comes_and_goes_is_announced() {
    inside(|| {
        let (observer, _) = client("observer");
        let own = observer.hear_announcements().expect("a port");
        let hear = || loop {
            let announced = Announcement::of(&next(&observer).0).expect("an announcement");
            let is_own = match announced {
                Announcement::PortStarted(port) => port == own,
                Announcement::Connected(connect) => connect.dest == own,
                _ => false,
            };
            if !is_own {
                return announced;
            }
        };
        let (other, port) = client("other");
        assert_eq!(hear(), Announcement::ClientStarted(other.id()));
        assert_eq!(hear(), Announcement::ClientChanged(other.id()), "its name");
        assert_eq!(hear(), Announcement::PortStarted(port));
        other.connect(port, THROUGH).expect("a connection");
        let connect = Connect { sender: port, dest: THROUGH };
        assert_eq!(hear(), Announcement::Connected(connect));
        other.disconnect(port, THROUGH).expect("the end of it");
        assert_eq!(hear(), Announcement::Disconnected(connect));
        let id = other.id();
        drop(other);
        assert_eq!(hear(), Announcement::PortExited(port));
        assert_eq!(hear(), Announcement::ClientExited(id));
    });
}

#[test]
fn reads_sleep_or_not_and_losses_are_told() {
    inside(|| {
        let (reader, port) = client("reader");
        assert_eq!(reader.read_event().expect("a read"), None);
        assert!(!reader.wait(Some(Duration::from_millis(20))).expect("a wait"), "nothing comes");
        let asked = Instant::now();
        assert!(!reader.wait(Some(Duration::from_millis(20))).expect("a wait"));
        assert!(asked.elapsed() >= Duration::from_millis(20), "it did wait");

        let (sender, from) = client("sender");
        let event = note_on(0, 60, 1).sent_from(from).sent_to(port);
        sender.send(&event).expect("room");
        sender.send(&event).expect("room");
        let first = next(&reader).0;
        assert!(reader.has_event(), "both were read at once");
        assert!(reader.wait(Some(Duration::ZERO)).expect("a wait"), "though a poll finds nothing");
        assert_eq!(reader.read_event().expect("a read").expect("the second").0, first);

        // A pool of 200 cells.
        let mut sent = 0;
        while sent < 300 && sender.send(&event).is_ok() {
            sent += 1;
        }
        assert_eq!(reader.read_event().expect_err("a loss"), Error::EventsLost);
        assert_eq!(sent, 200);
        assert_eq!(reader.read_event().expect("a read"), None, "what was unread is lost as well");

        reader.set_nonblocking(false).expect("a mode");
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            sender.send(&event).expect("room");
            sender
        });
        let asked = Instant::now();
        let mut bytes = [0; 4 * EVENT_SIZE];
        assert_eq!(reader.read(&mut bytes).expect("a read"), EVENT_SIZE);
        assert!(asked.elapsed() >= Duration::from_millis(20), "it slept");
        let sender = late.join().expect("the sender");
        sender.send(&event).expect("room");
        assert_eq!(reader.read_event().expect("a read").expect("an event").0, first);
    });
}

#[test]
fn a_client_may_have_one_direction_and_a_full_pool() {
    inside(|| {
        let receiver = OpenOptions::new().access(Access::Read).open(DEVICE, "r").expect("a client");
        let to = receiver.create_port("in", ALL, PortType::empty()).expect("a port");
        let sender = OpenOptions::new().access(Access::Write).open(DEVICE, "w").expect("a client");
        let from = sender.create_port("out", ALL, PortType::empty()).expect("a port");
        let event = note_on(0, 60, 1).sent_from(from).sent_to(to);
        sender.send(&event).expect("an event");
        assert_eq!(next(&receiver).0.source, from);
        assert_eq!(refused(sender.read_event()), Errno::EBADF);
        assert_eq!(refused(receiver.send(&event)), Errno::EBADF);
        let back = note_on(0, 60, 1).sent_from(to).sent_to(from);
        let (other, _) = client("other");
        assert_eq!(refused(other.send(&back)), Errno::ENOENT, "it does not read");
        assert_eq!(refused(other.send(&back.sent_to(Address::new(77, 0)))), Errno::ENOENT);

        let queue = sender.create_queue("").expect("a queue");
        sender.start_queue(queue).expect("it starts");
        let waiting = event.at_time(queue, Duration::from_secs(3600));
        let full = loop {
            if let Err(error) = sender.send(&waiting) {
                break error;
            }
        };
        assert!(full.would_block(), "{full}");
        assert!(!sender.wait_for_room(Some(Duration::from_millis(10))).expect("a wait"));
        let all =
            RemoveEvents { remove_mode: RemoveMode::OUTPUT.bits(), ..RemoveEvents::default() };
        sender.remove_events(&all).expect("they go");
        assert!(sender.wait_for_room(Some(DEADLINE)).expect("a wait"));
        sender.send(&waiting).expect("room");
    });
}

#[test]
fn a_timer_ticks_pauses_and_tells_who_uses_it() {
    inside(|| {
        let id = TimerId {
            dev_class: CLASS_GLOBAL,
            card: -1,
            device: GLOBAL_HRTIMER,
            ..TimerId::default()
        };
        let none = TimerId { device: 99, ..id };
        assert_eq!(refused(Instance::open(timer::DEVICE, none)), Errno::ENODEV);
        let instance = Instance::open(timer::DEVICE, id).expect("an instance");
        assert_eq!(refused(instance.tick_every(0)), Errno::EINVAL);
        let period = instance.info().expect("an answer").resolution;
        let ticks = u32::try_from(2_000_000 / period).expect("a number of ticks");
        instance.tick_every(ticks).expect("a period of 2 ms");
        let mut records = [TimerTread::default(); 64];
        assert_eq!(instance.read(&mut records).expect("a read"), 0);
        instance.start().expect("it starts");
        let mut seen = Vec::new();
        while seen.len() < 4 {
            assert!(instance.wait(Some(DEADLINE)).expect("a wait"), "it ticks");
            let read = instance.read(&mut records).expect("a read");
            seen.extend_from_slice(&records[..read]);
        }
        assert_eq!(seen[0].event, TimerEvent::START.0);
        assert_eq!(seen[1].event, TimerEvent::TICK.0);
        let ns = |record: &TimerTread| record.tv_sec * 1_000_000_000 + record.tv_nsec;
        assert!(ns(&seen[3]) - ns(&seen[0]) >= 6_000_000 - 100_000, "three periods: {seen:?}");

        let timers = Timers::open(timer::DEVICE).expect("the device");
        let list = timers.list().expect("a list");
        let at =
            list.iter().position(|timer| timer.id.device == GLOBAL_HRTIMER).expect("it is there");
        let holders = timers.holders(&list).expect("a text");
        assert!(matches!(holders[at][0].owner, Owner::Application(_)), "{:?}", holders[at]);
        assert!(holders[at][0].running);
        instance.pause().expect("a pause");
        assert_eq!(refused(instance.pause()), Errno::EBUSY);
        instance.resume().expect("it goes on");
        instance.stop().expect("it stops");
        assert_eq!(refused(instance.stop()), Errno::EBUSY);
        assert_eq!(instance.status().expect("an answer").overrun, 0);
    });
}

#[test]
fn errors_say_which_file_is_wrong() {
    let missing = Client::open("/dev/null/seq", "x").expect_err("no file");
    assert!(missing.to_string().starts_with("/dev/null/seq cannot be opened: "), "{missing}");
    let wrong = Client::open("/dev/null", "x").expect_err("no sequencer");
    assert_eq!((wrong.errno(), wrong.is_ended()), (Some(Errno::ENOTTY), false));
    assert!(wrong.to_string().starts_with("/dev/null is not a sequencer: "), "{wrong}");
    // A check alone says the same.
    let check = |path| OpenOptions::new().check(path).map_err(|error| error.to_string());
    assert_eq!(check("/dev/null/seq"), Err(missing.to_string()));
    assert_eq!(check("/dev/null"), Err(wrong.to_string()));
    let wrong = Timers::open("/dev/null").expect_err("no timer").to_string();
    assert!(wrong.starts_with("/dev/null is not a timer device: "), "{wrong}");
    assert_eq!(CLIENT_SYSTEM, SYSTEM_TIMER.client);
}

fn drive_a_timer(door: &str) {
    let clock = UserTimer::create(timer::DEVICE, 1_000_000);
    let clock = clock.unwrap_or_else(|error| panic!("{door}: {error}"));
    let second = UserTimer::create(timer::DEVICE, 1_000_000).expect("another one");
    assert_eq!((clock.id().subdevice, second.id().subdevice), (0, 1));
    let listener = Instance::open(timer::DEVICE, clock.id()).expect("an instance");
    listener.tick_every(1).expect("a period");
    listener.start().expect("a start");
    clock.trigger().expect("a tick");
    clock.trigger().expect("a tick");
    assert!(listener.wait(Some(DEADLINE)).expect("the device"));
    let mut records = [TimerTread::default(); 16];
    let read = listener.read(&mut records).expect("a read");
    let ticks = records[..read].iter().filter(|one| one.event == TimerEvent::TICK.0);
    assert_eq!(ticks.map(|one| one.val).sum::<u32>(), 2);
    let id = clock.id();
    drop(clock);
    assert_eq!(refused(Instance::open(timer::DEVICE, id)), Errno::ENODEV);
    assert_eq!(refused(UserTimer::create(timer::DEVICE, 0)), Errno::EINVAL);
}

#[test]
fn a_user_driven_timer_ticks_through_fuse() {
    inside_with(&["--via", "fuse"], || drive_a_timer("fuse"));
}

#[test]
fn a_user_driven_timer_ticks_through_the_handover() {
    inside_with(&["--via", "handover"], || drive_a_timer("handover"));
}

#[test]
fn a_user_driven_timer_ticks_through_the_library() {
    inside_with(&["--via", "preload"], || drive_a_timer("preload"));
}

#[test]
fn a_user_driven_timer_ticks_through_the_trap() {
    inside_with(&["--via", "trap"], || drive_a_timer("trap"));
}
