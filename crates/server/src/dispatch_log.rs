//! Writes down when deadlines were due and when they were handled, for benchmarks.

use aseqd_engine::Time;
use aseqd_host::log;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

/// Entries that fit without another allocation: a benchmark has fewer.
const CAPACITY: usize = 1 << 16;

/// A log that is written to its file when it is dropped: two times for each entry, as little-endian `u64`.
#[derive(Debug)]
pub(crate) struct DispatchLog {
    file: File,
    path: PathBuf,
    /// When each was due, and when it was handled.
    instants: Vec<(Time, Time)>,
}

impl DispatchLog {
    pub(crate) fn create(path: PathBuf) -> std::io::Result<Self> {
        Ok(Self { file: File::create(&path)?, path, instants: Vec::with_capacity(CAPACITY) })
    }

    pub(crate) fn add(&mut self, due: Time, handled: Time) {
        self.instants.push((due, handled));
    }
}

impl Drop for DispatchLog {
    fn drop(&mut self) {
        let pairs = self.instants.iter();
        let bytes: Vec<u8> = pairs
            .flat_map(|(due, handled)| [due.0.to_le_bytes(), handled.0.to_le_bytes()])
            .flatten()
            .collect();
        if let Err(error) = self.file.write_all(&bytes) {
            let path = self.path.display();
            log::tell("dispatch log", format_args!("{path} cannot be written: {error}"));
        }
    }
}
