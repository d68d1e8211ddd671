//! The control socket of a run whose clock is not the machine's: `aseqd ctl` asks here for the time, and lets it pass.
//!
//! It is an abstract Unix socket, so nothing is left over when the run is killed. Its name is in the environment of
//! CMD, and follows from the process id of the run. Only the user of the run and root are answered.
//!
//! Requests and answers are lines: `time` or `advance NS`; `ok ELAPSED REALTIME`, in ns, or `error WHY`.

use aseqd_host::error::{Context as _, Fail};
use aseqd_host::peer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with,
    bind, listen, recv, send, socket_with,
};
use rustix::process::geteuid;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

/// The environment variable in which CMD finds the name of the socket.
pub(crate) const VARIABLE: &str = "ASEQD_CONTROL";

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 16;
/// Maximum number of open connections. A client has one for each request.
const MAX_CONNECTIONS: usize = 64;
/// Maximum number of bytes of a request.
const MAX_LINE: usize = 64;

/// Returns the name of the socket of a run, by the process id of its front. Process ids are unique in their namespace
/// only, so the name has the namespace too.
pub(crate) fn name_of(run: u32) -> String {
    let namespace = std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino());
    format!("aseqd-run-{run}-{namespace}")
}

/// A socket that listens for requests.
#[derive(Debug)]
pub(in crate::run) struct Listener {
    socket: OwnedFd,
    name: String,
}

impl Listener {
    /// Makes the socket of the run with this front.
    pub(in crate::run) fn bind(front: u32) -> Result<Self, Fail> {
        let name = name_of(front);
        let made = || -> Result<OwnedFd, Errno> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
            listen(&socket, BACKLOG)?;
            Ok(socket)
        };
        let socket = made().context("the control socket cannot be made")?;
        Ok(Self { socket, name })
    }

    /// Returns what [`VARIABLE`] says.
    pub(in crate::run) fn variable(&self) -> String {
        format!("@{}", self.name)
    }
}

/// Requests, and those that have made them.
#[derive(Debug)]
pub(super) struct Requests {
    listener: OwnedFd,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    line: Vec<u8>,
    /// When its request is answered.
    target: Option<u64>,
}

/// The clock of the run, for answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    /// Virtual `CLOCK_MONOTONIC`, in ns.
    pub(super) now: u64,
    /// Virtual `CLOCK_REALTIME` at the beginning of the run, in ns.
    pub(super) epoch: i64,
}

impl Requests {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listener: listener.socket, connections: Vec::new() }
    }

    /// Returns the descriptors that are readable when something is asked.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let connections = self.connections.iter().map(|connection| connection.socket.as_fd());
        std::iter::once(self.listener.as_fd()).chain(connections)
    }

    /// Returns whether something is asked that [`Requests::attend`] has not seen.
    pub(super) fn are_there(&self) -> bool {
        let mut ready: Vec<_> = self
            .descriptors()
            .map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN))
            .collect();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::io::retry_on_intr(|| poll(&mut ready, Some(&now))).is_ok_and(|ready| ready > 0)
    }

    /// Takes what is asked.
    pub(super) fn attend(&mut self, present: Present) {
        let accept = || accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
        // Others may connect without end. The rest waits for the next time.
        for _ in 0..BACKLOG {
            let Ok(socket) = accept() else { break };
            let own = [geteuid().as_raw(), 0];
            let allowed = peer::of(socket.as_fd()).is_ok_and(|peer| own.contains(&peer.uid));
            if !allowed {
                say(&socket, "error only the user of the run may control it");
            } else if self.connections.len() >= MAX_CONNECTIONS {
                say(&socket, "error too many requests");
            } else {
                self.connections.push(Connection { socket, line: Vec::new(), target: None });
            }
        }
        self.connections.retain_mut(|connection| connection.hear(present));
    }

    /// Returns when the first request is to be answered that waits for time to pass.
    pub(super) fn first_target(&self) -> Option<u64> {
        self.connections.iter().filter_map(|connection| connection.target).min()
    }

    /// Returns when the last of them is to be answered.
    pub(super) fn last_target(&self) -> Option<u64> {
        self.connections.iter().filter_map(|connection| connection.target).max()
    }

    /// Answers the requests that waited for this time.
    pub(super) fn reached(&mut self, present: Present) {
        for connection in &mut self.connections {
            if connection.target.is_some_and(|target| target <= present.now) {
                connection.target = None;
                present.tell(&connection.socket);
            }
        }
    }
}

