//! Findings on disk: one folder per title.

use super::{history, report};
use crate::program::Program;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A finding of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its folder.
    pub folder: PathBuf,
    /// The title by syzkaller's rules.
    pub title: String,
    /// How often it was found.
    pub count: usize,
    /// The number of calls of its program, and of the program in which it was found.
    pub calls: (usize, usize),
    /// What came of running it again in a process or machine of its own, if what ran it died.
    pub again: Option<String>,
}

/// Returns the title of a report; its first line if nothing in it is a report.
#[must_use]
pub fn title(report: &str) -> String {
    let plain = || report.lines().next().unwrap_or("no report").trim().to_owned();
    report::title(report).unwrap_or_else(plain)
}

/// Returns the name of a title's folder.
fn name(title: &str) -> String {
    let plain: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    format!("{}-{:08x}", plain.trim_matches('-'), crate::hash(&[title.to_owned()]) & 0xffff_ffff)
}

/// Stores a finding. Returns its folder, and whether its title is new.
///
/// # Errors
/// Those of the files.
pub fn store(dir: &Path, report: &str, log: &str, program: &str) -> io::Result<(PathBuf, bool)> {
    let title = title(report);
    let folder = dir.join("findings").join(name(&title));
    let new = match fs::create_dir(&folder) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&folder)?;
            true
        }
        Err(error) => return Err(error),
    };
    if new {
        fs::write(folder.join("title"), format!("{title}\n"))?;
        fs::write(folder.join("report"), report)?;
        fs::write(folder.join("log"), log)?;
        fs::write(folder.join("found"), program)?;
        fs::write(folder.join("program"), program)?;
    }
    let count =
        fs::read_to_string(folder.join("count")).ok().and_then(|text| text.trim().parse().ok());
    fs::write(folder.join("count"), format!("{}\n", count.unwrap_or(0_usize) + 1))?;
    Ok((folder, new))
}

/// Returns whether a title was found before.
pub(super) fn is_known(dir: &Path, title: &str) -> bool {
    dir.join("findings").join(name(title)).exists()
}

/// Returns the programs of findings that processes or machines did not survive: as they were found, and shrunk.
pub(super) fn deadly(dir: &Path) -> HashSet<String> {
    let died = |folder: &Path| ["once", "again"].iter().any(|name| folder.join(name).exists());
    let findings = all(dir).into_iter().filter(|finding| died(&finding.folder));
    let files = findings.flat_map(|finding| {
        ["found", "program"].map(|name| fs::read_to_string(finding.folder.join(name)))
    });
    files.flatten().collect()
}

/// Keeps the last programs that a process has run: the last of them need not be to blame.
///
/// # Errors
/// Those of the files.
pub(super) fn keep_history(folder: &Path, history: &Path) -> io::Result<()> {
    let programs = history::last(history);
    let text: String = programs.iter().map(ToString::to_string).collect();
    fs::write(folder.join("history"), text)
}

/// Puts the shrunk program and its log in place of the first one.
///
/// # Errors
/// Those of the files.
pub fn shrink(folder: &Path, program: &Program, report: &str, log: &str) -> io::Result<()> {
    fs::write(folder.join("program"), program.to_string())?;
    fs::write(folder.join("report"), report)?;
    fs::write(folder.join("log"), log)
}

/// Returns the findings of a campaign, by title.
#[must_use]
pub fn all(dir: &Path) -> Vec<Finding> {
    let Ok(folders) = fs::read_dir(dir.join("findings")) else { return Vec::new() };
    let mut all: Vec<Finding> =
        folders.flatten().filter_map(|folder| read(&folder.path())).collect();
    all.sort_by(|left, right| left.title.cmp(&right.title));
    all
}

fn read(folder: &Path) -> Option<Finding> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let calls = |name: &str| text(name).lines().filter(|line| line.contains('.')).count();
    let title = fs::read_to_string(folder.join("title")).ok()?.trim().to_owned();
    let count = text("count").trim().parse().unwrap_or(1);
    Some(Finding {
        folder: folder.to_owned(),
        title,
        count,
        calls: (calls("program"), calls("found")),
        again: fs::read_to_string(folder.join("again")).ok().map(|said| said.trim().to_owned()),
    })
}
