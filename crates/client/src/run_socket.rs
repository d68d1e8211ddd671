//! The sequencer of a run, in a program that has not loaded the run's library because it is statically linked.
//!
//! Where nothing can be mounted, the programs of a run get their sequencer from a preloaded library. A static program
//! loads no library. If it uses this crate, it speaks with the server of the run itself, as the library would. The
//! messages are described in `aseqd_wire::preload`.

use crate::error::{Device, errno};
use aseqd_abi::Errno;
use aseqd_wire::preload::{
    ANSWER, FileKey, FileName, KEY_WANTED, MAX_DATA, MAX_READ, MAX_WRITE, MORE, NONBLOCK, ORDER,
    REFUSED, Reply, Request, SECRET_LEN, SECRET_VARIABLE, SOCKET_VARIABLE, Secret, VERSION,
    Welcome, access, is_same_secret, kind, node,
};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{Errno as Failure, IoSlice, IoSliceMut};
use rustix::net::sockopt::{Timeout, socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, getpeername, recv, recvmsg, send,
    sendmsg, socket_with,
};
use std::cell::RefCell;
use std::env;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// How the file name of the library begins, in `LD_PRELOAD`.
const LIBRARY: &str = "libaseqd_preload";

/// Too many open files.
const EMFILE: Errno = Errno(24);

/// Whether this process has opened a file here. If not, no descriptor needs to be looked at.
static OPENED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Each thread has a connection, which carries one call at a time.
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Opens a device of the run. Returns `None` if this process is in no run, has the library loaded, or means another
/// path: then opening the path is right.
pub(crate) fn open(path: &Path, device: Device, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    let (node, usual) = match device {
        Device::Sequencer => (node::SEQUENCER, "/dev/snd/seq"),
        Device::Timer => (node::TIMER, "/dev/snd/timer"),
    };
    if path.as_os_str() != usual {
        return None;
    }
    env::var_os(SOCKET_VARIABLE)?;
    let preloaded =
        env::var_os("LD_PRELOAD").is_some_and(|list| list.to_string_lossy().contains(LIBRARY));
    if preloaded && !cfg!(target_feature = "crt-static") {
        return None;
    }
    let access = match flags & OFlags::RWMODE {
        OFlags::RDONLY => access::READ,
        OFlags::WRONLY => access::WRITE,
        _ => access::BOTH,
    };
    let flags = if flags.contains(OFlags::NONBLOCK) { NONBLOCK } else { 0 };
    let request = Request { kind: kind::OPEN, code: node, access, flags, ..Request::default() };
    let opened = call(&Call { request, data: &[], file: None }, &mut []);
    // The server has sent a descriptor. If none came, this process has no number left for it.
    let opened = opened.and_then(|answer| answer.descriptor.ok_or(EMFILE));
    OPENED.store(true, Ordering::Relaxed);
    Some(opened)
}

/// A device of a run that is open in this process.
pub(crate) struct File<'a> {
    descriptor: BorrowedFd<'a>,
    name: FileName,
}

impl<'a> File<'a> {
    /// Returns the device behind a descriptor; `None` if it is no device of a run.
    pub(crate) fn of(descriptor: BorrowedFd<'a>) -> Option<Self> {
        if !OPENED.load(Ordering::Relaxed) {
            return None;
        }
        let address = SocketAddrUnix::try_from(getpeername(descriptor).ok()??).ok()?;
        let name = FileName::parse(address.abstract_name()?)?;
        Some(Self { descriptor, name })
    }

    pub(crate) fn ioctl(&self, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        let size = aseqd_abi::ioctl::size(code);
        let argument = argument.get_mut(..size).ok_or(Errno::EINVAL)?;
        let mut sent = Vec::new();
        if code >> 30 & 1 != 0 {
            sent.extend_from_slice(argument);
        }
        let answer = self.call(Request { code, ..self.request(kind::IOCTL) }, &sent, argument)?;
        i32::try_from(answer.value).map_err(|_| Errno::EIO)
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if self.name.access == access::WRITE {
            return Err(Errno::EBADF);
        }
        let len = buffer.len().min(MAX_READ);
        let room = buffer.get_mut(..len).ok_or(Errno::EIO)?;
        let request =
            Request { flags: self.nonblock(), len: len as u64, ..self.request(kind::READ) };
        self.call(request, &[], room).map(|answer| answer.value)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match (self.name.access, self.name.node) {
            (access::READ, _) => return Err(Errno::EBADF),
            (_, node::TIMER) => return Err(Errno::EINVAL),
            _ => {}
        }
        let bytes = bytes.get(..MAX_WRITE).unwrap_or(bytes);
        let request = Request {
            flags: self.nonblock(),
            len: bytes.len() as u64,
            ..self.request(kind::WRITE)
        };
        self.call(request, bytes, &mut []).map(|answer| answer.value)
    }

