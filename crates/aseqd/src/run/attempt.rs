//! Tries a door, on the keeper's side. A process makes the door, opens the sequencer through it, and becomes the
//! command if that succeeds.

use super::entry::{self, Entrance, Entry};
use super::hotplug::Hotplug;
use super::join;
use super::link::{Link, Message};
use super::namespace::Ids;
use super::patience::{LOOK_INTERVAL, Patience};
use super::remainder::Remains;
use super::serving::{Heard, Serving};
use super::time::{self, control::Listener};
use super::via::Via;
use crate::cli::RunArgs;
use crate::cli::TimingArgs;
use aseqd_host::error::{Context as _, Fail};
use aseqd_host::process::{Fork, SignalSet, fork};
use aseqd_server::door::doors::Way;
use aseqd_server::door::fuse::{self, FuseDoor, Opener};
use aseqd_server::door::handover;
use aseqd_server::door::preload::PreloadDoor;
use aseqd_server::door::preload::library::Library;
use aseqd_server::door::stopped::{self, Filter, mount};
use aseqd_server::door::trap::Trap;
use chardev::{Config, Device};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::fmt;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// The reason if the process ends without giving one.
const DIED: &str = "the process that tried it has died";

/// A running command, and the server behind its door.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) command: Pid,
    pub(super) server: Serving,
    /// Follows changes of `/dev`, if the command has one of its own.
    pub(super) hotplug: Option<Hotplug>,
    /// What the door needs for as long as programs can start.
    pub(super) remains: Remains,
    /// For a clock of its own: the socket over which the command waits to go on, and the control socket.
    pub(super) waits: Option<(Link, Listener)>,
}

/// The keeper's side of a door that the process has passed.
struct Passed {
    server: Serving,
    remains: Remains,
    hotplug: Option<Hotplug>,
}

/// The keeper's side of a door before there is a process that tries it.
#[derive(Debug)]
enum Prepared {
    Fuse,
    Handover(mount::Private, Range<i32>),
    /// A folder of another server is bound. This process needs nothing for it.
    Bound,
    /// Files of a folder of another server are handed over.
    Lent(OwnedFd, Range<i32>),
    Preload(Box<PreloadDoor>, Library),
    Trap(Range<i32>),
}

/// Why a door was not passed.
#[derive(Debug)]
pub(super) enum NotPassed {
    /// This door does not lead to the sequencer, for the reason given. Another one may.
    Refused(String),
    /// No door can be tried: `run` itself has failed.
    Failed(Fail),
}

impl NotPassed {
    /// Makes a refusal.
    fn refused(why: impl fmt::Display) -> Self {
        Self::Refused(why.to_string())
    }
}

impl From<Fail> for NotPassed {
    fn from(fail: Fail) -> Self {
        Self::Failed(fail)
    }
}

/// Tries a door, and starts the command behind it.
pub(super) fn start(via: Via, args: &RunArgs, mask: &SignalSet) -> Result<Started, NotPassed> {
    let ids = Ids::own();
    let prepared = match &args.join {
        Some(folder) => prepare_joined(via, folder),
        None => prepare(via),
    };
    let (prepared, entrance) = prepared.map_err(NotPassed::refused)?;
    let (link, theirs) = Link::new()?;
    let keeper = rustix::process::getpid();
    let listener =
        args.time.time.map(|_| Listener::bind(std::os::unix::process::parent_id())).transpose()?;
    let control = listener.as_ref().map(Listener::variable);
    let process = match fork().context("a process cannot be started")? {
        Fork::Parent(process) => process,
        Fork::Child => {
            drop(link);
            entry::become_command(Entry {
                entrance,
                args,
                keeper,
                ids,
                link: theirs,
                mask,
                control,
            })
        }
    };
    drop((theirs, entrance));
    let passed = serve_until_passed(prepared, args, ids, &link);
    if passed.is_err() {
        let _ended = kill_process(process, Signal::KILL);
        let reap = || waitpid(Some(process), WaitOptions::empty());
        rustix::io::retry_on_intr(reap).context("a process cannot be reaped")?;
    }
    let Passed { server, remains, hotplug } = passed?;
    let waits = listener.map(|listener| (link, listener));
    Ok(Started { command: process, server, hotplug, remains, waits })
}

/// Makes what a door needs before there is a process that tries it. Returns that, and what the process does.
///
/// # Errors
/// The reason why the door cannot be used here.
fn prepare(via: Via) -> Result<(Prepared, Entrance), Fail> {
    Ok(match via {
        Via::Fuse => (Prepared::Fuse, Entrance::Mount),
        Via::Handover => {
            let range = stopped::descriptors();
            let mount = mount::private()?;
            (Prepared::Handover(mount, range.clone()), Entrance::Filter(Filter::Handover(range)))
        }
        Via::Preload => {
            let library =
                Library::install().context("there is no place to load the library from")?;
            // `true`: programs that change their user may enter too.
            let door = PreloadDoor::bind(&library, true).with_context(|| {
                format!("no socket can be made in {}", library.folder().display())
            })?;
            let preloaded = std::env::var_os("LD_PRELOAD");
            let variables = library.environment(&door, preloaded.as_deref());
            (Prepared::Preload(Box::new(door), library), Entrance::Library(variables))
        }
        Via::Trap => {
            let range = stopped::descriptors();
            (Prepared::Trap(range.clone()), Entrance::Filter(Filter::Trap(range)))
        }
    })
}

