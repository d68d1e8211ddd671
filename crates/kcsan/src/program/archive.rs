//! The runtime's archive and the header, written where compilers can read them.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libkcsan.a"));
/// What is in the archive.
const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kcsan.o"));
/// An archive with nothing in it.
const EMPTY: &[u8] = b"!<arch>\n";
const HEADER: &str = include_str!("../../include/kcsan.h");

/// The folder with `libkcsan.a` and `kcsan.h`: in the user's cache, by what is in them.
///
/// # Errors
///
/// If it cannot be written.
pub fn folder() -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    ARCHIVE.hash(&mut hasher);
    HEADER.hash(&mut hasher);
    let folder = cache()?.join(format!("{:016x}", hasher.finish()));
    fs::create_dir_all(&folder)?;
    place(&folder.join("libkcsan.a"), ARCHIVE)?;
    place(&folder.join("kcsan.h"), HEADER.as_bytes())?;
    // gcc's names for what ThreadSanitizer needs: the runtime in programs, nothing in shared libraries.
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
    {
        return Ok(cache.join("kcsan"));
    }
    // Nobody else may put his archive there.
    let me = fs::metadata("/proc/self")?.uid();
    let folder = env::temp_dir().join(format!("kcsan-{me}"));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if found.uid() != me || !found.is_dir() || found.mode() & 0o022 != 0 {
        let folder = folder.display();
        return Err(io::Error::other(format!("{folder} is not a folder of this user alone")));
    }
    Ok(folder)
}

/// Writes a file, unless it is there; at once, since others may be about to read it.
fn place(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| found.len() == content.len() as u64) {
        return Ok(());
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, content)?;
    fs::rename(&new, path)
}
