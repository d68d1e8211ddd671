//! Recordings of aseqd in their text form (`aseqd replay FILE --text`): run on the engine as they are, and turned into
//! programs.

use crate::device::{Access, Inside};
use crate::import::Import;
use crate::program::{Program, Settings};
use crate::tape::{Answer, Step};
use aseqd_abi::ioctl::timers;
use aseqd_engine::{
    Access as How, Call, Config, Engine, FileId, Identity, Input, Node, Reply, Time,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The beginning of the first line.
pub const FIRST_LINE: &str = "aseqd-recording ";

/// Minimum number of calls of a program: what follows the end of a short one may depend on it.
const MIN_STEPS: usize = 40;

/// What entered an engine, in order.
#[derive(Clone, Debug)]
pub struct Recording {
    config: Config,
    records: Vec<(Time, Record)>,
}

#[derive(Clone, Debug)]
enum Record {
    Open(Node, How, Option<i32>),
    OpenKernel(How, Option<u8>, i32, String),
    Ioctl {
        file: FileId,
        code: u32,
        compat: bool,
        bytes: Vec<u8>,
    },
    Read(FileId, usize, bool),
    Write(FileId, Vec<u8>, bool),
    /// The last write of the file goes on behind this many bytes.
    Rest(FileId, usize, bool),
    Poll(FileId),
    Thread(FileId, i32),
    BecomeUserTimer(FileId, u64),
    Close(FileId),
    Timeout,
}

/// Reads a recording.
///
/// # Errors
/// A message that names the line which is not part of a recording.
pub fn parse(text: &str) -> Result<Recording, String> {
    let mut lines = text.lines().enumerate();
    let first = lines.next().map_or("", |(_, line)| line);
    if !first.starts_with(FIRST_LINE) {
        return Err("the text of a recording begins with its format".into());
    }
    let mut config = Config::default();
    for (_, line) in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match key.trim() {
            "user_timers" => config.user_timers = value == "true",
            "quantise" => config.quantise = value == "true",
            "notes_off" => config.notes_off = value == "true",
            "ump" => config.ump = value == "true",
            "hz" => config.hz = value.parse().unwrap_or(config.hz),
            "clients" => config.clients = value.parse().unwrap_or(config.clients),
            _ => {}
        }
    }
    let mut records = Vec::new();
    for (index, line) in lines {
        let line = line.split(" ; ").next().unwrap_or_default().trim();
        if line.is_empty() || line == "end" || line.starts_with("end ") {
            continue;
        }
        let wrong = || format!("line {}: no record: {line}", index + 1);
        if let Some(record) = record(line).ok_or_else(wrong)? {
            records.push(record);
        }
    }
    Ok(Recording { config, records })
}