    fn request(&self, kind: u32) -> Request {
        Request { kind, server: self.name.server, file: self.name.key, ..Request::default() }
    }

    fn nonblock(&self) -> u32 {
        let flags = fcntl_getfl(self.descriptor).unwrap_or(OFlags::empty());
        if flags.contains(OFlags::NONBLOCK) { NONBLOCK } else { 0 }
    }

    fn call(&self, request: Request, data: &[u8], into: &mut [u8]) -> Result<Answer, Errno> {
        call(&Call { request, data, file: Some(self.descriptor) }, into)
    }
}

/// Makes a call over the connection of this thread, which is dropped if it breaks.
fn call(call: &Call<'_>, into: &mut [u8]) -> Result<Answer, Errno> {
    CONNECTION.with_borrow_mut(|place| {
        // After a fork, parent and child have the same socket, and each would take answers of the other.
        let own = |connection: &Connection| connection.process == std::process::id();
        let mut connection = match place.take().filter(own) {
            Some(connection) => connection,
            None => Connection::new()?,
        };
        let answer = connection.call(call, into);
        if !matches!(answer, Err(Failed::Connection(_))) {
            *place = Some(connection);
        }
        answer.map_err(|failed| match failed {
            Failed::Call(errno) | Failed::Connection(errno) => errno,
        })
    })
}

/// Why there is no answer with a value.
enum Failed {
    /// The server answered with an error.
    Call(Errno),
    /// The connection can no longer be used.
    Connection(Errno),
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Self::Connection(errno)
    }
}

/// A request, and what goes with it.
struct Call<'a> {
    request: Request,
    data: &'a [u8],
    /// The program's end of the file, if there is one yet.
    file: Option<BorrowedFd<'a>>,
}

/// The answer to a call.
struct Answer {
    value: usize,
    /// The descriptor that came with the answer.
    descriptor: Option<OwnedFd>,
}

/// A connection to the server of the run.
struct Connection {
    socket: OwnedFd,
    /// The process that has made the connection.
    process: u32,
    serial: u32,
}

