//! The file or the standard error to which reports go without `lockdep-run`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

use crate::environment::variable;

/// Where reports go. A file is opened before the program can close descriptors or change its root.
#[derive(Default)]
pub(crate) struct Output {
    file: Option<File>,
    /// The device and the number of the file. The program may have closed our descriptor, and opened another file that
    /// has got the same number.
    is: Option<(u64, u64)>,
    /// The name of the file, if it is not standard error.
    path: Option<OsString>,
}

impl Output {
    /// Opens the file that `LOCKDEP_LOG` names, if it does.
    pub(crate) fn open() -> Self {
        let mut output = Self { path: variable("LOCKDEP_LOG"), ..Self::default() };
        output.connect();
        output
    }

    /// Returns whether reports go to a file.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    fn connect(&mut self) {
        let Some(path) = &self.path else { return };
        match File::options().append(true).create(true).open(path) {
            Ok(file) => {
                self.is = identity(&file);
                self.file = Some(file);
            }
            Err(error) => {
                let why = error.to_string();
                let why = why.split(" (os error").next().unwrap_or_default();
                eprintln!("lockdep: cannot write to LOCKDEP_LOG {}: {why}", path.display());
                self.path = None;
            }
        }
    }

    /// Writes a text. It is one call, so that texts of several processes do not mix.
    ///
    /// Standard error is not copied to a descriptor of our own: a copy would keep a pipe open whose reader waits for a
    /// daemon to close it.
    pub(crate) fn write(&mut self, text: &str) {
        if let Some(file) = &self.file
            && (self.is.is_none() || identity(file) != self.is)
        {
            // The descriptor is somebody else's now, so it is not closed here.
            std::mem::forget(self.file.take());
            self.connect();
        }
        // A report that cannot be written has nowhere else to go.
        let _ = match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()),
            None => io::stderr().write_all(text.as_bytes()),
        };
    }
}

fn identity(file: &File) -> Option<(u64, u64)> {
    let data = file.metadata().ok()?;
    Some((data.dev(), data.ino()))
}
