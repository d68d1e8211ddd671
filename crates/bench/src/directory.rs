//! Directories for files of a run.

use aseqd_host::error::{Context as _, Fail};
use aseqd_host::folder::{self, Private};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Before the process id, the name of a run's directory.
const DIRECTORY: &str = "aseqd-bench-run-";

/// Makes a directory that goes away with what is returned.
pub(super) fn create() -> Result<Private, Fail> {
    let prefix = format!("{DIRECTORY}{}-", std::process::id());
    Private::anywhere(&prefix).context("no place for files of this run")
}

/// Directories of runs that were interrupted: a large file may be in them.
pub(super) fn remove_leftovers() {
    let own = rustix::process::geteuid().as_raw();
    for place in folder::temporary() {
        for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let run = name.to_str().and_then(|name| {
                name.strip_prefix(DIRECTORY)?.split_once('-')?.0.parse::<u32>().ok()
            });
            let ended = run.is_some_and(|run| !Path::new(&format!("/proc/{run}")).exists());
            if ended && std::fs::symlink_metadata(entry.path()).is_ok_and(|is| is.uid() == own) {
                let _left = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}
