//! Directories that only we have, and directories of the kernel that have something of ours in them.
//!
//! A program that opens one of the first kind gets the end of a FIFO. The server keeps the other end, which
//! shows when the program closes its last copy. Every call on the descriptor is stopped. A program that
//! opens one of the second kind gets the directory itself, and only calls that list it are answered here.

use super::identity::Identity;
use super::place::{Folder, Place};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fs::{
    CWD, FileType, MemfdFlags, Mode, OFlags, RawDir, SeekFrom, fstat, memfd_create, openat, seek,
};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// The size of `struct linux_dirent64` before the name, in bytes: inode, offset, length, type.
const HEAD: usize = 19;
/// Records begin at multiples of this many bytes.
const ALIGNMENT: usize = 8;

/// Returns the inode number that `stat` shows of a place of ours. Places that a FUSE mount has too have the
/// same numbers there.
pub(in crate::door) fn inode(place: Place) -> u64 {
    match place {
        Place::Folder(Folder::Sound) => 1,
        Place::Device(aseqd_engine::Node::Sequencer) => 2,
        Place::Device(aseqd_engine::Node::Timer) => 3,
        Place::Device(aseqd_engine::Node::Control) => 4,
        Place::Folder(folder) => 0x1000 + folder as u64,
        Place::Text(text) => 0x1100 + u64::from(text.number()),
    }
}

/// Returns the file type of a place.
fn kind(place: Place) -> FileType {
    match place {
        Place::Device(_) => FileType::CharacterDevice,
        Place::Text(_) => FileType::RegularFile,
        Place::Folder(_) => FileType::Directory,
    }
}

/// The directories of ours that programs have open.
#[derive(Debug)]
pub(in crate::door) struct Folders {
    open: BTreeMap<u64, Open>,
    next: u64,
    /// Readable when a program has closed one of them.
    epoll: OwnedFd,
}

#[derive(Debug)]
struct Open {
    folder: Folder,
    identity: Identity,
    /// The server's end of the FIFO. Polls of it report an error once the program's last copy is closed.
    ours: OwnedFd,
    /// The index of the entry that is listed next.
    position: u64,
}

