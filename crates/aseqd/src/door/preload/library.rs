//! The library that programs are started with. The program carries it in itself.

use super::PreloadDoor;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno as Failure;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Its bytes.
static LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libaseqd_preload.so"));
const LIBRARY_NAME: &str = "libaseqd_preload.so";
/// What every directory is called, before a number of 16 digits.
const DIRECTORY_PREFIX: &str = "aseqd-";
/// How long a server may take from its directory to its socket.
const TIME_TO_LISTEN: Duration = Duration::from_secs(60);
const SOCKET_NAME: &str = "socket";
/// Names the libraries that the loader takes before all others.
const PRELOAD_VARIABLE: &str = "LD_PRELOAD";
/// The longest path that a socket can be bound to before it gets its name.
const MAX_SOCKET_PATH: usize = 107 - ".new".len();

/// A private directory with the library, and a place for the socket. Taken away at the end.
#[derive(Debug)]
pub struct Library {
    directory: PathBuf,
}

impl Library {
    /// Installs it in the first of the usual places that can be written to and executed from.
    ///
    /// # Errors
    /// What was wrong with the last of them.
    pub fn install() -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let cache = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let usual = [Some(PathBuf::from("/tmp")), Some(PathBuf::from("/dev/shm")), cache];
        let places = runtime.into_iter().chain(usual.into_iter().flatten());
        let mut result = Err(io::Error::from(io::ErrorKind::NotFound));
        for place in places.filter(|place| place.is_absolute()) {
            remove_abandoned(&place);
            result = Self::install_in(&place);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Installs it in a directory of its own below this one.
    ///
    /// # Errors
    /// The file cannot be made there, or what is there cannot be executed.
    pub fn install_in(place: &Path) -> io::Result<Self> {
        let directory = private_directory(place)?;
        // From here on whatever ends this function takes the directory away.
        let library = Self { directory };
        if library.socket().as_os_str().len() > MAX_SOCKET_PATH {
            return Err(io::Error::from(io::ErrorKind::InvalidFilename));
        }
        let path = library.path();
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&path)?;
        file.write_all(LIBRARY)?;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        drop(file);
        executable(&path)?;
        Ok(library)
    }

    /// The library.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join(LIBRARY_NAME)
    }

    /// Where the server's socket belongs.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join(SOCKET_NAME)
    }

    /// The environment for a program of this door: what is preloaded already comes after the library.
    #[must_use]
    pub fn environment(
        &self,
        door: &PreloadDoor,
        preloaded: Option<&OsStr>,
    ) -> [(&'static str, OsString); 2] {
        let mut libraries = self.path().into_os_string();
        if let Some(others) = preloaded.filter(|others| !others.is_empty()) {
            libraries.push(":");
            libraries.push(others);
        }
        let (name, socket) = door.environment();
        [(PRELOAD_VARIABLE, libraries), (name, socket.into_os_string())]
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.directory);
    }
}

/// Takes away what servers that were killed have left in a place: directories whose socket nobody
/// listens at. A living server's never exists without a listener.
fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(DIRECTORY_PREFIX));
        let ours = number.is_some_and(|number| {
            number.len() == 16 && number.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if ours && is_abandoned(&entry.path()) {
            let _of_somebody_else = fs::remove_dir_all(entry.path());
        }
    }
}

/// Does nobody listen at the socket in a directory? Where there is none, and the directory is not
/// new, its server did not come to that.
fn is_abandoned(directory: &Path) -> bool {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let own = rustix::process::geteuid().as_raw();
    let Ok(directory_is) = fs::symlink_metadata(directory) else { return false };
    if !directory_is.is_dir() || directory_is.uid() != own {
        return false;
    }
    let Ok(address) = SocketAddrUnix::new(directory.join(SOCKET_NAME)) else { return false };
    let Ok(socket) = socket_with(family, kind, flags, None) else { return false };
    match connect(&socket, &address) {
        Err(Failure::CONNREFUSED) => true,
        Err(Failure::NOENT) => {
            let age = directory_is.modified().ok().and_then(|made| made.elapsed().ok());
            age.is_some_and(|age| age > TIME_TO_LISTEN)
        }
        _ => false,
    }
}

/// Makes a directory that nobody else can list, and whose name nobody can guess: programs that change
/// their user still come to what is in it.
fn private_directory(place: &Path) -> io::Result<PathBuf> {
    let directory = place.join(format!("{DIRECTORY_PREFIX}{:016x}", super::random()?));
    fs::DirBuilder::new().mode(0o700).create(&directory)?;
    // As it is, whatever the mask is that new files get.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o711))?;
    Ok(directory)
}

/// Could the loader map code from this file? A file system can forbid it.
fn executable(path: &Path) -> io::Result<()> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    if rustix::fs::fstatvfs(&file)?.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(())
}
