//! Threads that make one read or write, and are cancelled in it by `pthread_cancel`.
//!
//! The standard library's threads must not be cancelled: their frames have destructors, and with glibc a cancelled thread
//! unwinds. The thread here has one frame without any.

use crate::sys::SIGNAL;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicIsize, Ordering};

/// `PTHREAD_CANCELED` and `PTHREAD_CANCEL_DISABLE`.
const CANCELED: *mut c_void = std::ptr::without_provenance_mut(usize::MAX);
const CANCEL_DISABLE: c_int = 1;

unsafe extern "C-unwind" {
    fn read(file: c_int, buffer: *mut c_void, len: usize) -> isize;
    fn write(file: c_int, buffer: *const c_void, len: usize) -> isize;
    fn pthread_create(
        thread: *mut libc::pthread_t,
        attributes: *const c_void,
        start: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
    fn pthread_cancel(thread: libc::pthread_t) -> c_int;
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// What the thread does, and what came of it.
struct Task {
    file: c_int,
    writes: bool,
    buffer: *mut c_void,
    len: usize,
    value: AtomicIsize,
    error: AtomicI32,
    done: AtomicBool,
}

/// A thread that makes a call.
pub(crate) struct Cancellable {
    thread: libc::pthread_t,
    /// The thread has it until it is joined.
    task: *mut Task,
    /// What it reads into or writes.
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Cancellable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancellable").field("buffer", &self.buffer.len()).finish_non_exhaustive()
    }
}

/// The frame that may be cancelled: none of its values has a destructor.
extern "C-unwind" fn run(task: *mut c_void) -> *mut c_void {
    // SAFETY: the task lives until the thread is joined, and what changes in it is atomic.
    let task = unsafe { &*task.cast::<Task>() };
    let Task { file, buffer, len, .. } = *task;
    let value = if task.writes {
        // SAFETY: the buffer has this many bytes, and nobody else uses it before the thread is joined.
        unsafe { write(file, buffer, len) }
    } else {
        // SAFETY: as above.
        unsafe { read(file, buffer, len) }
    };
    let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    // SAFETY: it only sets the state of this thread, and the old one is not asked for.
    unsafe { pthread_setcancelstate(CANCEL_DISABLE, std::ptr::null_mut()) };
    task.value.store(value, Ordering::Relaxed);
    task.error.store(error, Ordering::Relaxed);
    task.done.store(true, Ordering::Release);
    std::ptr::null_mut()
}

impl Cancellable {
    /// Begins a read or write. Returns nothing if the step is none, or there is no thread.
    pub(crate) fn begin(file: i32, step: &Step) -> Option<Self> {
        let (writes, mut buffer) = match step {
            Step::Write(_, data) => (true, data.clone()),
            Step::Read(_, len) => (false, vec![0; *len]),
            _ => return None,
        };
        let task = Box::into_raw(Box::new(Task {
            file,
            writes,
            buffer: buffer.as_mut_ptr().cast(),
            len: buffer.len(),
            value: AtomicIsize::new(0),
            error: AtomicI32::new(0),
            done: AtomicBool::new(false),
        }));
        // SAFETY: an integer or a pointer, which the call sets.
        let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
        // SAFETY: the thread gets the task, which is freed after it was joined.
        let failed = unsafe { pthread_create(&raw mut thread, std::ptr::null(), run, task.cast()) };
        if failed != 0 {
            // SAFETY: there is no thread that has it.
            drop(unsafe { Box::from_raw(task) });
            return None;
        }
        Some(Self { thread, task, buffer })
    }

    /// Returns whether the call has returned.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: the task lives until the thread is joined, and what changes in it is atomic.
        let task = unsafe { &*self.task };
        task.done.load(Ordering::Acquire)
    }

    /// Cancels the thread, wherever it is.
    pub(crate) fn cancel(&self) {
        // SAFETY: the thread was not joined.
        unsafe { pthread_cancel(self.thread) };
    }

    /// Sends the signal that ends calls.
    pub(crate) fn signal(&self) {
        // SAFETY: the thread was not joined, and the signal has a handler.
        unsafe { libc::pthread_kill(self.thread, SIGNAL) };
    }

    /// Waits for the end of the thread. Returns what the call answered, or nothing if it was cancelled.
    pub(crate) fn join(mut self) -> Option<Answer> {
        let mut told = std::ptr::null_mut();
        // SAFETY: a thread is joined once: this takes the struct.
        unsafe { libc::pthread_join(self.thread, &raw mut told) };
        // SAFETY: the thread has ended, so nobody else has the task.
        let task = unsafe { Box::from_raw(self.task) };
        if told == CANCELED {
            return None;
        }
        let value = task.value.into_inner();
        let read = if task.writes { 0 } else { usize::try_from(value).unwrap_or(0) };
        self.buffer.truncate(read);
        let value = match i64::try_from(value) {
            Ok(value @ 0..) => Ok(value),
            _ => Err(Errno(u16::try_from(task.error.into_inner()).unwrap_or(0))),
        };
        Some(Answer { value, told: self.buffer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_thread_that_sleeps_is_cancelled_and_one_that_has_read_tells_it() {
        let (here, mut there) = UnixStream::pair().expect("sockets");
        let thread = Cancellable::begin(here.as_raw_fd(), &Step::Read(0, 2)).expect("a thread");
        thread.cancel();
        assert_eq!(thread.join(), None);
        there.write_all(b"a").expect("a byte");
        let thread = Cancellable::begin(here.as_raw_fd(), &Step::Read(0, 2)).expect("a thread");
        while !thread.is_done() {
            std::thread::yield_now();
        }
        thread.cancel();
        assert_eq!(thread.join(), Some(Answer { value: Ok(1), told: b"a".to_vec() }));
        let step = Step::Write(0, b"b".to_vec());
        let thread = Cancellable::begin(here.as_raw_fd(), &step).expect("a thread");
        assert_eq!(thread.join(), Some(Answer { value: Ok(1), told: Vec::new() }));
        let mut byte = [0];
        there.read_exact(&mut byte).expect("the byte");
        assert_eq!(byte, *b"b");
    }
}
