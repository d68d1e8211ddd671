//! The process that serves the device, and is the command's parent.

use super::attempt::{self, NotPassed, Started};
use super::forward::forward;
use super::hotplug::Hotplug;
use super::join;
use super::remainder::Remains;
use super::serving::Serving;
use super::via::{JOINING, ORDER, Via};
use super::{STATUS_FAILED, time, tree};
use crate::cli::RunArgs;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::process::{SignalFd, SignalSet, exit_now};
use aseqd_server::event_loop::{Server, Wake};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getrlimit, setrlimit, setsid, wait,
    waitpid,
};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Starts the command and serves it until it ends. Returns its exit status, and what its door still needs.
///
/// # Errors
/// A message if no door can be tried, or the server fails.
pub(super) fn main(
    args: &RunArgs,
    front: &OwnedFd,
    signals: &SignalSet,
    mask: &SignalSet,
) -> Result<(u8, Remains), Fail> {
    let adopted = tree::adopt_orphans();
    if let Err(error) = adopted
        && args.verbose
    {
        say(&format_args!(
            "orphans cannot be adopted here ({}): if aseqd is killed, background processes of CMD go on",
            reason(&error)
        ));
    }
    let signal_fd = SignalFd::new(signals).context("signals cannot be received")?;
    if args.join.is_none() {
        let name = args.command.first().and_then(|program| Path::new(program).file_name());
        args.timing.record.make(name.unwrap_or_else(|| OsStr::new("run")))?;
    }
    let Some(started) = choose(args, mask)? else { return Ok((STATUS_FAILED, Remains::Nothing)) };
    args.timing.record.begin();
    let Started { command, server, hotplug, remains, waits } = started;
    take_descriptors();
    // Leaves the session, so that signals of the terminal reach only the command, which stays in its process group.
    // Another group of the same session would not do: it would become orphaned when the command ends, and the kernel
    // sends SIGHUP to an orphaned group that has a stopped process. If setsid fails, the signals come here too, where
    // they are blocked.
    let _refused = setsid();
    detach_from_terminal();
    let status = match server {
        Serving::Real(server) => {
            let run = Run { command, front, signals: &signal_fd, hotplug };
            run.serve(*server, adopted.is_ok())?
        }
        Serving::Stepped(server) => {
            let (Some((link, control)), Some(options)) = (waits, args.time.options()) else {
                return Err(Fail::new("the command does not wait for its clock"));
            };
            let opener = remains.opener();
            let prepared =
                time::Prepared { command, link, server, hotplug, opener, front, control };
            let status = time::run(prepared, &options)?;
            // Without the tracer nothing of the run can go on.
            tree::kill_all();
            status
        }
    };
    let Some(status) = status else {
        // The front was killed, so everything that it has started ends too.
        tree::kill_all();
        drop(remains);
        exit_now(STATUS_FAILED.into());
    };
    Ok((status, remains))
}

/// A command in real time, and what the keeper does beside serving it.
struct Run<'a> {
    command: Pid,
    front: &'a OwnedFd,
    signals: &'a SignalFd,
    hotplug: Option<Hotplug>,
}

impl Run<'_> {
    /// Serves the command until it has ended. Returns its status; `None` if the front was killed.
    fn serve(self, mut server: Server, adopts: bool) -> Result<Option<u8>, Fail> {
        let Self { command, front, signals, hotplug } = self;
        let front_number = server.watch(front).context("cannot wait for the front")?;
        let signal_number = server.watch(signals).context("cannot wait for signals")?;
        let watched = hotplug.as_ref().map(|hotplug| server.watch(hotplug)).transpose();
        let hotplug_number = watched.context("cannot wait for changes of /dev")?;
        loop {
            match server.run().context("the server failed")? {
                Wake::Watched(number) if Some(number) == hotplug_number => {
                    if let Some(hotplug) = &hotplug {
                        // If no process can be started, new devices are not seen. Everything else goes on.
                        let _as_before = hotplug.follow();
                    }
                }
                Wake::Watched(number) if number == front_number => {
                    if !forward(front, Some(command)) {
                        return Ok(None);
                    }
                }
                Wake::Watched(number) if number == signal_number => {
                    while signals.take().context("signals cannot be read")?.is_some() {}
                    if let Some(status) = reap_all(command) {
                        end_leftovers(&mut server, adopts)?;
                        return Ok(Some(status));
                    }
                }
                Wake::Watched(_) => {}
                Wake::Disconnected => {
                    // The mount was taken away, in the command's own namespace. The command still runs.
                    return Ok(Some(reap(command)));
                }
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
        // No door can help.
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
    // With --verbose, every reason has been printed already.
    if !args.verbose || refused.len() == 1 {
        say(&sentence(&refused));
    }
    Ok(None)
}

/// Returns why no door was passed, each reason once, after the doors that have it.
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

/// Ends processes that outlive the command and have the device open: first with SIGTERM, then with SIGKILL. They would
/// wait or spin for ever on a device that is gone. Other processes are left alone.
fn end_leftovers(server: &mut Server, adopts: bool) -> Result<(), Fail> {
    let unused = |server: &Server| server.session().processes().next().is_none();
    for signal in [Signal::TERM, Signal::KILL] {
        if unused(server) {
            break;
        }
        for holder in tree::holders(adopts, |inode| server.is_end(inode)) {
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

/// Reaps all children that have ended. Returns the command's status if it is one of them.
fn reap_all(command: Pid) -> Option<u8> {
    let mut status = None;
    while let Ok(Some((pid, ended))) = wait(WaitOptions::NOHANG) {
        if pid == command {
            status = exit_status(ended);
        }
    }
    status
}

/// Waits for the command to end, and returns its status.
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

/// Returns the status as a shell gives it: the exit status, or 128 + n for signal n.
fn exit_status(status: WaitStatus) -> Option<u8> {
    let number = status.exit_status().or_else(|| status.terminating_signal().map(|n| 128 + n))?;
    u8::try_from(number).ok()
}

/// Raises the limit of descriptors of this process: a door may need one for each file and connection of programs. The
/// command has been started already, with the limit that it had.
fn take_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Every process may raise its soft limit to the hard one.
    let _kept = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Gives up standard input and output, which are the command's. Standard error stays, for messages.
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
