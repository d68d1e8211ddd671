//! The devices that a container may open, by the controller of cgroup 1.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const CONTROLLER: &str = "/sys/fs/cgroup/devices";

/// What containers may have: to make every node, and to use null, zero, full, random, urandom, the
/// terminals.
const ALLOWED: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// This process in a group of its own; back in the old one when dropped.
#[derive(Debug)]
pub struct Devices {
    group: PathBuf,
    before: PathBuf,
}

impl Devices {
    /// Enters a group that may use Docker's devices and these nodes. None where there is no such
    /// controller, or it is not ours to use.
    #[must_use]
    pub fn restrict(nodes: &[PathBuf]) -> Option<Self> {
        let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = cgroups.lines().find_map(|line| line.split_once(":devices:"))?.1;
        let before = Path::new(CONTROLLER).join(own.trim_start_matches('/'));
        let group = before.join(format!("container-{}", std::process::id()));
        fs::create_dir(&group).ok()?;
        let devices = Self { group, before };
        devices.enter(nodes).ok()?;
        Some(devices)
    }

    fn enter(&self, nodes: &[PathBuf]) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        fs::write(self.group.join("devices.deny"), "a")?;
        let more = nodes.iter().map(|node| {
            let number = fs::metadata(node)?.rdev();
            let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
            Ok(format!("c {major}:{minor} rwm"))
        });
        let more: io::Result<Vec<_>> = more.collect();
        for line in ALLOWED.into_iter().map(str::to_owned).chain(more?) {
            fs::write(self.group.join("devices.allow"), line)?;
        }
        fs::write(self.group.join("tasks"), "0")
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        let _gone = fs::write(self.before.join("tasks"), "0");
        let _used = fs::remove_dir(&self.group);
    }
}
