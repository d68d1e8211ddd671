//! The server under test, and a client of its protocol.

use crate::common::*;
use aseqd_client::aseqd_abi::seq::{PortCaps, PortType};
use aseqd_client::{Address, Client, DEVICE};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};

/// `aseqd web`, with folders of its own.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
}

/// Returns `aseqd web` with these arguments, and its folders in this one.
pub(crate) fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(ASEQD);
    command.arg("web").args(arguments).env_remove("ASEQD_DEVICE").env_remove("STATE_DIRECTORY");
    for (variable, name) in
        [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]
    {
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        command.env(variable, path);
    }
    command
}

impl Server {
    pub(crate) fn start(folder: &TempDir, arguments: &[&str]) -> Self {
        Self::of(Process::start(command(folder, arguments)))
    }

    /// Waits for the address that a process prints.
    pub(crate) fn of(mut process: Process) -> Self {
        process.wait_until("an address", |process| process.stdout().contains("http://"));
        let out = process.stdout();
        let url = out.split_whitespace().find(|word| word.starts_with("http://")).expect("a word");
        let address = url["http://".len()..].split('/').next().expect("an address");
        Self { address: address.parse().expect("an address"), url: url.to_owned(), process }
    }

    /// Ends the server as a service manager would, and waits for that.
    pub(crate) fn end(mut self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.wait_within(DEADLINE);
        assert!(ended.status.success(), "{ended:?}");
    }

    /// Returns a connection on which a read ends after [`DEADLINE`].
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        stream.set_write_timeout(Some(DEADLINE)).expect("a socket");
        stream
    }

    /// Sends bytes, and returns everything that comes until the server ends the connection.
    pub(crate) fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("written");
        let mut all = Vec::new();
        let _reset = stream.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Returns a page, or an error.
    pub(crate) fn get(&self, path: &str, lines: &str) -> String {
        let host = self.address;
        self.ask(
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n")
                .as_bytes(),
        )
    }

    /// Opens a WebSocket, and says nothing.
    pub(crate) fn silent(&self) -> Page {
        let mut stream = self.connect();
        let lines = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        write!(stream, "GET /ws HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", self.address)
            .expect("written");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Page {
            socket: WebSocket::from_raw_socket(stream, Role::Client, None),
            known: Known::default(),
            events: Vec::new(),
            dropped: 0,
            activity: BTreeMap::new(),
            players: BTreeMap::new(),
            next: 0,
            hello: Value::Null,
        }
    }

    /// Opens a WebSocket, and returns it after the first snapshot.
    pub(crate) fn page(&self) -> Page {
        let mut page = self.silent();
        let token = self.url.split_once("#token=").map(|(_, token)| token);
        page.say(&json!({ "type": "hello", "protocol": 1, "token": token }));
        page.hello = page.next();
        assert_eq!(page.hello["type"], "hello");
        page.until("a snapshot", |page| !page.known.clients.is_empty());
        page
    }

    /// Returns a number of a line of `/proc/PID/status`.
    pub(crate) fn status(&self, line: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid()))
            .expect("it runs");
        let value = text.lines().find_map(|one| one.strip_prefix(line)?.strip_prefix(':'));
        value.and_then(|value| value.split_whitespace().next()?.parse().ok()).expect("a number")
    }
}

impl Drop for Server {
    /// Shows what the server has said, if the test fails.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.process.stderr());
        }
    }
}

/// What a page knows.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) clients: BTreeMap<u64, Value>,
    pub(crate) connections: BTreeMap<(String, String), Value>,
    pub(crate) rules: Value,
    pub(crate) seq: u64,
    pub(crate) snapshots: u64,
}

/// A client of the protocol.
pub(crate) struct Page {
    pub(crate) socket: WebSocket<TcpStream>,
    pub(crate) known: Known,
    /// Type of event, and its 12 bytes of data with what follows.
    pub(crate) events: Vec<(u8, Vec<u8>)>,
    pub(crate) dropped: u64,
    pub(crate) activity: BTreeMap<String, u64>,
    /// What players have told last, by their port.
    pub(crate) players: BTreeMap<String, Value>,
    next: u64,
    pub(crate) hello: Value,
}

impl Page {
    pub(crate) fn say(&mut self, value: &Value) {
        self.socket.send(Message::Text(value.to_string().into())).expect("sent");
    }

    /// Returns the next message, and takes in what it tells.
    pub(crate) fn next(&mut self) -> Value {
        let message = self.socket.read().expect("a message");
        self.take(&message)
    }

