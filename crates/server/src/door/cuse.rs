//! Real device files of the machine, `/dev/snd/seq` and `/dev/snd/timer`, made by CUSE.
//!
//! The calls on them come as those of a FUSE file do: here is only how such a device comes to be.

use super::NODES;
use aseqd_host::error::{Context as _, Fail, reason};
use chardev::{CharacterConfig, Device, NodeIndex, ReceiveError};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The major number of sound, and the minor numbers of [`NODES`] (`Documentation/admin-guide/devices.txt`).
pub const SOUND: u32 = 116;
const MINORS: [u32; NODES.len()] = [1, 33, 0];

/// A device file that exists as long as its device does.
#[derive(Debug)]
pub struct Made {
    /// Where its calls come from.
    pub device: Device,
    /// The device file.
    pub file: File,
}

/// The path of a device.
#[derive(Debug)]
pub struct File {
    /// Below `/dev/snd`.
    pub path: PathBuf,
    number: u64,
    /// The kernel's devtmpfs takes a node away with its device, but not one that we made.
    by_hand: bool,
}

/// Makes the device of one of [`NODES`], by its place there; with the number that Linux gives it if
/// that [is free](number_is_free).
///
/// # Errors
/// No `/dev/cuse`, or the kernel has such a device already.
pub fn make(node: usize, number_is_free: bool) -> Result<Made, Fail> {
    let name = format!("snd/{}", NODES[node].0);
    let path = Path::new("/dev").join(&name);
    let wanted = number_is_free.then_some((SOUND, MINORS[node]));
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

impl File {
    /// Takes a node away that we made, if it is still that one.
    pub fn remove(&self) {
        if self.by_hand && number_of(&self.path) == Some(self.number) {
            let _gone = fs::remove_file(&self.path);
            let _others = fs::remove_dir(self.path.parent().unwrap_or_else(|| Path::new("/dev")));
        }
    }

    /// What udev's database calls the device.
    #[must_use]
    pub fn udev_name(&self) -> String {
        let number = self.number;
        format!("c{}:{}", rustix::fs::major(number), rustix::fs::minor(number))
    }
}

/// What stands in the place of a device file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing that is a device.
    Nothing,
    /// A device of the kernel's own, or one whose module is loaded when it is opened.
    Kernels,
    /// A device of CUSE: a server's.
    Served,
    /// A node of a device that is gone.
    Stale,
}

/// Looks at a device file.
#[must_use]
pub fn standing(path: &Path) -> Standing {
    let Some(number) = number_of(path) else { return Standing::Nothing };
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    match fs::canonicalize(format!("/sys/dev/char/{major}:{minor}")) {
        Ok(device) if device.components().any(|part| part.as_os_str() == "cuse") => {
            Standing::Served
        }
        Ok(_) => Standing::Kernels,
        Err(_) if major == SOUND => Standing::Kernels,
        Err(_) => Standing::Stale,
    }
}

/// Is the major number of sound nobody's, and will stay so? Where sound is a module that could be
/// loaded later it is not: that wants the whole number, and would not start if we had a part.
#[must_use]
pub fn number_is_free() -> bool {
    let devices = fs::read_to_string("/proc/devices").unwrap_or_default();
    let taken = devices
        .lines()
        .take_while(|line| !line.starts_with("Block"))
        .any(|line| line.split_whitespace().next().is_some_and(|major| major.parse() == Ok(SOUND)));
    !taken && !modules_have("/snd.ko")
}

fn modules_have(file: &str) -> bool {
    let release = rustix::system::uname();
    let list =
        Path::new("/lib/modules").join(&*release.release().to_string_lossy()).join("modules.dep");
    // `kernel/sound/core/snd.ko.xz: kernel/sound/soundcore.ko.xz`
    fs::read_to_string(list).is_ok_and(|list| {
        list.lines().any(|line| line.split(':').next().is_some_and(|name| name.contains(file)))
    })
}

/// Why the kernel has not made a device.
#[derive(Debug)]
enum Refused {
    /// The number or the name is another's.
    Taken,
    /// Something else.
    Other(Fail),
}

fn start(name: &str, node: usize, number: Option<(u32, u32)>) -> Result<Device, Refused> {
    let descriptor = chardev::open_cuse().map_err(|error| Refused::Other(no_cuse(&error)))?;
    let config = CharacterConfig { name: name.to_owned(), number, node: NodeIndex(node) };
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

fn no_cuse(error: &io::Error) -> Fail {
    let hint = match error.kind() {
        ErrorKind::NotFound => "load it with `modprobe cuse`, or serve without `--cuse`",
        ErrorKind::PermissionDenied => {
            "only root of the machine may; a container needs `--device /dev/cuse` and the machine's /dev"
        }
        // The node is static, and stands for a module that cannot be loaded.
        _ => "it takes the kernel's module cuse",
    };
    Fail::new(format!("/dev/cuse cannot be opened ({}): {hint}", reason(error)))
}

/// Where `/dev` is not the kernel's devtmpfs, as in a container, the node is made here.
fn place(name: &str, path: PathBuf) -> Result<File, Fail> {
    let entry = format!("/sys/class/cuse/{}/dev", name.replace('/', "!"));
    let text = fs::read_to_string(&entry).context(&entry)?;
    let parts = text.trim().split_once(':');
    let parts = parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let Some((major, minor)) = parts else {
        return Err(Fail::new(format!("{entry} has no number: {text:?}")));
    };
    let number = makedev(major, minor);
    if number_of(&path) == Some(number) {
        return Ok(File { path, number, by_hand: false });
    }
    let failed = || format!("{} cannot be made", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(0o600), number)
        .with_context(failed)?;
    Ok(File { path, number, by_hand: true })
}

/// The number of a character device.
fn number_of(path: &Path) -> Option<u64> {
    let node = fs::symlink_metadata(path).ok()?;
    node.file_type().is_char_device().then(|| node.rdev())
}