/// Does the same to join the sequencer of a folder.
///
/// # Errors
/// The reason why the folder cannot be joined, or not through this door.
fn prepare_joined(via: Via, folder: &Path) -> Result<(Prepared, Entrance), Fail> {
    let directory = join::look(folder)?;
    match via {
        Via::Fuse => Ok((Prepared::Bound, Entrance::Mount)),
        Via::Handover => {
            let range = stopped::descriptors();
            let entrance = Entrance::Filter(Filter::Handover(range.clone()));
            Ok((Prepared::Lent(directory, range), entrance))
        }
        Via::Preload | Via::Trap => {
            Err(Fail::new(format!("{via} cannot join: only fuse and handover can")))
        }
    }
}

/// Serves the door until the process has passed it or was refused.
fn serve_until_passed(
    prepared: Prepared,
    args: &RunArgs,
    ids: Ids,
    link: &Link,
) -> Result<Passed, NotPassed> {
    let descriptor = match link.receive()? {
        Message::Door(descriptor) => descriptor,
        Message::Refused(why) => return Err(NotPassed::Refused(why)),
        Message::Passed | Message::Hotplug(_) | Message::Gone => {
            return Err(NotPassed::refused(DIED));
        }
    };
    let (way, remains) =
        way(prepared, ids, !args.timing.no_realtime, descriptor).map_err(NotPassed::refused)?;
    // A server without a door of its own serves no program; it only waits for the end of the command.
    let waits = TimingArgs { no_realtime: true, ..TimingArgs::default() };
    let timing = if way.is_some() { &args.timing } else { &waits };
    let ways = way.into_iter().collect();
    let mut server = match args.time.options() {
        Some(options) => {
            let order = time::order(&options);
            Serving::stepped(ways, args.trace, &timing.into(), order, time::START)
        }
        None => Serving::real(ways, args.trace, &timing.into())?,
    };
    let mut patience = Patience::new();
    let mut hotplug = None;
    let message = loop {
        let message = match server.serve_until(link.as_fd(), LOOK_INTERVAL)? {
            Heard::Readable => link.receive()?,
            // A message may also have come while this process waited for a CPU.
            Heard::Nothing if link.has_message()? => link.receive()?,
            Heard::Nothing if patience.is_over() => {
                return Err(NotPassed::refused("an open of the sequencer did not come back"));
            }
            Heard::Nothing => continue,
            Heard::Disconnected => return Err(NotPassed::refused("it was closed at once")),
        };
        match message {
            Message::Hotplug(sent) => hotplug = Some(sent),
            message => break message,
        }
    };
    match message {
        Message::Passed => Ok(Passed { server, remains, hotplug }),
        Message::Refused(why) => Err(NotPassed::Refused(why)),
        Message::Door(_) | Message::Hotplug(_) | Message::Gone => Err(NotPassed::refused(DIED)),
    }
}

/// Makes the server's side of the door from the descriptor that the process has sent.
///
/// # Errors
/// The reason why the door cannot be served.
fn way(
    prepared: Prepared,
    ids: Ids,
    real_time: bool,
    descriptor: Option<OwnedFd>,
) -> Result<(Option<Way>, Remains), Fail> {
    let sent = descriptor.ok_or_else(|| Fail::new("no descriptor came through the link"));
    let (way, remains) = match prepared {
        Prepared::Bound => return Ok((None, Remains::Nothing)),
        Prepared::Lent(directory, range) => {
            return Ok((None, hand_over(sent?, directory, range, Opener::default(), real_time)?));
        }
        Prepared::Fuse => (device(sent?, ids, Opener::default())?, Remains::Nothing),
        Prepared::Handover(mount::Private { fuse, directory }, range) => {
            let opener = Opener::default();
            let remains = hand_over(sent?, directory, range, opener.clone(), real_time)?;
            (device(fuse, ids, opener)?, remains)
        }
        Prepared::Preload(door, library) => {
            let socket = door.listener().context("a descriptor cannot be copied")?;
            (Way::Preload(*door), Remains::Library(library, socket))
        }
        Prepared::Trap(range) => {
            let listener = sent?;
            let kept = listener.try_clone().context("a descriptor cannot be copied")?;
            (Way::Trap(Trap::new(listener, range)?), Remains::Filter(kept, None))
        }
    };
    Ok((Some(way), remains))
}

/// Starts the thread that answers stopped opens with files of this directory.
fn hand_over(
    listener: OwnedFd,
    directory: OwnedFd,
    range: Range<i32>,
    opener: Opener,
    real_time: bool,
) -> Result<Remains, Fail> {
    let kept = listener.try_clone().context("a descriptor cannot be copied")?;
    let thread = handover::start(listener, directory, range, opener, real_time)
        .context("the thread of the hand-over cannot be started")?;
    Ok(Remains::Filter(kept, Some(thread)))
}

/// Makes the server's side of a FUSE mount.
fn device(descriptor: OwnedFd, ids: Ids, opener: Opener) -> Result<Way, Fail> {
    let config = Config {
        nodes: fuse::nodes(0o666, ids.uid, ids.gid),
        directory_uid: ids.uid,
        directory_gid: ids.gid,
        ..Config::default()
    };
    let device = Device::new(descriptor, config).context("the device cannot be served")?;
    Ok(Way::Device(FuseDoor::with_opener(device, opener)))
}
