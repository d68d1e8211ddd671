//! Writes that are not one moment: they sleep between two events, or a server takes their events in several parts.
//!
//! Such a write takes as many events as there is room for, and goes on later. Other calls come in between. In an order of calls it is
//! therefore several steps, each of which begins where the last one ended.

use super::serial::{MAX_REQUEST, Serial};
use super::{Observed, Op, Outcome};
use crate::device::{Device as _, Inside};
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventLength};
use aseqd_engine::WRITE_BATCH;

/// Maximum number of bytes of plain events that a server takes at once.
const BATCH: usize = WRITE_BATCH * EVENT_SIZE;

/// A call of a stretch that has not been answered yet, in an order of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its place in the stretch.
    pub(super) index: usize,
    /// How many bytes of a write were taken.
    pub(super) done: usize,
}

impl Left {
    /// Returns one for each call of a stretch.
    pub(super) fn all(calls: usize) -> Vec<Self> {
        (0..calls).map(|index| Self { index, done: 0 }).collect()
    }
}

/// Returns the bytes of a call that is a write of several moments, if these can be told apart.
fn parts(observed: &Observed) -> Option<&[u8]> {
    let Op { step: Step::Write(_, data), blocks, .. } = &observed.op else { return None };
    let op = &observed.op;
    let plain = op.kill.or(op.cancel).or(op.fail).is_none() && op.pointer.is_none() && !op.vector;
    let judged = match &observed.outcome {
        Outcome::Answered(_) | Outcome::Interrupted { idle: true } => true,
        Outcome::Interrupted { idle: false } | Outcome::NotOpen | Outcome::Lost => false,
    };
    let long = data.len() > BATCH;
    let is_divided = data.len() > EVENT_SIZE && (*blocks || long) && data.len() <= MAX_REQUEST;
    (plain && judged && is_divided && (!long || has_plain_events(data))).then_some(data)
}

/// Returns whether all records are events without data of their own, so that it is known where a part ends.
fn has_plain_events(data: &[u8]) -> bool {
    let special = EventLength::MASK | EventFlags::UMP.bits();
    let (records, rest) = data.as_chunks::<EVENT_SIZE>();
    rest.is_empty() && records.iter().all(|record| record[1] & special == 0)
}

/// Returns whether a call is a write of several moments that can be followed from one to the next.
pub(super) fn is_divided(observed: &Observed) -> bool {
    parts(observed).is_some()
}

/// Returns whether a call slept until nothing else happened: a signal came then, and it had done nothing, or only a part.
pub(super) fn slept(observed: &Observed) -> bool {
    match &observed.outcome {
        Outcome::Interrupted { .. } => true,
        Outcome::Answered(answer) => parts(observed).is_some_and(|data| {
            let taken = answer.value.ok().and_then(|taken| usize::try_from(taken).ok());
            observed.op.signal.is_none() && taken.is_some_and(|taken| taken < data.len())
        }),
        Outcome::NotOpen | Outcome::Lost => false,
    }
}

/// What may happen next to a divided write: the state after it, and how many bytes were taken if it goes on.
pub(super) type Next = (Box<Serial>, Option<usize>);

impl Serial {
    /// Returns whether a sleeping write on a file stays asleep although it would find some room: a client is woken when as much
    /// of its pool is free as it asks for.
    pub(super) fn is_not_woken(&self, file: Option<usize>) -> bool {
        let file = file.and_then(|file| self.files.get(&file));
        file.is_some_and(|file| !self.clone().device.poll(*file).writable)
    }

    /// Writes as much as there is room for. A call that may sleep, and would with nothing taken, is interrupted: `EAGAIN` is the error
    /// of an event whose receiver is full.
    fn write_part(&mut self, file: usize, data: &[u8], blocks: bool) -> Result<usize, Errno> {
        self.device.inside(&Inside::Blocking(file, blocks))?;
        let written = self.device.write(file, data);
        self.device.inside(&Inside::Blocking(file, false))?;
        written
    }

