//! UMP clients of the library `aseqd-client`. Each test is a program with a sequencer of its own.

mod common;

use aseqd_client::aseqd_abi::ioctl::sequencer::PVERSION;
use aseqd_client::aseqd_abi::seq::{ClientFilter, PortInfo};
use aseqd_client::event::{EventExt as _, note_on, of_type};
use aseqd_client::ump::{self, Protocol, UmpBlockInfo, UmpEndpointInfo};
use aseqd_client::{
    Address, Announcement, Client, DEVICE, Errno, Error, Event, EventType, PortCaps, PortType,
    Received, text,
};
use common::{ASEQD, DEADLINE, can_serve, finish, inside_with};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use zerocopy::FromZeros as _;

const BOTH: PortCaps =
    PortCaps::READ.union(PortCaps::WRITE).union(PortCaps::SUBS_READ).union(PortCaps::SUBS_WRITE);

/// Runs the body of a test in a sequencer with UMP.
fn inside<F: FnOnce()>(body: F) {
    inside_with(&["--ump", "on"], body);
}

/// A client that speaks a protocol, with a port that allows everything.
fn client(name: &str, protocol: Protocol) -> (Client, Address) {
    let client = Client::open(DEVICE, name).expect("a client");
    client.set_protocol(protocol).expect("the protocol");
    let port = client.create_port("port", BOTH, PortType::MIDI_GENERIC).expect("a port");
    (client, port)
}

/// What comes next, which must come.
#[track_caller]
fn next(client: &Client) -> Received {
    assert!(client.wait(Some(DEADLINE)).expect("the sequencer"), "something comes");
    client.receive().expect("a read").expect("an event")
}

/// The words of the packet that must come next.
#[track_caller]
fn packet(client: &Client) -> Vec<u32> {
    match next(client) {
        Received::Packet(packet) => ump::words_of(&packet).to_vec(),
        other => panic!("a packet: {other:?}"),
    }
}

#[track_caller]
fn event(client: &Client) -> (Event, Vec<u8>) {
    match next(client) {
        Received::Event(event, data) => (event, data),
        other => panic!("an event: {other:?}"),
    }
}

#[test]
fn each_client_gets_what_it_speaks() {
    inside(|| {
        let (sender, from) = client("sender", Protocol::Legacy);
        let (old, new) = (client("one", Protocol::Midi1), client("two", Protocol::Midi2));
        for (_, to) in [&old, &new] {
            sender.send(&note_on(2, 60, 100).sent_from(from).sent_to(*to)).expect("it goes");
        }
        assert_eq!(packet(&old.0), [0x2092_3c64]);
        assert_eq!(packet(&new.0), [0x4092_3c00, 0xc924_0000]);
        let note = ump::note_on(0, 3, 61, 0xffff).sent_from(new.1);
        new.0.send_packet(&note.sent_to(from)).expect("it goes");
        new.0.send_packet(&note.sent_to(old.1)).expect("it goes");
        let (received, _) = event(&sender);
        let heard = received.data.note();
        assert_eq!((received.event_type, received.source), (EventType::NOTEON, new.1));
        assert_eq!((heard.channel, heard.note, heard.velocity), (3, 61, 127));
        assert_eq!(packet(&old.0), [0x2093_3d7f]);
    });
}

#[test]
fn a_client_can_change_what_it_speaks() {
    inside(|| {
        let (client, port) = client("changing", Protocol::Midi2);
        let of = |number| client.info(number).unwrap().unwrap().midi_version;
        assert_eq!((client.protocol(), of(client.id())), (Protocol::Midi2, 2));
        client.send_packet(&ump::note_on(0, 0, 1, 1).sent_to(port)).expect("it goes");
        assert!(client.wait(Some(DEADLINE)).unwrap());
        assert_eq!(client.read_event().map(drop), Err(Error::IsPacket));
        assert!(matches!(next(&client), Received::Packet(_)), "it stayed there");
        client.set_protocol(Protocol::Legacy).expect("back");
        let refused = client.send_packet(&ump::note_on(0, 0, 1, 1).sent_to(port));
        assert_eq!(refused.unwrap_err().errno(), Some(Errno::EINVAL));
        client.send(&note_on(0, 60, 1).sent_to(port)).expect("it goes");
        assert_eq!(event(&client).0.event_type, EventType::NOTEON);
        let mut info = client.info(client.id()).unwrap().unwrap();
        info.midi_version = 1;
        client.set_info(&info).expect("as well");
        assert_eq!(client.protocol(), Protocol::Midi1);
    });
}

