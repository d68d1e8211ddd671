//! Looks for an order in which calls that were made at once give the same answers one after the other.
//!
//! A sequencer is right if there is one (linearisability, Herlihy and Wing 1990). The calls of a stretch were all begun
//! before one of them had to end, so any order counts. The engine itself says what a call answers in an order. Its state is
//! copied where orders part.

use super::crew::end_of_first_read;
use super::describe::describe;
use super::divided::{Left, is_divided, slept};
use super::{Difference, Observed, Op, Outcome, Stretch};
use crate::device::{Device, EngineDevice, Inside};
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;
use aseqd_abi::ioctl::{self, timers};
use aseqd_abi::timer::{TimerRead, TimerUinfo};
use aseqd_abi::ump::UmpEvent;
use aseqd_engine::WRITE_BATCH;
use aseqd_wire::user_timer::BECOME_USER_TIMER;
use std::collections::BTreeMap;
use std::time::Duration;
use zerocopy::FromBytes as _;

/// Maximum number of steps that are made where several orders are possible. A stretch of five calls has 325.
const MAX_STEPS: usize = 4000;
/// Sizes of the records of a file, in bytes: those of a timer file without events, and of a client with UMP.
const SHORTEST_RECORD: usize = size_of::<TimerRead>();
const LONGEST_RECORD: usize = size_of::<UmpEvent>();
/// Maximum number of bytes of a write that a door takes at once.
pub(crate) const MAX_REQUEST: usize = 1 << 20;
const PAGE: usize = 4096;
/// Longest wait that is made on a device of the engine; longer ones are cut, as by all who run programs here.
pub const MAX_WAIT: Duration = Duration::from_millis(200);

/// The engine, with the files of a plan.
#[derive(Clone, Debug)]
pub struct Serial {
    pub(super) device: EngineDevice,
    pub(super) files: BTreeMap<usize, usize>,
    /// The number of each process.
    pids: [i32; 3],
    /// Whether the server holds little: see [`bounds`](super::bounds).
    bounded: bool,
    /// Whether the calls were made on device files, where polls sleep and pointers matter.
    pub(super) files_are_real: bool,
    /// How many bytes were unread when the edge of a file was last asked for.
    pub(super) edges: BTreeMap<usize, usize>,
    /// Whether a call has left something that nobody knows.
    pub(super) lost_sight: bool,
}

/// What a history says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order for each stretch.
    Explained,
    /// It has something that is not one call at one moment, such as a long write that slept in its middle.
    Unclear,
    /// There is none.
    Wrong(Difference),
}

impl Serial {
    /// Returns a fresh engine on which these processes make the calls.
    #[must_use]
    pub const fn new(device: EngineDevice, pids: [i32; 3]) -> Self {
        Self {
            device,
            files: BTreeMap::new(),
            pids,
            bounded: false,
            files_are_real: false,
            edges: BTreeMap::new(),
            lost_sight: false,
        }
    }

    /// Lets polls sleep, and pointers be bad.
    #[must_use]
    pub(crate) const fn real(mut self) -> Self {
        self.files_are_real = true;
        self
    }

    /// Lets calls fail because the server has reached a bound.
    #[must_use]
    pub(super) const fn bounded(mut self, bounded: bool) -> Self {
        self.bounded = bounded;
        self
    }

    /// Returns a copy that takes no room on the stack: a search has one for each stretch.
    #[inline(never)]
    pub(super) fn copy(&self) -> Box<Self> {
        Box::new(self.clone())
    }

    /// Returns whether calls may fail because the server has reached a bound.
    pub(super) const fn is_bounded(&self) -> bool {
        self.bounded
    }

    /// Lets time pass.
    pub(crate) fn pause(&mut self, time: Duration) {
        self.device.wait(time);
    }

