//! Directories for the files of a run.

use aseqd_host::error::{Context as _, Fail};
use aseqd_host::folder::{self, Private};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// First part of a directory's name. The bench's process id follows, so that a later run knows whose it is.
const DIRECTORY: &str = "aseqd-bench-run-";

/// Creates a directory that is removed when the returned value is dropped.
pub(super) fn create() -> Result<Private, Fail> {
    let prefix = format!("{DIRECTORY}{}-", std::process::id());
    Private::anywhere(&prefix).context("no place for the files of this run")
}

/// Removes the directories of runs that were killed. There may be a large file in them.
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
