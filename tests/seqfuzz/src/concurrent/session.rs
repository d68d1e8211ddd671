//! Runs a plan on the server's own session and turns, in this process, in an order that follows from the seed.
//!
//! Everything runs on one thread. What a server cannot know comes from the seed: which of the calls that were begun it
//! receives next, whether it goes back to other work between two of them, when a signal or a death comes. So the same
//! plan has the same trace each time.

use super::bounds::SMALL;
use super::door::{Arrival, Begun, File, Kind, PIDS, Reply, Seeded};
use super::serial::{self, MAX_WAIT, Serial, Verdict};
use super::{Difference, Observed, Op, Outcome, Plan, Stretch};
use crate::device::EngineDevice;
use crate::rng::Rng;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_engine::{Call, Config, Input, READABLE, Time, WRITABLE};
use aseqd_server::budget::FileBounds;
use aseqd_server::clock::{Clock as _, VirtualClock};
use aseqd_server::session::Session;
use aseqd_server::timing::Timing;
use aseqd_server::turn::{Core, Turn, Unmanaged};
use std::collections::BTreeSet;
use std::time::Duration;

/// The time at which it begins: that of the engine which it is compared with.
const START: Time = Time(1_000_000_000);
/// Maximum number of turns for one stretch. Five calls take a few dozen, and a write of a thousand events some more.
const MAX_TURNS: u64 = 20_000;
/// Signals and deaths come within this many turns.
const SOON: u64 = 12;

/// A sequencer behind its session, for plans that are run one after the other.
#[derive(Debug)]
pub struct World {
    clock: VirtualClock,
    core: Core<VirtualClock, Seeded, Unmanaged>,
    /// The token of the last call.
    last: u64,
    /// Processes that were killed.
    dead: BTreeSet<usize>,
    /// The calls of the stretch.
    under: Vec<Under>,
    /// What came of them, in order.
    observed: Stretch,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The calls and their answers.
    pub history: Vec<Stretch>,
    /// A hash of all that was received and answered, in order.
    pub trace: u64,
    /// What is wrong.
    pub wrong: Option<Difference>,
}

/// A call that was begun.
#[derive(Debug)]
struct Under {
    token: u64,
    op: Op,
    done: bool,
    /// Whether a signal was sent.
    signalled: bool,
    /// Whether the signal was sent when all was at rest.
    idle: bool,
}

