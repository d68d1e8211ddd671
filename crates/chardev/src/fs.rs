//! The directory of the nodes: names, inode numbers, attributes. No I/O.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::FileType;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use crate::config::{Config, Inodes};
use crate::request::NodeIndex;
use crate::wire;

/// The size of a node that `stat` shows, in bytes.
///
/// No write may end behind it: the kernel takes the inode's lock exclusively for a write past the end, and
/// then one blocked write stops all others. A `write` has at most `MAX_RW_COUNT` bytes (2 GiB less one page).
/// A size above `MAX_NON_LFS` would be too large: the kernel would not open the file for a 32-bit program without
/// `O_LARGEFILE` (`EOVERFLOW`).
pub(crate) const NODE_SIZE: u64 = i32::MAX as u64;

/// How long the kernel may cache names and attributes, in seconds: a year, since all changes pass through it.
const CACHE_SECONDS: u64 = 365 * 24 * 3600;

/// The bits of an inode id below its serial number. An id is
/// `serial << ID_SERIAL_SHIFT | FIRST_NODE_ID + index`, so that no table of ids is needed.
const ID_SERIAL_SHIFT: u32 = 8;
/// The inode id of the first node, with serial number 0.
const FIRST_NODE_ID: u64 = wire::FUSE_ROOT_ID + 1;
/// The most nodes of a directory: an index has the 8 bits of [`ID_SERIAL_SHIFT`], less two ids.
pub(crate) const MAX_NODES: usize = (1 << ID_SERIAL_SHIFT) - 2;
/// The longest file name, in bytes: Linux's `NAME_MAX`.
const MAX_FILE_NAME: usize = 255;

/// An inode: the directory, or a node in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inode {
    Root,
    Node(NodeIndex),
}

#[derive(Debug)]
pub(crate) struct Directory {
    root: Attributes,
    names: Vec<String>,
    nodes: Vec<Attributes>,
    inodes: Inodes,
    /// The serial number of the last inode id, if every lookup gets its own.
    serial: u64,
}

