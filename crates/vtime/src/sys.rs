//! System calls for tracing that have no safe wrapper elsewhere.
#![expect(
    unsafe_code,
    reason = "ptrace, waitpid of traced threads and signalfd have no safe wrapper"
)]

use crate::arch::{NUMBER_APART, Regs};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// What `waitpid` said about a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is gone; the status of `waitpid`.
    Ended(i32),
    /// The filter stopped a call on its way in.
    Call,
    /// A call is on its way out.
    Return,
    /// A signal is about to be delivered.
    Signal(i32),
    /// A new thread or process was made: `PTRACE_EVENT_FORK`, `VFORK` or `CLONE`.
    Made(i32),
    /// The child of a vfork has released its parent.
    VforkDone,
    /// Another program runs in this process.
    Exec,
    /// A stop of the whole process by a signal (job control).
    Group,
    /// A new thread begins, or the tracer asked for a stop.
    Trap,
}

const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEVFORKDONE
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// `PTRACE_EVENT_STOP` of `linux/ptrace.h`.
const EVENT_STOP: i32 = 128;
/// `NT_PRSTATUS` of `elf.h`: the general registers.
const NT_PRSTATUS: usize = 1;
/// `NT_ARM_SYSTEM_CALL` of `elf.h`.
const NT_ARM_SYSTEM_CALL: usize = 0x404;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(target_env = "musl")]
type Request = i32;
#[cfg(not(target_env = "musl"))]
type Request = u32;

/// Calls ptrace with numbers only: no request given here reads or writes memory of this process.
fn ptrace(request: Request, thread: i32, address: usize, data: usize) -> io::Result<libc::c_long> {
    // SAFETY: the requests of this file's callers take numbers, not pointers.
    check(unsafe { libc::ptrace(request, thread, address, data) })
}

/// Becomes the tracer of a process and of what it will start.
pub(crate) fn seize(process: i32) -> io::Result<()> {
    let options = usize::try_from(OPTIONS).unwrap_or_default();
    ptrace(libc::PTRACE_SEIZE, process, 0, options).map(drop)
}

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    /// Until something is to be told.
    On,
    /// The same, but it stops as well when its call returns.
    ToReturn,
}

/// Lets a stopped thread go on, with a signal or 0.
pub(crate) fn resume(thread: i32, go: Go, signal: i32) -> io::Result<()> {
    let request = match go {
        Go::On => libc::PTRACE_CONT,
        Go::ToReturn => libc::PTRACE_SYSCALL,
    };
    ptrace(request, thread, 0, usize::try_from(signal).unwrap_or_default()).map(drop)
}

/// Leaves a thread in its group stop, and lets the tracer know when that ends.
pub(crate) fn listen(thread: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_LISTEN, thread, 0, 0).map(drop)
}

/// Makes a thread stop soon.
pub(crate) fn interrupt(thread: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_INTERRUPT, thread, 0, 0).map(drop)
}

/// Returns the number that came with an event: a new thread, or the old number of one that has called exec.
pub(crate) fn event_message(thread: i32) -> io::Result<i32> {
    let mut message: libc::c_ulong = 0;
    let to = &raw mut message;
    // SAFETY: the request writes one unsigned long.
    check(unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, thread, 0_usize, to) })?;
    i32::try_from(message).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Returns a stopped thread's registers.
pub(crate) fn registers(thread: i32) -> io::Result<Regs> {
    let mut regs = Regs::default();
    let mut to = libc::iovec { iov_base: (&raw mut regs).cast(), iov_len: size_of::<Regs>() };
    let to = &raw mut to;
    // SAFETY: the request writes at most the given length, into plain numbers.
    check(unsafe { libc::ptrace(libc::PTRACE_GETREGSET, thread, NT_PRSTATUS, to) })?;
    Ok(regs)
}

/// Sets a stopped thread's registers.
pub(crate) fn set_registers(thread: i32, regs: &Regs) -> io::Result<()> {
    let from = std::ptr::from_ref(regs).cast_mut();
    let mut from = libc::iovec { iov_base: from.cast(), iov_len: size_of::<Regs>() };
    let from = &raw mut from;
    // SAFETY: the request only reads the given length.
    check(unsafe { libc::ptrace(libc::PTRACE_SETREGSET, thread, NT_PRSTATUS, from) }).map(drop)
}

/// Sets the number of the call that a thread is about to make, where that is not a general register.
pub(crate) fn set_call_number(thread: i32, number: i64) -> io::Result<()> {
    if !NUMBER_APART {
        return Ok(());
    }
    let mut number = i32::try_from(number).unwrap_or(-1);
    let mut from = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of::<i32>() };
    let from = &raw mut from;
    // SAFETY: the request only reads the given length.
    check(unsafe { libc::ptrace(libc::PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, from) })
        .map(drop)
}

/// Reads one word of a stopped thread's memory.
pub(crate) fn peek(thread: i32, address: u64) -> io::Result<u64> {
    let address =
        usize::try_from(address).map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))?;
    let mut word = 0_u64;
    // The raw call stores the word; the C library's function would return it, and errors with it.
    let request = libc::PTRACE_PEEKDATA;
    let to = &raw mut word;
    // SAFETY: the request writes one word.
    check(unsafe { libc::syscall(libc::SYS_ptrace, request, thread, address, to) })?;
    Ok(word)
}