#[test]
fn ordinary_events_with_data_come_between_packets() {
    inside(|| {
        let (sender, from) = client("sender", Protocol::Legacy);
        let (reader, to) = client("reader", Protocol::Midi2);
        let mut info = reader.info(reader.id()).unwrap().unwrap();
        info.filter |= ClientFilter::NO_CONVERT.bits();
        reader.set_info(&info).expect("no conversion");
        let sysex = of_type(EventType::SYSEX).sent_from(from).sent_to(to);
        for len in [1_u8, 28, 32, 33, 64, 100] {
            let data: Vec<u8> = (0..len).collect();
            sender.send_with_data(&sysex, &data).expect("it goes");
            sender.send(&note_on(0, len, 1).sent_from(from).sent_to(to)).expect("it goes");
        }
        for len in [1_u8, 28, 32, 33, 64, 100] {
            assert_eq!(event(&reader).1, (0..len).collect::<Vec<_>>());
            assert_eq!(event(&reader).0.data.note().note, len);
        }
    });
}

#[test]
fn packets_go_through_queues_and_in_numbers() {
    inside(|| {
        let (client, port) = client("player", Protocol::Midi2);
        let queue = client.create_queue("queue").expect("a queue");
        client.start_queue(queue).expect("it runs");
        let notes: Vec<_> = (0..50)
            .map(|key| {
                let late = Duration::from_millis(150) - Duration::from_millis(key.into());
                ump::note_on(0, 0, key, 1).sent_from(port).sent_to(port).at_time(queue, late)
            })
            .collect();
        assert_eq!(client.send_packets(&notes).expect("they go"), 50);
        let keys: Vec<_> = (0..50).map(|_| packet(&client)[0] >> 8 & 127).collect();
        assert_eq!(keys, (0..50).rev().collect::<Vec<_>>());
    });
}

#[test]
fn group_ports_get_their_group() {
    inside(|| {
        let (sender, from) = client("sender", Protocol::Midi2);
        let receiver = Client::open(DEVICE, "receiver").expect("a client");
        receiver.set_protocol(Protocol::Midi2).expect("the protocol");
        let endpoint = ump::endpoint_port("all", BOTH);
        let all = receiver.create_port_from(&endpoint).expect("a port").addr;
        let again = receiver.create_port_from(&endpoint);
        assert_eq!(again.unwrap_err().errno(), Some(Errno::EBUSY), "only one");
        let seventh = receiver.create_port_from(&ump::group_port("7th", 6, BOTH)).expect("a port");
        let PortInfo { ump_group, direction, .. } =
            receiver.port_info(seventh.addr).unwrap().unwrap();
        assert_eq!((ump_group, direction), (7, 3));
        let note = ump::note_on(2, 0, 60, 1).sent_from(from);
        sender.send_packet(&note.sent_to(all)).expect("it goes");
        sender.send_packet(&note.sent_to(seventh.addr)).expect("it goes");
        assert_eq!([packet(&receiver)[0], packet(&receiver)[0]], [0x4290_3c00, 0x4690_3c00]);
        let mut info = receiver.info(receiver.id()).unwrap().unwrap();
        info.group_filter = 1 << 3;
        receiver.set_info(&info).expect("the third group is left out");
        for group in [2, 3] {
            let note = ump::note_on(group, 0, 60, 1).sent_from(from);
            sender.send_packet(&note.sent_to(all)).expect("it goes");
        }
        assert_eq!(packet(&receiver)[0], 0x4390_3c00);
    });
}