impl Folders {
    /// Returns the table, with nothing open.
    ///
    /// # Errors
    /// `EMFILE` or `ENFILE` if there are too many open files, `ENOMEM`.
    pub(in crate::door) fn new() -> Result<Self, Errno> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { open: BTreeMap::new(), next: 0, epoll })
    }

    /// Returns a descriptor for a program that opens this directory.
    ///
    /// # Errors
    /// The errors of [`new`](Self::new).
    pub(in crate::door) fn open(&mut self, folder: Folder) -> Result<OwnedFd, Errno> {
        // A read that is not stopped, through a copy outside the range, does not sleep.
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let identity = Identity::of(&fstat(&theirs)?);
        epoll::add(&self.epoll, &ours, EventData::new_u64(self.next), EventFlags::empty())?;
        self.open.insert(self.next, Open { folder, identity, ours, position: 0 });
        self.next += 1;
        Ok(theirs)
    }

    /// Forgets the directories that programs have closed.
    pub(in crate::door) fn sweep(&mut self) {
        let mut events = Vec::with_capacity(16);
        let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        while epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&now)).is_ok_and(|n| n > 0)
        {
            for event in events.drain(..) {
                if let Some(open) = self.open.remove(&event.data.u64()) {
                    let _closed = epoll::delete(&self.epoll, &open.ours);
                }
            }
        }
    }

    /// Returns the directory that a program's open file is, if it is one of ours.
    pub(in crate::door) fn known(&self, identity: Identity) -> Option<Folder> {
        self.open.values().find(|open| open.identity == identity).map(|open| open.folder)
    }

    fn find(&mut self, identity: Identity) -> Result<&mut Open, Errno> {
        self.open.values_mut().find(|open| open.identity == identity).ok_or(Errno::BADF)
    }

    /// Returns another descriptor of an open directory.
    ///
    /// # Errors
    /// `EBADF` if it is not open, `EMFILE` or `ENFILE` if there are too many open files.
    pub(in crate::door) fn another(&mut self, identity: Identity) -> Result<OwnedFd, Errno> {
        let path = format!("/proc/self/fd/{}", self.find(identity)?.ours.as_raw_fd());
        openat(CWD, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
    }

    /// Returns the next records of a directory, as many as fit into `size` bytes.
    ///
    /// # Errors
    /// `EINVAL` if not even one fits, `EBADF` if the directory is not open.
    pub(in crate::door) fn list(
        &mut self,
        identity: Identity,
        size: usize,
    ) -> Result<Vec<u8>, Errno> {
        let open = self.find(identity)?;
        let own = Place::Folder(open.folder);
        let dots = [(".", own), ("..", own)];
        let entries = dots.into_iter().chain(open.folder.entries());
        let mut records = Records { bytes: Vec::new(), size };
        for (at, (name, place)) in (0_u64..).zip(entries) {
            if at < open.position {
                continue;
            }
            if !records.add(name.as_bytes(), inode(place), at + 1, kind(place)) {
                return if records.bytes.is_empty() {
                    Err(Errno::INVAL)
                } else {
                    Ok(records.bytes)
                };
            }
            open.position = at + 1;
        }
        Ok(records.bytes)
    }

    /// Moves the position of an open directory, as `lseek` does, and returns the new one.
    ///
    /// # Errors
    /// `EINVAL` for a negative position or an unknown `whence`, `EBADF` if the directory is not open.
    pub(in crate::door) fn seek(
        &mut self,
        identity: Identity,
        to: i64,
        whence: i32,
    ) -> Result<i64, Errno> {
        let open = self.find(identity)?;
        let here = i64::try_from(open.position).unwrap_or(0);
        let to = match whence {
            libc::SEEK_SET => Some(to),
            libc::SEEK_CUR => here.checked_add(to),
            _ => None,
        };
        let to = to.filter(|to| *to >= 0).ok_or(Errno::INVAL)?;
        open.position = u64::try_from(to).map_err(|_| Errno::INVAL)?;
        Ok(to)
    }
}

impl AsFd for Folders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// Records as `getdents64` returns them, up to a size in bytes.
struct Records {
    bytes: Vec<u8>,
    size: usize,
}

impl Records {
    /// Adds a record. Returns whether it fits.
    fn add(&mut self, name: &[u8], inode: u64, next: u64, kind: FileType) -> bool {
        let length = record(name.len());
        if self.bytes.len() + length > self.size {
            return false;
        }
        let end = self.bytes.len() + length;
        self.bytes.extend_from_slice(&inode.to_ne_bytes());
        self.bytes.extend_from_slice(&next.to_ne_bytes());
        // A name has at most 255 bytes.
        self.bytes.extend_from_slice(&u16::try_from(length).unwrap_or(0).to_ne_bytes());
        // `DT_CHR` and the like are the file types of `stat` without the twelve bits of permissions.
        self.bytes.push(u8::try_from(kind.as_raw_mode() >> 12).unwrap_or(0));
        self.bytes.extend_from_slice(name);
        self.bytes.resize(end, 0);
        true
    }
}

/// Returns the size of a record whose name has this many bytes.
fn record(name: usize) -> usize {
    (HEAD + name + 1).next_multiple_of(ALIGNMENT)
}

