//! The messages of `/dev/fuse`, as `/usr/include/linux/fuse.h` lays them out (protocol 7.38).
//!
//! Data without logic. Hidden from the documentation, and public only for the test that compares
//! every size, offset and number with the installed header (`tests/wire_layout.rs`). Fields carry the
//! header's names; the comments here say only what the header does not. Everything is in the
//! machine's own byte order: kernel and server are the same machine.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub const FUSE_KERNEL_VERSION: u32 = 7;
/// The minor version whose rules this crate follows; the lower one of both sides is in force.
pub const FUSE_KERNEL_MINOR_VERSION: u32 = 38;
pub const FUSE_ROOT_ID: u64 = 1;
pub const FUSE_MIN_READ_BUFFER: usize = 8192;

pub const FUSE_LOOKUP: u32 = 1;
pub const FUSE_FORGET: u32 = 2;
pub const FUSE_GETATTR: u32 = 3;
pub const FUSE_SETATTR: u32 = 4;
pub const FUSE_READLINK: u32 = 5;
pub const FUSE_SYMLINK: u32 = 6;
pub const FUSE_MKNOD: u32 = 8;
pub const FUSE_MKDIR: u32 = 9;
pub const FUSE_UNLINK: u32 = 10;
pub const FUSE_RMDIR: u32 = 11;
pub const FUSE_RENAME: u32 = 12;
pub const FUSE_LINK: u32 = 13;
pub const FUSE_OPEN: u32 = 14;
pub const FUSE_READ: u32 = 15;
pub const FUSE_WRITE: u32 = 16;
pub const FUSE_STATFS: u32 = 17;
pub const FUSE_RELEASE: u32 = 18;
pub const FUSE_FSYNC: u32 = 20;
pub const FUSE_SETXATTR: u32 = 21;
pub const FUSE_GETXATTR: u32 = 22;
pub const FUSE_LISTXATTR: u32 = 23;
pub const FUSE_REMOVEXATTR: u32 = 24;
pub const FUSE_FLUSH: u32 = 25;
pub const FUSE_INIT: u32 = 26;
pub const FUSE_OPENDIR: u32 = 27;
pub const FUSE_READDIR: u32 = 28;
pub const FUSE_RELEASEDIR: u32 = 29;
pub const FUSE_FSYNCDIR: u32 = 30;
pub const FUSE_ACCESS: u32 = 34;
pub const FUSE_CREATE: u32 = 35;
pub const FUSE_INTERRUPT: u32 = 36;
pub const FUSE_DESTROY: u32 = 38;
pub const FUSE_IOCTL: u32 = 39;
pub const FUSE_POLL: u32 = 40;
pub const FUSE_NOTIFY_REPLY: u32 = 41;
pub const FUSE_BATCH_FORGET: u32 = 42;
pub const FUSE_FALLOCATE: u32 = 43;
pub const FUSE_RENAME2: u32 = 45;
pub const FUSE_COPY_FILE_RANGE: u32 = 47;
pub const FUSE_TMPFILE: u32 = 51;
pub const CUSE_INIT: u32 = 4096;
/// The most bytes of device information behind a `CuseInitOut`.
pub const CUSE_INIT_INFO_MAX: usize = 4096;

/// In `OutHeader::error`, with `unique` 0: the message is a notification.
pub const FUSE_NOTIFY_POLL: i32 = 1;

pub const FATTR_MODE: u32 = 1 << 0;
pub const FATTR_UID: u32 = 1 << 1;
pub const FATTR_GID: u32 = 1 << 2;
pub const FATTR_SIZE: u32 = 1 << 3;
pub const FATTR_ATIME: u32 = 1 << 4;
pub const FATTR_MTIME: u32 = 1 << 5;
pub const FATTR_FH: u32 = 1 << 6;
pub const FATTR_ATIME_NOW: u32 = 1 << 7;
pub const FATTR_MTIME_NOW: u32 = 1 << 8;
pub const FATTR_CTIME: u32 = 1 << 10;

