//! What a device is made of: nodes in a directory, or one device file of the machine.

use crate::request::NodeIndex;

/// One device file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The file name in the mounted directory.
    pub name: String,
    /// The permission bits.
    pub mode: u32,
    /// The owner: a user id of the user namespace of the mount.
    pub uid: u32,
    /// The group: a group id of the user namespace of the mount.
    pub gid: u32,
}

/// A mounted directory and its device files. Write `..Config::default()` at the end: later versions may have more
/// settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The device files, at most 254.
    pub nodes: Vec<Node>,
    /// The permission bits of the directory.
    pub directory_mode: u32,
    /// The owner of the directory.
    pub directory_uid: u32,
    /// The group of the directory.
    pub directory_gid: u32,
    /// Whether opens of one node share an inode.
    pub inodes: Inodes,
}

impl Default for Config {
    /// A directory without nodes that belongs to root and that everyone may read.
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            directory_mode: 0o755,
            directory_uid: 0,
            directory_gid: 0,
            inodes: Inodes::Auto,
        }
    }
}

/// Whether opens of one node share an inode of the kernel, and with it the inode's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inodes {
    /// [`Shared`](Self::Shared) if the kernel can write in parallel to one inode (Linux 6.2), else
    /// [`PerOpen`](Self::PerOpen).
    Auto,
    /// One inode for each node. Bind mounts of the file work. Before Linux 6.2 a write that
    /// blocks stops the writes of all programs.
    Shared,
    /// Every path lookup finds a new inode, so that two opens never share a lock. Programs must
    /// reach the node through the mounted *directory*: a bind mount of the file itself pins one inode.
    /// `/proc/PID/fd` shows an open file as deleted once its name has been looked up again.
    PerOpen,
}

/// A character device of the machine, made by `/dev/cuse`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CharacterConfig {
    /// The name below `/dev`; `/` separates directories.
    pub name: String,
    /// Major and minor number. `None` takes a free major number and minor 0.
    pub number: Option<(u32, u32)>,
    /// What [`Request::node`](crate::Request::node) is in its requests, for servers of several devices.
    pub node: NodeIndex,
}

impl CharacterConfig {
    /// A device of that name with a free major number, minor 0 and node 0.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), number: None, node: NodeIndex(0) }
    }
}
