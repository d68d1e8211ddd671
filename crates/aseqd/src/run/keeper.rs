//! The process that serves the device and is the command's parent.

use super::attempt::{self, NotPassed, Started};
use super::join;
use super::remainder::Remains;
use super::via::{JOINING, ORDER, Via};
use super::{STATUS_FAILED, tree};
use crate::cli::RunArgs;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{SignalFd, SignalSet, exit_now};
use aseqd_server::event_loop::{Server, Wake};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getrlimit, kill_process,
    set_child_subreaper, setrlimit, setsid, wait, waitpid,
};
use std::os::fd::OwnedFd;

/// Starts the command, serves it, and says how it ended.
pub(super) fn main(
    args: &RunArgs,
    front: &OwnedFd,
    signals: &SignalSet,
    mask: &SignalSet,
) -> Result<(u8, Remains), Fail> {
    // Processes that lose their parent become ours, so that they can be found at the end.
    set_child_subreaper(Pid::from_raw(1)).context("cannot become a subreaper")?;
    let signal_fd = SignalFd::new(signals).context("signals cannot be received")?;
    let Some(started) = choose(args, mask)? else { return Ok((STATUS_FAILED, Remains::Nothing)) };
    let Started { command, mut server, hotplug, remains } = started;
    take_descriptors();
    // The terminal's signals are for the command alone, which stays in the group it was started in. Not in another
    // group of the same session: the end of the command would then be the end of the group's last tie to the
    // session, and the kernel hangs up on such a group if one of its processes is stopped. Where this is refused,
    // the signals reach a process that has them blocked.
    let _refused = setsid();
    detach_from_terminal();
    let front_number = server.watch(front).context("cannot wait for the front")?;
    let signal_number = server.watch(&signal_fd).context("cannot wait for signals")?;
    let watched = hotplug.as_ref().map(|hotplug| server.watch(hotplug)).transpose();
    let hotplug_number = watched.context("cannot wait for changes of /dev")?;
    loop {
        match server.run().context("the server failed")? {
            Wake::Watched(number) if Some(number) == hotplug_number => {
                if let Some(hotplug) = &hotplug {
                    // Without a process for it what is plugged in is not seen, and all else goes on.
                    let _as_before = hotplug.follow();
                }
            }
            Wake::Watched(number) if number == front_number => {
                if !forward(front, command) {
                    // The front is gone, killed: so is everything that it started.
                    tree::kill_all();
                    drop(remains);
                    exit_now(STATUS_FAILED.into());
                }
            }
            Wake::Watched(number) if number == signal_number => {
                while signal_fd.take().context("signals cannot be read")?.is_some() {}
                if let Some(status) = reap_all(command) {
                    end_leftovers(&mut server)?;
                    return Ok((status, remains));
                }
            }
            Wake::Watched(_) => {}
            Wake::Disconnected => {
                // Somebody took the mount away, in the command's own namespace; it still runs.
                return Ok((reap(command), remains));
            }
        }
    }
}

/// Starts the command behind the best door that leads to the sequencer. Returns `None` if there is no such door,
/// and says why on standard error.
fn choose(args: &RunArgs, mask: &SignalSet) -> Result<Option<Started>, Fail> {
    let order = if args.join.is_some() { &JOINING[..] } else { &ORDER[..] };
    let candidates = args.via.map_or_else(|| order.to_vec(), |via| vec![via]);
    if let Some(folder) = &args.join
        && let Err(why) = join::look(folder)
    {
        // The same through every door.
        say(&why);
        return Ok(None);
    }
    let mut refused = Vec::new();
    for via in candidates {
        let unfit = args.command.first().and_then(|program| via.unfit(program));
        let why = match unfit {
            Some(why) => why,
            None => match attempt::start(via, args, mask) {
                Ok(started) => return Ok(Some(started)),
                Err(NotPassed::Refused(why)) => why,
                Err(NotPassed::Failed(fail)) => return Err(fail),
            },
        };
        if args.verbose {
            say(&format_args!("not by {via}: {why}"));
        }
        refused.push((via, why));
    }
    // With --verbose all has been said.
    if !args.verbose || refused.len() == 1 {
        say(&sentence(&refused));
    }
    Ok(None)
}

/// Says why no door was passed: each reason once, behind the doors that have it.
fn sentence(refused: &[(Via, String)]) -> String {
    if let [(_, why)] = refused {
        return why.clone();
    }
    let same = |(_, one): &(Via, String), (_, other): &(Via, String)| one == other;
    let each = refused.chunk_by(same).map(|doors| {
        let names: Vec<_> = doors.iter().map(|(via, _)| via.to_string()).collect();
        format!("{}: {}", names.join(" and "), doors[0].1)
    });
    format!("no door leads to a sequencer here. {}", each.collect::<Vec<_>>().join("; "))
}

/// Processes of the command that outlive it and hold the device open would wait for ever, or spin, on
/// a device that is gone: they are asked to end, then made to. Others are left alone.
fn end_leftovers(server: &mut Server) -> Result<(), Fail> {
    let unused = |server: &Server| server.session().processes().next().is_none();
    for signal in [Signal::TERM, Signal::KILL] {
        if unused(server) {
            break;
        }
        for holder in tree::holders(|inode| server.is_end(inode)) {
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

/// A door may have a descriptor for each file and connection of programs. The command has its own limit
/// already.
fn take_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // A soft limit can be raised to the hard one by anybody.
    let _kept = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Standard input and output are the command's; errors are still told.
fn detach_from_terminal() {
    if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _kept = rustix::stdio::dup2_stdin(&null);
        let _kept = rustix::stdio::dup2_stdout(&null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_several_doors_have_is_said_once() {
        let of = |reasons: &[(Via, &str)]| {
            let reasons = reasons.iter().map(|(via, why)| (*via, (*why).to_owned()));
            sentence(&reasons.collect::<Vec<_>>())
        };
        assert_eq!(of(&[(Via::Trap, "no filter")]), "no filter");
        assert_eq!(
            of(&[(Via::Fuse, "no FUSE"), (Via::Handover, "no FUSE"), (Via::Trap, "no filter")]),
            "no door leads to a sequencer here. fuse and handover: no FUSE; trap: no filter"
        );
    }
}
