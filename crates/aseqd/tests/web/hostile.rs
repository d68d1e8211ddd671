//! Clients that mean no good.

use super::client::{Page, Server, program};
use super::folder;
use crate::common::*;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::Message;

/// Returns the status of an answer.
fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

#[test]
fn other_hosts_and_pages_of_others_are_refused() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &["--host", "studio.local"]);
        let own = server.address;
        let socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for (path, host, lines, expected) in [
            ("/", own.to_string(), "", "200"),
            ("/", "studio.local".to_owned(), "", "200"),
            ("/", "evil.example".to_owned(), "", "421"),
            ("/ws", "evil.example".to_owned(), socket, "421"),
            ("/ws", own.to_string(), &format!("{socket}Origin: http://evil.example\r\n"), "403"),
            ("/ws", own.to_string(), &format!("{socket}Origin: null\r\n"), "403"),
            ("/", own.to_string(), "Content-Length: 4\r\n", "400"),
        ] {
            let answer = server.ask(
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n")
                    .as_bytes(),
            );
            assert_eq!(status(&answer), expected, "{path} of {host}: {answer}");
        }
        assert_eq!(status(&server.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01")), "400", "TLS");
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000));
        assert_eq!(status(&server.ask(long.as_bytes())), "431");
    });
}

#[test]
fn other_machines_need_the_token() {
    inside(|| {
        let folder = folder();
        // Every address of this machine, as others reach it.
        let server = Server::start(&folder, &["--listen", "0.0.0.0:0"]);
        assert!(server.url.contains("/#token="), "{}", server.url);
        assert_eq!(server.page().hello["protocol"], 1);
        for hello in [
            json!({ "type": "hello", "protocol": 1 }),
            json!({ "type": "hello", "protocol": 1, "token": "x" }),
            json!({ "type": "hello", "protocol": 9, "token": null }),
        ] {
            let mut page = server.silent();
            page.say(&hello);
            assert_eq!(page.closed(), 4001, "{hello}");
        }
        let file = folder.path().join("token");
        let file = file.to_str().expect("a path");
        let server = Server::start(&folder, &["--token-file", file]);
        let token = std::fs::read_to_string(file).expect("it was made");
        assert!(server.url.ends_with(&format!("#token={}", token.trim())));
        server.page();
        let mut page = server.silent();
        page.say(&json!({ "type": "hello", "protocol": 1 }));
        assert_eq!(page.closed(), 4001);
    });
}