#[test]
fn an_endpoint_and_its_blocks_are_described() {
    inside(|| {
        let (listener, _) = client("listener", Protocol::Legacy);
        listener.hear_announcements().expect("announcements");
        let (client, _) = client("endpoint", Protocol::Midi2);
        assert!(listener.endpoint_info(client.id()).unwrap().is_none(), "nothing is said yet");
        let mut endpoint = UmpEndpointInfo::new_zeroed();
        (endpoint.protocol_caps, endpoint.protocol, endpoint.num_blocks) = (3, 2, 1);
        endpoint.name[..5].copy_from_slice(b"synth");
        client.set_endpoint_info(&endpoint).expect("a description");
        let mut block = UmpBlockInfo::new_zeroed();
        (block.direction, block.active, block.first_group, block.num_groups) = (3, 1, 4, 2);
        block.name[..5].copy_from_slice(b"piano");
        client.set_block_info(1, &block).expect("a description");
        let said = listener.endpoint_info(client.id()).unwrap().expect("a description");
        assert_eq!((text(&said.name), { said.num_blocks }), ("synth".to_owned(), 1));
        let said = listener.block_info(client.id(), 1).unwrap().expect("a description");
        assert_eq!((text(&said.name), said.first_group), ("piano".to_owned(), 4));
        assert!(listener.block_info(client.id(), 0).unwrap().is_none());
        assert!(listener.block_info(client.id(), 200).unwrap().is_none());
        assert!(listener.endpoint_info(listener.id()).unwrap().is_none(), "it speaks no UMP");
        assert!(listener.endpoint_info(177).unwrap().is_none(), "there is none");
        let errno = |refused: Result<(), Error>| refused.unwrap_err().errno();
        assert_eq!(errno(listener.set_endpoint_info(&endpoint)), Some(Errno::EBADFD));
        assert_eq!(errno(client.set_block_info(32, &block)), Some(Errno::EINVAL));
        // Older kernels do not announce it.
        if version(&client) >= 0x0001_0005 {
            let mut told = Vec::new();
            while told.len() < 2 {
                let (event, _) = event(&listener);
                told.extend(Announcement::of(&event).filter(|told| {
                    matches!(
                        told,
                        Announcement::EndpointChanged(_) | Announcement::BlockChanged(..)
                    )
                }));
            }
            let (endpoint, block) = (
                Announcement::EndpointChanged(client.id()),
                Announcement::BlockChanged(client.id(), 1),
            );
            assert_eq!(told, [endpoint, block]);
        }
    });
}

/// The version of the sequencer's interface.
fn version(client: &Client) -> i32 {
    let mut version = 0_i32;
    client.ioctl(PVERSION, &mut version).expect("it");
    version
}

#[test]
fn without_ump_one_sentence_says_so() {
    inside_with(&["--ump", "off"], || {
        let client = Client::open(DEVICE, "hopeful").expect("a client");
        let refused = client.set_protocol(Protocol::Midi2).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the client cannot use UMP: it takes `aseqd run --ump on`, or Linux 6.5 built with \
             CONFIG_SND_SEQ_UMP"
        );
        assert_eq!(client.protocol(), Protocol::Legacy);
        client.set_protocol(Protocol::Legacy).expect("it is");
        let refused = client.set_endpoint_info(&UmpEndpointInfo::new_zeroed());
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
        assert!(client.endpoint_info(client.id()).unwrap().is_none());
        let refused = client.send_packet(&ump::note_on(0, 0, 1, 1)).map_err(|error| error.errno());
        assert!(refused.is_err());
    });
}

/// Runs a command line of a shell in a sequencer with UMP, in which `aseqd` is this program. Returns what it prints.
fn shell(script: &str) -> String {
    shell_with("on", script)
}

fn shell_with(ump: &str, script: &str) -> String {
    let mut command = Command::new(ASEQD);
    let script = format!("aseqd={ASEQD}\n{}", script.replace("aseqd ", "$aseqd "));
    command.args(["run", "--ump", ump, "--", "sh", "-ec", &script]);
    let ended = finish(command, DEADLINE);
    assert!(ended.status.success(), "{script}: {ended:#?}");
    ended.stdout
}

