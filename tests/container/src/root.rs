//! The file systems that a container sees.

use rustix::fs::{CWD, FileType, Mode, chmod, makedev, mknodat, symlink};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Hidden: what they say is the machine's.
const MASKED: [&str; 11] = [
    "proc/acpi",
    "proc/asound",
    "proc/interrupts",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/timer_list",
    "proc/timer_stats",
    "proc/sched_debug",
    "proc/scsi",
    "sys/firmware",
];
/// Cannot be written.
const READ_ONLY: [&str; 5] = ["proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"];
/// The nodes of `/dev`, by minor number, all of major 1 but the last.
const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("/proc/kcore", "core"),
    ("pts/ptmx", "ptmx"),
];

/// What a container's file systems must be.
#[derive(Clone, Debug)]
pub struct Root {
    /// The folder that is its root file system: `/` for that of the machine.
    pub of: PathBuf,
    /// Folders and files of the machine that are shared with it, and where.
    pub binds: Vec<(PathBuf, PathBuf)>,
    /// Nodes of the machine that it has too.
    pub devices: Vec<PathBuf>,
    /// Nothing can be made in `/dev`, even by root.
    pub read_only_dev: bool,
}

/// Says what could not be done.
fn told<T>(what: &str, result: Result<T, impl Into<io::Error>>) -> io::Result<T> {
    result.map_err(|error| {
        let error: io::Error = error.into();
        io::Error::new(error.kind(), format!("{what}: {error}"))
    })
}

impl Root {
    /// Makes them in this mount namespace, below an empty folder of the machine, and makes them the
    /// root. This process must be the first of a PID namespace.
    ///
    /// # Errors
    /// What could not be made or mounted.
    pub fn enter(&self, place: &Path) -> io::Result<()> {
        let folder = std::env::current_dir();
        told("/", mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE))?;
        let root = told("the root", writable_copy(&self.of, place))?;
        for (from, to) in &self.binds {
            let target = root.join(to.strip_prefix("/").unwrap_or(to));
            told(&to.display().to_string(), bind(from, &target))?;
        }
        told("/proc", proc(&root.join("proc")))?;
        told("/sys", sys(&root.join("sys")))?;
        told("/dev", self.dev(&root.join("dev")))?;
        for path in MASKED {
            told(path, mask(&root.join(path), &root.join("dev/null")))?;
        }
        for path in READ_ONLY {
            let path = root.join(path);
            if path.exists() {
                told("a read-only path", bind_read_only(&path))?;
            }
        }
        if self.read_only_dev {
            let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::BIND;
            told("/dev", mount_remount(root.join("dev"), flags, ""))?;
        }
        // What programs look for to know that they are in one.
        match fs::write(root.join(".dockerenv"), "") {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            written => told("/.dockerenv", written)?,
        }
        told("the root", std::env::set_current_dir(&root))?;
        told("pivot_root", rustix::process::pivot_root(".", "."))?;
        told("the old root", unmount(".", UnmountFlags::DETACH))?;
        let there = folder.is_ok_and(|folder| std::env::set_current_dir(folder).is_ok());
        if there { Ok(()) } else { std::env::set_current_dir("/") }
    }

    fn dev(&self, dev: &Path) -> io::Result<()> {
        let flags = MountFlags::NOSUID | MountFlags::STRICTATIME;
        mount("tmpfs", dev, "tmpfs", flags, c"mode=755,size=65536k")?;
        for (name, major, minor) in NODES {
            node(&Path::new("/dev").join(name), &dev.join(name), makedev(major, minor))?;
        }
        for device in &self.devices {
            let target = dev.join(device.strip_prefix("/dev").unwrap_or(device));
            bind(device, &target)?;
        }
        for (target, name) in LINKS {
            symlink(target, dev.join(name))?;
        }
        for name in ["pts", "shm", "mqueue"] {
            fs::create_dir(dev.join(name))?;
        }
        let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
        // The group of terminals is not mapped in a user namespace of one user.
        mount(
            "devpts",
            dev.join("pts"),
            "devpts",
            quiet,
            c"newinstance,ptmxmode=0666,mode=0620,gid=5",
        )
        .or_else(|_| {
            let options = c"newinstance,ptmxmode=0666,mode=0620";
            mount("devpts", dev.join("pts"), "devpts", quiet, options)
        })?;
        let all = quiet | MountFlags::NODEV;
        mount("shm", dev.join("shm"), "tmpfs", all, c"mode=1777,size=65536k")?;
        match mount("mqueue", dev.join("mqueue"), "mqueue", all, None) {
            // A kernel without message queues.
            Ok(()) | Err(Errno::NODEV) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes a copy of a root on which changes are lost. In a user namespace it is that root itself.
fn writable_copy(of: &Path, place: &Path) -> io::Result<PathBuf> {
    mount("tmpfs", place, "tmpfs", MountFlags::empty(), c"mode=755")?;
    let [upper, work, root] = ["upper", "work", "root"].map(|name| place.join(name));
    for folder in [&upper, &work, &root] {
        fs::create_dir(folder)?;
    }
    let (of_text, upper, work) = (of.display(), upper.display(), work.display());
    let options = format!("lowerdir={of_text},upperdir={upper},workdir={work}");
    let options = std::ffi::CString::new(options)?;
    match mount("overlay", &root, "overlay", MountFlags::empty(), options.as_c_str()) {
        // In a user namespace the machine's mounts are tied to their root: it is the root as it is.
        Err(Errno::INVAL | Errno::PERM) => mount_bind_recursive(of, &root)?,
        mounted => mounted?,
    }
    Ok(root)
}

fn proc(target: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("proc", target, "proc", flags, None)?)
}

fn sys(target: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    match mount("sysfs", target, "sysfs", flags, None) {
        // Of another network namespace's owner: the machine's own, then, as it is.
        Err(Errno::PERM) => Ok(mount_bind_recursive("/sys", target)?),
        mounted => Ok(mounted?),
    }
}

/// Makes a device node, or binds the machine's if this user may not make nodes.
fn node(of_machine: &Path, target: &Path, number: u64) -> io::Result<()> {
    match mknodat(CWD, target, FileType::CharacterDevice, Mode::from_raw_mode(0o666), number) {
        // The umask took something away.
        Ok(()) => Ok(chmod(target, Mode::from_raw_mode(0o666))?),
        Err(Errno::PERM) => bind(of_machine, target),
        Err(error) => Err(error.into()),
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir_all(to)?;
    } else if kind.is_file() || kind.is_char_device() || kind.is_socket() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        if !to.exists() {
            fs::write(to, "")?;
        }
    }
    Ok(mount_bind_recursive(from, to)?)
}

/// Nothing where a folder was, no byte where a file was.
fn mask(path: &Path, null: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(kind) if kind.is_dir() => {
            Ok(mount("tmpfs", path, "tmpfs", MountFlags::RDONLY, c"size=0k")?)
        }
        Ok(_) => Ok(mount_bind(null, path)?),
        Err(_) => Ok(()),
    }
}

fn bind_read_only(path: &Path) -> io::Result<()> {
    mount_bind(path, path)?;
    let flags = MountFlags::BIND
        | MountFlags::RDONLY
        | MountFlags::NOSUID
        | MountFlags::NODEV
        | MountFlags::NOEXEC;
    Ok(mount_remount(path, flags, "")?)
}
