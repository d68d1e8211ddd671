//! `stat` and `access` by path, by which programs find out whether there is a sequencer.

use crate::paths::{self, Place, StandIn};
use crate::{next, sys};
use libc::{c_char, c_int, c_uint};

/// Major number of sound devices.
const MAJOR: c_uint = 116;

/// Returns how a file looks: its type and permissions, and its minor number.
fn looks(place: Place) -> (libc::mode_t, c_uint) {
    match place {
        Place::Sequencer => (libc::S_IFCHR | 0o666, 1),
        Place::Timer => (libc::S_IFCHR | 0o666, 33),
        Place::Control => (libc::S_IFCHR | 0o666, 0),
        Place::Text(_) => (libc::S_IFREG | 0o444, 0),
        Place::Folder(_) => (libc::S_IFDIR | 0o555, 0),
    }
}

/// Returns the next library's answer, or that of `ours` if the path is ours. The next library is asked first,
/// so that other files cost nothing.
fn ours_or(
    at: c_int,
    path: Path,
    other: impl Fn(Path) -> c_int,
    ours: impl FnOnce(Place, &dyn Fn(Path) -> c_int) -> c_int,
) -> c_int {
    let before = sys::errno();
    let answer = other(path);
    let result = if answer < 0 { Err(sys::errno()) } else { Ok(()) };
    match paths::find_after(result, at, path) {
        None => answer,
        Some(place) => {
            sys::set_errno(before);
            ours(place, &other)
        }
    }
}

/// A path that always exists. If a call on it succeeds, its other arguments are right: flags, version, and the
/// memory for the answer, to which the kernel has written.
const ROOT: Path = c"/".as_ptr();

/// Returns the next library's answer about a path that exists instead of ours.
fn answered(place: Place, other: &dyn Fn(Path) -> c_int) -> c_int {
    match place {
        Place::Folder(_) => StandIn::of(place).map_or(-1, |path| other(path.path().as_ptr())),
        _ => other(ROOT),
    }
}

/// Answers `stat` for a path of ours, or lets `other` answer.
fn stat_of(at: c_int, path: Path, stat: Stat, other: impl Fn(Path) -> c_int) -> c_int {
    ours_or(at, path, other, |place, other| {
        let answer = answered(place, other);
        if answer < 0 {
            return answer;
        }
        let (mode, minor) = looks(place);
        if let Place::Folder(_) = place {
            // Device and inode are those of the stand-in, as `fstat` of the open folder says.
            // SAFETY: the caller gives room for the struct, and the kernel has just filled it.
            let mut looked = unsafe { stat.read_unaligned() };
            (looked.st_mode, looked.st_uid, looked.st_gid) = (mode, 0, 0);
            // SAFETY: as above.
            unsafe { stat.write_unaligned(looked) };
            return 0;
        }
        // SAFETY: all of its bytes may be zero.
        let mut looked: libc::stat = unsafe { core::mem::zeroed() };
        looked.st_mode = mode;
        looked.st_nlink = 1;
        looked.st_blksize = 4096;
        looked.st_ino = 1;
        if mode & libc::S_IFMT == libc::S_IFCHR {
            looked.st_rdev = libc::makedev(MAJOR, minor);
        }
        // SAFETY: the caller gives room for the struct, and the kernel has just written to it.
        unsafe { stat.write_unaligned(looked) };
        0
    })
}

fn access_of(at: c_int, path: Path, mode: c_int, other: impl Fn(Path) -> c_int) -> c_int {
    ours_or(at, path, other, |place, _| {
        let denied = match place {
            Place::Text(_) => libc::W_OK | libc::X_OK,
            Place::Folder(_) => libc::W_OK,
            _ => libc::X_OK,
        };
        super::keeping(|| if mode & denied != 0 { Err(libc::EACCES) } else { Ok(0) })
    })
}

/// Exports functions whose path and answer are given to `$how`.
macro_rules! exports {
    ($(fn $name:ident($($argument:ident: $type:ty),*) => $how:ident($at:expr, $path:ident, $other:expr);)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        ///
        /// # Safety
        /// As the C library's.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            $how($at, $path, $other, |$path: Path| next::$name($($argument),*))
        }
    )* };
}

type Path = *const c_char;
type Stat = *mut libc::stat;
const HERE: c_int = libc::AT_FDCWD;

exports! {
    fn access(path: Path, mode: c_int) => access_of(HERE, path, mode);
    fn eaccess(path: Path, mode: c_int) => access_of(HERE, path, mode);
    fn euidaccess(path: Path, mode: c_int) => access_of(HERE, path, mode);
    fn faccessat(at: c_int, path: Path, mode: c_int, flags: c_int) => access_of(at, path, mode);
    fn stat(path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn stat64(path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn lstat(path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn lstat64(path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn fstatat(at: c_int, path: Path, stat: Stat, flags: c_int) => stat_of(at, path, stat);
    fn fstatat64(at: c_int, path: Path, stat: Stat, flags: c_int) => stat_of(at, path, stat);
    fn __xstat(version: c_int, path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn __xstat64(version: c_int, path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn __lxstat(version: c_int, path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn __lxstat64(version: c_int, path: Path, stat: Stat) => stat_of(HERE, path, stat);
    fn __fxstatat(version: c_int, at: c_int, path: Path, stat: Stat, flags: c_int) => stat_of(at, path, stat);
    fn __fxstatat64(version: c_int, at: c_int, path: Path, stat: Stat, flags: c_int) => stat_of(at, path, stat);
}

/// `statx`
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn statx(
    at: c_int,
    path: Path,
    flags: c_int,
    mask: c_uint,
    stat: *mut libc::statx,
) -> c_int {
    let other = |path: Path| next::statx(at, path, flags, mask, stat);
    ours_or(at, path, other, |place, other| {
        let answer = answered(place, other);
        if answer < 0 {
            return answer;
        }
        let (mode, minor) = looks(place);
        if let Place::Folder(_) = place {
            // SAFETY: the caller gives room for the struct, and the kernel has just filled it.
            let mut looked = unsafe { stat.read_unaligned() };
            looked.stx_mode = u16::try_from(mode).unwrap_or(0);
            (looked.stx_uid, looked.stx_gid) = (0, 0);
            // SAFETY: as above.
            unsafe { stat.write_unaligned(looked) };
            return 0;
        }
        // SAFETY: all of its bytes may be zero.
        let mut looked: libc::statx = unsafe { core::mem::zeroed() };
        looked.stx_mask = libc::STATX_BASIC_STATS;
        looked.stx_mode = u16::try_from(mode).unwrap_or(0);
        looked.stx_nlink = 1;
        looked.stx_blksize = 4096;
        looked.stx_ino = 1;
        if mode & libc::S_IFMT == libc::S_IFCHR {
            looked.stx_rdev_major = MAJOR;
            looked.stx_rdev_minor = minor;
        }
        // SAFETY: the caller gives room for the struct, and the kernel has just written to it.
        unsafe { stat.write_unaligned(looked) };
        0
    })
}
