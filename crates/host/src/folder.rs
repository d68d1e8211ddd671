//! Folders for the program's own files, where no other user can replace one of them.
//!
//! A path is trusted if every folder on it belongs to root or to this user, and either no other user may
//! write to it, or it has the sticky bit, so that other users can rename and remove only their own files. Each
//! folder is opened from the one above without following links, and then checked through its descriptor. The
//! environment names places only if this program has no more rights than its caller. With `su` and `sudo -E`
//! the environment names the folders of another user, and the check of the owner refuses them.

use crate::process::is_privileged_by_its_file;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat, readlinkat,
    unlinkat,
};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// How many random names are tried for a new folder before giving up. Even one collision is unlikely.
const TRIES: usize = 16;
/// Random bytes in a name: two digits each.
const NAME_BYTES: usize = 16;
/// The permissions by which group or others could change a folder.
const OTHERS_WRITE: u32 = 0o022;
/// The permission bit by which only owners rename and remove files in a folder.
const STICKY: u32 = 0o1000;
/// Maximum number of links that are followed on a path: as many as the kernel follows.
const MAX_LINKS: usize = 40;

/// Folders that every user may write to.
const SYSTEM: [&str; 2] = ["/tmp", "/dev/shm"];

/// Why a folder is refused.
#[derive(Debug)]
pub enum Refused {
    /// The folder belongs to neither root nor this user.
    Owner(PathBuf, u32),
    /// Other users may rename or remove files in the folder.
    Writable(PathBuf),
    /// Another user can change the link, and so choose where it leads.
    Link(PathBuf),
    /// The path is not absolute.
    Relative,
    /// A system call failed.
    Io(std::io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(folder, owner) => {
                write!(out, "{} belongs to user {owner}", folder.display())
            }
            Self::Writable(folder) => {
                write!(out, "other users can change what is in {}", folder.display())
            }
            Self::Link(link) => {
                write!(out, "{} is a link that another user can change", link.display())
            }
            Self::Relative => out.write_str("not an absolute path"),
            Self::Io(error) => out.write_str(&crate::error::reason(error)),
        }
    }
}

impl std::error::Error for Refused {}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Returns the folders for the files of a run, the best one first: `XDG_RUNTIME_DIR`, the folders that every user
/// may write to, and `~/.cache`.
#[must_use]
pub fn usual() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|_| !is_privileged_by_its_file());
    let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let cache = variable("HOME").map(|home| Path::new(&home).join(".cache"));
    runtime.into_iter().chain(SYSTEM.map(PathBuf::from)).chain(cache).collect()
}

/// Returns the folders for large temporary files, the best one first: `TMPDIR`, the folders that every user may write
/// to, and `~/.cache`.
#[must_use]
pub fn temporary() -> Vec<PathBuf> {
    let named = std::env::var_os("TMPDIR").filter(|_| !is_privileged_by_its_file());
    let system = || SYSTEM.map(PathBuf::from);
    let home = usual().pop().filter(|last| !system().contains(last));
    named.map(PathBuf::from).into_iter().chain(system()).chain(home).collect()
}

/// A folder whose path can be trusted.
#[derive(Debug)]
pub struct Place {
    folder: OwnedFd,
    path: PathBuf,
}

impl Place {
    /// Opens a folder, if its path can be trusted.
    ///
    /// # Errors
    /// The first folder on the path that another user can change, or the failure of a system call.
    pub fn open(path: &Path) -> Result<Self, Refused> {
        if !path.is_absolute() {
            return Err(Refused::Relative);
        }
        let system = SYSTEM.iter().any(|place| path == Path::new(place));
        // Links are followed once, here; where they lead is looked at like any other path.
        let path = path.canonicalize()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = openat(CWD, "/", flags, Mode::empty())?;
        let own = rustix::process::geteuid().as_raw();
        // In a user namespace, the root of the host has the number of `nobody`, as other users have. So that
        // owner is trusted only for the system's own folders.
        let root = if system { fstat(&folder)?.st_uid } else { 0 };
        let mut so_far = PathBuf::from("/");
        let mut components = path.components();
        loop {
            let found = fstat(&folder)?;
            if ![0, own, root].contains(&found.st_uid) {
                return Err(Refused::Owner(so_far, found.st_uid));
            }
            if found.st_mode & OTHERS_WRITE != 0 && found.st_mode & STICKY == 0 {
                return Err(Refused::Writable(so_far));
            }
            match components.next() {
                None => return Ok(Self { folder, path }),
                Some(Component::Normal(name)) => {
                    so_far.push(name);
                    folder = openat(&folder, name, flags, Mode::empty())?;
                }
                Some(_) => {}
            }
        }
    }

