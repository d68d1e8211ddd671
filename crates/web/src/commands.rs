//! The commands of clients.

use crate::edit;
use crate::hub::Hub;
use crate::monitor::Filter;
use crate::player;
use crate::sequencer::Manner;
use crate::session::Session;
use crate::value::{address, filter_lines, stamp};
use aseqd_abi::seq::CLIENT_SYSTEM;
use aseqd_abi::{Address, EventType};
use aseqd_rules::{Exact, Pair, Port, rule_of};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The most numbers in a list of a command.
const MAX_LIST: usize = 1024;
/// The most bytes of MIDI in a command. The pool of the sequencer's client has room for one message of this length.
const MAX_MIDI: usize = 32 << 10;

/// Commands that change nothing, and so are there with `--read-only`.
const READING: [&str; 12] = [
    "rules.get",
    "rules.check",
    "rules.make",
    "patch.list",
    "activity",
    "monitor.open",
    "monitor.set",
    "monitor.close",
    "recording.list",
    "recording.load",
    "resync",
    "ping",
];

/// What a command is answered with.
pub(crate) type Answer = Result<Value, String>;

/// The fields of a command.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn text(&self, key: &str) -> Result<&'a str, String> {
        self.maybe_text(key)?.ok_or_else(|| format!("the command needs `{key}`"))
    }

    fn maybe_text(&self, key: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| format!("`{key}` is a text")),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, String> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| format!("`{key}` is true or false")),
        }
    }

    fn port(&self, key: &str) -> Result<Address, String> {
        self.maybe_port(key)?.ok_or_else(|| format!("the command needs `{key}`"))
    }

    fn maybe_port(&self, key: &str) -> Result<Option<Address>, String> {
        let wrong = || format!("`{key}` is a port, as \"128:0\"");
        self.maybe_text(key)?.map(|text| address(text).ok_or_else(wrong)).transpose()
    }

    fn pair(&self) -> Result<Pair, String> {
        Ok((self.port("from")?, self.port("to")?))
    }

    fn number<T: TryFrom<u64>>(&self, key: &str) -> Result<T, String> {
        let number =
            self.0.get(key).and_then(Value::as_u64).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("the command needs the number `{key}`"))
    }

    fn list<T>(
        &self,
        key: &str,
        one: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, String> {
        let list = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(list) => list.as_array().filter(|list| list.len() <= MAX_LIST),
        };
        let parsed = list.and_then(|list| list.iter().map(one).collect());
        parsed.map(Some).ok_or_else(|| format!("`{key}` is not such a list as it should be"))
    }

    fn monitor(&self) -> Result<Filter, String> {
        let ports = self.list("ports", |port| address(port.as_str()?))?;
        let kinds = self.list("types", |kind| kind.as_str().map(str::to_owned))?;
        let channels = self.list("channels", Value::as_u64)?;
        let ports = ports.map(|ports| ports.into_iter().collect::<BTreeSet<_>>());
        Filter::new(ports, kinds.as_deref(), channels.as_deref())
    }
}

impl Hub {
    /// Carries out a command of a client.
    pub(crate) fn command(
        &mut self,
        session: &mut Session,
        command: &Map<String, Value>,
    ) -> Answer {
        let fields = Fields(command);
        let what = fields.text("do")?;
        if self.read_only && !READING.contains(&what) {
            return Err("this server changes nothing: it was started with --read-only".to_owned());
        }
        let done = match what {
            "connect" => self.connect(&fields),
            "disconnect" => self.disconnect(fields.pair()?),
            "filter" => self.filter(&fields),
            "keep" => self.keep(&fields),
            "rules.get" => {
                let ports = self.ports();
                self.rules.get(&ports)
            }
            "rules.check" => Ok(self.rules.check(fields.text("text")?, &self.ports())),
            "rules.set" => {
                let text = fields.text("text")?;
                self.rules.set_text(text, fields.maybe_text("was")?)?;
                Ok(self.rules.check(text, &self.ports()))
            }
            "rules.make" => self.make_rule(fields.pair()?),
            "rules.run" => match fields.flag("on")? {
                true => self.start_rules().map(|()| Value::Null),
                false => self.stop_rules(),
            },
            "alias.set" => self.set_alias(fields.text("name")?, fields.port("port")?),
            "alias.remove" => {
                let text = self.rules.text()?;
                let new = edit::without_alias(&text, fields.text("name")?)?;
                self.rules.set_text(&new, Some(&text)).map(|()| Value::Null)
            }
            "patch.list" => self.patches.list(),
            "patch.save" => {
                let saved = self.patches.save(fields.text("name")?, &self.graph)?;
                Ok(json!({ "connections": saved }))
            }
            "patch.restore" => self.restore(fields.text("name")?, fields.flag("exact")?),
            "patch.remove" => self.patches.remove(fields.text("name")?).map(|()| Value::Null),
            "panic" => self.panic(fields.maybe_port("to")?),
            "send" => self.send(session, &fields),
            "activity" => {
                session.activity = fields.flag("on")?;
                if !session.activity {
                    session.outbox.forget_activity();
                }
                Ok(Value::Null)
            }
            "monitor.open" => {
                let filter = fields.monitor()?;
                let unwatched = self.unwatched(filter.ports.as_ref());
                let number = session.open(filter)?;
                Ok(json!({ "monitor": number, "unwatched": unwatched }))
            }
            "monitor.set" => {
                session.change(fields.number("monitor")?, fields.monitor()?).map(|()| Value::Null)
            }
            "monitor.close" => session.close(fields.number("monitor")?).map(|()| Value::Null),
            "queue" => self.queue(&fields),
            "transport" => self.transport(&fields),
            "recording.list" => self.recordings.list(),
            "recording.load" => self.recordings.load(fields.text("name")?),
            "resync" => {
                let snapshot = self.snapshot();
                session.outbox.snapshot(&snapshot);
                Ok(Value::Null)
            }
            "ping" => Ok(Value::Null),
            other => {
                let shown: String = other.chars().take(40).collect();
                Err(format!("there is no command {shown}"))
            }
        };
        if !READING.contains(&what) && !["send", "transport"].contains(&what) {
            self.look_soon();
        }
        done
    }

