//! The last programs that a process has run, on disk before each is run: one of them made the machine die.

use crate::program::Program;
use crate::text;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The size at which the file is put aside and a new one begun. Together they hold some hundred programs.
const SIZE: usize = 128 << 10;
/// Maximum number of programs that are told.
const PROGRAMS: usize = 200;

/// The programs that a process runs, written down in their order.
#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    file: File,
    size: usize,
    sync: bool,
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("history.old")
}

/// Returns the file of a process of a campaign.
pub(super) fn path(dir: &Path, job: usize) -> PathBuf {
    dir.join("jobs").join(format!("{job}.history"))
}

impl History {
    /// Begins a new one. With `sync`, what is added is on the disk when the call returns.
    pub(super) fn begin(path: &Path, sync: bool) -> io::Result<Self> {
        let _none_perhaps = fs::remove_file(older(path));
        Ok(Self { path: path.to_owned(), file: File::create(path)?, size: 0, sync })
    }

    /// Adds a program.
    pub(super) fn add(&mut self, text: &[u8]) -> io::Result<()> {
        if self.size > SIZE {
            fs::rename(&self.path, older(&self.path))?;
            self.file = File::create(&self.path)?;
            self.size = 0;
        }
        self.size += text.len();
        self.file.write_all(text)?;
        if self.sync { self.file.sync_data() } else { Ok(()) }
    }
}

/// Returns the last programs of a process, the last one at the end. What was written of one that is not whole, since the
/// machine died meanwhile, is left out.
pub(super) fn last(path: &Path) -> Vec<Program> {
    let read =
        |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    let all = read(&older(path)) + &read(path);
    let mut programs = Vec::new();
    let mut starts: Vec<usize> = all.match_indices("mode ").map(|(at, _)| at).collect();
    starts.retain(|at| *at == 0 || all.as_bytes()[at - 1] == b'\n');
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(all.len());
        programs.extend(text::parse(&all[*start..end]));
    }
    programs.drain(..programs.len().saturating_sub(PROGRAMS));
    programs
}

#[cfg(test)]
mod tests {
    use super::{History, PROGRAMS, last};
    use crate::generate::generate;

    #[test]
    fn the_last_programs_are_there_in_their_order() {
        let name = format!("seqfuzz-history-{}", std::process::id());
        let path = std::env::temp_dir().join(name).with_extension("history");
        let mut history = History::begin(&path, false).expect("a file");
        let programs: Vec<_> = (0..900).map(|seed| generate(seed, 12)).collect();
        for program in &programs {
            history.add(program.to_string().as_bytes()).expect("written");
        }
        history.add(b"mode still\nc0.op").expect("written");
        let told = last(&path);
        super::fs::remove_file(&path).expect("there");
        super::fs::remove_file(super::older(&path)).expect("there");
        assert!(told.len() > 50 && told.len() <= PROGRAMS, "{}", told.len());
        assert!(programs.ends_with(&told));
    }
}