    /// Returns the path of the folder, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a folder with `O_PATH`, and makes the missing folders on its path.
///
/// The folder may belong to another user. But no link is followed that another user can change, because root
/// would then act wherever that user likes.
///
/// # Errors
/// [`Refused::Link`] for such a link; the errors of `openat(2)` and `mkdirat(2)`.
pub fn reach(path: &Path) -> Result<OwnedFd, Refused> {
    const OPEN: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let steps = |path: &Path| -> Vec<OsString> {
        path.components().map(|step| step.as_os_str().to_owned()).collect()
    };
    let mut ahead = VecDeque::from(steps(path));
    let mut folder = openat(CWD, ".", OPEN | OFlags::DIRECTORY, Mode::empty())?;
    let mut links = 0;
    // Everything below a folder that other users can change may be theirs, moved there from anywhere.
    let mut theirs = false;
    while let Some(step) = ahead.pop_front() {
        if step == OsStr::new("/") {
            folder = openat(CWD, "/", OPEN | OFlags::DIRECTORY, Mode::empty())?;
            theirs = false;
            continue;
        }
        let holder = fstat(&folder)?;
        theirs |= !is_own(&holder) || (holder.st_mode & OTHERS_WRITE != 0 && !is_sticky(&holder));
        let below = || openat(&folder, &step, OPEN | OFlags::DIRECTORY, Mode::empty());
        folder = match below() {
            Err(Errno::NOENT) => {
                match mkdirat(&folder, &step, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                // Another process may have made it in between.
                below()?
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let link = openat(&folder, &step, OPEN, Mode::empty())?;
                let found = fstat(&link)?;
                if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
                    return Err(Errno::NOTDIR.into());
                }
                if theirs || (is_sticky(&holder) && !is_own(&found)) {
                    return Err(Refused::Link(link_path(path, &step)));
                }
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = readlinkat(&link, "", Vec::new())?.into_bytes();
                for step in steps(Path::new(OsStr::from_bytes(&target))).into_iter().rev() {
                    ahead.push_front(step);
                }
                continue;
            }
            opened => opened?,
        };
    }
    Ok(folder)
}

/// Returns whether this belongs to root or to the user of this process.
fn is_own(found: &Stat) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&found.st_uid)
}

/// Returns whether other users can rename and remove only their own files in it.
fn is_sticky(holder: &Stat) -> bool {
    holder.st_mode & STICKY != 0
}

/// Returns the path of a link for a message: the part of `path` that ends with it, if there is one.
fn link_path(path: &Path, step: &OsStr) -> PathBuf {
    let on_path = path.ancestors().find(|part| part.file_name() == Some(step));
    on_path.map_or_else(|| PathBuf::from(step), Path::to_owned)
}

/// A folder that this process has made, with a name that nobody can guess. Dropping it removes the folder and
/// everything in it.
#[derive(Debug)]
pub struct Private {
    folder: OwnedFd,
    path: PathBuf,
}

impl Private {
    /// Makes a folder in `place`. Its name is the prefix and 32 random digits.
    ///
    /// # Errors
    /// The errors of `mkdir(2)`.
    pub fn new(place: &Place, prefix: &str, mode: u32) -> Result<Self, Refused> {
        for _ in 0..TRIES {
            let name = format!("{prefix}{}", random_name()?);
            match mkdirat(&place.folder, &name, Mode::from_raw_mode(0o700)) {
                Ok(()) => {}
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = openat(&place.folder, &name, flags, Mode::empty()).and_then(|folder| {
                // The mode of `mkdirat` was subject to the umask.
                fchmod(&folder, Mode::from_raw_mode(mode))?;
                Ok((fstat(&folder)?.st_uid, folder))
            });
            let path = place.path.join(&name);
            return match opened {
                Ok((owner, folder)) if owner == rustix::process::geteuid().as_raw() => {
                    Ok(Self { folder, path })
                }
                Ok((owner, _)) => Err(Refused::Owner(path, owner)),
                Err(error) => {
                    let _left = unlinkat(&place.folder, &name, AtFlags::REMOVEDIR);
                    Err(error.into())
                }
            };
        }
        Err(Errno::EXIST.into())
    }

    /// Makes a folder for this user alone, in the first place of [`temporary`] that can be trusted and written to.
    ///
    /// # Errors
    /// If there is no such place. The sentence says what was wrong with each.
    pub fn anywhere(prefix: &str) -> Result<Self, crate::error::Fail> {
        first(temporary(), |place| Self::new(place, prefix, 0o700))
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens or makes a file in the folder.
    ///
    /// # Errors
    /// The errors of `openat(2)`.
    pub fn open(&self, name: &str, flags: OFlags, mode: u32) -> std::io::Result<std::fs::File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.folder, name, flags, Mode::from_raw_mode(mode))?.into())
    }
}

impl AsFd for Private {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.path);
    }
}

