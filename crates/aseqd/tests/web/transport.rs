//! A running `aseqd play` that others control: pages, and hardware with its standard messages.

use crate::client::{Page, Server, program};
use crate::common::*;
use crate::folder;
use aseqd_client::aseqd_abi::event::{Control, EventData};
use aseqd_client::aseqd_abi::{Event, EventType};
use aseqd_client::event::EventExt as _;
use aseqd_client::{Address, Client};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;

/// A marker and one note; the song ends after 121 quarter notes, which are 60.5 seconds.
const SONG: &[u8] = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x16\
    \0\xff\x06\x05Verse\0\x90\x3c\x64\x60\x80\x3c\x40\xda\0\xff\x2f\0";

/// Starts a player of this song, given several times, that plays to a port.
fn play(folder: &TempDir, to: Address, songs: usize) -> Process {
    let mut command = Command::new(ASEQD);
    command.args(["play", "-p", &to.to_string()]).env_remove("ASEQD_DEVICE");
    for number in 0..songs {
        let path = folder.path().join(format!("s\u{f8}ng {number}.mid"));
        std::fs::write(&path, SONG).expect("written");
        command.arg(path);
    }
    Process::start(command)
}

/// Waits until the only player says something that is so, and returns what it has said.
fn player(page: &mut Page, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    page.until(what, |page| page.players.values().any(&so));
    page.players.values().find(|player| so(player)).expect("it is there").clone()
}

/// Waits for the control port of the only player.
fn control(client: &Client) -> Address {
    let find = || {
        let ports = client.ports().expect("ports");
        ports.into_iter().find(|port| port.name == "control").map(|port| port.address)
    };
    wait_until("the control port", || find().is_some());
    find().expect("it is there")
}

#[test]
fn a_page_shows_and_controls_what_plays() {
    inside(|| {
        let folder = folder();
        let (_synth, port) = program("synth");
        let mut process = play(&folder, port, 2);
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let first = player(&mut page, "a player", |player| {
            player["state"] == "playing" && player["length"].is_number()
        });
        assert_eq!(
            (&first["name"], &first["marker"], &first["song"], &first["songs"]),
            (&json!("s\u{f8}ng 0.mid"), &json!("Verse"), &json!(0), &json!(2))
        );
        assert_eq!(first["length"], json!(60.5));
        let control = first["port"].clone();
        let act = |page: &mut Page, action: &str| {
            page.done("transport", json!({ "port": control, "action": action }));
        };
        act(&mut page, "pause");
        player(&mut page, "a pause", |player| player["state"] == "paused");
        page.done("transport", json!({ "port": control, "action": "seek", "seconds": 30 }));
        let there = player(&mut page, "the place", |player| player["bar"] == 16);
        assert_eq!((&there["beat"], &there["state"]), (&json!(1), &json!("paused")));
        act(&mut page, "play");
        player(&mut page, "it goes on there", |player| {
            player["state"] == "playing" && player["time"].as_f64() >= Some(30.0)
        });
        // Start, stop, song position, continue: what it tells beside does not count as events that it plays.
        let played = page.activity.get(control.as_str().expect("a port"));
        assert!(played <= Some(&4), "{played:?}");
        page.done("transport", json!({ "port": control, "action": "song", "song": 1 }));
        player(&mut page, "the other song", |player| player["name"] == "s\u{f8}ng 1.mid");
        for (port, action, why) in [
            (control.clone(), "rewind", "`action` is play, pause, seek, song or end"),
            (control.clone(), "seek", "`seconds` is a number from 0 to 86399"),
            (json!(port.to_string()), "play", "there is no player at"),
            (json!(7), "play", "`port` is a text"),
        ] {
            let error = page.refused("transport", json!({ "port": port, "action": action }));
            assert!(error.starts_with(why), "{error}");
        }
        act(&mut page, "end");
        let ended = process.wait_within(DEADLINE);
        assert!(ended.status.success(), "{ended:?}");
        // Another page is told at once, and no longer of this player.
        let mut page = server.page();
        page.done("ping", json!({}));
        assert!(page.players.is_empty(), "{:?}", page.players);
    });
}

#[test]
fn hardware_controls_what_plays_by_standard_messages() {
    inside(|| {
        let folder = folder();
        let (desk, port) = program("desk");
        let mut process = play(&folder, port, 1);
        let control = control(&desk);
        desk.connect(control, port).expect("connected");
        // The song itself has no such messages. A player that was found before it began tells that it starts.
        let mut begun = false;
        let mut hear = |wanted: &[(EventType, i32)]| {
            let mut left = wanted.iter();
            let mut next = left.next();
            while let Some((kind, value)) = next {
                assert!(desk.wait(Some(DEADLINE)).expect("it runs"), "waiting for {kind:?}");
                let Some((event, _)) = desk.read_event().expect("it runs") else { continue };
                let transport =
                    [EventType::START, EventType::STOP, EventType::CONTINUE, EventType::SONGPOS];
                if event.source == control && transport.contains(&event.event_type) {
                    if !std::mem::replace(&mut begun, true) && event.event_type == EventType::START
                    {
                        continue;
                    }
                    assert_eq!((event.event_type, event.data.control().value), (*kind, *value));
                    next = left.next();
                }
            }
        };
        let send = |kind: EventType, value: i32| {
            let data = EventData::from_control(Control { value, ..Control::default() });
            let event = Event { data, ..Event::direct(kind) };
            desk.send(&event.sent_from(port).sent_to(control)).expect("sent");
        };
        let machine = |command: &[u8]| {
            let data = [&[0xf0, 0x7f, 0x7f, 6], command, &[0xf7]].concat();
            let event = Event::direct(EventType::SYSEX).sent_from(port).sent_to(control);
            desk.send_with_data(&event, &data).expect("sent");
        };
        send(EventType::STOP, 0);
        hear(&[(EventType::STOP, 0)]);
        send(EventType::SONGPOS, 64);
        send(EventType::CONTINUE, 0);
        hear(&[(EventType::SONGPOS, 64), (EventType::CONTINUE, 0)]);
        // Locate to 0:10.5, where 84 sixteenth notes have passed.
        machine(&[0x44, 6, 1, 0x60, 0, 10, 15, 0, 0]);
        hear(&[(EventType::SONGPOS, 84), (EventType::CONTINUE, 0)]);
        send(EventType::START, 0);
        hear(&[(EventType::START, 0)]);
        machine(&[9]);
        hear(&[(EventType::STOP, 0)]);
        machine(&[0x0a]);
        let ended = process.wait_within(DEADLINE);
        assert!(ended.status.success(), "{ended:?}");
    });
}

