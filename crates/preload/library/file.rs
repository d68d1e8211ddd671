//! The calls on an open device of ours.

use crate::exchange::{Answer, Call, UNSENT};
use crate::sys::{self, Outcome};
use crate::{hints, ioctl};
use aseqd_wire::preload::{FileName, MAX_READ, MAX_WRITE, NONBLOCK, Request, access, kind, node};
use aseqd_wire::record;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{c_int, c_void};

/// Whether this process has ever had a file of ours. If not, closing many descriptors closes none of ours.
static SEEN: AtomicBool = AtomicBool::new(false);

/// Notes that this process has a file of ours.
pub(crate) fn seen() {
    SEEN.store(true, Ordering::Relaxed);
}

/// The ioctl requests that the kernel itself answers, for every file.
const GENERIC: [u64; 5] = [libc::FIONBIO, libc::FIOASYNC, libc::FIOCLEX, libc::FIONCLEX, FIOQSIZE];
const FIOQSIZE: u64 = 0x5460;

/// Returns whether no driver sees this request.
pub(crate) fn is_generic(request: u64) -> bool {
    GENERIC.contains(&(request & 0xffff_ffff))
}

/// Opens the device with this [`node`] number.
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
    // The server has sent a descriptor. If none came, this process has no number left for it.
    descriptor.ok_or(libc::EMFILE)
}

/// Returns the head of a call on an open file.
fn request(kind: u32, name: &FileName) -> Request {
    Request { kind, server: name.server, file: name.key, ..Request::default() }
}

/// Returns [`NONBLOCK`] if the descriptor has `O_NONBLOCK` now. All copies of a descriptor share that flag.
fn nonblock(fd: c_int) -> u32 {
    match sys::control(fd, libc::F_GETFL, 0) {
        Ok(flags) if flags & libc::O_NONBLOCK != 0 => NONBLOCK,
        _ => 0,
    }
}

/// Checks that the file is open for reading, and can be read.
pub(crate) fn may_read(name: &FileName) -> Outcome<()> {
    match (name.access, name.node) {
        (access::WRITE, _) => Err(libc::EBADF),
        (_, node::USER_TIMER) => Err(libc::EINVAL),
        _ => Ok(()),
    }
}

/// Checks that the file is open for writing, and is of a device that can be written to.
pub(crate) fn may_write(name: &FileName) -> Outcome<()> {
    match (name.access, name.node) {
        (access::READ, _) => Err(libc::EBADF),
        (_, node::TIMER | node::USER_TIMER) => Err(libc::EINVAL),
        _ => Ok(()),
    }
}

pub(crate) fn read(fd: c_int, name: &FileName, bytes: *mut c_void, len: usize) -> Outcome {
    may_read(name)?;
    if sys::is_kernel_memory(bytes.addr(), len) {
        return Err(libc::EFAULT);
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
    // The server forgets what is read, so the memory for it must be known to be there before.
    let room = sys::writable(bytes.cast(), len);
    let smallest = if name.node == node::TIMER { SMALLEST_RECORD } else { EVENT };
    if room == len || len < smallest {
        return call.make().map(|answer| answer.value);
    }
    read_until_edge(&call, room, name.node)
}

/// Size of a sequencer event, in bytes.
const EVENT: usize = 28;
/// Size of the smallest record of a timer, in bytes.
const SMALLEST_RECORD: usize = 8;
/// Sizes of the records of a timer, in bytes.
const RECORDS: [usize; 4] = [8, 16, 24, 32];

/// Reads into memory of which only the first `room` bytes are mapped.
///
/// As on Linux, the record that does not fit is an error: an event stays to be read by a later call, a
/// record of a timer is lost. What was stored before it counts for a timer only.
fn read_until_edge(call: &Call, room: usize, node: u32) -> Outcome {
    let sleeps = call.sleeps;
    loop {
        let request = Request { len: room as u64, ..call.request };
        // The server does not wait if there is less room than a record takes.
        let before = match (Call { request, into_len: room, ..*call }).make() {
            Ok(answer) => answer.value,
            // The first record does not fit.
            Err(libc::EAGAIN) => 0,
            Err(error) => return Err(error),
        };
        let least = if node == node::TIMER { SMALLEST_RECORD } else { EVENT };
        if call.into_len.saturating_sub(before) < least {
            return Ok(before);
        }
        if !sys::wait_readable(call.fd, sleeps && before == 0)? {
            return if before > 0 { Ok(before) } else { Err(libc::EAGAIN) };
        }
        if node != node::TIMER {
            return Err(libc::EFAULT);
        }
        let lost = lose_record(call);
        if before > 0 {
            return Ok(before);
        }
        if lost {
            return Err(libc::EFAULT);
        }
        // Another reader has taken the record.
    }
}

/// Reads one record and throws it away. Returns whether there was one.
///
/// A read with less room than the record takes reads none, so the sizes are tried in turn.
fn lose_record(call: &Call) -> bool {
    let mut nowhere = [0_u8; 32];
    RECORDS.into_iter().any(|size| {
        let flags = call.request.flags | NONBLOCK;
        let request = Request { len: size as u64, flags, ..call.request };
        let into = nowhere.as_mut_ptr();
        let one = Call { request, into, into_len: size, sleeps: false, ..*call };
        one.make().is_ok_and(|answer| answer.value > 0)
    })
}

pub(crate) fn write(fd: c_int, name: &FileName, bytes: *const c_void, len: usize) -> Outcome {
    may_write(name)?;
    if sys::is_kernel_memory(bytes.addr(), len) {
        return Err(libc::EFAULT);
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
                // The rest of a piece may be the first part of a record that the next piece continues.
                if whole || answer.value == 0 || done >= len {
                    return Ok(done);
                }
            }
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(error),
        }
    }
}