    /// Makes a step. A file that is not open is `EBADF`.
    pub fn make(&mut self, observed: &Observed) -> Answer {
        let op = &observed.op;
        let nothing = |value: Result<i64, Errno>| Answer { value, told: Vec::new() };
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let file = op.file.map(|file| self.files.get(&file).copied());
        let Some(file) = file.unwrap_or(Some(usize::MAX)) else {
            return nothing(Err(Errno::EBADF));
        };
        let mut opened = |made: Result<usize, Errno>, told| {
            if let (Ok(made), Some(number)) = (made, op.opens) {
                self.files.insert(number, made);
            }
            Answer { value: made.map(|_| op.opens.map_or(0, count)), told }
        };
        match &op.step {
            Step::Open(access) => {
                self.device.set_process(self.pids[op.process]);
                opened(self.device.open(*access), Vec::new())
            }
            Step::OpenTimer(access) => {
                self.device.set_process(self.pids[op.process]);
                opened(self.device.open_timer(*access), Vec::new())
            }
            Step::CreateTimer(_, argument) => {
                let mut told = argument.clone();
                let made = self.device.create_timer(file, &mut told);
                opened(made, told)
            }
            Step::Close(number) => {
                self.device.close(file);
                self.files.remove(number);
                self.edges.remove(number);
                nothing(Ok(0))
            }
            Step::Ioctl { code: BECOME_USER_TIMER, argument, .. } => {
                self.become_user_timer(file, argument)
            }
            Step::Ioctl { code, compat, argument, .. } => {
                let mut told = argument.clone();
                let value = match compat {
                    true => self.device.ioctl_compat(file, *code, &mut told),
                    false => self.device.ioctl(file, *code, &mut told),
                };
                Answer { value: value.map(i64::from), told }
            }
            Step::Write(_, data) => nothing(self.device.write(file, data).map(count)),
            Step::Read(_, len) => {
                let mut buffer = vec![0; *len];
                let value = self.device.read(file, &mut buffer);
                buffer.truncate(value.unwrap_or(0));
                Answer { value: value.map(count), told: buffer }
            }
            Step::Poll(_) => {
                let ready = self.device.poll(file);
                nothing(Ok(i64::from(ready.readable) | i64::from(ready.writable) << 1))
            }
            Step::Wait(time) => {
                self.device.wait((*time).min(MAX_WAIT));
                nothing(Ok(0))
            }
            Step::Inside(_) => nothing(Err(Errno::ENODEV)),
        }
    }

    /// Makes a read by `readv` as Linux does: each part is a read, and the first one that is not filled is the last.
    fn read_in_two(&mut self, observed: &Observed, file: usize, len: usize) -> Answer {
        let mut all = Vec::new();
        let first = end_of_first_read(len);
        for part in [first, len - first] {
            let op = Op { step: Step::Read(file, part), ..observed.op.clone() };
            let made = self.make(&Observed { op, outcome: Outcome::NotOpen });
            if let (Err(_), true) = (made.value, all.is_empty()) {
                return made;
            }
            all.extend(made.told);
            if all.len() < first {
                break;
            }
        }
        Answer { value: Ok(i64::try_from(all.len()).unwrap_or(i64::MAX)), told: all }
    }

    /// Makes a step that was answered with `ENOMEM` by a server with small bounds. It may have been refused before it was
    /// made, or because it would have had to wait.
    fn follow_bound(&mut self, observed: &Observed) -> Result<(), Option<Answer>> {
        if matches!(observed.op.step, Step::OpenTimer(_) | Step::CreateTimer(..)) {
            return Ok(());
        }
        let made = self.make(observed);
        let waits = matches!(observed.op.step, Step::Read(..) | Step::Write(..));
        let refused = match made.value {
            Err(Errno::ENOMEM) => true,
            // It would wait.
            Err(Errno::EAGAIN) => waits,
            _ => false,
        };
        if refused { Ok(()) } else { Err(Some(made)) }
    }

    /// Makes our own request on a file of the timer device.
    fn become_user_timer(&mut self, file: usize, argument: &[u8]) -> Answer {
        let mut told = argument.to_vec();
        let Ok(info) = TimerUinfo::mut_from_bytes(&mut told) else {
            return Answer { value: Err(Errno::EFAULT), told };
        };
        let made = self.device.inside(&Inside::BecomeUserTimer(file, info.resolution));
        if let Ok(number) = made {
            info.id = u32::try_from(number).unwrap_or(u32::MAX);
        }
        Answer { value: made.map(|_| 0), told }
    }

    /// Returns what the engine says if a read that was made alone has slept, and should have told that events were lost.
    fn sleeps_on_a_loss(&self, observed: &Observed) -> Option<Answer> {
        let slept = observed.outcome == (Outcome::Interrupted { idle: true });
        let reads = slept && observed.op.pointer.is_none() && !self.lost_sight;
        let reads = reads && matches!(observed.op.step, Step::Read(..));
        let made = reads.then(|| self.copy().make(observed));
        made.filter(|made| made.value == Err(Errno::ENOSPC))
    }

