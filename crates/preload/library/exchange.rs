//! Makes one call to the server and waits for its answer.
#![expect(
    unsafe_code,
    reason = "message headers begin as zeroes; descriptors come in control data"
)]

use crate::connection;
use crate::hints;
use crate::ioctl;
use crate::next::{self, Cleanup};
use crate::pool::{self, Claim, Frame};
use crate::sys::{self, Outcome};
use aseqd_wire::preload::{
    ANSWER, FileKey, KEY_WANTED, MAX_DATA, MORE, ORDER, REFUSED, Reply, Request, kind,
};
use core::cell::Cell;
use libc::{c_int, c_void};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// A call: the request, and where its answer goes.
pub(crate) struct Call {
    pub(crate) request: Request,
    /// The bytes that go with the request: memory of the program, which may not be mapped.
    pub(crate) data: *const u8,
    pub(crate) data_len: usize,
    /// Where the bytes of the answer go: memory that may not be mapped either.
    pub(crate) into: *mut u8,
    pub(crate) into_len: usize,
    /// Whether the call may sleep. Then a signal interrupts it, and its thread can be cancelled.
    pub(crate) sleeps: bool,
    /// The program's end of the file, for [`Reply::take`] and [`Reply::stuff`]; -1 for none.
    pub(crate) fd: c_int,
    /// Whether exec closes a descriptor that comes with the answer.
    pub(crate) cloexec: bool,
}

impl Call {
    /// Returns a call that is only a head.
    pub(crate) const fn new(request: Request) -> Self {
        Self {
            request,
            data: core::ptr::null(),
            data_len: 0,
            into: core::ptr::null_mut(),
            into_len: 0,
            sleeps: false,
            fd: -1,
            cloexec: true,
        }
    }

    /// Sends the request and waits for the answer.
    pub(crate) fn make(&self) -> Outcome<Answer> {
        let frame = Frame::new();
        let claim = pool::claim(&frame)?;
        let stuffed = Cell::new(false);
        let mut asked = self.ask(&claim).and_then(|()| self.wait(&claim, &stuffed));
        if matches!(asked, Ok(Err(KEY_IS_WANTED))) {
            asked = self.show_key(&claim).and_then(|shown| match shown {
                Ok(_) => self.ask(&claim).and_then(|()| self.wait(&claim, &stuffed)),
                refused => Ok(refused),
            });
        }
        match asked {
            Ok(answer) => {
                // The file may be writable by now, because of another thread's call. Then the server empties the buffer before this
                // call returns: a poll behind it must not find what was long ago.
                if stuffed.get() && Self::sync(&claim).is_err() {
                    claim.give_up();
                } else {
                    claim.give_back();
                }
                answer
            }
            Err(Broken(error)) => {
                claim.give_up();
                Err(error)
            }
        }
    }

    /// Waits until the server knows that orders were obeyed which came on this connection.
    fn sync(claim: &Claim<'_>) -> Result<(), Broken> {
        let call = Self::new(Request { kind: kind::SYNC, ..Request::default() });
        call.ask(claim).and_then(|()| call.wait(claim, &Cell::new(false))).map(|_nothing| ())
    }

    /// Proves on this connection that the process has the file.
    fn show_key(&self, claim: &Claim<'_>) -> Result<Outcome<Answer>, Broken> {
        let key = sys::timeout(self.fd, libc::SO_RCVTIMEO).and_then(|receive| {
            Ok(FileKey { receive, send: sys::timeout(self.fd, libc::SO_SNDTIMEO)? })
        });
        // The number belongs to another file by now, or to none.
        let Ok(key) = key else { return Ok(Err(libc::EBADF)) };
        let Request { server, file, .. } = self.request;
        let request = Request { kind: kind::KEY, server, file, ..Request::default() };
        let bytes = key.as_bytes();
        let call = Self { data: bytes.as_ptr(), data_len: bytes.len(), ..Self::new(request) };
        call.ask(claim).and_then(|()| call.wait(claim, &Cell::new(false)))
    }

