//! `aseqd web`: a client of its protocol beside programs at one sequencer, and hostile ones.

mod client;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod large;
mod rules;
mod transport;

use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{Client, DEVICE};
use client::{Server, command, program};
use common::*;
use rustix::process::Signal;
use serde_json::json;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn the_page_is_served_with_its_type_and_policy() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        // What root serves is for others, too, who need a token.
        let is_root = rustix::process::geteuid().is_root();
        assert!(server.address.ip().is_loopback());
        assert_eq!(server.url.contains("token"), is_root, "{}", server.url);
        let answer = server.get("/", "");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        for line in [
            "Content-Type: text/html; charset=utf-8",
            "default-src 'self';",
            "nosniff",
            "frame-ancestors 'none'",
        ] {
            assert!(answer.contains(line), "{line}: {answer}");
        }
        assert!(server.get("/nothing", "").starts_with("HTTP/1.1 404 "));
        server.end();
    });
}

#[test]
fn the_page_opens_in_the_browser_if_that_is_asked_for() {
    inside(|| {
        let folder = folder();
        let opener = folder.path().join("xdg-open");
        // The file gets its name when it is complete.
        std::fs::write(&opener, "#!/bin/sh\ncd \"${0%/*}\" && echo \"$1\" >new && mv new opened\n")
            .expect("written");
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).expect("a file");
        let old = std::env::var_os("PATH").unwrap_or_default();
        let first = std::iter::once(folder.path().to_owned());
        let path = std::env::join_paths(first.chain(std::env::split_paths(&old))).expect("a path");
        let mut command = command(&folder, &["--open"]);
        command.env("PATH", path);
        let server = Server::of(Process::start(command));
        let opened = folder.path().join("opened");
        wait_until("the browser", || opened.exists());
        let said = std::fs::read_to_string(&opened).expect("an address");
        assert_eq!(said.trim_end(), server.url);
        server.end();
    });
}

#[test]
fn a_page_connects_ports_and_sees_what_others_do() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let ((one, from), (other, to)) = (program("one"), program("other"));
        page.until("two programs", |page| page.has(&one) && page.has(&other));
        let ends = || json!({ "from": from.to_string(), "to": to.to_string() });
        page.done("connect", ends());
        page.until("a connection", |page| page.cable(from, to).is_some());
        assert!(one.subscription(from, to).expect("an answer").is_some());
        let why = page.refused("connect", ends());
        assert!(why.contains("connected already"), "{why}");
        page.done("disconnect", ends());
        page.until("none", |page| page.cable(from, to).is_none());
        page.refused("disconnect", ends());
        one.connect(from, to).expect("a connection");
        page.until("that of somebody else", |page| page.cable(from, to).is_some());
        let id = u64::from(other.id());
        drop(other);
        page.until("its end", |page| {
            !page.known.clients.contains_key(&id) && page.cable(from, to).is_none()
        });
        let why = page.refused("connect", ends());
        assert!(why.contains("does not exist"), "{why}");
        for wrong in
            [json!({}), json!({ "from": "x", "to": "1:0" }), json!({ "from": 1, "to": "1:0" })]
        {
            page.refused("connect", wrong);
        }
        page.refused("nonsense", json!({}));
    });
}

/// The machine may be busy, so one of some tries must be in time.
#[test]
fn a_client_is_seen_within_100_ms_when_it_comes_and_when_it_goes() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let mut best = [Duration::MAX; 2];
        for _ in 0..50 {
            let start = Instant::now();
            let (one, _port) = program("comes");
            let id = u64::from(one.id());
            let is_whole = |client: &serde_json::Value| {
                client["name"] == "comes"
                    && client["ports"].as_array().is_some_and(|ports| ports.len() == 1)
            };
            page.until("a client", |page| page.known.clients.get(&id).is_some_and(is_whole));
            let came = start.elapsed();
            let start = Instant::now();
            drop(one);
            page.until("its end", |page| !page.known.clients.contains_key(&id));
            best = [best[0].min(came), best[1].min(start.elapsed())];
            if best.iter().all(|best| *best < Duration::from_millis(100)) {
                eprintln!("came after {:?}, went after {:?}", best[0], best[1]);
                return;
            }
        }
        panic!("came after {:?}, went after {:?} at best", best[0], best[1]);
    });
}