fn seconds(text: &str) -> Option<Time> {
    let (seconds, fraction) = text.split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(Time(seconds.checked_mul(1_000_000_000)? + fraction.parse::<u64>().ok()?))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Reads a line. The inner value is none for a record that does not enter the engine.
fn record(line: &str) -> Option<Option<(Time, Record)>> {
    let mut words = line.split(' ');
    let now = seconds(words.next()?)?;
    let (_outputs, _check, name) = (words.next()?, words.next()?, words.next()?);
    if ["checkpoint", "note"].contains(&name) {
        return Some(None);
    }
    if name == "timeout" {
        return Some(Some((now, Record::Timeout)));
    }
    let first = words.next()?;
    let file = || first.parse().ok().map(FileId);
    let mut rest = words.clone();
    let nonblock = rest.next() == Some("nonblock");
    let mut words = if nonblock { rest } else { words };
    let record = match name {
        "open" => {
            let how = match words.next()? {
                "r" => How::Read,
                "w" => How::Write,
                "rw" => How::ReadWrite,
                _ => return None,
            };
            let node = match first {
                "sequencer" => Node::Sequencer,
                "timer" => Node::Timer,
                "control" => Node::Control,
                _ => return None,
            };
            let kind = words.next()?;
            if kind == "kernel" {
                let number = words.next()?;
                let number = if number == "-" { None } else { Some(number.parse().ok()?) };
                let card = words.next()?.parse().ok()?;
                let name = words.collect::<Vec<_>>().join(" ");
                Record::OpenKernel(how, number, card, name.trim_matches('"').to_owned())
            } else {
                Record::Open(node, how, words.next()?.parse().ok())
            }
        }
        "ioctl" | "ioctl32" => Record::Ioctl {
            file: file()?,
            code: u32::from_str_radix(words.next()?, 16).ok()?,
            compat: name == "ioctl32",
            bytes: hex(words.next()?)?,
        },
        "read" => Record::Read(file()?, words.next()?.parse().ok()?, nonblock),
        "write" => Record::Write(file()?, hex(words.next()?)?, nonblock),
        "rest" => Record::Rest(file()?, words.next()?.parse().ok()?, nonblock),
        "poll" => Record::Poll(file()?),
        "thread" => Record::Thread(file()?, words.next()?.parse().ok()?),
        "user-timer" => Record::BecomeUserTimer(file()?, words.next()?.parse().ok()?),
        "close" => Record::Close(file()?),
        _ => return None,
    };
    Some(Some((now, record)))
}

impl Recording {
    /// Runs it on an engine of its own. Returns the calls as programs, and each call with what came of it: no bytes come with
    /// these answers, and a call that sleeps has the answer 0. A program ends where no file is open.
    #[must_use]
    pub fn run(&self) -> Vec<(Program, Vec<(Step, Answer)>)> {
        let mut run = Run {
            engine: Engine::with_config(self.config),
            out: Vec::new(),
            steps: Vec::new(),
            files: BTreeMap::new(),
            opened: 0,
            blocking: BTreeMap::new(),
            writes: BTreeMap::new(),
            process: None,
            told: self.records.first().map_or(Time(0), |(now, _)| *now),
        };
        let mut programs = Vec::new();
        for (now, record) in &self.records {
            run.record(*now, record);
            if run.files.is_empty() && run.steps.len() >= MIN_STEPS {
                programs.push(self.program(&mut run));
            }
        }
        if !run.steps.is_empty() {
            programs.push(self.program(&mut run));
        }
        programs
    }

    /// Takes the calls so far as a program.
    fn program(&self, run: &mut Run) -> (Program, Vec<(Step, Answer)>) {
        let plain = Config::default();
        let Config { notes_off, quantise, hz, clients, .. } = self.config;
        let settings = Settings {
            notes_off,
            quantise,
            hz: (hz != plain.hz).then_some(hz),
            clients: (clients != plain.clients).then_some(clients),
        };
        let ump = self.config.ump || self.config.user_timers;
        let answered = std::mem::take(&mut run.steps);
        let steps: Vec<Step> = answered.iter().map(|(step, _)| step.clone()).collect();
        let program = Import::program_of_process(&steps, run.process.take());
        run.opened = 0;
        (Program { ump, settings, ..program }, answered)
    }
}

const fn nothing() -> Answer {
    Answer { value: Ok(0), told: Vec::new() }
}

struct Run {
    engine: Engine,
    out: Vec<u8>,
    steps: Vec<(Step, Answer)>,
    /// The number of the call that opened a file, by the file.
    files: BTreeMap<FileId, usize>,
    opened: usize,
    /// Whether calls on a file sleep.
    blocking: BTreeMap<FileId, bool>,
    /// The last write of each file.
    writes: BTreeMap<FileId, Vec<u8>>,
    /// The process that has opened the first file.
    process: Option<i32>,
    /// The time up to which the steps tell.
    told: Time,
}

const fn access(how: How) -> Access {
    match how {
        How::Read => Access::Read,
        How::Write => Access::Write,
        How::ReadWrite => Access::ReadWrite,
    }
}

impl Run {
    /// Puts an input into the engine. Its answer is that of the last call.
    fn handle(&mut self, now: Time, input: Input<'_>) -> Reply {
        let timeout = input == Input::Timeout;
        let reply = self.engine.handle(now, input, &mut self.out);
        while self.engine.poll_output().is_some() {}
        if let (false, Reply::Failed(error), Some((_, answer))) =
            (timeout, reply, self.steps.last_mut())
        {
            answer.value = Err(error.errno);
        }
        reply
    }

    fn push(&mut self, now: Time, step: Step) {
        // Time that nobody has waited for is part of the next wait.
        let passed = now.0.saturating_sub(self.told.0);
        if passed > 0 {
            self.steps.push((Step::Wait(Duration::from_nanos(passed)), nothing()));
            self.told = now;
        }
        self.steps.push((step, nothing()));
    }

    fn opened(&mut self, reply: Reply) {
        if let Ok(file) = reply.finish() {
            let file = FileId(u32::try_from(file).unwrap_or(u32::MAX));
            self.files.insert(file, self.opened);
            self.blocking.remove(&file);
        }
        self.opened += 1;
    }

    fn number(&self, file: FileId) -> usize {
        self.files.get(&file).copied().unwrap_or(usize::MAX)
    }

    fn sleeps(&mut self, now: Time, file: FileId, on: bool) {
        if self.blocking.get(&file).copied().unwrap_or(false) != on {
            self.blocking.insert(file, on);
            self.push(now, Step::Inside(Inside::Blocking(self.number(file), on)));
        }
    }

    fn record(&mut self, now: Time, record: &Record) {
        match record {
            Record::Open(node, how, pid) => {
                let step = match node {
                    Node::Sequencer => Step::Open(access(*how)),
                    Node::Timer => Step::OpenTimer(access(*how)),
                    Node::Control => Step::Inside(Inside::OpenControl(access(*how))),
                };
                self.push(now, step);
                let identity = Identity::User { pid: pid.unwrap_or(0) };
                let reply = self.handle(now, Input::Open { node: *node, access: *how, identity });
                self.opened(reply);
                let first = *self.process.get_or_insert_with(|| pid.unwrap_or(0));
                if let Some(pid) = pid.filter(|pid| *node == Node::Timer && *pid != first) {
                    self.push(now, Step::Inside(Inside::Thread(self.opened - 1, pid)));
                }
            }
            Record::OpenKernel(how, number, card, name) => {
                self.push(
                    now,
                    Step::Inside(Inside::OpenKernel {
                        access: access(*how),
                        number: *number,
                        card: *card,
                        name: name.clone(),
                    }),
                );
                let identity = Identity::Kernel { number: *number, card: *card, name };
                let open = Input::Open { node: Node::Sequencer, access: *how, identity };
                let reply = self.handle(now, open);
                self.opened(reply);
            }
            Record::Ioctl { file, code, compat, bytes } => {
                let (call, number) = (
                    Call::Ioctl { request: *code, compat: *compat, arg: bytes },
                    self.number(*file),
                );
                let makes = *code == timers::CREATE && bytes.len() >= 16;
                let step = if makes {
                    Step::CreateTimer(number, bytes.clone())
                } else {
                    let argument = bytes.clone();
                    Step::Ioctl { file: number, code: *code, compat: *compat, argument }
                };
                self.push(now, step);
                let reply = self.handle(now, Input::Call { file: *file, call });
                if makes {
                    let made = self.out.get(8..12).and_then(|fd| fd.try_into().ok());
                    if let (Reply::Done(_), Some(fd)) = (reply, made) {
                        self.files.insert(FileId(u32::from_le_bytes(fd)), self.opened);
                    }
                    self.opened += 1;
                }
            }
            Record::Read(file, len, nonblock) => {
                self.sleeps(now, *file, !nonblock);
                self.push(now, Step::Read(self.number(*file), *len));
                let call = Call::Read { len: *len, nonblock: *nonblock };
                let _told = self.handle(now, Input::Call { file: *file, call });
            }
            Record::Write(file, data, nonblock) => {
                self.sleeps(now, *file, !nonblock);
                self.push(now, Step::Write(self.number(*file), data.clone()));
                let call = Call::Write { data, nonblock: *nonblock };
                let _told = self.handle(now, Input::Call { file: *file, call });
                self.writes.insert(*file, data.clone());
            }
            Record::Rest(file, done, nonblock) => {
                let whole = self.writes.remove(file).unwrap_or_default();
                let data = whole.get(*done..).unwrap_or_default();
                self.push(now, Step::Write(self.number(*file), data.to_vec()));
                let call = Call::Write { data, nonblock: *nonblock };
                let _told = self.handle(now, Input::Call { file: *file, call });
                self.writes.insert(*file, whole);
            }
            Record::Poll(file) => {
                self.push(now, Step::Poll(self.number(*file)));
                let _told = self.handle(now, Input::Call { file: *file, call: Call::Poll });
            }
            Record::Thread(file, thread) => {
                self.push(now, Step::Inside(Inside::Thread(self.number(*file), *thread)));
                let _told = self.handle(now, Input::Thread { file: *file, thread: *thread });
            }
            Record::BecomeUserTimer(file, resolution) => {
                let inside = Inside::BecomeUserTimer(self.number(*file), *resolution);
                self.push(now, Step::Inside(inside));
                let become_timer = Input::BecomeUserTimer { file: *file, resolution: *resolution };
                let _told = self.handle(now, become_timer);
            }
            Record::Close(file) => {
                self.push(now, Step::Close(self.number(*file)));
                let _told = self.handle(now, Input::Close { file: *file });
                self.files.remove(file);
            }
            Record::Timeout => {
                let _told = self.handle(now, Input::Timeout);
            }
        }
    }
}