    /// Sends the request; a long one in several messages.
    fn ask(&self, claim: &Claim<'_>) -> Result<(), Broken> {
        let mut request = Request { serial: claim.serial(), ..self.request };
        let mut done = 0;
        loop {
            let piece = (self.data_len - done).min(MAX_DATA);
            let last = done + piece == self.data_len;
            request.flags = self.request.flags | if last { 0 } else { MORE };
            let sent = connection::send(claim.fd(), &request, self.data.wrapping_add(done), piece);
            match sent {
                Ok(_) if last => return Ok(()),
                Ok(_) => done += piece,
                // The next call cannot use a connection in the middle of a write.
                Err(libc::EFAULT) => return Err(Broken(UNSENT)),
                Err(libc::ENOMEM | libc::ENOBUFS) => return Err(Broken(libc::ENOMEM)),
                Err(_) => return Err(Broken(libc::ENODEV)),
            }
        }
    }

    /// Receives messages until one is the answer. Notes whether the send buffer of the program's end was filled.
    fn wait(&self, claim: &Claim<'_>, stuffed: &Cell<bool>) -> Result<Outcome<Answer>, Broken> {
        let mut interrupted = false;
        loop {
            let sleeps = self.sleeps && !interrupted;
            let (reply, descriptor) = match self.receive(claim, sleeps) {
                Ok(received) => received,
                Err(libc::EINTR) => {
                    if sleeps {
                        // The answer may be on its way already. Only the server can tell, so that
                        // nothing is lost.
                        let kind = kind::INTERRUPT;
                        let request = Request { kind, serial: claim.serial(), ..self.request };
                        let gone = |_| Broken(libc::ENODEV);
                        connection::send(claim.fd(), &request, core::ptr::null(), 0)
                            .map_err(gone)?;
                        interrupted = true;
                    }
                    continue;
                }
                Err(libc::EFAULT) => return Err(Broken(libc::EFAULT)),
                Err(_) => return Err(Broken(libc::ENODEV)),
            };
            match reply.kind {
                ORDER => stuffed.set(self.obey(&reply) || stuffed.get()),
                ANSWER if reply.serial == claim.serial() => {
                    stuffed.set(self.obey(&reply) || stuffed.get());
                    let result = reply.result();
                    return Ok(result.map(|value| Answer {
                        value: usize::try_from(value).unwrap_or(0),
                        descriptor,
                    }));
                }
                KEY_WANTED if reply.serial == claim.serial() => return Ok(Err(KEY_IS_WANTED)),
                REFUSED => return Err(Broken(libc::EACCES)),
                _ => return Err(Broken(libc::EIO)),
            }
        }
    }

    /// Returns whether a descriptor comes with the answer.
    const fn gets_descriptor(&self) -> bool {
        match self.request.kind {
            kind::OPEN => true,
            kind::IOCTL => self.request.code == ioctl::TIMER_CREATE,
            _ => false,
        }
    }

    /// Receives one message: its head, and a descriptor if one came.
    fn receive(&self, claim: &Claim<'_>, sleeps: bool) -> Outcome<(Reply, Option<c_int>)> {
        let mut reply = Reply::new_zeroed();
        let head = reply.as_mut_bytes();
        let head_len = head.len();
        let mut parts = [
            libc::iovec { iov_base: head.as_mut_ptr().cast(), iov_len: head_len },
            libc::iovec { iov_base: self.into.cast(), iov_len: self.into_len },
        ];
        let mut control = Control::EMPTY;
        // SAFETY: all of its bytes may be zero.
        let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
        message.msg_iov = parts.as_mut_ptr();
        message.msg_iovlen = if self.into_len == 0 { 1 } else { 2 };
        if self.gets_descriptor() {
            message.msg_control = (&raw mut control).cast();
            message.msg_controllen = size_of::<Control>();
        }
        let flags = if self.cloexec { libc::MSG_CMSG_CLOEXEC } else { 0 };
        let received = if sleeps {
            receive_cancellable(claim, &mut message, flags)
        } else {
            sys::receive_message(claim.fd(), &mut message, flags)
        }?;
        if received < head_len {
            return Err(libc::ECONNRESET);
        }
        let has_descriptor = message.msg_controllen >= CONTROL_LEN
            && control.header.cmsg_level == libc::SOL_SOCKET
            && control.header.cmsg_type == libc::SCM_RIGHTS;
        Ok((reply, has_descriptor.then_some(control.descriptor)))
    }