    /// Returns what may happen next to a write of several moments that has taken `done` bytes. `others` says whether calls that do
    /// not sleep come after it.
    pub(super) fn next_parts(
        &self,
        observed: &Observed,
        done: usize,
        others: bool,
    ) -> Option<Next> {
        let data = parts(observed)?;
        let op = &observed.op;
        let (answer, taken) = match &observed.outcome {
            Outcome::Answered(answer) => {
                (answer.value, answer.value.ok().and_then(|taken| usize::try_from(taken).ok()))
            }
            _ => (Err(Errno::EINTR), Some(0)),
        };
        if self.lost_sight {
            return Some((self.copy(), None));
        }
        // A signal, or a server that may keep no more calls, ends it between any two parts; else a signal comes when all rests.
        let may_end = taken == Some(done)
            && match done {
                0 => answer == Err(Errno::EINTR) && !others,
                _ => op.signal.is_some() || self.is_bounded() || !others,
            };
        let end = data.len().min(done + BATCH);
        let mut after = self.copy();
        let file = op.file.and_then(|file| self.files.get(&file));
        let made = file
            .map_or(Err(Errno::EBADF), |file| after.write_part(*file, &data[done..end], op.blocks));
        match made {
            Ok(more) => {
                let now = done + more;
                if may_end
                    && (op.signal.is_some() || self.is_bounded() || self.is_not_woken(op.file))
                {
                    return Some((self.copy(), None));
                }
                let goes_on = now < data.len();
                // An event stopped it that has failed: it is not tried again, which could end otherwise.
                if now < end && taken == Some(now) {
                    let rest =
                        file.map(|file| after.copy().write_part(*file, &data[now..end], op.blocks));
                    if rest.is_some_and(|rest| rest != Err(Errno::EINTR)) {
                        return Some((after, None));
                    }
                }
                // Where the file is closed while the write sleeps, nobody learns how much was taken.
                let closed = answer == Err(Errno::EBADF) && goes_on;
                let fits = closed || taken.is_some_and(|taken| now <= taken);
                (more > 0 && fits).then_some((after, goes_on.then_some(now)))
            }
            Err(Errno::EINTR) => {
                // It would sleep, and the server may keep no more calls.
                let refused = answer == Err(Errno::ENOMEM) && self.is_bounded();
                (may_end || refused).then_some((after, None))
            }
            // What it has done is the answer, whatever stops it. A write that sleeps does not learn that its queue is gone.
            Err(error) => {
                let closed = done > 0 && error == Errno::EBADF;
                let is_same = answer == Err(error) && (done == 0 || closed);
                (is_same || may_end || (done > 0 && taken == Some(done))).then_some((after, None))
            }
        }
    }

