//! The file of a recording.

use rustix::fs::{
    FileType, FlockOperation, Mode, OFlags, fchmod, fcntl_getfl, fcntl_setfl, flock, fstat,
};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many recordings of one program and one process id a folder may have.
const MOST_OF_ONE_NAME: u32 = 10_000;

/// Why the file of a recording cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// Another recording is made in this file.
    InUse(PathBuf),
    /// The system refuses.
    Io(PathBuf, io::Error),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(
                f,
                "another recording is made in {}: name a folder, where each makes a file",
                path.display()
            ),
            Self::Io(path, error) => write!(
                f,
                "the recording {} cannot be made: {}",
                path.display(),
                aseqd_host::error::reason(error)
            ),
        }
    }
}

impl std::error::Error for CreateError {}

/// A recording to be made: where, and whether it has begun. Copies are the same recording.
#[derive(Clone, Debug)]
pub struct Recording {
    place: Place,
    begun: Arc<AtomicBool>,
}

/// Where a recording is made.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In a file, from the beginning.
    File(Arc<File>),
    /// In memory.
    Memory {
        /// How many bytes are kept.
        size: usize,
        /// Where they are written when that is asked for.
        folder: PathBuf,
    },
}

impl Recording {
    /// Makes the file of a recording, which only its owner can read: it has what users play. If `path` is a folder, the
    /// file is made in it, named after `name` and this process. Otherwise the file is emptied if it exists. A pipe needs
    /// a reader.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create(path: &Path, name: &str) -> Result<Self, CreateError> {
        create(path, name).map(Self::of)
    }

    /// Returns a recording that is made in this file.
    #[must_use]
    pub fn of(file: File) -> Self {
        Self { place: Place::File(Arc::new(file)), begun: Arc::default() }
    }

    /// Returns a flight recorder: it keeps the latest part of the recording in memory, about this many bytes. It writes
    /// that to a file in `folder` when it is [asked to](crate::event_loop::Server::report), or when the server panics.
    #[must_use]
    pub fn in_memory(size: usize, folder: PathBuf) -> Self {
        Self { place: Place::Memory { size, folder }, begun: Arc::default() }
    }

    /// Lets the recording begin. Until then, nothing is written: the server may turn out not to be the one that is
    /// recorded. What it has done so far comes first.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }
}

fn create(path: &Path, name: &str) -> Result<File, CreateError> {
    if path.is_dir() {
        return create_in(path, name).map(|(file, _)| file);
    }
    let failed = |error: io::Error| CreateError::Io(path.to_owned(), error);
    let file = options().create(true).truncate(false).open(path).map_err(failed)?;
    let stat = fstat(&file).map_err(|error| failed(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        lock(&file, path)?;
        let mode = Mode::RUSR | Mode::WUSR;
        fchmod(&file, mode).map_err(|error| failed(error.into()))?;
        file.set_len(0).map_err(failed)?;
    }
    block(&file).map_err(failed)?;
    Ok(file)
}

/// Makes a file in a folder. Returns its path as well.
pub(super) fn create_in(folder: &Path, name: &str) -> Result<(File, PathBuf), CreateError> {
    let name: String = name
        .chars()
        .map(|char| if char.is_alphanumeric() || "._-+".contains(char) { char } else { '_' })
        .take(64)
        .collect();
    let process = std::process::id();
    for number in 1..MOST_OF_ONE_NAME {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}-{process}{number}.aseq"));
        match options().create_new(true).open(&path) {
            Ok(file) => {
                lock(&file, &path)?;
                block(&file).map_err(|error| CreateError::Io(path.clone(), error))?;
                return Ok((file, path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(CreateError::Io(path, error)),
        }
    }
    Err(CreateError::Io(folder.to_owned(), io::ErrorKind::AlreadyExists.into()))
}

fn options() -> OpenOptions {
    // The open of a pipe would wait for its reader.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600).custom_flags(flags);
    options
}

/// Locks the file as long as it is open, against other recordings.
fn lock(file: &File, path: &Path) -> Result<(), CreateError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(CreateError::InUse(path.to_owned())),
        // Not every file system has locks.
        Err(_) => Ok(()),
    }
}

/// Makes writes wait, which the thread of the recorder may.
fn block(file: &File) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    Ok(fcntl_setfl(file, flags - OFlags::NONBLOCK)?)
}
