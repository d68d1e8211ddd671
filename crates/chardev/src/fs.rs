//! The directory in which the nodes stand: names, inode numbers, attributes. No I/O.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::FileType;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::config::{Config, Inodes};
use crate::request::NodeIndex;
use crate::wire;

/// What `stat` shows as the size of a node.
///
/// Large enough that no write ends behind it, since the kernel takes the inode's lock exclusively for
/// a write past the end, and then one blocked write stops all others. A `write` is never longer
/// than `MAX_RW_COUNT` (2 GiB less one page). And no larger than `MAX_NON_LFS`, since beyond that
/// the kernel refuses to open the file for a 32-bit program without `O_LARGEFILE` (`EOVERFLOW`).
pub(crate) const NODE_SIZE: u64 = i32::MAX as u64;

/// How long the kernel may keep names and attributes: all changes pass through it, so for long.
const CACHE_SECONDS: u64 = 365 * 24 * 3600;

/// An inode id is `serial << ID_SERIAL_SHIFT | FIRST_NODE_ID + index`, so that nothing needs to be
/// remembered about the ids that were given out.
const ID_SERIAL_SHIFT: u32 = 8;
const FIRST_NODE_ID: u64 = wire::FUSE_ROOT_ID + 1;
pub(crate) const MAX_NODES: usize = (1 << ID_SERIAL_SHIFT) - 2;
const MAX_NAME: usize = 255;

/// What an inode id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Root,
    Node(NodeIndex),
}

#[derive(Debug)]
pub(crate) struct Directory {
    root: Inode,
    names: Vec<String>,
    nodes: Vec<Inode>,
    inodes: Inodes,
    /// The serial number of the last inode id that was given out, when every lookup gets its own.
    serial: u64,
}

/// What can be changed of a file or the directory.
#[derive(Clone, Copy, Debug)]
struct Inode {
    mode: u32,
    uid: u32,
    gid: u32,
    atime: Time,
    mtime: Time,
    ctime: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    seconds: u64,
    nanoseconds: u32,
}

impl Directory {
    pub(crate) fn new(config: Config) -> io::Result<Self> {
        let bad = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if config.nodes.len() > MAX_NODES {
            return bad(format!("{} nodes, at most {MAX_NODES}", config.nodes.len()));
        }
        for (index, node) in config.nodes.iter().enumerate() {
            let name = node.name.as_str();
            if name.is_empty() || name == "." || name == ".." || name.len() > MAX_NAME {
                return bad(format!("{name:?} cannot be a file name"));
            }
            if name.contains(['/', '\0']) {
                return bad(format!("{name:?} cannot be in a file name"));
            }
            if config.nodes[..index].iter().any(|other| other.name == name) {
                return bad(format!("two nodes are named {name:?}"));
            }
        }
        let now = Time::now();
        let inode = |kind: FileType, mode: u32, uid, gid| Inode {
            mode: kind.as_raw_mode() | mode & 0o777,
            uid,
            gid,
            atime: now,
            mtime: now,
            ctime: now,
        };
        let nodes = config.nodes.iter();
        let nodes =
            nodes.map(|node| inode(FileType::RegularFile, node.mode, node.uid, node.gid)).collect();
        Ok(Self {
            root: inode(
                FileType::Directory,
                config.directory_mode,
                config.directory_uid,
                config.directory_gid,
            ),
            names: config.nodes.into_iter().map(|node| node.name).collect(),
            nodes,
            inodes: config.inodes,
            serial: 0,
        })
    }

    /// Called once the kernel said whether it can write in parallel to one inode.
    pub(crate) fn settle_inodes(&mut self, parallel_writes: bool) {
        if self.inodes == Inodes::Auto {
            self.inodes = if parallel_writes { Inodes::Shared } else { Inodes::PerOpen };
        }
    }

    pub(crate) fn target(&self, nodeid: u64) -> Option<Target> {
        if nodeid == wire::FUSE_ROOT_ID {
            return Some(Target::Root);
        }
        let index = (nodeid & ((1 << ID_SERIAL_SHIFT) - 1)).checked_sub(FIRST_NODE_ID)?;
        let index = usize::try_from(index).ok()?;
        (index < self.nodes.len()).then_some(Target::Node(NodeIndex(index)))
    }

    pub(crate) fn lookup(&mut self, parent: u64, name: &[u8]) -> Result<wire::EntryOut, Errno> {
        if self.target(parent) != Some(Target::Root) {
            return Err(Errno::NOTDIR);
        }
        let found = self.names.iter().position(|node| node.as_bytes() == name);
        let index = NodeIndex(found.ok_or(Errno::NOENT)?);
        let mut nodeid = number(Target::Node(index));
        if self.inodes == Inodes::PerOpen {
            self.serial += 1;
            nodeid |= self.serial << ID_SERIAL_SHIFT;
        }
        Ok(wire::EntryOut {
            nodeid,
            entry_valid: self.cache_seconds(),
            attr_valid: self.cache_seconds(),
            attr: self.attr(Target::Node(index)),
            ..Default::default()
        })
    }

