//! Writes the runtime's archive and the header to a folder where compilers can read them.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libkcsan.a"));
/// The object in the archive.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kcsan.o"));
/// An empty archive.
const EMPTY: &[u8] = b"!<arch>\n";
const HEADER: &str = include_str!("../../include/kcsan.h");

/// Returns the folder with `libkcsan.a` and `kcsan.h`, and writes it if it is missing. It lies in the user's cache
/// and is named after a hash of its contents.
///
/// # Errors
///
/// Returns the error of writing the folder, or an error if another user can change it.
pub fn folder() -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    ARCHIVE.hash(&mut hasher);
    HEADER.hash(&mut hasher);
    let folder = cache()?.join(format!("{:016x}", hasher.finish()));
    fs::create_dir_all(&folder)?;
    place(&folder.join("libkcsan.a"), ARCHIVE)?;
    place(&folder.join("kcsan.h"), HEADER.as_bytes())?;
    // gcc links these names for ThreadSanitizer. Programs get the runtime, and shared libraries get nothing.
    fs::create_dir_all(folder.join("gcc"))?;
    place(&folder.join("gcc/libtsan_preinit.o"), OBJECT)?;
    place(&folder.join("gcc/libtsan.a"), EMPTY)?;
    Ok(folder)
}

fn cache() -> io::Result<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    if let Some(cache) = home
        && fs::create_dir_all(&cache).is_ok()
        && is_own(&cache).is_ok()
    {
        return Ok(cache.join("kcsan"));
    }
    // No other user may be able to put an archive there.
    let me = fs::metadata("/proc/self")?.uid();
    let folder = env::temp_dir().join(format!("kcsan-{me}"));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    is_own(&folder)?;
    Ok(folder)
}

/// Checks that only this user and root can change what is in a folder. With `su` and `sudo -E` the environment names
/// folders of another user.
fn is_own(folder: &Path) -> io::Result<()> {
    let me = fs::metadata("/proc/self")?.uid();
    let whole = folder.canonicalize()?;
    // From the root on, each folder keeps what lies in it until this user moves it.
    let mut path = PathBuf::new();
    for part in whole.components() {
        path.push(part);
        let found = fs::symlink_metadata(&path)?;
        let sticky = found.mode() & 0o1000 != 0 && path != whole;
        let of_others = found.mode() & 0o022 != 0 && !sticky;
        let last_of_root = path == whole && found.uid() != me;
        if ![0, me].contains(&found.uid()) || of_others || last_of_root || !found.is_dir() {
            let why = format!("{} is not a folder of this user alone", path.display());
            return Err(io::Error::other(why));
        }
    }
    Ok(())
}

/// Writes a file in one step, unless it is there, since other processes may be about to read it.
fn place(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, content)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_folder_that_others_can_change_takes_no_archive() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&inner, 0o755);
        is_own(&inner).unwrap();
        symlink(&inner, outer.path().join("link")).unwrap();
        is_own(&outer.path().join("link")).unwrap();
        mode(&inner, 0o777);
        assert!(is_own(&inner).is_err());
        assert!(is_own(&outer.path().join("link")).is_err());
        mode(&inner, 0o755);
        mode(outer.path(), 0o777);
        assert!(is_own(&inner).is_err());
        mode(outer.path(), 0o1777);
        is_own(&inner).unwrap();
        assert!(is_own(outer.path()).is_err());
    }

    #[test]
    fn an_archive_of_the_right_length_alone_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libkcsan.a");
        fs::write(&path, "theirs").unwrap();
        place(&path, b"ours!!").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours!!");
    }
}