#[test]
fn what_is_not_of_the_protocol_ends_the_connection() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let first = |message: Message| {
            let mut page = server.silent();
            page.socket.send(message).expect("sent");
            page.closed()
        };
        let later = |message: Message| {
            let mut page = server.page();
            page.socket.send(message).expect("sent");
            page.closed()
        };
        assert_eq!(first(Message::text(r#"{"type":"hello","protocol":2}"#)), 4002);
        assert_eq!(first(Message::text(r#"{"id":1,"do":"ping"}"#)), 1008);
        assert_eq!(first(Message::text("[".repeat(100_000))), 1008);
        assert_eq!(later(Message::text("nonsense")), 1008);
        assert_eq!(later(Message::text(r#"{"do":"ping"}"#)), 1008);
        assert_eq!(later(Message::text(r#"{"id":-1,"do":"ping"}"#)), 1008);
        assert_eq!(later(Message::binary(vec![1])), 1008);
        assert_eq!(later(Message::text("x".repeat(300_000))), 1009);
        let flood = |mut page: Page| {
            for id in 0..100_000 {
                // It is closed meanwhile.
                if page
                    .socket
                    .send(Message::text(format!(r#"{{"id":{id},"do":"nonsense"}}"#)))
                    .is_err()
                {
                    break;
                }
            }
        };
        flood(server.page());
        assert_eq!(server.silent().closed(), 4003, "who says nothing");
        assert_eq!(server.page().hello["protocol"], 1, "the server goes on");
    });
}

/// Frames that no library would send.
#[test]
fn frames_that_lie_end_the_connection() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let long_ping = [&[0x89, 0xfe, 0, 126, 1, 2, 3, 4][..], &[0; 126]].concat();
        for frame in [
            // Without a mask; of 2^62 bytes; of an unknown kind; a long ping; the rest of nothing.
            &[0x81, 2, b'{', b'}'][..],
            &[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
            &[0x83, 0x80, 1, 2, 3, 4],
            &long_ping,
            &[0x80, 0x80, 1, 2, 3, 4],
        ] {
            let mut page = server.silent();
            page.socket.get_mut().write_all(frame).expect("written");
            let code = page.closed();
            assert!([1002, 1009].contains(&code), "{frame:?}: {code}");
        }
        server.page();
    });
}

#[test]
fn a_thousand_half_requests_keep_nobody_out() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        server.page();
        let before = server.status("VmRSS");
        let mut open: Vec<TcpStream> = Vec::new();
        for number in 0..1000 {
            // Of many descriptors at once, this process may have fewer than a thousand.
            if open.len() >= 400 {
                open.remove(0);
            }
            let mut stream = server.connect();
            let _closed = write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\nX-{number}: ");
            open.push(stream);
        }
        let start = Instant::now();
        assert_eq!(status(&server.get("/", "")), "200");
        let mut page = server.page();
        page.done("ping", json!({}));
        eprintln!("a page beside a thousand half requests: {:?}", start.elapsed());
        let used = server.status("VmRSS").saturating_sub(before);
        assert!(used < 16 << 10, "{used} KiB more");
        // They are ended, though they say nothing.
        let mut last = open.pop().expect("one");
        let mut nothing = Vec::new();
        let _reset = last.read_to_end(&mut nothing);
        assert!(nothing.is_empty());
    });
}

#[test]
fn a_page_that_stops_reading_costs_nobody_anything() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut reader = server.page();
        let mut stuck = server.page();
        let (one, port) = program("one");
        reader.until("the program", |page| page.has(&one));
        wait_until("a listener", || !one.outgoing(port).expect("connections").is_empty());
        stuck.done("monitor.open", json!({}));
        let before = server.status("VmRSS");
        // It reads nothing from here on. 100,000 events are 3 MB for it; a SysEx makes each longer.
        let long = aseqd_client::event::of_type(aseqd_client::EventType::SYSEX);
        let long = aseqd_client::event::EventExt::sent_to_subscribers(
            aseqd_client::event::EventExt::sent_from(long, port),
        );
        let data = [&[0xf0][..], &[1; 400], &[0xf7]].concat();
        let mut slowest = Duration::ZERO;
        let end = Instant::now() + DEADLINE;
        for round in 0..100 {
            for _ in 0..200 {
                // The server's client may be full: it is to read all of them.
                while let Err(error) = one.send_with_data(&long, &data) {
                    assert!(error.errno().is_some() && Instant::now() < end, "{error}");
                    std::thread::yield_now();
                }
            }
            let start = Instant::now();
            reader.done("ping", json!({}));
            slowest = slowest.max(start.elapsed());
            if round % 10 == 0 {
                // Changes for it, too.
                drop(program("comes and goes"));
            }
        }
        let used = server.status("VmRSS").saturating_sub(before);
        eprintln!("slowest answer to another page: {slowest:?}; {used} KiB more");
        assert!(used < 24 << 10, "{used} KiB more");
        // It reads again: what it missed is counted, and the rest is in order.
        stuck.until("the number of dropped events", |page| page.dropped > 0);
        stuck.done("ping", json!({}));
        assert_eq!(
            stuck.known.clients.keys().collect::<Vec<_>>(),
            reader.known.clients.keys().collect::<Vec<_>>()
        );
    });
}

#[test]
fn hostile_names_are_text() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        for name in [
            "<img src=x onerror=alert(1)>",
            "\u{202e}exe.gnp",
            "\"},{\"id\":0",
            "a\u{1}\u{7f}\\\n\tb",
            "</script>",
        ] {
            let (one, _port) = program(name);
            let id = u64::from(one.id());
            page.until("its name", |page| {
                page.known.clients.get(&id).is_some_and(|client| client["name"] == name)
            });
        }
        let junk = Junk::open();
        let id = u64::from(junk.0.id());
        page.until("junk", |page| {
            let name = page
                .known
                .clients
                .get(&id)
                .map(|client| client["name"].as_str().unwrap_or_default());
            name.is_some_and(|name| name.contains('\u{fffd}'))
        });
    });
}

/// A client whose name is 63 bytes that are no UTF-8.
struct Junk(aseqd_client::Client);

impl Junk {
    fn open() -> Self {
        let (client, _port) = program("junk");
        let mut info = client.info(client.id()).expect("an answer").expect("it exists");
        info.name = [0xfe; 64];
        info.name[63] = 0;
        client.set_info(&info).expect("a name");
        Self(client)
    }
}

/// A connection from this machine says whose it is: another user's needs the token, which that user does not know.
#[test]
fn another_user_of_this_machine_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can become another user");
    }
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let hello = json!({ "type": "hello", "protocol": 1 });
        let mut own = server.silent();
        own.say(&hello);
        own.until("a snapshot", |page| page.known.snapshots > 0);
        let other = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                // This thread alone, which ends.
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
                server.silent()
            });
            thread.join()
        });
        let mut other = other.expect("connected");
        other.say(&hello);
        assert_eq!(other.closed(), 4001);
        let (_, token) = server.url.split_once("#token=").expect("a token");
        let mut own = server.silent();
        own.say(&json!({ "type": "hello", "protocol": 1, "token": token }));
        own.until("a snapshot", |page| page.known.snapshots > 0);
    });
}

/// A client that asks again and again, without a pause, leaves others their turn.
#[test]
fn many_requests_in_a_row_keep_nobody_out() {
    inside(|| {
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let request = format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        let mut reader = TcpStream::connect(server.address).expect("connected");
        let mut writer = reader.try_clone().expect("a copy");
        std::thread::scope(|scope| {
            scope.spawn(move || while writer.write_all(request.repeat(100).as_bytes()).is_ok() {});
            let greedy = reader.try_clone().expect("a copy");
            let (told, answers) = std::sync::mpsc::channel();
            scope.spawn(move || {
                let mut buffer = [0; 1 << 16];
                while reader.read(&mut buffer).is_ok_and(|read| read > 0) {
                    let _done = told.send(());
                }
            });
            answers.recv_timeout(DEADLINE).expect("answers come");
            for _ in 0..20 {
                assert_eq!(status(&server.get("/", "")), "200");
            }
            greedy.shutdown(std::net::Shutdown::Both).expect("ended");
        });
    });
}
