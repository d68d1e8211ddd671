//! The corpus: programs that reached something first.

use crate::program::Program;
use crate::rng::Rng;
use crate::text;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The programs of a folder, as far as this process has read them.
#[derive(Debug)]
pub(super) struct Corpus {
    folder: PathBuf,
    known: HashSet<String>,
    programs: Vec<Program>,
}

fn name(program: &Program) -> String {
    format!("{:016x}", crate::hash(&[program.to_string()]))
}

impl Corpus {
    /// Opens a folder, and makes it if there is none.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), known: HashSet::new(), programs: Vec::new() })
    }

    /// Reads the programs that are new in the folder: those of other processes, and what people put there.
    /// What is no program is left out.
    pub(super) fn read_new(&mut self) -> Vec<Program> {
        let Ok(files) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut names: Vec<String> = files
            .flatten()
            .filter_map(|file| file.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.') && !self.known.contains(name))
            .collect();
        names.sort_unstable();
        let mut new = Vec::new();
        for name in names {
            let parsed = fs::read_to_string(self.folder.join(&name)).ok();
            let parsed = parsed.and_then(|text| text::parse_all(&text).ok());
            new.extend(parsed.unwrap_or_default());
            self.known.insert(name);
        }
        new
    }

    /// Keeps a program for mutation.
    pub(super) fn keep(&mut self, program: Program) {
        self.programs.push(program);
    }

    /// Writes a program, whole or not at all.
    pub(super) fn add(&mut self, program: Program) -> io::Result<()> {
        let name = name(&program);
        if self.known.insert(name.clone()) {
            let part = self.folder.join(format!(".{name}.{}", std::process::id()));
            fs::write(&part, program.to_string())?;
            fs::rename(&part, self.folder.join(&name))?;
        }
        self.programs.push(program);
        Ok(())
    }

    /// Returns a program, more often a young one.
    pub(super) fn pick(&self, rng: &mut Rng) -> Option<&Program> {
        if self.programs.is_empty() {
            return None;
        }
        let len = self.programs.len();
        let index = rng.index(len);
        let index = if rng.chance(40) { index.max(rng.index(len)) } else { index };
        self.programs.get(index)
    }

    pub(super) fn len(&self) -> usize {
        self.programs.len()
    }
}
