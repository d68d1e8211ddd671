//! Runs a program and says what it reached and what went wrong.

use super::beside;
use super::{model, report};
use crate::concurrent::device::{Devices, Moment};
use crate::concurrent::session::World;
use crate::concurrent::{self, Plan};
use crate::device::{Abilities, Access, Device, EngineDevice, Inside, Readiness};
use crate::field::REQUESTS;
use crate::program::{Operation, Program};
use crate::tape::{Step, Tape};
use crate::transcript::{Transcript, transcript, transcript_rude};
use crate::{cover, memory};
use aseqd_abi::Errno;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a program is repeated on one engine to see whether memory grows each time. The engine keeps at most 64
/// buffers for reuse.
const STAGES: [usize; 3] = [16, 150, 400];
/// Maximum time of one wait.
const MAX_WAIT: Duration = Duration::from_millis(200);
/// Maximum time that a program waits on a device in all, so that the watchdog does not take it for a hang.
const MAX_WAITS: Duration = Duration::from_secs(4);

/// What is checked besides panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// That the model expects the same events.
    pub model: bool,
    /// That nothing is left of the program, that memory does not grow, and that a second run answers the same.
    pub rest: bool,
    /// Whether the report of a panic has its stack, which takes long.
    pub stack: bool,
}

impl Checks {
    /// Everything.
    pub const ALL: Self = Self { model: true, rest: true, stack: true };
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What stays the same while a program is shrunk: the place of a panic, or the check that failed.
    pub key: String,
    /// The report in the kernel's form.
    pub report: String,
}

/// What a program did.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// The edges that it took, each with a bit for how often.
    pub edges: Vec<(usize, u8)>,
    /// Its answers, by kind: calls with their errors, alone and behind the call before.
    pub answers: Vec<u64>,
    /// How far the model followed it.
    pub followed: model::Followed,
    /// What went wrong.
    pub wrong: Option<Wrong>,
    /// The answers in words.
    pub log: String,
}

/// What the thread that runs programs is doing: for the watchdog.
pub(super) static CALL: AtomicUsize = AtomicUsize::new(0);

/// Whether the call that runs does not return although it got signals.
pub(super) static STUCK: AtomicBool = AtomicBool::new(false);

/// The number of calls that were begun.
pub(super) static CALLS: AtomicU64 = AtomicU64::new(0);

/// Calls that are no requests. Their numbers follow those of the table of requests.
const PLAIN: [&str; 11] = [
    "close", "open", "t_open", "write", "read", "poll", "sleep", "ioctl", "session", "inside",
    "devices",
];

/// Returns the name of the call that runs.
pub(super) fn current_call() -> &'static str {
    let number = CALL.load(Ordering::Relaxed);
    match REQUESTS.get(number) {
        Some(request) => request.name,
        None => PLAIN.get(number - REQUESTS.len()).copied().unwrap_or("close"),
    }
}

/// A device that notes which call runs.
struct Noted<'a> {
    device: &'a mut dyn Device,
    /// The time that the program may still wait.
    left: Duration,
}

impl Noted<'_> {
    fn note(name: &'static str) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let number = PLAIN.iter().position(|plain| *plain == name).unwrap_or(0);
        CALL.store(REQUESTS.len() + number, Ordering::Relaxed);
    }
    fn note_ioctl(code: u32) {
        match REQUESTS.iter().position(|request| request.code == code) {
            Some(number) => {
                CALLS.fetch_add(1, Ordering::Relaxed);
                CALL.store(number, Ordering::Relaxed);
            }
            None => Self::note("ioctl"),
        }
    }
}

