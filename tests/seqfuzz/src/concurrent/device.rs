//! Runs a plan on device files, by threads of this process and of others.

use super::comparable::comparable;
use super::crew::{Crew, Made};
use super::hand::Hand;
use super::rest::{Next, Rest};
use super::serial::{self, MAX_WAIT, Serial, Verdict};
use super::{Difference, Observed, Op, Outcome, Plan, Stretch};
use crate::device::{Abilities, Access, EngineDevice};
use crate::tape::{Answer, Step};
use crate::tasks;
use aseqd_abi::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Maximum time that a program sleeps on a device in all, in waits and in calls until they get a signal. What follows is
/// not made: a program may write a thousand times into a full pool.
const MAX_SLEEP: Duration = Duration::from_secs(4);
/// A call does not return at all if it has been found asleep this often, each time after a probe was answered, and has got a
/// signal each time.
const MOST_SIGNALS: u32 = 100;
/// At least so long after the beginning of its stretch.
pub(crate) const LEAST_STUCK: Duration = Duration::from_secs(3);
/// Time in which another process closes its files.
const CLOSES: Duration = Duration::from_secs(10);
/// A step of signals and deaths.
const TICK: Duration = Duration::from_micros(60);
/// Signals and deaths come within this many steps.
const SOON: u64 = 16;

/// The devices of this machine, used by several processes.
#[derive(Debug)]
pub struct Devices {
    crew: Crew,
    made: Receiver<Made>,
    hands: [Option<Hand>; 2],
    answers: Receiver<(usize, Answer)>,
    to: Sender<(usize, Answer)>,
    /// The number of the next call. None has the number of an earlier one, whose answer may come late.
    next: usize,
    /// The time that the program may still sleep.
    left: Duration,
}

/// A call that was begun.
struct Under {
    op: Op,
    outcome: Option<Outcome>,
    /// How often it was found asleep.
    asleep: u32,
    signalled: bool,
    idle: bool,
}

/// What a run is doing.
#[derive(Debug)]
pub enum Moment<'a> {
    /// It begins a stretch.
    Begins,
    /// This call does not return, whatever signals it gets. The run goes on to wait for it.
    Stuck(&'a Op),
}

impl Devices {
    /// Returns the devices, with no file open.
    ///
    /// # Errors
    /// A message for people if this process has no descriptors left.
    pub fn new() -> Result<Self, String> {
        let (sender, made) = channel();
        let (to, answers) = channel();
        let crew = Crew::new(sender).map_err(|error| format!("a descriptor: {error}"))?;
        Ok(Self { crew, made, hands: [None, None], answers, to, next: 0, left: MAX_SLEEP })
    }

