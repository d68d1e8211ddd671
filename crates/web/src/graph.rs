//! What is there, as clients of the server see it: as JSON, and as the difference between two moments.

use crate::value::{filter_value, stamp_text};
use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, PortType};
use aseqd_rules::{Pair, Port, Stamp, Transform};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph {
    pub(crate) clients: BTreeMap<u8, ClientEntry>,
    pub(crate) connections: BTreeMap<Pair, Cable>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) rules: RulesState,
}

/// A client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientEntry {
    pub(crate) name: String,
    pub(crate) kernel: bool,
    pub(crate) pid: Option<u32>,
    pub(crate) card: Option<u32>,
    /// 0 for a client that does not speak UMP.
    pub(crate) midi: u32,
    pub(crate) own: bool,
    pub(crate) ports: BTreeMap<u8, PortEntry>,
}

/// A port that others may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortEntry {
    pub(crate) port: Port,
    /// From 1; 0 for none.
    pub(crate) group: u8,
    pub(crate) aliases: Vec<String>,
    /// Why its events cannot be seen.
    pub(crate) unwatched: Option<String>,
}

/// What a connection has beside its two ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cable {
    pub(crate) exclusive: bool,
    pub(crate) stamp: Option<Stamp>,
    /// The port of a link that it goes through.
    pub(crate) link: Option<Address>,
    pub(crate) filter: Option<Transform>,
    /// The rule that decides about the two ports.
    pub(crate) rule: Option<String>,
    pub(crate) kept: bool,
}

/// A queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Queue {
    pub(crate) id: u8,
    pub(crate) name: String,
    pub(crate) client: u8,
    pub(crate) running: bool,
    pub(crate) bpm: f64,
}

/// What is known of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RulesState {
    pub(crate) running: bool,
    pub(crate) path: Option<String>,
    pub(crate) editable: bool,
}

impl Graph {
    /// Returns a port.
    pub(crate) fn port(&self, address: Address) -> Option<&PortEntry> {
        self.clients.get(&address.client)?.ports.get(&address.port)
    }

    /// Returns all ports.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &PortEntry> {
        self.clients.values().flat_map(|client| client.ports.values())
    }

    /// Returns the message with everything.
    pub(crate) fn snapshot(&self, seq: u64) -> String {
        let clients = self.clients.iter().map(|(id, client)| client.value(*id));
        let connections = self.connections.iter().map(|(pair, cable)| cable.value(*pair));
        json!({
            "type": "snapshot",
            "seq": seq,
            "clients": clients.collect::<Vec<_>>(),
            "connections": connections.collect::<Vec<_>>(),
            "queues": self.queues_value(),
            "rules": self.rules.value(),
        })
        .to_string()
    }

    /// Returns the message that makes this of what was before, or `None` if nothing has changed.
    pub(crate) fn delta(&self, before: &Self, seq: u64) -> Option<String> {
        let changed =
            self.clients.iter().filter(|(id, client)| before.clients.get(id) != Some(client));
        let clients: Vec<_> = changed.map(|(id, client)| client.value(*id)).collect();
        let gone: Vec<_> =
            before.clients.keys().filter(|id| !self.clients.contains_key(id)).collect();
        let changed = self
            .connections
            .iter()
            .filter(|(pair, cable)| before.connections.get(pair) != Some(cable));
        let connections: Vec<_> = changed.map(|(pair, cable)| cable.value(*pair)).collect();
        let cut = before.connections.keys().filter(|pair| !self.connections.contains_key(pair));
        let cut: Vec<_> = cut.map(|(from, to)| json!([from.to_string(), to.to_string()])).collect();
        let mut out = Map::new();
        let mut add = |key: &str, list: Vec<Value>| {
            if !list.is_empty() {
                out.insert(key.to_owned(), Value::Array(list));
            }
        };
        add("clients", clients);
        add("gone", gone.into_iter().map(|id| json!(id)).collect());
        add("connections", connections);
        add("cut", cut);
        if self.queues != before.queues {
            out.insert("queues".to_owned(), self.queues_value());
        }
        if self.rules != before.rules {
            out.insert("rules".to_owned(), self.rules.value());
        }
        if out.is_empty() {
            return None;
        }
        out.insert("type".to_owned(), json!("delta"));
        out.insert("seq".to_owned(), json!(seq));
        Some(Value::Object(out).to_string())
    }

    fn queues_value(&self) -> Value {
        let one = |queue: &Queue| {
            json!({
                "id": queue.id,
                "name": queue.name,
                "client": queue.client,
                "running": queue.running,
                "bpm": queue.bpm,
            })
        };
        self.queues.iter().map(one).collect()
    }
}

/// Makes an object of what is there: fields that are false, empty or unknown are left out.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    fn flag(self, key: &str, on: bool) -> Self {
        if on { self.add(key, true) } else { self }
    }

    fn some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.add(key, value),
            None => self,
        }
    }
}

impl ClientEntry {
    fn value(&self, id: u8) -> Value {
        let usb = self.ports.values().find_map(|port| port.port.device.usb.clone());
        let ports: Vec<_> = self.ports.values().map(PortEntry::value).collect();
        let fields = Fields::default()
            .add("id", id)
            .add("name", self.name.as_str())
            .add("kind", if self.kernel { "kernel" } else { "user" })
            .some("pid", self.pid)
            .some("card", self.card)
            .some("usb", usb)
            .some("midi", Some(self.midi).filter(|midi| *midi > 0))
            .flag("own", self.own)
            .flag("system", id == CLIENT_SYSTEM)
            .add("ports", ports);
        Value::Object(fields.0)
    }
}

impl PortEntry {
    fn value(&self) -> Value {
        let port = &self.port;
        let kind = port.port_type;
        let fields = Fields::default()
            .add("id", port.address.port)
            .add("name", port.name.as_str())
            .add("short", port.short_name())
            .flag("sends", port.sends())
            .flag("receives", port.receives())
            .flag("hardware", kind.contains(PortType::HARDWARE))
            .flag("synth", kind.intersects(PortType::SYNTH | PortType::SYNTHESIZER))
            .flag("application", kind.contains(PortType::APPLICATION))
            .some("group", Some(self.group).filter(|group| *group > 0))
            .some("aliases", Some(self.aliases.clone()).filter(|all| !all.is_empty()))
            .some("unwatched", self.unwatched.clone());
        Value::Object(fields.0)
    }
}

impl Cable {
    fn value(&self, (from, to): Pair) -> Value {
        let fields = Fields::default()
            .add("from", from.to_string())
            .add("to", to.to_string())
            .flag("exclusive", self.exclusive)
            .some("stamp", self.stamp.map(stamp_text))
            .some("link", self.link.map(|link| link.to_string()))
            .some("filter", self.filter.as_ref().map(filter_value))
            .some("rule", self.rule.clone())
            .flag("kept", self.kept);
        Value::Object(fields.0)
    }
}

impl RulesState {
    fn value(&self) -> Value {
        let fields = Fields::default()
            .add("running", self.running)
            .some("path", self.path.clone())
            .add("editable", self.editable);
        Value::Object(fields.0)
    }
}

#[cfg(test)]
mod tests;
