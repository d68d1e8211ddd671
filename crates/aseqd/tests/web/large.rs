//! Many ports and connections.

use super::client::{Server, program};
use super::folder;
use crate::common::*;
use aseqd_client::aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::{Address, Client, DEVICE};
use serde_json::json;
use std::time::Instant;

/// The most KiB that the server may use then.
const MOST_KIB: u64 = 48 << 10;

#[test]
fn five_hundred_ports_and_two_thousand_connections_are_shown() {
    inside(|| {
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