    /// Does at the program's end what the server cannot do from its own, unless the number is another
    /// file's by now. Returns whether it has filled the send buffer.
    fn obey(&self, reply: &Reply) -> bool {
        if reply.take == 0 && reply.stuff == 0 {
            return false;
        }
        if !hints::is_still(self.fd, self.request.server, self.request.file) {
            return false;
        }
        let mut left = reply.take as usize;
        let mut bytes = [0; 64];
        while left > 0 {
            let wanted = left.min(bytes.len());
            let Some(room) = bytes.get_mut(..wanted) else { break };
            match sys::take(self.fd, room) {
                Ok(taken) if taken > 0 => left = left.saturating_sub(taken),
                Err(libc::EINTR) => {}
                _ => break,
            }
        }
        if reply.stuff != 0 {
            // The buffer is small. The bound is for one that was enlarged.
            for _ in 0..MOST_STUFFING {
                match sys::put(self.fd, &[0; STUFFING]) {
                    Ok(_) | Err(libc::EINTR) => {}
                    Err(_) => break,
                }
            }
        }
        reply.stuff != 0
    }
}

/// The error of a call whose bytes are not mapped. The server has not seen the call. Not an error number of
/// Linux.
pub(crate) const UNSENT: c_int = 4096 + libc::EFAULT;

/// The error of a call for which the server wants the key of the file first. Not an error number of Linux.
const KEY_IS_WANTED: c_int = 4096 + libc::EACCES;

/// The number of bytes that are put into a buffer at once to fill it.
const STUFFING: usize = 1024;
/// Maximum number of times that a buffer is stuffed.
const MOST_STUFFING: usize = 1024;

/// The answer to a call.
pub(crate) struct Answer {
    /// What the call returns.
    pub(crate) value: usize,
    /// The descriptor that came with the answer.
    pub(crate) descriptor: Option<c_int>,
}

/// The connection can no longer be used, and the call fails with this error.
struct Broken(c_int);

/// Control data of a message, with space for one descriptor.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    descriptor: c_int,
}

const CONTROL_LEN: usize = core::mem::offset_of!(Control, descriptor) + size_of::<c_int>();

impl Control {
    const EMPTY: Self = Self {
        // SAFETY: all of its bytes may be zero.
        header: unsafe { core::mem::zeroed() },
        descriptor: -1,
    };
}

/// Receives a message through the C library, where the thread can be cancelled while it waits. It then
/// unwinds through this frame, which has nothing to drop.
fn receive_cancellable(claim: &Claim<'_>, message: &mut libc::msghdr, flags: c_int) -> Outcome {
    extern "C" fn clean(mark: *mut c_void) {
        pool::cancelled(mark.addr());
    }
    let mut cleanup = Cleanup::new();
    let mark = core::ptr::without_provenance_mut(claim.mark());
    let _or_without = next::_pthread_cleanup_push(&raw mut cleanup, clean, mark);
    let received = next::recvmsg(claim.fd(), message, flags);
    let outcome = usize::try_from(received).map_err(|_| sys::errno());
    let _or_without = next::_pthread_cleanup_pop(&raw mut cleanup, 0);
    outcome
}
