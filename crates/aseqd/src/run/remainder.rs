//! `aseqd remain`: serves what processes that outlive CMD still need.
//!
//! Their seccomp filter cannot be removed: if no process answers, each of their opens fails with `ENOSYS` for ever. And
//! if the preload door's library is removed, the loader complains in each program that they start. So the keeper, which
//! is their parent, becomes this small program. It lets every call through, refuses connections, and ends with the last
//! of them. They have no sequencer any more; everything else works as without one.

use crate::cli::RemainArgs;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet, exit_now, keep_standard_descriptors};
use aseqd_host::realtime;
use aseqd_server::door::handover::{Activity, HandOver};
use aseqd_server::door::preload::library::Library;
use aseqd_server::door::stopped;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use rustix::process::{Signal, WaitOptions, wait};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// What a door must keep for processes that outlive CMD.
#[derive(Debug)]
pub(super) enum Remains {
    /// Nothing: the processes have a mount of their own.
    Nothing,
    /// The listener of their filter, which must be answered, and the thread that has answered it, if there is one.
    Filter(OwnedFd, Option<HandOver>),
    /// The library, and its socket, where connections must be refused.
    Library(Library, OwnedFd),
}

impl Remains {
    /// Returns what tells whether the thread of the hand-over is at work, if there is one.
    pub(super) fn opener(&self) -> Option<Activity> {
        match self {
            Self::Filter(_, Some(thread)) => Some(thread.activity()),
            _ => None,
        }
    }

    /// Returns whether anything is needed: whether a process is left that needs it.
    pub(super) fn are_needed(&self) -> bool {
        !matches!(self, Self::Nothing) && has_children()
    }

    /// Becomes `aseqd remain`. The server must have been dropped.
    pub(super) fn stay(self) -> ! {
        let (descriptor, folder) = match self {
            Self::Nothing => exit_now(0),
            Self::Filter(listener, thread) => {
                // Only this thread can answer the calls that it has received.
                if let Some(thread) = thread {
                    thread.stop();
                }
                (listener, None)
            }
            Self::Library(library, socket) => (socket, Some(library.keep())),
        };
        let _not_real_time = realtime::schedule(false);
        let mut own = Command::new("/proc/self/exe");
        own.arg0("aseqd").arg("remain").env_clear().current_dir("/");
        if let Some(folder) = &folder {
            own.arg("--folder").arg(folder);
        }
        // A program that reads the output of the run to its end must not wait for this one.
        own.stdout(Stdio::null()).stderr(Stdio::null());
        keep_standard_descriptors();
        if let Ok(copy) = descriptor.try_clone() {
            let _error = own.stdin(copy).exec();
        }
        // The exec fails without procfs, for example. Then this process, which uses more memory, does it.
        let _ended = remain(descriptor, folder);
        exit_now(0)
    }
}

/// Reaps children that have ended, and returns whether any are left.
fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Runs `aseqd remain`. The listener or the socket is its standard input.
///
/// # Errors
/// A message if it cannot wait for calls or signals.
pub fn main(args: RemainArgs) -> Result<ExitCode, Fail> {
    let descriptor =
        std::io::stdin().as_fd().try_clone_to_owned().context("a descriptor cannot be copied")?;
    remain(descriptor, args.folder)?;
    Ok(ExitCode::SUCCESS)
}

fn remain(descriptor: OwnedFd, folder: Option<PathBuf>) -> Result<(), Fail> {
    let signals = SignalSet::of(&[Signal::CHILD]);
    signals.block().context("signals cannot be blocked")?;
    let signals = SignalFd::new(&signals).context("signals cannot be received")?;
    let Some(folder) = folder else {
        let bystander = stopped::Bystander::new(descriptor);
        while wait_for(bystander.as_fd(), &signals)? {
            has_children();
            bystander.let_through();
        }
        return Ok(());
    };
    while has_children() {
        wait_for(descriptor.as_fd(), &signals)?;
        // The connection is closed at once.
        while accept_with(&descriptor, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).is_ok() {}
    }
    let _gone = std::fs::remove_dir_all(folder);
    Ok(())
}

/// Waits until the descriptor can be read or a child ends. Returns `false` once the descriptor has hung up.
fn wait_for(descriptor: std::os::fd::BorrowedFd<'_>, signals: &SignalFd) -> Result<bool, Fail> {
    let mut ready = [PollFd::new(&descriptor, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
    match poll(&mut ready, None) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error).context("cannot wait"),
    }
    while signals.take().context("signals cannot be read")?.is_some() {}
    let found = ready[0].revents();
    Ok(found.is_empty() || found.contains(PollFlags::IN))
}
