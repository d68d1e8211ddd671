//! The process that serves the device and is the command's parent.

use super::namespace::{self, Ids};
use super::tree;
use super::{STATUS_FAILED, pair};
use crate::cli::RunArgs;
use crate::door::doors::Way;
use crate::door::fuse;
use crate::error::{Context as _, Fail};
use crate::server::event_loop::{Server, Wake};
use crate::sys::process::{Fork, SignalFd, SignalSet, exit_now, fork};
use chardev::{Config, Device};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, set_child_subreaper, setpgid, wait, waitpid,
};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// CMD exists and cannot be executed.
const STATUS_NOT_EXECUTABLE: i32 = 126;

/// Starts the command, serves it, and says how it ended.
pub(super) fn main(
    args: &RunArgs,
    front: &OwnedFd,
    signals: &SignalSet,
    mask: &SignalSet,
) -> Result<u8, Fail> {
    // Processes that lose their parent become ours, so that they can be found at the end.
    set_child_subreaper(Pid::from_raw(1)).context("cannot become a subreaper")?;
    let signal_fd = SignalFd::new(signals).context("no signalfd")?;
    let ids = Ids::own();
    let (ours, theirs) = pair()?;
    let keeper = rustix::process::getpid();
    let command = match fork().context("cannot fork")? {
        Fork::Parent(command) => command,
        Fork::Child => {
            drop(ours);
            become_command(args, keeper, ids, theirs, mask)
        }
    };
    drop(theirs);
    // The terminal's signals are for the command alone, which stays in the group it was started in.
    // Where this is refused, they reach a process that has them blocked.
    let _refused = setpgid(None, None);
    detach_from_terminal();
    let Some(device) = receive_descriptor(&ours)? else {
        // The command has said why, and ends with the status for it.
        return Ok(reap(command));
    };
    drop(ours);
    let config = Config {
        nodes: fuse::nodes(0o666, ids.uid, ids.gid),
        directory_uid: ids.uid,
        directory_gid: ids.gid,
        ..Config::default()
    };
    let device = Device::new(device, config).context("the device cannot be served")?;
    let mut server = Server::new(vec![Way::Device(device)], args.trace, &args.timing)
        .context("cannot start the server")?;
    let front_number = server.watch(front).context("cannot wait for the front")?;
    let signal_number = server.watch(&signal_fd).context("cannot wait for signals")?;
    loop {
        match server.run().context("the server failed")? {
            Wake::Watched(number) if number == front_number => {
                if !forward(front, command) {
                    // The front is gone, killed: so is everything that it started.
                    tree::kill_all();
                    exit_now(STATUS_FAILED.into());
                }
            }
            Wake::Watched(number) if number == signal_number => {
                while signal_fd.take().context("signals cannot be read")?.is_some() {}
                if let Some(status) = reap_all(command) {
                    end_leftovers(&mut server)?;
                    return Ok(status);
                }
            }
            Wake::Watched(_) => {}
            Wake::Disconnected => {
                // Somebody took the mount away, in the command's own namespace; it still runs.
                return Ok(reap(command));
            }
        }
    }
}

/// Processes of the command that outlive it and hold the device open would wait for ever, or spin, on
/// a device that is gone: they are asked to end, then made to. Others are left alone.
fn end_leftovers(server: &mut Server) -> Result<(), Fail> {
    let unused = |server: &Server| server.session().processes().next().is_none();
    for signal in [Signal::TERM, Signal::KILL] {
        if unused(server) {
            break;
        }
        for holder in tree::holders() {
            tree::signal(holder, signal);
        }
        let all_gone = |server: &Server| {
            while wait(WaitOptions::NOHANG).is_ok_and(|child| child.is_some()) {}
            unused(server)
        };
        server.run_for(tree::GRACE, all_gone).context("the server failed")?;
    }
    Ok(())
}

/// Hands signals from the front on. False when the front is gone.
fn forward(front: &OwnedFd, command: Pid) -> bool {
    let mut number = [0];
    match rustix::io::read(front, &mut number) {
        Ok(0) => false,
        Ok(_) => {
            if let Some(signal) = Signal::from_named_raw(number[0].into()) {
                let _gone = kill_process(command, signal);
            }
            true
        }
        Err(error) => error == rustix::io::Errno::INTR || error == rustix::io::Errno::AGAIN,
    }
}

/// Reaps all that has ended; the command's status if it was among it.
fn reap_all(command: Pid) -> Option<u8> {
    let mut status = None;
    while let Ok(Some((pid, ended))) = wait(WaitOptions::NOHANG) {
        if pid == command {
            status = exit_status(ended);
        }
    }
    status
}

/// Waits for the command.
fn reap(command: Pid) -> u8 {
    loop {
        match rustix::io::retry_on_intr(|| waitpid(Some(command), WaitOptions::empty())) {
            Ok(Some((_, status))) => {
                if let Some(status) = exit_status(status) {
                    return status;
                }
            }
            Ok(None) | Err(_) => return STATUS_FAILED,
        }
    }
}

/// As a shell gives it: the exit status, or 128 + n for signal n.
fn exit_status(status: WaitStatus) -> Option<u8> {
    let number = status.exit_status().or_else(|| status.terminating_signal().map(|n| 128 + n))?;
    u8::try_from(number).ok()
}

/// Standard input and output are the command's; errors are still told.
fn detach_from_terminal() {
    if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _kept = rustix::stdio::dup2_stdin(&null);
        let _kept = rustix::stdio::dup2_stdout(&null);
    }
}

/// The descriptor of the device, or none if the other end gave up.
fn receive_descriptor(socket: &OwnedFd) -> Result<Option<OwnedFd>, Fail> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })
    .context("no word from the command")?;
    Ok(control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    }))
}

/// In the child: makes the namespace, hands the device over, executes CMD.
fn become_command(args: &RunArgs, keeper: Pid, ids: Ids, socket: OwnedFd, mask: &SignalSet) -> ! {
    // If the keeper dies, no sequencer is left: the kernel ends the command.
    let _unsupported = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if rustix::process::getppid() != Some(keeper) {
        exit_now(STATUS_FAILED.into());
    }
    if let Err(error) = namespace::enter(ids, socket, args.verbose) {
        eprintln!("aseqd: {error}");
        exit_now(STATUS_FAILED.into());
    }
    if let Err(error) = mask.restore() {
        eprintln!("aseqd: the signal mask cannot be restored: {error}");
        exit_now(STATUS_FAILED.into());
    }
    let (program, arguments) = args.command.split_first().unwrap_or_else(|| exit_now(2));
    let error = Command::new(program).args(arguments).exec();
    eprintln!("aseqd: {}: {}", program.to_string_lossy(), reason(&error));
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    exit_now(if missing { STATUS_FAILED.into() } else { STATUS_NOT_EXECUTABLE })
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "command not found".into(),
        _ => error.to_string(),
    }
}
