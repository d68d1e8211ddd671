//! Shrinks findings that the process or the machine does not survive: each try is a process or a machine of its own.

use super::finding;
use super::options::Options;
use super::process::{End, Process};
use crate::minimise::minimise_by;
use crate::program::Program;
use crate::text;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a program is run that need not show the finding each time.
const OFTEN: usize = 20;
/// How many of the last programs are run together if the last one alone does not show the finding.
const LAST: [usize; 4] = [4, 16, 64, 200];
/// How often a machine is tried that does not get to its first program.
const TRIES: usize = 2;

/// The finding that is being shrunk.
struct Shrink<'a> {
    options: &'a Options,
    title: String,
    deadline: Instant,
    /// How often each program is run.
    repeat: usize,
    /// How many processes or machines were started.
    tries: usize,
    /// The report and the log of the last try that showed the finding.
    shown: Option<(String, String)>,
}

/// Shrinks the program of a finding: looks for the one of the last programs that is to blame, and leaves calls out. Writes
/// what came of it into the finding's folder, as `again`. Stops at the deadline with what it has.
///
/// # Errors
/// A message for people if a folder cannot be used, or machines do not start.
pub(super) fn shrink(
    options: &Options,
    folder: &Path,
    deadline: Instant,
) -> Result<String, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let programs = text::parse_all(&read("found"))?;
    let mut history = text::parse_all(&read("history")).unwrap_or_default();
    if history.is_empty() {
        history.clone_from(&programs);
    }
    let name = folder.file_name().unwrap_or_default();
    let scratch = options.dir.join("again").join(name);
    let title = read("title").trim().to_owned();
    let mut shrink = Shrink {
        options: &Options { dir: scratch.clone(), ..options.clone() },
        title,
        deadline,
        repeat: 1,
        tries: 0,
        shown: None,
    };
    let done = shrink.done(history, programs);
    let _no_longer_needed = fs::remove_dir_all(&scratch);
    let (programs, said) = done?;
    if let Some((report, log)) = &shrink.shown {
        let text: String = programs.iter().map(ToString::to_string).collect();
        for (name, text) in [("program", &text), ("report", report), ("log", log)] {
            fs::write(folder.join(name), text).map_err(wrong)?;
        }
    }
    let said = format!("{said} ({} tries)", shrink.tries);
    fs::write(folder.join("again"), format!("{said}\n")).map_err(wrong)?;
    let _none_perhaps = fs::remove_file(folder.join("once"));
    Ok(said)
}

