//! The side of the command: what its process does before the command runs in it.
#![expect(unsafe_code, reason = "fork, execvp and personality have no safe wrapper")]

use crate::error::Error;
use crate::filter;
use crate::options::{Cpus, Options};
use std::ffi::{CString, OsString};
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

/// The personality without random addresses: `ADDR_NO_RANDOMIZE` of `linux/personality.h`.
const NO_RANDOM_ADDRESSES: u32 = 0x004_0000;

/// Prepares this process for a command: which processors it may use, addresses that are the same in every run, and the
/// filter that stops its calls for the tracer.
///
/// Call it when the tracer has seized this process, and execute the command next. Until then calls that read clocks
/// are answered by the tracer already; without a tracer they fail with `ENOSYS`.
///
/// # Errors
/// An error if the kernel has no seccomp filters, or refuses them.
pub fn prepare(options: &Options) -> io::Result<()> {
    if let Cpus::Count(count) = options.cpus {
        // Where it is refused, programs run on all processors.
        let _all = narrow(count, None);
    }
    if options.seed.is_some() {
        // A container may refuse it; then addresses are random.
        let _random = personality(NO_RANDOM_ADDRESSES);
    }
    filter::install()
}

/// Adds flags to the personality of this process.
fn personality(flags: u32) -> io::Result<()> {
    let set = |flags: u32| {
        // SAFETY: takes a number.
        let before = unsafe { libc::personality(libc::c_ulong::from(flags)) };
        u32::try_from(before).map_err(|_| io::Error::last_os_error())
    };
    // This number asks, and changes nothing.
    let now = set(u32::MAX)?;
    set(now | flags).map(drop)
}

/// Lets this thread, and another one if given, run on `count` processors: the one where this thread is, and the next ones
/// of those that it may use.
pub(crate) fn narrow(count: usize, other: Option<i32>) -> io::Result<()> {
    use rustix::process::Pid;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    let allowed = sched_getaffinity(None)?;
    let here = sched_getcpu();
    let mut chosen = CpuSet::new();
    let numbers = (here..CpuSet::MAX_CPU).chain(0..here).filter(|cpu| allowed.is_set(*cpu));
    numbers.take(count.max(1)).for_each(|cpu| chosen.set(cpu));
    if let Some(other) = other.and_then(Pid::from_raw) {
        sched_setaffinity(Some(other), &chosen)?;
    }
    Ok(sched_setaffinity(None, &chosen)?)
}

/// A process that waits to be seized, and will then execute a command.
#[derive(Debug)]
pub struct Child {
    process: i32,
    go: PipeWriter,
    failure: PipeReader,
    program: OsString,
}

/// What is left of a child that runs.
#[derive(Debug)]
pub struct Running {
    failure: PipeReader,
    program: OsString,
}

impl Child {
    /// Returns its number.
    pub const fn process(&self) -> i32 {
        self.process
    }

    /// Lets it execute the command.
    ///
    /// # Errors
    /// `EPIPE` if it was killed.
    pub fn go(mut self) -> io::Result<Running> {
        self.go.write_all(&[1])?;
        Ok(Running { failure: self.failure, program: self.program })
    }
}

impl Running {
    /// Returns why the command was not executed, if it was not. Call it when the run has ended.
    pub fn failure(mut self) -> Option<Error> {
        let mut number = [0; 4];
        self.failure.read_exact(&mut number).ok()?;
        let why = io::Error::from_raw_os_error(i32::from_ne_bytes(number));
        Some(match why.kind() {
            io::ErrorKind::NotFound => Error::NotFound(self.program),
            _ => Error::NotExecutable(self.program, why),
        })
    }
}

/// Makes a process that waits until [`Child::go`], and then [prepares](prepare) itself and executes a command.
///
/// Call it before [`Tracer::run`](crate::Tracer::run), in a process with one thread.
///
/// # Errors
/// The errors of `fork(2)`, and an error if a word of the command has a null byte.
pub fn spawn(options: &Options, command: &[OsString]) -> Result<Child, Error> {
    let words: Result<Vec<_>, _> =
        command.iter().map(|word| CString::new(word.as_bytes())).collect();
    let words = words.map_err(|_| {
        let why = io::Error::from_raw_os_error(libc::EINVAL);
        Error::NotExecutable(command.first().cloned().unwrap_or_default(), why)
    })?;
    let (wait, go) = io::pipe().map_err(|why| Error::System("no pipe can be made", why))?;
    let (failure, fail) = io::pipe().map_err(|why| Error::System("no pipe can be made", why))?;
    let failed = |why| Error::System("no process can be started", why);
    // SAFETY: the caller says that this process has one thread.
    match unsafe { libc::fork() } {
        -1 => Err(failed(io::Error::last_os_error())),
        0 => {
            drop((go, failure));
            execute(options, &words, wait, fail)
        }
        process => {
            let program = command.first().cloned().unwrap_or_default();
            Ok(Child { process, go, failure, program })
        }
    }
}

/// Waits to be seized, then becomes the command.
fn execute(options: &Options, words: &[CString], mut wait: PipeReader, mut fail: PipeWriter) -> ! {
    // Without the byte, the tracer is gone.
    let error = match wait.read_exact(&mut [0]) {
        Err(error) => error,
        Ok(()) => match prepare(options) {
            Err(error) => error,
            Ok(()) => become_command(words),
        },
    };
    let number = error.raw_os_error().unwrap_or(libc::EIO);
    let _gone = fail.write_all(&number.to_ne_bytes());
    let status = if number == libc::ENOENT { 127 } else { 126 };
    // SAFETY: ends the process; nothing of it is used any more.
    unsafe { libc::_exit(status) }
}

/// Returns why the command cannot be executed.
fn become_command(words: &[CString]) -> io::Error {
    let pointers = words.iter().map(|word| word.as_ptr());
    let pointers: Vec<_> = pointers.chain([std::ptr::null()]).collect();
    let Some(program) = words.first() else { return io::ErrorKind::NotFound.into() };
    // Rust's runtime ignores SIGPIPE, which commands do not expect.
    // SAFETY: sets the default action.
    let _known = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    // SAFETY: the words end with null bytes, and their list with a null pointer.
    let _failed = unsafe { libc::execvp(program.as_ptr(), pointers.as_ptr()) };
    io::Error::last_os_error()
}
