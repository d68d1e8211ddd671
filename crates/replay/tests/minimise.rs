//! Shrinks long recordings to the few calls that show a defect.

mod rig;

use aseqd_engine::{Config, Engine};
use aseqd_replay::minimise::minimise;
use aseqd_replay::script::{Item, bind, concrete};
use aseqd_replay::step::{Action, Step};
use aseqd_replay::trial;
use rig::random_steps;
use std::rc::Rc;
use std::time::Instant;

/// The calls that a recording has before it is shrunk.
const CALLS: usize = 10_000;
/// The most that may be left of it.
const LEFT: usize = 10;

#[test]
fn a_planted_bug_shrinks_to_a_few_calls() {
    let good = Engine::new();
    let mut bad = Engine::new();
    bad.plant_bug();
    let mut found = 0;
    for seed in 1..=5 {
        // The defect shows when a client ends: here that is late.
        let mut steps = random_steps(seed, CALLS);
        let late = steps.split_off(CALLS - 500);
        steps.retain(|step| !matches!(step.action, Action::Close { .. }));
        steps.extend(late);
        let items = bind(&good, steps);
        assert!(!trial::panics(&good, &items), "the engine has no such defect of its own");
        assert!(trial::panics(&bad, &items), "seed {seed} shows the defect");
        let began = Instant::now();
        let (left, progress) = minimise(items, |candidate, _| trial::panics(&bad, candidate));
        let took = began.elapsed();
        eprintln!("seed {seed}: {} calls after {} trials in {took:?}", left.len(), progress.trials);
        assert!(left.len() <= LEFT, "seed {seed}: {} calls:\n{left:#?}", left.len());
        assert!(took.as_secs() < 10, "seed {seed}: {took:?}");
        // It is the same with the numbers that the files have now.
        let steps = concrete(&good, &left);
        let again = bind(&good, steps.clone());
        assert!(trial::panics(&bad, &again) && !trial::panics(&good, &again));
        // Two events are needed, and no third.
        let events: usize = steps.iter().map(events).sum();
        assert_eq!(events, 2, "{steps:#?}");
        found += 1;
    }
    assert_eq!(found, 5);
}

fn events(step: &Step) -> usize {
    match &step.action {
        Action::Write { data, .. } => data.len() / 28,
        _ => 0,
    }
}

#[test]
fn answers_that_differ_shrink_to_a_few_calls() {
    // Notes that end with their client are the difference of these two.
    let one = Engine::new();
    let other = Engine::with_config(Config { notes_off: true, ..Config::default() });
    let differ = |items: &[Rc<Item>]| trial::hash(&one, items) != trial::hash(&other, items);
    let items = bind(&one, random_steps(7, 3000));
    assert!(differ(&items));
    let began = Instant::now();
    let (left, progress) = minimise(items, |candidate, _| differ(candidate));
    eprintln!("{} calls after {} trials in {:?}", left.len(), progress.trials, began.elapsed());
    assert!(differ(&left));
    assert!(left.len() <= LEFT, "{left:#?}");
}

#[test]
fn what_shows_nothing_stays_as_it_is() {
    let start = Engine::new();
    let items = bind(&start, random_steps(3, 200));
    let (left, _) = minimise(items.clone(), |_, _| false);
    let steps = |items: &[Rc<Item>]| items.iter().map(|item| item.step.clone()).collect::<Vec<_>>();
    assert_eq!(steps(&left), steps(&items));
}