/// Writes from memory that ends within the bytes to write.
///
/// The server takes the records before the end, as Linux does, which copies one record after the other. The
/// server also decides about a write that is too short to be looked at.
fn write_until_edge(call: &Call) -> Outcome<Answer> {
    let there = sys::readable(call.data, call.data_len);
    let request = Request { len: there as u64, ..call.request };
    match (Call { request, data_len: there, ..*call }).make() {
        Err(UNSENT) => Err(libc::EFAULT),
        Err(libc::EINVAL) if comes_to_edge(call, there) => Err(libc::EFAULT),
        outcome => outcome,
    }
}

/// Returns whether the first record of a write goes beyond the `there` bytes that are mapped.
fn comes_to_edge(call: &Call, there: usize) -> bool {
    let mut head = [0; EVENT];
    (there >= EVENT && !sys::copy(call.data, &mut head))
        || record::goes_beyond(&head, there, call.data_len)
}

pub(crate) fn control(fd: c_int, name: &FileName, code: u32, argument: *mut c_void) -> Outcome {
    if code == ioctl::TIMER_CREATE && name.node == node::TIMER {
        return create(fd, name, argument.cast());
    }
    let size = ioctl::size(code);
    let thread = if code == ioctl::TIMER_SELECT { sys::thread() } else { 0 };
    let thread = if thread == sys::process() { 0 } else { thread };
    let request = Request { code, thread, ..request(kind::IOCTL, name) };
    let call = Call {
        data: argument.cast(),
        data_len: if ioctl::reads_argument(code) { size } else { 0 },
        into: argument.cast(),
        into_len: size,
        fd,
        ..Call::new(request)
    };
    let outcome = match call.make() {
        // The server decides whether the call gets as far as to read its argument.
        Err(UNSENT) => (Call { data_len: 0, ..call }).make().and(Err(libc::EFAULT)),
        outcome => outcome,
    };
    outcome.map(|answer| answer.value)
}

/// Creates a user-driven timer. Its descriptor comes with the answer, and its number goes into the program's struct.
fn create(fd: c_int, name: &FileName, argument: *mut u8) -> Outcome {
    const SIZE: usize = ioctl::size(ioctl::TIMER_CREATE);
    let mut info = [0; SIZE];
    if !sys::copy(argument, &mut info) {
        return Err(libc::EFAULT);
    }
    let asked = info;
    let request = Request { code: ioctl::TIMER_CREATE, ..request(kind::IOCTL, name) };
    let call = Call {
        data: asked.as_ptr(),
        data_len: SIZE,
        into: info.as_mut_ptr(),
        into_len: SIZE,
        fd,
        ..Call::new(request)
    };
    // Without a descriptor this process has no number left for it.
    let timer = call.make()?.descriptor.ok_or(libc::EMFILE)?;
    seen();
    hints::changed(timer);
    if let Some(place) = info.get_mut(ioctl::TIMER_CREATE_FD) {
        place.copy_from_slice(&timer.to_ne_bytes());
    }
    if sys::copy_out(&info, argument) {
        return Ok(0);
    }
    hints::closed(timer);
    let _closed = sys::close(timer);
    closed();
    Err(libc::EFAULT)
}

/// Waits until the server knows that a descriptor of ours was closed.
pub(crate) fn closed() {
    let _kept = sys::KeepErrno::new();
    let request = Request { kind: kind::SYNC, ..Request::default() };
    let _gone = Call::new(request).make();
}

/// Does the same after many descriptors were closed, which may have been ours.
pub(crate) fn closed_many() {
    if SEEN.load(Ordering::Relaxed) {
        closed();
    }
}

/// Returns which file of ours the descriptor is, if it is one.
#[inline]
pub(crate) fn of(fd: c_int) -> Option<FileName> {
    if hints::is_foreign(fd) {
        return None;
    }
    let name = hints::identify(fd)?;
    seen();
    Some(name)
}
