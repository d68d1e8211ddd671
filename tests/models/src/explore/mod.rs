//! Runs a model under many schedules until a checker reports something.
//!
//! The tasks of a model are threads of the operating system, because lockdep keeps its state by thread, but only one
//! of them runs at a time. At each access, lock and wait the schedule decides which goes on. It depends on its seed
//! alone, so one seed has one trace.

mod memory;
mod pool;
mod schedule;
mod sync;
mod task;

pub use memory::{Atomic, List, Plain, Ref, Slot, null};
pub use sync::{Guard, Lock, Users};
pub use task::{call, expect, expect_at_end, fail, may_sleep, point, wait_until, within};

use crate::report::{Checker, Finding};
use lockdep::ReportKind;
use schedule::Schedule;
use std::time::Duration;
use task::Shared;

/// Makes the shared structures and the tasks of a model, with its bug or without.
pub type Model = fn(&mut World, bool);

type Body = Box<dyn FnOnce() + Send>;

/// The tasks of one run.
#[derive(Default)]
pub struct World {
    tasks: Vec<(&'static str, Body)>,
    end: Option<Body>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

impl World {
    /// Adds a task that makes calls. It must have released its locks when it ends.
    pub fn task(&mut self, name: &'static str, body: impl FnOnce() + Send + 'static) {
        self.tasks.push((
            name,
            Box::new(move || {
                let _section = lockdep::task_enter(name);
                body();
            }),
        ));
    }

    /// Adds an interrupt: code that must not sleep, and that comes at any time.
    pub fn interrupt(&mut self, name: &'static str, body: impl FnOnce() + Send + 'static) {
        self.tasks.push((
            name,
            Box::new(move || {
                let _section = lockdep::hardirq_enter(name);
                within(name, body);
            }),
        ));
    }

    /// Sets what runs after all tasks have ended: checks, and the last steps of the teardown.
    pub fn at_end(&mut self, body: impl FnOnce() + Send + 'static) {
        self.end = Some(Box::new(body));
    }
}

/// One run of a model.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was reported first.
    pub finding: Option<Finding>,
    /// A hash of every decision and step.
    pub trace: u64,
    /// How many calls the tasks had begun.
    pub calls: usize,
    /// How many steps there were.
    pub steps: usize,
}

/// The result of an exploration.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many schedules ran.
    pub schedules: u64,
    /// The last run: the one with a finding, if there is one.
    pub last: Run,
    /// Its seed.
    pub seed: u64,
}

/// Runs a model under one schedule.
#[must_use]
pub fn run(model: Model, planted: bool, seed: u64) -> Run {
    let mut run = None;
    let reports = lockdep::testing::capture(|| run = Some(run_captured(model, planted, seed)));
    let (mut run, before) = run.expect("the case ran");
    // Of several reports the first is the cause.
    if let Some(report) = reports.first().filter(|_| before > 0 || run.finding.is_none()) {
        let checker = match report.kind {
            ReportKind::Sleep | ReportKind::WaitContext => Checker::MightSleep,
            _ => Checker::Lockdep,
        };
        run.finding = Some(Finding { checker, title: without_place(report.title()) });
    }
    run
}

/// Runs a model under schedules from seed 0 on, until there is a finding or the budget is used up.
#[must_use]
pub fn explore(model: Model, planted: bool, schedules: u64) -> Outcome {
    lockdep::set_sleep_report_interval(Duration::ZERO);
    let mut seed = 0;
    loop {
        let last = run(model, planted, seed);
        if last.finding.is_some() || seed + 1 >= schedules {
            return Outcome { schedules: seed + 1, last, seed };
        }
        seed += 1;
    }
}

/// Returns the run, and how many reports lockdep had made when the explorer's own finding came.
fn run_captured(model: Model, planted: bool, seed: u64) -> (Run, u64) {
    let reports = lockdep::count();
    let shared = Shared::new(Schedule::new(seed));
    let mut world = World::default();
    task::enter(&shared, task::SETUP, || model(&mut world, planted));
    shared.begin(world.tasks.len());
    let tasks = world.tasks.into_iter().enumerate();
    pool::run(tasks.map(|(number, (_, body))| job(shared.clone(), number, body)).collect());
    shared.finish(world.end);
    let (run, before) = shared.result();
    if run.finding.is_some() || lockdep::count() > reports {
        pool::forget();
    }
    (run, before)
}

fn job(shared: Shared, number: usize, body: Body) -> Body {
    Box::new(move || task::enter(&shared, number, || shared.run_task(number, body)))
}

/// Takes the place of a file and line out of a title.
fn without_place(title: &str) -> String {
    title.split(" at ").next().unwrap_or(title).to_owned()
}
