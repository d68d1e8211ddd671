//! The tasks of a run: one goes on at a time, and the schedule says which.
#![expect(clippy::disallowed_types, reason = "the explorer decides by locks which thread runs")]

use super::schedule::Schedule;
use super::{Body, Run};
use crate::report::{Checker, Finding};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Maximum number of steps of a run. A task that makes more is stuck in a loop.
const MAX_STEPS: usize = 4000;
/// The number of the thread that makes a world and looks at its end. It is never scheduled.
pub(super) const SETUP: usize = usize::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ready,
    /// Waits until another task has changed something.
    Waits,
    Ended,
}

/// A plain access that is under way.
#[derive(Clone, Copy, Debug)]
struct Watch {
    cell: usize,
    task: usize,
    writes: bool,
    function: &'static str,
}

/// What all tasks of a run share.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    schedule: Schedule,
    tasks: Vec<Status>,
    current: usize,
    steps: usize,
    calls: usize,
    trace: DefaultHasher,
    finding: Option<Finding>,
    /// How many reports lockdep had made by then.
    reports: u64,
    reports_at_start: u64,
    next_id: usize,
    watches: Vec<Watch>,
    /// Objects that are not freed, and the functions that allocated them.
    live: BTreeMap<usize, &'static str>,
}

struct Context {
    shared: Shared,
    number: usize,
    functions: Vec<&'static str>,
}

thread_local! {
    static CONTEXT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// The payload with which a task unwinds once there is a finding.
struct Over;

impl Shared {
    pub(super) fn new(schedule: Schedule) -> Self {
        let reports = lockdep::count();
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                schedule,
                tasks: Vec::new(),
                current: SETUP,
                steps: 0,
                calls: 0,
                trace: DefaultHasher::new(),
                finding: None,
                reports: 0,
                reports_at_start: reports,
                next_id: 1,
                watches: Vec::new(),
                live: BTreeMap::new(),
            }),
            changed: Condvar::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the schedule choose the first task.
    pub(super) fn begin(&self, tasks: usize) {
        let mut state = self.lock();
        state.tasks = vec![Status::Ready; tasks];
        state.choose(SETUP);
    }

    /// Runs a task from its first turn to its end.
    pub(super) fn run_task(&self, number: usize, body: Body) {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            self.wait_for_turn(self.lock(), number);
            body();
        }));
        let mut state = self.lock();
        if let Err(payload) = ended
            && !payload.is::<Over>()
        {
            state.report(Checker::Panic, "a panic of the model".to_owned());
        }
        state.tasks[number] = Status::Ended;
        state.wake_all();
        state.watches.retain(|watch| watch.task != number);
        if state.finding.is_none() {
            state.choose(number);
        }
        self.0.changed.notify_all();
    }

    fn wait_for_turn(&self, mut state: MutexGuard<'_, State>, number: usize) {
        while state.current != number && state.finding.is_none() {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let over = state.finding.is_some();
        drop(state);
        if over {
            self.stop();
        }
    }

    /// Ends the calling task, because the run has a finding.
    fn stop(&self) {
        self.0.changed.notify_all();
        if !thread::panicking() {
            resume_unwind(Box::new(Over));
        }
    }

    /// Makes a step, and lets the schedule choose who goes on.
    fn step(&self, number: usize, status: Status) {
        if number == SETUP || thread::panicking() {
            return;
        }
        let mut state = self.lock();
        if state.finding.is_some() {
            drop(state);
            return self.stop();
        }
        state.steps += 1;
        if state.steps > MAX_STEPS {
            state.report(Checker::Watchdog, format!("BUG: soft lockup in {}", function()));
        }
        state.tasks[number] = status;
        state.choose(number);
        if state.current != number {
            self.0.changed.notify_all();
        }
        self.wait_for_turn(state, number);
    }

    /// Checks what must hold at the end.
    pub(super) fn finish(&self, end: Option<Body>) {
        if self.lock().finding.is_some() {
            return;
        }
        if let Some(end) = end {
            let ended = catch_unwind(AssertUnwindSafe(|| enter(self, SETUP, end)));
            if let Err(payload) = ended
                && !payload.is::<Over>()
            {
                self.lock().report(Checker::Panic, "a panic of the model".to_owned());
            }
        }
        let mut state = self.lock();
        if let Some(function) = state.live.values().next().copied() {
            state.report(Checker::Leak, format!("memory leak in {function}"));
        }
    }

    pub(super) fn result(&self) -> (Run, u64) {
        let state = self.lock();
        let run = Run {
            finding: state.finding.clone(),
            trace: state.trace.finish(),
            calls: state.calls,
            steps: state.steps,
        };
        (run, state.reports)
    }
}

impl State {
    fn report(&mut self, checker: Checker, title: String) {
        if self.finding.is_none() {
            title.hash(&mut self.trace);
            self.finding = Some(Finding { checker, title });
            self.reports = lockdep::count() - self.reports_at_start;
        }
    }