/// Returns the next records of a directory of the kernel that a program has open. The first call also
/// returns the entries of ours, after the others.
///
/// # Errors
/// `EINVAL` if the entries of ours do not fit into `size` bytes, and those of `getdents64(2)`.
pub(in crate::door) fn list_with(
    directory: &OwnedFd,
    ours: &[(&'static str, Place)],
    size: usize,
) -> Result<Vec<u8>, Errno> {
    let first = seek(directory, SeekFrom::Current(0))? == 0;
    let ours = if first { ours } else { &[] };
    let room: usize = ours.iter().map(|(name, _)| record(name.len())).sum();
    let native = size.checked_sub(room).ok_or(Errno::INVAL)?;
    let mut buffer = Vec::with_capacity(native);
    let mut records = Records { bytes: Vec::new(), size };
    let mut next = 0;
    let mut list = RawDir::new(directory, &mut buffer.spare_capacity_mut()[..native]);
    while let Some(entry) = list.next() {
        let entry = entry?;
        next = entry.next_entry_cookie();
        records.add(entry.file_name().to_bytes(), entry.ino(), next, entry.file_type());
        // The program's own call would have read no more either.
        if list.is_buffer_empty() {
            break;
        }
    }
    for (name, place) in ours {
        records.add(name.as_bytes(), inode(*place), next, kind(*place));
    }
    Ok(records.bytes)
}

/// Returns a file in memory that has these bytes and can only be read.
///
/// # Errors
/// `EMFILE` or `ENFILE` if there are too many open files, `ENOMEM`, `ENOENT` without `/proc`.
pub(in crate::door) fn read_only(name: &str, mut bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let memory = memfd_create(name, MemfdFlags::CLOEXEC)?;
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&memory, bytes))?;
        bytes = &bytes[written..];
    }
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(mut records: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        while !records.is_empty() {
            let length = usize::from(u16::from_ne_bytes([records[16], records[17]]));
            let name = records[HEAD..length].split(|byte| *byte == 0).next().unwrap();
            names.push(String::from_utf8_lossy(name).into_owned());
            records = &records[length..];
        }
        names
    }

    #[test]
    fn a_directory_is_listed_in_pieces_and_again() {
        let mut folders = Folders::new().unwrap();
        let end = folders.open(Folder::Sound).unwrap();
        let identity = Identity::of(&fstat(&end).unwrap());
        assert_eq!(folders.known(identity), Some(Folder::Sound));
        assert_eq!(folders.list(identity, 23), Err(Errno::INVAL));
        assert_eq!(names(&folders.list(identity, 60).unwrap()), [".", ".."]);
        assert_eq!(names(&folders.list(identity, 4096).unwrap()), ["seq", "timer"]);
        assert_eq!(folders.list(identity, 4096), Ok(Vec::new()));
        assert_eq!(folders.seek(identity, 0, libc::SEEK_CUR), Ok(4));
        assert_eq!(folders.seek(identity, -1, libc::SEEK_SET), Err(Errno::INVAL));
        assert_eq!(folders.seek(identity, 2, libc::SEEK_SET), Ok(2));
        assert_eq!(names(&folders.list(identity, 32).unwrap()), ["seq"]);
        let other = folders.another(identity).unwrap();
        drop(end);
        folders.sweep();
        assert_eq!(folders.known(identity), Some(Folder::Sound), "a copy is open");
        drop(other);
        folders.sweep();
        assert_eq!(folders.known(identity), None);
    }

    #[test]
    fn what_is_ours_stands_in_a_directory_of_the_kernel_once() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..100 {
            std::fs::write(folder.path().join(format!("file-{number}")), "").unwrap();
        }
        let ours = Folder::Dev.entries();
        for size in [80, 200, 32768] {
            let directory = OwnedFd::from(std::fs::File::open(folder.path()).unwrap());
            let mut found = Vec::new();
            loop {
                let records = list_with(&directory, &ours, size).unwrap();
                assert!(records.len() <= size);
                if records.is_empty() {
                    break;
                }
                found.extend(names(&records));
            }
            assert_eq!(found.len(), 103, "{size}");
            assert_eq!(found.iter().filter(|name| *name == "snd").count(), 1);
        }
        let directory = OwnedFd::from(std::fs::File::open(folder.path()).unwrap());
        assert_eq!(list_with(&directory, &ours, 20), Err(Errno::INVAL));
    }
}