pub const FOPEN_DIRECT_IO: u32 = 1 << 0;
pub const FOPEN_NONSEEKABLE: u32 = 1 << 2;
pub const FOPEN_STREAM: u32 = 1 << 4;
pub const FOPEN_NOFLUSH: u32 = 1 << 5;
pub const FOPEN_PARALLEL_DIRECT_WRITES: u32 = 1 << 6;

pub const FUSE_BIG_WRITES: u32 = 1 << 5;
pub const FUSE_PARALLEL_DIROPS: u32 = 1 << 18;
pub const FUSE_MAX_PAGES: u32 = 1 << 22;

pub const FUSE_READ_LOCKOWNER: u32 = 1 << 1;

pub const FUSE_IOCTL_COMPAT: u32 = 1 << 0;
pub const FUSE_IOCTL_DIR: u32 = 1 << 4;
pub const FUSE_IOCTL_COMPAT_X32: u32 = 1 << 5;

pub const FUSE_POLL_SCHEDULE_NOTIFY: u32 = 1 << 0;

/// Declares the structs of the header with the derives that make them safe to read and write as
/// bytes. `IntoBytes` also proves that there is no hidden padding.
macro_rules! messages {
    ($($(#[$meta:meta])* pub struct $name:ident { $(pub $field:ident: $kind:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name { $(pub $field: $kind,)* }
    )*};
}

messages! {
    #[doc(alias = "fuse_in_header")]
    pub struct InHeader {
        pub len: u32,
        pub opcode: u32,
        pub unique: u64,
        pub nodeid: u64,
        pub uid: u32,
        pub gid: u32,
        pub pid: u32,
        pub total_extlen: u16,
        pub padding: u16,
    }

    #[doc(alias = "fuse_out_header")]
    pub struct OutHeader {
        pub len: u32,
        pub error: i32,
        pub unique: u64,
    }

    /// The part of `fuse_init_in` that every kernel sends; 7.36 appended `flags2` and room to grow.
    #[doc(alias = "fuse_init_in")]
    pub struct InitIn {
        pub major: u32,
        pub minor: u32,
        pub max_readahead: u32,
        pub flags: u32,
    }

    #[doc(alias = "fuse_init_out")]
    pub struct InitOut {
        pub major: u32,
        pub minor: u32,
        pub max_readahead: u32,
        pub flags: u32,
        pub max_background: u16,
        pub congestion_threshold: u16,
        pub max_write: u32,
        pub time_gran: u32,
        pub max_pages: u16,
        pub map_alignment: u16,
        pub flags2: u32,
        pub unused: [u32; 7],
    }

    #[doc(alias = "cuse_init_in")]
    pub struct CuseInitIn {
        pub major: u32,
        pub minor: u32,
        pub unused: u32,
        pub flags: u32,
    }

    /// Behind it stand strings `KEY=value`, each with its zero.
    #[doc(alias = "cuse_init_out")]
    pub struct CuseInitOut {
        pub major: u32,
        pub minor: u32,
        pub unused: u32,
        pub flags: u32,
        pub max_read: u32,
        pub max_write: u32,
        pub dev_major: u32,
        pub dev_minor: u32,
        pub spare: [u32; 10],
    }

    #[doc(alias = "fuse_attr")]
    pub struct Attr {
        pub ino: u64,
        pub size: u64,
        pub blocks: u64,
        pub atime: u64,
        pub mtime: u64,
        pub ctime: u64,
        pub atimensec: u32,
        pub mtimensec: u32,
        pub ctimensec: u32,
        pub mode: u32,
        pub nlink: u32,
        pub uid: u32,
        pub gid: u32,
        pub rdev: u32,
        pub blksize: u32,
        pub flags: u32,
    }

    #[doc(alias = "fuse_entry_out")]
    pub struct EntryOut {
        pub nodeid: u64,
        pub generation: u64,
        pub entry_valid: u64,
        pub attr_valid: u64,
        pub entry_valid_nsec: u32,
        pub attr_valid_nsec: u32,
        pub attr: Attr,
    }

    #[doc(alias = "fuse_attr_out")]
    pub struct AttrOut {
        pub attr_valid: u64,
        pub attr_valid_nsec: u32,
        pub dummy: u32,
        pub attr: Attr,
    }

    #[doc(alias = "fuse_setattr_in")]
    pub struct SetattrIn {
        pub valid: u32,
        pub padding: u32,
        pub fh: u64,
        pub size: u64,
        pub lock_owner: u64,
        pub atime: u64,
        pub mtime: u64,
        pub ctime: u64,
        pub atimensec: u32,
        pub mtimensec: u32,
        pub ctimensec: u32,
        pub mode: u32,
        pub unused4: u32,
        pub uid: u32,
        pub gid: u32,
        pub unused5: u32,
    }

    #[doc(alias = "fuse_open_in")]
    pub struct OpenIn {
        pub flags: u32,
        pub open_flags: u32,
    }

    #[doc(alias = "fuse_open_out")]
    pub struct OpenOut {
        pub fh: u64,
        pub open_flags: u32,
        pub padding: u32,
    }

    #[doc(alias = "fuse_release_in")]
    pub struct ReleaseIn {
        pub fh: u64,
        pub flags: u32,
        pub release_flags: u32,
        pub lock_owner: u64,
    }

    #[doc(alias = "fuse_read_in")]
    pub struct ReadIn {
        pub fh: u64,
        pub offset: u64,
        pub size: u32,
        pub read_flags: u32,
        pub lock_owner: u64,
        pub flags: u32,
        pub padding: u32,
    }

    #[doc(alias = "fuse_write_in")]
    pub struct WriteIn {
        pub fh: u64,
        pub offset: u64,
        pub size: u32,
        pub write_flags: u32,
        pub lock_owner: u64,
        pub flags: u32,
        pub padding: u32,
    }

    #[doc(alias = "fuse_write_out")]
    pub struct WriteOut {
        pub size: u32,
        pub padding: u32,
    }

    #[doc(alias = "fuse_statfs_out")]
    #[doc(alias = "fuse_kstatfs")]
    pub struct StatfsOut {
        pub blocks: u64,
        pub bfree: u64,
        pub bavail: u64,
        pub files: u64,
        pub ffree: u64,
        pub bsize: u32,
        pub namelen: u32,
        pub frsize: u32,
        pub padding: u32,
        pub spare: [u32; 6],
    }

    #[doc(alias = "fuse_interrupt_in")]
    pub struct InterruptIn {
        pub unique: u64,
    }

    #[doc(alias = "fuse_ioctl_in")]
    pub struct IoctlIn {
        pub fh: u64,
        pub flags: u32,
        pub cmd: u32,
        pub arg: u64,
        pub in_size: u32,
        pub out_size: u32,
    }

    #[doc(alias = "fuse_ioctl_out")]
    pub struct IoctlOut {
        pub result: i32,
        pub flags: u32,
        pub in_iovs: u32,
        pub out_iovs: u32,
    }

    #[doc(alias = "fuse_poll_in")]
    pub struct PollIn {
        pub fh: u64,
        pub kh: u64,
        pub flags: u32,
        pub events: u32,
    }

    #[doc(alias = "fuse_poll_out")]
    pub struct PollOut {
        pub revents: u32,
        pub padding: u32,
    }

    #[doc(alias = "fuse_notify_poll_wakeup_out")]
    pub struct NotifyPollWakeupOut {
        pub kh: u64,
    }

    /// The fixed part of a directory entry; the name follows, padded to 8 bytes.
    #[doc(alias = "fuse_dirent")]
    pub struct Dirent {
        pub ino: u64,
        pub off: u64,
        pub namelen: u32,
        pub kind: u32,
    }
}