    /// Makes a write of several moments beside which nothing else happens.
    ///
    /// # Errors
    /// What the engine answers, if that is not what came of it.
    pub(super) fn follow_parts(&mut self, observed: &Observed) -> Result<(), Option<Answer>> {
        let mut done = Some(0);
        while let Some(before) = done {
            let Some((after, now)) = self.next_parts(observed, before, false) else {
                return Err(Some(self.clone().make(observed)));
            };
            (*self, done) = (*after, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::serial::{Verdict, check};
    use super::super::{Plan, Stretch};
    use super::*;
    use crate::device::EngineDevice;
    use crate::text::parse;

    /// Two cells of output, and a queue that stands.
    const SMALL: &str = "mode still\nc0.open block=1\nc0.create_port client=c0 capability=99\nc0.set_client_pool client=c0 output_pool=2 output_room=1\n\
        c0.create_queue as=q0\n";
    /// An event for tick 9 of that queue.
    const LATER: &str = "[ type=6 queue=q0 tick=9 dest=c0]";

    /// Returns whether an order explains what calls answered: those of the last stretch, of which the first is
    /// answered last.
    fn explained(calls: &str, answers: &[Result<i64, Errno>]) -> bool {
        let program = parse(&format!("{SMALL}{}", calls.replace("LATER", LATER)));
        let plan = Plan::of(&program.expect("a program"));
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let mut history: Vec<Stretch> = Vec::new();
        for stretch in &plan.stretches {
            let made = |engine: &mut Serial, op: &Op| {
                let nothing = Observed { op: op.clone(), outcome: Outcome::NotOpen };
                Observed { outcome: Outcome::Answered(engine.make(&nothing)), ..nothing }
            };
            if stretch.len() == 1 {
                history.push(vec![made(&mut engine, &stretch[0])]);
                continue;
            }
            let told = stretch.iter().zip(answers).map(|(op, value)| {
                let answered = Outcome::Answered(Answer { value: *value, told: Vec::new() });
                let slept = *value == Err(Errno::EINTR);
                let outcome = if slept { Outcome::Interrupted { idle: true } } else { answered };
                Observed { op: op.clone(), outcome }
            });
            let mut told: Stretch = told.collect();
            told.rotate_left(1);
            history.push(told);
            // Only the stretch itself is looked at.
            break;
        }
        match check(&Serial::new(EngineDevice::new(), [4242; 3]), &history) {
            Verdict::Explained => true,
            Verdict::Wrong(_) => false,
            Verdict::Unclear => panic!("it is not judged: {calls}"),
        }
    }

    #[test]
    fn a_write_goes_on_when_there_is_room() {
        let calls = "c0.write LATER LATER LATER async=1\nc0.remove_events mode=2";
        assert!(explained(calls, &[Ok(84), Ok(0)]));
        // The removal came before the write, and nobody took it out of its sleep but a signal.
        assert!(explained(calls, &[Ok(56), Ok(0)]));
        assert!(!explained(calls, &[Ok(28), Ok(0)]), "there was room for two");
        assert!(!explained(calls, &[Err(Errno::EINTR), Ok(0)]), "it has taken two");
        assert!(!explained(calls, &[Err(Errno::EAGAIN), Ok(0)]), "it may sleep");
    }

    #[test]
    fn what_stops_a_write_behind_its_sleep_does_not_take_the_place_of_the_count() {
        let calls =
            "c0.write LATER LATER LATER [ type=200 queue=253] async=1\nc0.remove_events mode=2";
        assert!(explained(calls, &[Ok(84), Ok(0)]));
        assert!(!explained(calls, &[Err(Errno::EINVAL), Ok(0)]));
        assert!(!explained(calls, &[Ok(112), Ok(0)]));
    }

    #[test]
    fn a_write_whose_file_is_closed_in_its_sleep_does_not_say_what_it_has_taken() {
        // A poll that finds no room, which is 2, comes behind the beginning of the write.
        let calls = "c0.write LATER LATER LATER async=1\nc0.poll async=2\nc0.open";
        assert!(explained(calls, &[Err(Errno::EBADF), Ok(0), Ok(0)]));
        let open = calls.replace("c0.open", "c0.remove_events mode=2");
        assert!(!explained(&open, &[Err(Errno::EBADF), Ok(0), Ok(0)]), "nobody closed it");
        let whole = calls.replace("LATER LATER LATER", "LATER LATER");
        assert!(!explained(&whole, &[Err(Errno::EBADF), Ok(0), Ok(0)]), "it did not sleep");
    }

    #[test]
    fn a_long_write_has_others_between_its_parts() {
        let calls =
            "c0.write [ type=6 queue=253 dest=254] copies=2500 async=1\nc0.remove_events mode=2";
        assert!(!explained(calls, &[Ok(28_000), Ok(0)]), "nobody ended it");
        let signal = calls.replace("async=1", "async=1 signal=3");
        assert!(explained(&signal, &[Ok(28_000), Ok(0)]));
        assert!(!explained(&signal, &[Ok(28), Ok(0)]), "it is not in the middle of a part");
    }
}
