//! Calls for processes and signals that have no safe wrapper elsewhere.
#![expect(
    unsafe_code,
    reason = "fork, pre_exec, signal handlers and masks, and signalfd have no safe wrapper"
)]

use rustix::process::{Pid, Signal};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The process in which [`fork`] returned.
#[derive(Debug)]
pub enum Fork {
    /// The old process, with the number of the new one.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Makes a second process.
///
/// # Errors
/// The errors of `fork(2)`; also if this process has more than one thread.
pub fn fork() -> io::Result<Fork> {
    if let Ok(threads) = std::fs::read_dir("/proc/self/task")
        && threads.count() != 1 + usize::from(is_translated())
    {
        return Err(io::Error::other("a process with threads cannot be forked"));
    }
    // SAFETY: this process has one thread, as was just checked (without /proc: by construction, no
    // code of this program starts a thread before it forks), so no lock can be held by another.
    // A translator's thread holds no lock of this program, and the translator itself does this fork.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Pid::from_raw(pid).map(Fork::Parent).ok_or_else(|| io::Error::other("no pid")),
    }
}

/// Returns whether another program runs this one, instruction by instruction, as QEMU does for another processor
/// (`qemu-user`, often started by `binfmt_misc`). It has one more thread in this process.
pub fn is_translated() -> bool {
    // QEMU answers the first name as if it were this program, but passes on the second. Both are the same otherwise.
    let by_thread = format!("/proc/self/task/{}/exe", std::process::id());
    match (std::fs::read_link("/proc/self/exe"), std::fs::read_link(by_thread)) {
        (Ok(said), Ok(real)) => said != real,
        _ => false,
    }
}

/// Returns whether this program has more rights than the process that started it, by a set-uid or set-gid bit or by
/// file capabilities. If so, its environment was set by another user.
pub fn is_privileged_by_its_file() -> bool {
    // SAFETY: takes a number, and looks into what the kernel has handed to this process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Makes each write beyond the limit of a file's size (`ulimit -f`) fail with `EFBIG`. Without this, `SIGXFSZ` ends the
/// process without a word.
///
/// The signal gets a handler that does nothing. It is not ignored, because programs that this process executes would
/// inherit that; a handler ends with this program. If the signal is ignored already, it stays so for them.
///
/// # Errors
/// The errors of `sigaction(2)`; none is known for this signal.
pub fn outlive_file_size_limit() -> io::Result<()> {
    extern "C" fn nothing(_signal: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: all zeroes is a valid sigaction: no flags, no signals blocked.
    let mut before: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the pointer is to a sigaction, which the call fills.
    if unsafe { libc::sigaction(libc::SIGXFSZ, std::ptr::null(), &raw mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if before.sa_sigaction != libc::SIG_DFL {
        return Ok(());
    }
    let mut action = before;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the pointer is to a valid sigaction, whose handler does nothing.
    match unsafe { libc::sigaction(libc::SIGXFSZ, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns whether this process is the first of its session, as under `ssh -t` or in a terminal's window.
pub fn leads_session() -> bool {
    // SAFETY: takes a number, and tells of this process. The leader may be outside of the PID namespace of this
    // process, and then has the number 0, for which the safe wrapper has no value.
    let leader = unsafe { libc::getsid(0) };
    u32::try_from(leader) == Ok(std::process::id())
}

/// A set of signals, for a mask.
#[derive(Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// Returns the set of these signals.
    pub fn of(signals: &[Signal]) -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the pointer is to a sigset_t, which the call fills.
        let _infallible = unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: sigemptyset has filled it.
        let mut set = unsafe { set.assume_init() };
        for signal in signals {
            // SAFETY: the pointer is to a valid sigset_t.
            let _known = unsafe { libc::sigaddset(&raw mut set, signal.as_raw()) };
        }
        Self(set)
    }

    /// Adds these signals to those that this thread blocks, and returns the mask that it had before.
    pub fn block(&self) -> io::Result<Self> {
        self.change(libc::SIG_BLOCK)
    }

    /// Removes these signals from those that this thread blocks.
    pub fn unblock(&self) -> io::Result<()> {
        self.change(libc::SIG_UNBLOCK).map(drop)
    }

    /// Makes this the mask of this thread.
    pub fn restore(&self) -> io::Result<()> {
        self.change(libc::SIG_SETMASK).map(drop)
    }

    fn change(&self, how: i32) -> io::Result<Self> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: both pointers are to sigset_t, valid for the call; the second is filled.
        match unsafe { libc::sigprocmask(how, &raw const self.0, before.as_mut_ptr()) } {
            // SAFETY: the call has succeeded and filled it.
            0 => Ok(Self(unsafe { before.assume_init() })),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The number of the signal.
    pub number: i32,
    /// Whether a process sent it. Otherwise the kernel did, for the terminal.
    pub from_process: bool,
}

/// A descriptor that is readable while one of its signals is pending.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// Makes a descriptor for signals that are blocked.
    pub fn new(signals: &SignalSet) -> io::Result<Self> {
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the pointer is to a valid sigset_t.
        match unsafe { libc::signalfd(-1, &raw const signals.0, flags) } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: the call returned a descriptor that nobody else owns.
            fd => Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) })),
        }
    }

    /// Takes and returns one signal, if one is pending.
    pub fn take(&self) -> io::Result<Option<Arrived>> {
        let mut info = [0_u8; size_of::<libc::signalfd_siginfo>()];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut info)) {
            Ok(read) if read == info.len() => {}
            Ok(_) | Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let word =
            |at: usize| i32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
        let code = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_code));
        Ok(Some(Arrived {
            number: word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo)),
            // SI_USER is 0, and what kill, tgkill and sigqueue send is not above it.
            from_process: code <= libc::SI_USER,
        }))
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Makes the kernel send SIGTERM to a command when this process ends, in whatever way it ends.
///
/// The kernel sends it when the thread ends that started the command, so that thread must live as long as the
/// process.
pub fn end_with_us(command: &mut Command) -> &mut Command {
    let parent = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        match rustix::process::getppid() {
            Some(now) if now == parent => Ok(()),
            // The parent ended before the kernel was asked.
            _ => Err(rustix::io::Errno::SRCH.into()),
        }
    };
    // SAFETY: what runs between fork and exec are two system calls, without allocation or lock.
    unsafe { command.pre_exec(ask) }
}

/// Makes a command begin with no signal blocked, whatever this thread blocks: a command that blocks SIGTERM cannot be
/// ended by `timeout`, and one that blocks SIGINT not by Ctrl-C.
pub fn with_all_signals(command: &mut Command) -> &mut Command {
    let none = SignalSet::of(&[]);
    // SAFETY: what runs between fork and exec is one system call, without allocation or lock.
    unsafe { command.pre_exec(move || none.restore()) }
}

/// Marks every descriptor but the standard ones as close-on-exec. Does nothing before Linux 5.11.
pub fn keep_standard_descriptors() {
    let (first, last) = (3_u32, u32::MAX);
    // SAFETY: only marks descriptors, which stay open; they are closed when this program is gone.
    let _unsupported =
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Ends this process without running exit handlers or destructors, as a forked child must.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: ends the process; nothing of it is used any more.
    unsafe { libc::_exit(status) }
}

/// Moves this process into new namespaces.
pub fn unshare(flags: rustix::thread::UnshareFlags) -> io::Result<()> {
    // SAFETY: only FILES could affect memory safety (descriptors of other threads), and it is
    // masked out.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags - rustix::thread::UnshareFlags::FILES) }?)
}