/// To see events takes one more client, for which the sequencer may have no room.
#[test]
fn a_full_sequencer_can_be_looked_at_and_events_are_seen_when_it_has_room() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let ((one, from), (other, to)) = (program("one"), program("other"));
        let mut others: Vec<_> = std::iter::from_fn(|| Client::open(DEVICE, "more").ok()).collect();
        assert!(others.len() > 10, "{}", others.len());
        let mut page = server.page();
        let told = std::iter::repeat_with(|| page.next())
            .find(|message| message["type"] == "notice")
            .expect("messages come without end");
        let text = told["text"].as_str().expect("a text");
        assert!(text.starts_with("events cannot be seen: "), "{text}");
        page.until("two programs", |page| page.has(&one) && page.has(&other));
        page.done("connect", json!({ "from": from.to_string(), "to": to.to_string() }));
        page.until("a connection", |page| page.cable(from, to).is_some());
        others.clear();
        // The server tries again after some time.
        let end = Instant::now() + DEADLINE;
        while page.activity.is_empty() {
            assert!(Instant::now() < end, "no activity is told");
            one.send(&note_on(0, 60, 100).sent_from(from).sent_to_subscribers()).expect("sent");
            page.done("ping", json!({}));
            // A page may say at most 200 messages a second.
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn events_are_counted_and_shown_by_monitors() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let (one, port) = program("one");
        page.until("the program", |page| page.has(&one));
        // The server listens to a port soon after it has come.
        let port_name = port.to_string();
        wait_until("a listener", || !one.outgoing(port).expect("connections").is_empty());
        let monitor = page.done("monitor.open", json!({ "ports": [port_name], "types": ["note"] }));
        // A monitor shows what comes after the answer.
        page.done("ping", json!({}));
        let events: Vec<_> = (0..100)
            .map(|key| note_on(3, key, 100).sent_from(port).sent_to_subscribers())
            .collect();
        for event in &events {
            one.send(event).expect("sent");
        }
        page.until("all events", |page| page.events.len() == 100);
        let keys: Vec<u8> = page.events.iter().map(|(_, data)| data[1]).collect();
        assert_eq!(keys, (0..100).collect::<Vec<u8>>());
        assert!(
            page.events.iter().all(|(kind, data)| *kind == 6 && data[0] == 3 && data[2] == 100)
        );
        page.until("their number", |page| page.activity.get(&port_name) == Some(&100));
        page.done("monitor.close", monitor.clone());
        page.refused("monitor.close", monitor);
        page.done("activity", json!({ "on": false }));
        wait_until("no listener", || one.outgoing(port).expect("connections").is_empty());
    });
}

#[test]
fn a_keyboard_plays_and_its_notes_end_with_the_page() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let (synth, port) = program("synth");
        page.until("the program", |page| page.has(&synth));
        let keyboard = page.hello["keyboard"].clone();
        page.done("connect", json!({ "from": keyboard, "to": port.to_string() }));
        page.done("send", json!({ "midi": "90 3c 64" }));
        page.done("send", json!({ "midi": "f0 7d 01 f7", "to": port.to_string() }));
        for wrong in ["", "3c", "9", "90 3c", "xy"] {
            page.refused("send", json!({ "midi": wrong }));
        }
        drop(page);
        let mut heard = Vec::new();
        while heard.len() < 3 {
            assert!(synth.wait(Some(DEADLINE)).expect("it runs"), "{heard:?}");
            if let Some((event, data)) = synth.read_event().expect("it runs")
                && event.source.to_string() == keyboard
            {
                heard.push((event.event_type.0, event.data.note().note, data));
            }
        }
        assert_eq!((heard[0].0, heard[0].1), (6, 60));
        assert_eq!((heard[1].0, heard[1].2.as_slice()), (130, &[0xf0, 0x7d, 1, 0xf7][..]));
        assert_eq!((heard[2].0, heard[2].1), (7, 60), "the page is gone, and the note with it");
    });
}

#[test]
fn panic_silences_whoever_receives() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        let (synth, _port) = program("synth");
        page.until("the program", |page| page.has(&synth));
        assert!(page.done("panic", json!({}))["ports"].as_u64() >= Some(2), "Midi Through, too");
        let mut silenced = 0;
        while silenced < 16 {
            assert!(synth.wait(Some(DEADLINE)).expect("it runs"));
            let event = synth.read_event().expect("it runs");
            silenced +=
                u32::from(event.is_some_and(|(event, _)| event.data.control().param == 123));
        }
    });
}

#[test]
fn a_page_is_told_of_the_end_and_comes_back_to_the_next_server() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let address = server.address;
        let page = server.page();
        let known = page.hello["server"].clone();
        server.process.signal(Signal::TERM);
        assert_eq!(page.closed(), 1001);
        server.end();
        let again = Server::start(&folder, &["--listen", &address.to_string()]);
        assert_eq!(again.address, address, "the port is free at once");
        let page = again.page();
        assert_ne!(page.hello["server"], known);
    });
}

