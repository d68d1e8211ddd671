//! What a campaign has done so far, read from its folder.

use super::errnos::Answers;
use super::finding::{self, Finding};
use super::model::Followed;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What one process says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// How many programs it has run.
    pub(super) programs: u64,
    /// For how long, in milliseconds.
    pub(super) millis: u64,
    /// How many kinds of answers it has met.
    pub(super) answers: u64,
    /// How far the model followed the programs that it was asked about.
    pub(super) followed: Followed,
}

impl Job {
    /// Writes its file.
    pub(super) fn write(self, path: &Path) {
        let Self { programs, millis, answers, followed } = self;
        let Followed { calls, compared, events, events_compared } = followed;
        let part = path.with_extension("part");
        let text = format!(
            "programs {programs}
millis {millis}
answers {answers}
calls {calls}
compared {compared}
\
             events {events}
events-compared {events_compared}
"
        );
        // Whole or not at all, since others read it. The next one will be written in a second.
        let _lost = fs::write(&part, text).and_then(|()| fs::rename(&part, path));
    }

    /// Returns what a file says; nothing if there is none.
    pub(super) fn at(path: &Path) -> Self {
        Self::read(&fs::read_to_string(path).unwrap_or_default())
    }

    fn read(text: &str) -> Self {
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
        };
        let count = |name: &str| usize::try_from(number(name)).unwrap_or(0);
        let followed = Followed {
            calls: count("calls"),
            compared: count("compared"),
            events: count("events"),
            events_compared: count("events-compared"),
        };
        Self {
            programs: number("programs"),
            millis: number("millis"),
            answers: number("answers"),
            followed,
        }
    }
}

/// A campaign, as `seqfuzz status` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How many programs were run.
    pub programs: u64,
    /// Processor time of its processes, in seconds.
    pub seconds: u64,
    /// Programs in the corpus.
    pub corpus: usize,
    /// Kinds of answers that the most successful process has met.
    pub answers: u64,
    /// How far the model followed the programs that it was asked about.
    pub followed: Followed,
    /// Edges that were taken, and all, by file. Without edge counters there is nothing.
    pub files: BTreeMap<String, (usize, usize)>,
    /// Edges of each file that the tests take, as the last `reach` has noted them: those that were taken here too, and all.
    pub suite: BTreeMap<String, (usize, usize)>,
    /// The answers of calls, if they were asked for.
    pub errnos: Option<Answers>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Status {
    /// Returns the edges that were taken, and all of them.
    #[must_use]
    pub fn edges(&self) -> (usize, usize) {
        self.files.values().fold((0, 0), |(taken, all), file| (taken + file.0, all + file.1))
    }

    /// Returns how many of the edges that the tests take were taken here too, and how many the tests take.
    #[must_use]
    pub fn reach(&self) -> (usize, usize) {
        self.suite.values().fold((0, 0), |(both, all), file| (both + file.0, all + file.1))
    }

    /// Returns one line about it.
    #[must_use]
    pub fn line(&self) -> String {
        let rate = self.programs / self.seconds.max(1);
        let mut line = format!(
            "{} programs, {rate} a second, corpus {}, {} kinds of answers",
            self.programs, self.corpus, self.answers
        );
        let (taken, all) = self.edges();
        if all > 0 {
            let _infallible = write!(line, ", {taken} of {all} edges ({})", percent(taken, all));
        }
        let (both, suite) = self.reach();
        if suite > 0 {
            let share = percent(both, suite);
            let _infallible = write!(line, ", {both} of the {suite} that the tests take ({share})");
        }
        if let Some(errnos) = &self.errnos {
            let (hit, known) = errnos.share(&Answers::known());
            let _infallible = write!(line, ", {hit} of {known} known answers");
        }
        let Followed { calls, compared, events, events_compared } = self.followed;
        if calls > 0 {
            let (calls, events) = (percent(compared, calls), percent(events_compared, events));
            let _infallible = write!(line, ", model: {calls} of calls and {events} of events");
        }
        let _infallible = write!(line, ", {} findings", self.findings.len());
        line
    }
}

/// Writes a share with one digit behind the point.
pub(super) fn percent(part: usize, all: usize) -> String {
    let thousandths = part * 1000 / all.max(1);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// Reads the state of a campaign.
///
/// # Errors
/// A message for people if the folder is none of a campaign.
pub fn status(dir: &Path) -> Result<Status, String> {
    let corpus = fs::read_dir(dir.join("corpus"))
        .map_err(|error| format!("{}: no campaign: {error}", dir.display()))?;
    let mut status = Status { corpus: corpus.count(), ..Status::default() };
    let mut taken: Vec<u8> = Vec::new();
    for file in fs::read_dir(dir.join("jobs")).into_iter().flatten().flatten() {
        let path = file.path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("stats") => {
                let job = Job::at(&path);
                status.programs += job.programs;
                status.seconds += job.millis / 1000;
                status.answers = status.answers.max(job.answers);
                status.followed.add(job.followed);
            }
            Some("edges") => {
                let bits = fs::read(&path).unwrap_or_default();
                taken.resize(taken.len().max(bits.len()), 0);
                taken.iter_mut().zip(bits).for_each(|(all, bits)| *all |= bits);
            }
            _ => {}
        }
    }
    let places = fs::read_to_string(dir.join("edges")).unwrap_or_default();
    // It is of no use with another build.
    let suite = fs::read(dir.join("suite")).unwrap_or_default();
    let suite = if suite.len() == places.lines().count() { suite } else { Vec::new() };
    for (index, place) in places.lines().enumerate() {
        let Some((file, _)) = place.rsplit_once(':').filter(|(file, _)| !file.is_empty()) else {
            continue;
        };
        let count = status.files.entry(file.to_owned()).or_default();
        count.1 += 1;
        let is_taken = taken.get(index).is_some_and(|bits| *bits != 0);
        count.0 += usize::from(is_taken);
        if suite.get(index) == Some(&1) {
            let count = status.suite.entry(file.to_owned()).or_default();
            count.1 += 1;
            count.0 += usize::from(is_taken);
        }
    }
    status.findings = finding::all(dir);
    Ok(status)
}

/// Writes what `--baseline` compares with: the edges of each file, and of all.
#[must_use]
pub fn baseline(status: &Status) -> String {
    let (taken, all) = status.edges();
    let mut text = String::from(
        "# Edges that a campaign has taken, of all edges, by file; the first line counts.\n",
    );
    let _infallible = writeln!(text, "all {taken} {all}");
    for (file, (taken, all)) in &status.files {
        let _infallible = writeln!(text, "{file} {taken} {all}");
    }
    text
}
