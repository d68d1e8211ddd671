//! Compares what the devices of a server answer with the engine in this process.
//!
//! A server is the same engine behind a session and a door, so a difference is a mistake of these. Time is real there, so
//! a comparison ends where a queue or a timer first moves.

use crate::concurrent::serial::MAX_REQUEST;
use crate::device::{Abilities, Access, Device, EngineDevice, Inside, Readiness};
use crate::program::{Arguments, Call, Operation, Program, Settings};
use crate::tape::{Step, Tape};
use crate::transcript::{Transcript, transcript};
use aseqd_abi::Errno;
use aseqd_describe::Caller;
use std::time::Duration;

/// The answer of an open in a process that has no descriptor left (`EMFILE`).
const NO_DESCRIPTOR: &str = "= errno 24";

/// The engine, asked as a 64-bit process asks through a device: no test can be a 32-bit one, and no process can ask for what
/// happens inside of a server.
struct Wide(EngineDevice);

impl Device for Wide {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        self.0.open(access)
    }
    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        self.0.open_timer(access)
    }
    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno> {
        self.0.create_timer(file, argument)
    }
    fn close(&mut self, file: usize) {
        self.0.close(file);
    }
    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        self.0.ioctl(file, code, argument)
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        self.0.write(file, data)
    }
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.0.read(file, buffer)
    }
    fn poll(&mut self, file: usize) -> Readiness {
        self.0.poll(file)
    }
    fn wait(&mut self, time: Duration) {
        self.0.wait(time);
    }
    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        // The texts are files of their own.
        if *inside == Inside::Texts { Ok(0) } else { Err(Errno::ENODEV) }
    }
    fn process(&self) -> i32 {
        self.0.process()
    }
}

/// Returns the number of a call that is answered otherwise than by the engine, and both answers.
pub(super) fn difference(
    program: &Program,
    told: &Transcript,
    abilities: Abilities,
) -> Option<(usize, String)> {
    if program.settings != Settings::default() || program.calls.first().is_none_or(moves) {
        return None;
    }
    let Comparable { end, expected } = comparable(program, abilities);
    let differs = |at: &usize| {
        let (found, expected) = (&told.results[*at], &expected.results[*at]);
        found != expected && as_by_fuse(found) != as_by_fuse(expected)
    };
    // A program may open more files than this process may have.
    let full = told.results.iter().position(|found| found == NO_DESCRIPTOR);
    let end = full.map_or(end, |full| end.min(full));
    (0..end).find(differs).map(|at| {
        let (call, found, expected) =
            (&program.calls[at], &told.results[at], &expected.results[at]);
        (at, format!("{call}\nthe engine answers {expected}\nthe device answers {found}"))
    })
}

/// What of a program can be compared with a device in real time.
#[derive(Debug)]
pub(super) struct Comparable {
    /// The number of the first call that cannot.
    pub(super) end: usize,
    /// What the engine answers.
    pub(super) expected: Transcript,
}

/// Returns what of a program can be compared with a device.
pub(super) fn comparable(program: &Program, abilities: Abilities) -> Comparable {
    let moved = program.calls.iter().position(moves).unwrap_or(program.calls.len());
    let mut tape = Tape::new(Wide(EngineDevice::with_abilities(abilities)));
    let expected = transcript(&mut tape, program);
    let mut steps = tape.steps.iter().zip(&tape.calls);
    // A request of FUSE has at most 1 MiB, and takes a part of a longer write.
    let long = |step: &Step| matches!(step, Step::Write(_, data) if data.len() > MAX_REQUEST);
    let on_the_way = steps.find(|((step, _), _)| step.may_end_on_the_way() || long(step));
    let end = on_the_way.map_or(moved, |(_, call)| moved.min(*call));
    Comparable { end, expected }
}

/// Returns an answer as it comes through FUSE, whose requests never fail with ENOSYS.
fn as_by_fuse(answer: &str) -> String {
    answer.replace("ENOSYS", "ENOTTY")
}