    fn take(&mut self, message: &Message) -> Value {
        match message {
            Message::Text(text) => {
                let value: Value = serde_json::from_str(text.as_str()).expect("JSON");
                self.learn(&value);
                value
            }
            Message::Binary(bytes) => {
                assert_eq!(bytes[0], 1);
                self.dropped +=
                    u64::from(u32::from_le_bytes(bytes[4..8].try_into().expect("4 bytes")));
                let mut rest = &bytes[16..];
                while let Some((head, _)) = rest.split_first_chunk::<2>() {
                    let (record, after) = rest.split_at(u16::from_le_bytes(*head).into());
                    let end = record.len() - usize::from(record[7]);
                    self.events.push((record[2], record[20..end].to_vec()));
                    rest = after;
                }
                Value::Null
            }
            _ => Value::Null,
        }
    }

    fn learn(&mut self, message: &Value) {
        let list = |key: &str| message[key].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        match message["type"].as_str() {
            Some("snapshot") => {
                self.known = Known { snapshots: self.known.snapshots + 1, ..Known::default() };
            }
            Some("delta") => assert_eq!(message["seq"], self.known.seq + 1, "no delta is missing"),
            Some("activity") => {
                for (port, count) in message["ports"].as_object().expect("an object") {
                    *self.activity.entry(port.clone()).or_default() +=
                        count.as_u64().expect("a number");
                }
                return;
            }
            Some("player") => {
                self.players.insert(text(&message["port"]), message.clone());
                return;
            }
            _ => return,
        }
        self.known.seq = message["seq"].as_u64().expect("a number");
        for gone in list("gone") {
            self.known.clients.remove(&gone.as_u64().expect("a number"));
        }
        for cut in list("cut") {
            self.known.connections.remove(&(text(&cut[0]), text(&cut[1])));
        }
        for client in list("clients") {
            self.known.clients.insert(client["id"].as_u64().expect("a number"), client);
        }
        for one in list("connections") {
            self.known.connections.insert((text(&one["from"]), text(&one["to"])), one);
        }
        if let Some(rules) = message.get("rules") {
            self.known.rules = rules.clone();
        }
    }

    /// Takes in messages until something is so.
    pub(crate) fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !so(self) {
            assert!(
                Instant::now() < end,
                "waiting for {what}: {:?} {}",
                self.known.connections,
                self.known.rules
            );
            self.next();
        }
    }

    /// Carries out a command, and returns its answer.
    pub(crate) fn ask(&mut self, what: &str, fields: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut command = json!({ "id": id, "do": what });
        if let Value::Object(fields) = fields {
            command.as_object_mut().expect("an object").extend(fields);
        }
        self.say(&command);
        let end = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < end, "waiting for the answer to {what}");
            let message = self.next();
            if message["type"] == "answer" {
                assert_eq!(message["id"], id, "answers keep the order");
                return message;
            }
        }
    }

    /// Carries out a command that succeeds, and returns the value of its answer.
    pub(crate) fn done(&mut self, what: &str, fields: Value) -> Value {
        let answer = self.ask(what, fields);
        assert_eq!(answer["ok"], true, "{what}: {answer}");
        answer["value"].clone()
    }

    /// Carries out a command that fails, and returns why.
    pub(crate) fn refused(&mut self, what: &str, fields: Value) -> String {
        let answer = self.ask(what, fields);
        assert_eq!(answer["ok"], false, "{what}: {answer}");
        answer["error"].as_str().expect("a sentence").to_owned()
    }

    /// Returns with which code the server closes the connection.
    pub(crate) fn closed(mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame.map_or(0, |frame| frame.code.into()),
                Ok(message) => {
                    self.take(&message);
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return 0,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Returns whether a client is there, with the name that it has by now.
    pub(crate) fn has(&self, client: &Client) -> bool {
        let info = client.info(client.id()).expect("an answer").expect("it exists");
        let known = self.known.clients.get(&client.id().into());
        known.is_some_and(|known| known["name"] == aseqd_client::text(&info.name))
    }

    /// Returns a connection.
    pub(crate) fn cable(&self, from: Address, to: Address) -> Option<&Value> {
        self.known.connections.get(&(from.to_string(), to.to_string()))
    }
}

/// Opens a program with one port that sends and receives.
pub(crate) fn program(name: &str) -> (Client, Address) {
    let client = Client::open(DEVICE, name).expect("a client");
    let both = PortCaps::READ | PortCaps::SUBS_READ | PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let port = client.create_port("port", both, PortType::MIDI_GENERIC).expect("a port");
    (client, port)
}