#[test]
fn a_server_with_a_sequencer_takes_the_token_of_a_file() {
    if !can_serve() {
        return;
    }
    let place = folder();
    let file = place.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its owner's");
    let mut serve = Command::new(ASEQD);
    serve.args(["serve", "--web", "--token-file"]).arg(&file);
    serve.arg("--mount").arg(place.path().join("seq"));
    let mut serve = Process::start(serve);
    serve.wait_for_output("serving");
    let mut server = Server::of(serve);
    assert!(server.url.ends_with("/#token=0123456789abcdef0123456789abcdef"), "{}", server.url);
    server.page();
    server.url.truncate(server.url.find('#').expect("a token"));
    let mut other = server.silent();
    other.say(&json!({ "type": "hello", "protocol": 1 }));
    assert_eq!(other.closed(), 4001);
    server.end();
}

#[test]
fn the_end_of_the_sequencer_ends_the_server() {
    if !can_serve() {
        return;
    }
    let place = folder();
    let seq = place.path().join("seq");
    let mut serve = Command::new(ASEQD);
    serve.args(["serve", "--web", "--mount"]).arg(&seq);
    let mut serve = Process::start(serve);
    serve.wait_for_output("serving");
    let mut server = Server::of(serve);
    let page = server.page();
    assert_eq!(page.hello["device"], seq.join("seq").display().to_string());
    // Another one, which is not told to end before.
    let mut alone = Server::start(&place, &["--device", &seq.join("seq").display().to_string()]);
    let other = alone.page();
    server.process.signal(Signal::TERM);
    assert!(server.process.wait_within(DEADLINE).status.success());
    assert!([0, 1001].contains(&page.closed()) && [0, 1001].contains(&other.closed()));
    let ended = alone.process.wait_within(DEADLINE);
    assert!(
        !ended.status.success() && ended.stderr.contains("the sequencer has ended"),
        "{ended:?}"
    );
}

#[test]
fn with_no_page_open_nothing_wakes_the_server() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        drop(server.page());
        let (one, port) = program("one");
        // The page has gone once nobody listens any more.
        wait_until("no listener", || {
            let clients = one.clients().expect("clients");
            !clients.iter().any(|info| aseqd_client::text(&info.name) == "aseqd web listener")
        });
        // It may not sleep yet. From some look on, it has begun to wait for the last time, whatever happens here.
        let mut before = server.status("voluntary_ctxt_switches");
        wait_until("quiet", || {
            for key in 0..50 {
                one.send(&note_on(0, key, 1).sent_from(port).sent_to_subscribers()).expect("sent");
                drop(program("other"));
            }
            let now = server.status("voluntary_ctxt_switches");
            std::mem::replace(&mut before, now) == now
        });
        assert_eq!(server.page().hello["type"], "hello", "it wakes for a page");
    });
}

#[test]
fn a_socket_file_is_its_owners() {
    inside(|| {
        let folder = folder();
        let path = folder.path().join("socket");
        let arguments = ["--unix", path.to_str().expect("a path")];
        let mut process = Process::start(command(&folder, &arguments));
        process.wait_for_output("socket");
        let metadata = std::fs::metadata(&path).expect("a file");
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let mut stream = UnixStream::connect(&path).expect("a connection");
        let (mut answer, ask) =
            (String::new(), "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, ask.as_bytes()).expect("written");
        std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let other = Process::start(command(&folder, &arguments)).wait();
        assert!(!other.status.success() && other.stderr.contains("another server"), "{other:?}");
        process.signal(Signal::TERM);
        assert!(process.wait().status.success());
        assert!(!path.exists(), "it goes with the server");
    });
}

#[test]
fn a_server_that_only_reads_changes_nothing() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &["--read-only"]);
        let mut page = server.page();
        assert_eq!(
            (&page.hello["read_only"], &page.known.rules["editable"]),
            (&json!(true), &json!(false))
        );
        let ends = json!({ "from": "14:0", "to": "14:0" });
        for (what, fields) in [
            ("connect", ends.clone()),
            ("disconnect", ends.clone()),
            ("filter", ends.clone()),
            ("keep", ends),
            ("rules.set", json!({ "text": "" })),
            ("rules.run", json!({ "on": true })),
            ("alias.set", json!({ "name": "a", "port": "14:0" })),
            ("alias.remove", json!({ "name": "a" })),
            ("patch.save", json!({ "name": "a" })),
            ("patch.restore", json!({ "name": "a" })),
            ("patch.remove", json!({ "name": "a" })),
            ("panic", json!({})),
            ("send", json!({ "midi": "903c64" })),
            ("queue", json!({ "queue": 0, "action": "stop" })),
            ("transport", json!({ "port": "14:0", "action": "pause" })),
        ] {
            let why = page.refused(what, fields);
            assert!(why.contains("--read-only"), "{what}: {why}");
        }
        page.done("rules.check", json!({ "text": "" }));
        page.done("monitor.open", json!({}));
        page.done("resync", json!({}));
    });
}
