//! Which answers each typed call has had: success, and each errno.

use super::corpus::Corpus;
use super::report;
use crate::device::Inside;
use crate::import::form_of;
use crate::program::Program;
use crate::tape::{Answer, Step, tape_of};
use aseqd_abi::Errno;
use aseqd_describe::{Caller, Device, REQUESTS, find};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Calls that are no requests.
const PLAIN: [&str; 9] =
    ["open", "read", "write", "poll", "open_timer", "t_read", "t_write", "t_poll", "open_kernel"];

/// Errnos that no program of the fuzzer can get, and why.
const OUT_OF_REACH: &[(&[&str], Errno, &str)] = &[
    (
        &[],
        Errno::EFAULT,
        "the engine knows no pointers; the cases `memory` of the conformance suite do",
    ),
    (&["read", "write"], Errno::ENXIO, "a file that is not open for it is `EBADF` before"),
    (
        &["pversion", "t_pversion", "t_trigger"],
        Errno::EBADF,
        "no call is made on a file that is closed; tests of the engine do",
    ),
    (
        &["subscribe_port"],
        Errno::ENOMEM,
        "wants more than 4096 connections, so a program of as many calls; tests of the engine make them",
    ),
];

/// The answers of each call: no errno stands for success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, BTreeSet<Option<Errno>>>);

impl Answers {
    /// Returns those that the tests know: of the conformance suite, of the engine's tests, and of the programs whose answers
    /// on Linux are recorded.
    #[must_use]
    pub fn known() -> Self {
        Self::parse(include_str!("../../corpus/answers.txt")).unwrap_or_default()
    }

    /// Returns those of a campaign's corpus on the engine.
    #[must_use]
    pub fn of_corpus(dir: &Path) -> Self {
        let corpus = Corpus::open(&dir.join("corpus")).map(|mut corpus| corpus.read_new());
        let mut answers = Self::default();
        for program in corpus.unwrap_or_default() {
            // A program that panics is a finding, and told elsewhere.
            if let Ok(more) = report::catch(false, || Self::of(&program)) {
                answers.join(&more);
            }
        }
        answers
    }

