//! Calls for real-time scheduling and resident memory that have no safe wrapper elsewhere.
#![expect(unsafe_code, reason = "sched_setscheduler, mlockall and others have no safe wrapper")]

use super::process::SignalSet;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

/// The server's real-time priority, 1 to 99: below audio servers and the kernel's threads.
pub const PRIORITY: u8 = 10;

/// Makes the calling thread a real-time one (`SCHED_FIFO`) or an ordinary one. Threads and processes that it starts
/// are ordinary.
///
/// # Errors
/// `EPERM` without the privilege (`CAP_SYS_NICE`, or `RLIMIT_RTPRIO`).
pub fn schedule(real_time: bool) -> io::Result<()> {
    let (policy, priority) =
        if real_time { (libc::SCHED_FIFO, PRIORITY.into()) } else { (libc::SCHED_OTHER, 0) };
    set_scheduler(policy | libc::SCHED_RESET_ON_FORK, priority)
}

/// Makes the calling thread a real-time one at a priority from 1 to 99, together with the threads and processes that it
/// starts later.
///
/// # Errors
/// `EPERM` without the privilege.
pub fn schedule_descendants(priority: i32) -> io::Result<()> {
    set_scheduler(libc::SCHED_FIFO, priority)
}

fn set_scheduler(policy: i32, priority: i32) -> io::Result<()> {
    // SAFETY: the pointer is to the kernel's `struct sched_param`, which is one int; 0 is the calling
    // thread. musl's own function refuses every call, so the system call is made directly.
    match unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns how long a real-time thread of this process may run without sleeping, if that is limited
/// (`RLIMIT_RTTIME`, soft).
pub fn run_limit() -> Option<Duration> {
    getrlimit(Resource::Rttime).current.map(Duration::from_micros)
}

/// Limits for good how long a real-time thread of this process may run without sleeping. The kernel sends `SIGXCPU`
/// after half of that time, which is returned, and kills the process at the end of it.
///
/// # Errors
/// The errors of `setrlimit(2)`; none is known for a limit that becomes lower.
pub fn limit_run(longest: Duration) -> io::Result<Duration> {
    let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    let before = getrlimit(Resource::Rttime);
    let hard = before.maximum.map_or(longest, |before| before.min(longest));
    let soft = before.current.map_or(hard / 2, |before| before.min(hard / 2));
    setrlimit(Resource::Rttime, Rlimit { current: Some(soft), maximum: Some(hard) })?;
    Ok(Duration::from_micros(soft))
}

/// Handles `SIGXCPU` from now on: the thread that ran for too long becomes an ordinary one, which has no such
/// limit, and the process lives on. This thread unblocks the signal.
///
/// # Errors
/// The errors of `sigaction(2)`.
pub fn outlive_run_limit() -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int) = become_ordinary;
    // SAFETY: all zeroes is a valid sigaction: no flags, no signals blocked.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the pointer is to a valid sigaction, whose handler does only what a handler may.
    match unsafe { libc::sigaction(libc::SIGXCPU, &raw const action, std::ptr::null_mut()) } {
        0 => SignalSet::of(&[Signal::XCPU]).unblock(),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs in the thread that ran for too long: the kernel sends the signal from its timer interrupt.
extern "C" fn become_ordinary(_signal: libc::c_int) {
    let priority: libc::c_int = 0;
    let policy = libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK;
    // SAFETY: a bare system call on a valid `struct sched_param`, which every thread may make, so
    // errno stays as it was.
    let _permitted =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
}

/// Returns how often the calling thread has slept: the number of its voluntary context switches.
pub fn sleeps() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a rusage, which the call fills.
    let _infallible = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    // SAFETY: all zeroes is a valid rusage as well.
    let usage = unsafe { usage.assume_init() };
    u64::try_from(usage.ru_nvcsw).unwrap_or(0)
}

/// Returns whether the limit of locked memory does not apply to this process. It mostly applies to the root of a
/// container; a capability in a user namespace does not lift it.
fn is_above_limits() -> bool {
    let lock = rustix::thread::CapabilitySet::IPC_LOCK;
    let has = rustix::thread::capabilities(None).is_ok_and(|caps| caps.effective.contains(lock));
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    has && map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Keeps the memory of this process from being paged out once it has been touched.
///
/// # Errors
/// `EPERM` if a limit of locked memory would make later allocations fail; the errors of `mlockall(2)`.
pub fn stay_resident() -> io::Result<()> {
    if getrlimit(Resource::Memlock).current.is_some() && !is_above_limits() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    let flags = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: changes only whether pages may be written out.
    match unsafe { libc::mlockall(flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
