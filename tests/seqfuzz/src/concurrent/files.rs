//! Calls that only device files know, in an order of calls: polls that sleep, edges, and bad pointers.

use super::pointers::{Expected, is_one_of};
use super::serial::Serial;
use super::{How, Observed, Outcome};
use crate::device::Device as _;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use aseqd_abi::event::EVENT_SIZE;

impl Serial {
    /// Makes a step as [`follow`](Self::follow) does, if it is one that only device files know.
    pub(super) fn follow_file(
        &mut self,
        observed: &Observed,
        others: bool,
    ) -> Option<Result<(), Option<Answer>>> {
        let op = &observed.op;
        let file = self.files.get(&op.file?).copied().filter(|_| self.files_are_real)?;
        let verdict =
            |is_right: bool, made: Answer| Some(if is_right { Ok(()) } else { Err(Some(made)) });
        let answered = match &observed.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Interrupted { idle: true } => None,
            _ => return None,
        };
        if op.how.is_some() && answered.is_none() && others {
            return Some(Err(None));
        }
        if op.how == Some(How::Edge) {
            let unread = self.unread(file);
            let before = self.edges.insert(op.file?, unread);
            // Whatever has come since then is an edge. One more does no harm.
            let missed = answered.is_none() && before.is_some_and(|before| unread > before);
            let value = Ok(i64::try_from(unread).unwrap_or(i64::MAX));
            return verdict(!missed, Answer { value, told: Vec::new() });
        }
        if op.how.is_some() {
            let made = self.make(observed);
            let readable = made.value.map_or(0, |bits| bits & 1);
            return verdict(
                answered.map_or(0, |answer| answer.value.unwrap_or(-1)) == readable,
                made,
            );
        }
        let expected = op.pointer?.expected(&self.device, file, &op.step);
        let Some(answer) = answered else {
            self.lost_sight = true;
            return Some(Ok(()));
        };
        let failed = |error| Answer { value: Err(error), told: Vec::new() };
        match expected {
            Expected::Made => None,
            Expected::Fails(errors) => {
                // An error may have an effect: a read says once that events were lost, and the first write makes the pool.
                match (&op.step, answer.value) {
                    (Step::Read(..), Err(error)) if error == errors[0] => drop(self.make(observed)),
                    (Step::Write(_, data), Err(Errno::EFAULT)) if data.len() >= EVENT_SIZE => {
                        self.lost_sight = true;
                    }
                    (Step::Write(_, data), Err(_)) => {
                        let there = op.pointer.map_or(data.len(), |to| to.there(data.len()));
                        let _same = self.device.write(file, &data[..there]);
                    }
                    _ => {}
                }
                verdict(is_one_of(answer, &errors), failed(errors[0]))
            }
            Expected::MadeThenFails => {
                let made = self.make(observed);
                let errors = [Errno::EFAULT, made.value.err().unwrap_or(Errno::EFAULT)];
                verdict(is_one_of(answer, &errors), made)
            }
            Expected::Shorter(there) => {
                let Step::Write(_, data) = &op.step else { return None };
                let taken = self.device.write(file, &data[..there]);
                let value = taken.map(|taken| i64::try_from(taken).unwrap_or(i64::MAX));
                verdict(answer.value == value, Answer { value, told: Vec::new() })
            }
            Expected::Part(there) => {
                let mut told = vec![0; there];
                let value = match there {
                    0 => Err(Errno::EFAULT),
                    _ => self.device.read(file, &mut told),
                };
                told.truncate(value.unwrap_or(0));
                let value = value.map(|read| i64::try_from(read).unwrap_or(i64::MAX));
                let made = Answer { value, told };
                verdict(answer.value == Err(Errno::EFAULT) || *answer == made, made)
            }
            Expected::Unknown => {
                self.lost_sight = true;
                Some(Ok(()))
            }
        }
    }

    /// Returns how many bytes a file has to read.
    fn unread(&self, file: usize) -> usize {
        let mut device = self.device.clone();
        let mut buffer = vec![0; 1 << 16];
        std::iter::from_fn(|| device.read(file, &mut buffer).ok().filter(|read| *read > 0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::serial::{Verdict, check};
    use super::*;
    use crate::device::EngineDevice;
    use crate::text::parse;

    /// Returns the verdict on what a device file has answered to calls, each alone. The first two open and make a port.
    fn verdict(calls: &str, outcomes: &[Outcome]) -> Verdict {
        let text =
            format!("mode still\nc0.open\nc0.create_port client=c0 capability=99\n{calls}\n");
        let plan = Plan::of(&parse(&text).expect("a program"));
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let mut history = Vec::new();
        for (number, stretch) in plan.stretches.iter().enumerate() {
            let [op] = &stretch[..] else { panic!("one call at a time") };
            let nothing = Observed { op: op.clone(), outcome: Outcome::NotOpen };
            let outcome = match number.checked_sub(2) {
                // Files are closed at the end.
                Some(number) => outcomes.get(number).cloned().unwrap_or_else(|| value(Ok(0))),
                None => Outcome::Answered(engine.make(&nothing)),
            };
            history.push(vec![Observed { outcome, ..nothing }]);
        }
        check(&Serial::new(EngineDevice::new(), [4242; 3]).real(), &history)
    }

    fn is(calls: &str, outcomes: &[Outcome], right: bool) {
        let verdict = verdict(calls, outcomes);
        assert_eq!(verdict == Verdict::Explained, right, "{calls}: {outcomes:?}: {verdict:?}");
    }

    fn value(value: Result<i64, Errno>) -> Outcome {
        Outcome::Answered(Answer { value, told: Vec::new() })
    }

    const SLEPT: Outcome = Outcome::Interrupted { idle: true };
    const EVENT: &str = "c0.write [ type=6 queue=253 dest=c0]";

    #[test]
    fn a_poll_sleeps_until_there_is_something_to_read() {
        for how in [1, 2] {
            let poll = format!("c0.poll how={how}");
            is(&poll, &[SLEPT], true);
            is(&poll, &[value(Ok(1))], false);
            let after = format!("{EVENT}\n{poll}");
            is(&after, &[value(Ok(28)), value(Ok(1))], true);
            is(&after, &[value(Ok(28)), SLEPT], false);
        }
    }

    /// Linux reads into each part by itself, and FUSE joins them.
    #[test]
    fn a_read_in_two_parts_is_one_read_or_two() {
        let data = "c0.write [ type=130 flags=4 queue=253 dest=c0 len=20 body=20]\nc0.read len=84 vector=1";
        is(data, &[value(Ok(48)), value(Err(Errno::EAGAIN))], true);
        is(data, &[value(Ok(48)), value(Ok(0))], false);
        is(&data.replace(" vector=1", ""), &[value(Ok(48)), value(Err(Errno::EAGAIN))], false);
        let nothing = "c0.read len=56 vector=1";
        is(nothing, &[value(Err(Errno::EAGAIN))], true);
        is(nothing, &[value(Ok(0))], false);
    }

    #[test]
    fn an_edge_comes_with_each_event() {
        let poll = "c0.poll how=3";
        let calls = format!("{poll}\n{EVENT}\n{poll}\n{EVENT}\n{poll}\n{poll}");
        let (none, wrote, edge) = (value(Ok(0)), value(Ok(28)), value(Ok(1)));
        let all = [none, wrote.clone(), edge.clone(), wrote, edge, SLEPT];
        is(&calls, &all, true);
        for missed in [2, 4] {
            let mut all = all.clone();
            all[missed] = SLEPT;
            is(&calls, &all, false);
        }
    }

    #[test]
    fn bad_pointers_fail_as_on_linux() {
        let (fault, inval) = (|| value(Err(Errno::EFAULT)), || value(Err(Errno::EINVAL)));
        for pointer in [0, 1] {
            is(&format!("{EVENT} pointer={pointer}"), &[fault()], true);
            is(&format!("{EVENT} pointer={pointer}"), &[value(Ok(28))], false);
            is(&format!("c0.client_id pointer={pointer}"), &[fault()], true);
            is(&format!("c0.client_id pointer={pointer}"), &[value(Ok(0))], false);
        }
        // What is there is taken.
        let two = "c0.write [ type=6 queue=253 dest=c0] [ type=6 queue=253 dest=c0] pointer=31";
        is(&format!("{two}\nc0.poll"), &[value(Ok(28)), value(Ok(3))], true);
        is(two, &[fault()], false);
        is(two, &[value(Ok(56))], false);
        // The first is there, and refused.
        let refused = "c0.write [ type=200 queue=253] [ type=6 queue=253 dest=c0] pointer=31";
        is(refused, &[inval()], true);
        is(refused, &[fault()], false);
        // The data of the first is not there.
        let cut = "c0.write [ type=130 flags=4 queue=253 dest=c0 len=28 body=28] pointer=31";
        is(cut, &[fault()], true);
        // Its type has none, so nobody looks at it.
        let typed = "c0.write [ type=6 flags=4 queue=253 dest=c0 len=28 body=28] pointer=31";
        is(typed, &[inval()], true);
        is(typed, &[fault()], false);
        // Whether the data or the queue is missed first depends on the door.
        let queue = "c0.write [ type=130 flags=4 queue=7 dest=c0 len=28 body=28] pointer=31";
        is(queue, &[inval()], true);
        is(queue, &[fault()], true);
        // A request of the other device is unknown, whatever it points to.
        let other = "t0.open_timer\nt0.set_queue_info pointer=4";
        for (answer, right) in
            [(Errno::ENOTTY, true), (Errno::EFAULT, true), (Errno::EINVAL, false)]
        {
            is(other, &[value(Ok(1)), value(Err(answer))], right);
        }
        // A request that copies its answer back has had its effect.
        let queue = "c0.create_queue pointer=2\nc0.get_queue_info queue=0";
        is(queue, &[fault(), value(Err(Errno::EINVAL))], false);
    }

    /// Linux and all doors leave what does not fit into what is there; FUSE returns the rest instead of an error.
    #[test]
    fn a_read_whose_memory_ends_leaves_what_did_not_fit() {
        let kinds = [6, 7, 8].map(|kind| format!("[ type={kind} queue=253 dest=c0]"));
        let calls =
            format!("c0.write {}\nc0.read len=84 pointer=31\nc0.read len=8192", kinds.join(" "));
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let program = parse(&format!(
            "mode still\nc0.open\nc0.create_port client=c0 capability=99\n{}",
            calls.replace("len=84 pointer=31", "len=28")
        ));
        let made: Vec<Answer> = Plan::of(&program.expect("a program"))
            .stretches
            .iter()
            .map(|stretch| {
                engine.make(&Observed { op: stretch[0].clone(), outcome: Outcome::NotOpen })
            })
            .collect();
        let (wrote, first, rest) = (&made[2], &made[3], &made[4]);
        let is = |read: Outcome, then: Outcome, right| {
            is(&calls, &[Outcome::Answered(wrote.clone()), read, then], right);
        };
        let answered = |answer: &Answer| Outcome::Answered(answer.clone());
        let fault = || value(Err(Errno::EFAULT));
        is(fault(), answered(rest), true);
        is(answered(first), answered(rest), true);
        is(value(Err(Errno::EAGAIN)), answered(rest), false);
        // An event is lost, all are, or the first comes twice.
        let mut told = rest.clone();
        told.told.drain(..28);
        told.value = Ok(28);
        is(fault(), answered(&told), false);
        is(fault(), value(Err(Errno::EAGAIN)), false);
        is(fault(), answered(first), false);
    }

    #[test]
    fn a_read_that_is_cancelled_alone_was_made_or_not() {
        let calls = format!("{EVENT}\nc0.read len=28 cancel=3\nc0.poll");
        for ready in [2, 3] {
            is(&calls, &[value(Ok(28)), Outcome::Lost, value(Ok(ready))], true);
        }
        is(&calls, &[value(Ok(28)), Outcome::Lost, value(Ok(0))], false);
    }

    #[test]
    fn a_read_that_begins_after_a_loss_does_not_sleep() {
        let small = "c0.set_client_pool client=c0 input_pool=1";
        let long = "c0.write [ type=130 flags=4 queue=253 dest=c0 len=1 body=1]";
        let calls = format!("{small}\n{long}\nc0.read len=56");
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let text =
            format!("mode still\nc0.open\nc0.create_port client=c0 capability=99\n{calls}\n");
        let plan = Plan::of(&parse(&text).expect("a program"));
        let mut made = plan.stretches.iter().map(|stretch| {
            engine.make(&Observed { op: stretch[0].clone(), outcome: Outcome::NotOpen })
        });
        let pool = Outcome::Answered(made.nth(2).expect("four calls and the close"));
        let lost = [pool, value(Err(Errno::ENOMEM))];
        is(&calls, &[lost.as_slice(), &[value(Err(Errno::ENOSPC))]].concat(), true);
        is(&calls, &[lost.as_slice(), &[SLEPT]].concat(), false);
    }

    #[test]
    fn requests_of_fuse_never_fail_with_enosys() {
        let calls = "t0.open_timer\nt0.t_gparams class=1";
        is(calls, &[value(Ok(1)), value(Err(Errno::ENOSYS))], true);
        is(calls, &[value(Ok(1)), value(Err(Errno::ENOTTY))], true);
        is(calls, &[value(Ok(1)), value(Err(Errno::EINVAL))], false);
    }

    /// The first write of a client makes its pool, whatever comes of its events.
    #[test]
    fn a_write_that_fails_has_made_the_pool() {
        let calls = "c0.write [ type=200] [] pointer=31\nc0.get_client_pool client=c0";
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let text =
            format!("mode still\nc0.open\nc0.create_port client=c0 capability=99\n{calls}\n");
        let plan = Plan::of(&parse(&text).expect("a program"));
        let mut told = plan.stretches.iter().map(|stretch| {
            Outcome::Answered(engine.make(&Observed { op: stretch[0].clone(), outcome: SLEPT }))
        });
        let pool = told.nth(3).expect("four calls and the close");
        is(calls, &[value(Err(Errno::EINVAL)), pool], true);
        let mut engine = Serial::new(EngineDevice::new(), [4242; 3]);
        let before = plan.stretches.iter().enumerate().filter(|(at, _)| *at != 2);
        let mut told = before.map(|(_, stretch)| {
            Outcome::Answered(engine.make(&Observed { op: stretch[0].clone(), outcome: SLEPT }))
        });
        is(calls, &[value(Err(Errno::EINVAL)), told.nth(2).expect("three calls")], false);
    }

    #[test]
    fn a_long_write_may_end_where_a_request_of_fuse_does() {
        let long = "c0.write [ type=6 queue=253 dest=254] copies=40000";
        is(long, &[value(Ok(28 * 40_000))], true);
        is(long, &[value(Ok(1_047_816))], true);
        is(long, &[value(Ok(1000 * 28))], false);
        is(long, &[value(Ok(0))], false);
    }
}