impl Device for Noted<'_> {
    fn open(&mut self, access: Access) -> Result<usize, Errno> {
        Self::note("open");
        self.device.open(access)
    }
    fn open_timer(&mut self, access: Access) -> Result<usize, Errno> {
        Self::note("t_open");
        self.device.open_timer(access)
    }
    fn create_timer(&mut self, file: usize, argument: &mut [u8]) -> Result<usize, Errno> {
        Self::note_ioctl(aseqd_abi::ioctl::timers::CREATE);
        self.device.create_timer(file, argument)
    }
    fn close(&mut self, file: usize) {
        Self::note("close");
        self.device.close(file);
    }
    fn ioctl(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        Self::note_ioctl(code);
        self.device.ioctl(file, code, argument)
    }
    fn ioctl_compat(&mut self, file: usize, code: u32, argument: &mut [u8]) -> Result<i32, Errno> {
        Self::note_ioctl(code);
        self.device.ioctl_compat(file, code, argument)
    }
    fn write(&mut self, file: usize, data: &[u8]) -> Result<usize, Errno> {
        Self::note("write");
        self.device.write(file, data)
    }
    fn read(&mut self, file: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        Self::note("read");
        self.device.read(file, buffer)
    }
    fn poll(&mut self, file: usize) -> Readiness {
        Self::note("poll");
        self.device.poll(file)
    }
    fn wait(&mut self, time: Duration) {
        Self::note("sleep");
        let time = time.min(MAX_WAIT).min(self.left);
        self.left -= time;
        self.device.wait(time);
    }
    fn inside(&mut self, inside: &Inside) -> Result<usize, Errno> {
        Self::note("inside");
        self.device.inside(inside)
    }
    fn process(&self) -> i32 {
        self.device.process()
    }
}

fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns the kind of a result: an error's name, or which fields and events came back.
fn kind_of(result: &str) -> String {
    let first = result.lines().next().unwrap_or_default();
    if let Some(error) = first.strip_prefix("= E") {
        return error.split(' ').next().unwrap_or_default().to_owned();
    }
    // Numbers are no news; which fields are set, and which events were read, are.
    let names = first.split(' ').filter_map(|word| word.split_once('=').map(|(name, _)| name));
    let events = result.lines().skip(1).filter_map(|line| line.split(' ').next());
    let mut all: Vec<&str> = names.chain(events).collect();
    all.sort_unstable();
    all.dedup();
    all.join(" ")
}

/// Returns the kinds of a transcript's answers. Where edges are `counted`, errors alone are news enough.
pub(super) fn answers(program: &Program, transcript: &Transcript, counted: bool) -> Vec<u64> {
    let mut all = Vec::new();
    let mut before = String::new();
    for (call, result) in program.calls.iter().zip(&transcript.results) {
        let name = match call.operation {
            Operation::Request(name) => name,
            operation => operation.name(),
        };
        let kind = kind_of(result);
        if counted {
            let error = result.starts_with("= E");
            all.push(hash(&[name, if error { &kind } else { "" }]));
            continue;
        }
        all.push(hash(&[name, &kind]));
        let short = kind.split(' ').next().unwrap_or_default();
        let this = format!("{name} {short}");
        all.push(hash(&[&before, &this]));
        before = this;
    }
    all
}

/// Runs a program on a device that is not ours to look into.
pub(super) fn device(device: &mut dyn Device, program: &Program, rude: bool) -> Ran {
    let run = if rude { transcript_rude } else { transcript };
    let told = run(&mut Noted { device, left: MAX_WAITS }, program);
    // The edges of a program that counts them are not those of the device.
    let answers = answers(program, &told, false);
    Ran { answers, log: told.with_calls(program), ..Ran::default() }
}

/// Runs a program on a device of a server of ours, and compares with the engine in this process. What differs must differ
/// again: a busy machine may lose the processor in any call.
pub(super) fn served(device: &mut dyn Device, abilities: Abilities, program: &Program) -> Ran {
    let told = transcript(&mut Noted { device, left: MAX_WAITS }, program);
    let found = beside::difference(program, &told, abilities);
    let wrong = found.and_then(|(at, _)| {
        let again = transcript(&mut Noted { device, left: MAX_WAITS }, program);
        let (call, text) = beside::difference(program, &again, abilities)?;
        let name = match program.calls[call].operation {
            Operation::Request(name) => name,
            operation => operation.name(),
        };
        let key = format!("device_other_answer_of_{name}");
        (call == at).then(|| Wrong { report: report::check(&key, &text), key })
    });
    let answers = answers(program, &told, false);
    Ran { answers, log: told.with_calls(program), wrong, ..Ran::default() }
}