    /// Returns whether two answers to a step are the same, as far as they are told to programs.
    fn same(&self, step: &Step, left: &Answer, right: &Answer) -> bool {
        match step {
            Step::Open(_) | Step::OpenTimer(_) => {
                left.value.map(|_| ()).map_err(|error| error.0)
                    == right.value.map(|_| ()).map_err(|error| error.0)
            }
            Step::CreateTimer(..) => left.value.is_ok() == right.value.is_ok(),
            Step::Ioctl { code, .. } => {
                // What such a request copies back although its code does not say so, not every door can carry.
                let told = ioctl::direction(*code) & ioctl::READ == 0 || left.told == right.told;
                // Requests of FUSE never fail with ENOSYS.
                let fuse = (left.value, right.value) == (Err(Errno::ENOSYS), Err(Errno::ENOTTY));
                self.files_are_real && fuse
                    || left.value == right.value && (told || left.value.is_err())
            }
            Step::Read(..) => left == right,
            // A request of FUSE has at most 256 pages, of which the first and the last need not be whole.
            Step::Write(_, data) if data.len() > MAX_REQUEST => match (left.value, right.value) {
                (Ok(all), Ok(taken)) => {
                    let least = i64::try_from(MAX_REQUEST - PAGE - LONGEST_RECORD).unwrap_or(0);
                    taken == all || (least..all).contains(&taken)
                }
                _ => left.value == right.value,
            },
            _ => left.value == right.value,
        }
    }

    /// Makes a step. `others` says whether further steps of the stretch come after it.
    ///
    /// # Errors
    /// What the engine answers, if that is not what came of it.
    fn follow(&mut self, observed: &Observed, others: bool) -> Result<(), Option<Answer>> {
        if self.lost_sight {
            return Ok(());
        }
        if is_divided(observed) {
            return self.follow_parts(observed);
        }
        if let Some(result) = self.follow_file(observed, others) {
            return result;
        }
        if let (Step::Read(file, len), true, Outcome::Answered(answer)) =
            (&observed.op.step, observed.op.vector && self.files_are_real, &observed.outcome)
        {
            let joined = self.clone().make(observed);
            if joined != *answer {
                let made = self.read_in_two(observed, *file, *len);
                return if made == *answer { Ok(()) } else { Err(Some(joined)) };
            }
        }
        let is_same = match &observed.outcome {
            Outcome::Answered(Answer { value: Err(Errno::ENOMEM), .. }) if self.bounded => {
                return self.follow_bound(observed);
            }
            Outcome::Answered(answer) => {
                let made = self.make(observed);
                return if self.same(&observed.op.step, &made, answer) {
                    Ok(())
                } else {
                    Err(Some(made))
                };
            }
            // The call did nothing. If all was at rest, there was nothing that it could have done.
            Outcome::Interrupted { idle: false } | Outcome::NotOpen => true,
            Outcome::Interrupted { idle: true } if others => false,
            Outcome::Interrupted { idle: true } => {
                let is_write = matches!(observed.op.step, Step::Write(..));
                if is_write && self.is_not_woken(observed.op.file) {
                    return Ok(());
                }
                let mut after = self.copy();
                let made = after.make(observed);
                // A write that waits for room does not learn that its queue is gone.
                let write = is_write && made.value.is_err();
                let reads = matches!(observed.op.step, Step::Read(..));
                // A read that sleeps does not learn that an event was too long for the pool, as on Linux.
                let lost = reads && made.value == Err(Errno::ENOSPC);
                // A read that sleeps does not learn that records are longer now, so that none would fit.
                let records = SHORTEST_RECORD..LONGEST_RECORD;
                let read = matches!(&observed.op.step, Step::Read(_, len) if records.contains(len));
                let none_fits = read && made.value == Ok(0);
                if !write
                    && !lost
                    && !none_fits
                    && !matches!(made.value, Err(Errno::EAGAIN | Errno::EBADF))
                {
                    return Err(Some(made));
                }
                // It began before the event was lost, which the next read is told. What it could not read is gone.
                if !lost {
                    *self = *after;
                }
                true
            }
            Outcome::Lost => {
                self.make(observed);
                // Nobody has the file.
                let opened = observed.op.opens.and_then(|number| self.files.remove(&number));
                opened.into_iter().for_each(|file| self.device.close(file));
                true
            }
        };
        if is_same { Ok(()) } else { Err(None) }
    }
}

