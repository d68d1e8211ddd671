//! The calls on a file of ours.

use crate::exchange::{Answer, Call, UNSENT};
use crate::paths::Place;
use crate::sys::{self, Outcome};
use crate::{hints, text};
use abi::ioctl;
use abi::preload::{FileName, MAX_READ, MAX_WRITE, NONBLOCK, Request, access, kind, node};
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{c_int, c_void};

/// Has this process seen a file of ours? If not, closing many descriptors closes none.
static SEEN: AtomicBool = AtomicBool::new(false);

/// What the kernel answers for all files, whatever stands behind them.
const GENERIC: [u64; 5] = [libc::FIONBIO, libc::FIOASYNC, libc::FIOCLEX, libc::FIONCLEX, FIOQSIZE];
const FIOQSIZE: u64 = 0x5460;

/// Is this a request that no driver sees?
pub(crate) fn is_generic(request: u64) -> bool {
    GENERIC.contains(&(request & 0xffff_ffff))
}

/// Opens what stands at one of our paths.
pub(crate) fn open(place: Place, flags: c_int) -> Outcome<c_int> {
    if flags & libc::O_DIRECTORY != 0 {
        return Err(libc::ENOTDIR);
    }
    if flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0 {
        return Err(libc::EEXIST);
    }
    let number = match place {
        Place::Sequencer => node::SEQUENCER,
        Place::Timer => node::TIMER,
        Place::Text(number) => return text::open(number, flags),
    };
    let fd = device(number, flags)?;
    SEEN.store(true, Ordering::Relaxed);
    hints::changed(fd);
    Ok(fd)
}

/// Opens a device.
pub(crate) fn device(number: u32, flags: c_int) -> Outcome<c_int> {
    let access = match flags & libc::O_ACCMODE {
        libc::O_RDONLY => access::READ,
        libc::O_WRONLY => access::WRITE,
        _ => access::BOTH,
    };
    let request = Request {
        kind: kind::OPEN,
        code: number,
        access,
        flags: if flags & libc::O_NONBLOCK != 0 { NONBLOCK } else { 0 },
        ..Request::default()
    };
    let cloexec = flags & libc::O_CLOEXEC != 0;
    let Answer { descriptor, .. } = Call { cloexec, ..Call::new(request) }.make()?;
    // The server has sent one; that it did not come is for want of a number.
    descriptor.ok_or(libc::EMFILE)
}

/// The head of a call on an open file.
fn request(kind: u32, name: &FileName) -> Request {
    Request { kind, server: name.server, file: name.key, ..Request::default() }
}

/// [`NONBLOCK`], if the descriptor says so now: every copy of it says the same.
fn nonblock(fd: c_int) -> u32 {
    match sys::control(fd, libc::F_GETFL, 0) {
        Ok(flags) if flags & libc::O_NONBLOCK != 0 => NONBLOCK,
        _ => 0,
    }
}

pub(crate) fn read(fd: c_int, name: &FileName, bytes: *mut c_void, len: usize) -> Outcome {
    if name.access == access::WRITE {
        return Err(libc::EBADF);
    }
    let len = len.min(MAX_READ);
    let flags = nonblock(fd);
    let request = Request { flags, len: len as u64, ..request(kind::READ, name) };
    let call = Call {
        into: bytes.cast(),
        into_len: len,
        sleeps: flags & NONBLOCK == 0,
        fd,
        ..Call::new(request)
    };
    call.make().map(|answer| answer.value)
}

pub(crate) fn write(fd: c_int, name: &FileName, bytes: *const c_void, len: usize) -> Outcome {
    if name.access == access::READ {
        return Err(libc::EBADF);
    }
    let flags = nonblock(fd);
    let mut done = 0;
    loop {
        let from = bytes.cast::<u8>().wrapping_add(done);
        let piece = (len - done).min(MAX_WRITE);
        let request = Request { flags, len: piece as u64, ..request(kind::WRITE, name) };
        let call = Call {
            data: from,
            data_len: piece,
            sleeps: flags & NONBLOCK == 0,
            fd,
            ..Call::new(request)
        };
        let outcome = match call.make() {
            Err(UNSENT) => write_until_edge(&call),
            outcome => outcome,
        };
        match outcome {
            Ok(answer) => {
                let whole = done + piece == len;
                done += answer.value;
                // What is left of a piece may be a record that goes on in the next.
                if whole || answer.value == 0 || done >= len {
                    return Ok(done);
                }
            }
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(error),
        }
    }
}

/// A write from memory that ends somewhere: the records before that are taken, as by Linux, which
/// copies one after the other.
fn write_until_edge(call: &Call) -> Outcome<Answer> {
    let mut there = 0;
    while there < call.data_len && sys::is_readable(call.data.wrapping_add(there)) {
        let address = call.data.addr() + there;
        there += sys::PAGE - address % sys::PAGE;
    }
    if there == 0 || there >= call.data_len {
        return Err(libc::EFAULT);
    }
    let request = Request { len: there as u64, ..call.request };
    match (Call { request, data_len: there, ..*call }).make() {
        // Not one record was there.
        Err(libc::EINVAL | UNSENT) => Err(libc::EFAULT),
        outcome => outcome,
    }
}

pub(crate) fn control(fd: c_int, name: &FileName, code: u32, argument: *mut c_void) -> Outcome {
    let direction = ioctl::direction(code);
    let size = ioctl::size(code);
    let thread = if code == ioctl::timers::SELECT { sys::thread() } else { 0 };
    let thread = if thread == sys::process() { 0 } else { thread };
    let request = Request { code, thread, ..request(kind::IOCTL, name) };
    let call = Call {
        data: argument.cast(),
        data_len: if direction & ioctl::WRITE != 0 { size } else { 0 },
        into: argument.cast(),
        into_len: size,
        fd,
        ..Call::new(request)
    };
    let outcome = match call.make() {
        // Whether it comes to the argument at all is the server's to say.
        Err(UNSENT) => (Call { data_len: 0, ..call }).make().and(Err(libc::EFAULT)),
        outcome => outcome,
    };
    outcome.map(|answer| answer.value)
}

/// A descriptor of ours was closed: the server shall know before the program goes on.
pub(crate) fn closed() {
    let _kept = sys::KeepErrno::new();
    let request = Request { kind: kind::SYNC, ..Request::default() };
    let _gone = Call::new(request).make();
}

/// Many descriptors were closed.
pub(crate) fn closed_many() {
    if SEEN.load(Ordering::Relaxed) {
        closed();
    }
}

/// Which file of ours is it?
#[inline]
pub(crate) fn of(fd: c_int) -> Option<FileName> {
    if hints::is_foreign(fd) {
        return None;
    }
    let name = hints::identify(fd)?;
    SEEN.store(true, Ordering::Relaxed);
    Some(name)
}
