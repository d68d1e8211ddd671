//! Files that a replay writes.

use aseqd_host::error::{Context as _, Fail};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is whole or not there: it gets its name at the end. `-` is standard output.
pub(super) struct Output {
    out: Option<BufWriter<Box<dyn Write>>>,
    /// Where it is while it is written, and the name that it gets.
    names: Option<(PathBuf, PathBuf)>,
}

impl Output {
    pub(super) fn create(path: &Path) -> Result<Self, Fail> {
        if path.as_os_str() == "-" {
            return Ok(Self { out: Some(BufWriter::new(Box::new(io::stdout()))), names: None });
        }
        let cannot = || format!("{} cannot be written", path.display());
        // A device or a pipe has no other name.
        let special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        let partial = partial_name(path);
        let (file, names) = match special {
            true => (File::options().write(true).open(path), None),
            false => (File::create(&partial), Some((partial, path.to_owned()))),
        };
        let file = file.with_context(cannot)?;
        Ok(Self { out: Some(BufWriter::new(Box::new(file))), names })
    }

    /// Ends the file, and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), Fail> {
        let Some(mut out) = self.out.take() else { return Ok(()) };
        out.flush().context("a file cannot be written")?;
        if let Some((partial, name)) = self.names.take() {
            fs::rename(&partial, &name)
                .with_context(|| format!("{} cannot be written", name.display()))?;
        }
        Ok(())
    }
}

/// Returns the name of a file while it is written.
fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Some(out) => out.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nobody wants half a file.
        if let Some((partial, _)) = &self.names {
            let _gone = fs::remove_file(partial);
        }
    }
}
