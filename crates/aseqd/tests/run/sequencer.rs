//! Options that make the sequencer unlike Debian's: `--clients`, `--notes-off`, `--ump`; and `--card`.

use crate::common::seq::{Client, bytes, ioctl};
use crate::common::*;
use aseqd_abi::control::CardInfo;
use aseqd_abi::event::{EventData, EventFlags, EventTime, Note, QUEUE_DIRECT};
use aseqd_abi::ioctl::{controls, sequencer};
use aseqd_abi::seq::VERSION_1_0_3;
use aseqd_abi::ump::{CLIENT_UMP_MIDI_2_0, UmpEvent};
use aseqd_abi::{Address, Event, EventType};
use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{PortCaps, PortType};
use rustix::process::Signal;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn there_can_be_more_clients_than_on_linux() {
    inside_with(&["--clients", "190"], || {
        let clients: Vec<_> = (0..190).map(|_| Client::open()).collect();
        let refused = Client::try_open().map(|client| client.id).expect_err("all are open");
        assert_eq!(refused.kind(), io::ErrorKind::OutOfMemory);
        let info = clients[0].system_info();
        assert_eq!((info.clients, info.cur_clients), (192, 192));
        assert_eq!((clients[63].id, clients[64].id, clients[189].id), (191, 127, 1));
        drop(clients);
    });
}

#[test]
fn without_the_option_there_are_as_many_as_on_linux() {
    inside(|| {
        let clients: Vec<_> = (0..64).map(|_| Client::open()).collect();
        assert!(Client::try_open().is_err());
        drop(clients);
    });
}

#[test]
fn a_wrong_number_of_clients_is_refused() {
    for number in ["0", "191", "many"] {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--clients", number, "--", "true"]);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
        assert!(ended.stderr.contains("--clients"), "{ended:#?}");
    }
}

#[test]
fn the_trace_says_who_has_the_clients() {
    if !can_serve() {
        return;
    }
    let script = "exec 3<>/dev/snd/seq 4<>/dev/snd/seq; : 5<>/dev/snd/seq; echo $$";
    let mut command = Command::new(ASEQD);
    command.args(["run", "--clients", "2", "--trace", "--", "bash", "-c", script]);
    let ended = finish(command, DEADLINE);
    let pid = ended.stdout.trim();
    let wanted = format!(
        "aseqd: open: ENOMEM: no client number is free\n\
         aseqd: 2 clients are open (--clients allows more):\n\
         aseqd:   2 of process {pid} (bash): 128 \"Client-128\", 129 \"Client-129\"\n"
    );
    // The shell prints a message too, at any moment.
    let ours = |line: &&str| line.starts_with("aseqd: ");
    let said: String = ended.stderr.split_inclusive('\n').filter(ours).collect();
    assert_eq!(said, wanted, "{ended:#?}");
}

/// Plays a note, and runs until it is killed.
fn player(dest: &str) {
    let (client, port) = dest.split_once(':').expect("a port");
    let number = |text: &str| text.parse().expect("a number");
    let mut event = Event::direct(EventType::NOTEON);
    event.dest = Address::new(number(client), number(port));
    event.data = EventData::from_note(Note { note: 60, velocity: 100, ..Note::default() });
    let mut file = OpenOptions::new().write(true).open("/dev/snd/seq").expect("a client");
    file.write_all(bytes(&event)).expect("a note");
    println!("played");
    io::stdout().flush().expect("somebody reads");
    std::thread::sleep(DEADLINE * 2);
}

fn what_a_killed_player_leaves() -> Vec<EventType> {
    let reader = Client::open();
    let port = reader.create_port();
    let mut command = again("player");
    command.env("PORT", port.to_string());
    let mut process = Process::start(command);
    process.wait_for_output("played");
    process.signal(Signal::KILL);
    process.wait();
    // The server finishes its work for the end of a client before the client is gone.
    wait_until("the client is gone", || reader.others() == [0, 14]);
    let mut events = Vec::new();
    while reader.readable_within(Duration::ZERO) {
        events.extend(reader.read().expect("events").iter().map(|event| event.event_type));
    }
    events
}

#[test]
fn notes_of_a_killed_program_are_ended_by_option() {
    inside_with(&["--notes-off"], || {
        if role("player") {
            return player(&std::env::var("PORT").expect("a port"));
        }
        assert_eq!(what_a_killed_player_leaves(), [EventType::NOTEON, EventType::NOTEOFF]);
    });
}

#[test]
fn notes_of_a_killed_program_stay_as_on_linux() {
    inside(|| {
        if role("player") {
            return player(&std::env::var("PORT").expect("a port"));
        }
        assert_eq!(what_a_killed_player_leaves(), [EventType::NOTEON]);
    });
}

/// Checks whether a program can open the control device through a door.
fn card_through(door: &str, options: &[&str]) -> bool {
    let mut command = Command::new(ASEQD);
    command.args(["run", "--via", door]).args(options);
    command.args(["--", "head", "-c", "0", "/dev/snd/controlC0"]);
    finish(command, DEADLINE).status.success()
}

