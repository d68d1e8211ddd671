//! Real-time scheduling from rtkit, the desktop's service, for users whom the kernel refuses it.
//!
//! This implements as much of D-Bus (version 1 of its specification) as three calls need. rtkit installs the
//! description of its interface as `org.freedesktop.RealtimeKit1.xml`.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::{Duration, Instant};

const ADDRESS_VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";
const DEFAULT_ADDRESS: &str = "unix:path=/var/run/dbus/system_bus_socket";
/// The timeout of all calls together. The bus may have to start rtkit first, and a thread of its own waits.
const RTKIT_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of bytes in an answer. The answers are numbers, so a longer one is an error.
const MAX_MESSAGE: usize = 1 << 16;

/// An object on the bus, and one of its interfaces.
struct Object {
    service: &'static str,
    path: &'static str,
    interface: &'static str,
}

const BUS: Object = Object {
    service: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};
const RTKIT: Object = Object {
    service: "org.freedesktop.RealtimeKit1",
    path: "/org/freedesktop/RealtimeKit1",
    interface: "org.freedesktop.RealtimeKit1",
};
const PROPERTIES: Object = Object { interface: "org.freedesktop.DBus.Properties", ..RTKIT };

/// Number of bytes before the fields of a message's header. The last four are the length of the fields.
const HEADER: usize = 16;
const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const VERSION: u8 = 1;
/// Messages are in the byte order of their sender, and all senders are on this machine.
const BYTE_ORDER: u8 = if cfg!(target_endian = "little") { b'l' } else { b'B' };

/// A connection to rtkit.
#[derive(Debug)]
pub struct Rtkit {
    stream: UnixStream,
    end: Instant,
    serial: u32,
}

impl Rtkit {
    /// Connects to the system's bus.
    ///
    /// # Errors
    /// If there is no bus, or it refuses this user.
    pub fn connect() -> io::Result<Self> {
        let addresses = std::env::var(ADDRESS_VARIABLE).unwrap_or_else(|_| DEFAULT_ADDRESS.into());
        let address = addresses.split(';').find_map(socket).ok_or(ErrorKind::Unsupported)?;
        let stream = UnixStream::connect_addr(&address)?;
        let mut rtkit = Self { stream, end: Instant::now() + RTKIT_TIMEOUT, serial: 0 };
        rtkit.authenticate()?;
        rtkit.call(&BUS, "Hello", "", &[])?;
        Ok(rtkit)
    }

    /// How long a thread may run without sleeping, at most: the process must limit itself to that
    /// (`RLIMIT_RTTIME`, hard) before it asks.
    ///
    /// # Errors
    /// No rtkit here.
    pub fn longest_run(&mut self) -> io::Result<Duration> {
        let mut names = Vec::new();
        for name in [RTKIT.interface, "RTTimeUSecMax"] {
            string(&mut names, name);
        }
        let answer = self.call(&PROPERTIES, "Get", "ss", &names)?;
        // A variant: the signature `x`, and its value at the next multiple of 8.
        let value = answer.strip_prefix(b"\x01x\x00").and_then(|rest| rest.get(5..13));
        let value = value.and_then(|bytes| bytes.try_into().ok()).map(i64::from_ne_bytes);
        let microseconds = value.and_then(|value| u64::try_from(value).ok());
        microseconds.map(Duration::from_micros).ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// Makes a thread of this process a real-time one.
    ///
    /// # Errors
    /// `PermissionDenied` if rtkit does not permit it.
    pub fn make_real_time(&mut self, thread: u64, priority: u32) -> io::Result<()> {
        let mut arguments = thread.to_ne_bytes().to_vec();
        arguments.extend(priority.to_ne_bytes());
        self.call(&RTKIT, "MakeThreadRealtime", "tu", &arguments).map(drop)
    }

    /// Tells the bus the user of this process, which the socket proves.
    fn authenticate(&mut self) -> io::Result<()> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|digit| format!("{digit:02x}")).collect();
        self.send(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < MAX_MESSAGE {
            line.extend(self.receive(1)?);
        }
        if !line.starts_with(b"OK ") {
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.send(b"BEGIN\r\n")
    }

    /// Calls a method, and returns the body of its answer.
    fn call(
        &mut self,
        object: &Object,
        member: &str,
        signature: &str,
        body: &[u8],
    ) -> io::Result<Vec<u8>> {
        self.serial += 1;
        self.send(&message(self.serial, object, member, signature, body))?;
        loop {
            let start = self.receive(HEADER)?;
            let word = |at: usize| start[at..at + 4].try_into().map_or(0, u32::from_ne_bytes);
            let lengths = usize::try_from(word(4)).ok().zip(usize::try_from(word(12)).ok());
            let (body, fields) = lengths
                .filter(|(body, fields)| *body <= MAX_MESSAGE && *fields <= MAX_MESSAGE)
                .filter(|_| start[0] == BYTE_ORDER)
                .ok_or(ErrorKind::InvalidData)?;
            self.receive(fields.next_multiple_of(8))?;
            let body = self.receive(body)?;
            match start[1] {
                // At most one call waits for its answer, so this is it.
                METHOD_RETURN => return Ok(body),
                ERROR => return Err(ErrorKind::PermissionDenied.into()),
                _signal => {}
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut received = 0;
        while received < length {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(&mut bytes[received..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => received += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Returns the socket of a bus address, if it is a Unix socket.
fn socket(address: &str) -> Option<SocketAddr> {
    let mut pairs =
        address.strip_prefix("unix:")?.split(',').filter_map(|pair| pair.split_once('='));
    // No system has escaped bytes in the name of its bus.
    pairs.find_map(|(key, name)| match key {
        "path" => SocketAddr::from_pathname(name).ok(),
        "abstract" => SocketAddr::from_abstract_name(name).ok(),
        _ => None,
    })
}

fn message(serial: u32, object: &Object, member: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    let texts = [
        (1, b'o', object.path),
        (2, b's', object.interface),
        (3, b's', member),
        (6, b's', object.service),
    ];
    for (code, kind, text) in texts {
        align(&mut fields, 8);
        fields.extend([code, 1, kind, 0]);
        string(&mut fields, text);
    }
    if !signature.is_empty() {
        align(&mut fields, 8);
        fields.extend([8, 1, b'g', 0]);
        // Only the length of a signature is one byte.
        fields.push(u8::try_from(signature.len()).unwrap_or(0));
        fields.extend(signature.bytes().chain([0]));
    }
    let mut message = vec![BYTE_ORDER, METHOD_CALL, 0, VERSION];
    for word in [length(body), serial, length(&fields)] {
        message.extend(word.to_ne_bytes());
    }
    message.extend(fields);
    align(&mut message, 8);
    message.extend(body);
    message
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend(length(text.as_bytes()).to_ne_bytes());
    bytes.extend(text.bytes().chain([0]));
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

/// Returns a length for a message. The texts here have a few dozen bytes.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