impl World {
    /// Returns a sequencer without clients. A plan's seed says which kind of door it has.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let clock = VirtualClock::at(START);
        let kind = if Rng::new(plan.seed).chance(50) { Kind::Wakes } else { Kind::Shows };
        let config = Config { user_timers: plan.ump, ump: plan.ump, ..Config::default() };
        // Some sessions hold so little that programs reach the bounds.
        let small = Rng::new(plan.seed ^ 0xb0d5).chance(30);
        let usual = FileBounds::for_clients(config.clients);
        let session = Session::with_bounds(config, false, if small { SMALL } else { usual });
        let mut door = Seeded::new(kind, clock.clone());
        door.bounds = small.then_some(SMALL);
        let core = Core::new(clock.clone(), door, Unmanaged, session, &Timing::default());
        let (under, observed) = (Vec::new(), Vec::new());
        Self { clock, core, last: 0, dead: BTreeSet::new(), under, observed }
    }

    /// Returns what `/proc/asound` shows of clients, queues and timers.
    #[must_use]
    pub fn texts(&self) -> [(&'static str, String); 3] {
        let engine = self.core.session().engine();
        [
            ("clients", engine.proc_clients()),
            ("queues", engine.proc_queues()),
            ("timers", engine.proc_timers()),
        ]
    }

    /// Runs a plan, and closes everything at its end.
    pub fn run(&mut self, plan: &Plan) -> Ran {
        self.dead.clear();
        let door = self.door();
        door.rng = Rng::new(plan.seed ^ 0x5eed);
        // Where the clock moves between calls, states are checked, but no answers.
        door.moves = door.rng.chance(25);
        door.trace = 0xcbf2_9ce4_8422_2325;
        let moves = door.moves;
        let mut history = Vec::new();
        let wrong = self.stretches(plan, &mut history);
        let wrong = wrong.err().or_else(|| {
            let bounded = self.door().bounds.is_some();
            let serial = Serial::new(EngineDevice::with_ump(plan.ump), PIDS).bounded(bounded);
            match serial::check(&serial, &history) {
                Verdict::Wrong(wrong) if !moves => Some(wrong),
                _ => None,
            }
        });
        self.close_all();
        let wrong = wrong.or_else(|| self.still_held());
        Ran { history, trace: self.door().trace, wrong }
    }

    fn stretches(&mut self, plan: &Plan, history: &mut Vec<Stretch>) -> Result<(), Difference> {
        for stretch in &plan.stretches {
            if let [op @ Op { step: Step::Wait(time), .. }] = &stretch[..] {
                self.wait(*time);
                let outcome = Outcome::Answered(Answer { value: Ok(0), told: Vec::new() });
                history.push(vec![Observed { op: op.clone(), outcome }]);
                continue;
            }
            self.stretch(stretch)?;
            history.push(std::mem::take(&mut self.observed));
            let may_change =
                |op: &Op| matches!(op.step, Step::Read(..) | Step::Write(..) | Step::Ioctl { .. });
            if stretch.len() > 1 || stretch.iter().any(may_change) {
                self.states()?;
            }
        }
        self.states()
    }

    /// Checks, after the last close, that nothing is counted towards a bound any more: what is never given back is missing
    /// only after thousands of programs.
    fn still_held(&self) -> Option<Difference> {
        let held = self.core.session().held();
        let (name, held) = held.into_iter().find(|(_, held)| *held > 0)?;
        let text = format!("no file is open, and {held} {name} are counted");
        Some(Difference { kind: "still_held".into(), text })
    }

    /// Checks that the session has kept its bounds.
    fn bounds(&mut self) -> Result<(), Difference> {
        let door = self.door();
        match door.unbounded.take().or_else(|| door.waits_beyond_bounds()) {
            Some(text) => Err(Difference { kind: "bound_not_kept".into(), text }),
            None => Ok(()),
        }
    }

    const fn door(&mut self) -> &mut Seeded {
        self.core.doors_mut()
    }

    fn turn(&mut self) {
        let turn = self.core.turn();
        assert!(matches!(turn, Ok(Turn::Served(_))), "a door in memory never fails: {turn:?}");
    }

    fn is_due(&self) -> bool {
        self.core.deadline().is_some_and(|due| due <= self.clock.now())
    }

    /// Lets time pass, from one deadline to the next.
    fn wait(&mut self, time: Duration) {
        let time = u64::try_from(time.min(MAX_WAIT).as_nanos()).unwrap_or(0);
        let end = self.clock.now() + time;
        for _ in 0..MAX_TURNS {
            let Some(due) = self.core.deadline().filter(|due| *due <= end) else { break };
            self.clock.advance_to(due);
            self.turn();
        }
        self.clock.advance_to(end);
        self.turn();
    }

    /// Closes all files that are left.
    fn close_all(&mut self) {
        let files: Vec<usize> = self.door().files.keys().copied().collect();
        // What still sleeps is answered by the close.
        self.door().asked.clear();
        self.door().ready.retain(|one| matches!(one, Arrival::Close(..)));
        for file in files {
            if !self.door().is_closing(file) {
                self.door().ready.push(Arrival::Close(file, 0));
            }
        }
        for _ in 0..MAX_TURNS {
            self.turn();
            if self.door().ready.is_empty() && !self.is_due() {
                break;
            }
        }
        self.door().forget();
        self.under.clear();
        self.observed.clear();
    }

    /// Begins a call.
    fn begin(&mut self, op: Op) {
        self.last += 1;
        let token = self.last;
        let dead = self.dead.contains(&op.process);
        let door = self.core.doors_mut();
        let arrival = match op.step {
            _ if dead => None,
            // A descriptor is closed once.
            Step::Close(file) if door.is_closing(file) => None,
            Step::Close(file) => Some(Arrival::Close(file, token)),
            _ => {
                let Op { step, file, opens, process, blocks, .. } = op.clone();
                let notice = false;
                Some(Arrival::Call(Begun { token, step, file, opens, process, blocks, notice }))
            }
        };
        match arrival {
            Some(arrival) => door.ready.push(arrival),
            None => door.replies.push((token, Reply::NotOpen)),
        }
        self.under.push(Under { token, op, done: false, signalled: false, idle: false });
    }

    /// Makes the calls of a stretch at once.
    fn stretch(&mut self, stretch: &[Op]) -> Result<(), Difference> {
        self.under.clear();
        stretch.iter().for_each(|op| self.begin(op.clone()));
        for turns in 0..MAX_TURNS {
            self.faults(turns);
            self.turn();
            self.bounds()?;
            self.take_replies();
            let done = self.under.iter().all(|one| one.done) && self.door().ready.is_empty();
            if done && !self.is_due() {
                return Ok(());
            }
            if !self.is_quiet() || turns <= self.last_fault() {
                continue;
            }
            // Nothing happens any more by itself: a signal ends what still sleeps.
            let sleeping: Vec<u64> = self.sleeping().map(|one| one.token).collect();
            if self.sleeping().any(|one| one.idle) {
                break;
            }
            for one in self.under.iter_mut().filter(|one| sleeping.contains(&one.token)) {
                (one.signalled, one.idle) = (true, true);
            }
            self.door().ready.extend(sleeping.into_iter().map(Arrival::Interrupt));
        }
        let calls: String = self.sleeping().map(|one| format!("{:?}\n", one.op.step)).collect();
        let text = format!("calls were never answered, not even after a signal\n{calls}");
        Err(Difference { kind: "no_answer".into(), text })
    }

    /// Returns the calls that the session has not answered yet.
    fn sleeping(&self) -> impl Iterator<Item = &Under> {
        let asked = &self.core.doors().asked;
        self.under.iter().filter(|one| !one.done && asked.contains_key(&one.token))
    }

    /// Returns whether nothing is left that could happen without a signal.
    fn is_quiet(&self) -> bool {
        let door = self.core.doors();
        // A close waits for the calls on its file.
        let waits = |one: &Arrival| matches!(one, Arrival::Close(file, _) if door.kind == Kind::Wakes && door.is_busy(*file));
        !self.is_due() && door.ready.iter().all(waits)
    }

    fn take_replies(&mut self) {
        for (token, reply) in std::mem::take(&mut self.door().replies) {
            let Some(one) = self.under.iter_mut().find(|one| one.token == token && !one.done)
            else {
                continue;
            };
            one.done = true;
            let outcome = match reply {
                Reply::NotOpen => Outcome::NotOpen,
                Reply::Answered(answer) if answer.value == Err(Errno::EINTR) => {
                    Outcome::Interrupted { idle: one.idle }
                }
                Reply::Answered(answer) => Outcome::Answered(answer),
            };
            self.observed.push(Observed { op: one.op.clone(), outcome });
        }
    }

    /// Returns the turn after which no more signals and deaths come by themselves.
    fn last_fault(&self) -> u64 {
        let faults = |one: &Under| [one.op.signal, one.op.kill].into_iter().flatten().max();
        let open = self.under.iter().filter(|one| !one.done);
        open.filter_map(faults).map(|after| after % SOON).max().unwrap_or(0)
    }

    /// Sends signals, and kills processes, whose time has come.
    fn faults(&mut self, turns: u64) {
        let mut killed = BTreeSet::new();
        for one in self.under.iter_mut().filter(|one| !one.done) {
            let door = self.core.doors_mut();
            let comes = |after: Option<u64>| after.is_some_and(|after| turns >= after % SOON);
            if comes(one.op.signal) && !one.signalled && door.asked.contains_key(&one.token) {
                one.signalled = true;
                door.ready.push(Arrival::Interrupt(one.token));
            }
            if comes(one.op.kill) && one.op.process != 0 {
                killed.insert(one.op.process);
            }
        }
        for process in killed {
            self.kill(process);
        }
    }

    /// Ends a process: its calls are never answered, and its files are closed.
    fn kill(&mut self, process: usize) {
        if !self.dead.insert(process) {
            return;
        }
        for one in self.under.iter_mut().filter(|one| one.op.process == process && !one.done) {
            let door = self.core.doors_mut();
            // A close is not lost: it happens because of the death, if not before.
            if matches!(one.op.step, Step::Close(_)) {
                continue;
            }
            one.done = true;
            let token = one.token;
            let outcome = if door.asked.contains_key(&token) {
                door.dead.insert(token);
                door.ready.push(Arrival::Interrupt(token));
                Outcome::Lost
            } else if matches!(one.op.step, Step::OpenTimer(_)) {
                // Its request is on its way: the server opens a file, and nobody takes it. Nobody else notices.
                door.dead.insert(token);
                Outcome::NotOpen
            } else {
                door.ready
                    .retain(|one| !matches!(one, Arrival::Call(begun) if begun.token == token));
                Outcome::NotOpen
            };
            self.observed.push(Observed { op: one.op.clone(), outcome });
        }
        let door = self.core.doors();
        let of = |file: &usize| door.files[file].process == process && !door.is_closing(*file);
        let files: Vec<usize> = door.files.keys().copied().filter(of).collect();
        // The dead do not begin calls, but their files are closed.
        self.dead.remove(&process);
        files.into_iter().for_each(|file| self.begin(Op::close(file, process)));
        self.dead.insert(process);
    }

    /// Checks what programs were told about files: whoever waits in a poll was woken if there is something, and what the
    /// door shows is what a poll finds.
    fn states(&self) -> Result<(), Difference> {
        let door = self.core.doors();
        if door.kind == Kind::Wakes && door.polled.is_empty() {
            return Ok(());
        }
        let mut engine = self.core.session().engine().clone();
        let mut out = Vec::new();
        for (number, File { id: file, .. }) in &door.files {
            let poll = Input::Call { file: *file, call: Call::Poll };
            let bits = engine.handle(self.clock.now(), poll, &mut out).finish().unwrap_or(0);
            let (readable, writable) = (bits & READABLE != 0, bits & WRITABLE != 0);
            let now = i64::from(readable) | i64::from(writable) << 1;
            if let Some(then) = door.polled.get(number).filter(|then| now & !**then != 0) {
                let text = format!(
                    "nobody was woken on file {number}: a poll found {then}, another one would find {now}"
                );
                return Err(Difference { kind: "lost_wakeup".into(), text });
            }
            let Some(shown) = door.shown.get(file).filter(|_| door.kind == Kind::Shows) else {
                continue;
            };
            if (shown.readable, shown.writable) != (readable, writable) {
                let text = format!("file {number} is shown as {shown:?}, a poll would find {now}");
                return Err(Difference { kind: "shows_another_state".into(), text });
            }
        }
        Ok(())
    }
}