    pub(crate) fn getattr(&self, target: Target) -> wire::AttrOut {
        let attr_valid = self.cache_seconds();
        wire::AttrOut { attr_valid, attr: self.attr(target), ..Default::default() }
    }

    /// Changes of mode, owner and times apply (the kernel has checked that the caller may). A
    /// truncation to nothing by `open` or `truncate` is accepted and does nothing, as on a device;
    /// any other change of the size is refused, as on a device.
    pub(crate) fn setattr(
        &mut self,
        target: Target,
        change: &wire::SetattrIn,
    ) -> Result<wire::AttrOut, Errno> {
        let has = |bit: u32| change.valid & bit != 0;
        if has(wire::FATTR_SIZE) && (has(wire::FATTR_FH) || change.size != 0) {
            return Err(Errno::INVAL);
        }
        let inode = match target {
            Target::Root => &mut self.root,
            Target::Node(NodeIndex(index)) => &mut self.nodes[index],
        };
        let now = Time::now();
        if has(wire::FATTR_MODE) {
            inode.mode = inode.mode & !0o7777 | change.mode & 0o777;
        }
        if has(wire::FATTR_UID) {
            inode.uid = change.uid;
        }
        if has(wire::FATTR_GID) {
            inode.gid = change.gid;
        }
        if has(wire::FATTR_ATIME_NOW) {
            inode.atime = now;
        } else if has(wire::FATTR_ATIME) {
            inode.atime = Time { seconds: change.atime, nanoseconds: change.atimensec };
        }
        if has(wire::FATTR_MTIME_NOW) {
            inode.mtime = now;
        } else if has(wire::FATTR_MTIME) {
            inode.mtime = Time { seconds: change.mtime, nanoseconds: change.mtimensec };
        }
        inode.ctime = now;
        Ok(self.getattr(target))
    }

    /// The entries from position `offset` on, as many as fit into `size` bytes.
    pub(crate) fn readdir(&self, offset: u64, size: usize) -> Vec<u8> {
        let dots = [".", ".."].map(|name| (name, Target::Root, FileType::Directory));
        let nodes = self.names.iter().enumerate().map(|(index, name)| {
            (name.as_str(), Target::Node(NodeIndex(index)), FileType::RegularFile)
        });
        let mut out = Vec::new();
        for ((name, target, kind), next) in dots.into_iter().chain(nodes).zip(1_u64..) {
            if next <= offset {
                continue;
            }
            let entry = wire::Dirent {
                ino: number(target),
                off: next,
                // A name has at most MAX_NAME bytes.
                namelen: u32::try_from(name.len()).unwrap_or(0),
                kind: kind.as_raw_mode() >> 12,
            };
            let length = (size_of::<wire::Dirent>() + name.len()).next_multiple_of(8);
            if out.len() + length > size {
                break;
            }
            let end = out.len() + length;
            out.extend_from_slice(entry.as_bytes());
            out.extend_from_slice(name.as_bytes());
            out.resize(end, 0);
        }
        out
    }

    pub(crate) fn statfs(&self) -> wire::StatfsOut {
        let files = self.nodes.len() as u64 + 1;
        wire::StatfsOut { files, bsize: 4096, frsize: 4096, namelen: 255, ..Default::default() }
    }

    fn attr(&self, target: Target) -> wire::Attr {
        let (inode, size, nlink) = match target {
            Target::Root => (&self.root, 0, 2),
            Target::Node(NodeIndex(index)) => (&self.nodes[index], NODE_SIZE, 1),
        };
        wire::Attr {
            // Not the inode id: `st_ino` stays the same even if every open has an id of its own.
            ino: number(target),
            size,
            atime: inode.atime.seconds,
            mtime: inode.mtime.seconds,
            ctime: inode.ctime.seconds,
            atimensec: inode.atime.nanoseconds,
            mtimensec: inode.mtime.nanoseconds,
            ctimensec: inode.ctime.nanoseconds,
            mode: inode.mode,
            nlink,
            uid: inode.uid,
            gid: inode.gid,
            blksize: 4096,
            ..Default::default()
        }
    }

    /// With an inode per open the kernel must ask every time: for a new id, and for attributes
    /// that were changed through another one.
    fn cache_seconds(&self) -> u64 {
        if self.inodes == Inodes::PerOpen { 0 } else { CACHE_SECONDS }
    }
}

