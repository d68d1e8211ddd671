//! Runs candidates in engines of this process: does one panic, do two of them differ?

use crate::caught::caught;
use crate::script::{Item, Run};
use aseqd_engine::{Engine, Output};
use aseqd_recording::AnswerHash;
use std::rc::Rc;

/// Returns whether an engine that begins in this state panics.
#[must_use]
pub fn panics(start: &Engine, items: &[Rc<Item>]) -> bool {
    caught(|| {
        let mut run = Run::new(start.clone());
        for item in items {
            run.make(item);
            while run.world.poll_output().is_some() {}
        }
    })
    .is_err()
}

/// Returns the hash of all answers and outputs of an engine that begins in this state; `None` if it panics.
#[must_use]
pub fn hash(start: &Engine, items: &[Rc<Item>]) -> Option<u32> {
    caught(|| {
        let mut run = Run::new(start.clone());
        let mut hash = AnswerHash::new();
        for item in items {
            if let Some(reply) = run.make(item) {
                hash.answer(reply, &run.out);
            }
            while let Some(output @ Output::Ready(_)) = run.world.poll_output() {
                hash.output(Some(output));
            }
        }
        hash.value()
    })
    .ok()
}
