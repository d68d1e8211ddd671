//! `aseqd remain`: what stays when CMD has ended and some of its processes have not.
//!
//! Their filter cannot be taken off: without somebody who answers, every open is `ENOSYS` for ever. And each
//! program that they start is to load a library, which complains where that is gone. So the keeper, which is
//! their parent, becomes this small program: it lets every call through, refuses connections, and ends with
//! the last of them. The sequencer is gone; all else is as without it.

use crate::cli::RemainArgs;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet, exit_now, keep_standard_descriptors};
use aseqd_host::realtime;
use aseqd_server::door::preload::library::Library;
use aseqd_server::door::{handover::Opener, stopped};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use rustix::process::{Signal, WaitOptions, wait};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// What processes that outlive CMD still need of a door.
#[derive(Debug)]
pub(super) enum Remains {
    /// A mount of their own: nothing.
    Nothing,
    /// Somebody who answers at this listener, as this thread has done, if there is one.
    Filter(OwnedFd, Option<Opener>),
    /// The library, and somebody at the socket beside it.
    Library(Library, OwnedFd),
}

impl Remains {
    /// Is it needed? Not without a process that is left.
    pub(super) fn are_needed(&self) -> bool {
        !matches!(self, Self::Nothing) && has_children()
    }

    /// Becomes what remains. To be called when the server is gone.
    pub(super) fn stay(self) -> ! {
        let (descriptor, folder) = match self {
            Self::Nothing => exit_now(0),
            Self::Filter(listener, opener) => {
                // What it has received, nobody else could answer.
                if let Some(opener) = opener {
                    opener.stop();
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
        // Whoever waits for the end of the output of a run does not wait for this.
        own.stdout(Stdio::null()).stderr(Stdio::null());
        keep_standard_descriptors();
        if let Ok(copy) = descriptor.try_clone() {
            let _error = own.stdin(copy).exec();
        }
        // Without procfs, say: as large as it is.
        let _ended = remain(descriptor, folder);
        exit_now(0)
    }
}

/// Is there a process whose parent is this one?
fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// `aseqd remain`, with the listener or the socket as its standard input.
pub fn main(args: RemainArgs) -> Result<ExitCode, Fail> {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().context("no descriptor")?;
    remain(descriptor, args.folder)?;
    Ok(ExitCode::SUCCESS)
}

fn remain(descriptor: OwnedFd, folder: Option<PathBuf>) -> Result<(), Fail> {
    let signals = SignalSet::of(&[Signal::CHILD]);
    signals.block().context("signals cannot be blocked")?;
    let signals = SignalFd::new(&signals).context("no signalfd")?;
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
        // One that comes finds that nobody is there.
        while accept_with(&descriptor, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).is_ok() {}
    }
    let _gone = std::fs::remove_dir_all(folder);
    Ok(())
}

/// Waits for a descriptor, or for the end of a process. False when the descriptor has hung up.
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