impl Shrink<'_> {
    /// Returns the programs that show the finding, and how it was seen again in words.
    fn done(
        &mut self,
        history: Vec<Program>,
        found: Vec<Program>,
    ) -> Result<(Vec<Program>, String), String> {
        let last: Vec<Program> = history.last().cloned().into_iter().collect();
        for alone in [&found, &last] {
            let Some(program) = alone.last() else { continue };
            let many = vec![program.clone(); OFTEN];
            if let Some(at) = self.shows(&many)? {
                self.repeat = if at == 0 { 1 } else { OFTEN };
                let said = match at {
                    0 => "shown again by its program alone".to_owned(),
                    _ => format!("shown again by its program, at run {} of it", at + 1),
                };
                return Ok((self.smaller(program)?, said));
            }
        }
        for count in LAST {
            let start = history.len().saturating_sub(count);
            if let Some(at) = self.shows(&history[start..])? {
                let programs = self.fewer(history[start..=start + at].to_vec())?;
                let (needed, all) = (programs.len(), history.len());
                let said = format!("shown again by {needed} of the last {all} programs");
                let programs = match programs.as_slice() {
                    [program] => self.smaller(program)?,
                    _ => programs,
                };
                return Ok((programs, said));
            }
            if start == 0 {
                break;
            }
        }
        let said = format!("not shown again by the last {} programs", history.len());
        Ok((found, said))
    }

    /// Leaves calls and arguments out of a program.
    fn smaller(&mut self, program: &Program) -> Result<Vec<Program>, String> {
        minimise_by(std::slice::from_ref(program), |batch| self.wanted(batch), |_, _| {})
    }

    /// Leaves programs out of a list.
    fn fewer(&mut self, mut programs: Vec<Program>) -> Result<Vec<Program>, String> {
        let mut size = programs.len() / 2;
        while size > 0 {
            let mut end = programs.len();
            while end > 0 && Instant::now() < self.deadline {
                let start = end.saturating_sub(size);
                let mut candidate = programs.clone();
                candidate.drain(start..end);
                if !candidate.is_empty() && self.shows(&candidate)?.is_some() {
                    programs = candidate;
                }
                end = start;
            }
            size /= 2;
        }
        Ok(programs)
    }

    /// Returns which programs of a batch show the finding. None does after the deadline.
    fn wanted(&mut self, batch: &[Program]) -> Result<Vec<bool>, String> {
        let mut shown = vec![false; batch.len()];
        let mut next = 0;
        while next < batch.len() && Instant::now() < self.deadline {
            let left = batch[next..].iter();
            let runs: Vec<Program> = left
                .flat_map(|program| std::iter::repeat_n(program, self.repeat))
                .cloned()
                .collect();
            let (titles, at) = self.attempt(&runs)?;
            let index = next + at / self.repeat;
            if let Some(shown) = shown.get_mut(index) {
                *shown = titles.contains(&self.title);
            }
            next = index + 1;
        }
        Ok(shown)
    }

    /// Runs programs in their order. Returns at which one the finding was shown.
    fn shows(&mut self, programs: &[Program]) -> Result<Option<usize>, String> {
        if Instant::now() > self.deadline {
            return Ok(None);
        }
        let (titles, at) = self.attempt(programs)?;
        let at = at.min(programs.len().saturating_sub(1));
        Ok(titles.contains(&self.title).then_some(at))
    }

    /// Runs programs in their order in a fresh process or machine, until one of them shows something. Returns the titles of
    /// what was seen, and which program ran last; the number of programs if all were run.
    fn attempt(&mut self, programs: &[Program]) -> Result<(Vec<String>, usize), String> {
        let dir = &self.options.dir;
        let jobs = dir.join("jobs");
        let wrong = |error: std::io::Error| format!("{}: {error}", dir.display());
        let text: String = programs.iter().map(ToString::to_string).collect();
        let at = jobs.join("0.at");
        for _ in 0..TRIES {
            let _none_perhaps = fs::remove_dir_all(dir);
            for folder in ["corpus", "findings", "jobs"] {
                fs::create_dir_all(dir.join(folder)).map_err(wrong)?;
            }
            fs::write(jobs.join("0.replay"), &text).map_err(wrong)?;
            self.tries += 1;
            let (mut seen, said) = self.watch()?;
            let stored = finding::all(dir);
            if let Some(stored) = stored.iter().find(|stored| stored.title == self.title) {
                let read = |name: &str| fs::read_to_string(stored.folder.join(name));
                self.shown = Some((read("report").map_err(wrong)?, read("log").map_err(wrong)?));
            } else if let Some((_, report)) = seen.iter().find(|(title, _)| *title == self.title) {
                self.shown = Some((report.clone(), said.clone()));
            }
            let mut titles: Vec<String> = seen.drain(..).map(|(title, _)| title).collect();
            titles.extend(stored.into_iter().map(|stored| stored.title));
            let reached = fs::read_to_string(&at).ok().and_then(|at| at.trim().parse().ok());
            if let Some(reached) = reached {
                return Ok((titles, reached));
            }
        }
        let console = dir.join("jobs/0.log");
        let last = fs::read_to_string(console).unwrap_or_default();
        Err(format!("programs cannot be run again: {}", last.lines().last().unwrap_or_default()))
    }

    /// Starts a process and waits for its end. Returns the titles and reports that were seen, and what it said.
    fn watch(&self) -> Result<(Vec<(String, String)>, String), String> {
        let mut process = Process::start(self.options, 0, 1, None, Some("jobs/0.replay"))?;
        let mut seen = Vec::new();
        loop {
            std::thread::sleep(Duration::from_millis(50));
            seen.extend(process.reports().into_iter().map(|seen| (seen.title, seen.report)));
            if !seen.is_empty() {
                process.end();
            }
            match process.ended()? {
                None => {}
                Some(End::Died(Some(died))) => {
                    seen.push((finding::title(&died.report), died.report));
                    return Ok((seen, process.text()));
                }
                Some(_) => return Ok((seen, process.text())),
            }
        }
    }
}

/// Returns the findings of a campaign that were seen once, and wait to be shrunk from outside.
pub(super) fn waiting(dir: &Path) -> Vec<PathBuf> {
    let folders = finding::all(dir).into_iter().map(|finding| finding.folder);
    folders.filter(|folder| folder.join("once").exists()).collect()
}
