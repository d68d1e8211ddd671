//! `aseqd serve`: serves a sequencer to a whole machine, or to one user.

mod companions;
mod cuse;

use crate::cli::ServeArgs;
use aseqd_console::say;
use aseqd_host::error::{Context as _, Fail, reason};
use aseqd_host::folder::{self, Refused};
use aseqd_host::process::{SignalFd, SignalSet};
use aseqd_server::door::cuse::Standing;
use aseqd_server::door::doors::Way;
use aseqd_server::door::{self, NODES, fuse};
use aseqd_server::event_loop::{Server, Wake};
use aseqd_server::mounts::{self, Mount};
use chardev::{Config, Device, MountOptions};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;
use rustix::mount::mount_bind;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Where the device is mounted if it is served to the whole machine, and then bound to `/dev/snd`.
const RUN_DIRECTORY: &str = "/run/aseqd";
/// Where programs look for the sequencer.
const NODE: &str = "/dev/snd/seq";
const SND_DIRECTORY: &str = "/dev/snd";
/// The permissions that distributions give the kernel's node.
const DEFAULT_MODE: u32 = 0o660;
/// The group that distributions give the kernel's node.
const DEFAULT_GROUP: &str = "audio";
/// How long to wait for another server that is starting. That takes milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two attempts to take that lock: nothing tells when it is free.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// Runs `aseqd serve`, until SIGTERM or SIGINT.
///
/// # Errors
/// A message if the user may not serve this place, another sequencer is there, nothing can be mounted, or the server
/// fails.
pub fn main(args: &ServeArgs) -> Result<ExitCode, Fail> {
    let signals = SignalSet::of(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::USR1]);
    signals.block().context("signals cannot be blocked")?;
    let signal_fd = SignalFd::new(&signals).context("signals cannot be received")?;
    let companions = companions::Companions::of(args)?;
    let hides_card = args.mount.is_none() && door::machine_has_card();
    door::offer_card(args.timing.sequencer.card && !hides_card);
    if args.cuse {
        return cuse::main(args, &signal_fd, &companions);
    }
    let root = rustix::process::geteuid().is_root();
    if args.mount.is_none() && !root {
        return Err(Fail::new(
            "only root can serve /dev/snd/seq: give a directory of yours with `--mount DIR`, or use \
             `aseqd run -- CMD`",
        ));
    }
    let Access { mode, uid, gid } = Access::of(args, root)?;
    let directory = args.mount.clone().unwrap_or_else(|| PathBuf::from(RUN_DIRECTORY));
    if args.mount.is_none() {
        refuse_real_sequencer()?;
    }
    let lock = lock_beside(&directory);
    prepare(&directory, args.mount.is_none())?;
    let descriptor = mount(&directory)?;
    drop(lock);
    // From here on, every return takes the mounts away.
    let mut mounted = Mounted::of(&directory);
    let config = Config {
        nodes: fuse::nodes(mode, uid, gid),
        directory_uid: uid,
        directory_gid: gid,
        ..Config::default()
    };
    record(args)?;
    let device = Device::new(descriptor, config).context("the device cannot be served")?;
    let mut server =
        Server::new(vec![Way::Device(device.into())], args.trace, &(&args.timing).into())
            .context("cannot start the server")?;
    let signal_number = server.watch(&signal_fd).context("cannot wait for signals")?;
    let mut shown = directory.join("seq");
    if args.mount.is_none() {
        for (name, _) in door::nodes() {
            let target = Path::new(SND_DIRECTORY).join(name);
            // The kernel's own timer device stays: it also has the timers of sound cards.
            if !is_real(&target) {
                bind(&mut server, &directory.join(name), &target)?;
                mounted.targets.push(target);
            }
        }
        shown = PathBuf::from(NODE);
    }
    announce(&shown);
    let running = companions.start(&directory.join("seq"));
    let ended = serve(&mut server, &signal_fd, signal_number);
    running.stop();
    // The server first: unmounting could otherwise wait for its answer.
    drop(server);
    running.finish();
    drop(mounted);
    ended.map(|()| ExitCode::SUCCESS)
}

/// Begins the recording, if one is asked for.
fn record(args: &ServeArgs) -> Result<(), Fail> {
    match args.flight_recorder {
        Some(size) => args.timing.record.keep(size, args.report_dir.as_deref()),
        None => args.timing.record.make(OsStr::new("serve"))?,
    }
    args.timing.record.begin();
    Ok(())
}