/// A program that calls everything a player, and floods the port of one.
#[test]
fn a_flood_of_requests_and_of_players_is_bounded() {
    inside(|| {
        let folder = folder();
        let (synth, port) = program("synth");
        let mut process = play(&folder, port, 1);
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let control = player(&mut page, "a player", |player| player["state"] == "playing");
        let (client, number) =
            control["port"].as_str().and_then(|port| port.split_once(':')).expect("a port");
        let control =
            Address::new(client.parse().expect("a number"), number.parse().expect("a number"));
        page.until("the program", |page| page.has(&synth));
        wait_until("a listener", || !synth.outgoing(port).expect("connections").is_empty());
        let sysex = |dest: Option<Address>, data: &[u8]| {
            let event = Event::direct(EventType::SYSEX).sent_from(port);
            let event = match dest {
                Some(dest) => event.sent_to(dest),
                None => event.sent_to_subscribers(),
            };
            // Who is full refuses.
            let _full = synth.send_with_data(&event, data);
        };
        // Play, back and pause: forward may come to the end of the song.
        for number in 0..2000_usize {
            sysex(Some(control), &[0xf0, 0x7f, 0x7f, 6, [2, 5, 9][number % 3], 0xf7]);
        }
        let told = |text: &str| [b"\xf0\x7daq", text.as_bytes(), b"\xf7"].concat();
        for bad in ["", "{}", "[[[[", "{\"state\":\"playing\",\"name\":7}"] {
            sysex(None, &told(bad));
        }
        sysex(None, &told("{\"state\":\"paused\",\"name\":\"<img src=x>\",\"bar\":-1}"));
        page.until("the other player", |page| {
            page.players.get(&port.to_string()).is_some_and(|one| one["name"] == "<img src=x>")
        });
        // The port takes 64 requests at once: the last ones may have found no room.
        page.done("ping", json!({}));
        process.signal(Signal::TERM);
        let ended = process.wait_within(DEADLINE);
        assert_eq!(ended.status.code(), Some(143), "{ended:?}");
    });
}

/// Events that come to a player that does not read are lost, and the end of the song may be among them.
#[test]
fn a_player_goes_on_and_ends_although_events_to_it_were_lost() {
    inside(|| {
        let folder = folder();
        let (desk, port) = program("desk");
        let mut process = play(&folder, port, 1);
        let control = control(&desk);
        wait_until(
            "a note",
            || matches!(desk.read_event(), Ok(Some((event, _))) if event.event_type == EventType::NOTEON),
        );
        let flood = |data: &[u8]| {
            let event = Event::direct(EventType::SYSEX).sent_from(port).sent_to(control);
            process.signal(Signal::STOP);
            for _ in 0..5000 {
                let _full = desk.send_with_data(&event, data);
            }
            process.signal(Signal::CONT);
        };
        // Identity requests, which ask nothing of it.
        let asks_nothing = [0xf0, 0x7e, 0x7f, 6, 1, 0xf7];
        flood(&asks_nothing);
        desk.connect(control, port).expect("connected");
        wait_until(
            "it tells where it is",
            || matches!(desk.read_event(), Ok(Some((event, _))) if event.event_type == EventType::SYSEX),
        );
        // To 0:59, and the end comes while the player is stopped.
        let locate = [0xf0, 0x7f, 0x7f, 6, 0x44, 6, 1, 0x60, 0, 59, 0, 0, 0, 0xf7];
        let event = Event::direct(EventType::SYSEX).sent_from(port).sent_to(control);
        wait_until("room", || desk.send_with_data(&event, &locate).is_ok());
        wait_until(
            "it goes on there",
            || matches!(desk.read_event(), Ok(Some((event, _))) if event.event_type == EventType::CONTINUE),
        );
        flood(&asks_nothing);
        process.signal(Signal::STOP);
        std::thread::sleep(std::time::Duration::from_secs(2));
        flood(&asks_nothing);
        let ended = process.wait_within(DEADLINE);
        assert!(ended.status.success(), "{ended:?}");
    });
}

/// A player without the port is there for sequencers with little room.
#[test]
fn a_player_need_not_be_controlled() {
    inside(|| {
        let folder = folder();
        let (synth, port) = program("synth");
        let path = folder.path().join("song.mid");
        std::fs::write(&path, SONG).expect("written");
        let mut command = Command::new(ASEQD);
        command.args(["play", "--no-control", "-p", &port.to_string()]).arg(path);
        let mut process = Process::start(command);
        let outputs = || synth.incoming(port).expect("connections").len();
        wait_until("the player", || outputs() > 0);
        let ports = synth.ports().expect("ports");
        assert!(ports.iter().all(|one| one.name != "control"));
        process.signal(Signal::INT);
        assert_eq!(process.wait_within(DEADLINE).status.code(), Some(130));
    });
}
