//! Other processes that make calls: each is this program again (`seqfuzz fuzz-hand`), told by lines of text what to do.

use super::crew::Crew;
use super::{Copied, How, Op, Pointer};
use crate::device::Access;
use crate::tape::{Answer, Step};
use aseqd_abi::Errno;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// A process that makes calls for a campaign.
#[derive(Debug)]
pub struct Hand {
    child: Child,
    lines: ChildStdin,
    reader: Option<JoinHandle<()>>,
}

impl Hand {
    /// Starts a process, whose answers go to `sender`.
    ///
    /// # Errors
    /// Those of starting a process.
    pub fn start(sender: Sender<(usize, Answer)>) -> std::io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("fuzz-hand").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(lines), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("a process without pipes"));
        };
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            // The campaign may have ended.
            let _sent =
                lines.filter_map(|line| read_answer(&line)).try_for_each(|one| sender.send(one));
        });
        Ok(Self { child, lines, reader: Some(reader) })
    }

    /// Says something to the process. One that has died does not hear it.
    fn say(&mut self, line: &str) {
        let _dead = writeln!(self.lines, "{line}").and_then(|()| self.lines.flush());
    }

    /// Begins a call.
    pub fn begin(&mut self, number: usize, op: &Op) {
        self.say(&format!("{number} {}", write_op(op)));
    }

    /// Sends a signal to the thread of a call.
    pub fn signal(&mut self, number: usize) {
        self.say(&format!("signal {number}"));
    }

    /// Closes all its files, which it answers. Its calls have been answered.
    pub fn close_all(&mut self, number: usize) {
        self.say(&format!("close {number}"));
    }

    /// Ends a stretch.
    pub fn settle(&mut self) {
        self.say("settle");
    }

    /// Returns its process number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }
}

impl Drop for Hand {
    /// Kills it. Its files are closed when this returns.
    fn drop(&mut self) {
        let _dead_already = self.child.kill();
        let _status = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _panicked = reader.join();
        }
    }
}

