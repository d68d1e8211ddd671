//! A connection: first requests of HTTP, then perhaps a WebSocket. Everything has a limit and a deadline.

use crate::http::{self, Answer, Body, Hosts, Place};
use crate::outbox::Message;
use crate::session::Session;
use crate::stream::Stream;
use crate::watch;
use rustix::event::PollFlags;
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tungstenite::{Bytes, Error, Utf8Bytes};

/// The most bytes of a message to the server. Rules of 200 KiB fit, with what JSON adds.
pub(crate) const MAX_MESSAGE: usize = 256 << 10;
/// How long a client may take for a request, and how long it may say nothing between two.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to read an answer, or may read nothing at all.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a WebSocket may say nothing before it is asked, and after that.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a client has for its `hello`.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client has to close its end after ours.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages that are taken from one client, and steps of its requests, before others have their turn.
const TURN: usize = 64;
/// Reads of a request before others have their turn: each looks at the whole request again.
const READS: usize = 16;

/// Why a WebSocket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    ServerEnds,
    Policy(&'static str),
    TooLong,
    TooSlow,
    TooMany,
    WrongToken,
    WrongVersion,
    NoHello,
    Broken,
}

impl Close {
    fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::ServerEnds => (CloseCode::Away, "the server ends"),
            Self::Policy(why) => (CloseCode::Policy, why),
            Self::TooLong => (CloseCode::Size, "the message is too long"),
            Self::TooSlow => (CloseCode::Again, "nothing was read for too long"),
            Self::TooMany => (CloseCode::Again, "there are too many clients"),
            Self::WrongToken => (CloseCode::Library(4001), "the token is missing or wrong"),
            Self::WrongVersion => (CloseCode::Library(4002), "this version is not spoken here"),
            Self::NoHello => (CloseCode::Library(4003), "no hello in time"),
            Self::Broken => (CloseCode::Protocol, "this is no WebSocket"),
        };
        CloseFrame { code, reason: reason.into() }
    }
}

/// A connection.
pub(crate) struct Connection {
    place: Place,
    state: State,
    /// When the connection is ended, or a WebSocket asked.
    pub(crate) deadline: Instant,
}

enum State {
    Http(Http),
    Socket(Box<Socket>),
    /// A WebSocket that has ended, whose notes have not.
    Ended(Box<Session>),
    Gone,
}

/// Requests.
struct Http {
    stream: Stream,
    input: Vec<u8>,
    head: Vec<u8>,
    body: Body,
    /// Bytes of head and body that were written.
    written: usize,
    /// Whether an answer is being written.
    writes: bool,
    /// Whether another request may follow.
    keep: bool,
    /// Whether the answer is a handshake, after which it is a WebSocket.
    upgrade: bool,
    /// Whether everything was said, and the end of the client is waited for.
    drains: bool,
    /// Whether others had to have their turn before all that has come was looked at.
    more: bool,
}

/// A WebSocket.
pub(crate) struct Socket {
    socket: WebSocket<Stream>,
    pub(crate) session: Session,
    /// Whether bytes wait for room in the kernel.
    blocked: bool,
    /// Whether more messages were read than were taken.
    more: bool,
    asked: bool,
    closing: bool,
    /// Whether what comes is thrown away: a frame has lied, and nobody knows where the next one begins.
    deaf: bool,
}

/// What a client has said.
pub(crate) enum Said {
    Text(String),
    /// Nothing more for now.
    Nothing,
}

impl Connection {
    pub(crate) fn new(stream: Stream, place: Place, now: Instant) -> Self {
        let http = Http {
            stream,
            input: Vec::new(),
            head: Vec::new(),
            body: Body::Static(b""),
            written: 0,
            writes: false,
            keep: true,
            upgrade: false,
            drains: false,
            more: false,
        };
        Self { place, state: State::Http(http), deadline: now + REQUEST_TIMEOUT }
    }

