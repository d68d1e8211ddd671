use super::*;
use aseqd_abi::seq::PortCaps;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Client and port.
type Ends = (u8, u8);

/// Returns a graph with these clients, each with so many ports, and connections by the numbers of ports.
fn graph(clients: &[(u8, u8, &str)], pairs: &[(Ends, Ends)]) -> Graph {
    let port = |client: u8, number: u8, name: &str| {
        let mut port = Port::new(Address::new(client, number), name, &format!("{name} {number}"));
        port.caps = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
        port.port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        PortEntry { port, group: 0, aliases: Vec::new(), unwatched: None }
    };
    let clients = clients.iter().map(|(id, ports, name)| {
        let ports = (0..*ports).map(|number| (number, port(*id, number, name))).collect();
        (*id, ClientEntry { name: (*name).to_owned(), ports, ..ClientEntry::default() })
    });
    let address = |(client, port)| Address::new(client, port);
    let connections =
        pairs.iter().map(|(from, to)| ((address(*from), address(*to)), Cable::default()));
    Graph { clients: clients.collect(), connections: connections.collect(), ..Graph::default() }
}

/// A client of the protocol: what it knows, by the keys of the protocol.
#[derive(Default, PartialEq, Debug)]
struct Known {
    clients: BTreeMap<u64, Value>,
    connections: BTreeMap<(String, String), Value>,
    queues: Value,
    rules: Value,
}

impl Known {
    fn take(&mut self, message: &str) {
        let message: Value = serde_json::from_str(message).expect("JSON");
        let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        if message["type"] == "snapshot" {
            *self = Self::default();
        }
        for gone in list("gone") {
            assert!(self.clients.remove(&gone.as_u64().expect("a number")).is_some());
        }
        for cut in list("cut") {
            assert!(self.connections.remove(&(text(&cut[0]), text(&cut[1]))).is_some());
        }
        for client in list("clients") {
            self.clients.insert(client["id"].as_u64().expect("a number"), client);
        }
        for one in list("connections") {
            self.connections.insert((text(&one["from"]), text(&one["to"])), one);
        }
        for (key, place) in [("queues", &mut self.queues), ("rules", &mut self.rules)] {
            if let Some(value) = message.get(key) {
                *place = value.clone();
            }
        }
    }
}

#[test]
fn a_snapshot_says_what_is_there() {
    let mut graph = graph(&[(0, 1, "System"), (128, 2, "synth")], &[((0, 0), (128, 1))]);
    graph.queues.push(Queue { id: 3, name: "q".into(), client: 128, running: true, bpm: 120.0 });
    let said: Value = serde_json::from_str(&graph.snapshot(9)).expect("JSON");
    let expected = json!({
        "type": "snapshot",
        "seq": 9,
        "clients": [
            { "id": 0, "name": "System", "kind": "user", "system": true, "ports": [
                { "id": 0, "name": "System 0", "short": "0", "sends": true, "receives": true, "application": true }] },
            { "id": 128, "name": "synth", "kind": "user", "ports": [
                { "id": 0, "name": "synth 0", "short": "0", "sends": true, "receives": true, "application": true },
                { "id": 1, "name": "synth 1", "short": "1", "sends": true, "receives": true, "application": true }] },
        ],
        "connections": [{ "from": "0:0", "to": "128:1" }],
        "queues": [{ "id": 3, "name": "q", "client": 128, "running": true, "bpm": 120.0 }],
        "rules": { "running": false, "editable": false },
    });
    assert_eq!(said, expected);
}

#[test]
fn hostile_names_are_strings_and_nothing_else() {
    for name in [
        "<img src=x onerror=alert(1)>",
        "\"},{\"id\":1",
        "\u{202e}gnp.exe\u{2066}",
        "a\0\u{1}\u{7f}\n\\",
        &"\u{fffd}".repeat(63),
    ] {
        let graph = graph(&[(128, 1, name)], &[]);
        let text = graph.snapshot(1);
        assert!(!text.bytes().any(|byte| byte < 0x20), "{text}");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(said["clients"][0]["name"], name);
        assert_eq!(said["clients"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn nothing_new_is_no_message() {
    let one = graph(&[(128, 2, "synth")], &[]);
    assert_eq!(one.delta(&one.clone(), 2), None);
    let mut other = one.clone();
    other.rules.running = true;
    let said: Value = serde_json::from_str(&other.delta(&one, 2).expect("a change")).expect("JSON");
    assert_eq!(
        said,
        json!({ "type": "delta", "seq": 2, "rules": { "running": true, "editable": false } })
    );
}

/// 500 ports and 2,000 connections, with long names.
#[test]
fn a_large_snapshot_stays_below_half_a_megabyte() {
    let names: Vec<_> =
        (0..125_u8).map(|number| format!("{number:03} {}", "x".repeat(40))).collect();
    let clients: Vec<_> =
        (0..125_u8).map(|one| (one, 4, names[usize::from(one)].as_str())).collect();
    let pairs = (0..2000_u32).map(|one| {
        let at = |number: u32| {
            (
                u8::try_from(number / 4 % 125).expect("small"),
                u8::try_from(number % 4).expect("small"),
            )
        };
        (at(one), at(one * 7 + one / 500))
    });
    let large = graph(&clients, &pairs.collect::<Vec<_>>());
    assert_eq!((large.ports().count(), large.connections.len()), (500, 2000));
    let text = large.snapshot(1);
    assert!(text.len() < 500_000, "{} bytes", text.len());
    println!("500 ports and 2,000 connections: {} bytes", text.len());
}

fn any_graph() -> impl Strategy<Value = Graph> {
    let clients = proptest::collection::btree_map(0..6_u8, (0..3_u8, "[ab]{1}"), 0..6);
    let pairs = proptest::collection::vec(((0..6_u8, 0..3_u8), (0..6_u8, 0..3_u8)), 0..12);
    (clients, pairs, any::<bool>()).prop_map(|(clients, pairs, running)| {
        let clients: Vec<_> =
            clients.iter().map(|(id, (ports, name))| (*id, *ports, name.as_str())).collect();
        let there: BTreeSet<_> =
            clients.iter().flat_map(|(id, ports, _)| (0..*ports).map(|port| (*id, port))).collect();
        let pairs: Vec<_> = pairs
            .into_iter()
            .filter(|(from, to)| there.contains(from) && there.contains(to))
            .collect();
        let mut graph = graph(&clients, &pairs);
        graph.rules.running = running;
        graph
    })
}

proptest! {
    #[test]
    fn deltas_lead_to_what_a_snapshot_says(all in proptest::collection::vec(any_graph(), 1..8)) {
        let mut known = Known::default();
        known.take(&all[0].snapshot(1));
        for pair in all.windows(2) {
            if let Some(delta) = pair[1].delta(&pair[0], 2) {
                known.take(&delta);
            }
            let mut fresh = Known::default();
            fresh.take(&pair[1].snapshot(2));
            prop_assert_eq!(&known, &fresh);
        }
    }
}