/// Serves until a signal ends it.
fn serve(server: &mut Server, signals: &SignalFd, number: usize) -> Result<(), Fail> {
    loop {
        match server.run().context("the server failed")? {
            Wake::Watched(watched) if watched == number => {
                let signal = signals.take().context("signals cannot be read")?;
                let number = signal.map(|signal| signal.number);
                if number == Some(Signal::USR1.as_raw()) {
                    if !server.report() {
                        say(
                            &"there is nothing to report: start `aseqd serve` with --flight-recorder",
                        );
                    }
                } else if number.is_some_and(|number| number != Signal::HUP.as_raw()) {
                    return Ok(());
                }
            }
            Wake::Watched(_) => {}
            Wake::Disconnected => return Err(Fail::new("the device was unmounted")),
        }
    }
}

/// The mounts of this server, which are taken away when this is dropped.
#[derive(Debug)]
struct Mounted {
    /// In the order in which they were made.
    targets: Vec<PathBuf>,
    /// The device number of the file system. Mounts of other servers have another one.
    device: Option<String>,
}

impl Mounted {
    /// Starts with the mount that has just been made on this directory.
    fn of(directory: &Path) -> Self {
        let mount = Mount::at(directory).ok().flatten();
        let device = mount.map(|mount| mount.device().to_owned());
        Self { targets: vec![directory.to_owned()], device }
    }

    /// Returns what is mounted on `target`, if it is ours.
    fn at(&self, target: &Path) -> Option<Mount> {
        let found = Mount::at(target).ok().flatten()?;
        self.device.as_deref().is_none_or(|own| own == found.device()).then_some(found)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for target in self.targets.iter().rev() {
            // It may have been unmounted, or covered by a mount that is not ours.
            let Some(mount) = self.at(target) else { continue };
            if let Err(error) = mount.unmount(target) {
                say(&format_args!("{} cannot be unmounted: {}", target.display(), reason(&error)));
                continue;
            }
            if target.starts_with(SND_DIRECTORY) {
                remove_placeholder(target);
            } else if target == Path::new(RUN_DIRECTORY) {
                let _in_use = fs::remove_dir(target);
            }
        }
    }
}

/// Removes the empty file that a device was bound to, and the directory if it is empty then. Otherwise programs would
/// find a file that is no device.
fn remove_placeholder(target: &Path) {
    let ours = fs::metadata(target).is_ok_and(|node| node.is_file() && node.len() == 0);
    if ours && fs::remove_file(target).is_ok() {
        let _others = fs::remove_dir(SND_DIRECTORY);
    }
}

/// The owner and permissions of the device files.
#[derive(Clone, Copy, Debug)]
struct Access {
    mode: u32,
    uid: u32,
    gid: u32,
}

impl Access {
    /// Returns those of the options, or the defaults.
    fn of(args: &ServeArgs, root: bool) -> Result<Self, Fail> {
        let uid = match &args.owner {
            Some(owner) => id_of("/etc/passwd", owner, "user")?,
            None => rustix::process::geteuid().as_raw(),
        };
        let gid = match &args.group {
            Some(group) => id_of("/etc/group", group, "group")?,
            None if root => id_of("/etc/group", DEFAULT_GROUP, "group").unwrap_or(0),
            None => rustix::process::getegid().as_raw(),
        };
        let mode = args.mode.unwrap_or(if root { DEFAULT_MODE } else { 0o600 });
        Ok(Self { mode, uid, gid })
    }
}

/// Returns the id of a user or group that is given by number or by name.
fn id_of(database: &str, name: &str, kind: &str) -> Result<u32, Fail> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(database).context(database)?;
    let number = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)).flatten()?.parse().ok()
    });
    number.ok_or_else(|| Fail::new(format!("there is no {kind} named {name}")))
}

/// Fails if `/dev/snd/seq` is there already: the kernel's must not be hidden by accident.
fn refuse_real_sequencer() -> Result<(), Fail> {
    match door::cuse::standing(Path::new(NODE)) {
        Standing::Kernels => Err(Fail::new(
            "this machine has a sequencer: /dev/snd/seq is the kernel's. Use it, or serve another \
             place with `--mount DIR`",
        )),
        Standing::Served => Err(Fail::new("/dev/snd/seq is served already")),
        Standing::Stale | Standing::Nothing => Ok(()),
    }
}

/// Returns whether a node is the kernel's own.
fn is_real(node: &Path) -> bool {
    door::cuse::standing(node) == Standing::Kernels
}