/// Returns what an attempt makes in the first place where it succeeds.
///
/// # Errors
/// If it succeeds in none. The sentence says what was wrong with each place.
pub fn first<T>(
    places: impl IntoIterator<Item = PathBuf>,
    mut attempt: impl FnMut(&Place) -> Result<T, Refused>,
) -> Result<T, crate::error::Fail> {
    let mut reasons = Vec::new();
    for path in places {
        match Place::open(&path).and_then(|place| attempt(&place)) {
            Ok(made) => return Ok(made),
            Err(why) => reasons.push(format!("{} ({why})", path.display())),
        }
    }
    Err(crate::error::Fail::new(reasons.join(", ")))
}

/// Returns 32 random hexadecimal digits.
///
/// # Errors
/// The errors of `getrandom(2)`.
pub fn random_name() -> std::io::Result<String> {
    let bytes = random::<NAME_BYTES>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns random bytes that nobody can guess.
///
/// # Errors
/// The errors of `getrandom(2)`.
pub fn random<const LEN: usize>() -> std::io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut *rest, flags))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_of_this_user_is_taken_and_the_private_one_goes_at_the_end() {
        let outer = tempfile::tempdir().unwrap();
        let place = Place::open(outer.path()).unwrap();
        let made = Private::new(&place, "test-", 0o711).unwrap();
        let path = made.path().to_owned();
        assert!(path.starts_with(outer.path().canonicalize().unwrap()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o711);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.strip_prefix("test-").map(str::len), Some(32), "{name}");
        made.open("file", OFlags::CREATE | OFlags::EXCL | OFlags::RDWR, 0o600).unwrap();
        assert!(path.join("file").exists());
        drop(made);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused_wherever_it_is_on_the_path() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        for open in [0o777, 0o770, 0o722] {
            mode(outer.path(), open);
            let why = Place::open(&inner).unwrap_err();
            assert!(matches!(why, Refused::Writable(_)), "{open:o}: {why}");
        }
        mode(outer.path(), 0o1777);
        Place::open(&inner).unwrap();
        mode(outer.path(), 0o700);
        mode(&inner, 0o777);
        assert!(matches!(Place::open(&inner), Err(Refused::Writable(_))));
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let outer = tempfile::tempdir().unwrap();
        let (good, bad) = (outer.path().join("good"), outer.path().join("bad"));
        for (folder, bits) in [(&good, 0o700), (&bad, 0o777)] {
            std::fs::create_dir(folder).unwrap();
            mode(folder, bits);
            symlink(folder, folder.with_extension("link")).unwrap();
        }
        Place::open(&good.with_extension("link")).unwrap();
        assert!(matches!(Place::open(&bad.with_extension("link")), Err(Refused::Writable(_))));
        assert!(matches!(Place::open(Path::new("relative")), Err(Refused::Relative)));
    }

    #[test]
    fn a_link_that_others_can_set_is_not_followed() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        for name in ["own", "open", "sticky", "victim"] {
            std::fs::create_dir(at(name)).unwrap();
            symlink("../victim", at(name).join("link")).unwrap();
            symlink("../nowhere", at(name).join("dangling")).unwrap();
        }
        mode(&at("open"), 0o777);
        mode(&at("sticky"), 0o1777);
        let inode = |folder: OwnedFd| fstat(&folder).unwrap().st_ino;
        let victim = inode(reach(&at("victim")).unwrap());
        assert_eq!(inode(reach(&at("own/link")).unwrap()), victim);
        assert_eq!(inode(reach(&at("sticky/link")).unwrap()), victim, "of this user");
        for path in ["open/link", "open/link/below", "own/../open/./link"] {
            let why = reach(&at(path)).unwrap_err().to_string();
            assert!(why.ends_with("link is a link that another user can change"), "{path}: {why}");
        }
        assert!(reach(&at("open/dangling")).is_err());
        assert!(!at("nowhere").exists() && !at("victim/below").exists());
        // Folders are fine, and what is missing is made.
        reach(&at("open/a/b")).unwrap();
        assert!(at("open/a/b").is_dir());
        std::fs::write(at("file"), "").unwrap();
        assert!(matches!(reach(&at("file")), Err(Refused::Io(_))));
        symlink("loop", at("loop")).unwrap();
        assert!(matches!(reach(&at("loop")), Err(Refused::Io(_))));
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(at("sticky/link"), Some(65534), Some(65534)).unwrap();
            assert!(matches!(reach(&at("sticky/link")), Err(Refused::Link(_))));
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused_even_by_root() {
        if !rustix::process::geteuid().is_root() {
            skip::skip("needs root");
            return;
        }
        let outer = tempfile::tempdir().unwrap();
        let (theirs, ours) = (outer.path().join("theirs"), outer.path().join("theirs/ours"));
        std::fs::create_dir_all(&ours).unwrap();
        chown(&theirs, Some(65534), Some(65534)).unwrap();
        for folder in [&theirs, &ours] {
            let why = Place::open(folder).unwrap_err().to_string();
            assert!(why.ends_with("theirs belongs to user 65534"), "{why}");
        }
    }
}
