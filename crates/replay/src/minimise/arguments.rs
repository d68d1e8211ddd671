//! Makes what calls pass as plain as possible: zeros, and no time between calls.

use super::reduce::reduce;
use super::{Search, Stage};
use crate::records;
use crate::script::Item;
use crate::step::Action;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_engine::Time;
use std::rc::Rc;

impl<F: FnMut(&[Rc<Item>], super::Progress) -> bool> Search<F> {
    pub(super) fn arguments(&mut self) {
        self.progress.stage = Stage::Arguments;
        self.times();
        for index in 0..self.items.len() {
            self.bytes(index);
        }
    }

    /// Moves steps to the time of the step before, where the time between them does not matter.
    fn times(&mut self) {
        let first = self.items.first().map_or(Time(0), |item| item.step.at);
        let mut pauses = Vec::new();
        let mut before = first;
        for item in &self.items {
            pauses.push(item.step.at - before);
            before = item.step.at;
        }
        let needed: Vec<usize> = (0..pauses.len()).filter(|index| pauses[*index] > 0).collect();
        let items = self.items.clone();
        let paced = |kept: &[usize]| {
            let mut now = Time(0);
            let mut paced = items.clone();
            for (index, item) in paced.iter_mut().enumerate() {
                if kept.contains(&index) {
                    now = now + pauses[index];
                }
                if item.step.at != now {
                    Rc::make_mut(item).step.at = now;
                }
            }
            paced
        };
        let kept = reduce(needed, |kept| self.tries(&paced(kept)));
        let candidate = paced(&kept);
        if candidate.iter().zip(&self.items).any(|(one, other)| one.step.at != other.step.at) {
            self.replace(candidate);
        }
    }

    /// Sets bytes to zero that do not matter.
    fn bytes(&mut self, index: usize) {
        let item = &self.items[index];
        let (bytes, fixed) = match &item.step.action {
            Action::Ioctl { arg, .. } => (arg.clone(), Vec::new()),
            Action::Write { data, .. } => (data.clone(), lengths(data, item.ump)),
            _ => return,
        };
        let used: Vec<usize> =
            (0..bytes.len()).filter(|at| bytes[*at] != 0 && !fixed.contains(at)).collect();
        let all = used.clone();
        let zeroed = |kept: &[usize]| {
            let mut zeroed = bytes.clone();
            for at in all.iter().filter(|at| kept.binary_search(at).is_err()) {
                zeroed[*at] = 0;
            }
            zeroed
        };
        let kept = reduce(used, |kept| {
            let candidate = self.with_data(index, zeroed(kept));
            self.tries(&candidate)
        });
        self.items = self.with_data(index, zeroed(&kept));
    }
}

/// Returns the bytes that say where events end: their lengths and flags. Without them a write would be other events.
fn lengths(data: &[u8], ump: bool) -> Vec<usize> {
    let records = records::written(data, ump);
    let special = records.iter().filter(|record| record.len() != EVENT_SIZE);
    special.flat_map(|record| [1, 16, 17, 18, 19].map(|at| record.start + at)).collect()
}