    fn choose(&mut self, current: usize) {
        let tasks = self.tasks.iter().enumerate();
        let ready: Vec<_> =
            tasks.filter(|(_, status)| **status == Status::Ready).map(|(task, _)| task).collect();
        if ready.is_empty() {
            if self.tasks.contains(&Status::Waits) {
                self.report(Checker::Watchdog, format!("INFO: task hung in {}", function()));
            }
            return;
        }
        self.current = self.schedule.choose(current, &ready, self.steps);
        (self.current, self.steps).hash(&mut self.trace);
    }

    fn wake_all(&mut self) {
        for status in &mut self.tasks {
            if *status == Status::Waits {
                *status = Status::Ready;
            }
        }
    }
}

/// Runs code as a task of a run.
pub(super) fn enter(shared: &Shared, number: usize, body: impl FnOnce()) {
    let context = Context { shared: shared.clone(), number, functions: Vec::new() };
    CONTEXT.with_borrow_mut(|place| *place = Some(context));
    body();
    CONTEXT.with_borrow_mut(|place| *place = None);
}

fn current() -> (Shared, usize) {
    CONTEXT.with_borrow(|context| {
        let context = context.as_ref().expect("models use their structures in tasks only");
        (context.shared.clone(), context.number)
    })
}

/// Returns the function that the task is in.
fn function() -> &'static str {
    CONTEXT.with_borrow(|context| {
        context.as_ref().and_then(|context| context.functions.last().copied()).unwrap_or("setup")
    })
}

/// Runs a function of the model under its name, which reports show.
pub fn within<R>(name: &'static str, body: impl FnOnce() -> R) -> R {
    let push = |context: &mut Option<Context>| {
        context.iter_mut().for_each(|context| context.functions.push(name));
    };
    CONTEXT.with_borrow_mut(push);
    let result = body();
    CONTEXT.with_borrow_mut(|context| {
        if let Some(context) = context {
            context.functions.pop();
        }
    });
    result
}

/// Makes a call of a program: [`within`] a function, and counted.
pub fn call<R>(name: &'static str, body: impl FnOnce() -> R) -> R {
    current().0.lock().calls += 1;
    within(name, body)
}

/// Lets other tasks run.
pub fn point() {
    let (shared, number) = current();
    shared.step(number, Status::Ready);
}

/// Waits until something holds. It is looked at again whenever another task has changed something.
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let (shared, number) = current();
    while !holds() {
        if thread::panicking() || number == SETUP {
            return;
        }
        shared.step(number, Status::Waits);
    }
}

/// Says that tasks that wait should look again.
pub(super) fn touch() {
    current().0.lock().wake_all();
}

/// Marks code that may sleep.
pub fn may_sleep() {
    lockdep::might_sleep!();
    point();
}

/// Ends the run with a report about the function that the task is in.
pub fn fail(checker: Checker, what: &str) {
    let (shared, number) = current();
    shared.lock().report(checker, format!("{what} in {}", function()));
    if number == SETUP {
        resume_unwind(Box::new(Over));
    }
    shared.stop();
}

/// Reports a difference to the model if something does not hold.
pub fn expect(holds: bool, what: &str) {
    if !holds {
        fail(Checker::Difference, what);
    }
}

/// The same as [`expect`], for what holds after all tasks have ended.
pub fn expect_at_end(holds: bool, what: &str) {
    within("the end", || expect(holds, what));
}

/// Returns a number for a cell or an object of this run.
pub(super) fn new_id() -> usize {
    let (shared, _) = current();
    let mut state = shared.lock();
    state.next_id += 1;
    state.next_id
}

pub(super) fn allocated(id: usize) {
    current().0.lock().live.insert(id, function());
}

pub(super) fn freed(id: usize) {
    current().0.lock().live.remove(&id);
    touch();
}

/// Makes an access to a cell. Plain accesses get a watchpoint, which stays while other tasks run; a conflicting access
/// of another task meanwhile is a data race. Marked accesses only meet watchpoints.
pub(super) fn access(cell: usize, writes: bool, plain: bool) {
    let (shared, number) = current();
    if number == SETUP || thread::panicking() {
        return;
    }
    let name = function();
    let mut state = shared.lock();
    let conflicts =
        |watch: &&Watch| watch.cell == cell && watch.task != number && (watch.writes || writes);
    if let Some(watch) = state.watches.iter().find(conflicts).copied() {
        let mut names = [watch.function, name];
        names.sort_unstable();
        let title = format!("KCSAN: data-race in {} / {}", names[0], names[1]);
        state.report(Checker::Race, title);
        drop(state);
        return shared.stop();
    }
    (cell, writes).hash(&mut state.trace);
    if !plain {
        drop(state);
        return shared.step(number, Status::Ready);
    }
    state.watches.push(Watch { cell, task: number, writes, function: name });
    drop(state);
    shared.step(number, Status::Ready);
    shared.lock().watches.retain(|watch| watch.task != number || watch.cell != cell);
}
