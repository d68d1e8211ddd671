//! What the inside reports to the outside: a file of lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the file, in the environment of the process that becomes the inside.
pub(super) const VARIABLE: &str = "ASEQD_TESTING_REPORT";

const BEGUN: &str = "begun";
const ENDED: &str = "ended";
/// The message follows to the end of the file.
const PANICKED: &str = "panicked ";

/// How far a test came in its process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its body did not begin.
    NotBegun,
    /// Its body began and did not end: the process was ended.
    Begun,
    /// Its body panicked, with this message.
    Panicked(String),
    /// Its body returned.
    Ended,
}

/// The outside's end: a new file, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
}

impl Report {
    /// Makes the file.
    pub(super) fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("aseqd-testing-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // A process that had this number was killed and has left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|_| Self { path }),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how far the test came.
    pub(super) fn progress(&self) -> io::Result<Progress> {
        let bytes = std::fs::read(&self.path)?;
        let text = String::from_utf8_lossy(&bytes);
        let Some(rest) = text.strip_prefix(BEGUN) else { return Ok(Progress::NotBegun) };
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        Ok(match rest.strip_prefix(PANICKED) {
            Some(message) => Progress::Panicked(message.to_owned()),
            None if rest == ENDED => Progress::Ended,
            None => Progress::Begun,
        })
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// The inside's end. A report that cannot be written is missed by the outside, which says so.
#[derive(Debug)]
pub(super) struct Reporter(File);

impl Reporter {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).open(path).map(Self)
    }

    pub(super) fn begun(&mut self) {
        self.write(&format!("{BEGUN}\n"));
    }

    pub(super) fn ended(&mut self) {
        self.write(ENDED);
    }

    pub(super) fn panicked(&mut self, message: &str) {
        self.write(&format!("{PANICKED}{message}"));
    }

    fn write(&mut self, text: &str) {
        let _missed = self.0.write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_knows_how_far_the_inside_came() {
        let report = Report::new().unwrap();
        let progress = || report.progress().unwrap();
        assert_eq!(progress(), Progress::NotBegun);
        let mut reporter = Reporter::open(report.path()).unwrap();
        reporter.begun();
        assert_eq!(progress(), Progress::Begun);
        reporter.panicked("left\nright");
        assert_eq!(progress(), Progress::Panicked("left\nright".to_owned()));

        let report = Report::new().unwrap();
        let mut reporter = Reporter::open(report.path()).unwrap();
        reporter.begun();
        reporter.ended();
        assert_eq!(report.progress().unwrap(), Progress::Ended);
        let path = report.path().to_owned();
        drop(report);
        assert!(!path.exists());
    }
}