impl Connection {
    /// Connects, shows the secret of the run, and checks that the other end knows its half.
    fn new() -> Result<Self, Errno> {
        let name = env::var_os(SOCKET_VARIABLE).ok_or(Errno::ENODEV)?;
        let digits = env::var_os(SECRET_VARIABLE).ok_or(Errno::EACCES)?;
        let secret = Secret::parse(digits.as_encoded_bytes()).ok_or(Errno::EACCES)?;
        let address = match name.as_encoded_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddrUnix::new_abstract_name(name),
            None => SocketAddrUnix::new(Path::new(&name)),
        };
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).map_err(errno)?;
        // If the server is gone, so is the device.
        connect(&socket, &address.map_err(errno)?).map_err(|_| Errno::ENODEV)?;
        let connection = Self { socket, process: std::process::id(), serial: 0 };
        let hello = Request { kind: kind::HELLO, code: VERSION, ..Request::default() };
        let mut welcome = Welcome::new_zeroed();
        connection.send(&hello, &secret.program)?;
        let (reply, received, _) =
            connection.receive(welcome.as_mut_bytes()).map_err(|_| Errno::ENODEV)?;
        if reply.kind == REFUSED {
            return Err(Errno::EACCES);
        }
        let whole = received == size_of::<Welcome>() && reply.kind == ANSWER;
        let known: [u8; SECRET_LEN] = secret.server;
        if whole && is_same_secret(&welcome.proof, &known) {
            Ok(connection)
        } else {
            Err(Errno::ENODEV)
        }
    }

    /// Makes a call.
    fn call(&mut self, call: &Call<'_>, into: &mut [u8]) -> Result<Answer, Failed> {
        self.ask(&call.request, call.data)?;
        if let Some(answer) = self.wait(call, into)? {
            return Ok(answer);
        }
        // This connection has not shown that this process has the file.
        let file = call.file.ok_or(Errno::EIO)?;
        let seconds = |which| {
            socket_timeout(file, which)
                .map_err(errno)
                .map(|time| time.map_or(0, |time| time.as_secs()))
        };
        let key = FileKey { receive: seconds(Timeout::Recv)?, send: seconds(Timeout::Send)? };
        let Request { server, file, .. } = call.request;
        let shown = Call {
            request: Request { kind: kind::KEY, server, file, ..Request::default() },
            data: key.as_bytes(),
            file: call.file,
        };
        self.ask(&shown.request, shown.data)?;
        self.wait(&shown, &mut [])?.ok_or(Errno::EIO)?;
        self.ask(&call.request, call.data)?;
        Ok(self.wait(call, into)?.ok_or(Errno::EIO)?)
    }

    /// Sends a request under a new number, a long one in several messages.
    fn ask(&mut self, request: &Request, data: &[u8]) -> Result<(), Errno> {
        self.serial = self.serial.wrapping_add(1);
        let mut rest = data;
        loop {
            let (piece, left) = rest.split_at(rest.len().min(MAX_DATA));
            let more = if left.is_empty() { 0 } else { MORE };
            let head = Request { serial: self.serial, flags: request.flags | more, ..*request };
            self.send(&head, piece)?;
            if left.is_empty() {
                return Ok(());
            }
            rest = left;
        }
    }

    /// Receives messages until one is the answer. Returns `None` if the server wants to be shown the key of the file.
    fn wait(&self, call: &Call<'_>, into: &mut [u8]) -> Result<Option<Answer>, Failed> {
        let mut interrupted = false;
        loop {
            let (reply, _, descriptor) = match self.receive(into) {
                Ok(received) => received,
                Err(Failure::INTR) => {
                    // The answer may be on its way already. Only the server can tell, so that nothing is lost.
                    if !interrupted {
                        let stop =
                            Request { kind: kind::INTERRUPT, serial: self.serial, ..call.request };
                        self.send(&stop, &[])?;
                        interrupted = true;
                    }
                    continue;
                }
                Err(_) => return Err(Failed::Connection(Errno::ENODEV)),
            };
            match reply.kind {
                ORDER => obey(&reply, call.file),
                ANSWER if reply.serial == self.serial => {
                    obey(&reply, call.file);
                    let value = reply.result().map_err(|error| {
                        Failed::Call(u16::try_from(error).map_or(Errno::EIO, Errno))
                    })?;
                    let value = usize::try_from(value).map_err(|_| Failed::Call(Errno::EIO))?;
                    return Ok(Some(Answer { value, descriptor }));
                }
                KEY_WANTED if reply.serial == self.serial => return Ok(None),
                REFUSED => return Err(Failed::Connection(Errno::EACCES)),
                _ => return Err(Failed::Connection(Errno::EIO)),
            }
        }
    }

    fn send(&self, request: &Request, data: &[u8]) -> Result<(), Errno> {
        let parts = [IoSlice::new(request.as_bytes()), IoSlice::new(data)];
        let parts = if data.is_empty() { &parts[..1] } else { &parts[..] };
        let none = &mut SendAncillaryBuffer::default();
        rustix::io::retry_on_intr(|| sendmsg(&self.socket, parts, none, SendFlags::NOSIGNAL))
            .map(drop)
            .map_err(|_| Errno::ENODEV)
    }

    /// Receives a message: its head, how many bytes followed into `into`, and a descriptor if one came.
    fn receive(&self, into: &mut [u8]) -> Result<(Reply, usize, Option<OwnedFd>), Failure> {
        let mut reply = Reply::new_zeroed();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(reply.as_mut_bytes()), IoSliceMut::new(into)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(self.socket.as_fd(), &mut parts, &mut control, flags)?;
        let Some(bytes) = received.bytes.checked_sub(size_of::<Reply>()) else {
            return Err(Failure::CONNRESET);
        };
        let mut descriptors = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights),
            _ => None,
        });
        let descriptor = descriptors.next().and_then(|mut rights| rights.next());
        drop(descriptors);
        Ok((reply, bytes, descriptor))
    }
}

/// Does at the program's end of a file what the server cannot do from its own, so that `poll` tells the truth.
fn obey(reply: &Reply, file: Option<BorrowedFd<'_>>) {
    let Some(file) = file else { return };
    let mut left = reply.take as usize;
    let mut bytes = [0; 64];
    while left > 0 {
        let wanted = left.min(bytes.len());
        match recv(file, &mut bytes[..wanted], RecvFlags::DONTWAIT) {
            Ok((taken, _)) if taken > 0 => left = left.saturating_sub(taken),
            Err(Failure::INTR) => {}
            _ => break,
        }
    }
    if reply.stuff == 0 {
        return;
    }
    // The buffer is small. The bound is for a buffer that somebody has enlarged.
    for _ in 0..1024 {
        match send(file, &[0; 1024], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(_) | Err(Failure::INTR) => {}
            Err(_) => break,
        }
    }
}