#[test]
fn the_commands_send_and_print_packets() {
    if !can_serve() {
        return;
    }
    let printed = shell(
        "aseqd monitor --ump --count 2 & aseqd wait aseqd\\ monitor
         aseqd send --ump aseqd\\ monitor 40933C00 C0000000
         aseqd send aseqd\\ monitor 90 3C 64; wait",
    );
    let lines: Vec<_> = printed.lines().collect();
    assert!(lines[1].starts_with("source   time           group  packet"), "{printed}");
    let rest = |line: &str| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(rest(lines[2]), "0 NOTEON 3 note 60 (C4), velocity 0xc000");
    assert_eq!(rest(lines[3]), "0 NOTEON 0 note 60 (C4), velocity 0xc924");
    let raw = shell(
        "aseqd monitor --ump=1 --raw --count 1 & aseqd wait aseqd\\ monitor
         aseqd send --ump aseqd\\ monitor 40933C00 C0000000; wait",
    );
    assert!(raw.ends_with("NOTEON                3  20933c60\n"), "{raw}");
    let json = shell(
        "aseqd monitor --ump --json --count 1 & aseqd wait aseqd\\ monitor
         aseqd ls --json | grep monitor
         aseqd send --ump aseqd\\ monitor 4593 3C00 C000 0000; wait",
    );
    let mut objects = json.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let port = objects.next().expect("the port");
    assert_eq!(
        port["ump"],
        json!({ "midi_version": 2, "name": null, "product_id": null, "blocks": [] })
    );
    let packet = objects.next().expect("the packet");
    assert_eq!((&packet["group"], &packet["velocity"]), (&json!(5), &json!(0xc000)));
}

#[test]
fn a_clip_is_played_to_whatever_a_port_speaks() {
    if !can_serve() {
        return;
    }
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../smf/tests/data/arecordmidi2.midi2");
    let printed = shell(&format!(
        "aseqd monitor --ump & monitor=$!; aseqd wait aseqd\\ monitor
         aseqd play --quiet -p aseqd\\ monitor {clip}; kill -TERM $monitor; wait",
    ));
    assert_eq!(printed.matches("NOTEON").count(), 25, "{printed}");
    assert!(printed.contains("SET_TEMPO") && printed.contains("tempo 10ns 50000000"), "{printed}");
    // One that speaks no UMP gets events: from the sequencer, or without UMP from the player.
    let script = format!(
        "aseqd monitor & monitor=$!; aseqd wait aseqd\\ monitor
         aseqd play --quiet -p aseqd\\ monitor {clip}; kill -TERM $monitor; wait",
    );
    // Clients may have other numbers.
    let events = |printed: &str| -> Vec<String> {
        let lines = printed.lines().skip(2).filter(|line| !line.contains("PORT_"));
        lines.filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
    };
    let [converted, own] = ["on", "off"].map(|ump| events(&shell_with(ump, &script)));
    let notes = converted.iter().filter(|line| line.contains("NOTEON"));
    assert_eq!(notes.count(), 25, "{converted:#?}");
    assert_eq!(converted, own);
}

#[test]
fn a_clip_that_is_interrupted_leaves_no_note_on() {
    if !can_serve() {
        return;
    }
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../smf/tests/data/arecordmidi2.midi2");
    let printed = shell(&format!(
        "out=$(mktemp); aseqd monitor --ump > $out & monitor=$!; aseqd wait aseqd\\ monitor
         aseqd play --quiet -p aseqd\\ monitor {clip} & player=$!
         until grep -q NOTEON $out; do sleep 0.05; done
         kill -TERM $player; wait $player || echo $?; kill -TERM $monitor; wait; cat $out; rm $out",
    ));
    assert!(printed.starts_with("143\n"), "{printed}");
    // The notes are of two channels.
    assert_eq!(printed.matches("param 123, value 0x00000000").count(), 2, "{printed}");
}

#[test]
fn commands_say_what_ump_takes() {
    if !can_serve() {
        return;
    }
    let needs = "the client cannot use UMP: it takes `aseqd run --ump on`, or Linux 6.5 built with \
                 CONFIG_SND_SEQ_UMP\n";
    let commands: [&[&str]; 2] = [&["monitor", "--ump"], &["send", "--ump", "14:0", "20903c64"]];
    for arguments in commands {
        let mut command = Command::new(ASEQD);
        command.args(["run", "--ump", "off", "--", ASEQD]).args(arguments);
        let ended = finish(command, DEADLINE);
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        assert_eq!(ended.stderr, format!("aseqd: {needs}"), "{arguments:?}");
    }
}
