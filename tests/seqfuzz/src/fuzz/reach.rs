//! How much of what the tests reach the corpus reaches: edges of the engine, by file.

use super::corpus::Corpus;
use super::errnos::Answers;
use super::execute::{self, Checks};
use super::locate::{self, Place};
use super::stats::percent;
use crate::{cover, recording};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The edges of this program that tests take.
#[derive(Clone, Debug)]
pub struct Suite {
    places: Vec<Place>,
    taken: Vec<bool>,
    /// Edges by the symbol of their machine code, by that without its hash, and by the functions and lines that they are in.
    symbols: BTreeMap<String, Vec<usize>>,
    plain: BTreeMap<String, Vec<usize>>,
    chains: BTreeMap<String, Vec<usize>>,
    /// The lines of edges that this program has not in this form, or not at all.
    elsewhere: Vec<(String, u32)>,
    /// The answers of calls.
    answers: Answers,
}

/// Groups edges by a property.
fn grouped(places: &[Place], key: impl Fn(&Place) -> &String) -> BTreeMap<String, Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (edge, place) in places.iter().enumerate() {
        groups.entry(key(place).clone()).or_default().push(edge);
    }
    groups
}

impl Suite {
    /// Returns a suite that takes no edge.
    ///
    /// # Errors
    /// A message for people if the program counts no edges, or its debug information cannot be read.
    pub fn new() -> Result<Self, String> {
        if cover::edges() == 0 {
            return Err(super::NO_EDGES.into());
        }
        let places = locate::places()?;
        Ok(Self {
            taken: vec![false; places.len()],
            symbols: grouped(&places, |place| &place.symbol),
            plain: grouped(&places, |place| &place.plain),
            chains: grouped(&places, |place| &place.chain),
            places,
            elsewhere: Vec::new(),
            answers: Answers::default(),
        })
    }

    /// Adds what another program has taken, from the file that `tests/seqfuzz/edges.c` writes.
    ///
    /// An edge is found again by its machine code if both programs have the same, else by the lines that it is in.
    ///
    /// # Errors
    /// A message for people if the file, or the program's debug information, cannot be read.
    pub fn add_program(&mut self, dumps: &[&Path]) -> Result<(), String> {
        let mut program = String::new();
        let mut edges: Vec<(usize, bool)> = Vec::new();
        for dump in dumps {
            let wrong = |why: String| format!("{}: {why}", dump.display());
            let text = fs::read_to_string(dump).map_err(|error| wrong(error.to_string()))?;
            let mut lines = text.lines();
            lines.next().unwrap_or_default().clone_into(&mut program);
            let read: Option<Vec<(usize, bool)>> = lines
                .map(|line| {
                    let (address, taken) = line.split_once(' ')?;
                    Some((usize::from_str_radix(address, 16).ok()?, taken == "1"))
                })
                .collect();
            let read = read.ok_or_else(|| wrong("no list of edges".into()))?;
            if edges.is_empty() {
                edges = read;
            } else if edges.len() == read.len() {
                edges.iter_mut().zip(read).for_each(|(edge, (_, taken))| edge.1 |= taken);
            } else {
                return Err(wrong("not of the same program".into()));
            }
        }
        let addresses = edges.iter().map(|(address, _)| *address);
        let places = locate::places_of(Path::new(&program), addresses)?;
        let symbols = grouped(&places, |place| &place.symbol);
        let plain = grouped(&places, |place| &place.plain);
        let chains = grouped(&places, |place| &place.chain);
        for (edge, place) in places.iter().enumerate().filter(|(edge, _)| edges[*edge].1) {
            let found = same(edge, symbols.get(&place.symbol), self.symbols.get(&place.symbol))
                .or_else(|| {
                    // Several functions may differ by the hash alone.
                    let edge = same(edge, plain.get(&place.plain), self.plain.get(&place.plain))?;
                    (self.places[edge].chain == place.chain).then_some(edge)
                })
                .or_else(|| same(edge, chains.get(&place.chain), self.chains.get(&place.chain)));
            match (found, self.chains.get(&place.chain)) {
                (Some(edge), _) => self.taken[edge] = true,
                // The compiler has made more or fewer of them here.
                (None, Some(edges)) => edges.iter().for_each(|edge| self.taken[*edge] = true),
                (None, None) => self.elsewhere.push((place.file.clone(), place.line)),
            }
        }
        Ok(())
    }