    /// Returns whether it has ended.
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone | State::Ended(_))
    }

    /// Returns whether it is no WebSocket.
    pub(crate) const fn is_http(&self) -> bool {
        matches!(self.state, State::Http(_))
    }

    /// Returns the WebSocket that it is.
    pub(crate) fn socket(&mut self) -> Option<&mut Socket> {
        match &mut self.state {
            State::Socket(socket) if !socket.closing => Some(socket),
            _ => None,
        }
    }

    /// Notes that its `hello` was accepted.
    pub(crate) fn greet(&mut self, now: Instant) {
        if let Some(socket) = self.socket() {
            socket.session.greeted = true;
            self.deadline = now + SILENCE;
        }
    }

    /// Returns the client, if its `hello` was accepted.
    pub(crate) fn client(&mut self) -> Option<&mut Session> {
        self.socket().map(|socket| &mut socket.session).filter(|session| session.greeted)
    }

    /// Takes the client, if its connection is over.
    pub(crate) fn take_ended(&mut self) -> Option<Session> {
        match &mut self.state {
            State::Socket(socket) if socket.closing && socket.session.greeted => {
                Some(std::mem::replace(&mut socket.session, Session::new(self.deadline)))
            }
            State::Ended(_) => match std::mem::replace(&mut self.state, State::Gone) {
                State::Ended(session) => Some(*session),
                _ => None,
            },
            _ => None,
        }
    }

    fn end(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Socket(socket) => State::Ended(Box::new(socket.session)),
            _ => State::Gone,
        };
    }

    /// Returns the descriptor to wait for, with what to wait for.
    pub(crate) fn interest(&self) -> Option<(&Stream, PollFlags)> {
        match &self.state {
            State::Http(http) if http.writes => Some((&http.stream, PollFlags::OUT)),
            State::Http(http) => Some((&http.stream, PollFlags::IN)),
            State::Socket(socket) if socket.blocked => {
                Some((socket.socket.get_ref(), PollFlags::IN | PollFlags::OUT))
            }
            State::Socket(socket) => Some((socket.socket.get_ref(), PollFlags::IN)),
            State::Ended(_) | State::Gone => None,
        }
    }

    /// Returns whether it has something to do without waiting.
    pub(crate) fn has_more(&self) -> bool {
        matches!(&self.state, State::Http(Http { more: true, .. }))
            || matches!(&self.state, State::Socket(socket) if socket.more)
    }

    /// Does what is due.
    pub(crate) fn expire(&mut self, now: Instant) {
        if now < self.deadline {
            return;
        }
        match &mut self.state {
            State::Socket(socket) if !socket.closing && !socket.session.greeted => {
                self.close(Close::NoHello, now);
            }
            State::Socket(socket) if !socket.closing && !socket.asked && !socket.blocked => {
                socket.asked = true;
                self.deadline = now + SILENCE;
                socket.write(tungstenite::Message::Ping(Bytes::new()));
            }
            _ => self.end(),
        }
    }

    /// Closes a WebSocket.
    pub(crate) fn close(&mut self, why: Close, now: Instant) {
        let State::Socket(socket) = &mut self.state else {
            self.state = State::Gone;
            return;
        };
        if !socket.closing {
            socket.closing = true;
            socket.deaf = matches!(why, Close::TooLong | Close::Broken);
            socket.more = false;
            let _broken = socket.socket.close(Some(why.frame()));
            let _blocked = socket.socket.flush();
            self.deadline = now + CLOSE_TIMEOUT;
        }
    }

    /// Reads requests and writes their answers, as long as it is no WebSocket.
    pub(crate) fn serve(&mut self, hosts: &Hosts, now: Instant) {
        for turn in 0.. {
            let State::Http(http) = &mut self.state else { return };
            http.more = turn == TURN && !http.writes;
            if turn == TURN {
                return;
            }
            let went_on = match () {
                () if http.drains => http.drain(),
                () if http.writes => http.write(),
                () => http.read(self.place, hosts),
            };
            match went_on {
                Step::Wait => return,
                Step::Gone => self.state = State::Gone,
                Step::Answers => self.deadline = now + READ_TIMEOUT,
                Step::Next if http.drains => self.deadline = now + CLOSE_TIMEOUT,
                Step::Next if http.upgrade => self.upgrade(now),
                Step::Next => self.deadline = now + REQUEST_TIMEOUT,
            }
        }
    }

    fn upgrade(&mut self, now: Instant) {
        let State::Http(http) = std::mem::replace(&mut self.state, State::Gone) else { return };
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        // What came behind the handshake is the beginning of the first message.
        let socket =
            WebSocket::from_partially_read(http.stream, http.input, Role::Server, Some(config));
        let session = Session::new(now);
        let socket = Socket {
            socket,
            session,
            blocked: false,
            more: true,
            asked: false,
            closing: false,
            deaf: false,
        };
        self.state = State::Socket(Box::new(socket));
        self.deadline = now + HELLO_TIMEOUT;
    }

    /// Returns what a WebSocket says next; at most as often as is fair to others.
    pub(crate) fn hear(&mut self, turn: &mut usize, now: Instant) -> Said {
        let State::Socket(socket) = &mut self.state else { return Said::Nothing };
        if socket.deaf {
            if !socket.discard() {
                self.end();
            }
            return Said::Nothing;
        }
        loop {
            if *turn >= TURN {
                socket.more = true;
                return Said::Nothing;
            }
            *turn += 1;
            let said = socket.socket.read();
            if said.is_ok() && socket.session.greeted && !socket.closing && !socket.blocked {
                socket.asked = false;
                self.deadline = now + SILENCE;
            }
            match said {
                Ok(tungstenite::Message::Text(_)) if socket.closing => {}
                Ok(tungstenite::Message::Text(text)) => {
                    return Said::Text(text.as_str().to_owned());
                }
                Ok(tungstenite::Message::Close(_)) => {
                    socket.closing = true;
                    self.deadline = now + CLOSE_TIMEOUT;
                }
                Ok(tungstenite::Message::Binary(_)) => {
                    self.close(Close::Policy("messages to the server are text"), now);
                    return Said::Nothing;
                }
                Ok(_) => {
                    // Pings cost the server as much as messages.
                    if !socket.session.limit.take(now) {
                        self.close(Close::Policy("too many messages"), now);
                        return Said::Nothing;
                    }
                }
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    socket.more = false;
                    return Said::Nothing;
                }
                Err(Error::Capacity(_)) if !socket.closing => {
                    self.close(Close::TooLong, now);
                    return Said::Nothing;
                }
                Err(Error::Protocol(_) | Error::Utf8(_)) if !socket.closing => {
                    self.close(Close::Broken, now);
                    return Said::Nothing;
                }
                Err(_) => {
                    self.end();
                    return Said::Nothing;
                }
            }
        }
    }

    /// Writes what waits, as much as the kernel takes.
    pub(crate) fn pump(&mut self, now: Instant) {
        let State::Socket(socket) = &mut self.state else { return };
        let was_blocked = socket.blocked;
        match socket.pump() {
            // Their deadlines stand.
            Ok(_) if socket.closing || !socket.session.greeted => {}
            Ok(wrote) if socket.blocked && (wrote || !was_blocked) => {
                self.deadline = now + READ_TIMEOUT
            }
            Ok(_) if was_blocked && !socket.blocked => self.deadline = now + SILENCE,
            Ok(_) => {}
            Err(()) => self.end(),
        }
    }
}

