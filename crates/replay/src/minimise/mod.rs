//! Shrinks a recording to the few steps that show a problem.
//!
//! Whole clients go first, then calls, then events inside of writes, then what calls pass. After each removal the test
//! must still find the problem.

mod arguments;
mod reduce;

use crate::records;
use crate::script::{Item, Opening};
use crate::step::Action;
use reduce::reduce;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

/// Which kind of thing is left out at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Everything after the step that shows the problem.
    Tail,
    /// Files with all calls on them.
    Clients,
    /// Calls.
    Calls,
    /// Events inside of writes.
    Events,
    /// What calls pass, and the time between them.
    Arguments,
}

/// How far shrinking has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is left out at present.
    pub stage: Stage,
    /// How many candidates were tried.
    pub trials: u64,
    /// How many steps are left.
    pub steps: usize,
}

/// Rounds over calls, events and arguments: each may make something superfluous that an earlier one needed. Seldom
/// does a third round find anything.
const ROUNDS: usize = 4;

/// Shrinks a list of steps. `shows` says whether a candidate still shows the problem, and gets told how far it has come;
/// to give up, it says no from then on. The result shows the problem if `items` does.
pub fn minimise(
    items: Vec<Rc<Item>>,
    shows: impl FnMut(&[Rc<Item>], Progress) -> bool,
) -> (Vec<Rc<Item>>, Progress) {
    let progress = Progress { stage: Stage::Tail, trials: 0, steps: items.len() };
    let mut search = Search { items, shows, progress };
    search.tail();
    search.clients();
    for _ in 0..ROUNDS {
        let before = search.items.clone();
        search.calls();
        search.events();
        search.arguments();
        if search.items.len() == before.len()
            && search.items.iter().zip(&before).all(|(one, other)| one.step == other.step)
        {
            break;
        }
    }
    search.progress.steps = search.items.len();
    (search.items, search.progress)
}

struct Search<F> {
    items: Vec<Rc<Item>>,
    shows: F,
    progress: Progress,
}

impl<F: FnMut(&[Rc<Item>], Progress) -> bool> Search<F> {
    fn tries(&mut self, candidate: &[Rc<Item>]) -> bool {
        self.progress.trials += 1;
        (self.shows)(candidate, self.progress)
    }

    /// Replaces the steps by a candidate, if it still shows the problem.
    fn replace(&mut self, candidate: Vec<Rc<Item>>) -> bool {
        let shown = self.tries(&candidate);
        if shown {
            self.items = candidate;
            self.progress.steps = self.items.len();
        }
        shown
    }

    /// Leaves out what comes after the problem: by halves, as far as that goes.
    fn tail(&mut self) {
        let mut shown = self.items.len();
        let mut hidden = 0;
        while shown - hidden > 1 {
            let middle = hidden + (shown - hidden) / 2;
            let candidate = self.items[..middle].to_vec();
            if self.tries(&candidate) { shown = middle } else { hidden = middle }
        }
        self.items.truncate(shown);
        self.progress.steps = shown;
    }

    fn clients(&mut self) {
        self.progress.stage = Stage::Clients;
        let openings: Vec<Opening> = self.items.iter().filter_map(|item| item.opens).collect();
        let all = std::mem::take(&mut self.items);
        let kept = reduce(openings.clone(), |kept| {
            let kept: BTreeSet<_> = kept.iter().copied().collect();
            self.tries(&without_files(&all, |opening| kept.contains(&opening)))
        });
        let kept: BTreeSet<_> = kept.into_iter().collect();
        self.items = without_files(&all, |opening| kept.contains(&opening));
        self.progress.steps = self.items.len();
    }

    fn calls(&mut self) {
        self.progress.stage = Stage::Calls;
        let all = std::mem::take(&mut self.items);
        self.items = reduce(all, |candidate| {
            self.progress.trials += 1;
            self.progress.steps = candidate.len();
            (self.shows)(candidate, self.progress)
        });
        // What is about a file that is not open is not made.
        let open: BTreeSet<_> = self.items.iter().filter_map(|item| item.opens).collect();
        let reachable = without_files(&self.items, |opening| open.contains(&opening));
        if reachable.len() < self.items.len() {
            self.replace(reachable);
        }
        self.progress.steps = self.items.len();
    }

    fn events(&mut self) {
        self.progress.stage = Stage::Events;
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let Action::Write { data, .. } = &item.step.action else { continue };
            let events = records::written(data, item.ump);
            if events.len() < 2 {
                continue;
            }
            let data = data.clone();
            let kept = reduce(events, |kept| {
                !kept.is_empty() && {
                    let candidate = self.with_data(index, joined(&data, kept));
                    self.tries(&candidate)
                }
            });
            self.items = self.with_data(index, joined(&data, &kept));
        }
    }

    /// Returns the steps with other bytes in a write or an ioctl.
    fn with_data(&self, index: usize, bytes: Vec<u8>) -> Vec<Rc<Item>> {
        let mut items = self.items.clone();
        if let Action::Write { data, .. } | Action::Ioctl { arg: data, .. } =
            &mut Rc::make_mut(&mut items[index]).step.action
        {
            *data = bytes;
        }
        items
    }
}

fn joined(data: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    ranges.iter().flat_map(|range| &data[range.clone()]).copied().collect()
}

/// Returns the steps without files, and without all calls on them.
fn without_files(items: &[Rc<Item>], keeps: impl Fn(Opening) -> bool) -> Vec<Rc<Item>> {
    let stays = |item: &&Rc<Item>| [item.opens, item.target].into_iter().flatten().all(&keeps);
    items.iter().filter(stays).cloned().collect()
}
