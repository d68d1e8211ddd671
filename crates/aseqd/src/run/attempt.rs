//! The keeper's side of a door that is tried: a process makes it, opens the sequencer through it, and
//! becomes the command if that succeeds.

use super::entry::{self, Entry};
use super::link::{Link, Word};
use super::namespace::Ids;
use super::via::Via;
use crate::cli::RunArgs;
use crate::door::doors::Way;
use crate::door::fuse;
use crate::error::{Context as _, Fail};
use crate::server::clock::{Alarm, Clock};
use crate::server::event_loop::{Server, Wake};
use crate::sys::process::{Fork, SignalSet, fork};
use chardev::{Config, Device};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long a process may take to open the sequencer through a door that it has made.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command that runs, and what serves it.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) command: Pid,
    pub(super) server: Server,
}

/// Tries a door. The inner error says why it does not lead to the sequencer, the outer that nothing
/// can be tried.
pub(super) fn start(
    via: Via,
    args: &RunArgs,
    mask: &SignalSet,
) -> Result<Result<Started, String>, Fail> {
    let (link, theirs) = Link::new()?;
    let ids = Ids::own();
    let keeper = rustix::process::getpid();
    let process = match fork().context("cannot fork")? {
        Fork::Parent(process) => process,
        Fork::Child => {
            drop(link);
            entry::become_command(Entry { via, args, keeper, ids, link: theirs, mask })
        }
    };
    drop(theirs);
    let tried = meet(via, args, ids, &link);
    if !matches!(tried, Ok(Ok(_))) {
        let _ended = kill_process(process, Signal::KILL);
        let reap = || waitpid(Some(process), WaitOptions::empty());
        rustix::io::retry_on_intr(reap).context("a process cannot be reaped")?;
    }
    Ok(tried?.map(|server| Started { command: process, server }))
}

/// Serves the door until the process has passed it.
fn meet(via: Via, args: &RunArgs, ids: Ids, link: &Link) -> Result<Result<Server, String>, Fail> {
    let way = match link.listen()? {
        Word::Door(descriptor) => match way(via, ids, descriptor)? {
            Some(way) => way,
            None => return Ok(Err("nothing came through the link".into())),
        },
        Word::Refused(why) => return Ok(Err(why)),
        Word::Passed | Word::Gone => return Ok(Err("the process that tried it has died".into())),
    };
    let mut server =
        Server::new(vec![way], args.trace, &args.timing).context("cannot start the server")?;
    let linked = server.watch(link).context("cannot wait for the command")?;
    let mut alarm = Alarm::new().context("no timer")?;
    let patience = u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX);
    alarm.set(Some(Clock::Real.now() + patience)).context("no timer")?;
    server.watch(&alarm).context("cannot wait for a timer")?;
    let word = match server.run().context("the server failed")? {
        Wake::Watched(number) if number == linked => link.listen()?,
        Wake::Watched(_) => {
            let waited = PATIENCE.as_secs();
            return Ok(Err(format!("an open did not come back in {waited} s")));
        }
        Wake::Disconnected => return Ok(Err("it was closed at once".into())),
    };
    server.forget(link).context("cannot wait for the command")?;
    server.forget(&alarm).context("cannot wait for a timer")?;
    Ok(match word {
        Word::Passed => Ok(server),
        Word::Refused(why) => Err(why),
        Word::Door(_) | Word::Gone => Err("the process that tried it has died".into()),
    })
}

/// The server's side of the door.
fn way(via: Via, ids: Ids, descriptor: Option<OwnedFd>) -> Result<Option<Way>, Fail> {
    Ok(match (via, descriptor) {
        (Via::Fuse, Some(device)) => {
            let config = Config {
                nodes: fuse::nodes(0o666, ids.uid, ids.gid),
                directory_uid: ids.uid,
                directory_gid: ids.gid,
                ..Config::default()
            };
            let device = Device::new(device, config).context("the device cannot be served")?;
            Some(Way::Device(device))
        }
        (Via::Fuse, None) => None,
    })
}
