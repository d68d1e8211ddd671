//! `container -- CMD`: the command line, and the two processes.

use clap::Parser;
use container::caps::Caps;
use container::devices::Devices;
use container::root::Root;
use container::{bpf, profile, sys};
use rustix::process::{Gid, Signal, Uid, getegid, geteuid, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The tool failed, not the command; as `docker run` says it.
const STATUS_FAILED: u8 = 125;

/// Run a command as Docker's defaults would let it run, without Docker
#[derive(Debug, Parser)]
#[command(
    name = "container",
    after_help = "\
Exit status: that of CMD, 128 + n if signal n ended it, 125 if the container could not be made, 126 or 127
if CMD could not be run.

Root gets root without a user namespace, as Docker's default is; another user gets root of a user
namespace, as in rootless containers."
)]
struct Options {
    /// Run as this user, by number
    #[arg(long, value_name = "UID[:GID]", value_parser = user)]
    user: Option<(u32, u32)>,
    /// Also give this capability, or ALL
    #[arg(long, value_name = "CAP")]
    cap_add: Vec<String>,
    /// Take this capability away, or ALL
    #[arg(long, value_name = "CAP")]
    cap_drop: Vec<String>,
    /// Also have this device node of the machine
    #[arg(long, value_name = "NODE")]
    device: Vec<PathBuf>,
    /// Have this folder as root file system, not the machine's
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Share a file or folder of the machine
    #[arg(long, value_name = "FROM[:TO]")]
    bind: Vec<String>,
    /// Also refuse these system calls, with EPERM
    #[arg(long, value_name = "CALL", value_delimiter = ',')]
    deny: Vec<String>,
    /// Refuse ptrace and access to the memory of other processes, as old kernels and other tools do
    #[arg(long)]
    no_ptrace: bool,
    /// Do not filter system calls
    #[arg(long)]
    seccomp_unconfined: bool,
    /// Set-uid programs gain nothing
    #[arg(long)]
    no_new_privileges: bool,
    /// A network of its own, with nothing in it
    #[arg(long)]
    no_network: bool,
    /// Nothing can be made in /dev, even by root
    #[arg(long)]
    read_only_dev: bool,
    /// The empty folder that the first process has made
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    command: Vec<OsString>,
}

fn user(text: &str) -> Result<(u32, u32), String> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, text));
    match (uid.parse(), gid.parse()) {
        (Ok(uid), Ok(gid)) => Ok((uid, gid)),
        _ => Err("a user is a number, or two: UID:GID".to_owned()),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match &options.inside {
        None => outside(&options),
        Some(place) => inside(&options, place),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("container: {error}");
        ExitCode::from(STATUS_FAILED)
    })
}

/// Runs in the caller's process: makes the namespaces, and waits for the first process in them.
fn outside(options: &Options) -> io::Result<ExitCode> {
    let place = std::env::temp_dir().join(format!("container-{}", std::process::id()));
    fs::create_dir(&place)?;
    let _place = Place(place.clone());
    let _devices = if geteuid().is_root() { Devices::restrict(&options.device) } else { None };
    let mut flags = UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWCGROUP;
    flags.set(UnshareFlags::NEWNET, options.no_network);
    if geteuid().is_root() {
        sys::unshare(flags)?;
    } else {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        sys::unshare(flags | UnshareFlags::NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    let mut first = Command::new("/proc/self/exe");
    first.arg("--inside").arg(&place).args(std::env::args_os().skip(1));
    let status = first.status()?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(STATUS_FAILED)))
}

/// An empty folder, for as long as this lives.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        let _used = fs::remove_dir(&self.0);
    }
}

/// Runs in the first process in the namespaces, which becomes the command.
fn inside(options: &Options, place: &Path) -> io::Result<ExitCode> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Here, since a change of the root is one for every process of the mount namespace.
    sys::unshare(UnshareFlags::NEWNS)?;
    let mut caps = Caps::docker();
    for name in &options.cap_drop {
        known(name, caps.drop_named(name))?;
    }
    for name in &options.cap_add {
        known(name, caps.add(name))?;
    }
    let binds = options.bind.iter().map(|bind| {
        let (from, to) = bind.split_once(':').unwrap_or((bind, bind));
        (PathBuf::from(from), PathBuf::from(to))
    });
    let root = Root {
        of: fs::canonicalize(&options.root)?,
        binds: binds.collect(),
        devices: options.device.clone(),
        read_only_dev: options.read_only_dev,
    };
    root.enter(place)?;
    rustix::system::sethostname(b"container")?;
    confine(options, caps)?;
    let error = Command::new(&options.command[0]).args(&options.command[1..]).exec();
    eprintln!("container: {}: {error}", options.command[0].display());
    let missing = error.kind() == io::ErrorKind::NotFound;
    Ok(ExitCode::from(if missing { 127 } else { 126 }))
}

fn known(name: &str, known: bool) -> io::Result<()> {
    if known { Ok(()) } else { Err(io::Error::other(format!("there is no capability {name}"))) }
}

/// Takes away what the command is not to have.
fn confine(options: &Options, caps: Caps) -> io::Result<()> {
    let kept = CapabilitySet::from_bits_retain(caps.0);
    for bit in 0..64 {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        // The kernel knows fewer than there are bits.
        if !kept.contains(one) && rustix::thread::capability_is_in_bounding_set(one) == Ok(true) {
            rustix::thread::remove_capability_from_bounding_set(one)?;
        }
    }
    if options.no_new_privileges {
        rustix::thread::set_no_new_privs(true)?;
    }
    // Before the right to do so is gone. What follows is allowed by the filter, as it must be.
    if !options.seccomp_unconfined {
        let release = rustix::system::uname();
        let kernel = profile::numbers(&release.release().to_string_lossy()).unwrap_or((4, 8));
        let mut rules = profile::docker(caps, kernel).map_err(io::Error::other)?;
        profile::deny(&mut rules, &options.deny);
        if options.no_ptrace {
            let calls = ["ptrace", "process_vm_readv", "process_vm_writev"];
            profile::deny(&mut rules, &calls.map(str::to_owned));
        }
        sys::filter(&bpf::compile(&rules))?;
    }
    let none = CapabilitySet::empty();
    if let Some((uid, gid)) = options.user {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        if !uid.is_root() {
            // The change of the user has taken them.
            return Ok(());
        }
    }
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: none };
    rustix::thread::set_capabilities(None, sets)?;
    Ok(())
}