/// Returns whether a step is one at one moment.
fn is_clear(observed: &Observed) -> bool {
    let op = &observed.op;
    match &op.step {
        // It took nothing, and had nothing to take when all was at rest.
        _ if observed.outcome == (Outcome::Interrupted { idle: true }) => true,
        // The number of the new file depends on who writes it there.
        Step::Ioctl { code: timers::CREATE, .. } => false,
        // A long write is handled in parts, and so is one that sleeps between its events. Not all can be followed.
        Step::Write(_, data) => {
            is_divided(observed)
                || data.len() <= WRITE_BATCH * EVENT_SIZE
                    && (data.len() <= EVENT_SIZE || !op.blocks)
        }
        _ => true,
    }
}

/// Looks for an order of each stretch.
#[must_use]
pub fn check(start: &Serial, history: &[Stretch]) -> Verdict {
    let mut search = Search { history, steps: 0, failed: None, unclear: false };
    if search.from(start.copy(), 0) {
        return Verdict::Explained;
    }
    match search.failed {
        Some((_, difference)) if !search.unclear => Verdict::Wrong(difference),
        _ => Verdict::Unclear,
    }
}

/// A search in depth for orders: the order in which the answers came is tried first, and explains nearly all.
struct Search<'a> {
    history: &'a [Stretch],
    /// How many steps were made where several orders are possible.
    steps: usize,
    /// The last stretch for which no order was found. Up to there all was well.
    failed: Option<(usize, Difference)>,
    unclear: bool,
}

impl Search<'_> {
    /// Returns whether the history from a stretch on can be explained.
    fn from(&mut self, mut state: Box<Serial>, first: usize) -> bool {
        let history = self.history;
        for (number, stretch) in history.iter().enumerate().skip(first) {
            // Of a call that is lost, nobody knows whether it was made.
            if let [observed] = &stretch[..]
                && observed.outcome != Outcome::Lost
            {
                let followed = match state.sleeps_on_a_loss(observed) {
                    Some(said) => Err(Some(said)),
                    None => state.follow(observed, false),
                };
                let Err(said) = followed else { continue };
                self.unclear |= !is_clear(observed);
                self.fail(number, || describe(stretch, number, &[said]));
                return false;
            }
            // Each part of a vector is a write of its own.
            if !stretch.iter().all(|one| is_clear(one) && !one.op.vector) {
                self.unclear = true;
                return false;
            }
            let explained = self.orders(&state, number, &Left::all(stretch.len()));
            if !explained {
                self.fail(number, || {
                    let said: Vec<_> = stretch.iter().map(|one| Some(state.make(one))).collect();
                    describe(stretch, number, &said)
                });
            }
            return explained;
        }
        true
    }

    /// Notes that a stretch cannot be explained.
    fn fail(&mut self, number: usize, difference: impl FnOnce() -> Difference) {
        if self.failed.as_ref().is_none_or(|(failed, _)| *failed < number) {
            self.failed = Some((number, difference()));
        }
    }

    /// Returns whether an order of what is left of a stretch explains it and all that follows.
    fn orders(&mut self, state: &Serial, number: usize, left: &[Left]) -> bool {
        if left.is_empty() {
            return self.from(state.copy(), number + 1);
        }
        let stretch = &self.history[number];
        for (at, one) in left.iter().enumerate() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                self.unclear = true;
                return false;
            }
            let observed = &stretch[one.index];
            let mut rest = left.to_vec();
            rest.remove(at);
            let others = rest
                .iter()
                .map(|other| &stretch[other.index])
                .any(|other| !slept(other) && !is_silent(&other.op, &observed.op));
            if is_divided(observed) {
                let next = state.next_parts(observed, one.done, others);
                let is_explained = next.is_some_and(|(after, done)| match done {
                    None => self.orders(&after, number, &rest),
                    Some(done) => {
                        let mut left = left.to_vec();
                        left[at].done = done;
                        self.orders(&after, number, &left)
                    }
                });
                if is_explained {
                    return true;
                }
                continue;
            }
            let mut after = state.copy();
            if after.follow(observed, others).is_ok() && self.orders(&after, number, &rest) {
                return true;
            }
            // Or the process died before it did anything.
            if observed.outcome == Outcome::Lost && self.orders(state, number, &rest) {
                return true;
            }
        }
        false
    }
}

/// Returns whether a call does not wake another one: parameters of a timer may put an early event into its file, of which those who
/// sleep are not told, on Linux neither.
fn is_silent(op: &Op, sleeps: &Op) -> bool {
    let params = matches!(op.step, Step::Ioctl { code: timers::PARAMS, .. });
    params && op.file == sleeps.file
}