    /// Adds what a recording takes.
    ///
    /// # Errors
    /// A message for people if the file is no text of a recording.
    pub fn add_recording(&mut self, file: &Path) -> Result<(), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let recording = recording::parse(&text).map_err(|error| wrong(&error))?;
        cover::reset();
        let programs = recording.run();
        cover::taken(|edge, _| self.taken[edge] = true);
        programs.iter().for_each(|(_, steps)| self.answers.add(steps));
        Ok(())
    }

    /// Adds what a program takes.
    pub fn add(&mut self, program: &crate::Program) {
        for (edge, _) in execute::engine(program, Checks::default()).edges {
            self.taken[edge] = true;
        }
        self.answers.join(&Answers::of(program));
    }

    /// Returns the answers that calls get in recordings and programs.
    #[must_use]
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Returns the edges that tests take, and how many more they take by file in code that this program does not have. If
    /// the compiler has made other edges of a line here, and no test takes one of these, all of them count.
    fn with_lines(&self) -> (Vec<bool>, BTreeMap<String, usize>) {
        let mut by_line: BTreeMap<(&str, u32), Vec<usize>> = BTreeMap::new();
        for (edge, place) in self.places.iter().enumerate() {
            by_line.entry((&place.file, place.line)).or_default().push(edge);
        }
        let mut taken = self.taken.clone();
        let mut elsewhere: BTreeMap<String, usize> = BTreeMap::new();
        for (file, line) in self.elsewhere.iter().filter(|(file, _)| !file.is_empty()) {
            match by_line.get(&(file.as_str(), *line)) {
                Some(edges) if edges.iter().any(|edge| self.taken[*edge]) => {}
                Some(edges) => edges.iter().for_each(|edge| taken[*edge] = true),
                None => *elsewhere.entry(file.clone()).or_default() += 1,
            }
        }
        (taken, elsewhere)
    }

    /// Notes it in the folder of a campaign, for its status.
    ///
    /// # Errors
    /// A message for people if the file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), String> {
        let file = dir.join("suite");
        let bits: Vec<u8> = self.with_lines().0.iter().map(|taken| u8::from(*taken)).collect();
        fs::write(&file, bits).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Compares with what the corpus of a campaign takes.
    ///
    /// # Errors
    /// A message for people if the corpus cannot be read.
    pub fn compare(&self, dir: &Path) -> Result<Reach, String> {
        let corpus = Corpus::open(&dir.join("corpus"));
        let corpus = corpus.map_err(|error| format!("{}: {error}", dir.display()))?.read_new();
        let mut taken = vec![false; self.taken.len()];
        for program in &corpus {
            for (edge, _) in execute::engine(program, Checks::default()).edges {
                taken[edge] = true;
            }
        }
        let mut reach = Reach::default();
        let (suite, elsewhere) = self.with_lines();
        reach.elsewhere = elsewhere;
        for (edge, place) in self.places.iter().enumerate() {
            if place.file.is_empty() {
                continue;
            }
            let file = reach.files.entry(place.file.clone()).or_default();
            file.all += 1;
            file.corpus += usize::from(taken[edge]);
            file.suite += usize::from(suite[edge]);
            file.both += usize::from(taken[edge] && suite[edge]);
            if suite[edge] && !taken[edge] {
                reach.missing.push(place.clone());
            }
        }
        reach.missing.sort_by(|left, right| {
            (&left.file, left.line, &left.function).cmp(&(&right.file, right.line, &right.function))
        });
        Ok(reach)
    }
}

/// Returns the edge of this program that has the same place in its group as an edge of another program, if both groups
/// have as many.
fn same(edge: usize, theirs: Option<&Vec<usize>>, ours: Option<&Vec<usize>>) -> Option<usize> {
    let (theirs, ours) = (theirs?, ours?);
    if theirs.len() != ours.len() {
        return None;
    }
    let at = theirs.iter().position(|other| *other == edge)?;
    ours.get(at).copied()
}

/// Edges of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All edges.
    pub all: usize,
    /// Those that tests take.
    pub suite: usize,
    /// Those that the corpus takes.
    pub corpus: usize,
    /// Those that both take.
    pub both: usize,
}

/// What the corpus reaches of what the tests reach.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// By file.
    pub files: BTreeMap<String, Count>,
    /// Edges that tests take and the corpus does not, by file and line.
    pub missing: Vec<Place>,
    /// Edges that tests take in code which no call leads to, so that the fuzzer does not have it, by file.
    pub elsewhere: BTreeMap<String, usize>,
}

impl Reach {
    /// Returns the sum of all files.
    #[must_use]
    pub fn total(&self) -> Count {
        self.files.values().fold(Count::default(), |sum, file| Count {
            all: sum.all + file.all,
            suite: sum.suite + file.suite,
            corpus: sum.corpus + file.corpus,
            both: sum.both + file.both,
        })
    }

    /// Returns the table by file, and the edges that are missing.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from(
            "| file | edges | tests | corpus | both | of the tests' |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        let mut row = |name: &str, count: Count| {
            let Count { all, suite, corpus, both } = count;
            let share = if suite == 0 { "-".into() } else { percent(both, suite) };
            let _infallible =
                writeln!(text, "| {name} | {all} | {suite} | {corpus} | {both} | {share} |");
        };
        self.files.iter().for_each(|(file, count)| row(&format!("`{file}`"), *count));
        row("all", self.total());
        for place in &self.missing {
            let Place { file, line, function, .. } = place;
            let _infallible = writeln!(text, "not reached: {file}:{line} {function}");
        }
        for (file, count) in &self.elsewhere {
            let _infallible =
                writeln!(text, "in code that no call leads to: {file}, {count} edges");
        }
        text
    }
}