/// Makes the directory, and removes what killed servers have left: on it, and in `/dev/snd` if the whole machine is
/// served.
fn prepare(directory: &Path, machine: bool) -> Result<(), Fail> {
    let root = rustix::process::geteuid().is_root();
    if root {
        // Other users could lead root elsewhere by links in their folders.
        reach(directory)?;
    }
    mounts::clear(directory)?;
    if machine {
        clear_snd()?;
    }
    if root {
        return Ok(());
    }
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))
}

/// Opens the directory, or makes it. It follows no path that another user could change.
fn reach(directory: &Path) -> Result<OwnedFd, Fail> {
    folder::reach(directory).map_err(|why| {
        let place = directory.display();
        Fail::new(match why {
            Refused::Io(error) => format!("{place} cannot be made: {}", reason(&error)),
            why => format!("{place} cannot be served: {why}"),
        })
    })
}

/// Removes what killed servers have left in `/dev/snd`.
fn clear_snd() -> Result<(), Fail> {
    NODES.iter().try_for_each(|(name, _)| mounts::clear(&Path::new(SND_DIRECTORY).join(name)))
}

/// Locks the directory above, so that other servers wait until ours is mounted. Without it, two servers that start at
/// once could both see a dead mount, and the second would remove the mount of the first.
///
/// Every user who may read the directory above can hold this lock, so the wait ends after [`LOCK_TIMEOUT`] and the
/// server starts without it.
fn lock_beside(directory: &Path) -> Option<OwnedFd> {
    let parent = directory.ancestors().skip(1).find(|parent| parent.exists())?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lock = openat(CWD, parent, flags, Mode::empty()).ok()?;
    let end = Instant::now() + LOCK_TIMEOUT;
    while let Err(Errno::WOULDBLOCK) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        if Instant::now() > end {
            break;
        }
        std::thread::sleep(LOCK_INTERVAL);
    }
    Some(lock)
}

/// Mounts on the directory: by system call as root, else through fusermount3.
fn mount(directory: &Path) -> Result<OwnedFd, Fail> {
    let failed = |error: std::io::Error| {
        Fail::new(format!("nothing can be mounted on {}: {}", directory.display(), reason(&error)))
    };
    let mut options = MountOptions::new(mounts::NAME);
    if rustix::process::geteuid().is_root() {
        let fuse = mounts::open_fuse()?;
        // By descriptor: the path may lead elsewhere by now.
        let target = reach(directory)?;
        let target = PathBuf::from(format!("/proc/self/fd/{}", target.as_raw_fd()));
        chardev::mount(fuse.as_fd(), &target, &options).map_err(failed)?;
        return Ok(fuse);
    }
    // fusermount3 refuses `allow_other` unless /etc/fuse.conf permits it.
    chardev::mount_with_fusermount(directory, &options)
        .or_else(|_| {
            options.allow_other = false;
            chardev::mount_with_fusermount(directory, &options)
        })
        .map_err(failed)
}

/// Binds a served file to a node in `/dev/snd`. A thread does it, because the server must answer the look-up of the
/// file meanwhile.
fn bind(server: &mut Server, file: &Path, node: &Path) -> Result<(), Fail> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .context("a pipe cannot be made")?;
    let done = server.watch(&reader).context("cannot wait")?;
    let (file, target) = (file.to_owned(), node.to_owned());
    let binding = std::thread::spawn(move || {
        // When the thread ends, the pipe is closed, which wakes the server.
        let _writer = writer;
        fs::create_dir_all(SND_DIRECTORY)?;
        fs::OpenOptions::new().append(true).create(true).open(&target)?;
        mount_bind(&file, &target).map_err(std::io::Error::from)
    });
    loop {
        match server.run().context("the server failed")? {
            Wake::Watched(number) if number == done => break,
            Wake::Watched(_) => {}
            // Every further turn would report the same.
            Wake::Disconnected => return Err(Fail::new("the device was unmounted")),
        }
    }
    server.forget(&reader).context("cannot wait")?;
    let bound: std::io::Result<()> =
        binding.join().unwrap_or_else(|_| Err(std::io::Error::other("panicked")));
    bound.with_context(|| format!("{} cannot be made", node.display()))
}

/// Tells that the sequencer can be used: prints a line, and notifies the service manager.
fn announce(node: &Path) {
    // Serving does not depend on a reader of the line.
    let _unheard = writeln!(std::io::stdout(), "aseqd: serving {}", node.display());
    let _unread = std::io::stdout().flush();
    if let Err(error) = aseqd_host::service::ready("serving") {
        say(&format_args!("the service manager cannot be notified: {}", reason(&error)));
    }
}
