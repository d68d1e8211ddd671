//! The library that programs are started with. The binary of aseqd contains it.

use super::PreloadDoor;
use aseqd_host::error::Fail;
use aseqd_host::folder::{self, Place, Private, Refused};
use aseqd_wire::preload::STAND_INS;
use aseqd_wire::proc_text::ProcText;
use rustix::fs::{MemfdFlags, OFlags, memfd_create};
use rustix::io::Errno as Failure;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The library as bytes.
pub use aseqd_preload::LIBRARY;

/// The file name of the library.
const LIBRARY_NAME: &str = "libaseqd_preload.so";
/// The beginning of a folder's name, before 32 random digits.
const FOLDER_PREFIX: &str = "aseqd-";
/// How long a server may take from making its folder to listening in it. A folder without a socket that is older is
/// abandoned.
const TIME_TO_LISTEN: Duration = Duration::from_secs(60);
/// Maximum length of a folder's path, in bytes, so that a socket in it can have a random name: see `unix(7)`.
const MAX_FOLDER_PATH: usize = 107 - "/".len() - 32;
/// The variable that names the libraries which the dynamic loader loads first.
const PRELOAD_VARIABLE: &str = "LD_PRELOAD";

/// A private folder with the library, where the door puts its socket. It is removed on drop.
#[derive(Debug)]
pub struct Library {
    folder: Private,
}

impl Library {
    /// Installs it in the first of the usual places that can be trusted, written to and executed from.
    ///
    /// # Errors
    /// If none of them can. The message says why, for each.
    pub fn install() -> Result<Self, Fail> {
        folder::first(folder::usual(), |place| {
            remove_abandoned(place.path());
            Self::install_in(place)
        })
    }

    /// Installs it in a folder of its own below this one.
    ///
    /// # Errors
    /// If the file cannot be made there, or nothing there can be executed.
    pub fn install_in(place: &Place) -> Result<Self, Refused> {
        // Programs that change their user must reach the files in it, but need not list it.
        let folder = Private::new(place, FOLDER_PREFIX, 0o711)?;
        if folder.path().as_os_str().len() > MAX_FOLDER_PATH {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidFilename).into());
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = folder.open(LIBRARY_NAME, flags, 0o755)?;
        file.write_all(LIBRARY)?;
        // Set again, because the umask applies to new files.
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        drop(file);
        let library = Self { folder };
        library.place_stand_ins()?;
        let stat = rustix::fs::fstatvfs(library.descriptor())?;
        if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC) {
            let why = "nothing in it can be executed: it is mounted with noexec";
            return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, why).into());
        }
        Ok(library)
    }

    /// Makes the files that a program finds when it lists `/proc/asound`. A program that opens one gets the text from
    /// the server instead.
    fn place_stand_ins(&self) -> std::io::Result<()> {
        let root = self.folder().join(STAND_INS);
        for text in ProcText::ALL {
            let path = root.join(text.name());
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
                fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
            }
            fs::File::create_new(&path)?.set_permissions(fs::Permissions::from_mode(0o444))?;
        }
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755))
    }

    /// Returns the path of the library.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder().join(LIBRARY_NAME)
    }

    /// Returns the folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps the folder, for another process to remove. Returns its path.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        let path = self.folder().to_owned();
        std::mem::forget(self);
        path
    }

    /// Returns a descriptor of the folder.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// Returns the variables for a program of this door. Libraries that are preloaded already come after ours.
    #[must_use]
    pub fn environment(
        &self,
        door: &PreloadDoor,
        preloaded: Option<&OsStr>,
    ) -> Vec<(&'static str, OsString)> {
        let mut libraries = self.path().into_os_string();
        if let Some(others) = preloaded.filter(|others| !others.is_empty()) {
            libraries.push(":");
            libraries.push(others);
        }
        let mut variables = vec![(PRELOAD_VARIABLE, libraries)];
        variables.extend(door.environment());
        variables
    }
}

/// Removes the folders that killed servers have left in all of the usual places.
pub fn remove_all_abandoned() {
    folder::usual().into_iter().for_each(|place| remove_abandoned(&place));
}

/// Removes the folders that killed servers have left in a place: those at whose socket no process listens. The socket
/// of a running server never exists without a listener.
fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX));
        let ours = number.is_some_and(|number| {
            number.len() == 32 && number.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if ours && is_abandoned(&entry.path()) {
            let _not_ours = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether no process listens at the socket in a folder of this user. A folder without a socket counts as
/// abandoned when it is older than [`TIME_TO_LISTEN`].
fn is_abandoned(folder: &Path) -> bool {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let own = rustix::process::geteuid().as_raw();
    let Ok(folder_is) = fs::symlink_metadata(folder) else { return false };
    if !folder_is.is_dir() || folder_is.uid() != own {
        return false;
    }
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let is_socket = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_socket());
    let Some(entry) = entries.flatten().find(is_socket) else {
        let age = kernels_now().and_then(|now| now.duration_since(folder_is.modified().ok()?).ok());
        return age.is_some_and(|age| age > TIME_TO_LISTEN);
    };
    let Ok(address) = SocketAddrUnix::new(entry.path()) else { return false };
    let Ok(socket) = socket_with(family, kind, flags, None) else { return false };
    connect(&socket, &address) == Err(Failure::CONNREFUSED)
}

/// Returns the date that a file gets which is made now. In virtual time the date of this process is another one, and
/// would make the new folder of another run look old.
fn kernels_now() -> Option<SystemTime> {
    let file = memfd_create("now", MemfdFlags::CLOEXEC).ok()?;
    fs::File::from(file).metadata().ok()?.modified().ok()
}