    /// Runs a plan, and closes everything at its end. With `ours`, looks for an order that explains the answers: on a
    /// sequencer that nobody else uses, and that promises to be the engine. `tell` is told how it goes.
    ///
    /// # Errors
    /// A message for people if a process cannot be started.
    pub fn run(
        &mut self,
        plan: &Plan,
        ours: Option<Abilities>,
        mut tell: impl FnMut(Moment<'_>),
    ) -> Result<(Vec<Stretch>, Option<Difference>), String> {
        let mut history: Vec<Stretch> = Vec::new();
        let own = i32::try_from(std::process::id()).unwrap_or(0);
        let mut pids = [own; 3];
        let mut dead = [false; 2];
        // How much can be compared: nothing after a death, since files are closed some time after it.
        let mut judged = None;
        self.left = MAX_SLEEP;
        for stretch in &plan.stretches {
            if self.left.is_zero() {
                break;
            }
            tell(Moment::Begins);
            for op in stretch.iter().filter(|op| op.process > 0) {
                let place = op.process - 1;
                if self.hands[place].is_none() && !dead[place] {
                    let hand = Hand::start(self.to.clone());
                    let hand = hand.map_err(|error| format!("another process: {error}"))?;
                    self.hands[place] = Some(hand);
                }
                // It may be one of an earlier program.
                if let Some(hand) = &self.hands[place] {
                    pids[op.process] = hand.pid();
                }
            }
            let (observed, killed) = self.stretch(stretch, &mut dead, &mut tell);
            if killed {
                judged.get_or_insert(history.len());
            }
            history.push(observed);
        }
        self.close_all();
        let judge = |all| {
            let ours = ours.filter(|ours| ours.ump == plan.ump)?;
            let whole = comparable(plan, ours, all).min(judged.unwrap_or(history.len()));
            let start = Serial::new(EngineDevice::with_abilities(ours), pids).real();
            match serial::check(&start, &history[..whole]) {
                Verdict::Wrong(wrong) => Some(wrong),
                _ => None,
            }
        };
        let wrong = judge(false).and_then(|_| judge(true));
        Ok((history, wrong))
    }

    /// Makes the calls of a stretch at once. Returns what came of them, and whether a process was killed.
    fn stretch(
        &mut self,
        stretch: &[Op],
        dead: &mut [bool; 2],
        tell: &mut impl FnMut(Moment<'_>),
    ) -> (Stretch, bool) {
        if let [op @ Op { step: Step::Wait(time), .. }] = stretch {
            let time = (*time).min(MAX_WAIT);
            self.left = self.left.saturating_sub(time);
            std::thread::sleep(time);
            let outcome = Outcome::Answered(Answer { value: Ok(0), told: Vec::new() });
            return (vec![Observed { op: op.clone(), outcome }], false);
        }
        let mut observed = Vec::new();
        let mut under: BTreeMap<usize, Under> = BTreeMap::new();
        for op in stretch {
            let number = self.next;
            self.next += 1;
            let one =
                Under { op: op.clone(), outcome: None, asleep: 0, signalled: false, idle: false };
            under.insert(number, one);
            match op.process.checked_sub(1).map(|place| &mut self.hands[place]) {
                None => self.crew.begin(number, op),
                Some(Some(hand)) => hand.begin(number, op),
                Some(None) => answered(&mut under, &mut observed, number, Outcome::NotOpen),
            }
        }
        let began = Instant::now();
        let mut rest = Rest::new(began);
        let mut killed = false;
        while under.values().any(|one| one.outcome.is_none()) {
            self.crew.collect();
            while let Ok((number, answer, descriptor)) = self.made.try_recv() {
                let opens = under.get(&number).and_then(|one| one.op.opens);
                if let (Some(file), Some(descriptor)) = (opens, descriptor) {
                    self.crew.opened(file, descriptor);
                }
                returned(&mut under, &mut observed, &mut rest, (number, answer));
            }
            while let Ok(made) = self.answers.try_recv() {
                returned(&mut under, &mut observed, &mut rest, made);
            }
            let next = rest.next(Instant::now(), || self.sleep());
            let (now, idle) = (began.elapsed(), next == Next::Asleep);
            let comes = |after: Option<u64>| {
                after.is_some_and(|after| now >= TICK * u32::try_from(after % SOON).unwrap_or(0))
            };
            let mut deaths = Vec::new();
            let mut cancelled = Vec::new();
            for (number, one) in under.iter_mut().filter(|(_, one)| one.outcome.is_none()) {
                let place = one.op.process.checked_sub(1);
                if let Some(place) = place.filter(|_| comes(one.op.kill)) {
                    deaths.push(place);
                } else if place.is_none() && comes(one.op.cancel) && self.crew.cancel(*number) {
                    cancelled.push(*number);
                } else if idle || (comes(one.op.signal) && !one.signalled) {
                    (one.idle, one.signalled) = (one.idle || !one.signalled && idle, true);
                    one.asleep += u32::from(idle);
                    if one.asleep > MOST_SIGNALS && now > LEAST_STUCK {
                        tell(Moment::Stuck(&one.op));
                        one.asleep = 0;
                    }
                    match place.map(|place| &mut self.hands[place]) {
                        None => self.crew.signal(*number),
                        Some(Some(hand)) => hand.signal(*number),
                        Some(None) => {}
                    }
                }
            }
            if idle {
                // A signal that came before the call is lost: the next one comes after the same time.
                let now = Instant::now();
                self.left = self.left.saturating_sub(rest.since(now));
                rest.again(now);
            }
            if next == Next::Probe {
                rest.probes(Instant::now(), self.probe(&under));
            }
            for number in cancelled {
                // Nobody knows whether it has done something.
                rest.again(Instant::now());
                answered(&mut under, &mut observed, number, Outcome::Lost);
            }
            for place in deaths {
                killed = true;
                dead[place] = true;
                // A probe of it is not answered any more.
                rest.again(Instant::now());
                self.hands[place] = None;
                let of: Vec<usize> = under
                    .iter()
                    .filter(|(_, one)| one.outcome.is_none() && one.op.process == place + 1)
                    .map(|(number, _)| *number)
                    .collect();
                of.into_iter()
                    .for_each(|number| answered(&mut under, &mut observed, number, Outcome::Lost));
            }
            if under.values().any(|one| one.outcome.is_none()) {
                std::thread::sleep(Duration::from_micros(20));
            }
        }
        self.crew.settle();
        self.hands.iter_mut().flatten().for_each(Hand::settle);
        (observed, killed)
    }

    /// Returns whether all threads but this one sleep, in all processes: none is on its way into a call, or back.
    fn sleep(&self) -> bool {
        let processes = self.hands.iter().flatten().map(|hand| hand.pid().unsigned_abs());
        tasks::sleep(std::process::id(), Some(tasks::own()))
            && processes.into_iter().all(|process| tasks::sleep(process, None))
    }

    /// Closes all files. A process that takes long to do so is killed.
    fn close_all(&mut self) {
        self.crew.close_all();
        for hand in &mut self.hands {
            let (Some(process), number) = (hand.as_mut(), self.next) else { continue };
            self.next += 1;
            process.close_all(number);
            let closed = loop {
                // An earlier probe may be answered only now.
                match self.answers.recv_timeout(CLOSES) {
                    Ok((of, _)) if of == number => break true,
                    Ok(_) => {}
                    Err(_) => break false,
                }
            };
            if !closed {
                *hand = None;
            }
        }
    }

    /// Begins a call in each process with a call that has not returned, and returns their numbers. It opens a timer, which
    /// changes nothing in a sequencer, and never sleeps.
    fn probe(&mut self, under: &BTreeMap<usize, Under>) -> BTreeSet<usize> {
        let waiting = under.values().filter(|one| one.outcome.is_none());
        let processes: BTreeSet<usize> = waiting.map(|one| one.op.process).collect();
        let mut numbers = BTreeSet::new();
        for process in processes {
            let op =
                Op { step: Step::OpenTimer(Access::Read), file: None, ..Op::close(0, process) };
            match process.checked_sub(1).map(|place| &mut self.hands[place]) {
                None => self.crew.begin(self.next, &op),
                Some(Some(hand)) => hand.begin(self.next, &op),
                Some(None) => continue,
            }
            numbers.insert(self.next);
            self.next += 1;
        }
        numbers
    }
}

/// Notes that a call, or a probe, has returned.
fn returned(
    under: &mut BTreeMap<usize, Under>,
    observed: &mut Stretch,
    rest: &mut Rest,
    (number, answer): (usize, Answer),
) {
    if !rest.answered(Instant::now(), number) && under.contains_key(&number) {
        rest.again(Instant::now());
        answered(under, observed, number, Outcome::Answered(answer));
    }
}

/// Notes what came of a call.
fn answered(
    under: &mut BTreeMap<usize, Under>,
    observed: &mut Stretch,
    number: usize,
    outcome: Outcome,
) {
    let Some(one) = under.get_mut(&number).filter(|one| one.outcome.is_none()) else { return };
    let outcome = match outcome {
        Outcome::Answered(answer) if answer.value == Err(Errno::EINTR) => {
            Outcome::Interrupted { idle: one.idle }
        }
        Outcome::Answered(answer) if answer.value == Err(Errno::EBADF) => Outcome::NotOpen,
        outcome => outcome,
    };
    one.outcome = Some(outcome.clone());
    observed.push(Observed { op: one.op.clone(), outcome });
}