/// Runs a program on the server's session, its calls in an order from its seed.
#[must_use]
pub fn session(program: &Program, checks: Checks) -> Ran {
    let mut ran = Ran::default();
    Noted::note("session");
    cover::reset();
    let played = report::catch(checks.stack, || {
        let plan = Plan::of(program);
        let played = World::new(&plan).run(&plan);
        (plan, played)
    });
    cover::taken(|edge, often| ran.edges.push((edge, often)));
    let (plan, played) = match played {
        Ok(played) => played,
        Err((key, report)) => {
            ran.wrong = Some(Wrong { key, report });
            return ran;
        }
    };
    ran.answers = concurrent::answers(program, &played.history);
    if checks.stack {
        ran.log = concurrent::log(program, &played.history);
    }
    ran.wrong =
        played.wrong.and_then(|found| wrong(&format!("session_{}", found.kind), &found.text));
    if ran.wrong.is_none() && checks.rest {
        let checked = report::catch(checks.stack, || rest_of_session(&plan, played.trace));
        ran.wrong = checked.unwrap_or_else(|(key, report)| Some(Wrong { key, report }));
    }
    ran
}

/// Notes how a run on device files goes, for the watchdog.
fn note_moment(moment: Moment<'_>) {
    match moment {
        Moment::Begins => Noted::note("devices"),
        Moment::Stuck(op) => {
            match op.step {
                Step::Ioctl { code, .. } => Noted::note_ioctl(code),
                Step::Read(..) => Noted::note("read"),
                Step::Write(..) => Noted::note("write"),
                Step::Poll(_) => Noted::note("poll"),
                _ => Noted::note("devices"),
            }
            STUCK.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs a program on device files by threads and processes. If they are those of a server of ours, which can do this, an order of
/// its calls must explain the answers.
pub(super) fn devices(devices: &mut Devices, program: &Program, ours: Option<Abilities>) -> Ran {
    Noted::note("devices");
    let mut ran = Ran::default();
    match devices.run(&Plan::of(program), ours, note_moment) {
        Ok((history, found)) => {
            ran.answers = concurrent::answers(program, &history);
            ran.log = concurrent::log(program, &history);
            ran.wrong =
                found.and_then(|found| wrong(&format!("device_{}", found.kind), &found.text));
        }
        Err(error) => ran.log = error,
    }
    ran
}

/// Checks what is left of a plan in the session, memory, and that a second run has the same trace.
fn rest_of_session(plan: &Plan, trace: u64) -> Option<Wrong> {
    let mut world = World::new(plan);
    let fresh = world.texts();
    Noted::note("session");
    if world.run(plan).trace != trace {
        return wrong("session_second_run_differs", "two runs of one seed have different traces");
    }
    for ((name, fresh), (_, now)) in fresh.iter().zip(world.texts()) {
        if plain(fresh) != plain(&now) {
            let text = format!("before:\n{fresh}after:\n{now}");
            return wrong(&format!("session_left_over_{name}"), &text);
        }
    }
    grows(|| drop(world.run(plan)))
        .map(|bytes| Wrong { key: "session_memory".into(), report: report::leak("session", bytes) })
}

/// Returns how many bytes are in use for good after something was done hundreds of times; nothing if memory does not
/// grow with each time. What is kept for reuse is soon as large as it gets. A list that grows by one entry doubles now and
/// then.
fn grows(mut run: impl FnMut()) -> Option<usize> {
    let mut grown = |times: usize| {
        let before = memory::live();
        (0..times).for_each(|_| {
            // For the watchdog: what may take long is one run, not hundreds.
            CALLS.fetch_add(1, Ordering::Relaxed);
            run();
        });
        memory::live().saturating_sub(before)
    };
    STAGES.iter().all(|times| grown(*times) > 0).then(|| grown(STAGES[2]))
}

/// Runs a program on a fresh engine. Every second program, by its number of calls, closes files as they are.
#[must_use]
pub fn engine(program: &Program, checks: Checks) -> Ran {
    let mut ran = Ran::default();
    let rude = program.calls.len() % 2 == 1;
    let run = |device: &mut dyn Device| {
        if rude { transcript_rude(device, program) } else { transcript(device, program) }
    };
    cover::reset();
    let told = report::catch(checks.stack, || {
        let device = &mut EngineDevice::of(program);
        run(&mut Noted { device, left: Duration::MAX })
    });
    cover::taken(|edge, often| ran.edges.push((edge, often)));
    let told = match told {
        Ok(told) => told,
        Err((key, report)) => {
            ran.wrong = Some(Wrong { key, report });
            return ran;
        }
    };
    ran.answers = answers(program, &told, cover::edges() > 0);
    let checked = report::catch(checks.stack, || {
        let model = if checks.model { with_model(program, rude) } else { Ok(Default::default()) };
        let wrong = model.as_ref().err().cloned();
        let rest = || if checks.rest { rest(program, &told, run) } else { None };
        (model.unwrap_or_default(), wrong.or_else(rest))
    });
    ran.wrong = match checked {
        Ok((followed, wrong)) => {
            ran.followed = followed;
            wrong
        }
        Err((key, report)) => Some(Wrong { key, report }),
    };
    if checks.stack {
        ran.log = told.with_calls(program);
    }
    ran
}

fn wrong(key: &str, message: &str) -> Option<Wrong> {
    Some(Wrong { key: key.into(), report: report::check(key, message) })
}

/// Compares with the model.
fn with_model(program: &Program, rude: bool) -> Result<model::Followed, Wrong> {
    let mut tape = Tape::new(EngineDevice::of(program));
    if rude {
        transcript_rude(&mut tape, program)
    } else {
        transcript(&mut tape, program)
    };
    model::compare(&tape.steps, program).map_err(|difference| {
        let step = &tape.steps[difference.call].0;
        let key = format!("model_{}", difference.kind);
        let message = format!(
            "the model expects something else at call {}\n{step:?}\n{}",
            difference.call, difference.text
        );
        Wrong { report: report::check(&key, &message), key }
    })
}

/// Returns a text of `/proc/asound` without what remembers the past.
fn plain(text: &str) -> String {
    text.lines().filter(|line| !line.contains("peak")).collect()
}

/// Checks what is left of a program, memory, and that a second run answers the same.
fn rest(
    program: &Program,
    told: &Transcript,
    run: impl Fn(&mut dyn Device) -> Transcript,
) -> Option<Wrong> {
    let mut device = EngineDevice::of(program);
    let fresh = device.texts();
    let again = run(&mut device);
    if let Some(at) = (0..told.results.len()).find(|at| again.results[*at] != told.results[*at]) {
        let (call, first, second) = (&program.calls[at], &told.results[at], &again.results[at]);
        return wrong("second_run_differs", &format!("{call}\nfirst {first}\nsecond {second}"));
    }
    for ((name, fresh), (_, now)) in fresh.iter().zip(device.texts()) {
        if plain(fresh) != plain(&now) {
            return wrong(&format!("left_over_{name}"), &format!("before:\n{fresh}after:\n{now}"));
        }
    }
    let bytes = grows(|| drop(run(&mut device)))?;
    let call = program.calls.last().map_or("close", |call| call.operation.name());
    Some(Wrong { key: "memory".into(), report: report::leak(call, bytes) })
}