/// What came of a step.
enum Step {
    /// The kernel has nothing more for now.
    Wait,
    /// An answer is to be written.
    Answers,
    /// A part is done.
    Next,
    Gone,
}

impl Http {
    fn read(&mut self, place: Place, hosts: &Hosts) -> Step {
        let mut buffer = [0; 4096];
        for _ in 0..READS {
            match http::answer(&self.input, place, hosts) {
                Answer::Wait => {}
                Answer::Send { head, body, keep, used } => {
                    self.input.drain(..used);
                    (self.head, self.body, self.keep) = (head.into_bytes(), body, keep);
                    (self.written, self.writes) = (0, true);
                    return Step::Answers;
                }
                Answer::Socket { head, used } => {
                    self.input.drain(..used);
                    self.head = head.into_bytes();
                    (self.body, self.upgrade) = (Body::Static(b""), true);
                    (self.written, self.writes) = (0, true);
                    return Step::Answers;
                }
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Step::Gone,
                // The deadline is that of the whole request, so that one byte now and then does not keep it.
                Ok(read) => self.input.extend_from_slice(&buffer[..read]),
                Err(error) => return after(&error),
            }
        }
        self.more = true;
        Step::Wait
    }

    fn write(&mut self) -> Step {
        loop {
            let body = self.body.bytes();
            let left = match self.written.checked_sub(self.head.len()) {
                None => &self.head[self.written..],
                Some(at) if at < body.len() => &body[at..],
                Some(_) => break,
            };
            match self.stream.write(left) {
                Ok(0) => return Step::Gone,
                Ok(written) => self.written += written,
                Err(error) => return after(&error),
            }
        }
        self.writes = false;
        if !self.keep {
            self.stream.finish();
            self.drains = true;
        }
        Step::Next
    }

    /// Reads what the client still says, so that it can read the answer before the connection is reset.
    fn drain(&mut self) -> Step {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => Step::Gone,
            Ok(_) => Step::Wait,
            Err(error) => after(&error),
        }
    }
}

fn after(error: &std::io::Error) -> Step {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Step::Wait,
        _ => Step::Gone,
    }
}

impl Socket {
    /// Returns the user whose program it is, if that is known.
    pub(crate) fn user(&self) -> Option<u32> {
        self.socket.get_ref().user()
    }

    /// Reads and forgets, so that the client can read why it is closed before the connection is reset. Returns whether it
    /// is still there.
    fn discard(&mut self) -> bool {
        match self.socket.get_mut().read(&mut [0; 4096]) {
            Ok(read) => read > 0,
            Err(error) => matches!(after(&error), Step::Wait),
        }
    }

    /// Writes a message, or as much of it as the kernel takes.
    fn write(&mut self, message: tungstenite::Message) {
        let _told_by_flush = self.socket.write(message);
    }

    /// Writes what waits. Returns whether something was written, or an error if the client is gone.
    fn pump(&mut self) -> Result<bool, ()> {
        let mut wrote = false;
        loop {
            match self.socket.flush() {
                Ok(()) => self.blocked = false,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(wrote);
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) if !self.closing => {
                    return Err(());
                }
                Err(_) => return Err(()),
            }
            if self.closing {
                return Ok(wrote);
            }
            let message = match self.session.outbox.take(watch::now()) {
                Some(Message::Text(text)) => tungstenite::Message::Text(Utf8Bytes::from(&*text)),
                Some(Message::Binary(bytes)) => tungstenite::Message::Binary(bytes.into()),
                None => return Ok(wrote),
            };
            wrote = true;
            match self.socket.write(message) {
                Ok(()) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(()),
            }
        }
    }
}
