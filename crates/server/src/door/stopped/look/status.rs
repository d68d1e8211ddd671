//! What `stat` shows of a file, as the structs of the kernel's interface.

use rustix::fs::Stat;
use std::mem::offset_of;

/// The size of a read that `stat` recommends, in bytes: that of devices on Linux.
const BLOCK: u32 = 4096;

#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
}

/// What `stat` shows of a file.
pub(super) struct FileStatus {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) links: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The device number of a device file; else 0.
    pub(super) number: u64,
    pub(super) size: u64,
    pub(super) blocks: u64,
    pub(super) accessed: Time,
    pub(super) modified: Time,
    pub(super) changed: Time,
}

impl FileStatus {
    /// Returns what `stat` shows of a file of the kernel's.
    pub(super) fn of(stat: &Stat) -> Self {
        // The widths of some fields differ between machines.
        fn narrow<T: Default>(value: impl TryInto<T>) -> T {
            value.try_into().unwrap_or_default()
        }
        fn time(seconds: i64, nanoseconds: impl TryInto<u32>) -> Time {
            Time { seconds, nanoseconds: narrow(nanoseconds) }
        }
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            mode: stat.st_mode,
            links: narrow(stat.st_nlink),
            uid: stat.st_uid,
            gid: stat.st_gid,
            number: stat.st_rdev,
            size: stat.st_size.cast_unsigned(),
            blocks: stat.st_blocks.cast_unsigned(),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Returns it as this machine's `struct stat`. All supported machines are little endian.
    pub(super) fn stat(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<libc::stat>()];
        let mut set = |at: usize, value: u64, size: usize| {
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        };
        set(offset_of!(libc::stat, st_dev), self.device, 8);
        set(offset_of!(libc::stat, st_ino), self.inode, 8);
        set(offset_of!(libc::stat, st_mode), self.mode.into(), 4);
        set(offset_of!(libc::stat, st_nlink), self.links, size_of::<libc::nlink_t>());
        set(offset_of!(libc::stat, st_uid), self.uid.into(), 4);
        set(offset_of!(libc::stat, st_gid), self.gid.into(), 4);
        set(offset_of!(libc::stat, st_rdev), self.number, 8);
        set(offset_of!(libc::stat, st_size), self.size, 8);
        set(offset_of!(libc::stat, st_blksize), BLOCK.into(), size_of::<libc::blksize_t>());
        set(offset_of!(libc::stat, st_blocks), self.blocks, 8);
        let accessed = offset_of!(libc::stat, st_atime);
        let modified = offset_of!(libc::stat, st_mtime);
        let changed = offset_of!(libc::stat, st_ctime);
        for (at, time) in
            [(accessed, self.accessed), (modified, self.modified), (changed, self.changed)]
        {
            set(at, time.seconds.cast_unsigned(), 8);
            set(at + 8, time.nanoseconds.into(), 8);
        }
        bytes
    }

    /// Returns it as `struct statx`.
    pub(super) fn statx(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<libc::statx>()];
        let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let mode = u16::try_from(self.mode).unwrap_or(0);
        let links = u32::try_from(self.links).unwrap_or(u32::MAX);
        set(offset_of!(libc::statx, stx_mask), &libc::STATX_BASIC_STATS.to_ne_bytes());
        set(offset_of!(libc::statx, stx_blksize), &BLOCK.to_ne_bytes());
        set(offset_of!(libc::statx, stx_nlink), &links.to_ne_bytes());
        set(offset_of!(libc::statx, stx_uid), &self.uid.to_ne_bytes());
        set(offset_of!(libc::statx, stx_gid), &self.gid.to_ne_bytes());
        set(offset_of!(libc::statx, stx_mode), &mode.to_ne_bytes());
        set(offset_of!(libc::statx, stx_ino), &self.inode.to_ne_bytes());
        set(offset_of!(libc::statx, stx_size), &self.size.to_ne_bytes());
        set(offset_of!(libc::statx, stx_blocks), &self.blocks.to_ne_bytes());
        let accessed = offset_of!(libc::statx, stx_atime);
        let modified = offset_of!(libc::statx, stx_mtime);
        let changed = offset_of!(libc::statx, stx_ctime);
        for (at, time) in
            [(accessed, self.accessed), (modified, self.modified), (changed, self.changed)]
        {
            set(at, &time.seconds.to_ne_bytes());
            set(at + 8, &time.nanoseconds.to_ne_bytes());
        }
        let major = offset_of!(libc::statx, stx_rdev_major);
        set(major, &libc::major(self.number).to_ne_bytes());
        set(major + 4, &libc::minor(self.number).to_ne_bytes());
        let major = offset_of!(libc::statx, stx_dev_major);
        set(major, &libc::major(self.device).to_ne_bytes());
        set(major + 4, &libc::minor(self.device).to_ne_bytes());
        bytes
    }
}