impl Connection {
    /// Reads what was sent. Returns whether the connection goes on.
    fn hear(&mut self, present: Present) -> bool {
        loop {
            let mut bytes = [0_u8; MAX_LINE];
            match recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => return false,
                Ok((count, _)) => self.line.extend_from_slice(&bytes[..count]),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
            while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                if self.target.is_some() {
                    say(&self.socket, "error the request before is not answered yet");
                    return false;
                }
                self.request(String::from_utf8_lossy(&line).trim(), present);
            }
            if self.line.len() >= MAX_LINE {
                say(&self.socket, "error a request is too long");
                return false;
            }
        }
    }

    fn request(&mut self, line: &str, present: Present) {
        let duration = line.strip_prefix("advance ").and_then(|text| text.parse::<u64>().ok());
        match duration {
            Some(0) => present.tell(&self.socket),
            Some(duration) => self.target = Some(present.now.saturating_add(duration)),
            None if line == "time" => present.tell(&self.socket),
            None => say(&self.socket, "error a request is `time` or `advance NANOSECONDS`"),
        }
    }
}

impl Present {
    fn tell(self, socket: &OwnedFd) {
        let elapsed = self.now.saturating_sub(vtime::START);
        let realtime = self.epoch.saturating_add_unsigned(elapsed);
        say(socket, &format!("ok {elapsed} {realtime}"));
    }
}

/// Sends a line. A client that does not read loses it.
fn say(socket: &OwnedFd, line: &str) {
    let line = format!("{line}\n");
    let _gone = send(socket, line.as_bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::time::{Duration, Instant};

    /// A number that no process has, so that tests and runs do not meet.
    const BASE: u32 = 1 << 30;

    fn present(elapsed: u64) -> Present {
        Present { now: vtime::START + elapsed, epoch: 1000 }
    }

    fn requests(number: u32) -> (Requests, impl Fn() -> UnixStream) {
        let listener = Listener::bind(BASE + number).unwrap();
        let name = listener.variable()[1..].to_owned();
        let connect = move || {
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            let stream = UnixStream::connect_addr(&address).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        };
        (Requests::new(listener), connect)
    }

    /// Returns what has been answered; `None` if the connection is closed.
    fn answer(stream: &mut UnixStream) -> Option<String> {
        let mut bytes = [0; 200];
        match stream.read(&mut bytes) {
            Ok(0) => None,
            Ok(count) => Some(String::from_utf8_lossy(&bytes[..count]).into_owned()),
            // It was closed with something unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(_) => Some(String::new()),
        }
    }

    #[test]
    fn a_request_is_answered_when_its_time_has_come() {
        let (mut requests, connect) = requests(0);
        assert!(!requests.are_there());
        let (mut first, mut second) = (connect(), connect());
        first.write_all(b"time\nadvance 50").unwrap();
        second.write_all(b"advance 20\n").unwrap();
        assert!(requests.are_there());
        requests.attend(present(7));
        assert_eq!(answer(&mut first).unwrap(), "ok 7 1007\n");
        assert_eq!(requests.first_target(), Some(present(27).now));
        first.write_all(b"0\n").unwrap();
        requests.attend(present(7));
        requests.reached(present(26));
        assert_eq!(answer(&mut second).unwrap(), "");
        requests.reached(present(27));
        assert_eq!(answer(&mut second).unwrap(), "ok 27 1027\n");
        assert_eq!(requests.first_target(), Some(present(507).now));
        drop(first);
        wait_until("the request is forgotten with its connection", || {
            requests.attend(present(27));
            requests.first_target().is_none()
        });
    }

    /// Waits until this is so. A process that another test begins has copies of our sockets until it executes its
    /// program, so a closed end is not seen as closed at once.
    fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !so() {
            assert!(Instant::now() < deadline, "{what}: not within 60 s");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn wrong_requests_are_refused() {
        let (mut requests, connect) = requests(1);
        let refused = |requests: &mut Requests, bytes: &[u8]| {
            let mut stream = connect();
            stream.write_all(bytes).unwrap();
            requests.attend(present(0));
            let said = answer(&mut stream).unwrap();
            assert!(said.starts_with("error "), "{said}");
            stream
        };
        for bytes in [&b"\n"[..], b"advance\n", b"advance -1\n", b"advance 1s\n", b"\xff\n"] {
            let mut stream = refused(&mut requests, bytes);
            assert!(answer(&mut stream).is_some(), "closed after {bytes:?}");
        }
        for bytes in [&[b'x'; 100][..], b"advance 5\ntime\n"] {
            let mut stream = refused(&mut requests, bytes);
            wait_until("the connection is closed", || answer(&mut stream).is_none());
        }
        let mut kept = Vec::new();
        for _ in 0..MAX_CONNECTIONS + 10 {
            kept.push(connect());
            requests.attend(present(0));
        }
        assert!(requests.connections.len() <= MAX_CONNECTIONS);
        drop(kept);
        wait_until("no connection is left", || {
            requests.attend(present(0));
            requests.connections.is_empty()
        });
    }
}