    fn connect(&self, fields: &Fields<'_>) -> Answer {
        let stamped = fields.maybe_text("stamp")?;
        let wrong = || "`stamp` is real:QUEUE or tick:QUEUE".to_owned();
        let stamp = stamped.map(|text| stamp(text).ok_or_else(wrong)).transpose()?;
        let manner = Manner { exclusive: fields.flag("exclusive")?, stamp };
        self.sequencer.connect(fields.pair()?, manner).map(|()| Value::Null)
    }

    fn disconnect(&self, pair: Pair) -> Answer {
        let link = self.graph.connections.get(&pair).and_then(|cable| cable.link);
        match link {
            None => self.sequencer.disconnect(pair)?,
            Some(link) => {
                // A link without one of its ends goes as a whole.
                let (first, second) = (
                    self.sequencer.disconnect((pair.0, link)),
                    self.sequencer.disconnect((link, pair.1)),
                );
                first.or(second)?;
            }
        }
        Ok(Value::Null)
    }

    /// Returns the ports at both ends as rules see them.
    fn ends(&self, pair: Pair) -> Result<(Port, Port), String> {
        let port = |address| {
            let entry = self.graph.port(address);
            entry
                .map(|entry| entry.port.clone())
                .ok_or_else(|| format!("there is no port {address}"))
        };
        Ok((port(pair.0)?, port(pair.1)?))
    }

    fn filter(&mut self, fields: &Fields<'_>) -> Answer {
        let pair = fields.pair()?;
        let (from, to) = self.ends(pair)?;
        let ports = self.ports();
        let cable = self.graph.connections.get(&pair);
        let linked = cable.is_some_and(|cable| cable.link.is_some());
        match fields.0.get("filter") {
            Some(Value::Object(filter)) if !filter.is_empty() => {
                let lines = filter_lines(filter)?;
                self.rules.set_rule((&from, &to), &ports, Some(&lines))?;
                self.start_rules()?;
            }
            Some(Value::Object(_) | Value::Null) | None => {
                self.rules.set_rule((&from, &to), &ports, None)?;
                if self.rules.rule(&from, &to).is_some_and(|rule| rule.transform.is_some()) {
                    return Err(
                        "another rule filters this connection: change it as text".to_owned()
                    );
                }
                match linked {
                    true => self.connect_later(pair),
                    false if cable_is_missing(self, pair) => {
                        self.sequencer.connect(pair, Manner::default())?
                    }
                    false => {}
                }
            }
            Some(_) => return Err("`filter` is an object, or null".to_owned()),
        }
        Ok(Value::Null)
    }

    fn keep(&mut self, fields: &Fields<'_>) -> Answer {
        let pair = fields.pair()?;
        let (from, to) = self.ends(pair)?;
        let ports = self.ports();
        let cable = self.graph.connections.get(&pair).cloned().unwrap_or_default();
        if !fields.flag("on")? {
            self.rules.set_rule((&from, &to), &ports, None)?;
            // The rule goes, and with it what it has made; the connection stays.
            if cable.kept {
                self.connect_later(pair);
            }
            return Ok(Value::Null);
        }
        if cable.kept {
            return Ok(Value::Null);
        }
        let mut lines = String::new();
        if cable.exclusive {
            lines.push_str("exclusive = true\n");
        }
        if let Some(stamp) = cable.stamp {
            lines.push_str(&format!("stamp = \"{}\"\n", crate::value::stamp_text(stamp)));
        }
        self.rules.set_rule((&from, &to), &ports, Some(&lines))?;
        self.start_rules()?;
        Ok(Value::Null)
    }