/// Makes calls until there are no more lines on standard input.
///
/// # Errors
/// A message for people if there is no process to work in.
pub fn work() -> Result<(), String> {
    enum Event {
        Line(String),
        Made(super::crew::Made),
    }
    let (events, received): (Sender<Event>, Receiver<Event>) = channel();
    let (made, answers) = channel();
    let mut crew = Crew::new(made).map_err(|error| format!("no descriptors: {error}"))?;
    let to = events.clone();
    std::thread::spawn(move || {
        let _over = answers.into_iter().try_for_each(|made| to.send(Event::Made(made)));
    });
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        let _over = lines.map(Event::Line).try_for_each(|line| events.send(line));
        // Whoever started this process is gone.
        std::process::exit(0);
    });
    let mut opens = std::collections::BTreeMap::new();
    for event in received {
        match event {
            Event::Made((number, answer, descriptor)) => {
                if let (Some(file), Some(descriptor)) = (opens.remove(&number), descriptor) {
                    crew.opened(file, descriptor);
                }
                println!("{}", write_answer(number, &answer));
            }
            Event::Line(line) => match line.split_once(' ') {
                Some(("signal", number)) => number.parse().iter().for_each(|one| crew.signal(*one)),
                Some(("close", number)) => {
                    crew.close_all();
                    let number = number.parse().map_err(|_| format!("no number: {line}"))?;
                    let closed = Answer { value: Ok(0), told: Vec::new() };
                    println!("{}", write_answer(number, &closed));
                }
                Some((number, op)) => {
                    let read = number.parse::<usize>().ok().zip(read_op(op));
                    let (number, op) = read.ok_or_else(|| format!("no call: {line}"))?;
                    opens.extend(op.opens.map(|file| (number, file)));
                    crew.begin(number, &op);
                }
                None => crew.settle(),
            },
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("x"), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('x')?;
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

fn write_answer(number: usize, answer: &Answer) -> String {
    let (value, error) = answer.value.map_or_else(|error| (0, error.0), |value| (value, 0));
    format!("{number} {value} {error} {}", hex(&answer.told))
}

fn read_answer(line: &str) -> Option<(usize, Answer)> {
    let mut words = line.split(' ');
    let number = words.next()?.parse().ok()?;
    let value = words.next()?.parse().ok()?;
    let error = words.next()?.parse().ok()?;
    let told = unhex(words.next()?)?;
    let value = if error == 0 { Ok(value) } else { Err(Errno(error)) };
    Some((number, Answer { value, told }))
}

/// Writes a call: the file that it opens, the one that it is on, whether it may sleep, which allocation fails, and what it
/// is.
fn write_op(op: &Op) -> String {
    let number = |number: Option<usize>| number.map_or_else(|| "-".into(), |one| one.to_string());
    let access = |access: &Access| match access {
        Access::Read => 0,
        Access::Write => 1,
        Access::ReadWrite => 2,
    };
    let step = match &op.step {
        Step::Open(how) => format!("open {}", access(how)),
        Step::OpenTimer(how) => format!("open_timer {}", access(how)),
        Step::CreateTimer(_, argument) => format!("create {}", hex(argument)),
        Step::Ioctl { code, argument, .. } => format!("ioctl {code} {}", hex(argument)),
        Step::Write(_, data) => format!("write {}", hex(data)),
        Step::Read(_, len) => format!("read {len}"),
        Step::Close(_) => "close".into(),
        Step::Poll(_) | Step::Wait(_) | Step::Inside(_) => "poll".into(),
    };
    let fail = op.fail.map_or_else(|| "-".into(), |nth| nth.to_string());
    let (opens, file) = (number(op.opens), number(op.file));
    let how = op.how.map_or(0, |how| how as u8 + 1);
    let pointer = number(op.pointer.and_then(|pointer| usize::try_from(pointer.number()).ok()));
    let [blocks, changes, append, vector] =
        [op.blocks, op.changes, op.append, op.vector].map(u8::from);
    let copy = op.copy.map_or(0, |copy| copy as u8 + 1);
    format!(
        "{opens} {file} {blocks}{changes} {append} {vector}{copy} {how} {pointer} {fail} {step}"
    )
}

fn read_op(line: &str) -> Option<Op> {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |word: &str| if word == "-" { Some(None) } else { word.parse().ok().map(Some) };
    let opens: Option<usize> = number(words.first()?)?;
    let file = number(words.get(1)?)?;
    let (blocks, changes) = words.get(2)?.split_at_checked(1)?;
    let (blocks, changes) = (blocks == "1", changes == "1");
    let append = *words.get(3)? == "1";
    let (vector, copy) = words.get(4)?.split_at_checked(1)?;
    let (vector, copy) = (vector == "1", Copied::of(copy.parse().ok()?));
    let how = How::of(words.get(5)?.parse().ok()?);
    let pointer = number(words.get(6)?)?.map(|number| Pointer::of(number as u64));
    let fail = words.get(7)?.parse().ok();
    let on = file.unwrap_or(0);
    let word = || words.get(9).copied();
    let access = || {
        Some(match word()? {
            "0" => Access::Read,
            "1" => Access::Write,
            _ => Access::ReadWrite,
        })
    };
    let step = match *words.get(8)? {
        "open" => Step::Open(access()?),
        "open_timer" => Step::OpenTimer(access()?),
        "create" => Step::CreateTimer(on, unhex(word()?)?),
        "ioctl" => {
            let (code, argument) = (word()?.parse().ok()?, unhex(words.get(10)?)?);
            Step::Ioctl { file: on, code, compat: false, argument }
        }
        "write" => Step::Write(on, unhex(word()?)?),
        "read" => Step::Read(on, word()?.parse().ok()?),
        "close" => Step::Close(on),
        "poll" => Step::Poll(on),
        _ => return None,
    };
    let op = Op {
        step,
        opens,
        file,
        blocks,
        changes,
        fail,
        append,
        how,
        pointer,
        vector,
        copy,
        ..Op::close(on, 0)
    };
    Some(op)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_answers_are_read_as_they_are_written() {
        let steps = [
            (Step::Open(Access::Write), Some(3), None),
            (Step::OpenTimer(Access::ReadWrite), Some(4), None),
            (Step::CreateTimer(1, vec![1, 255]), Some(5), Some(1)),
            (Step::Ioctl { file: 7, code: 9, compat: false, argument: vec![0, 16] }, None, Some(7)),
            (Step::Write(2, Vec::new()), None, Some(2)),
            (Step::Read(2, 28), None, Some(2)),
            (Step::Close(6), None, Some(6)),
            (Step::Poll(6), None, Some(6)),
        ];
        for (step, opens, file) in steps {
            let op = Op { step, opens, file, blocks: true, fail: Some(2), ..Op::close(0, 0) };
            let (how, pointer) = (Some(How::Edge), Some(Pointer::Edge(28)));
            let copy = Some(Copied::InChild);
            let other =
                Op { changes: true, append: true, vector: true, how, pointer, copy, ..op.clone() };
            assert_eq!(read_op(&write_op(&op)), Some(op));
            assert_eq!(read_op(&write_op(&other)), Some(other));
        }
        for value in [Ok(12), Err(Errno::EINTR)] {
            let answer = Answer { value, told: vec![1, 2] };
            assert_eq!(read_answer(&write_answer(4, &answer)), Some((4, answer)));
        }
        assert_eq!(read_op("1 2 3"), None);
    }
}
