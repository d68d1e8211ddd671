//! Makes real device files of the machine, `/dev/snd/seq` and `/dev/snd/timer`, by CUSE.
//!
//! Calls on them come as calls on FUSE files do, so [`FuseDoor`](super::fuse::FuseDoor) serves them.

use super::NODES;
use aseqd_engine::Node;
use aseqd_host::error::{Context as _, Fail, reason};
use chardev::{CharacterConfig, Device, NodeIndex, ReceiveError};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The major number of sound devices (`Documentation/admin-guide/devices.txt`).
const SOUND_MAJOR: u32 = 116;
/// The minor numbers of [`NODES`] on Linux.
const NODE_MINORS: [u32; NODES.len()] = [1, 33, 0];

/// A CUSE device and its device file.
#[derive(Debug)]
pub struct Made {
    /// The device, which must be served.
    pub device: Device,
    /// The device file.
    pub file: DeviceFile,
}

/// The device file of a CUSE device.
#[derive(Debug)]
pub struct DeviceFile {
    /// Its path, in `/dev/snd`.
    pub path: PathBuf,
    number: u64,
    /// Whether this process has made the file. The kernel's devtmpfs removes a file with its device, but not one that
    /// was made by hand.
    by_hand: bool,
}

/// Returns the number that a device file has on Linux.
pub(super) fn linux_number(node: Node) -> u64 {
    let index = NODES.iter().position(|(_, other)| *other == node);
    index.map_or(0, |index| makedev(SOUND_MAJOR, NODE_MINORS[index]))
}

/// Makes the device of one of [`NODES`], given its index there. It gets Linux's number for it if that
/// [is free](number_is_free).
///
/// # Errors
/// If `/dev/cuse` cannot be opened, the kernel has such a device already, or its file cannot be made.
pub fn make(node: usize, number_is_free: bool) -> Result<Made, Fail> {
    let name = format!("snd/{}", NODES[node].0);
    let path = Path::new("/dev").join(&name);
    let wanted = number_is_free.then_some((SOUND_MAJOR, NODE_MINORS[node]));
    let mut made = start(&name, node, wanted);
    if wanted.is_some() && matches!(made, Err(Refused::Taken)) {
        made = start(&name, node, None);
    }
    let device = made.map_err(|refused| match refused {
        Refused::Taken => Fail::new(format!("the kernel has a device {name} already")),
        Refused::Other(fail) => fail,
    })?;
    let file = place(&name, path)?;
    Ok(Made { device, file })
}

impl DeviceFile {
    /// Removes the file if this process has made it and it is still the same.
    pub fn remove(&self) {
        if self.by_hand && number_of(&self.path) == Some(self.number) {
            let _gone = fs::remove_file(&self.path);
            let _others = fs::remove_dir(self.path.parent().unwrap_or_else(|| Path::new("/dev")));
        }
    }

    /// Returns the device's name in udev's database.
    #[must_use]
    pub fn udev_name(&self) -> String {
        let number = self.number;
        format!("c{}:{}", rustix::fs::major(number), rustix::fs::minor(number))
    }
}

/// What a path is at which a device file is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing that is a device.
    Nothing,
    /// A device of the kernel's, perhaps one whose module is loaded on the first open.
    Kernels,
    /// A CUSE device, which a server serves.
    Served,
    /// The file of a device that is gone.
    Stale,
}

/// Returns what is at a path.
#[must_use]
pub fn standing(path: &Path) -> Standing {
    let Some(number) = number_of(path) else { return Standing::Nothing };
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    match fs::canonicalize(format!("/sys/dev/char/{major}:{minor}")) {
        Ok(device) if device.components().any(|part| part.as_os_str() == "cuse") => {
            Standing::Served
        }
        Ok(_) => Standing::Kernels,
        Err(_) if major == SOUND_MAJOR => Standing::Kernels,
        Err(_) => Standing::Stale,
    }
}

/// Returns whether the major number of sound is free, and will stay so. It is not free where sound is a module that
/// could be loaded later: the module takes the whole number, and would fail if a part were taken.
#[must_use]
pub fn number_is_free() -> bool {
    let devices = fs::read_to_string("/proc/devices").unwrap_or_default();
    let taken = devices.lines().take_while(|line| !line.starts_with("Block")).any(|line| {
        line.split_whitespace().next().is_some_and(|major| major.parse() == Ok(SOUND_MAJOR))
    });
    !taken && !modules_have("/snd.ko")
}

/// Returns whether the kernel has a module of this file name.
fn modules_have(file: &str) -> bool {
    let release = rustix::system::uname();
    let list =
        Path::new("/lib/modules").join(&*release.release().to_string_lossy()).join("modules.dep");
    // `kernel/sound/core/snd.ko.xz: kernel/sound/soundcore.ko.xz`
    fs::read_to_string(list).is_ok_and(|list| {
        list.lines().any(|line| line.split(':').next().is_some_and(|name| name.contains(file)))
    })
}

/// Why a device was not made.
#[derive(Debug)]
enum Refused {
    /// The number or the name is taken.
    Taken,
    /// Something else.
    Other(Fail),
}

/// Asks the kernel for a device.
fn start(name: &str, node: usize, number: Option<(u32, u32)>) -> Result<Device, Refused> {
    let descriptor = chardev::open_cuse().map_err(|error| Refused::Other(no_cuse(&error)))?;
    let mut config = CharacterConfig::new(name);
    (config.number, config.node) = (number, NodeIndex(node));
    let other = |error: &dyn std::fmt::Display| {
        Refused::Other(Fail::new(format!("the device {name} cannot be made: {error}")))
    };
    let mut device = Device::character(descriptor, config).map_err(|error| other(&error))?;
    match device.start() {
        Ok(()) => Ok(device),
        Err(ReceiveError::Disconnected) => Err(Refused::Taken),
        Err(error) => Err(other(&error)),
    }
}

/// Returns the error for a `/dev/cuse` that cannot be opened.
fn no_cuse(error: &io::Error) -> Fail {
    let hint = match error.kind() {
        ErrorKind::NotFound => "load it with `modprobe cuse`, or serve without `--cuse`",
        ErrorKind::PermissionDenied => {
            "only root of the machine may; a container needs `--device /dev/cuse` and the machine's /dev"
        }
        // The file is static. The module that opening it would load is missing.
        _ => "it takes the kernel's module cuse",
    };
    Fail::new(format!("/dev/cuse cannot be opened ({}): {hint}", reason(error)))
}

/// Returns the file of a device. Makes it where `/dev` is not the kernel's devtmpfs, as in a container.
fn place(name: &str, path: PathBuf) -> Result<DeviceFile, Fail> {
    let entry = format!("/sys/class/cuse/{}/dev", name.replace('/', "!"));
    let text = fs::read_to_string(&entry).context(&entry)?;
    let parts = text.trim().split_once(':');
    let parts = parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let Some((major, minor)) = parts else {
        return Err(Fail::new(format!("{entry} has no number: {text:?}")));
    };
    let number = makedev(major, minor);
    if number_of(&path) == Some(number) {
        return Ok(DeviceFile { path, number, by_hand: false });
    }
    let failed = || format!("{} cannot be made", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(0o600), number)
        .with_context(failed)?;
    Ok(DeviceFile { path, number, by_hand: true })
}

/// Returns the number of the character device at a path.
fn number_of(path: &Path) -> Option<u64> {
    let node = fs::symlink_metadata(path).ok()?;
    node.file_type().is_char_device().then(|| node.rdev())
}