    fn make_rule(&self, pair: Pair) -> Answer {
        let (from, to) = self.ends(pair)?;
        let ports = self.ports();
        Ok(
            json!({ "text": rule_of(&Exact::of(&from, &ports), &Exact::of(&to, &ports), false, None) }),
        )
    }

    /// Starts `aseqd rules run`, if none runs here.
    fn start_rules(&mut self) -> Result<(), String> {
        if self.graph.rules.running { Ok(()) } else { self.rules.start() }
    }

    fn stop_rules(&mut self) -> Answer {
        if !self.rules.is_started() {
            return Err(
                "`aseqd rules run` was not started here: end it where it was started".to_owned()
            );
        }
        self.rules.stop();
        Ok(Value::Null)
    }

    fn set_alias(&mut self, name: &str, port: Address) -> Answer {
        let entry = self.graph.port(port).ok_or_else(|| format!("there is no port {port}"))?;
        let exact = Exact::of(&entry.port, &self.ports());
        let text = self.rules.text()?;
        let new = edit::with_alias(&text, name, &exact)?;
        self.rules.set_text(&new, Some(&text)).map(|()| Value::Null)
    }

    fn restore(&mut self, name: &str, exact: bool) -> Answer {
        let plan = self.patches.plan(name, &self.graph, exact)?;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for pair in plan.cut {
            match self.sequencer.disconnect(pair) {
                Ok(()) => done.push(
                    json!({ "from": pair.0.to_string(), "to": pair.1.to_string(), "cut": true }),
                ),
                Err(why) => failed.push(why),
            }
        }
        for one in plan.connect {
            let manner = Manner { exclusive: one.exclusive, stamp: one.stamp };
            match self.sequencer.connect(one.pair(), manner) {
                Ok(()) => {
                    done.push(json!({ "from": one.sender.to_string(), "to": one.dest.to_string() }))
                }
                Err(why) => failed.push(why),
            }
        }
        Ok(json!({ "done": done, "failed": failed, "missing": plan.missing }))
    }

    fn panic(&self, to: Option<Address>) -> Answer {
        if let Some(port) = to {
            self.sequencer.silence(port)?;
            return Ok(json!({ "ports": 1 }));
        }
        let receives = self
            .graph
            .ports()
            .filter(|entry| entry.port.receives() && entry.port.address.client != CLIENT_SYSTEM);
        // A program that does not read cannot be silenced, and is no reason to leave others out.
        let done =
            receives.filter(|entry| self.sequencer.silence(entry.port.address).is_ok()).count();
        Ok(json!({ "ports": done }))
    }

    fn send(&self, session: &mut Session, fields: &Fields<'_>) -> Answer {
        let text: String = fields.text("midi")?.split_ascii_whitespace().collect();
        if text.len() > 2 * MAX_MIDI {
            return Err(format!("at most {MAX_MIDI} bytes can be sent at once"));
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| "`midi` is bytes in hexadecimal, as \"903c64\"")?;
        let to = fields.maybe_port("to")?;
        self.sequencer.send(&bytes, to, |event| session.sent(to, event))?;
        Ok(Value::Null)
    }

    fn queue(&self, fields: &Fields<'_>) -> Answer {
        let action = match fields.text("action")? {
            "start" => EventType::START,
            "stop" => EventType::STOP,
            "continue" => EventType::CONTINUE,
            _ => return Err("`action` is start, stop or continue".to_owned()),
        };
        self.sequencer.control(fields.number("queue")?, action).map(|()| Value::Null)
    }

    fn transport(&self, fields: &Fields<'_>) -> Answer {
        let port = fields.port("port")?;
        if !self.players.contains_key(&port) {
            return Err(format!("there is no player at {port}"));
        }
        let seconds = fields.0.get("seconds").and_then(Value::as_f64);
        let song = fields.0.get("song").and_then(Value::as_u64);
        let bytes = player::control(fields.text("action")?, seconds, song)?;
        self.sequencer.send(&bytes, Some(port), |_| ()).map(|()| Value::Null)
    }

    /// Ends the notes of a client that is gone.
    pub(crate) fn end_notes(&self, session: &mut Session) {
        for (to, event) in session.end_notes() {
            // The receiver may be gone, and its notes with it.
            let _gone = self.sequencer.send_event(&event, &[], to);
        }
    }
}

/// Returns whether two ports are not connected.
fn cable_is_missing(hub: &Hub, pair: Pair) -> bool {
    !hub.graph.connections.contains_key(&pair)
}