/// Returns whether a call may let time matter, or is one that does not reach a server as it was made.
fn moves(call: &Call) -> bool {
    let number = |name| call.number(name);
    match call.operation {
        Operation::Request(name) => {
            let starts = ["t_start", "t_continue", "t_trigger", "old_start", "old_continue"];
            let narrow = crate::field::request_named(name)
                .is_some_and(|request| request.callers == Caller::Narrow);
            starts.iter().any(|start| name.contains(start)) || narrow || number("compat") == Some(1)
        }
        Operation::Write => {
            let control = |event: &Arguments| {
                let kind = crate::program::number(event, "type").unwrap_or(0);
                // A packet may become any of them.
                matches!(kind, 30 | 31) || crate::program::find(event, "w0").is_some()
            };
            call.events.is_empty() || call.events.iter().any(control)
        }
        // Reads of nothing, and other requests, may end on the way.
        Operation::Read => number("len").is_none_or(|len| len < 28),
        Operation::Ioctl | Operation::Sleep | Operation::Settle => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse;

    #[test]
    fn another_answer_of_a_door_is_a_difference_until_a_queue_runs() {
        let program = parse(
            "mode still\nc0.open access=2\nc0.create_queue as=q0\nc0.get_client_info client=c0\n\
             c0.write [START type=30 queue=253 control=q0]\nc0.get_queue_status queue=q0\n",
        )
        .expect("a program");
        let abilities = Abilities { ump: false, user_timers: false };
        let mut told = transcript(&mut EngineDevice::new(), &program);
        assert_eq!(difference(&program, &told, abilities), None);
        told.results[4] = "= EINVAL".into();
        assert_eq!(difference(&program, &told, abilities), None);
        told.results[2] = "= EINVAL".into();
        assert_eq!(difference(&program, &told, abilities).map(|(call, _)| call), Some(2));
    }

    /// The answers are those of `aseqd run`, by each of its doors.
    #[test]
    fn what_no_device_can_ask_of_the_engine_is_no_difference() {
        let difference = |calls: &[(&str, &str)]| {
            let text: String = calls.iter().map(|(call, _)| format!("{call}\n")).collect();
            let program = parse(&format!("mode still\n{text}")).expect("a program");
            let results = calls.iter().map(|(_, answer)| (*answer).to_owned()).collect();
            let abilities = Abilities { ump: false, user_timers: false };
            difference(&program, &Transcript { results }, abilities).map(|(call, _)| call)
        };
        let same = |calls: &[(&str, &str)]| {
            assert_eq!(difference(calls), None, "{calls:?}");
            // A wrong answer before that is one.
            let wrong = [&[("c9.open access=1", "= EINVAL")], calls].concat();
            assert_eq!(difference(&wrong), Some(0), "{calls:?}");
        };
        let (file, timer) = (("c0.open access=2", "c0"), ("t0.open_timer access=2", "open"));
        same(&[("c0.texts", "= 0"), file, ("c0.texts", "= 0")]);
        same(&[file, ("c0.blocking on=1", "= ENODEV"), ("c0.thread id=1", "= ENODEV")]);
        same(&[("c0.open_kernel card=-1", "= ENODEV"), ("k0.open_control", "= ENODEV")]);
        same(&[timer, ("t0.become_user_timer resolution=1000000", "= ENODEV")]);
        for errno in ["= ENOSYS", "= ENOTTY", "2 x = ENOTTY"] {
            let times = if errno.starts_with('2') { " times=2" } else { "" };
            same(&[timer, (&format!("t0.t_gparams class=1{times}"), errno)]);
        }
        assert_eq!(difference(&[timer, ("t0.t_gparams class=1", "= EINVAL")]), Some(1));
        same(&[timer, ("t0.t_stop_old", "= 0"), ("t0.t_info", "= EBADFD")]);
        same(&[file, ("c1.open access=2", "= errno 24"), ("c0.client_id", "= 9")]);
        same(&[file, ("c0.write [ type=6 queue=253] copies=40000", "= 1047816")]);
        same(&[file, ("c0.t_stop_old", "= 0")]);
        same(&[file, ("c0.write [ type=6 queue=253] cut=28", "= 0")]);
        same(&[file, ("c0.write [ type=6 queue=253] cut=28", "= EINVAL")]);
    }
}