    /// Returns those of a program on a fresh engine.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let mut answers = Self::default();
        answers.add(&tape_of(program));
        answers
    }

    /// Adds those of calls that were made one after the other.
    pub fn add(&mut self, steps: &[(Step, Answer)]) {
        // The device of each file.
        let mut files = Vec::new();
        for (step, answer) in steps {
            let of = |file: &usize, names: [&'static str; 2]| match files.get(*file) {
                Some(Device::Sequencer) => Some(names[0]),
                Some(Device::Timer) => Some(names[1]),
                _ => None,
            };
            let name = match step {
                Step::Open(_) => Some("open"),
                Step::OpenTimer(_) => Some("open_timer"),
                Step::CreateTimer(..) => Some("t_create"),
                Step::Write(file, _) => of(file, ["write", "t_write"]),
                Step::Read(file, _) => of(file, ["read", "t_read"]),
                Step::Poll(file) => of(file, ["poll", "t_poll"]),
                Step::Ioctl { code, compat, argument, .. } => {
                    let caller = if *compat { Caller::Narrow } else { Caller::Wide };
                    find(*code, caller).map(|request| form_of(request, argument).name)
                }
                Step::Inside(Inside::OpenKernel { .. }) => Some("open_kernel"),
                Step::Close(_) | Step::Wait(_) | Step::Inside(_) => None,
            };
            match step {
                Step::Open(_) => files.push(Device::Sequencer),
                Step::Inside(inside) if inside.opens() => files.push(Device::Sequencer),
                Step::OpenTimer(_) => files.push(Device::Timer),
                Step::CreateTimer(..) => files.push(Device::UserTimer),
                _ => {}
            }
            if let Some(name) = name {
                self.0.entry(name.to_owned()).or_default().insert(answer.value.err());
            }
        }
    }

    /// Adds all of others. Returns whether one of them is new.
    pub fn join(&mut self, others: &Self) -> bool {
        let mut new = false;
        for (name, answers) in &others.0 {
            let known = self.0.entry(name.clone()).or_default();
            for answer in answers {
                new |= known.insert(*answer);
            }
        }
        new
    }

    /// Returns the name of each call with each of its answers.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(name, answers)| {
            answers.iter().map(move |answer| format!("{name} {}", word(*answer)))
        })
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Returns those that others do not have.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let mut left = self.clone();
        for (name, answers) in &mut left.0 {
            if let Some(known) = others.0.get(name) {
                answers.retain(|answer| !known.contains(answer));
            }
        }
        left.0.retain(|_, answers| !answers.is_empty());
        left
    }

    /// Reads the text that [`Answers::text`] writes.
    ///
    /// # Errors
    /// A message that names the line which is no list of answers.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let wrong = || format!("no list of answers: {line}");
            let (name, answers) = line.split_once(": ").ok_or_else(wrong)?;
            let answers = answers.split(' ').map(|answer| match answer {
                "ok" => Some(None),
                name => Errno::named(name).map(Some),
            });
            let answers = answers.collect::<Option<_>>().ok_or_else(wrong)?;
            all.0.insert(name.to_owned(), answers);
        }
        Ok(all)
    }

    /// Returns a line for each call, in the order of the table of requests.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, answers) in self.rows() {
            let _infallible = writeln!(text, "{name}: {}", words(answers, " "));
        }
        text
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<Option<Errno>>)> {
        let names = PLAIN.into_iter().chain(REQUESTS.iter().map(|request| request.name));
        names.filter_map(|name| Some((name, self.0.get(name)?)))
    }

    /// Returns how many of the known answers these have, and how many are known.
    #[must_use]
    pub fn share(&self, known: &Self) -> (usize, usize) {
        (known.count() - known.without(self).count(), known.count())
    }

    /// Returns a row for each call: its name, the answers that it has had, and the known ones that it has not.
    #[must_use]
    pub fn compared(&self, known: &Self) -> Vec<[String; 3]> {
        let mut all = self.clone();
        all.join(known);
        let none = BTreeSet::new();
        let missing = known.without(self);
        let rows = all.rows().map(|(name, _)| {
            let hit = self.0.get(name).unwrap_or(&none);
            let missing = missing.0.get(name).unwrap_or(&none);
            [name.to_owned(), words(hit, ", "), words(missing, ", ")]
        });
        rows.collect()
    }

    /// Returns a table of what is known, what of it these answers have, and why they do not have the rest.
    #[must_use]
    pub fn table(&self, known: &Self) -> String {
        let mut text = String::from("| call | answers | not hit |\n| --- | --- | --- |\n");
        let missing = known.without(self);
        let none = BTreeSet::new();
        for (name, _) in known.rows() {
            let hit: BTreeSet<_> = self.0.get(name).unwrap_or(&none).clone();
            let missing = missing.0.get(name).unwrap_or(&none);
            let reasons = missing.iter().map(|answer| {
                let why = answer.and_then(|errno| reason(name, errno)).unwrap_or("**no reason**");
                format!("{}: {why}", word(*answer))
            });
            let reasons: Vec<String> = reasons.collect();
            let _infallible =
                writeln!(text, "| `{name}` | {} | {} |", words(&hit, ", "), reasons.join("; "));
        }
        text
    }

    /// Returns those of them that have no reason to be out of reach.
    #[must_use]
    pub fn within_reach(&self) -> Self {
        let mut left = self.clone();
        for (name, answers) in &mut left.0 {
            answers.retain(|answer| answer.and_then(|errno| reason(name, errno)).is_none());
        }
        left.0.retain(|_, answers| !answers.is_empty());
        left
    }
}

/// Returns why no program gets this errno from a call, if there is a reason.
fn reason(name: &str, errno: Errno) -> Option<&'static str> {
    let row = OUT_OF_REACH
        .iter()
        .find(|(of, known, _)| *known == errno && (of.is_empty() || of.contains(&name)));
    row.map(|(_, _, why)| *why)
}

fn word(answer: Option<Errno>) -> String {
    answer.map_or_else(|| "ok".into(), |errno| errno.to_string())
}

fn words(answers: &BTreeSet<Option<Errno>>, between: &str) -> String {
    answers.iter().map(|answer| word(*answer)).collect::<Vec<_>>().join(between)
}
