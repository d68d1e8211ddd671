//! The smallest corpus that reaches what a whole corpus does.

use super::corpus::Corpus;
use super::errnos::Answers;
use super::execute::{self, Checks};
use crate::cover;
use crate::program::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Something that a program reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Edge(usize),
    Answer(String),
}

fn marks(program: &Program) -> BTreeSet<Mark> {
    let ran = execute::engine(program, Checks::default());
    if ran.wrong.is_some() {
        return BTreeSet::new();
    }
    let edges = ran.edges.into_iter().map(|(edge, _)| Mark::Edge(edge));
    let answers = Answers::of(program);
    edges.chain(answers.names().map(Mark::Answer)).collect()
}

/// Returns programs of a campaign's corpus that take every edge, and get every answer, that the whole corpus does. None of
/// them is there for nothing, and none has a call that is.
///
/// # Errors
/// A message for people if the corpus cannot be read, or the engine has no edge counters.
pub fn distil(dir: &Path) -> Result<Vec<Program>, String> {
    if cover::edges() == 0 {
        return Err(super::NO_EDGES.into());
    }
    let corpus = Corpus::open(&dir.join("corpus"));
    let mut programs = corpus.map_err(|error| format!("{}: {error}", dir.display()))?.read_new();
    programs.sort_by_cached_key(|program| {
        let text = program.to_string();
        (text.len(), text)
    });
    let mut known = BTreeSet::new();
    let mut kept: Vec<(Program, BTreeSet<Mark>)> = Vec::new();
    for program in programs {
        let marks = marks(&program);
        if !marks.is_subset(&known) {
            known.extend(marks.iter().cloned());
            kept.push((program, marks));
        }
    }
    let mut counts: BTreeMap<Mark, usize> = BTreeMap::new();
    for mark in kept.iter().flat_map(|(_, marks)| marks) {
        *counts.entry(mark.clone()).or_default() += 1;
    }
    // Long ones first: what they reach beside their own is often in short ones, too.
    let mut small = Vec::new();
    for (program, marks) in kept.into_iter().rev() {
        let own: BTreeSet<Mark> = marks.iter().filter(|mark| counts[*mark] == 1).cloned().collect();
        let mut forget = |marks: &BTreeSet<Mark>| {
            for mark in marks {
                counts.entry(mark.clone()).and_modify(|count| *count -= 1);
            }
        };
        if own.is_empty() {
            forget(&marks);
            continue;
        }
        let (program, left) = shorter(program, marks.clone(), &own);
        forget(&marks.difference(&left).cloned().collect());
        for mark in left.difference(&marks) {
            *counts.entry(mark.clone()).or_default() += 1;
        }
        small.push(program);
    }
    small.sort_by_cached_key(|program| {
        let text = program.to_string();
        (text.len(), text)
    });
    Ok(small)
}

/// Leaves calls, and events of writes, out of a program as long as it still reaches all of `own`. Returns it with what it
/// reaches.
fn shorter(
    mut program: Program,
    mut reached: BTreeSet<Mark>,
    own: &BTreeSet<Mark>,
) -> (Program, BTreeSet<Mark>) {
    let mut attempt = |program: &mut Program, candidate: Program| {
        let marks = marks(&candidate);
        if own.is_subset(&marks) {
            (*program, reached) = (candidate, marks);
        }
    };
    // Programs of an odd number of calls close their files otherwise, so calls go by two as well.
    let mut size = program.calls.len().div_ceil(2).max(2);
    while size > 0 {
        let mut end = program.calls.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut candidate = program.clone();
            candidate.calls.drain(start..end);
            attempt(&mut program, candidate);
            end = start.min(program.calls.len());
        }
        size /= 2;
    }
    for at in 0..program.calls.len() {
        let mut index = program.calls[at].events.len();
        while index > 0 && program.calls[at].events.len() > 1 {
            index -= 1;
            let mut candidate = program.clone();
            candidate.calls[at].events.remove(index);
            attempt(&mut program, candidate);
            index = index.min(program.calls[at].events.len());
        }
    }
    (program, reached)
}
