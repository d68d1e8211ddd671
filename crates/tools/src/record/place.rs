//! Where a recording grows: a file, also after somebody has moved it, or one whose content goes to standard output.

use aseqd_host::error::{Context as _, Fail, reason};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The place of a recording.
#[derive(Debug)]
pub(super) struct Place {
    /// The file that grows.
    pub(super) path: PathBuf,
    /// Its content goes to standard output at the end. The lengths of tracks stand before them, so it cannot go earlier.
    piped: bool,
}

impl Place {
    /// Returns the place for a file of the command line; `-` is standard output.
    pub(super) fn of(file: &Path) -> Self {
        let piped = file == Path::new("-");
        let temporary =
            || std::env::temp_dir().join(format!("aseqd-record-{}", std::process::id()));
        Self { path: if piped { temporary() } else { file.to_owned() }, piped }
    }

    /// Returns what messages call it.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Makes the file, and locks it: a second recorder with `--force` must not write into a take.
    pub(super) fn create(&self, force: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if self.piped {
            // In a folder for everybody, nobody else reads it, or has put something there.
            options.mode(0o600);
        }
        if self.piped || !force {
            options.create_new(true);
        }
        let file = options.create(true).truncate(false).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        // Some file systems have no locks.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(io::Error::other("another `aseqd record` writes it"));
        }
        file.set_len(0)?;
        Ok(file)
    }

    /// Finds the file that was made, and returns its path if it is another one now: somebody has moved it.
    ///
    /// # Errors
    /// If it was deleted.
    pub(super) fn find(&mut self, made: &File) -> io::Result<Option<PathBuf>> {
        let metadata = made.metadata()?;
        let same = |path: &Path| {
            let there = fs::metadata(path);
            there.map(|it| (it.dev(), it.ino()) == (metadata.dev(), metadata.ino()))
        };
        let taken = match same(&self.path) {
            Ok(true) => return Ok(None),
            Ok(false) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let now = fs::read_link(format!("/proc/self/fd/{}", made.as_raw_fd()))?;
        if metadata.nlink() > 0 && same(&now).is_ok_and(|same| same) {
            self.path.clone_from(&now);
            return Ok(Some(now));
        }
        Err(io::Error::other(match taken {
            true => "another file has taken its name, and the recording was deleted",
            false => "it was deleted while it was recorded",
        }))
    }

    /// Writes the file to standard output and removes it, if that is where it goes.
    ///
    /// # Errors
    /// A message with the name of the file, which stays.
    pub(super) fn deliver(&self) -> Result<(), Fail> {
        if !self.piped {
            return Ok(());
        }
        let mut file = File::open(&self.path).with_context(|| self.name())?;
        // A reader that has ended does not have the take either.
        let mut out = io::stdout().lock();
        match io::copy(&mut file, &mut out).and_then(|_| out.flush()) {
            Err(error) => {
                let (why, name) = (reason(&error), self.name());
                Err(Fail::new(format!(
                    "standard output cannot be written: {why}; the recording is {name}"
                )))
            }
            Ok(()) => fs::remove_file(&self.path).with_context(|| self.name()),
        }
    }
}