/// The attributes of a node or of the directory that programs can change.
#[derive(Clone, Copy, Debug)]
struct Attributes {
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
            if name.is_empty() || name == "." || name == ".." || name.len() > MAX_FILE_NAME {
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
        let attributes = |kind: FileType, mode: u32, uid, gid| Attributes {
            mode: kind.as_raw_mode() | mode & 0o777,
            uid,
            gid,
            atime: now,
            mtime: now,
            ctime: now,
        };
        let nodes = config.nodes.iter();
        let nodes = nodes
            .map(|node| attributes(FileType::RegularFile, node.mode, node.uid, node.gid))
            .collect();
        Ok(Self {
            root: attributes(
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

    /// Settles [`Inodes::Auto`] once the kernel has said whether it can write in parallel to one inode.
    pub(crate) fn settle_inodes(&mut self, parallel_writes: bool) {
        if self.inodes == Inodes::Auto {
            self.inodes = if parallel_writes { Inodes::Shared } else { Inodes::PerOpen };
        }
    }

    pub(crate) fn inode(&self, nodeid: u64) -> Option<Inode> {
        if nodeid == wire::FUSE_ROOT_ID {
            return Some(Inode::Root);
        }
        let index = (nodeid & ((1 << ID_SERIAL_SHIFT) - 1)).checked_sub(FIRST_NODE_ID)?;
        let index = usize::try_from(index).ok()?;
        (index < self.nodes.len()).then_some(Inode::Node(NodeIndex(index)))
    }

    pub(crate) fn lookup(&mut self, parent: u64, name: &[u8]) -> Result<wire::EntryOut, Errno> {
        if self.inode(parent) != Some(Inode::Root) {
            return Err(Errno::NOTDIR);
        }
        let found = self.names.iter().position(|node| node.as_bytes() == name);
        let index = NodeIndex(found.ok_or(Errno::NOENT)?);
        let mut nodeid = inode_number(Inode::Node(index));
        if self.inodes == Inodes::PerOpen {
            self.serial += 1;
            nodeid |= self.serial << ID_SERIAL_SHIFT;
        }
        Ok(wire::EntryOut {
            nodeid,
            entry_valid: self.cache_seconds(),
            attr_valid: self.cache_seconds(),
            attr: self.attr(Inode::Node(index)),
            ..Default::default()
        })
    }

    pub(crate) fn getattr(&self, inode: Inode) -> wire::AttrOut {
        let attr_valid = self.cache_seconds();
        wire::AttrOut { attr_valid, attr: self.attr(inode), ..Default::default() }
    }

    /// Changes mode, owner and times; the kernel has checked that the caller may. As on a device, a truncation
    /// to 0 by `open` or `truncate` does nothing, and any other change of the size is refused.
    pub(crate) fn setattr(
        &mut self,
        inode: Inode,
        change: &wire::SetattrIn,
    ) -> Result<wire::AttrOut, Errno> {
        let has = |bit: u32| change.valid & bit != 0;
        if has(wire::FATTR_SIZE) && (has(wire::FATTR_FH) || change.size != 0) {
            return Err(Errno::INVAL);
        }
        let attributes = match inode {
            Inode::Root => &mut self.root,
            Inode::Node(NodeIndex(index)) => &mut self.nodes[index],
        };
        let now = Time::now();
        if has(wire::FATTR_MODE) {
            attributes.mode = attributes.mode & !0o7777 | change.mode & 0o777;
        }
        if has(wire::FATTR_UID) {
            attributes.uid = change.uid;
        }
        if has(wire::FATTR_GID) {
            attributes.gid = change.gid;
        }
        if has(wire::FATTR_ATIME_NOW) {
            attributes.atime = now;
        } else if has(wire::FATTR_ATIME) {
            attributes.atime = Time { seconds: change.atime, nanoseconds: change.atimensec };
        }
        if has(wire::FATTR_MTIME_NOW) {
            attributes.mtime = now;
        } else if has(wire::FATTR_MTIME) {
            attributes.mtime = Time { seconds: change.mtime, nanoseconds: change.mtimensec };
        }
        attributes.ctime = now;
        Ok(self.getattr(inode))
    }

    /// Returns the entries from position `offset` on, as many as fit into `size` bytes.
    pub(crate) fn readdir(&self, offset: u64, size: usize) -> Vec<u8> {
        let dots = [".", ".."].map(|name| (name, Inode::Root, FileType::Directory));
        let nodes = self.names.iter().enumerate().map(|(index, name)| {
            (name.as_str(), Inode::Node(NodeIndex(index)), FileType::RegularFile)
        });
        let mut out = Vec::new();
        for ((name, inode, kind), next) in dots.into_iter().chain(nodes).zip(1_u64..) {
            if next <= offset {
                continue;
            }
            let entry = wire::Dirent {
                ino: inode_number(inode),
                off: next,
                // A name has at most MAX_FILE_NAME bytes.
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

    fn attr(&self, inode: Inode) -> wire::Attr {
        let (attributes, size, nlink) = match inode {
            Inode::Root => (&self.root, 0, 2),
            Inode::Node(NodeIndex(index)) => (&self.nodes[index], NODE_SIZE, 1),
        };
        wire::Attr {
            // Not the inode id: `st_ino` stays the same even if every open has an id of its own.
            ino: inode_number(inode),
            size,
            atime: attributes.atime.seconds,
            mtime: attributes.mtime.seconds,
            ctime: attributes.ctime.seconds,
            atimensec: attributes.atime.nanoseconds,
            mtimensec: attributes.mtime.nanoseconds,
            ctimensec: attributes.ctime.nanoseconds,
            mode: attributes.mode,
            nlink,
            uid: attributes.uid,
            gid: attributes.gid,
            blksize: 4096,
            ..Default::default()
        }
    }

    /// Returns how long the kernel may cache. With an inode per open it must ask every time: for a new id, and for
    /// attributes that were changed through another one.
    fn cache_seconds(&self) -> u64 {
        if self.inodes == Inodes::PerOpen { 0 } else { CACHE_SECONDS }
    }
}

/// Returns the inode number that `stat` shows; also the id of the inode that all opens share.
fn inode_number(inode: Inode) -> u64 {
    match inode {
        Inode::Root => wire::FUSE_ROOT_ID,
        Inode::Node(NodeIndex(index)) => FIRST_NODE_ID + index as u64,
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
            assert_eq!(fs.inode(id), Some(Inode::Node(NodeIndex(1))));
        }
        let mut fs = directory(Inodes::Shared);
        assert_eq!(fs.lookup(1, b"seq").unwrap().nodeid, fs.lookup(1, b"seq").unwrap().nodeid);
    }

    #[test]
    fn ids_of_nothing_lead_nowhere() {
        let fs = directory(Inodes::Shared);
        for id in [0, 4, 255, 256, 257, u64::MAX] {
            assert_eq!(fs.inode(id), None, "{id}");
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
        let node = Inode::Node(NodeIndex(0));
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