/// Writes one word of a stopped thread's memory.
pub(crate) fn poke(thread: i32, address: u64, word: u64) -> io::Result<()> {
    let word = usize::try_from(word).unwrap_or_default();
    let address =
        usize::try_from(address).map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))?;
    ptrace(libc::PTRACE_POKEDATA, thread, address, word).map(drop)
}

/// Takes the next change of any child or traced thread. Returns `None` if there is none yet.
///
/// # Errors
/// `ECHILD` if this thread has no child process, and traces none.
pub(crate) fn wait() -> io::Result<Option<(i32, Change)>> {
    let mut status = 0;
    // SAFETY: the pointer is to a number that the call fills.
    match unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::WNOHANG) } {
        0 => Ok(None),
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => wait(),
            error => Err(error),
        },
        thread => Ok(Some((thread, change(status)))),
    }
}

fn change(status: i32) -> Change {
    if !libc::WIFSTOPPED(status) {
        return Change::Ended(status);
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Change::Return,
        0 => Change::Signal(signal),
        libc::PTRACE_EVENT_SECCOMP => Change::Call,
        event @ (libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE) => {
            Change::Made(event)
        }
        libc::PTRACE_EVENT_VFORK_DONE => Change::VforkDone,
        libc::PTRACE_EVENT_EXEC => Change::Exec,
        EVENT_STOP if signal != libc::SIGTRAP => Change::Group,
        _ => Change::Trap,
    }
}

/// How a `siginfo_t` begins that says that a timer has expired, as 32-bit numbers: signal, error, code, nothing, number
/// of the timer, overrun. The value of the timer follows.
type TimerInfo = [i64; 16];

/// Sends the signal of a timer to a process, or to one thread of it.
pub(crate) fn send_timer_signal(
    process: i32,
    thread: Option<i32>,
    signal: i32,
    timer: i32,
    value: i64,
) {
    let low = |number: i32| i64::from(number.cast_unsigned());
    let mut info: TimerInfo = [0; 16];
    info[..4].copy_from_slice(&[low(signal), low(libc::SI_TIMER), low(timer), value]);
    let info = &raw const info;
    let _gone = match thread {
        // SAFETY: the call reads a siginfo_t, which has 128 bytes.
        None => unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, process, signal, info) },
        // SAFETY: the same.
        Some(thread) => unsafe {
            libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, signal, info)
        },
    };
}

/// Lets `change` look at what a thread is told about the signal that is about to be delivered: the first words of the
/// `siginfo_t`. What it changes becomes valid if it returns true.
pub(crate) fn change_signal_info(
    thread: i32,
    change: impl FnOnce(&mut [i64; 4]) -> bool,
) -> io::Result<()> {
    let mut info: TimerInfo = [0; 16];
    let to = &raw mut info;
    // SAFETY: the request writes a siginfo_t, which has 128 bytes.
    check(unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, thread, 0_usize, to) })?;
    let Some(head) = info.first_chunk_mut::<4>() else { return Ok(()) };
    if change(head) {
        let from = &raw mut info;
        // SAFETY: the request reads a siginfo_t.
        check(unsafe { libc::ptrace(libc::PTRACE_SETSIGINFO, thread, 0_usize, from) })?;
    }
    Ok(())
}

/// Returns how often this thread has left its processor for another thread.
pub(crate) fn switches() -> i64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a struct rusage, which the call fills.
    let _infallible = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    // SAFETY: it consists of numbers, and has been zeroed.
    let usage = unsafe { usage.assume_init() };
    usage.ru_nvcsw + usage.ru_nivcsw
}

/// Blocks signals for this thread, and returns a descriptor that is readable while one is pending.
pub(crate) fn signal_descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is to a sigset_t, which the call fills.
    let _infallible = unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: sigemptyset has filled it.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: the pointer is to a valid sigset_t.
        let _known = unsafe { libc::sigaddset(&raw mut set, *signal) };
    }
    let none = std::ptr::null_mut();
    // SAFETY: the pointer is to a valid sigset_t; no old mask is asked for.
    let result = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, none) };
    if result != 0 {
        return Err(io::Error::from_raw_os_error(result));
    }
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the pointer is to a valid sigset_t.
    let fd = unsafe { libc::signalfd(-1, &raw const set, flags) };
    check(fd.into())?;
    // SAFETY: the call returned a descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes a signal that is pending at a descriptor of [`signal_descriptor`]: its number, and whether a process sent it.
pub(crate) fn take_signal(descriptor: &OwnedFd) -> Option<(i32, bool)> {
    let mut info = [0_u8; size_of::<libc::signalfd_siginfo>()];
    let read = rustix::io::read(descriptor, &mut info).ok()?;
    let word = |at: usize| i32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let number = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo));
    let code = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_code));
    // SI_USER is 0, and what kill, tgkill and sigqueue send is not above it.
    (read == info.len()).then_some((number, code <= libc::SI_USER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_sleeps_leaves_its_processor() {
        let before = switches();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(switches() > before);
    }
}
