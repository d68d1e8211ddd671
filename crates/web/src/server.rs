//! The loop: one thread waits for clients, the sequencer, files and signals, and does everything but listen to events.

use crate::args::WebArgs;
use crate::connection::{Close, Connection, Said};
use crate::http::Hosts;
use crate::hub::{Hub, PROTOCOL};
use crate::stream::Listener;
use crate::token::Door;
use crate::watch::{Read, Watch};
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// The most connections. A browser has six at most for one page.
const MAX_CONNECTIONS: usize = 256;
/// The most clients of the protocol.
const MAX_CLIENTS: usize = 32;
/// The most connections that are taken before others have their turn.
const ACCEPTS: usize = 64;
/// The time between two messages about activity: 20 a second.
const TICK: Duration = Duration::from_millis(50);
/// How long no connection is taken after the kernel had no room for one.
const PAUSE: Duration = Duration::from_millis(200);
/// How long clients have to read why they are closed, when the server ends.
const FAREWELL: Duration = Duration::from_millis(300);

/// The server.
pub(crate) struct Server {
    hub: Hub,
    listener: Listener,
    hosts: Hosts,
    door: Door,
    connections: BTreeMap<u64, Connection>,
    next: u64,
    /// When connections are taken again.
    pause: Option<Instant>,
    /// When the listener was asked last.
    asked: Instant,
    /// When the listener is to be asked, while events come.
    tick: Option<Instant>,
    /// Losses that were told.
    lost: u64,
    /// Whether somebody looks.
    busy: bool,
}

/// What is ready.
#[derive(Default)]
struct Ready {
    signal: bool,
    sequencer: bool,
    accept: bool,
    listener: bool,
    files: bool,
    connections: Vec<u64>,
}

impl Server {
    pub(crate) fn new(hub: Hub, listener: Listener, args: &WebArgs, door: Door) -> Self {
        Self {
            hub,
            listener,
            hosts: Hosts { names: args.host.clone() },
            door,
            connections: BTreeMap::new(),
            next: 0,
            pause: None,
            asked: Instant::now(),
            tick: None,
            lost: 0,
            busy: false,
        }
    }

    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// A message if the sequencer has ended.
    pub(crate) fn run(&mut self, signals: &SignalFd) -> Result<(), Fail> {
        let ended = self.serve(signals);
        self.farewell();
        ended
    }

    fn serve(&mut self, signals: &SignalFd) -> Result<(), Fail> {
        loop {
            let ready = self.wait(signals)?;
            if ready.signal && signals.take().context("signals cannot be received")?.is_some() {
                return Ok(());
            }
            let now = Instant::now();
            if ready.accept {
                self.accept(now);
            }
            for number in ready.connections {
                self.serve_one(number, now)?;
            }
            if ready.sequencer && self.busy && self.hub.hear(now)? {
                self.notice("announcements were lost: everything was looked at again");
            }
            if ready.files {
                self.hub.files_changed();
            }
            if ready.listener && self.tick.is_none() {
                self.tick = Some(now.max(self.asked + TICK));
            }
            self.expire(now);
            self.look(now)?;
            self.tick(now)?;
            self.pump(now);
            self.forget_gone()?;
        }
    }