/// The number that `stat` shows, and the id of the inode that all opens share.
fn number(target: Target) -> u64 {
    match target {
        Target::Root => wire::FUSE_ROOT_ID,
        Target::Node(NodeIndex(index)) => FIRST_NODE_ID + index as u64,
    }
}

impl Time {
    fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Node;

    fn directory(inodes: Inodes) -> Directory {
        let node = |name: &str| Node { name: name.into(), mode: 0o660, uid: 0, gid: 29 };
        let nodes = vec![node("seq"), node("timer")];
        Directory::new(Config { nodes, inodes, ..Config::default() }).unwrap()
    }

    #[test]
    fn every_id_leads_back_to_its_node() {
        let mut fs = directory(Inodes::PerOpen);
        let first = fs.lookup(1, b"timer").unwrap();
        let second = fs.lookup(1, b"timer").unwrap();
        assert_ne!(first.nodeid, second.nodeid);
        assert_eq!(first.attr.ino, second.attr.ino);
        assert_eq!(first.entry_valid, 0);
        for id in [first.nodeid, second.nodeid] {
            assert_eq!(fs.target(id), Some(Target::Node(NodeIndex(1))));
        }
        let mut fs = directory(Inodes::Shared);
        assert_eq!(fs.lookup(1, b"seq").unwrap().nodeid, fs.lookup(1, b"seq").unwrap().nodeid);
    }

    #[test]
    fn ids_of_nothing_lead_nowhere() {
        let fs = directory(Inodes::Shared);
        for id in [0, 4, 255, 256, 257, u64::MAX] {
            assert_eq!(fs.target(id), None, "{id}");
        }
    }

    #[test]
    fn automatic_inodes_are_shared_if_the_kernel_can_write_in_parallel() {
        for (parallel, shared) in [(true, true), (false, false)] {
            let mut fs = directory(Inodes::Auto);
            fs.settle_inodes(parallel);
            let same = fs.lookup(1, b"seq").unwrap().nodeid == fs.lookup(1, b"seq").unwrap().nodeid;
            assert_eq!(same, shared);
        }
    }

    #[test]
    fn names_that_are_not_there_or_not_in_a_directory() {
        let mut fs = directory(Inodes::Shared);
        assert_eq!(fs.lookup(1, b"hw").unwrap_err(), Errno::NOENT);
        assert_eq!(fs.lookup(2, b"seq").unwrap_err(), Errno::NOTDIR);
    }

    #[test]
    fn names_that_cannot_be() {
        for name in ["", ".", "..", "a/b", "a\0", &"x".repeat(256)] {
            let nodes = vec![Node { name: name.into(), mode: 0, uid: 0, gid: 0 }];
            assert!(Directory::new(Config { nodes, ..Config::default() }).is_err(), "{name:?}");
        }
        let nodes = vec![Node { name: "a".into(), mode: 0, uid: 0, gid: 0 }; 2];
        assert!(Directory::new(Config { nodes, ..Config::default() }).is_err());
    }

    #[test]
    fn a_directory_is_read_in_pieces() {
        let fs = directory(Inodes::Shared);
        let all = fs.readdir(0, 4096);
        assert_eq!(all.len(), 4 * 32);
        let pieces: Vec<u8> = (0..4).flat_map(|offset| fs.readdir(offset, 63)).collect();
        assert_eq!(pieces, all);
        assert!(fs.readdir(4, 4096).is_empty());
        assert!(fs.readdir(u64::MAX, 4096).is_empty());
        assert!(fs.readdir(0, 31).is_empty());
    }

    #[test]
    fn changes_of_attributes() {
        let mut fs = directory(Inodes::Shared);
        let node = Target::Node(NodeIndex(0));
        let chmod =
            wire::SetattrIn { valid: wire::FATTR_MODE, mode: 0o104666, ..Default::default() };
        assert_eq!(fs.setattr(node, &chmod).unwrap().attr.mode, 0o100666);
        let open_trunc = wire::SetattrIn { valid: wire::FATTR_SIZE, ..Default::default() };
        assert_eq!(fs.setattr(node, &open_trunc).unwrap().attr.size, NODE_SIZE);
        let truncate = wire::SetattrIn { valid: wire::FATTR_SIZE, size: 5, ..Default::default() };
        assert_eq!(fs.setattr(node, &truncate), Err(Errno::INVAL));
        let valid = wire::FATTR_SIZE | wire::FATTR_FH;
        let ftruncate = wire::SetattrIn { valid, ..Default::default() };
        assert_eq!(fs.setattr(node, &ftruncate), Err(Errno::INVAL));
    }
}
