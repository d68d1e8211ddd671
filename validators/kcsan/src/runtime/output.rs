//! Where reports, the summary and messages go: a file, or standard error as it was at the start.
//!
//! A program may close standard error, or put something else in its place. So the runtime keeps a descriptor of its own.
//! If that is lost too, it writes to a file in the folder for temporary files.

#![expect(unsafe_code, reason = "descriptors and signals")]

use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use crate::reason::reason;
use crate::runtime::options::{NAMES, Sink};
use crate::runtime::process;

/// The runtime's own descriptor of standard error; -1 if there is none.
static KEPT: AtomicI32 = AtomicI32::new(-1);
/// Device and inode of standard error at the start. Other inodes have taken its place since.
static IDENTITY: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// Whether the program was started with standard error.
static HAD_STDERR: AtomicBool = AtomicBool::new(false);

/// Keeps standard error, at the start of the program.
pub(crate) fn keep() {
    let Some(file) = status(libc::STDERR_FILENO) else { return };
    HAD_STDERR.store(true, Ordering::Relaxed);
    IDENTITY[0].store(file.st_dev, Ordering::Relaxed);
    IDENTITY[1].store(file.st_ino, Ordering::Relaxed);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is there.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    // A program that counts its descriptors, or takes low ones for its own, does not meet a high one.
    let high = c_int::try_from(limit.rlim_cur.min(1 << 16)).unwrap_or(0) * 7 / 8;
    // SAFETY: the descriptor is open.
    let kept = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_DUPFD_CLOEXEC, high) };
    KEPT.store(kept, Ordering::Relaxed);
}

/// Gives up the runtime's descriptor in a new process if a reader may wait for its end. A daemon would otherwise keep
/// the program that starts it waiting.
pub(crate) fn after_fork() {
    let kept = KEPT.load(Ordering::Relaxed);
    let ends = status(kept).is_some_and(|file| {
        [libc::S_IFIFO, libc::S_IFSOCK].contains(&(file.st_mode & libc::S_IFMT))
    });
    if ends && is_stderr(kept) {
        KEPT.store(-1, Ordering::Relaxed);
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(kept) };
    }
}

/// Writes a report, or the summary at the end, to the sink.
pub(crate) fn write_to_sink(text: &str) {
    if let Some(Sink::File(path)) = NAMES.get().map(|names| &names.sink) {
        let file = File::options().append(true).create(true).open(path);
        // It is one call, so that reports of several processes do not mix.
        match file.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => return,
            Err(error) => say(&format!("{path}: {}", reason(&error))),
        }
    }
    write(text);
}

/// Prints one line of the runtime itself.
pub(crate) fn say(line: &str) {
    write(&format!("kcsan: {line}\n"));
}

fn write(text: &str) {
    let descriptors = [KEPT.load(Ordering::Relaxed), libc::STDERR_FILENO];
    let mut open = descriptors.into_iter().filter(|descriptor| is_stderr(*descriptor));
    if open.any(|descriptor| write_all(descriptor, text.as_bytes())) {
        return;
    }
    // Without standard error at the start, nobody wants to read this.
    if HAD_STDERR.load(Ordering::Relaxed) {
        let path = std::env::temp_dir().join(format!("kcsan-{}.txt", process::pid()));
        let mut file = File::options();
        file.append(true).create(true).mode(0o600);
        file.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let Ok(file) = file.open(path) else { return };
        // SAFETY: takes nothing.
        let me = unsafe { libc::geteuid() };
        // Another user may have put something else there.
        if file.metadata().is_ok_and(|found| found.is_file() && found.uid() == me) {
            write_all(file.as_raw_fd(), text.as_bytes());
        }
    }
}

fn status(descriptor: c_int) -> Option<libc::stat> {
    let mut file = MaybeUninit::uninit();
    // SAFETY: the structure is there.
    let failed = unsafe { libc::fstat(descriptor, file.as_mut_ptr()) };
    // SAFETY: the call has filled it.
    (failed == 0).then(|| unsafe { file.assume_init() })
}

/// Returns whether a descriptor still is standard error as it was at the start. The program may have closed it, and
/// have opened something else under its number.
fn is_stderr(descriptor: c_int) -> bool {
    status(descriptor).is_some_and(|file| {
        file.st_dev == IDENTITY[0].load(Ordering::Relaxed)
            && file.st_ino == IDENTITY[1].load(Ordering::Relaxed)
    })
}

/// Writes to a descriptor that stays open. Returns whether all of it was written. If nobody reads the pipe any more, the
/// program gets no SIGPIPE for it.
fn write_all(descriptor: c_int, bytes: &[u8]) -> bool {
    let broken_pipe = broken_pipe();
    let mut before = broken_pipe;
    // SAFETY: the sets are there.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const broken_pipe, &raw mut before) };
    // SAFETY: the descriptor is open, and stays so.
    let mut file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
    let written = file.write_all(bytes);
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: takes the signal that the write has made, and does not wait for one.
        unsafe {
            libc::sigtimedwait(&raw const broken_pipe, std::ptr::null_mut(), &raw const no_time)
        };
    }
    // SAFETY: the set was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    written.is_ok()
}

/// Returns the set of signals with `SIGPIPE` only.
fn broken_pipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: fills the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set was filled.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: the set was filled.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    set
}