    /// Waits until something is ready or due.
    fn wait(&self, signals: &SignalFd) -> Result<Ready, Fail> {
        let now = Instant::now();
        let has_more = self.connections.values().any(Connection::has_more);
        let deadlines = self.connections.values().map(|connection| connection.deadline);
        let look = if self.busy { self.hub.next_look() } else { None };
        let due = deadlines.chain(look).chain(self.tick).chain(self.pause).min();
        let client = &self.hub.sequencer.client;
        let at_once = has_more || self.busy && client.has_event();
        let timeout = match at_once {
            true => Some(Duration::ZERO),
            // One more, so that it is due when the time is over.
            false => due.map(|due| due.saturating_duration_since(now) + Duration::from_micros(1)),
        };
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let quiet = PollFlags::empty();
        // Nobody looks: only the end of the sequencer matters.
        let of_sequencer = if self.busy { PollFlags::IN } else { quiet };
        let of_accept = if self.pause.is_none() { PollFlags::IN } else { quiet };
        let mut fds = vec![
            PollFd::new(signals, PollFlags::IN),
            PollFd::new(client, of_sequencer),
            PollFd::new(&self.listener, of_accept),
        ];
        let wake = self.hub.watch.as_ref().map(Watch::wake);
        let wake = wake.as_ref().map(|wake| add(&mut fds, PollFd::new(wake, PollFlags::IN)));
        let files = self.hub.files().map(|files| add(&mut fds, PollFd::new(files, PollFlags::IN)));
        let first = fds.len();
        let waiting = self.connections.iter().filter_map(|(number, connection)| {
            let (stream, flags) = connection.interest()?;
            Some((*number, PollFd::new(stream, flags)))
        });
        let (numbers, streams): (Vec<_>, Vec<_>) = waiting.unzip();
        fds.extend(streams);
        match poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            polled => polled.context("cannot wait")?,
        };
        let is_ready = |at: usize| !fds[at].revents().is_empty();
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        // A signal first: whoever ends the sequencer may have told this program to end before.
        if fds[1].revents().intersects(gone) && !is_ready(0) {
            return Err(Fail::ended());
        }
        let readable =
            numbers.iter().zip(first..).filter(|(_, at)| is_ready(*at)).map(|(number, _)| *number);
        let more =
            self.connections.iter().filter(|(_, one)| one.has_more()).map(|(number, _)| *number);
        let mut connections: Vec<_> = readable.chain(more).collect();
        connections.sort_unstable();
        connections.dedup();
        Ok(Ready {
            signal: is_ready(0),
            sequencer: is_ready(1) || client.has_event(),
            accept: is_ready(2),
            listener: wake.is_some_and(is_ready),
            files: files.is_some_and(is_ready),
            connections,
        })
    }

    fn accept(&mut self, now: Instant) {
        for _ in 0..ACCEPTS {
            let (stream, place) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => continue,
                    // There is no room for more descriptors: a wait is better than a busy loop.
                    _ => {
                        self.pause = Some(now + PAUSE);
                        return;
                    }
                },
            };
            if self.connections.len() >= MAX_CONNECTIONS {
                // The one that has taken the longest for its request goes, so that nobody can keep others out by
                // saying nothing.
                let waiting = self.connections.iter().filter(|(_, one)| one.is_http());
                let oldest = waiting.min_by_key(|(_, one)| one.deadline).map(|(number, _)| *number);
                let Some(oldest) = oldest else { continue };
                self.connections.remove(&oldest);
            }
            self.connections.insert(self.next, Connection::new(stream, place, now));
            self.next += 1;
        }
    }

    /// Reads what a connection says, and does it.
    fn serve_one(&mut self, number: u64, now: Instant) -> Result<(), Fail> {
        let clients = self.connections.values().filter(|one| !one.is_http()).count();
        let Some(connection) = self.connections.get_mut(&number) else { return Ok(()) };
        if connection.is_http() {
            connection.serve(&self.hosts, now);
            if connection.is_http() || connection.is_gone() {
                return Ok(());
            }
            if clients >= MAX_CLIENTS {
                connection.close(Close::TooMany, now);
                return Ok(());
            }
        }
        let mut turn = 0;
        while let Said::Text(text) = connection.hear(&mut turn, now) {
            let Some(socket) = connection.socket() else { break };
            if !socket.session.limit.take(now) {
                connection.close(Close::Policy("too many messages"), now);
                break;
            }
            let message = serde_json::from_str::<Value>(&text).ok();
            let Some(Value::Object(message)) = message else {
                connection.close(Close::Policy("a message is an object of JSON"), now);
                break;
            };
            let refused = if socket.session.greeted {
                command(&mut self.hub, &mut socket.session, &message)
            } else {
                let refused = greets(&message, &self.door, || socket.user());
                if refused.is_none() {
                    self.hub.begin()?;
                    self.busy = true;
                    // More than room enough for the first messages.
                    let _room = socket.session.outbox.answer(self.hub.hello());
                    let snapshot = self.hub.snapshot();
                    socket.session.outbox.snapshot(&snapshot);
                    for (port, text) in &self.hub.players {
                        socket.session.outbox.player(*port, text);
                    }
                    connection.greet(now);
                }
                refused
            };
            if let Some(why) = refused {
                connection.close(why, now);
                break;
            }
        }
        Ok(())
    }

    fn expire(&mut self, now: Instant) {
        if self.pause.is_some_and(|until| until <= now) {
            self.pause = None;
        }
        for connection in self.connections.values_mut() {
            connection.expire(now);
        }
    }

    /// Looks at the sequencer if that is due, and tells what has changed.
    fn look(&mut self, now: Instant) -> Result<(), Fail> {
        if !self.busy {
            return Ok(());
        }
        let (mut wanted, mut events) = (false, false);
        for session in self.connections.values_mut().filter_map(Connection::client) {
            events |= session.has_monitor();
            wanted |= session.activity || session.has_monitor();
        }
        if let Some(why) = self.hub.listen(wanted, events, now) {
            self.notice(&why);
        }
        if let Some(delta) = self.hub.settle(now)? {
            for session in self.connections.values_mut().filter_map(Connection::client) {
                session.outbox.delta(&delta);
            }
        }
        Ok(())
    }

    /// Gives out what the listener has read, if that is due.
    fn tick(&mut self, now: Instant) -> Result<(), Fail> {
        let Some(watch) = &self.hub.watch else {
            self.tick = None;
            return Ok(());
        };
        if self.tick.is_none() && watch.arm() {
            self.tick = Some(now.max(self.asked + TICK));
        }
        if self.tick.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.asked = now;
        let Some(read) = self.hub.read() else { return Ok(()) };
        if read.ended {
            return Err(Fail::ended());
        }
        // Nothing has come for a whole step: the thread will say when something does.
        self.tick = read.has_something().then_some(now + TICK);
        self.give(&read);
        if self.tick.is_none() && self.hub.watch.as_ref().is_some_and(Watch::arm) {
            self.tick = Some(now + TICK);
        }
        Ok(())
    }

    fn give(&mut self, read: &Read) {
        for (port, data) in &read.told {
            let Some(text) = self.hub.told(*port, data) else { continue };
            for session in self.connections.values_mut().filter_map(Connection::client) {
                session.outbox.player(*port, &text);
            }
        }
        let mut records: Vec<_> = vec![None; read.events.len()];
        for session in self.connections.values_mut().filter_map(Connection::client) {
            if session.activity && !read.counts.is_empty() {
                session.outbox.activity(&read.counts, read.lost);
            }
            if read.dropped > 0 {
                session.dropped(read.dropped);
            }
            for (seen, record) in read.events.iter().zip(&mut records) {
                session.see(seen, record);
            }
        }
        if read.lost > self.lost {
            self.notice("events were lost: they came faster than they were read");
        }
        self.lost = read.lost;
    }

    fn notice(&mut self, text: &str) {
        let text = json!({ "type": "notice", "text": text }).to_string();
        for session in self.connections.values_mut().filter_map(Connection::client) {
            // Who reads nothing needs no notice.
            let _full = session.outbox.answer(text.as_str());
        }
    }

    /// Writes what waits for clients.
    fn pump(&mut self, now: Instant) {
        for connection in self.connections.values_mut() {
            if connection.is_http() {
                continue;
            }
            connection.pump(now);
            if connection.client().is_some_and(|session| session.outbox.wants_snapshot()) {
                let snapshot = self.hub.snapshot();
                if let Some(session) = connection.client() {
                    session.outbox.snapshot(&snapshot);
                }
                connection.pump(now);
            }
        }
    }

    /// Forgets connections that have ended, and rests after the last one.
    fn forget_gone(&mut self) -> Result<(), Fail> {
        let mut ended = Vec::new();
        self.connections.retain(|_, connection| {
            let gone = connection.is_gone();
            if let Some(session) = connection.take_ended() {
                ended.push(session);
            }
            !gone
        });
        for mut session in ended {
            self.hub.end_notes(&mut session);
        }
        if self.busy
            && !self.connections.values_mut().any(|connection| connection.client().is_some())
        {
            self.busy = false;
            self.tick = None;
            self.hub.rest()?;
        }
        Ok(())
    }

    /// Tells all clients that the server ends, and gives them a moment to read it.
    fn farewell(&mut self) {
        let until = Instant::now() + FAREWELL;
        for connection in self.connections.values_mut() {
            connection.close(Close::ServerEnds, Instant::now());
        }
        for mut session in self.connections.values_mut().filter_map(Connection::take_ended) {
            self.hub.end_notes(&mut session);
        }
        while Instant::now() < until && self.connections.values().any(|one| !one.is_gone()) {
            let mut fds: Vec<_> = self
                .connections
                .values()
                .filter_map(Connection::interest)
                .map(|(stream, flags)| PollFd::new(stream, flags))
                .collect();
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
            if poll(&mut fds, left.as_ref()).is_err() {
                return;
            }
            for connection in self.connections.values_mut() {
                let _closing = connection.hear(&mut 0, Instant::now());
                connection.pump(Instant::now());
            }
        }
    }
}

fn add<'a>(fds: &mut Vec<PollFd<'a>>, fd: PollFd<'a>) -> usize {
    fds.push(fd);
    fds.len() - 1
}

/// Returns why a first message is refused, if it is.
fn greets(
    message: &Map<String, Value>,
    door: &Door,
    user: impl FnOnce() -> Option<u32>,
) -> Option<Close> {
    if message.get("type").and_then(Value::as_str) != Some("hello") {
        return Some(Close::Policy("the first message is hello"));
    }
    let said = message.get("token").and_then(Value::as_str).unwrap_or_default();
    if !door.lets_in(said, user) {
        return Some(Close::WrongToken);
    }
    let version = message.get("protocol").and_then(Value::as_u64);
    (version != Some(PROTOCOL)).then_some(Close::WrongVersion)
}

/// Carries out a command, and answers it. Returns why the client is closed, if it is.
fn command(
    hub: &mut Hub,
    session: &mut crate::session::Session,
    message: &Map<String, Value>,
) -> Option<Close> {
    let Some(id) = message.get("id").and_then(Value::as_u64) else {
        return Some(Close::Policy("a command has an id"));
    };
    let done = hub.command(session, message);
    session.answer(id, done).is_err().then_some(Close::TooSlow)
}
