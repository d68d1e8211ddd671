//! Many ports and connections.

use super::client::{Server, program};
use super::folder;
use crate::common::*;
use aseqd_client::aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::event::{EventExt as _, note_on};
use aseqd_client::{Address, Client, DEVICE, Error};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most KiB that the server may use then.
const MOST_KIB: u64 = 48 << 10;

/// Makes 500 ports of 25 clients, with 2,000 connections between them.
fn world() -> (Vec<Client>, Vec<Address>) {
    let both = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let clients: Vec<Client> = (0..25)
        .map(|number| {
            Client::open(DEVICE, &format!("a client with a long name, number {number}"))
                .expect("a client")
        })
        .collect();
    let ports: Vec<Address> = (0..500)
        .map(|number| {
            let client = &clients[number % clients.len()];
            client
                .create_port(
                    &format!("a port with a long name, number {number}"),
                    both,
                    PortType::MIDI_GENERIC,
                )
                .expect("a port")
        })
        .collect();
    let mut pairs = 0;
    for step in 1..=4 {
        for (at, from) in ports.iter().enumerate() {
            let to = ports[(at + step * 37) % ports.len()];
            clients[0].connect(*from, to).expect("a connection");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 2000);
    (clients, ports)
}

#[test]
fn five_hundred_ports_and_two_thousand_connections_are_shown() {
    inside(|| {
        let (_clients, ports) = world();
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let start = Instant::now();
        let mut page = server.page();
        eprintln!("first snapshot after {:?}", start.elapsed());
        let shown = |page: &super::client::Page| {
            let ports = page
                .known
                .clients
                .values()
                .map(|client| client["ports"].as_array().map_or(0, Vec::len));
            (ports.sum::<usize>() >= 500, page.known.connections.len())
        };
        assert_eq!(shown(&page), (true, 2000));
        let start = Instant::now();
        let (one, port) = program("one more");
        page.until("one more", |page| page.has(&one));
        eprintln!("one more client after {:?}", start.elapsed());
        page.done("connect", json!({ "from": port.to_string(), "to": ports[0].to_string() }));
        page.until("its connection", |page| page.cable(port, ports[0]).is_some());
        assert_eq!(page.known.snapshots, 1, "deltas are enough");
        page.done("resync", json!({}));
        assert_eq!((page.known.snapshots, page.known.connections.len()), (2, 2001));
        for _ in 0..5 {
            server.page();
        }
        let used = server.status("VmHWM");
        eprintln!("{used} KiB at most");
        assert!(used < MOST_KIB, "{used} KiB");
    });
}

/// Prints what the server uses, every 30 seconds, and fails if it grows: for `ASEQD_WEB_MINUTES` minutes, as `scripts/web-memory`
/// sets them.
#[test]
#[ignore = "it takes minutes"]
fn memory_stays_bounded_while_events_come() {
    inside(|| {
        let minutes = std::env::var("ASEQD_WEB_MINUTES").ok().and_then(|text| text.parse().ok());
        let time = Duration::from_secs(60) * minutes.unwrap_or(1);
        let (clients, ports) = world();
        let folder = folder();
        let server = Server::start(&folder, &[]);
        let mut page = server.page();
        page.done("monitor.open", json!({}));
        wait_until("listeners", || clients[0].outgoing(ports[499]).expect("an answer").len() == 5);
        let (seen, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    page.next();
                    seen.fetch_add(page.events.len() as u64, Ordering::Relaxed);
                    page.events.clear();
                    dropped.store(page.dropped, Ordering::Relaxed);
                }
            });
            let start = Instant::now();
            let (mut sent, mut samples) = (0_usize, Vec::new());
            let mut next = Duration::from_secs(30);
            while start.elapsed() < time {
                let due = usize::try_from(start.elapsed().as_millis()).expect("a short time") * 5;
                while sent < due {
                    let from = ports[sent % ports.len()];
                    let key = u8::try_from(sent % 128).expect("a key");
                    let note = note_on(0, key, 100).sent_from(from).sent_to_subscribers();
                    // A client sends from its own ports.
                    let _full = clients[sent % clients.len()].send(&note);
                    sent += 1;
                }
                for client in &clients {
                    while let Ok(Some(_)) | Err(Error::EventsLost) = client.read_event() {}
                }
                if start.elapsed() >= next {
                    next += Duration::from_secs(30);
                    samples.push(server.status("VmRSS"));
                    eprintln!(
                        "{} s: {} KiB, {sent} events sent, {} seen, {} dropped",
                        start.elapsed().as_secs(),
                        samples.last().expect("one"),
                        seen.load(Ordering::Relaxed),
                        dropped.load(Ordering::Relaxed)
                    );
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            // The next message of activity or events ends the other thread.
            over.store(true, Ordering::Relaxed);
            let _full =
                clients[0].send(&note_on(0, 1, 1).sent_from(ports[0]).sent_to_subscribers());
            let (early, late) = (samples[samples.len() / 4], *samples.last().expect("one"));
            assert!(late < MOST_KIB && late < early + early / 10, "{samples:?}");
        });
    });
}
