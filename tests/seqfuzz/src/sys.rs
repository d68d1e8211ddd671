//! The unsafe code of the fuzzer: ioctl with a buffer, descriptors as numbers, signals.
#![expect(unsafe_code, reason = "ioctl takes a pointer; descriptors and signals are numbers")]

pub(crate) mod cancel;
pub(crate) mod memory;

use aseqd_abi::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};
use std::ffi::c_void;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::thread::RawPthread;
use std::sync::Once;

/// Size of the buffer of every request: more than the largest struct.
pub(crate) const ARGUMENT_SIZE: usize = 2048;

/// A buffer for the struct of a request.
#[derive(Clone)]
#[repr(C, align(8))]
pub(crate) struct Argument(pub(crate) [u8; ARGUMENT_SIZE]);

struct Request<'a> {
    code: u32,
    argument: &'a mut Argument,
}

// SAFETY: the buffer lives through the call and is at least as large as the code says, which
// `ioctl` has checked; a driver reads and writes no more than that.
unsafe impl Ioctl for Request<'_> {
    type Output = i32;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        // glibc and musl differ in the type.
        self.code as Opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.argument.0.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(
        output: IoctlOutput,
        _argument: *mut c_void,
    ) -> rustix::io::Result<i32> {
        Ok(output)
    }
}

/// `FIONBIO`, whose number is that of STOP in the timer's old requests. No driver gets to see it.
pub(crate) const FIONBIO: u32 = 0x5421;

/// Makes a request. Files stay blocking or non-blocking.
pub(crate) fn ioctl(
    descriptor: impl AsFd,
    code: u32,
    argument: &mut Argument,
) -> Result<i32, Errno> {
    // No driver of ours knows such a code, and the buffer could not hold its struct.
    if aseqd_abi::ioctl::size(code) > ARGUMENT_SIZE {
        return Err(Errno::ENOTTY);
    }
    let descriptor = descriptor.as_fd();
    if code == FIONBIO {
        let flags = rustix::fs::fcntl_getfl(descriptor).map_err(errno)?;
        let stays = i32::from(flags.contains(rustix::fs::OFlags::NONBLOCK));
        argument.0[..4].copy_from_slice(&stays.to_ne_bytes());
    }
    // SAFETY: the descriptor is the sequencer's, whose requests take a pointer to such a struct.
    unsafe { rustix::ioctl::ioctl(descriptor, Request { code, argument }) }.map_err(errno)
}

/// Takes over a descriptor that a request has just opened.
pub(crate) fn adopt(descriptor: i32) -> OwnedFd {
    assert!(descriptor >= 0, "the request has opened no descriptor");
    // SAFETY: the caller has it from a successful request that opens one, and nothing else knows it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Closes a descriptor in a child process, which ends then. The one here stays open.
pub(crate) fn close_in_child(descriptor: i32) {
    // SAFETY: the child does nothing but close a descriptor of its own and end, both of which are allowed after a fork
    // of a process with threads.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the number is that of the child's own copy.
        unsafe { libc::close(descriptor) };
        // SAFETY: the child ends without running anything else.
        unsafe { libc::_exit(0) };
    }
    if child > 0 {
        // SAFETY: the status is not asked for.
        while unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } < 0
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
    }
}

/// Closes all files of the sequencer and of timers that this process has open, for the last thing that it does.
pub(crate) fn close_sound_files() {
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let name = std::fs::read_link(entry.path()).unwrap_or_default();
        let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|_| name.starts_with("/dev/snd")) {
            // SAFETY: the only other thread sleeps in a call, and the process ends before it can use a number again.
            unsafe { rustix::io::close(number) };
        }
    }
}

/// Returns the number of an error of the operating system.
pub(crate) fn errno(error: rustix::io::Errno) -> Errno {
    Errno(u16::try_from(error.raw_os_error()).unwrap_or(0))
}

/// Returns a descriptor that may be closed while it is used. Its number is not given to another file as long as a thread
/// may use it (`concurrent::crew`).
pub(crate) fn borrow(descriptor: i32) -> BorrowedFd<'static> {
    assert!(descriptor >= 0, "a number of a descriptor");
    // SAFETY: the number is one of a file of ours until all threads of the stretch have ended, or of a file on which every
    // call fails.
    unsafe { BorrowedFd::borrow_raw(descriptor) }
}

/// The signal that ends calls.
pub(crate) const SIGNAL: i32 = libc::SIGUSR1;

/// Lets the signal end calls that sleep: with a handler that does nothing, and without `SA_RESTART`.
pub(crate) fn let_signals_end_calls() {
    static ONCE: Once = Once::new();
    extern "C" fn nothing(_signal: i32) {}
    ONCE.call_once(|| {
        let handler: extern "C" fn(i32) = nothing;
        // SAFETY: all zeros are a valid `sigaction`.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as usize;
        // SAFETY: the struct is whole, and the handler does nothing.
        unsafe { libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut()) };
    });
}

/// Sends the signal to a thread that was not joined yet.
pub(crate) fn signal(thread: RawPthread) {
    // A number with one C library, a pointer with another.
    let thread = thread as libc::pthread_t;
    // SAFETY: the thread's handle is valid until it is joined, and the signal has a handler.
    unsafe { libc::pthread_kill(thread, SIGNAL) };
}

#[cfg(test)]
mod tests {
    use super::{ARGUMENT_SIZE, Argument, FIONBIO, ioctl};
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;

    #[test]
    fn no_request_blocks_a_file_or_needs_more_than_the_buffer() {
        let (mut file, _other) = UnixStream::pair().expect("sockets");
        file.set_nonblocking(true).expect("a flag");
        let answer = ioctl(&file, FIONBIO, &mut Argument([0; ARGUMENT_SIZE]));
        assert_eq!(answer, Ok(0));
        // A code that says more than the buffer has.
        let large = ioctl(&file, 0xffff_5400, &mut Argument([0; ARGUMENT_SIZE]));
        assert_eq!(large, Err(aseqd_abi::Errno::ENOTTY));
        let read = file.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(read, Err(ErrorKind::WouldBlock));
    }
}