#[test]
fn a_card_is_there_by_option_through_every_door() {
    if std::path::Path::new("/dev/snd/controlC0").exists() {
        skip("this machine has a card");
        return;
    }
    for door in ["fuse", "handover", "preload", "trap"] {
        let mut probe = Command::new(ASEQD);
        probe.args(["run", "--via", door, "--", "true"]);
        let probe = finish(probe, DEADLINE);
        if !probe.status.success() {
            skip(&format!("the door {door}: {}", probe.stderr.trim_end()));
            continue;
        }
        assert!(!card_through(door, &[]), "{door}");
        assert!(card_through(door, &["--card"]), "{door}");
    }
}

#[test]
fn the_card_is_named_and_empty() {
    inside_with(&["--card"], || {
        let card = std::fs::File::open("/dev/snd/controlC0").expect("a card");
        let mut info = CardInfo::default();
        ioctl(&card, controls::CARD_INFO, &mut info).expect("its information");
        assert_eq!((info.card, &info.id[..6]), (0, &b"aseqd\0"[..]));
        for next in [controls::PCM_NEXT_DEVICE, controls::RAWMIDI_NEXT_DEVICE] {
            let mut device = -1_i32;
            ioctl(&card, next, &mut device).expect("no device");
            assert_eq!(device, -1);
        }
    });
}

/// Returns whether a door leads anywhere here, and calls [`skip()`] if not.
fn leads_anywhere(door: &str) -> bool {
    let mut probe = Command::new(ASEQD);
    probe.args(["run", "--via", door, "--", "true"]);
    let probe = finish(probe, DEADLINE);
    if !probe.status.success() {
        skip(&format!("the door {door}: {}", probe.stderr.trim_end()));
    }
    probe.status.success()
}

/// Sends a packet from a UMP client to a legacy one and to itself.
fn packets_pass(door: &str) {
    let (legacy, ump) = (Client::open(), Client::open());
    let port = legacy.create_port();
    ump.create_port();
    ump.ioctl(sequencer::USER_PVERSION, &mut { VERSION_1_0_3 });
    let number = ump.id;
    let mut info = ump.client_info(number).expect("its own");
    info.midi_version = CLIENT_UMP_MIDI_2_0;
    ump.ioctl(sequencer::SET_CLIENT_INFO, &mut info);
    let mut packet = UmpEvent {
        event_type: EventType(0),
        flags: EventFlags::UMP,
        tag: 0,
        queue: QUEUE_DIRECT,
        time: EventTime::default(),
        source: Address::new(number, 0),
        dest: port,
        ump: [0x4090_3c00, 0x8000_0000, 1, 2],
    };
    assert_eq!((&ump.file).write(bytes(&packet)).expect("a packet"), 32);
    let events = legacy.read().expect("an event");
    let note = events[0].data.note();
    assert_eq!((events.len(), events[0].event_type), (1, EventType::NOTEON), "{door}");
    assert_eq!((note.note, note.velocity), (60, 64));
    packet.dest = packet.source;
    assert_eq!((&ump.file).write(bytes(&packet)).expect("a packet"), 32);
    let mut read = [0; 100];
    assert_eq!((&ump.file).read(&mut read).expect("a packet"), 32);
    assert_eq!(read[..32], *bytes(&packet));
}

macro_rules! packets_pass_by_option {
    ($($name:ident = $door:literal;)*) => {$(
        #[test]
        fn $name() {
            if is_inside() || leads_anywhere($door) {
                inside_with(&["--via", $door, "--ump", "on"], || packets_pass($door));
            }
        }
    )*};
}

packets_pass_by_option! {
    packets_pass_through_fuse = "fuse";
    packets_pass_through_handover = "handover";
    packets_pass_through_preload = "preload";
    packets_pass_through_trap = "trap";
}

/// Without the option, the quickest of these events comes after 0.1 ms and a little more.
#[test]
fn queues_advance_in_steps_if_that_is_asked_for() {
    inside_with(&["--quantise"], || {
        let client = aseqd_client::OpenOptions::new().blocking(true);
        let client = client.open(aseqd_client::DEVICE, "steps").expect("a client");
        let port = client.create_port("in", PortCaps::WRITE, PortType::MIDI_GENERIC);
        let port = port.expect("a port");
        let queue = client.create_queue("").expect("a queue");
        for _ in 0..20 {
            let note = note_on(0, 60, 100).sent_from(port).sent_to(port);
            let begin = Instant::now();
            client.start_queue(queue).expect("a start");
            client.send(&note.at_time(queue, Duration::from_micros(100))).expect("an event");
            client.receive().expect("an answer").expect("the event");
            let taken = begin.elapsed();
            assert!(taken >= Duration::from_millis(1), "{taken:?}: before the first step");
            client.stop_queue(queue).expect("a stop");
        }
    });
}
